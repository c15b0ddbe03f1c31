"""The door to the test clock: it tells the time, moves it forward, and refuses the rest."""

from __future__ import annotations

import orjson
import pytest

from stator_node.gateway.clock_door import PATH, ClockDoor, side_doors
from stator_node.memory import ManualClock
from stator_node.movable_clock import MovableClock


@pytest.fixture
def door() -> ClockDoor:
    return ClockDoor(MovableClock(ManualClock(1000.0)))


def test_there_is_no_door_to_a_clock_that_is_not_moved() -> None:
    assert side_doors(ManualClock()) == {}
    assert list(side_doors(MovableClock(ManualClock()))) == [PATH]


def test_it_tells_the_time_and_moves_it(door: ClockDoor) -> None:
    assert orjson.loads(door.answer(b"GET", b"").body) == {"now": 1000.0, "ahead_seconds": 0.0}
    moved = door.answer(b"POST", b'{"advance_seconds": 2.5}')
    assert moved.status == 200
    assert orjson.loads(moved.body) == {"now": 1002.5, "ahead_seconds": 2.5}
    assert door.answer(b"GET", b"").body == moved.body
    assert not door.answer(b"HEAD", b"").send_body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b"no JSON",
        b'{"advance_seconds": "5"}',
        b'{"advance_seconds": true}',
        b'{"advance_seconds": -5}',
        b'{"advance_seconds": 1e300}',
        b'{"advance_seconds": 1, "to": 5}',
    ],
)
def test_what_it_does_not_understand_moves_nothing(door: ClockDoor, body: bytes) -> None:
    refused = door.answer(b"POST", body)

    assert refused.status == 400
    assert orjson.loads(refused.body)["message"]
    assert b'"ahead_seconds":0.0' in door.answer(b"GET", b"").body


def test_other_methods_are_refused(door: ClockDoor) -> None:
    assert door.answer(b"DELETE", b"").status == 405
