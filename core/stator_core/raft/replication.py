"""How a leader's log becomes everybody's, and when an entry is committed (section 5.3, 5.4).

Called by `raft` with proposals and messages, and once per Ready to send what peers lack: whatever
was proposed between two Readies leaves as one AppendEntries per peer. The leader sends before its
own disk has the entries (thesis 10.2.1); its own `match` counts only what is durable.

Invariant: an entry counts as committed only by a quorum of durable copies, and only through an
entry of the leader's own term (section 5.4.2).
"""

from __future__ import annotations

from stator_core.raft.lease import hand_over, renew_lease
from stator_core.raft.messages import (
    ENTRY_OVERHEAD_BYTES,
    NO_CONTEXT,
    AppendEntries,
    AppendEntriesResponse,
    Entry,
    EntryKind,
    Heartbeat,
    HeartbeatResponse,
    InstallSnapshot,
    ReadState,
    Role,
)
from stator_core.raft.progress import PROBE, REPLICATE, Progress
from stator_core.raft.quorum import joint_reached, reached
from stator_core.raft.refusals import Compacted, MessageRefused
from stator_core.raft.state import ReplicaState

# ------------------------------------------------------------------------------- leader: sending


def append(state: ReplicaState, kind: EntryKind, data: bytes) -> int:
    """Put an entry at the end of the leader's log; it leaves with the next Ready."""
    assert state.role is Role.LEADER
    index = state.log.last_index + 1
    state.log.append(Entry(index, state.term, kind, data))
    state.uncommitted_bytes += len(data) + ENTRY_OVERHEAD_BYTES
    state.append_due = True
    return index


def send_due(state: ReplicaState) -> None:
    """Confirm the reads that arrived, and send every peer what it lacks and may be sent."""
    if state.reads.has_open:
        context = state.reads.close_batch(state.log.commit)
        for peer in state.others:
            send_heartbeat(state, peer, context)
    if state.append_due:
        state.append_due = False
        last = state.log.last_index
        for peer in state.others:
            # A probe is also sent to a peer that lacks nothing, until that is certain.
            while not peer.paused and (
                peer.next <= last or (peer.state is PROBE and peer.match + 1 < peer.next)
            ):
                send_append(state, peer)
    if state.commit_notice_at is not None and state.commit_notice_at <= state.now:
        notify_commit(state)


def send_append(state: ReplicaState, peer: Progress, *, empty: bool = False) -> None:
    """One AppendEntries from `peer.next` on, empty if there is nothing; or a snapshot."""
    log = state.log
    previous = peer.next - 1
    try:
        previous_term = log.term(previous)
        entries = [] if empty else log.entries(peer.next, state.settings.append_bytes_max)
    except Compacted:
        send_snapshot(state, peer)
        return
    commit = log.commit
    peer.commit_sent = commit
    state.messages.append(
        AppendEntries(
            state.replica,
            peer.replica,
            state.term,
            previous,
            previous_term,
            entries,
            commit,
            state.now,
        )
    )
    if entries:
        peer.sent(entries[-1].index, sum([len(e.data) for e in entries]))
    elif peer.state is PROBE:
        peer.probe_sent = True


def send_snapshot(state: ReplicaState, peer: Progress) -> None:
    """The log no longer reaches back to what the peer needs."""
    snapshot = state.log.storage.snapshot()
    if snapshot is None or snapshot.index + 1 < state.log.first_index:
        # None can be had yet, or it would leave a gap: try again at the next sign of life.
        if peer.state is REPLICATE:
            peer.become_probe()
        peer.probe_sent = True
        return
    peer.become_snapshot(snapshot.index)
    state.send(InstallSnapshot(state.replica, peer.replica, state.term, snapshot, state.now))


def send_heartbeat(state: ReplicaState, peer: Progress, context: int) -> None:
    """Never tell a peer of a commit beyond what it is known to have (it could not check)."""
    commit = min(peer.match, state.log.commit)
    peer.commit_sent = max(peer.commit_sent, commit)
    state.send(Heartbeat(state.replica, peer.replica, state.term, commit, state.now, context))


