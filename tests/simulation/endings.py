"""Items that end, in a part of the seeds: what has ended is gone once, and nothing else is.

A third table, `ending`, has time to live and a stream; in half of these seeds it is enabled in the
middle of the storm, so leaders fill the index while they fail; in the others it is disabled and
enabled again, so the index is emptied and filled anew. Each client writes items under names
of its own and remembers what may have come of it. Ends lie far from every clock's time, which may
jump by half a minute: what is to go ended long ago, what is to stay ends in years or never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from simulation.clocks import EPOCH_SECONDS
from simulation.cluster_observer import owned_content
from simulation.cluster_world import CONSOLE, ClusterWorld, Gateway
from simulation.promise import PromiseBroken
from simulation.workloads import HASH, RANGE, execute, make_table
from stator_core import change_format, expiry
from stator_core.change_format import ChangeFlag
from stator_core.errors import (
    DynamoDBError,
    InternalServerError,
    ResourceNotFoundException,
    ServiceUnavailable,
    ThrottlingException,
)
from stator_core.item_format import payload_of
from stator_core.key_format import hash_of
from stator_core.partition_state import EXPIRIES
from stator_core.table import StreamSpecification, TimeToLive
from stator_node.doors import StorageFailed
from stator_node.hosted_partition import HostedPartition

WITHOUT = make_table(
    "ending",
    10,
    attribute_definitions=(HASH, RANGE),
    stream=StreamSpecification(True, "NEW_AND_OLD_IMAGES"),
    latest_stream_label="2027-01-15T08:00:00.000",  # EPOCH_SECONDS
)
SETTING = TimeToLive("ends", "ENABLED", EPOCH_SECONDS)
DISABLED = TimeToLive("ends", "DISABLED", EPOCH_SECONDS + 1)
AGAIN = TimeToLive("ends", "ENABLED", EPOCH_SECONDS + 2)
ENDING = WITHOUT.changed(time_to_live=SETTING)
PAUSE_SECONDS = 0.1
STORY_SECONDS = 0.3  # from one write under a name to the next
RETRY_SECONDS = 0.3

_LONG_AGO = {"N": str(int(EPOCH_SECONDS) - 10_000)}
_IN_YEARS = {"N": str(int(EPOCH_SECONDS) + 10_000_000)}
_SIX_YEARS_AGO = {"N": str(int(EPOCH_SECONDS) - 6 * 365 * 86_400)}
# What one client writes under one name, one after the other; the last one decides.
STORIES: dict[str, tuple[dict[str, Any] | None, ...]] = {
    "ended": (_LONG_AGO,),
    "ends": (_IN_YEARS,),
    "never ends": (None,),
    "ends by a text": ({"S": _LONG_AGO["N"]},),
    "ended years ago": (_SIX_YEARS_AGO,),
    "rescued": (_LONG_AGO, _IN_YEARS),
    "freed": (_LONG_AGO, None),
    "doomed": (_IN_YEARS, _LONG_AGO),
}
WEIGHTS = (6, 2, 1, 1, 1, 3, 2, 3)


def has_endings(seed: int) -> bool:
    """Whether a seed's cluster has this table."""
    return seed % 10 in (2, 7)


def is_enabled_late(seed: int) -> bool:
    """Whether time to live is enabled in the middle of the storm."""
    return seed % 20 in (2, 7)


@dataclass(slots=True)
class Named:
    """An item under a name: the ends that its last write, and those of unknown fate, gave it."""

    last: Any = "absent"
    maybe: list[Any] = field(default_factory=list)
    is_certain: bool = True  # no write of unknown fate

    @property
    def goes(self) -> bool:
        """Whether it must be gone in the end."""
        return all(end in ("absent", _LONG_AGO) for end in (self.last, *self.maybe))

    @property
    def stays(self) -> bool:
        """Whether it must be there in the end."""
        return not any(end in ("absent", _LONG_AGO) for end in (self.last, *self.maybe))


