"""How far streams have been read: forward only, and what lies behind that."""

from __future__ import annotations

from small_stream import change, stored
from stator_node.feed_reading import ReadPosition
from stator_node.memory import MemoryItemStore
from stator_node.read_positions import ReadPositions

FIRST, SECOND = "2027-01-15T08:00:00.125", "2027-01-15T09:00:00.000"


def positions(*stamps: int) -> ReadPositions:
    """Those of a pod that holds records of partition 7 at these stamps, and one of 8."""
    store = MemoryItemStore()
    item = {"pk": {"S": "a"}, "sk": {"N": "1"}}
    records = [stored(7, change(stamp, None, item)) for stamp in stamps]
    records.append(stored(8, change(99, None, item)))
    store.write([("changes", key, value) for key, value in records], sync=True)
    return ReadPositions(store)


def test_who_has_read_nothing_has_no_position() -> None:
    assert positions(5).report(7) is None


def test_the_oldest_record_behind_the_furthest_reader() -> None:
    read = positions(5, 8, 9)

    read.note(7, ReadPosition(FIRST, 6))
    assert read.report(7) == {"label": FIRST, "until": 6, "oldest_unread": 8}
    read.note(7, ReadPosition(FIRST, 9))
    read.note(7, ReadPosition(FIRST, 6))  # Another reader, who is not so far.
    assert read.report(7) == {"label": FIRST, "until": 9, "oldest_unread": 9}
    read.note(7, ReadPosition(FIRST, 10))
    assert read.report(7) == {"label": FIRST, "until": 10, "oldest_unread": None}
    assert read.report(8) is None


def test_a_newer_stream_takes_the_place_and_an_older_one_does_not_come_back() -> None:
    read = positions(5, 8)

    read.note(7, ReadPosition(FIRST, 9))
    read.note(7, ReadPosition(SECOND, 7))
    read.note(7, ReadPosition(FIRST, 10))

    assert read.report(7) == {"label": SECOND, "until": 7, "oldest_unread": 8}
