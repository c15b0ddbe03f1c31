"""The same as `test_cluster.py`, odd seeds: the product's supervisor cares for the cluster."""

from __future__ import annotations

from simulation import cluster_run

FIRST_SEED = 1


def test_every_promise_holds_under_a_supervisor_and_faults(seeds: list[int]) -> None:
    for seed in seeds:
        cluster_run.run(seed)
