"""A gateway's links to pods that say what a test tells them, and a clock that is its loop's.

Used by the tests of what a gateway is made of: view, errands, actions, members. `Asked` is one
request; a function of the test answers it, or leaves it unanswered by None.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from stator_core import partition_descriptor, table
from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import HashRange, PartitionDescriptor, new_partition
from stator_core.requests import create_table
from stator_core.table import Table
from stator_core.table_status import table_active
from stator_node.operation_codes import OperationCode
from stator_node.pending import Pending
from stator_node.transport.frame_format import Hello, Status
from stator_node.transport.links import Address, Answer
from table_bodies import create_body

NODES = ("n1", "n2", "n3")
OK = Answer(Status.RESULT, b"{}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to a pod."""

    node_id: str
    partition_id: int
    operation: int
    flags: int
    body: bytes
    timeout_seconds: float

    @property
    def members(self) -> Any:
        return orjson.loads(self.body)


class ToldLinks:
    """As much of `transport.links.Links` as its users call."""

    def __init__(
        self,
        answer: Callable[[Asked], Answer | None] = lambda _: OK,
        *,
        itself: str | None = None,
    ) -> None:
        """`itself` is the pod that these links are of, if it is one that it hears of."""
        self.itself = itself
        self.hello = Hello("cluster-of-the-test", "n1", "node", "z1")
        self.answer = answer
        self.asked: list[Asked] = []
        self.addresses: dict[str, Address] = {}
        self.down: set[str] = set()

    def connect(self, node_id: str, address: Address) -> None:
        if node_id == self.itself:
            return
        self.addresses[node_id] = address

    def disconnect(self, node_id: str) -> None:
        self.addresses.pop(node_id, None)

    def is_up(self, node_id: str) -> bool:
        return node_id in self.addresses and node_id not in self.down

    def request(
        self,
        node_id: str,
        partition_id: int,
        operation: int,
        flags: int,
        body: bytes,
        timeout_seconds: float,
    ) -> Pending[Answer]:
        asked = Asked(node_id, partition_id, operation, flags, body, timeout_seconds)
        self.asked.append(asked)
        pending: Pending[Answer] = Pending()
        answer = self.answer(asked)
        if answer is not None:
            pending.resolve(answer)
        else:
            lost = Answer(Status.UNKNOWN, b"")
            asyncio.get_running_loop().call_later(timeout_seconds, pending.resolve, lost)
        return pending


class LoopClock:
    """A `doors.Clock` that goes with the event loop, so with `virtual_time` too."""

    def now(self) -> float:
        return 1_800_000_000.0 + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def music(identifier: int = 1, **members: Any) -> Table:
    """An ACTIVE table."""
    request = create_table.parse(create_body(**members))
    made = request.table(itertools.count(identifier), "id", 1.5, "us-east-1", "1" * 12)
    return table_active(made)


def partition(
    of: Table,
    partition_id: int = 1,
    start: int = 0,
    end: int = HASH_SPACE,
    *,
    nodes: tuple[str, ...] = NODES,
    range_epoch: int = 1,
) -> PartitionDescriptor:
    """A partition with a voter on each of these nodes."""
    made = new_partition(partition_id, of.name, of.identifier, HashRange(start, end), nodes)
    return replace(made, range_epoch=range_epoch)


def replica(
    of: Table, descriptor: PartitionDescriptor, *, leads: bool = False, term: int = 1
) -> dict[str, Any]:
    """A replica as its node reports it."""
    return {
        "descriptor": partition_descriptor.to_json(descriptor),
        "table": table.to_json(of),
        "leads": leads,
        "term": term,
        "followers": [],
        "description_epoch": 1,
        "index_lags": {},
    }


def reports(by_node: dict[str, Sequence[dict[str, Any]]]) -> Callable[[Asked], Answer | None]:
    """Pods that answer REPORT with these replicas; those that are not named keep silent."""

    def answer(asked: Asked) -> Answer | None:
        assert asked.operation == OperationCode.REPORT
        found = by_node.get(asked.node_id)
        return None if found is None else result({"partitions": found})

    return answer


def result(members: Any) -> Answer:
    return Answer(Status.RESULT, orjson.dumps(members))


def redirect(descriptor: PartitionDescriptor, leader: str | None, term: int = 1) -> Answer:
    """What a replica says that does not lead, or holds another range."""
    return Answer(
        Status.REDIRECT,
        orjson.dumps(
            {
                "descriptor": partition_descriptor.to_json(descriptor),
                "leader": leader,
                "term": term,
            }
        ),
    )
