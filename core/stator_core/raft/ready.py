"""What a replica wants done: the shell's orders after a batch of events, and how they are drawn up.

`Raft.ready` calls `take_ready`. The order of duties is the contract, see `raft`. Lists belong to
the Ready: the core keeps no reference to them, and entries are shared, not copied.

Invariant: whatever a message vouches for (an entry, a vote, a term) is durable before it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

from stator_core.raft.election import campaign
from stator_core.raft.messages import (
    Configuration,
    Entry,
    EntryKind,
    HardState,
    Message,
    ReadState,
    Role,
    SnapshotMetadata,
    SoftState,
)
from stator_core.raft.reconfiguration import take_effect
from stator_core.raft.replication import release_committed_bytes, send_due
from stator_core.raft.state import ReplicaState


@dataclass(slots=True)
class Ready:
    """Orders. `number` is 0 if nothing need be written or waited for; else say `persisted` to it.

    `hard_state`, `entries`, `snapshot` are one atomic write: first the snapshot, which replaces
    state and log; then the entries, which replace everything from their first index on.
    `committed` is to be applied in order; if `configuration` is set, it is the configuration after
    the last of them, to be stored together with the applied index.
    """

    number: int
    hard_state: HardState | None
    entries: list[Entry]
    snapshot: SnapshotMetadata | None
    messages: list[Message]
    messages_after_persistence: list[Message]
    committed: list[Entry]
    configuration: Configuration | None
    read_states: list[ReadState]
    soft_state: SoftState | None


def take_ready(state: ReplicaState) -> Ready | None:
    """Everything that waits to be done; None if there is nothing."""
    log = state.log
    committed: list[Entry] = []
    configuration = None
    if log.handed_out < log.commit:
        committed = log.take_committed(state.settings.apply_bytes_max)
        configuration = _hand_out(state, committed)
        if state.campaign_due:
            state.campaign_due = not campaign(state, transfer=True)
    if state.others:
        send_due(state)
    hard_state = _changed_hard_state(state)
    messages, after = state.messages, state.messages_after_persistence
    number, snapshot = 0, None
    entries: list[Entry] = []
    if hard_state is not None or log.has_unwritten or (after and log.writes):
        number = state.last_number = state.last_number + 1
        if hard_state is not None and hard_state.term > state.durable_term:
            state.term_writes.append((number, hard_state.term))
        snapshot = log.take_snapshot()
        entries = log.take_unwritten(number)
    elif after:
        # Nothing is being written: what they vouch for is durable already.
        messages = messages + after if messages else after
        state.messages_after_persistence = after = []
    soft_state = _changed_soft_state(state)
    read_states = state.read_states
    if not (number or messages or committed or read_states or soft_state):
        return None
    state.messages = []
    if after:
        state.messages_after_persistence = []
    if read_states:
        state.read_states = []
    return Ready(
        number,
        hard_state,
        entries,
        snapshot,
        messages,
        after,
        committed,
        configuration,
        read_states,
        soft_state,
    )


def _hand_out(state: ReplicaState, committed: list[Entry]) -> Configuration | None:
    """Committed entries leave to be applied; a membership change takes effect with that."""
    if not committed:
        return None
    if state.role is Role.LEADER:
        release_committed_bytes(state, committed)
    last = committed[-1]
    return take_effect(state, last) if last.kind is EntryKind.MEMBERSHIP else None


def _changed_hard_state(state: ReplicaState) -> HardState | None:
    """Term and vote whenever they changed; the commit index only along with another write."""
    given, log = state.hard_state_given, state.log
    if (
        given.term == state.term
        and given.vote == state.vote
        and (given.commit == log.commit or not log.has_unwritten)
    ):
        return None
    state.hard_state_given = hard_state = state.hard_state()
    return hard_state


def _changed_soft_state(state: ReplicaState) -> SoftState | None:
    given = state.soft_state_given
    if given.leader == state.leader and given.role is state.role:
        return None
    state.soft_state_given = soft_state = SoftState(state.leader, state.role)
    return soft_state
