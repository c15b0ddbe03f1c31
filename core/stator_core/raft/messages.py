"""What travels between replicas and what a log holds: frozen values with the paper's names.

Built by `replication`, `election` and `read_index`, carried by the shell's transport, handed to
`Raft.step` on the other side. Field names are those of Ongaro and Ousterhout (2014), figure 2 and
figure 13, in snake_case. Every message names its sender, receiver and the sender's term; which
Raft group it belongs to is the shell's affair.

A replica identifier is an integer from 1 up, unique within its group for ever: a replica that lost
its disk comes back under a new one, because it no longer remembers what it promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final, TypeAlias

NO_REPLICA: Final = 0  # in the place of a vote or a leader: nobody
NO_CONTEXT: Final = 0  # in the place of a read context: no read waits for the answer
ENTRY_OVERHEAD_BYTES: Final = 24  # index, term, kind and length, as limits count an entry


class EntryKind(IntEnum):
    """What an entry's data is. Stored in logs: never reorder or reuse a number."""

    NORMAL = 0  # the state machine's own bytes; empty for the entry that opens a term
    MEMBERSHIP = 1  # a MembershipChange, see `membership.encode_change`


class Role(Enum):
    """What a replica is at this moment."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class Entry:
    """One position of the log. `data` is shared, never copied."""

    index: int
    term: int
    kind: EntryKind
    data: bytes


@dataclass(frozen=True, slots=True)
class HardState:
    """What must survive a crash besides the entries. `vote` is NO_REPLICA or who got this term's.

    `commit` is a hint that may lag: it is written with entries, never alone.
    """

    term: int
    vote: int
    commit: int


@dataclass(frozen=True, slots=True)
class Configuration:
    """Who is in the group. While `voters_outgoing` is not empty, it is a joint configuration.

    `learners_next` are outgoing voters that become learners when the joint configuration is left:
    until then they still vote, so they cannot be learners yet.
    """

    voters: frozenset[int] = frozenset()
    voters_outgoing: frozenset[int] = frozenset()
    learners: frozenset[int] = frozenset()
    learners_next: frozenset[int] = frozenset()
    auto_leave: bool = False

    @property
    def joint(self) -> bool:
        return bool(self.voters_outgoing)

    @property
    def members(self) -> frozenset[int]:
        """Everybody whom a leader sends its log to."""
        return self.voters | self.voters_outgoing | self.learners

    def votes(self, replica: int) -> bool:
        """Whether this replica has a say in elections and commits."""
        return replica in self.voters or replica in self.voters_outgoing


@dataclass(frozen=True, slots=True)
class SnapshotMetadata:
    """Which prefix of the log a snapshot stands for, and the configuration at its end."""

    index: int
    term: int
    configuration: Configuration


@dataclass(frozen=True, slots=True)
class RequestVote:
    """Figure 2; `pre_vote` as in thesis 9.6, `leadership_transfer` as in thesis 4.2.3."""

    sender: int
    receiver: int
    term: int
    last_log_index: int
    last_log_term: int
    pre_vote: bool = False
    leadership_transfer: bool = False  # the leader asked for this: do not protect it


@dataclass(frozen=True, slots=True)
class RequestVoteResponse:
    sender: int
    receiver: int
    term: int
    vote_granted: bool
    pre_vote: bool = False


@dataclass(frozen=True, slots=True)
class AppendEntries:
    """Figure 2. `entries` belongs to the message: nobody changes it."""

    sender: int
    receiver: int
    term: int
    previous_log_index: int
    previous_log_term: int
    entries: list[Entry]
    leader_commit: int
    send_time: int  # milliseconds of the leader's clock; the receiver sends it back


@dataclass(frozen=True, slots=True)
class AppendEntriesResponse:
    """`index` is the last entry known to match, or the refused `previous_log_index`.

    A refusal carries the receiver's best guess of where the logs still agree (section 5.3, end).
    """

    sender: int
    receiver: int
    term: int
    success: bool
    index: int
    send_time: int
    hint_index: int = 0
    hint_term: int = 0


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Small, the same size for every group: the shell packs those of a pair of nodes together."""

    sender: int
    receiver: int
    term: int
    leader_commit: int
    send_time: int
    read_context: int = NO_CONTEXT


@dataclass(frozen=True, slots=True)
class HeartbeatResponse:
    sender: int
    receiver: int
    term: int
    send_time: int
    read_context: int = NO_CONTEXT


@dataclass(frozen=True, slots=True)
class InstallSnapshot:
    """Says which snapshot; the shell streams its data and delivers this once all of it is there."""

    sender: int
    receiver: int
    term: int
    snapshot: SnapshotMetadata
    send_time: int


@dataclass(frozen=True, slots=True)
class TimeoutNow:
    """Thesis 3.10: the receiver shall campaign at once."""

    sender: int
    receiver: int
    term: int


@dataclass(frozen=True, slots=True)
class Quiesce:
    """Everybody has everything up to `commit`; stop the timers until something happens."""

    sender: int
    receiver: int
    term: int
    commit: int


Message: TypeAlias = (
    RequestVote
    | RequestVoteResponse
    | AppendEntries
    | AppendEntriesResponse
    | Heartbeat
    | HeartbeatResponse
    | InstallSnapshot
    | TimeoutNow
    | Quiesce
)


@dataclass(frozen=True, slots=True)
class SoftState:
    """What need not survive: who leads, and what this replica is."""

    leader: int
    role: Role


@dataclass(frozen=True, slots=True)
class ReadState:
    """The read asked for under `context` is linearizable once `index` is applied."""

    context: object
    index: int