def broadcast_heartbeat(state: ReplicaState) -> None:
    """To everybody, learners too; it also repeats the newest question of waiting reads."""
    state.heartbeat_at = state.now + state.settings.heartbeat_interval
    state.commit_notice_at = None
    context = state.reads.context if state.reads.has_batches else NO_CONTEXT
    for peer in state.others:
        send_heartbeat(state, peer, context)


def notify_commit(state: ReplicaState) -> None:
    """Tell those who were not told by an append that the commit index has moved."""
    state.commit_notice_at = None
    for peer in state.others:
        if peer.commit_sent < min(peer.match, state.log.commit):
            send_heartbeat(state, peer, NO_CONTEXT)


# ------------------------------------------------------------------------------ leader: answers


def handle_append_response(state: ReplicaState, message: AppendEntriesResponse) -> None:
    """Figure 2, leaders: move the peer's indexes, then the commit index."""
    peer = _hear(state, message.sender, message.send_time)
    if peer is None:
        return
    if not message.success:
        hint = message.hint_index
        if message.hint_term > 0:
            hint, _ = state.log.agreeing(hint, message.hint_term)
        if peer.refuse(message.index, hint):
            state.append_due = True
        return
    if message.index > state.log.last_index:
        raise MessageRefused(f"replica {peer.replica} vouches for an entry that was never sent")
    news = peer.acknowledge(message.index)
    if not (news or (peer.state is PROBE and peer.match == message.index)):
        return
    if peer.state is REPLICATE:
        peer.inflights.free_to(message.index)
    elif peer.state is PROBE or peer.match + 1 >= state.log.first_index:
        # From SNAPSHOT too: whatever it holds now, the log reaches back to it.
        peer.become_replicate()
    commit = state.log.commit
    if peer.match > commit:
        advance_commit(state)
    elif peer.commit_sent < peer.match and state.commit_notice_at is None:
        # It was told too little, because it had too little.
        state.commit_notice_at = state.now + state.settings.commit_notice_delay
    if peer.next <= state.log.last_index:
        state.append_due = True
    if peer.replica == state.transfer_target and peer.match == state.log.last_index:
        hand_over(state, peer)


def handle_heartbeat_response(state: ReplicaState, message: HeartbeatResponse) -> None:
    """The peer is alive: whatever was lost on its way is sent again."""
    peer = _hear(state, message.sender, message.send_time)
    if peer is None:
        return
    peer.probe_sent = False
    if peer.match < state.log.last_index:
        state.append_due = True
        if peer.state is REPLICATE and peer.match == peer.match_at_heartbeat:
            # No progress since the last one. If what is under way was lost, this one is refused.
            send_append(state, peer, empty=True)
    peer.match_at_heartbeat = peer.match
    if message.read_context > peer.read_context:
        peer.read_context = min(message.read_context, state.reads.context)
        confirm_reads(state)


def _hear(state: ReplicaState, sender: int, send_time: int) -> Progress | None:
    """Note the peer's sign of life and which of our rounds it has answered."""
    peer = state.progress.get(sender)
    if peer is None:
        state.ignore("answer of a replica that is not in the configuration")
        return None
    peer.heard_at = state.now
    if peer.acknowledged_send_time < send_time <= state.now:
        peer.acknowledged_send_time = send_time
        renew_lease(state)
    return peer


def advance_commit(state: ReplicaState) -> bool:
    """Section 5.3 and 5.4.2: what a quorum has on disk, if it ends in an entry of this term."""
    log = state.log
    index = reached([peer.match for peer in state.incoming])
    if state.outgoing:
        index = min(index, reached([peer.match for peer in state.outgoing]))
    if index <= log.commit or index < state.term_start:
        return False
    before = log.commit
    log.commit_to(index)
    if state.others and state.commit_notice_at is None:
        state.commit_notice_at = state.now + state.settings.commit_notice_delay
    if before < state.term_start and state.postponed_reads:
        # Only now is the commit index known to cover every earlier leader's (thesis 6.4).
        reads, state.postponed_reads = state.postponed_reads, []
        for context in reads:
            ask_quorum(state, context)
    return True


