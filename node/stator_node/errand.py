"""Errands: one request to whoever holds a hash, until it is answered.

In: an operation's code and body, and hashes of a table or of a global index. It is sent to the
leader of the partition that holds them, or, where an eventual read will do, to the nearest replica,
and if that is slow to a second one as well: who answers first is heard. Out: the answer. A wrong
guess costs one redirect, which teaches the view (`cluster_view.py`); an unavailable replica costs a
short wait. Called by `cluster_router.py` and `index_feeder.py`. Invariants: a write whose outcome
is unknown is never sent again; tries are bounded in time, and second requests in number; what is
for several hashes is sent only where all of them seem to be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from stator_core import errors
from stator_core.errors import DynamoDBError, InternalServerError, ServiceUnavailable
from stator_core.partition_descriptor import PartitionDescriptor
from stator_node.cluster_view import ClusterView
from stator_node.doors import Clock
from stator_node.operation_codes import OperationCode
from stator_node.pending import Pending
from stator_node.transport.frame_format import EVENTUAL, Status
from stator_node.transport.links import Answer

REQUEST_SECONDS_MAX = 5.0  # for one try
TOTAL_SECONDS_MAX = 8.0  # for all tries together; clients give up after ten and more
TRY_SECONDS_MIN = 0.05
HEDGE_SECONDS = 0.05  # so long an eventual read waits for the nearest replica alone
HEDGE_LOOK_SECONDS = 0.01
# Second requests for each eventual read, saved up to so many: where everybody is slow, twice the
# load would not help.
HEDGES_PER_READ = 0.05
HEDGES_SAVED_MAX = 20.0
RETRY_SECONDS_MIN = 0.005
RETRY_SECONDS_MAX = 0.25
UNKNOWN_OUTCOME = "The request may or may not have taken effect: its partition did not answer."
NO_LEADER = "The partition that holds this key has no leader at this moment."


class Scattered(Exception):
    """The places of an errand are held by several partitions by now; nothing was begun."""


@dataclass(slots=True)
class Errand:
    """What is to be done, and how often it was tried."""

    identifier: int  # of the table, or of the global index
    places: Sequence[int]  # whoever holds these hashes is asked
    operation: OperationCode
    body: bytes
    eventual: bool
    is_write: bool
    deadline: float
    result: Pending[bytes]
    tries: int = 0
    hedged: bool = False  # two replicas have been asked, and neither has answered yet


class Errands:
    """Runs errands. One per gateway."""

    def __init__(self, view: ClusterView, clock: Clock, chance: Callable[[], float]) -> None:
        """`chance` gives numbers in [0, 1) that spread retries."""
        self._view = view
        self._clock = clock
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        # Eventual reads that wait for their first answer, the oldest first, with the time to hedge.
        self._hedges: dict[int, tuple[float, Errand, PartitionDescriptor, str]] = {}
        self._looking = False
        self._hedges_saved = HEDGES_SAVED_MAX

    def send(
        self,
        identifier: int,
        places: Sequence[int],
        operation: OperationCode,
        body: bytes,
        *,
        eventual: bool = False,
        is_write: bool = False,
        seconds: float = TOTAL_SECONDS_MAX,
    ) -> Pending[bytes]:
        """Have an operation executed by the partition of a table, or of a global index.

        It is the one that holds all these hashes. `is_write`: it must not be executed twice.

        Fails with DynamoDBError, or with Scattered where several partitions hold them.
        """
        result: Pending[bytes] = Pending()
        deadline = self._clock.monotonic() + seconds
        errand = Errand(identifier, places, operation, body, eventual, is_write, deadline, result)
        self._try(errand)
        return result

    def _try(self, errand: Errand) -> None:
        """Ask the node that seems right; go on by what it answers."""
        view = self._view
        partition = view.partition_of(errand.identifier, errand.places[0])
        if partition is None:
            self._again(errand)
            return
        if len(errand.places) > 1 and not all(each in partition.range for each in errand.places):
            errand.result.fail(Scattered())
            return
        if errand.eventual and not errand.tries:
            node_id = view.nearest(partition)
        else:
            node_id = None if errand.eventual else view.leader(partition)
        if node_id is None:
            nodes = view.nearest_first(partition)
            node_id = nodes[errand.tries % len(nodes)]
        errand.tries += 1
        self._ask(errand, partition, node_id)
        if errand.eventual and not errand.result.done:
            self._hedge_later(errand, partition, node_id)

    def _ask(self, errand: Errand, partition: PartitionDescriptor, node_id: str) -> None:
        seconds = self._remaining(errand)
        if seconds > REQUEST_SECONDS_MAX:
            seconds = REQUEST_SECONDS_MAX
        elif seconds < TRY_SECONDS_MIN:
            seconds = TRY_SECONDS_MIN
        self._view.links.request(
            node_id,
            partition.partition_id,
            errand.operation,
            EVENTUAL if errand.eventual else 0,
            errand.body,
            seconds,
        ).listen(lambda done: self._answered(errand, partition, node_id, done.result()))

    def _hedge_later(self, errand: Errand, partition: PartitionDescriptor, node_id: str) -> None:
        """Ask a second replica unless the first has answered soon."""
        self._hedges_saved = min(HEDGES_SAVED_MAX, self._hedges_saved + HEDGES_PER_READ)
        at = self._clock.monotonic() + HEDGE_SECONDS
        self._hedges[id(errand)] = at, errand, partition, node_id
        if not self._looking:
            self._looking = True
            self._loop.call_later(HEDGE_LOOK_SECONDS, self._hedge)

    def _hedge(self) -> None:
        """One timer for all: most reads are answered long before it looks at them."""
        now = self._clock.monotonic()
        while self._hedges:
            key, (at, errand, partition, asked) = next(iter(self._hedges.items()))
            if at > now:
                self._loop.call_later(HEDGE_LOOK_SECONDS, self._hedge)
                return
            del self._hedges[key]
            others = [each for each in self._view.nearest_first(partition) if each != asked]
            if others and self._hedges_saved >= 1 and self._view.links.is_up(others[0]):
                self._hedges_saved -= 1
                errand.hedged = True
                self._ask(errand, partition, others[0])
        self._looking = False

    def _answered(
        self, errand: Errand, partition: PartitionDescriptor, node_id: str, answer: Answer
    ) -> None:
        if errand.eventual:
            self._hedges.pop(id(errand), None)
            if errand.result.done:
                return  # The other replica was faster.
            if errand.hedged and answer.status is not Status.RESULT:
                errand.hedged = False  # The other one may still answer, and decides.
                return
        match answer.status:
            case Status.RESULT:
                errand.result.resolve(answer.body)
            case Status.REFUSED:
                errand.result.fail(refused_error(answer.body))
            case Status.REDIRECT:
                self._view.forget_leader(partition.partition_id, node_id)
                self._view.learn(answer.body)
                self._again(errand, at_once=errand.tries <= 2)
            case Status.UNAVAILABLE:
                self._view.forget_leader(partition.partition_id, node_id)
                self._again(errand)
            case Status.UNKNOWN:
                self._view.forget_leader(partition.partition_id, node_id)
                if errand.is_write:
                    errand.result.fail(InternalServerError(UNKNOWN_OUTCOME))
                else:
                    self._again(errand)

    def _again(self, errand: Errand, *, at_once: bool = False) -> None:
        """Try once more, a little later each time, until the time is up."""
        if self._remaining(errand) <= 0:
            errand.result.fail(ServiceUnavailable(NO_LEADER))
        elif at_once:
            self._loop.call_soon(self._try, errand)
        else:
            pause = min(RETRY_SECONDS_MAX, RETRY_SECONDS_MIN * 2 ** min(errand.tries, 6))
            self._loop.call_later(pause * (0.5 + self._chance()), self._try, errand)

    def _remaining(self, errand: Errand) -> float:
        return errand.deadline - self._clock.monotonic()


def refused_error(body: bytes) -> DynamoDBError:
    """The error that a partition answered with."""
    members = orjson.loads(body)
    kind = getattr(errors, members["name"], None)
    if not isinstance(kind, type) or not issubclass(kind, DynamoDBError):
        kind = InternalServerError
    error: DynamoDBError = kind(members["message"], **members["members"])
    return error
