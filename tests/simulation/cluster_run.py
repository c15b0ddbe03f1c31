"""One seed: a cluster, a workload, faults and commands; then calm, and every promise checked.

`run(seed)` draws everything from the seed: how many nodes, whether a supervisor cares for them,
which faults come and how often, how short the logs are. It raises SimulationFailed, PromiseBroken
or AssertionError with the seed in it, or gives a `Report`. Called by `test_cluster.py` and by
`simulate.py`, which runs many.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from simulation import cluster_checks
from simulation.cluster_world import CONSOLE, ClusterWorld, Gateway, Shape
from simulation.commands import Commands
from simulation.endings import (
    AGAIN,
    DISABLED,
    ENDING,
    SETTING,
    WITHOUT,
    Endings,
    has_endings,
    is_enabled_late,
)
from simulation.faults import EVERYTHING, Faults, Rhythm
from simulation.promise import PromiseBroken
from simulation.stream_consumer import StreamConsumers
from simulation.workloads import SPREAD, STREAMED, TABLES, Workload, execute_until_done, keys_of
from simulation.world import SimulationFailed
from stator_core.raft.settings import Settings
from stator_core.table import Table, TimeToLive

WARM_UP_SECONDS = 30.0  # at most; it ends when every table is served
STORM_SECONDS = (2.0, 6.0)
CALM_SECONDS = 60.0  # at most
# By the seed modulo 20.
SPECIAL = {
    3: "duel",
    8: "duel",
    15: "cutting",
    16: "cutting",
    5: "clocks",
    10: "clocks",
    4: "merging",
    19: "merging",
}
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


@dataclass(frozen=True, slots=True)
class Scenario:
    """A workload and the faults that it meets."""

    kinds: Mapping[str, float]
    pause_seconds: float  # from fault to fault
    fault_seconds: float
    storm_seconds: float
    keys: int
    clients: int
    client_pause_seconds: float
    loses_volume: bool = False
    down_max: int = 1
    only_storage: bool = False  # gateways and supervisor meet no faults


def duel() -> Scenario:
    """Old leaders live on beside new ones, within reach of several busy gateways."""
    kinds = {"freeze": 3, "cut off from peers": 3, "clock drift": 1}
    return Scenario(kinds, 0.2, 0.4, 3.0, 1, 5, 0.03, only_storage=True)


def cutting() -> Scenario:
    """Splits under writes, with slow disks and late peers."""
    kinds = {"slow disk": 4, "bad links": 2, "clog": 2, "freeze": 1}
    return Scenario(kinds, 0.2, 0.5, 3.0, 3, 8, 0.03, only_storage=True)


def merging() -> Scenario:
    """Partitions are cut and merged again and again, while nodes die, freeze and lose peers."""
    kinds = {"kill": 3, "power cut": 3, "freeze": 2, "cut off": 2, "slow disk": 2}
    return Scenario(kinds, 0.8, 0.3, 8.0, 3, 6, 0.03, only_storage=True)


def clocks() -> Scenario:
    """Wall clocks jump while leaders change, restart and take snapshots."""
    kinds = {"clock jump": 6, "kill": 3, "cut off from peers": 2}
    return Scenario(kinds, 0.1, 0.2, 4.0, 2, 4, 0.03, only_storage=True)


def mixture(chance: random.Random) -> Scenario:
    """Everything at once, in other parts for each seed."""
    kinds = {kind: weight * chance.choice((0, 1, 1, 3)) for kind, weight in EVERYTHING.items()}
    return Scenario(
        kinds if any(kinds.values()) else EVERYTHING,
        chance.choice((0.4, 0.8, 1.5)),
        chance.choice((0.5, 1.5, 3.0)),
        chance.uniform(*STORM_SECONDS),
        keys=chance.choice((1, 2, 3)),
        clients=chance.choice((2, 4, 4, 8)),
        client_pause_seconds=chance.choice((0.03, 0.1, 0.1, 0.2)),
        loses_volume=chance.random() < 0.25,
        down_max=chance.choice((1, 1, 1, 2)),
    )


def has_stream(seed: int) -> bool:
    """Whether a table of the seed's cluster has a stream: half of the seeds of every scenario."""
    return (seed + seed // 20) % 4 in (1, 2)


def kind_of(seed: int) -> str:
    """Which scenario a seed has."""
    return SPECIAL.get(seed % 20, "")


def shape_of(seed: int) -> Shape:
    """The cluster of a seed."""
    chance = random.Random(f"shape {seed}")
    election_timeout = chance.choice((150, 400, 1_000))
    gateways = chance.choice((1, 1, 2))
    polls: tuple[float, ...] = (0.25,)
    if kind_of(seed) == "duel":
        election_timeout, gateways, polls = 150, 3, (0.03, 0.5, 0.25)
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
        gateways=gateways,
        poll_seconds=polls,
        supervised=seed % 2 == 1,
        merges=chance.random() < 0.5,
        wild=seed % 2 == 0 or chance.random() < 0.3,
        settings=settings,
        check_invariants=chance.random() < 0.1,
    )