def release_committed_bytes(state: ReplicaState, entries: list[Entry]) -> None:
    """These entries no longer weigh on the limit of what is uncommitted."""
    # Entries of earlier terms were never counted.
    sizes = [len(entry.data) for entry in entries if entry.index >= state.term_start]
    state.uncommitted_bytes -= sum(sizes) + ENTRY_OVERHEAD_BYTES * len(sizes)


# -------------------------------------------------------------------------------- leader: reads


def ask_quorum(state: ReplicaState, context: object) -> None:
    """A read of which nothing is known yet but that it has begun."""
    if state.log.commit < state.term_start:
        state.postponed_reads.append(context)
    elif state.alone:
        state.read_states.append(ReadState(context, state.log.commit))
    else:
        state.reads.add(context)


def confirm_reads(state: ReplicaState) -> None:
    """Release the reads whose context a quorum has confirmed."""
    if not state.reads.has_batches:
        return
    newest = state.reads.context
    own = state.replica
    confirmed = joint_reached(
        [newest if p.replica == own else p.read_context for p in state.incoming],
        [newest if p.replica == own else p.read_context for p in state.outgoing],
    )
    state.read_states.extend(state.reads.confirm(confirmed))


# ------------------------------------------------------------------------------------- followers


def handle_append(state: ReplicaState, message: AppendEntries) -> None:
    """Figure 2, AppendEntries. Raises ReplicaDamaged if it contradicts a committed entry."""
    log = state.log
    previous, entries = message.previous_log_index, message.entries
    if entries and (
        entries[0].index != previous + 1
        or entries[-1].index != previous + len(entries)
        or entries[-1].term > message.term
    ):
        raise MessageRefused(f"entries of replica {message.sender} are out of order")
    state.hear_leader(message.sender)
    if previous < log.commit:
        # Out of date; what is committed matches for certain.
        _accept(state, message, log.commit)
    elif log.accept(previous, message.previous_log_term, entries):
        last = previous + len(entries)
        log.commit_to(min(message.leader_commit, last))
        _accept(state, message, last)
    else:
        hint_index, hint_term = log.agreeing(previous, message.previous_log_term)
        state.send(
            AppendEntriesResponse(
                state.replica,
                message.sender,
                state.term,
                False,
                previous,
                message.send_time,
                hint_index,
                hint_term,
            )
        )


def _accept(state: ReplicaState, message: AppendEntries | InstallSnapshot, index: int) -> None:
    """Vouch for everything up to `index`, once it is durable."""
    state.messages_after_persistence.append(
        AppendEntriesResponse(
            state.replica, message.sender, state.term, True, index, message.send_time
        )
    )


def handle_heartbeat(state: ReplicaState, message: Heartbeat) -> None:
    """The leader lives. Raises ReplicaDamaged if it commits what this replica no longer has."""
    state.hear_leader(message.sender)
    state.log.commit_to(message.leader_commit)
    response = HeartbeatResponse(
        state.replica, message.sender, state.term, message.send_time, message.read_context
    )
    if state.durable_term == state.term:
        # Not behind the entries that a slow disk is still writing: it vouches for no entry.
        state.send(response)
    else:
        state.send_after_persistence(response)


def handle_install_snapshot(state: ReplicaState, message: InstallSnapshot) -> None:
    """Section 7. The data is with the shell already; Ready says whether to install it."""
    state.hear_leader(message.sender)
    log, snapshot = state.log, message.snapshot
    if snapshot.index <= log.commit:
        state.ignore("snapshot older than the commit index")
        _accept(state, message, log.commit)
        return
    if log.matches(snapshot.index, snapshot.term):
        # The log has it all; it only did not know that it is committed.
        log.commit_to(snapshot.index)
    else:
        log.restore(snapshot)
        state.configuration = snapshot.configuration
    _accept(state, message, snapshot.index)
