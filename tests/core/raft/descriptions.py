"""How transcripts write what replicas say: one line per message, entry, snapshot, peer.

interaction.py uses it; the words are part of every transcript in testdata/.
"""

from __future__ import annotations

import re

from stator_core.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Configuration,
    Entry,
    EntryKind,
    Heartbeat,
    HeartbeatResponse,
    InstallSnapshot,
    Message,
    Quiesce,
    RequestVote,
    RequestVoteResponse,
    SnapshotMetadata,
    TimeoutNow,
)
from stator_core.raft.progress import Progress


def ids(text: str) -> list[int]:
    """`(1,2,3)` -> [1, 2, 3]."""
    return [int(number) for number in re.findall(r"\d+", text)]


def without_heartbeats(lines: list[str]) -> list[str]:
    """The lines without plain heartbeats, and without the headings that then stand over nothing."""
    kept: list[str] = []
    plain = re.compile(r" *\d->\d Heartbeat(Response)? [^(]*(\(lost\))?$")
    for line in reversed([line for line in lines if not plain.match(line)]):
        depth = len(line) - len(line.lstrip())
        heads = line.lstrip().startswith("> ") or line.startswith("at ")
        below = kept[-1] if kept else ""
        empty = len(below) - len(below.lstrip()) <= depth and not line.startswith("at ")
        if heads and (not kept or empty or (line.startswith("at ") and below.startswith("at "))):
            continue
        kept.append(line)
    return kept[::-1]


def describe_configuration(configuration: Configuration) -> str:
    parts = [f"voters={listed(configuration.voters)}"]
    others = {
        "voters_outgoing": configuration.voters_outgoing,
        "learners": configuration.learners,
        "learners_next": configuration.learners_next,
    }
    parts += [f"{name}={listed(replicas)}" for name, replicas in others.items() if replicas]
    if configuration.auto_leave:
        parts.append("auto-leave")
    return " ".join(parts)


def listed(replicas: frozenset[int]) -> str:
    return "(" + ",".join(str(replica) for replica in sorted(replicas)) + ")"


def describe_entry(entry: Entry) -> str:
    text = entry.data.decode()
    if len(text) > 30:
        text = f"{len(text)} bytes"
    kind = "~" if entry.kind is EntryKind.MEMBERSHIP else ""
    return f"[{entry.term}/{entry.index} {kind}{text!r}]"


def describe_snapshot(snapshot: SnapshotMetadata) -> str:
    configuration = describe_configuration(snapshot.configuration)
    return f"snapshot {snapshot.term}/{snapshot.index} {configuration}"


def describe_progress(peer: Progress) -> str:
    notes = ""
    if peer.probe_sent:
        notes += " probe-sent"
    if peer.pending_snapshot:
        notes += f" pending-snapshot {peer.pending_snapshot}"
    if peer.inflights.messages:
        notes += f" inflight {len(peer.inflights.messages)} ({peer.inflights.bytes} bytes)"
    return f"{peer.replica} {peer.state.value} match {peer.match} next {peer.next}{notes}"


def describe(message: Message) -> str:
    """`1->2 AppendEntries term 2 previous 1/1 commit 1 [2/2 '']`."""
    head = f"{message.sender}->{message.receiver} {type(message).__name__} term {message.term}"
    match message:
        case RequestVote():
            flags = (" pre-vote" if message.pre_vote else "") + (
                " transfer" if message.leadership_transfer else ""
            )
            return f"{head} last {message.last_log_term}/{message.last_log_index}{flags}"
        case RequestVoteResponse():
            kind = " pre-vote" if message.pre_vote else ""
            return f"{head} {'granted' if message.vote_granted else 'refused'}{kind}"
        case AppendEntries():
            entries = "".join(f" {describe_entry(entry)}" for entry in message.entries)
            previous = f"{message.previous_log_term}/{message.previous_log_index}"
            return f"{head} previous {previous} commit {message.leader_commit}{entries}"
        case AppendEntriesResponse(success=True):
            return f"{head} index {message.index}"
        case AppendEntriesResponse():
            hint = f"{message.hint_term}/{message.hint_index}"
            return f"{head} refused {message.index} hint {hint}"
        case Heartbeat():
            context = f" context {message.read_context}" if message.read_context else ""
            return f"{head} commit {message.leader_commit} sent {message.send_time}{context}"
        case HeartbeatResponse():
            context = f" context {message.read_context}" if message.read_context else ""
            return f"{head} sent {message.send_time}{context}"
        case InstallSnapshot():
            return f"{head} {describe_snapshot(message.snapshot)}"
        case TimeoutNow():
            return head
        case Quiesce():
            return f"{head} commit {message.commit}"
