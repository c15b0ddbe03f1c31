"""What one replica remembers, and the outbox that its next Ready is made of.

`election`, `replication`, `lease` and `reconfiguration` are functions over this; `raft` is the only
one that makes it. Here are only the few moves that all of them need: sending, hearing a leader,
becoming a follower. Times are milliseconds on this replica's own monotonic clock; `now` is the time
of the event being handled, so whatever is sent is stamped no later than it really leaves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from stator_core.raft.log import BOOTSTRAP_TERM, Log
from stator_core.raft.membership import check_configuration
from stator_core.raft.messages import (
    NO_REPLICA,
    Configuration,
    HardState,
    Message,
    ReadState,
    Role,
    SoftState,
)
from stator_core.raft.progress import Inflights, Progress
from stator_core.raft.read_index import ReadQueue
from stator_core.raft.settings import Settings

LONG_AGO: Final = -(2**62)


class ReplicaState:
    """One replica of one group. Only the modules named above change it."""

    __slots__ = (
        "active_at",
        "append_due",
        "campaign_due",
        "commit_notice_at",
        "configuration",
        "durable_term",
        "election_timeout",
        "election_timer_start",
        "hard_state_given",
        "heartbeat_at",
        "ignored",
        "incoming",
        "last_number",
        "leader",
        "lease_surrendered",
        "lease_until",
        "log",
        "messages",
        "messages_after_persistence",
        "now",
        "others",
        "outgoing",
        "pending_membership",
        "postponed_reads",
        "progress",
        "promise_until",
        "quiesced",
        "random_below",
        "read_states",
        "reads",
        "replica",
        "role",
        "settings",
        "soft_state_given",
        "term",
        "term_start",
        "term_writes",
        "transfer_deadline",
        "transfer_target",
        "uncommitted_bytes",
        "vote",
        "votes",
    )

    def __init__(
        self,
        replica: int,
        log: Log,
        configuration: Configuration,
        settings: Settings,
        random_below: Callable[[int], int],
    ) -> None:
        assert replica > 0
        check_configuration(configuration)
        hard_state = log.storage.hard_state()
        self.replica = replica
        self.settings = settings
        self.random_below = random_below
        self.log = log
        self.configuration = configuration
        self.term = self.durable_term = hard_state.term
        self.vote = hard_state.vote
        self.leader = NO_REPLICA
        self.role = Role.FOLLOWER
        self.now = 0

        self.election_timer_start = 0
        self.election_timeout = settings.election_timeout
        self.promise_until = LONG_AGO  # until then this replica votes for nobody: see `lease`
        self.votes: dict[int, bool] = {}
        self.quiesced = False
        self.campaign_due = False  # the leader asked for it, a change has to take effect first

        # What only a leader has; reset by `become_follower`.
        self.progress: dict[int, Progress] = {}
        self.others: list[Progress] = []  # everybody but this replica
        self.incoming: list[Progress] = []  # the voters' progress
        self.outgoing: list[Progress] = []  # the outgoing voters' progress, while joint
        self.reads = ReadQueue()
        self.postponed_reads: list[object] = []  # until this term has a committed entry
        self.term_start = 0  # the index of the entry that opened this leadership
        self.pending_membership = 0  # no change is accepted until this index is applied
        self.uncommitted_bytes = 0
        self.append_due = False  # the next Ready looks what peers lack
        self.heartbeat_at = 0
        self.commit_notice_at: int | None = None
        self.active_at = 0  # when something was last proposed or read
        self.lease_until = LONG_AGO
        self.lease_surrendered = False
        self.transfer_target = NO_REPLICA
        self.transfer_deadline = 0

        # The outbox.
        self.messages: list[Message] = []
        self.messages_after_persistence: list[Message] = []
        self.read_states: list[ReadState] = []
        self.hard_state_given = hard_state
        self.soft_state_given = SoftState(NO_REPLICA, Role.FOLLOWER)
        self.last_number = 0  # of the writes that the shell was told of
        self.term_writes: deque[tuple[int, int]] = deque()  # (write's number, term it holds)
        self.ignored: dict[str, int] = {}  # reason -> messages, for metrics and transcripts

    @property
    def is_voter(self) -> bool:
        return self.configuration.votes(self.replica)

    @property
    def may_have_promised(self) -> bool:
        """Whether an earlier life of this replica may have promised a leader not to vote.

        Not before the first election; and not if there is surely no other voter.
        """
        if self.durable_term <= BOOTSTRAP_TERM:
            return False
        only_voter = self.configuration.voters == {self.replica} and not self.configuration.joint
        return not only_voter or self.log.holds_membership(self.log.applied, self.log.last_index)

    @property
    def lease_active(self) -> bool:
        """Whether a lease was had since this leadership became able to hold one."""
        return self.lease_until != LONG_AGO

    def hard_state(self) -> HardState:
        return HardState(self.term, self.vote, self.log.commit)

    # ------------------------------------------------------------------------------- sending

    def send(self, message: Message) -> None:
        self.messages.append(message)

    def send_after_persistence(self, message: Message) -> None:
        """It vouches for something that is not durable yet."""
        self.messages_after_persistence.append(message)

    def ignore(self, reason: str) -> None:
        self.ignored[reason] = self.ignored.get(reason, 0) + 1

    # ------------------------------------------------------------------------ elections' clock

    def restart_election_timer(self) -> None:
        self.election_timer_start = self.now

    def draw_election_timeout(self) -> None:
        """Section 5.2: a random timeout, so that split votes are rare."""
        shortest = self.settings.election_timeout
        self.election_timeout = shortest + self.random_below(shortest)
        assert shortest <= self.election_timeout < 2 * shortest

    def promise(self) -> None:
        """A leader's message is here: vote for nobody for one election timeout."""
        self.promise_until = self.now + self.settings.election_timeout

    def hear_leader(self, leader: int) -> None:
        """The current term's leader is alive."""
        assert self.role is not Role.LEADER, "two leaders in one term"
        if self.role is not Role.FOLLOWER:
            self.become_follower(self.term, leader)
        self.leader = leader
        self.restart_election_timer()
        self.promise()

    # --------------------------------------------------------------------------------- roles

    def enter_term(self, term: int) -> None:
        """A term that this replica has not voted in."""
        assert term > self.term
        self.term = term
        self.vote = NO_REPLICA

    def become_follower(self, term: int, leader: int) -> None:
        """Follow `leader`, or wait to hear who leads. Unanswered reads of a leadership are lost."""
        if term > self.term:
            self.enter_term(term)
        assert term == self.term
        self.leader = leader
        self.role = Role.FOLLOWER
        self.reset_leadership()
        self.restart_election_timer()
        self.draw_election_timeout()

    def reset_leadership(self) -> None:
        """Forget what only the leader or candidate of one term knows."""
        self.votes = {}
        self.campaign_due = False
        self.progress, self.others, self.incoming, self.outgoing = {}, [], [], []
        self.reads = ReadQueue()
        self.postponed_reads = []
        self.uncommitted_bytes = 0
        self.append_due = False
        self.commit_notice_at = None
        self.lease_until = LONG_AGO
        self.lease_surrendered = False
        self.transfer_target = NO_REPLICA
        self.quiesced = False

    # ---------------------------------------------------------------------- a leader's peers

    def follow_progress(self) -> None:
        """Keep a Progress of exactly the configuration's members."""
        settings = self.settings
        next_index = self.log.last_index + 1
        kept: dict[int, Progress] = {}
        for replica in sorted(self.configuration.members | {self.replica}):
            kept[replica] = self.progress.get(replica) or Progress(
                replica,
                next_index,
                self.now,
                Inflights(settings.inflight_messages_max, settings.inflight_bytes_max),
            )
        self.progress = kept
        self.others = [peer for peer in kept.values() if peer.replica != self.replica]
        self.incoming = [kept[replica] for replica in sorted(self.configuration.voters)]
        self.outgoing = [kept[replica] for replica in sorted(self.configuration.voters_outgoing)]

    @property
    def own_progress(self) -> Progress:
        return self.progress[self.replica]

    @property
    def alone(self) -> bool:
        """Whether this replica is the only voter: it needs nobody's consent."""
        return (
            len(self.incoming) == 1
            and self.incoming[0].replica == self.replica
            and (not self.outgoing or (len(self.outgoing) == 1 and self.outgoing == self.incoming))
        )

    # ---------------------------------------------------------------------------- invariants

    def check_invariants(self) -> None:
        self.log.check_invariants()
        self.reads.check_invariants()
        check_configuration(self.configuration)
        assert self.durable_term <= self.term
        assert self.log.last_term <= self.term
        assert self.term_writes or self.durable_term == self.hard_state_given.term
        leads = self.role is Role.LEADER
        assert leads == (self.leader == self.replica)
        assert leads == bool(self.progress)
        assert leads or self.lease_until == LONG_AGO
        assert leads or not (self.reads.pending or self.postponed_reads or self.transfer_target)
        assert self.role is Role.FOLLOWER or self.leader in (NO_REPLICA, self.replica)
        for peer in self.progress.values():
            peer.check_invariants()
            assert peer.match <= self.log.last_index
            assert peer.acknowledged_send_time <= self.now
        if leads:
            assert self.vote == self.replica
            if self.term_start >= self.log.first_index:
                assert self.log.term(self.term_start) == self.term
            assert self.own_progress.match == self.log.persisted
            assert self.uncommitted_bytes >= 0
