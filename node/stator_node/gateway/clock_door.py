"""The door to the clock of `--test-clock`: GET says what time it is, POST moves it forward.

    GET  /_stator/clock
    POST /_stator/clock   {"advance_seconds": 3600}

In: method and body, from `http_request.py`, where the server was started with the option. Out: the
time, in seconds since the epoch, and how far it is ahead of the machine's. No signature is asked
for: who moves the clock of a test may do everything else there, too.
"""

from __future__ import annotations

import orjson

from stator_node.doors import Clock
from stator_node.gateway.http_answer import Answer
from stator_node.gateway.http_request import SideDoor
from stator_node.movable_clock import CannotMove, MovableClock

PATH = b"/_stator/clock"
MEMBER = "advance_seconds"
_TYPE = b"application/json"


def side_doors(clock: Clock) -> dict[bytes, SideDoor]:
    """The door beside the operations, where this clock can be moved."""
    return {PATH: ClockDoor(clock).answer} if isinstance(clock, MovableClock) else {}


class ClockDoor:
    """Answers requests to `PATH`."""

    def __init__(self, clock: MovableClock) -> None:
        self._clock = clock

    def answer(self, method: bytes, body: bytes | bytearray) -> Answer:
        """The time after what was asked for, or 400 with the reason, and nothing is moved."""
        if method == b"POST":
            try:
                self._clock.advance(_seconds_of(body))
            except CannotMove as refused:
                return Answer(400, orjson.dumps({"message": str(refused)}), _TYPE)
        elif method not in (b"GET", b"HEAD"):
            return Answer(405, b"", b"", b"Allow: GET, HEAD, POST\r\n")
        shown = {"now": self._clock.now(), "ahead_seconds": self._clock.ahead_seconds}
        return Answer(200, orjson.dumps(shown), _TYPE, send_body=method != b"HEAD")


def _seconds_of(body: bytes | bytearray) -> float:
    """What a POST asks for. Raises CannotMove."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        asked = None
    seconds = asked.get(MEMBER) if isinstance(asked, dict) and len(asked) == 1 else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise CannotMove(f'the body must be {{"{MEMBER}": seconds}}')
    return float(seconds)
