"""What one log entry costs the leader of three replicas, in CPU of this process alone.

`python benchmarks/raft_core.py` prints microseconds per entry for the whole round on the leader:
propose, ready, persisted, two answers, ready with the committed entry, applied. Followers' answers
are made outside the measured time. Two cases: one entry at a time, and sixteen under way.
"""

from __future__ import annotations

import time

from stator_core.raft.memory_storage import MemoryStorage
from stator_core.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Configuration,
    RequestVote,
    RequestVoteResponse,
)
from stator_core.raft.raft import Raft, Start
from stator_core.raft.settings import Settings

ENTRIES = 20_000
DATA = b"x" * 20_000  # an entry is a batch of a few dozen operations


def answer(message: AppendEntries) -> AppendEntriesResponse:
    """What a follower says whose disk has everything."""
    last = message.previous_log_index + len(message.entries)
    return AppendEntriesResponse(message.receiver, 1, message.term, True, last, message.send_time)


def elected_leader(storage: MemoryStorage, configuration: Configuration) -> Raft:
    """Replica 1 of three, with the votes of the others and its first entry committed."""
    raft = Raft(Start(1, 1, configuration, 0), storage, Settings(), lambda _: 0)
    raft.campaign(0)
    while (ready := raft.ready()) is not None:
        if ready.number:
            storage.write(ready.hard_state, ready.entries)
            raft.persisted(0, ready.number)
        for message in ready.messages + ready.messages_after_persistence:
            if isinstance(message, RequestVote):
                term, sender = message.term, message.receiver
                raft.step(0, RequestVoteResponse(sender, 1, term, True, message.pre_vote))
            elif isinstance(message, AppendEntries):
                raft.step(0, answer(message))
        if ready.committed:
            raft.applied(0, ready.committed[-1].index)
    assert raft.leads
    return raft


def measure(pipelined: int) -> float:
    """Microseconds of the leader's CPU per entry, with so many entries under way."""
    configuration = Configuration(voters=frozenset({1, 2, 3}))
    storage = MemoryStorage.bootstrapped(configuration)
    raft = elected_leader(storage, configuration)
    spent = 0.0
    clock = time.perf_counter
    for entry in range(0, ENTRIES, pipelined):
        now = entry // 100
        answers = []
        numbers = []
        started = clock()
        for _ in range(pipelined):
            raft.propose(now, DATA)
            ready = raft.ready()
            assert ready is not None
            numbers.append(ready.number)
            spent += clock() - started
            storage.write(ready.hard_state, ready.entries)
            answers += [answer(m) for m in ready.messages if isinstance(m, AppendEntries)]
            started = clock()
        for number in numbers:
            raft.persisted(now, number)
        for response in answers:
            raft.step(now, response)
        while (ready := raft.ready()) is not None:
            if ready.committed:
                raft.applied(now, ready.committed[-1].index)
        spent += clock() - started
    assert raft.applied_index == raft.last_index
    return spent / ENTRIES * 1e6


if __name__ == "__main__":
    for under_way in (1, 16):
        print(f"{under_way:3} under way: {min(measure(under_way) for _ in range(3)):.1f} us/entry")