class Endings:
    """The clients of this table, and what must hold of it."""

    def __init__(self, cluster: ClusterWorld) -> None:
        self._cluster = cluster
        self._world = cluster.world
        self.items: dict[str, Named] = {}
        self.told: dict[str, list[Any]] = {}  # by story: how its writes ended
        self.setting = SETTING  # that is wanted last
        self._begun = self._ended = False
        self._waiting: dict[str, asyncio.AbstractEventLoop] = {}

    def begin(self, gateways: Mapping[str, Gateway]) -> None:
        self._begun = True
        for name, gateway in gateways.items():
            self._world.nodes[name].loop.call_soon(self.arrive, gateway)

    def arrive(self, gateway: Gateway) -> None:
        """A gateway has begun a life. Called in its loop."""
        if self._begun and not self._ended and gateway.name != CONSOLE:
            asyncio.get_running_loop().create_task(self._client(gateway))

    def end(self) -> None:
        self._ended = True

    def want(self, setting: TimeToLive) -> None:
        """Have the supervisor put this setting on record, once it can."""
        self.setting = setting
        if self._cluster.shape.supervised:
            self._put_on_record()

    def _put_on_record(self) -> None:
        supervisor = self._cluster.supervisor
        node = self._world.nodes["s"]
        if supervisor is not None and node.running:
            node.loop.call_soon(self._save, supervisor._catalog)
        self._world.after(RETRY_SECONDS, self._put_on_record_again)

    def _put_on_record_again(self) -> None:
        supervisor = self._cluster.supervisor
        known = None if supervisor is None else supervisor._catalog.tables.get(ENDING.name)
        if known is None or known.time_to_live != self.setting:
            self._put_on_record()

    def _save(self, catalog: Any) -> None:
        known = catalog.tables.get(ENDING.name)
        if known is not None and known.status == "ACTIVE" and known.time_to_live != self.setting:
            try:
                catalog.save(known.changed(time_to_live=self.setting))
            except StorageFailed:
                self._world.record("s", "cannot change time to live")

    async def _client(self, gateway: Gateway) -> None:
        chance = self._world.random
        while True:
            await asyncio.sleep(chance.expovariate(1.0 / PAUSE_SECONDS))
            if self._ended:
                return
            story = chance.choices(list(STORIES), WEIGHTS)[0]
            name = f"{story} {len(self.items)}"
            named = self.items[name] = Named()
            for number, ends in enumerate(STORIES[story]):
                if number:
                    await asyncio.sleep(chance.expovariate(1.0 / STORY_SECONDS))
                    if self._ended:
                        return
                self._waiting[name] = asyncio.get_running_loop()
                outcome = await self._put(gateway, name, ends)
                del self._waiting[name]
                if outcome == "ok":
                    named.last = ends
                elif outcome == "unknown":
                    named.maybe.append(ends)
                    named.is_certain = False

    async def _put(self, gateway: Gateway, name: str, ends: Any) -> str:
        item = {"pk": {"S": name}, "sk": {"S": "x"}} | ({} if ends is None else {"ends": ends})
        self._world.record("endings", "put", name, str(ends))
        try:
            await execute(gateway, "PutItem", {"TableName": ENDING.name, "Item": item})
        except (ServiceUnavailable, ResourceNotFoundException, ThrottlingException):
            outcome = "not done"
        except (InternalServerError, DynamoDBError):
            outcome = "unknown"
        else:
            outcome = "ok"
        self._world.record("endings", outcome, name)
        return outcome

    # In the end.

    def why_not_calm(self, leaders: list[HostedPartition]) -> str:
        """What is still to be filled, or to be swept; empty for nothing."""
        if any(not loop.is_closed() for loop in self._waiting.values()):
            return "a client waits"
        for hosted in leaders:
            state = hosted.state
            if state is None or state.table.name != ENDING.name:
                continue
            if state.table.time_to_live != self.setting:
                return f"partition {hosted.partition_id} has not heard of {self.setting}"
            follower = state.follower(EXPIRIES)
            if follower is None or follower.filled is not None:
                return f"partition {hosted.partition_id}: the index by expiry is not filled"
            bounds = expiry.due_bounds(hosted.partition_id, EPOCH_SECONDS - 1_000)
            if hosted.commit.store.cursor("expiries", *bounds).take(1):
                return f"partition {hosted.partition_id}: something due is left"
        return ""

    def check(self, leaders: list[tuple[Any, HostedPartition]]) -> dict[str, int]:
        """Raises PromiseBroken. Gives counts of what happened."""
        for name, gone in self._waiting.items():
            assert gone.is_closed()
            self.items[name].maybe += STORIES[name.rsplit(" ", 1)[0]]
            self.items[name].is_certain = False
        there: dict[str, Any] = {}
        swept: dict[str, int] = {}
        for node, hosted in leaders:
            assert hosted.state is not None
            if hosted.state.table.name == ENDING.name:
                self._check_index(node, hosted)
                for family, key, value in owned_content(node.disk, hosted.state):
                    if family == "items":
                        item = orjson.loads(payload_of(key, value))
                        there[item["pk"]["S"]] = item.get("ends")
                    elif family == "changes":
                        change = change_format.decode(key, value)
                        if ChangeFlag.BY_SERVICE in change.flags:
                            name = orjson.loads(change.before)["pk"]["S"]
                            swept[name] = swept.get(name, 0) + 1
        for name, named in self.items.items():
            self._check_item(name, named, name in there, swept.get(name, 0))
        return {"swept": sum(swept.values()), "stayed": len(there)}

    @staticmethod
    def _check_item(name: str, named: Named, is_there: bool, swept: int) -> None:
        if is_there and named.goes:
            raise PromiseBroken(f"{name!r} has ended and is there: {named}")
        if not is_there and named.stays:
            raise PromiseBroken(f"{name!r} has not ended and is gone: {named}")
        story = STORIES[name.rsplit(" ", 1)[0]]
        puts_of_ended = sum(1 for ends in story if ends == _LONG_AGO)
        if swept > puts_of_ended:
            raise PromiseBroken(f"{name!r} went {swept} times: {named}")
        if named.is_certain and named.last == _LONG_AGO and swept != 1:
            raise PromiseBroken(f"{name!r} went {swept} times: {named}")

    @staticmethod
    def _check_index(node: Any, hosted: HostedPartition) -> None:
        """Exactly what follows from the items, but for what a split has left in the left half."""
        assert hosted.state is not None
        held = hosted.state.descriptor.range
        follows, found = set(), set()
        for family, key, value in owned_content(node.disk, hosted.state):
            if family == "items":
                second = expiry.second_of(orjson.loads(payload_of(key, value)), "ends")
                if second is not None:
                    follows.add(expiry.entry_key(hosted.partition_id, second, key))
            elif family == "expiries":
                expiry.check(key, value)
                if held.start <= hash_of(expiry.read_key(key).item_key) < held.end:
                    found.add(key)
        if follows != found:
            raise PromiseBroken(
                f"partition {hosted.partition_id}: of the index by expiry "
                f"{sorted(follows - found)[:3]} are missing, {sorted(found - follows)[:3]} too many"
            )