class Run:
    """One seed's run, step by step."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(f"run {seed}")
        kind = kind_of(seed)
        special = {"duel": duel, "cutting": cutting, "clocks": clocks, "merging": merging}
        scenario = special.get(kind, lambda: mixture(chance))()
        self.seed = seed
        self.scenario = scenario
        tables: tuple[Table, ...] = (SPREAD, STREAMED) if has_stream(seed) else TABLES
        if has_endings(seed):
            tables = (*tables, WITHOUT if is_enabled_late(seed) else ENDING)
        self.cluster = cluster = ClusterWorld(seed, shape_of(seed), tables)
        self.world = cluster.world
        keys = keys_of(scenario.keys)
        self.workload = Workload(
            self.world,
            keys,
            clients=scenario.clients,
            pause_seconds=scenario.client_pause_seconds,
        )
        self.endings = Endings(cluster)
        self.consumers = StreamConsumers(self.world, STREAMED)
        cluster.on_gateway = self._arrive
        self.commands = Commands(cluster, sorted({key.place for key in keys}))
        if kind == "cutting":
            self.commands.weights = {"split": 6, "merge": 6, "transfer": 2, "nothing": 1}
        elif kind == "merging":
            self.commands.weights = {
                "split": 4,
                "merge": 8,
                "transfer": 2,
                "learner": 1,
                "change": 1,
            }
        if has_stream(seed):
            self.commands.weights = {**self.commands.weights, "roll": 3}
        spared = set(cluster.may_fail) - set(cluster.identities) if scenario.only_storage else set()
        self.faults = Faults(
            self.world,
            scenario.kinds,
            rhythm=Rhythm(scenario.pause_seconds, scenario.fault_seconds),
            down_max=scenario.down_max,
            spared={CONSOLE, *spared},
            peers=tuple(cluster.identities),
        )
        self._volume_at = chance.uniform(0.5, scenario.storm_seconds)

    def __call__(self) -> Report:
        self.commands.begin()
        self._need(WARM_UP_SECONDS, self._is_served, "the cluster did not begin to serve")
        self.workload.begin(self.cluster.gateways)
        if has_stream(self.seed):
            self.consumers.begin(self.cluster.gateways)
        self.faults.begin()
        if has_endings(self.seed):
            self.endings.begin(self.cluster.gateways)
            storm = self.scenario.storm_seconds
            if is_enabled_late(self.seed):
                self.world.after(storm / 2, self._want, SETTING)
            else:
                self.world.after(storm / 3, self._want, DISABLED)
                self.world.after(storm * 2 / 3, self._want, AGAIN)
        if self.scenario.loses_volume:
            self.world.after(self._volume_at, self._lose_volume)
        self.cluster.run(self.scenario.storm_seconds)
        self.faults.end()
        self.commands.begin_calm()
        self.workload.end()
        self.endings.end()
        self._need(CALM_SECONDS, self._is_calm, "it did not calm down")
        items = self._read_everything()
        # A supervisor, or a feed's trimming, may have gone on meanwhile.
        self._need(CALM_SECONDS, self._is_calm, "it did not calm down again")
        cluster_checks.check(self.cluster, self.workload, items)
        ended = {}
        if has_stream(self.seed):
            self._check_streams()
        if has_endings(self.seed):
            found = cluster_checks.replicas_of(self.cluster)
            ended = self.endings.check(cluster_checks.found_leaders(found))
        return Report(
            self.seed,
            self.world.trace_hash(),
            self.world.events,
            self.workload.outcomes,
            self.faults.happened,
            self.commands.done,
            self.cluster.observer.counts | ended,
        )

    def _check_streams(self) -> None:
        """What lies on the disks is whole, and every consumer comes to have read just that."""
        self.cluster.observer.counts["streamed"] = cluster_checks.check_streams(self.cluster)
        feeds, _ = cluster_checks.feeds_of(self.cluster, STREAMED)
        if not self.cluster.run(
            READ_SECONDS, until=_seldom(lambda: not self.consumers.difference(feeds))
        ):
            raise PromiseBroken(self.consumers.difference(feeds))
        self.cluster.observer.counts["consumed"] = self.consumers.count

    def _arrive(self, gateway: Gateway) -> None:
        self.workload.arrive(gateway)
        self.consumers.arrive(gateway)
        self.endings.arrive(gateway)

    def _want(self, setting: TimeToLive) -> None:
        """Time to live comes to a table with items, or leaves it."""
        self.endings.want(setting)
        if not self.cluster.shape.supervised:
            self.commands.settings[ENDING.name] = setting

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
            for table in self.cluster.tables
        )

    def _is_calm(self) -> bool:
        return self.workload.idle and not self._why_not_calm()

    def _why_not_calm(self) -> str:
        reason = cluster_checks.why_not_calm(self.cluster)
        if reason or not has_endings(self.seed):
            return reason
        found = cluster_checks.found_leaders(cluster_checks.replicas_of(self.cluster))
        return self.endings.why_not_calm([hosted for _, hosted in found])

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
    one = Run(seed)
    try:
        return one()
    except SimulationFailed:
        raise
    except AssertionError as error:
        raise SimulationFailed(f"seed {seed}: {error}") from error
    finally:
        one.world.end()


def to_json(report: Report) -> bytes:
    """A report as a line."""
    return orjson.dumps(report)
