"""One seed: a cluster, a workload, faults and commands; then calm, and every promise checked.

`run(seed)` draws everything from the seed: how many nodes, whether a supervisor cares for them,
which faults come and how often, how short the logs are. It raises SimulationFailed, PromiseBroken
or AssertionError with the seed in it, or gives a `Report`. Called by `test_cluster.py` and by
`simulate.py`, which runs many.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import orjson

from simulation import cluster_checks
from simulation.cluster_world import CONSOLE, ClusterWorld, Shape
from simulation.commands import Commands
from simulation.faults import EVERYTHING, Faults, Rhythm
from simulation.workloads import TABLES, Workload, execute_until_done, keys_of
from simulation.world import SimulationFailed
from stator_core.raft.settings import Settings

WARM_UP_SECONDS = 30.0  # at most; it ends when every table is served
STORM_SECONDS = (2.0, 6.0)
CALM_SECONDS = 60.0  # at most
READ_SECONDS = 30.0  # at most


@dataclass(frozen=True, slots=True)
class Report:
    """What a clean run was made of, so that a test can ask whether runs are rich enough."""

    seed: int
    trace_hash: str
    events: int
    operations: dict[str, int]
    faults: dict[str, int]
    commands: dict[str, int]
    observed: dict[str, int]


def shape_of(seed: int) -> Shape:
    """The cluster of a seed."""
    chance = random.Random(f"shape {seed}")
    election_timeout = chance.choice((150, 400, 1_000))
    settings = Settings(
        election_timeout=election_timeout,
        heartbeat_interval=election_timeout // 10,
        clock_drift_max=election_timeout // 10,
        log_entries_kept=chance.choice((5, 20, 200)),
        compact_every=chance.choice((5, 20, 100)),
        snapshot_chunk_bytes=chance.choice((200, 1000, 100_000)),
        quiesce_after=chance.choice((500, 5_000)),
        apply_bytes_max=chance.choice((300, 4 << 20)),
        append_bytes_max=chance.choice((300, 1 << 20)),
        tail_bytes_max=chance.choice((0, 1000, 16 << 20)),
    )
    return Shape(
        nodes=chance.choice((3, 3, 3, 4, 5)),
        gateways=chance.choice((1, 1, 2)),
        supervised=seed % 2 == 1,
        wild=seed % 2 == 0 or chance.random() < 0.3,
        settings=settings,
        check_invariants=chance.random() < 0.1,
    )


class Run:
    """One seed's run, step by step."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(f"run {seed}")
        self.seed = seed
        self.cluster = ClusterWorld(seed, shape_of(seed), TABLES)
        self.world = self.cluster.world
        keys = keys_of(chance.choice((1, 2, 3)))
        self.workload = Workload(
            self.world,
            keys,
            clients=chance.choice((2, 4, 4, 8)),
            pause_seconds=chance.choice((0.03, 0.1, 0.1, 0.2)),
        )
        self.cluster.on_gateway = self.workload.arrive
        self.commands = Commands(self.cluster, sorted({key.place for key in keys}))
        kinds = {kind: weight * chance.choice((0, 1, 1, 3)) for kind, weight in EVERYTHING.items()}
        self.faults = Faults(
            self.world,
            kinds if any(kinds.values()) else EVERYTHING,
            rhythm=Rhythm(chance.choice((0.4, 0.8, 1.5)), chance.choice((0.5, 1.5, 3.0))),
            down_max=chance.choice((1, 1, 1, 2)),
            spared=(CONSOLE,),
            peers=tuple(self.cluster.identities),
        )
        self._loses_volume = chance.random() < 0.25
        self._storm_seconds = chance.uniform(*STORM_SECONDS)
        self._volume_at = chance.uniform(0.5, self._storm_seconds)

    def __call__(self) -> Report:
        self.commands.begin()
        self._need(WARM_UP_SECONDS, self._is_served, "the cluster did not begin to serve")
        self.workload.begin(self.cluster.gateways)
        self.faults.begin()
        if self._loses_volume:
            self.world.after(self._volume_at, self._lose_volume)
        self.cluster.run(self._storm_seconds)
        self.faults.end()
        self.commands.begin_calm()
        self.workload.end()
        self._need(CALM_SECONDS, self._is_calm, "it did not calm down")
        items = self._read_everything()
        cluster_checks.check(self.cluster, self.workload, items)
        return Report(
            self.seed,
            self.world.trace_hash(),
            self.world.events,
            self.workload.outcomes,
            self.faults.happened,
            self.commands.done,
            self.cluster.observer.counts,
        )

    def _lose_volume(self) -> None:
        if self.workload.ended:
            return
        name = self.world.random.choice(list(self.cluster.identities))
        if not cluster_checks.may_lose(self.cluster, name):
            self.world.after(0.2, self._lose_volume)  # Not the last good copy of anything.
            return
        self.world.record("faults", "lose volume", name)
        self.cluster.lose_volume(name)

    def _is_served(self) -> bool:
        view = self.cluster.console.view if CONSOLE in self.cluster.gateways else None
        return view is not None and all(
            table.name in view.tables
            and (known := view.maps.get(table.identifier)) is not None
            and all(view.leader(partition) for partition in known.partitions)
            for table in TABLES
        )

    def _is_calm(self) -> bool:
        return self.workload.idle and not self._why_not_calm()

    def _why_not_calm(self) -> str:
        return cluster_checks.why_not_calm(self.cluster)

    def _need(self, seconds: float, until: Any, what: str) -> None:
        if not self.cluster.run(seconds, until=_seldom(until)):
            self.world.fail("run", f"{what}: {self._why_not_calm()}", None)
            self.cluster.run(1.0)

    def _read_everything(self) -> dict[str, Any]:
        """Every key's item by a strong read, and every table and index by a walk."""
        node = self.world.nodes[CONSOLE]
        gateway = self.cluster.console
        found: dict[str, Any] = {}

        async def read() -> None:
            for key in self.workload.keys:
                body = {
                    "TableName": key.table.name,
                    "Key": key.attributes,
                    "ConsistentRead": True,
                }
                answer = await execute_until_done(gateway, "GetItem", body)
                found[key.name] = answer.get("Item")
            for table in TABLES:
                body = {"TableName": table.name, "ConsistentRead": True}
                answer = await execute_until_done(gateway, "Scan", body)
                found[f"scan {table.name}"] = answer["Items"]
            found["done"] = True

        node.loop.call_soon(lambda: node.loop.create_task(read()))
        self._need(READ_SECONDS, lambda: "done" in found, "the end cannot be read")
        del found["done"]
        return found


def _seldom(until: Any) -> Any:
    """`until`, looked at for every hundredth event: it is asked before each."""
    count = 0

    def asked() -> bool:
        nonlocal count
        count += 1
        return count % 100 == 0 and until()

    return asked


def run(seed: int) -> Report:
    """Run one seed. Whatever it raises tells the seed."""
    try:
        return Run(seed)()
    except SimulationFailed:
        raise
    except AssertionError as error:
        raise SimulationFailed(f"seed {seed}: {error}") from error


def to_json(report: Report) -> bytes:
    """A report as a line."""
    return orjson.dumps(report)
