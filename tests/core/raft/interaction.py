"""A few replicas on one desk: transcripts tell them what to do and see everything they do.

`testdata/*.txt` hold commands, `----`, and the exact output; test_transcripts.py runs them, and
writes them anew with `--rewrite`. The environment is the shell of the contract in `raft.raft`,
with every effect under the transcript's control: messages wait in one queue, writes and
applications may be held back, time moves only when it is told to. Replicas' invariants are checked
after every event.

Commands (`add-nodes 3 voters=(1,2,3)`; several lines before `----` make one block):

    add-nodes N [voters=(..)] [learners=(..)] [setting=number ..]   without voters: empty replicas
    campaign ID | propose ID TEXT | propose-bytes ID N | propose-change ID [explicit] voter:4 ..
    transfer FROM TO | resign ID | read-index ID NAME | lease ID | wake ID | unreachable ID PEER
    process-ready ID | hold-writes ID | process-writes ID [N] | hold-applies ID | process-applies ID
    deliver-messages ID [from=(..)] [type=NAME] [drop=(..)] [count=N] | duplicate-messages ID
    drop-messages ID [from=(..)] [type=NAME] | stabilize [ID ..] | quietly COMMAND
    advance-time MS [ID ..] | run MS | jitter ID MS
    partition (1) (2,3) | heal | freeze ID | thaw ID
    crash ID | crash-unsynced ID | restart ID | lose-commit ID INDEX
    take-snapshot ID | compact ID INDEX | snapshot-finished ID PEER delivered|failed
    status [ID ..] | log ID | progress ID | deadlines
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from descriptions import (
    describe,
    describe_configuration,
    describe_entry,
    describe_progress,
    describe_snapshot,
    ids,
    without_heartbeats,
)

from stator_core.raft.membership import Change, ChangeKind, MembershipChange
from stator_core.raft.memory_storage import MemoryStorage
from stator_core.raft.messages import (
    Configuration,
    Message,
    Role,
    SnapshotMetadata,
)
from stator_core.raft.raft import Raft, Start
from stator_core.raft.ready import Ready
from stator_core.raft.refusals import Refusal, ReplicaDamaged
from stator_core.raft.settings import Settings

ROUNDS_MAX = 200  # of `stabilize`: more means that replicas talk for ever


@dataclass
class Node:
    """One replica with its disk. `durable` is what a power cut leaves."""

    replica: int
    storage: MemoryStorage
    durable: MemoryStorage
    configuration: Configuration
    applied: int
    raft: Raft | None = None
    jitter: int = 0
    frozen: bool = False
    hold_writes: bool = False
    hold_applies: bool = False
    writes: deque[Ready] = field(default_factory=deque)
    applies: deque[Ready] = field(default_factory=deque)
    # What the state machine holds durably: (applied index, configuration) are enough here.
    durable_applied: int = 0
    durable_configuration: Configuration = field(default_factory=Configuration)

    @property
    def running(self) -> Raft:
        assert self.raft is not None, f"replica {self.replica} is down"
        return self.raft


class Environment:
    """All replicas of one transcript."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self.now = 0
        self.settings = Settings(commit_notice_delay=0, quiesce_after=0)
        self.network: list[Message] = []
        self.groups: list[set[int]] = []
        self.lines: list[str] = []
        self.indent = ""
        self.quiet = False

    # ------------------------------------------------------------------------------ commands

    def run_block(self, commands: list[str]) -> str:
        """The output of these commands, `ok` if they say nothing."""
        self.lines = []
        for command in commands:
            self.run_command(command)
        return "\n".join(self.lines) or "ok"

    def run_command(self, command: str) -> None:
        name, *words = re.findall(r"[^\s(=]+=\([^)]*\)|\([^)]*\)|\S+", command)
        if name == "quietly":
            before = len(self.lines)
            self.run_command(command.removeprefix("quietly "))
            del self.lines[before:]
            return
        options = {}
        arguments = []
        for word in words:
            key, equals, value = word.partition("=")
            if equals and not word.startswith("("):
                options[key] = value
            else:
                arguments.append(word)
        method: Callable[..., None] = getattr(self, "do_" + name.replace("-", "_"))
        try:
            method(*arguments, **{key.replace("-", "_"): value for key, value in options.items()})
        except Refusal as refusal:
            self.say(f"refused: {type(refusal).__name__}: {refusal}")

    def say(self, line: str) -> None:
        self.lines.append(self.indent + line)

    def do_add_nodes(
        self, count: str, voters: str = "", learners: str = "", **settings: str
    ) -> None:
        """New replicas of a new group; or empty ones, that a leader will send a snapshot."""
        if settings:
            named = {one.name: getattr(self.settings, one.name) for one in fields(Settings)}
            named.update({name: int(value) for name, value in settings.items()})
            self.settings = Settings(**named)
        configuration = Configuration(
            voters=frozenset(ids(voters)), learners=frozenset(ids(learners))
        )
        for _ in range(int(count)):
            replica = len(self.nodes) + 1
            if replica in configuration.members:
                storage, applied = MemoryStorage.bootstrapped(configuration), 1
                known = configuration
            else:
                storage, applied, known = MemoryStorage(), 0, Configuration()
            node = Node(replica, storage, storage.copy(), known, applied, jitter=10 * replica)
            node.durable_applied, node.durable_configuration = applied, known
            self.nodes[replica] = node
            self.start(node)

    def start(self, node: Node) -> None:
        def random_below(limit: int) -> int:
            return min(node.jitter, limit - 1)

        start = Start(node.replica, node.applied, node.configuration, self.now)
        try:
            node.raft = Raft(start, node.storage, self.settings, random_below)
        except ReplicaDamaged as damage:
            self.say(f"replica {node.replica} is damaged: {damage}")

    def do_campaign(self, replica: str) -> None:
        if not self.event(replica, lambda raft: raft.campaign(self.now)):
            self.say("may not campaign now")

    def do_propose(self, replica: str, text: str) -> None:
        self.event(replica, lambda raft: raft.propose(self.now, text.encode()))

    def do_propose_bytes(self, replica: str, count: str) -> None:
        self.event(replica, lambda raft: raft.propose(self.now, b"x" * int(count)))

    def do_propose_change(self, replica: str, *words: str) -> None:
        explicit = "explicit" in words
        changes = []
        for word in words:
            if word != "explicit":
                kind, number = word.split(":")
                changes.append(Change(ChangeKind(kind), int(number)))
        change = MembershipChange(tuple(changes), auto_leave=not explicit)
        self.event(replica, lambda raft: raft.propose_change(self.now, change))

    def do_transfer(self, leader: str, target: str) -> None:
        self.event(leader, lambda raft: raft.transfer_leadership(self.now, int(target)))

    def do_resign(self, replica: str) -> None:
        self.event(replica, lambda raft: raft.resign(self.now))

    def do_read_index(self, replica: str, name: str) -> None:
        self.event(replica, lambda raft: raft.read_index(self.now, name))

    def do_lease(self, replica: str) -> None:
        valid = self.nodes[int(replica)].running.lease_valid(self.now)
        self.say(f"{replica} lease {'valid' if valid else 'not valid'} at {self.now}")

    def do_wake(self, replica: str) -> None:
        self.event(replica, lambda raft: raft.wake(self.now))

    def do_unreachable(self, replica: str, peer: str) -> None:
        self.event(replica, lambda raft: raft.unreachable(self.now, int(peer)))

    def do_snapshot_finished(self, replica: str, peer: str, how: str) -> None:
        delivered = {"delivered": True, "failed": False}[how]
        self.event(
            replica, lambda raft: raft.snapshot_finished(self.now, int(peer), delivered=delivered)
        )

    def event(self, replica: str | int, call: Callable[[Raft], Any]) -> Any:
        """One event of one replica: say what it turned into, check that it is sound."""
        node = self.nodes[int(replica)]
        raft = node.running
        before = (raft.role, raft.term, raft.quiesced)
        ignored = dict(raft.ignored)
        try:
            return call(raft)
        except ReplicaDamaged as damage:
            self.say(f"replica {node.replica} is damaged: {damage}")
            node.raft = None
            return None
        finally:
            if node.raft is not None:
                self.say_changes(node.replica, raft, before, ignored)
                raft.check_invariants()

    def say_changes(
        self, replica: int, raft: Raft, before: tuple[Role, int, bool], ignored: dict[str, int]
    ) -> None:
        for reason, count in raft.ignored.items():
            if count > ignored.get(reason, 0):
                self.say(f"{replica} ignored: {reason}")
        if (raft.role, raft.term) != before[:2]:
            self.say(f"{replica} became {raft.role.value} at term {raft.term}")
        if raft.quiesced != before[2]:
            self.say(f"{replica} {'went quiet' if raft.quiesced else 'woke up'}")

    # --------------------------------------------------------------------- Ready, disk, state

    def do_process_ready(self, replica: str) -> None:
        if not self.process_ready(self.nodes[int(replica)]):
            self.say("nothing to do")

    def process_ready(self, node: Node) -> bool:
        """Take one Ready and do its duties."""
        if node.raft is None or node.frozen:
            return False
        ready = self.event(node.replica, lambda raft: raft.ready())
        if ready is None:
            return False
        self.say(f"> {node.replica} Ready")
        self.indent += "  "
        self.say_ready(ready)
        self.network.extend(ready.messages)
        if ready.number:
            node.writes.append(ready)
            if not node.hold_writes:
                self.process_write(node)
        if ready.committed or ready.snapshot:
            node.applies.append(ready)
            if not node.hold_applies:
                self.process_apply(node)
        self.indent = self.indent[:-2]
        return True

    def say_ready(self, ready: Ready) -> None:
        if ready.soft_state is not None:
            self.say(f"leader {ready.soft_state.leader}, {ready.soft_state.role.value}")
        if ready.hard_state is not None:
            state = ready.hard_state
            self.say(f"hard state: term {state.term} vote {state.vote} commit {state.commit}")
        if ready.snapshot is not None:
            self.say(f"install {describe_snapshot(ready.snapshot)}")
        for title, items in (("write", ready.entries), ("apply", ready.committed)):
            if items:
                self.say(f"{title} {' '.join(describe_entry(entry) for entry in items)}")
        if ready.configuration is not None:
            self.say(f"configuration {describe_configuration(ready.configuration)}")
        for read in ready.read_states:
            self.say(f"read {read.context} at {read.index}")
        for message in ready.messages:
            self.say(describe(message))
        for message in ready.messages_after_persistence:
            self.say(describe(message) + " (after persistence)")

    def do_hold_writes(self, replica: str) -> None:
        self.nodes[int(replica)].hold_writes = True

    def do_process_writes(self, replica: str, count: str = "100") -> None:
        """The disk catches up with the oldest writes; with all of them, it keeps up again."""
        node = self.nodes[int(replica)]
        for _ in range(min(int(count), len(node.writes))):
            self.process_write(node)
        node.hold_writes = bool(node.writes)

    def process_write(self, node: Node) -> None:
        ready = node.writes.popleft()
        if ready.snapshot is not None:
            node.storage.install(ready.snapshot)
            node.applied = node.durable_applied = ready.snapshot.index
            node.configuration = node.durable_configuration = ready.snapshot.configuration
        node.storage.write(ready.hard_state, ready.entries)
        node.durable = node.storage.copy()
        self.network.extend(ready.messages_after_persistence)
        self.event(node.replica, lambda raft: raft.persisted(self.now, ready.number))

    def do_hold_applies(self, replica: str) -> None:
        self.nodes[int(replica)].hold_applies = True

    def do_process_applies(self, replica: str) -> None:
        node = self.nodes[int(replica)]
        node.hold_applies = False
        while node.applies:
            self.process_apply(node)

    def process_apply(self, node: Node) -> None:
        ready = node.applies.popleft()
        if not ready.committed:
            return
        node.applied = node.durable_applied = ready.committed[-1].index
        if ready.configuration is not None:
            node.configuration = node.durable_configuration = ready.configuration
        self.event(node.replica, lambda raft: raft.applied(self.now, node.applied))

    def do_take_snapshot(self, replica: str) -> None:
        node = self.nodes[int(replica)]
        snapshot = node.storage.take_snapshot(node.applied, node.configuration)
        self.say(describe_snapshot(snapshot))

    def do_compact(self, replica: str, index: str) -> None:
        node = self.nodes[int(replica)]
        self.event(replica, lambda raft: raft.compact(int(index)))
        node.storage.compact(int(index))
        node.durable.compact(int(index))

    # ------------------------------------------------------------------------------ messages

    def cut(self, message: Message) -> bool:
        """Whether a partition is between sender and receiver."""
        return any(
            (message.sender in group) != (message.receiver in group) for group in self.groups
        )

    def waiting(self, replica: int, from_: str = "", type_: str = "") -> list[Message]:
        return [
            message
            for message in self.network
            if message.receiver == replica
            and (not from_ or message.sender in ids(from_))
            and (not type_ or type(message).__name__ == type_)
        ]

    def do_deliver_messages(
        self, replica: str, drop: str = "", count: str = "1000", **which: str
    ) -> None:
        """What waits for this replica, in the order it was sent."""
        selected = {name + "_": value for name, value in which.items()}
        messages = self.waiting(int(replica), **selected)[: int(count)]
        if not messages:
            self.say("no messages")
        self.deliver(int(replica), messages, set(ids(drop)))

    def deliver(self, replica: int, messages: list[Message], drop: set[int]) -> None:
        for message in messages:
            self.network = [one for one in self.network if one is not message]
            node = self.nodes.get(replica)
            lost = node is None or node.raft is None or self.cut(message)
            if lost or message.sender in drop:
                self.say(f"{describe(message)} (lost)")
                continue
            self.say(describe(message))
            self.indent += "  "
            try:
                self.event(replica, lambda raft, m=message: raft.step(self.now, m))
            except Refusal as refusal:
                self.say(f"refused: {type(refusal).__name__}: {refusal}")
            self.indent = self.indent[:-2]

    def do_duplicate_messages(self, replica: str) -> None:
        self.network.extend(self.waiting(int(replica)))

    def do_drop_messages(self, replica: str, **which: str) -> None:
        selected = {name + "_": value for name, value in which.items()}
        dropped = self.waiting(int(replica), **selected)
        for message in dropped:
            self.say(f"{describe(message)} (lost)")
        self.network = [one for one in self.network if all(one is not other for other in dropped)]

    def do_stabilize(self, *replicas: str) -> None:
        """Process Readies and deliver messages among these replicas until nothing moves."""
        chosen = [int(replica) for replica in replicas] or sorted(self.nodes)
        for _ in range(ROUNDS_MAX):
            moved = False
            for replica in chosen:
                node = self.nodes[replica]
                while self.process_ready(node):
                    moved = True
            for replica in chosen:
                messages = [] if self.nodes[replica].frozen else self.waiting(replica)
                if messages:
                    moved = True
                    self.say(f"> {replica} receives")
                    self.indent += "  "
                    self.deliver(replica, messages, set())
                    self.indent = self.indent[:-2]
            if not moved:
                return
        raise AssertionError("the replicas talk for ever")

    # ---------------------------------------------------------------------------------- time

    def do_jitter(self, replica: str, milliseconds: str) -> None:
        self.nodes[int(replica)].jitter = int(milliseconds)

    def do_advance_time(self, milliseconds: str, *replicas: str) -> None:
        """Time passes at once; then these replicas (all by default) notice."""
        self.now += int(milliseconds)
        self.tick([int(replica) for replica in replicas] or sorted(self.nodes))

    def tick(self, replicas: list[int]) -> None:
        for replica in replicas:
            node = self.nodes[replica]
            if node.raft is not None and not node.frozen:
                self.event(replica, lambda raft: raft.tick(self.now))

    def do_run(self, milliseconds: str) -> None:
        """Time passes from deadline to deadline, and everybody does what is to be done.

        Heartbeats that only say that all is well are left out.
        """
        start = len(self.lines)
        self.run_until(self.now + int(milliseconds))
        self.lines[start:] = without_heartbeats(self.lines[start:])

    def run_until(self, end: int) -> None:
        while True:
            before = len(self.lines)
            self.do_stabilize()
            if len(self.lines) > before:
                self.lines.insert(before, f"at {self.now}:")
            due = [
                deadline
                for node in self.nodes.values()
                if node.raft is not None and not node.frozen
                for deadline in [node.raft.deadline()]
                if deadline is not None
            ]
            if not due or min(due) > end:
                break
            self.now = max(self.now, min(due))
            self.tick(sorted(self.nodes))
        self.now = end

    def do_deadlines(self) -> None:
        for node in self.nodes.values():
            if node.raft is not None:
                self.say(f"{node.replica} {node.raft.deadline()}")

    # -------------------------------------------------------------------------------- faults

    def do_partition(self, *groups: str) -> None:
        self.groups = [set(ids(group)) for group in groups]

    def do_heal(self) -> None:
        self.groups = []

    def do_freeze(self, replica: str) -> None:
        self.nodes[int(replica)].frozen = True

    def do_thaw(self, replica: str) -> None:
        self.nodes[int(replica)].frozen = False
        self.tick([int(replica)])

    def do_crash(self, replica: str) -> None:
        """The process dies; what it wrote survives."""
        node = self.nodes[int(replica)]
        node.durable = node.storage.copy()
        self.do_crash_unsynced(replica)

    def do_crash_unsynced(self, replica: str) -> None:
        """The power goes: writes that were not acknowledged are lost."""
        node = self.nodes[int(replica)]
        node.raft = None
        node.writes.clear()
        node.applies.clear()
        node.storage = node.durable.copy()
        node.applied, node.configuration = node.durable_applied, node.durable_configuration

    def do_restart(self, replica: str) -> None:
        node = self.nodes[int(replica)]
        node.hold_writes = node.hold_applies = False
        self.start(node)
        if node.raft is not None:
            self.do_status(replica)

    def do_lose_commit(self, replica: str, index: str) -> None:
        """A lying disk: entries from this index on vanish, though they were called durable."""
        node = self.nodes[int(replica)]
        assert node.raft is None
        kept = [
            entry
            for entry in node.storage.entries(
                node.storage.first_index(), node.storage.last_index() + 1, 1 << 40
            )
            if entry.index < int(index)
        ]
        snapshot = SnapshotMetadata(
            node.storage.first_index() - 1,
            node.storage.term(node.storage.first_index() - 1),
            node.configuration,
        )
        node.storage.install(snapshot)
        node.storage.write(None, kept)
        node.durable = node.storage.copy()
        node.applied = min(node.applied, int(index) - 1)

    # -------------------------------------------------------------------------------- status

    def do_status(self, *replicas: str) -> None:
        for replica in [int(one) for one in replicas] or sorted(self.nodes):
            raft = self.nodes[replica].raft
            if raft is None:
                self.say(f"{replica} is down")
                continue
            self.say(
                f"{replica} {raft.role.value} term {raft.term} leader {raft.leader}"
                f" commit {raft.commit_index} applied {raft.applied_index}"
                f" last {raft.last_index}{' quiet' if raft.quiesced else ''}"
                f" {describe_configuration(raft.configuration)}"
            )

    def do_progress(self, replica: str) -> None:
        for peer in self.nodes[int(replica)].running.state.others:
            self.say(describe_progress(peer))

    def do_log(self, replica: str) -> None:
        log = self.nodes[int(replica)].running.state.log
        self.say(f"first {log.first_index} last {log.last_index} persisted {log.persisted}")
        if log.last_index >= log.first_index:
            for entry in log.entries(log.first_index, 1 << 40):
                self.say(describe_entry(entry))
            if log.tail and log.tail_first > log.first_index:
                for entry in log.tail:
                    self.say(describe_entry(entry))
