"""Errands: whom they ask, what they try again, and when they give up."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from stator_core import errors
from stator_core.errors import (
    ConditionalCheckFailedException,
    DynamoDBError,
    InternalServerError,
    ServiceUnavailable,
)
from stator_core.key_format import HASH_SPACE
from stator_node.cluster_view import ClusterView
from stator_node.errand import (
    HEDGE_LOOK_SECONDS,
    HEDGE_SECONDS,
    HEDGES_SAVED_MAX,
    REQUEST_SECONDS_MAX,
    TOTAL_SECONDS_MAX,
    Errands,
    Scattered,
    refused_error,
)
from stator_node.operation_codes import OperationCode
from stator_node.partition_requests import refusal
from stator_node.pending import Pending, wait
from stator_node.transport.frame_format import EVENTUAL, Status
from stator_node.transport.links import Address, Answer
from told_links import (
    NODES,
    OK,
    Asked,
    LoopClock,
    ToldLinks,
    music,
    partition,
    redirect,
    replica,
    reports,
)
from virtual_time import run

HALF = HASH_SPACE // 2
UNAVAILABLE = Answer(Status.UNAVAILABLE, b"")
UNKNOWN = Answer(Status.UNKNOWN, b"")
TABLE = music()


@dataclass
class Gateway:
    """A view of one partition that n2 leads, and errands over it; the gateway stands in z3."""

    links: ToldLinks = field(default_factory=ToldLinks)

    async def start(self) -> Gateway:
        clock = LoopClock()
        self.view = ClusterView(self.links, clock, "z3")  # type: ignore[arg-type]
        for number, node_id in enumerate(NODES, 1):
            self.view.join(node_id, f"z{number}", Address("127.0.0.1", number))
        led = replica(TABLE, partition(TABLE), leads=True, term=5)
        self.links.answer = reports({"n1": [], "n2": [led], "n3": []})
        await self.view.poll()
        self.links.asked.clear()
        self.errands = Errands(self.view, clock, lambda: 0.5)
        return self

    def say(self, *answers: Answer | None) -> None:
        """The next requests are answered so, one by one, and all later ones like the last."""
        rest = list(answers)
        self.links.answer = lambda _: rest.pop(0) if len(rest) > 1 else rest[0]

    def put(self, *places: int) -> Pending[bytes]:
        return self.errands.send(
            TABLE.identifier, places or (7,), OperationCode.PUT_ITEM, b"{}", is_write=True
        )

    def get(self, *, eventual: bool = False) -> Pending[bytes]:
        return self.errands.send(
            TABLE.identifier, (7,), OperationCode.GET_ITEM, b"{}", eventual=eventual
        )

    @property
    def asked(self) -> list[str]:
        return [each.node_id for each in self.links.asked]


def at_gateway(main: Callable[[Gateway], Awaitable[Any]]) -> Any:
    async def started() -> Any:
        return await main(await Gateway().start())

    return run(started())


def test_the_leader_is_asked_and_its_answer_is_the_answer() -> None:
    async def main(gateway: Gateway) -> None:
        gateway.say(Answer(Status.RESULT, b'{"a": 1}'))
        assert await wait(gateway.put()) == b'{"a": 1}'
        (asked,) = gateway.links.asked
        assert (asked.node_id, asked.partition_id, asked.flags) == ("n2", 1, 0)
        assert asked.timeout_seconds <= REQUEST_SECONDS_MAX

    at_gateway(main)


def test_an_eventual_read_goes_to_the_nearest_zone_first_and_then_elsewhere() -> None:
    async def main(gateway: Gateway) -> None:
        gateway.say(UNAVAILABLE, UNKNOWN, OK)
        assert await wait(gateway.get(eventual=True)) == b"{}"
        assert gateway.asked[0] == "n3"
        assert len(set(gateway.asked)) == 3
        assert all(asked.flags == EVENTUAL for asked in gateway.links.asked)

    at_gateway(main)


def test_a_slow_answer_is_waited_for_and_nobody_else_is_asked_meanwhile() -> None:
    async def main(gateway: Gateway) -> None:
        gateway.say(None)
        answer = gateway.get()
        await asyncio.sleep(REQUEST_SECONDS_MAX * 0.9)
        assert gateway.asked == ["n2"]
        gateway.say(OK)
        assert await wait(answer) == b"{}"

    at_gateway(main)


def test_an_eventual_read_asks_a_second_replica_when_the_first_is_slow() -> None:
    async def main(gateway: Gateway) -> None:
        began = asyncio.get_running_loop().time()
        gateway.say(None, OK)
        assert await wait(gateway.get(eventual=True)) == b"{}"
        assert len(gateway.asked) == len(set(gateway.asked)) == 2
        took = asyncio.get_running_loop().time() - began
        assert HEDGE_SECONDS <= took <= HEDGE_SECONDS + 2 * HEDGE_LOOK_SECONDS
        await asyncio.sleep(2 * TOTAL_SECONDS_MAX)  # The slow one is heard of, and nobody cares.
        assert len(gateway.asked) == 2

    at_gateway(main)


@pytest.mark.parametrize("late", [OK, UNKNOWN])
def test_of_two_replicas_that_were_asked_the_first_result_counts(late: Answer) -> None:
    async def main(gateway: Gateway) -> None:
        gateway.say(None, UNAVAILABLE, late, OK)
        assert await wait(gateway.get(eventual=True)) == b"{}"

    at_gateway(main)


def test_second_requests_are_few_where_everybody_is_slow() -> None:
    async def main(gateway: Gateway) -> None:
        gateway.say(None)
        reads = 200
        for _ in range(reads):
            gateway.get(eventual=True)
        await asyncio.sleep(REQUEST_SECONDS_MAX / 2)
        assert reads < len(gateway.asked) <= reads + HEDGES_SAVED_MAX

    at_gateway(main)


def test_a_redirect_is_followed_at_once_to_the_leader_that_it_names() -> None:
    async def main(gateway: Gateway) -> None:
        began = asyncio.get_running_loop().time()
        gateway.say(redirect(partition(TABLE), "n1", term=6), OK)
        await wait(gateway.put())
        assert gateway.asked == ["n2", "n1"]
        assert asyncio.get_running_loop().time() == began
        await wait(gateway.put())
        assert gateway.asked == ["n2", "n1", "n1"]

    at_gateway(main)


def test_replicas_that_redirect_in_a_circle_are_not_asked_without_a_pause() -> None:
    async def main(gateway: Gateway) -> None:
        def answer(asked: Asked) -> Answer:
            other = "n1" if asked.node_id == "n2" else "n2"
            return redirect(partition(TABLE), other, term=5 + len(gateway.asked))

        gateway.links.answer = answer
        with pytest.raises(ServiceUnavailable):
            await wait(gateway.put())
        assert len(gateway.asked) < 100

    at_gateway(main)


def test_what_was_not_begun_is_tried_until_the_time_is_up() -> None:
    async def main(gateway: Gateway) -> None:
        began = asyncio.get_running_loop().time()
        gateway.say(UNAVAILABLE)
        with pytest.raises(ServiceUnavailable):
            await wait(gateway.put())
        passed = asyncio.get_running_loop().time() - began
        assert TOTAL_SECONDS_MAX <= passed < TOTAL_SECONDS_MAX + 1.0
        assert set(gateway.asked) == set(NODES)
        assert len(gateway.asked) < 100

    at_gateway(main)


def test_a_write_with_an_unknown_outcome_is_never_sent_again() -> None:
    async def main(gateway: Gateway) -> None:
        gateway.say(UNKNOWN)
        with pytest.raises(InternalServerError, match="may or may not"):
            await wait(gateway.put())
        assert gateway.asked == ["n2"]
        gateway.say(OK)
        await wait(gateway.put())
        assert gateway.asked[1] != "n2" or gateway.view.leader(partition(TABLE)) is None

    at_gateway(main)


def test_a_write_that_nobody_answers_ends_as_unknown_in_bounded_time() -> None:
    async def main(gateway: Gateway) -> None:
        gateway.say(None)
        began = asyncio.get_running_loop().time()
        with pytest.raises(InternalServerError):
            await wait(gateway.put())
        assert asyncio.get_running_loop().time() - began <= REQUEST_SECONDS_MAX + 0.1
        assert gateway.asked == ["n2"]

    at_gateway(main)


def test_a_read_with_an_unknown_outcome_is_asked_elsewhere() -> None:
    async def main(gateway: Gateway) -> None:
        gateway.say(UNKNOWN, OK)
        assert await wait(gateway.get()) == b"{}"
        assert len(gateway.asked) == 2

    at_gateway(main)


def test_reads_that_nobody_answers_end_in_bounded_time() -> None:
    async def main(gateway: Gateway) -> None:
        gateway.say(None)
        began = asyncio.get_running_loop().time()
        with pytest.raises(ServiceUnavailable):
            await wait(gateway.get())
        assert asyncio.get_running_loop().time() - began < TOTAL_SECONDS_MAX + 1.0

    at_gateway(main)


def test_a_table_without_partitions_is_waited_for() -> None:
    async def main(gateway: Gateway) -> None:
        gateway.say(OK)
        maps, gateway.view.maps = gateway.view.maps, {}
        answer = gateway.put()
        await asyncio.sleep(1.0)
        assert not answer.done
        gateway.view.maps = maps
        assert await wait(answer) == b"{}"
        gateway.view.maps = {}
        with pytest.raises(ServiceUnavailable):
            await wait(gateway.put())

    at_gateway(main)


def test_an_errand_for_several_places_is_not_sent_where_one_of_them_is_not_held() -> None:
    async def main(gateway: Gateway) -> None:
        left = partition(TABLE, 1, 0, HALF, range_epoch=2)
        gateway.say(redirect(left, "n2", term=5), OK)
        with pytest.raises(Scattered):
            await wait(gateway.put(7, HALF + 7))
        assert gateway.asked == ["n2"]
        await wait(gateway.put(7, 8))
        assert gateway.asked == ["n2", "n2"]

    at_gateway(main)


def test_an_error_of_the_partition_is_the_answer() -> None:
    async def main(gateway: Gateway) -> None:
        refused = ConditionalCheckFailedException("no", Item={"pk": {"S": "a"}})
        gateway.say(Answer(Status.REFUSED, refusal(refused)))
        with pytest.raises(ConditionalCheckFailedException) as raised:
            await wait(gateway.put())
        assert raised.value.body() == refused.body()
        assert gateway.asked == ["n2"]

    at_gateway(main)


EVERY_ERROR = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, DynamoDBError) and kind is not DynamoDBError
]


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: kind.__name__)
def test_every_error_comes_through_the_wire_as_itself(kind: type[DynamoDBError]) -> None:
    for error in (kind("text", Reasons=[1]), kind()):
        again = refused_error(refusal(error))
        assert type(again) is kind
        assert again.body() == error.body()


@pytest.mark.parametrize("name", ["Any", "SERVICE_PREFIX", "NotKnownYet", "DynamoDBErrors"])
def test_an_error_that_this_version_does_not_know_is_an_internal_one(name: str) -> None:
    error = refused_error(b'{"name":"%s","message":"text","members":{}}' % name.encode())

    assert type(error) is InternalServerError
    assert error.message == "text"
