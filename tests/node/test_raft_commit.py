"""Groups of writes through the log: what writers see, and what everybody hears at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stator_core.errors import ConditionalCheckFailedException
from stator_node.group_commit import Group
from stator_node.memory import MemoryItemStore
from stator_node.pending import Pending
from stator_node.raft_commit import (
    GROUP_BYTES_MAX,
    UNCERTAIN_MILLISECONDS_MAX,
    WAITING_BYTES_MAX,
    NotLeading,
    OutcomeUnknown,
    RaftCommit,
    stored_writes,
)

OK = b"{}"
NOW = 1_000
NEXT_TERM = 9
HALF = bytes(GROUP_BYTES_MAX // 2 + 1)


class Writer:
    """A commit whose log is the test: it proposes, applies and loses leadership when told."""

    def __init__(self) -> None:
        self.store = MemoryItemStore()
        self.asked = 0  # how often it wanted to propose
        self.commit = RaftCommit(self.store, self._ask)
        self.index = 0

    def _ask(self) -> None:
        self.asked += 1

    def put(self, key: bytes, value: bytes | None, answer: bytes = OK) -> Pending[bytes]:
        return self.commit.answer_after(self.commit.stage(key, value, []), answer)

    def propose(self, term: int = 2) -> Group:
        group = self.commit.take()
        assert group is not None
        self.index += 1
        self.commit.was_proposed(self.index, term, group)
        return group

    def apply(self, index: int, term: int = 2) -> None:
        group = self.commit.group_at(index, term)
        assert group is not None
        self.store.write(group.operations, sync=False)
        self.commit.applied(group)

    def apply_for_another(self, index: int, term: int) -> None:
        """The log of the next leader has kept an entry of this one."""
        own = self.commit.uncertain_at(index, term)
        assert own is not None
        self.commit.applied(own)
        self.commit.applied_up_to(index, term)

    def lose(self) -> None:
        """Leadership, and nobody will say what became of what was proposed."""
        self.commit.stand_still()


@pytest.fixture
def writer() -> Writer:
    return Writer()


def error_of(pending: Pending[bytes]) -> type[BaseException]:
    assert pending.error is not None
    return type(pending.error)


def test_what_is_collected_becomes_one_group_and_asks_for_its_proposal(writer: Writer) -> None:
    assert not writer.commit.has_more()
    answers = [writer.put(key, b"v") for key in (b"a", b"b")]
    assert writer.asked > 0
    assert writer.commit.has_more()
    group = writer.propose()

    assert stored_writes(group) == [("items", b"a", b"v"), ("items", b"b", b"v")]
    assert not writer.commit.has_more()
    assert writer.commit.take() is None
    assert not any(answer.done for answer in answers), "proposed is not committed"
    writer.apply(1)
    assert [answer.result() for answer in answers] == [OK, OK]


def test_writers_see_the_newest_of_several_groups_in_flight(writer: Writer) -> None:
    writer.store.write([("items", b"k", b"stored")], sync=True)
    assert writer.commit.item(b"k") == b"stored"
    assert writer.commit.group_of(b"k") is None
    groups = []
    for value in (b"first", b"second", None):
        writer.put(b"k", value)
        assert writer.commit.item(b"k") == value
        groups.append(writer.propose())
        assert writer.commit.item(b"k") == value
    writer.put(b"k", b"collected")

    assert writer.commit.proposed == 3
    assert writer.commit.item(b"k") == b"collected"
    assert writer.commit.group_of(b"k") is writer.commit.collecting
    writer.commit.take()
    assert writer.commit.group_of(b"k") is groups[2]
    assert writer.commit.item(b"k") is None, "deleted in flight"


def test_what_waits_to_be_proposed_has_a_bound(writer: Writer) -> None:
    answers = []
    while not writer.commit.is_full:
        answers.append(writer.put(b"%d" % len(answers), HALF))
    assert len(answers) * len(HALF) <= WAITING_BYTES_MAX + GROUP_BYTES_MAX
    writer.propose()
    writer.propose()
    assert not writer.commit.is_full
    writer.commit.refuse_all()
    assert not writer.commit.has_more()
    while not writer.commit.is_full:
        answers.append(writer.put(b"%d" % len(answers), HALF))
    writer.lose()
    assert not writer.commit.is_full
    assert all(answer.done for answer in answers)


def test_groups_leave_the_overlay_one_by_one_as_they_are_applied(writer: Writer) -> None:
    for value in (b"first", b"second"):
        writer.put(b"k", value)
        writer.put(value, value)
        writer.propose()
    writer.apply(1)
    assert writer.commit.item(b"k") == b"second"
    assert writer.commit.group_of(b"first") is None
    writer.apply(2)
    assert writer.commit.group_of(b"k") is None

    assert writer.commit.item(b"k") == b"second"
    assert writer.commit.proposed == 0


def test_index_entries_in_flight_are_seen_newest_first(writer: Writer) -> None:
    writer.store.write([("indexes", b"i", b"stored")], sync=True)
    for value in (b"first", None):
        commit = writer.commit
        commit.answer_after(commit.stage(b"k", b"v", [("indexes", b"i", value)]), OK)
        assert commit.index_entry(b"i") == value
        writer.propose()

    assert writer.commit.index_entry(b"i") is None
    assert writer.commit.index_entry(b"other") is None
    writer.commit.lead_no_more(NOW, NEXT_TERM)
    assert writer.commit.index_entry(b"i") == b"stored"


def test_a_global_index_s_entry_travels_in_its_group_and_is_nobody_s_item(writer: Writer) -> None:
    commit = writer.commit
    commit.answer_after(commit.stage(b"k", b"v", [("items", b"g", b"entry")]), OK)

    assert commit.group_of(b"g") is None
    assert stored_writes(writer.propose()) == [("items", b"k", b"v"), ("items", b"g", b"entry")]


def test_a_group_that_is_large_enough_is_closed_and_proposed_in_its_turn(writer: Writer) -> None:
    for key in (b"a", b"b", b"c"):
        writer.put(key, HALF)
    writer.put(b"a", b"newer")

    assert writer.commit.item(b"a") == b"newer"
    assert [write[1] for write in stored_writes(writer.propose())] == [b"a", b"b"]
    assert writer.commit.has_more()
    assert [write[1] for write in stored_writes(writer.propose())] == [b"c", b"a"]
    assert not writer.commit.has_more()


def test_an_entry_of_another_leader_is_nobody_s_group(writer: Writer) -> None:
    assert writer.commit.group_at(1, 2) is None
    writer.index = 4
    writer.put(b"k", b"v")
    writer.propose()

    assert writer.commit.group_at(4, 1) is None, "an entry before the group's own"
    writer.apply(5)


def test_a_group_in_flight_never_outlives_its_leadership_unseen(writer: Writer) -> None:
    writer.put(b"k", b"v")
    writer.propose(term=2)

    with pytest.raises(AssertionError):
        writer.commit.group_at(1, 3)


def test_lost_leadership_tells_begun_from_not_begun(writer: Writer) -> None:
    begun = writer.put(b"a", HALF)
    writer.propose()
    closed = [writer.put(key, HALF) for key in (b"b", b"c")]
    collected = [writer.put(b"d", b"v")]
    writer.commit.lead_no_more(NOW, NEXT_TERM)

    assert not begun.done, "its entry may yet come, from another leader"
    assert [error_of(pending) for pending in closed + collected] == [NotLeading] * 3
    assert not writer.commit.has_more()
    assert writer.commit.proposed == 0
    assert writer.commit.item(b"a") is None
    assert writer.commit.group_at(1, 2) is None
    again = writer.put(b"a", b"v")
    assert stored_writes(writer.propose()) == [("items", b"a", b"v")]
    assert not again.done


def test_the_next_leaders_log_says_what_became_of_a_write(writer: Writer) -> None:
    """Raft, 5.3: an index and a term name one entry, so another in its place is the end of it."""
    kept, replaced = writer.put(b"a", b"1"), []
    writer.propose()
    for key in (b"b", b"c"):
        replaced.append(writer.put(key, b"2"))
        writer.propose()
    writer.commit.lead_no_more(NOW, NEXT_TERM)

    writer.apply_for_another(1, 2)
    assert kept.result() == OK
    assert not any(pending.done for pending in replaced)
    assert writer.commit.uncertain_at(2, 5) is None, "the next leader's own entry"
    writer.commit.applied_up_to(2, 5)
    assert [error_of(pending) for pending in replaced] == [NotLeading] * 2
    assert writer.commit.uncertain == 0


def test_an_entry_of_a_later_term_ends_all_behind_it_of_an_earlier_one(writer: Writer) -> None:
    """Terms never fall in a log: a quiet partition may never come to the index of a lost write."""
    writer.index = 5
    lost = writer.put(b"a", b"1")
    writer.propose(term=2)
    writer.commit.lead_no_more(NOW, NEXT_TERM)

    writer.commit.applied_up_to(4, 2)
    assert not lost.done, "the entry behind this one may still be its own"
    writer.commit.applied_up_to(5, 3)
    assert error_of(lost) is NotLeading


def test_what_is_in_doubt_has_a_deadline(writer: Writer) -> None:
    assert writer.commit.deadline is None
    writer.put(b"a", b"1")
    writer.propose()
    writer.commit.lead_no_more(NOW, NEXT_TERM)
    assert writer.commit.deadline == NOW + UNCERTAIN_MILLISECONDS_MAX
    writer.commit.tick(NOW + UNCERTAIN_MILLISECONDS_MAX)
    assert writer.commit.deadline is None


def test_one_index_may_hold_writes_of_two_lost_leaderships(writer: Writer) -> None:
    first = writer.put(b"a", b"1")
    writer.propose(term=2)
    writer.commit.lead_no_more(NOW, NEXT_TERM)
    writer.index = 0  # Another leader has cut the log, and this replica leads again.
    second = writer.put(b"a", b"2")
    writer.propose(term=7)
    writer.commit.lead_no_more(NOW, NEXT_TERM)

    writer.apply_for_another(1, 7)
    assert second.result() == OK
    assert error_of(first) is NotLeading


def test_a_leader_that_gives_up_in_its_own_term_does_not_wait(writer: Writer) -> None:
    """It hears nobody, so nobody would tell it; clients are to go on at the next leader."""
    begun = writer.put(b"a", b"1")
    writer.propose(term=2)
    writer.commit.lead_no_more(NOW, 2)

    assert error_of(begun) is OutcomeUnknown
    assert writer.commit.uncertain == 0


def test_a_write_that_nobody_tells_of_is_unknown_in_the_end(writer: Writer) -> None:
    begun = writer.put(b"a", b"1")
    writer.propose()
    writer.commit.lead_no_more(NOW, NEXT_TERM)
    writer.commit.lead_no_more(NOW + 900, NEXT_TERM)
    writer.commit.tick(NOW + UNCERTAIN_MILLISECONDS_MAX - 1)
    assert not begun.done
    writer.commit.tick(NOW + UNCERTAIN_MILLISECONDS_MAX)

    assert error_of(begun) is OutcomeUnknown
    assert writer.commit.uncertain == 0
    assert writer.commit.uncertain_at(1, 2) is None


def test_a_group_that_cannot_be_proposed_takes_all_behind_it_along(writer: Writer) -> None:
    """They were evaluated on top of it: a counter would count from a value that never was."""
    before = writer.put(b"a", b"1")
    writer.propose()
    refused = writer.put(b"k", HALF)
    writer.put(b"k", HALF)
    closed = writer.put(b"k", b"2")
    group = writer.commit.take()
    assert group is not None
    late = writer.put(b"k", b"3")
    writer.commit.refuse(group)

    assert [error_of(pending) for pending in (refused, closed, late)] == [NotLeading] * 3
    assert writer.commit.item(b"k") is None
    assert not writer.commit.has_more()
    writer.apply(1)
    assert before.result() == OK


def test_a_refusal_that_speaks_of_an_item_in_flight_waits_for_it(writer: Writer) -> None:
    writer.put(b"k", b"v")
    group = writer.propose()
    refused = writer.commit.answer_after(group, ConditionalCheckFailedException("no"))
    assert not refused.done
    writer.apply(1)

    assert error_of(refused) is ConditionalCheckFailedException


def test_a_read_that_waits_for_a_group_sees_it_applied(writer: Writer) -> None:
    def broken() -> bytes:
        raise ValueError("a bug")

    writer.put(b"k", b"v")
    group = writer.propose()
    read = writer.commit.read_after(group, lambda: writer.store.get(b"k") or b"nothing")
    fails = writer.commit.read_after(group, broken)
    assert not read.done
    writer.apply(1)

    assert read.result() == b"v"
    assert error_of(fails) is ValueError


def test_a_read_that_waits_for_a_group_is_sent_elsewhere_when_leadership_is_lost(
    writer: Writer,
) -> None:
    ran: list[bool] = []
    writer.put(b"k", b"v")
    group = writer.propose()
    read = writer.commit.read_after(group, lambda: bytes(ran.append(True) or b""))
    writer.lose()

    assert error_of(read) is NotLeading
    assert ran == []


@pytest.mark.parametrize("end", [lambda w: w.apply(1), lambda w: w.lose()])
def test_one_listener_s_bug_leaves_the_others_answered(
    writer: Writer, end: Callable[[Writer], None], caplog: pytest.LogCaptureFixture
) -> None:
    def bug(_: Pending[bytes]) -> None:
        raise RuntimeError("a bug")

    writer.put(b"a", b"v").listen(bug)
    other = writer.put(b"b", b"v")
    writer.propose()
    end(writer)

    assert other.done
    assert "an answer could not be given" in caplog.text


def test_an_answer_may_bring_the_next_write(writer: Writer) -> None:
    writer.put(b"a", b"v").listen(lambda _: writer.put(b"b", b"v") and None)
    writer.propose()
    writer.apply(1)

    assert stored_writes(writer.propose()) == [("items", b"b", b"v")]


def test_a_failed_disk_is_remembered(writer: Writer) -> None:
    writer.commit.storage_failed(OSError("no space left"))
    assert (writer.commit.failed, writer.commit.reads_failed) == ("no space left", False)
    writer.commit.storage_failed(OSError("worse"), reads_too=True)
    assert writer.commit.reads_failed
