"""Reads share a round, and a later round's answer serves the earlier ones too."""

from __future__ import annotations

from stator_core.raft.messages import ReadState
from stator_core.raft.read_index import ReadQueue


def test_reads_that_arrive_together_are_confirmed_together() -> None:
    queue = ReadQueue()
    queue.add("a")
    queue.add("b")
    context = queue.close_batch(7)

    assert queue.confirm(context - 1) == []
    assert queue.confirm(context) == [ReadState("a", 7), ReadState("b", 7)]
    assert queue.pending == 0


def test_a_later_context_confirms_the_earlier_ones() -> None:
    queue = ReadQueue()
    queue.add("a")
    queue.close_batch(7)
    queue.add("b")
    last = queue.close_batch(9)
    queue.add("too new")
    queue.check_invariants()

    assert queue.confirm(last) == [ReadState("a", 7), ReadState("b", 9)]
    assert queue.pending == 1
    queue.check_invariants()
