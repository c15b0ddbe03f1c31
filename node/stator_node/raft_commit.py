"""The commit of a replicated partition: evaluated writes become log entries, and answers wait.

In: evaluated writes from `replica.py`, through the same door as `group_commit.py`. Everything that
arrives while the disk is busy becomes one entry. Out: proposals to the partition's Raft
(`hosted_partition.py`), and answers once an entry is committed by a quorum and applied here.

Invariants: entries are evaluated against what is applied plus every group still in flight, in the
order in which they are proposed; an answer of success leaves only after its group is applied; when
leadership is lost, a group that was not proposed is answered as not begun, and one that was waits,
where a newer term is known, for what the log says in its place: its own entry, then it is done, or
another, then it never was (Raft, 5.3: an index and a term name one entry). Else it is answered as
unknown. A group that cannot be proposed takes with it all that were evaluated on top of it. Who
asks for a write looks at `is_full` first: beyond it memory would have no bound.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence

from stator_core.entry_format import StoredWrite
from stator_core.errors import DynamoDBError, InternalServerError
from stator_node.doors import ItemStore, Operation
from stator_node.group_commit import Group
from stator_node.pending import Pending

logger = logging.getLogger(__name__)

# A group beyond this many bytes is closed: followers should not wait for one huge entry.
GROUP_BYTES_MAX = 1024 * 1024
# With so much not even in the log, a disk or a quorum hangs: more is refused, not piled up.
WAITING_BYTES_MAX = 32 * 1024 * 1024
# So long writes of a deposed leader wait to hear what became of them: whoever deposed it is near.
UNCERTAIN_MILLISECONDS_MAX = 1_000
OUTCOME_UNKNOWN = "The request may or may not have taken effect: its partition lost its leader."


class NotLeading(Exception):
    """This replica does not lead, or not yet: nothing was begun."""


class OutcomeUnknown(InternalServerError):
    """A proposed write whose fate this replica cannot tell."""


class RaftCommit:
    """Collects writes into groups and has them replicated one after the other."""

    def __init__(self, store: ItemStore, propose_soon: Callable[[], None]) -> None:
        """`propose_soon` has `take` called, soon and not within this turn."""
        self.store = store
        self._propose_soon = propose_soon
        self.syncing: Group | None = None  # What is applied is durable at a quorum.
        self.failed: str | None = None
        self.reads_failed = False
        self.collecting = Group()
        self.collecting_bytes = 0
        # Closed for their size and not yet proposed: (bytes, group).
        self._waiting: deque[tuple[int, Group]] = deque()
        self._waiting_bytes = 0
        self._proposed: deque[tuple[int, int, Group]] = deque()  # (index, term, group)
        # Proposed before leadership was lost, by (index, term): no part of what writers see.
        self._uncertain: dict[tuple[int, int], Group] = {}
        self._uncertain_until = 0  # then they are given up; milliseconds of Raft's clock

    @property
    def proposed(self) -> int:
        """How many groups are on their way through the log."""
        return len(self._proposed)

    @property
    def uncertain(self) -> int:
        """How many groups wait for what the log of another leader says of them."""
        return len(self._uncertain)

    @property
    def deadline(self) -> int | None:
        """When `tick` must be called; None: not at all."""
        return self._uncertain_until if self._uncertain else None

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be proposed that nothing more should be evaluated."""
        return self._waiting_bytes + self.collecting_bytes > WAITING_BYTES_MAX

    def item(self, key: bytes) -> bytes | None:
        """The stored item as a writer must see it: in flight, or else as applied."""
        group = self.group_of(key)
        return self.store.get(key) if group is None else group.values[key]

    def index_entry(self, key: bytes) -> bytes | None:
        """The same for a key of the family "indexes"."""
        for group in self._newest_first():
            if key in group.index_values:
                return group.index_values[key]
        return self.store.get_from("indexes", key)

    def group_of(self, key: bytes) -> Group | None:
        """The newest group in flight that writes this item key."""
        if key in self.collecting.values:
            return self.collecting
        if self._waiting or self._proposed:
            for group in self._newest_first():
                if key in group.values:
                    return group
        return None

    def stage(self, key: bytes, value: bytes | None, operations: Sequence[Operation]) -> Group:
        """Put one item write, and `operations` beside it, into the group being collected."""
        group = self.collecting
        if self.collecting_bytes > GROUP_BYTES_MAX:
            self._waiting.append((self.collecting_bytes, group))
            self._waiting_bytes += self.collecting_bytes
            group = self.collecting = Group()
            self.collecting_bytes = 0
        group.values[key] = value
        group.operations.append(("items", key, value))
        self.collecting_bytes += len(key) + (0 if value is None else len(value))
        if operations:
            group.operations.extend(operations)
            for family, index_key, index_value in operations:
                self.collecting_bytes += len(index_key) + len(index_value or b"")
                if family == "indexes":
                    group.index_values[index_key] = index_value
        return group

    def stage_beside(self, operations: Sequence[Operation]) -> Group:
        """Put writes into the group being collected that are no items' and follow from none."""
        group = self.collecting
        group.operations.extend(operations)
        for family, key, value in operations:
            if family == "indexes":
                group.index_values[key] = value
        self.collecting_bytes += sum(len(key) + len(value or b"") for _, key, value in operations)
        return group

    def answer_after(self, group: Group, answer: bytes | DynamoDBError) -> Pending[bytes]:
        """Give `answer` once `group` is applied: it reveals what the group writes."""
        pending: Pending[bytes] = Pending()
        group.waiters.append((pending, answer))
        if group is self.collecting:
            self._propose_soon()
        return pending

    def read_after(self, group: Group, read: Callable[[], bytes]) -> Pending[bytes]:
        """Run `read` once `group` is applied."""
        pending: Pending[bytes] = Pending()

        def settle(applied: Pending[bytes]) -> None:
            if applied.error is not None:
                pending.fail(NotLeading())  # Another replica knows; a read can be asked again.
                return
            try:
                found = read()
            except Exception as error:  # noqa: BLE001  # The door that waits answers it.
                pending.fail(error)
            else:
                pending.resolve(found)

        self.answer_after(group, b"").listen(settle)
        return pending

    # What the hosted partition calls.

    def take(self) -> Group | None:
        """The next group to propose, if one waits."""
        if self._waiting:
            size, waiting = self._waiting.popleft()
            self._waiting_bytes -= size
            return waiting
        if not self.collecting.waiters:
            return None
        group, self.collecting = self.collecting, Group()
        self.collecting_bytes = 0
        return group

    def has_more(self) -> bool:
        """Whether another group waits to be proposed."""
        return bool(self._waiting or self.collecting.waiters)

    def was_proposed(self, index: int, term: int, group: Group) -> None:
        """The group stands in the log at this index."""
        assert not self._proposed or self._proposed[-1][0] < index
        self._proposed.append((index, term, group))

    def group_at(self, index: int, term: int) -> Group | None:
        """The own group that a committed entry carries; None for somebody else's entry."""
        if not self._proposed or self._proposed[0][0] > index:
            return None
        own_index, own_term, group = self._proposed[0]
        assert (own_index, own_term) == (index, term), "a group in flight outlived its leadership"
        self._proposed.popleft()
        return group

    def uncertain_at(self, index: int, term: int) -> Group | None:
        """The group of an earlier leadership that a committed entry carries, if it does."""
        return self._uncertain.pop((index, term), None) if self._uncertain else None

    def applied_up_to(self, index: int, term: int) -> None:
        """All that stands in the log up to this entry is known: other uncertain groups never were.

        Nor can one of an earlier term stand behind it: terms never fall in a log. They can be asked
        for again at the leader that there is now.
        """
        if self._uncertain:
            for place in [each for each in self._uncertain if each[0] <= index or each[1] < term]:
                _answer(self._uncertain.pop(place), NotLeading())

    def applied(self, group: Group) -> None:
        """The group is committed and applied: everybody who waits for it hears."""
        _answer(group, None)

    def refuse(self, group: Group) -> None:
        """The group could not be proposed: nothing was begun, of it and of all behind it.

        Those were evaluated against its writes, which never happened.
        """
        behind = self._not_proposed()
        for each in (group, *behind):
            _answer(each, NotLeading())

    def refuse_all(self) -> None:
        """What is not in the log yet is not begun: its keys may be another partition's by now."""
        for group in self._not_proposed():
            _answer(group, NotLeading())

    def lead_no_more(self, now: int, term: int) -> None:
        """Leadership is lost, in this term: what was not proposed is not begun.

        What was proposed in an earlier term waits for its fate: another replica stands for the new
        one, and is heard. Who gives up in its own term hears nobody, so waiting tells nothing.
        """
        if not self._uncertain:
            self._uncertain_until = now + UNCERTAIN_MILLISECONDS_MAX
        proposed, self._proposed = self._proposed, deque()
        not_begun = self._not_proposed()
        for index, own_term, group in proposed:
            if own_term < term:
                self._uncertain[index, own_term] = group
            else:
                _answer(group, OutcomeUnknown(OUTCOME_UNKNOWN))
        for group in not_begun:
            _answer(group, NotLeading())

    def stand_still(self) -> None:
        """This replica applies nothing any more: nobody will say here what became of writes."""
        self.lead_no_more(0, 0)  # No term is earlier, so nothing waits.
        self._give_up_uncertain()

    def tick(self, now: int) -> None:
        """Time has passed."""
        if self._uncertain and now >= self._uncertain_until:
            self._give_up_uncertain()

    def _give_up_uncertain(self) -> None:
        uncertain, self._uncertain = self._uncertain, {}
        for group in uncertain.values():
            _answer(group, OutcomeUnknown(OUTCOME_UNKNOWN))

    def _not_proposed(self) -> list[Group]:
        """Take away every group that is not in the log yet."""
        groups = [group for _, group in self._waiting]
        groups.append(self.collecting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self.collecting = Group()
        self.collecting_bytes = 0
        return groups

    async def drain(self) -> None:
        """Nothing to wait for: what was acknowledged is durable at a quorum."""

    def storage_failed(self, error: BaseException, *, reads_too: bool = False) -> None:
        """The disk refuses: this replica takes no more writes, its peers go on without it."""
        self.failed = str(error)
        self.reads_failed = self.reads_failed or reads_too

    def _newest_first(self) -> list[Group]:
        groups = [group for _, _, group in self._proposed]
        groups += [group for _, group in self._waiting]
        groups.append(self.collecting)
        groups.reverse()
        return groups


def _answer(group: Group, error: Exception | None) -> None:
    """Tell everybody who waits for a group: their answer, or that nothing came of it."""
    for pending, answer in group.waiters:
        try:
            if error is not None:
                pending.fail(error)
            elif isinstance(answer, bytes):
                pending.resolve(answer)
            else:
                pending.fail(answer)
        except Exception:
            # One listener's bug must not leave the others waiting for ever.
            logger.exception("an answer could not be given")


def stored_writes(group: Group) -> list[StoredWrite]:
    """The group's writes as an entry carries them."""
    return [
        (family, key, value)
        for family, key, value in group.operations
        if family != "log" and family != "meta"
    ]
