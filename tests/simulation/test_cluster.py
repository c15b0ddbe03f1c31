"""A whole cluster in the simulated world keeps its promises, whatever fails and is asked meanwhile.

Even seeds: a person at a console commands splits, moves and repairs. What is checked of each seed
is in `cluster_run.py`. `pytest tests/simulation --seed 42` repeats one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulation import cluster_run
from simulation.world import SimulationFailed
from stator_core import expiry
from stator_node import cluster_expiries, hosted_partition
from stator_node.cluster_streams import ClusterStreams
from stator_node.raft_commit import RaftCommit

FIRST_SEED = 0
STREAMED_SEEDS = [seed for seed in range(40) if cluster_run.has_stream(seed)]
CUTTING_STREAMED = (55, 216, 676, 916, 1816)
TESTS = Path(__file__).resolve().parents[1]


def test_every_promise_holds_under_commands_and_faults(seeds: list[int]) -> None:
    for seed in seeds:
        cluster_run.run(seed)


def test_a_seed_repeats_exactly_in_another_process() -> None:
    """Also where sets and dictionaries of strings are in another order."""
    program = "import sys; sys.path.insert(0, sys.argv[1]); from simulation import cluster_run; "
    program += "print([cluster_run.run(seed).trace_hash for seed in (2, 3)])"
    hashes = [
        subprocess.run(
            [sys.executable, "-c", program, str(TESTS)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]

    assert hashes[0] == hashes[1]


def test_runs_are_rich_enough_to_prove_something() -> None:
    """A simulator in which nothing happens finds nothing."""
    totals: dict[str, int] = {}
    for seed in range(10_000, 10_030):
        report = cluster_run.run(seed)
        for part in (report.operations, report.faults, report.commands, report.observed):
            for name, count in part.items():
                totals[name] = totals.get(name, 0) + count

    wanted = ("ok", "unknown", "restarted", "restored", "forgotten", "split", "transfer", "learner")
    wanted += ("roll", "streamed", "consumed")
    wanted += ("change", "describe", "destroy", "repair", "power cut", "kill", "freeze", "cut off")
    wanted += ("swept", "stayed", "merge", "merged", "TakeOver", "Thaw")
    assert not [name for name in wanted if totals.get(name, 0) < 3], totals


def test_an_answer_before_the_quorum_has_it_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator can fail: a product that acknowledges at once loses writes, and is caught."""
    honest = RaftCommit.answer_after

    def hasty(self: RaftCommit, group: Any, answer: Any) -> Any:
        pending = honest(self, group, answer)
        group.waiters[-1] = type(pending)(), answer
        if isinstance(answer, bytes):
            pending.resolve(answer)
        else:
            pending.fail(answer)
        return pending

    monkeypatch.setattr(RaftCommit, "answer_after", hasty)

    assert any(_fails(seed) for seed in range(0, 40, 2))


def test_an_item_that_the_index_by_expiry_does_not_know_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where leaders do not fill the index, what ended before stays for ever."""

    async def fills_nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(cluster_expiries, "fill_slice", fills_nothing)

    assert _fails(2)
    assert _fails(7)


def test_an_entry_that_its_item_does_not_bear_out_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a write forgets to take away the entry of the end before."""
    honest = expiry.changes

    def forgetful(partition_id: int, key: bytes, before: Any, after: Any) -> list[Any]:
        return [each for each in honest(partition_id, key, before, after) if each[2] is not None]

    monkeypatch.setattr(expiry, "changes", forgetful)

    assert any(_fails(seed) for seed in (2, 7, 12, 17))


def test_an_end_before_its_children_are_known_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClusterStreams, "_knows_children", lambda *_: True)

    assert any(_fails(seed) for seed in STREAMED_SEEDS)


def test_a_record_behind_the_end_of_its_shard_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a shard is rolled before the writes that were evaluated stand in the log."""
    monkeypatch.setattr(hosted_partition, "CUTS_THE_FEED", frozenset())

    assert any(_fails(seed) for seed in CUTTING_STREAMED)


def _fails(seed: int) -> bool:
    try:
        cluster_run.run(seed)
    except SimulationFailed:
        return True
    return False
