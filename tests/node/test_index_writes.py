"""The partition of an index stores what is newer, all of a batch or none, and answers then."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core import index_entries
from stator_core.errors import InternalServerError
from stator_core.index_entries import BATCH_SECONDS_MAX, BatchRefused, IndexEntry
from stator_core.item_format import encode
from stator_node.index_writes import IndexWrites
from stator_node.item_operations import Fence, OutsideRange
from stator_node.memory import ManualClock, MemoryItemStore
from stator_node.pending import Pending
from stator_node.raft_commit import RaftCommit
from table_bodies import active, attributes, create_body, index

TABLE = active(
    create_body(
        AttributeDefinitions=attributes(pk="S", g="S"),
        GlobalSecondaryIndexes=[index("of-g", "g")],
    )
)
HALF = 2**63


def key(place: int, name: str = "k") -> bytes:
    return (9).to_bytes(4, "big") + place.to_bytes(8, "big") + name.encode()


def put(stamp: int, place: int = 0, name: str = "k") -> IndexEntry:
    stored = encode(key(place, name), b'{"v":{"N":"%d"}}' % stamp, 1, stamp)
    return IndexEntry(stamp, key(place, name), stored)


class Led:
    """A replica that leads, holds the lower half of the hashes, and replicates when told to."""

    def __init__(self) -> None:
        self.store = MemoryItemStore()
        self.clock = ManualClock()
        self.asked = 0
        self.commit = RaftCommit(self.store, self._propose_soon)
        fence = Fence(lambda: (0, HALF), lambda _: None)
        self.writes = IndexWrites(TABLE, fence, self.commit, self.clock)

    def _propose_soon(self) -> None:
        self.asked += 1

    def write(self, *entries: IndexEntry, sent_at: float | None = None) -> Pending[bytes]:
        sent = self.clock.now() if sent_at is None else sent_at
        answer = self.writes.write(index_entries.encode_batch(int(sent * 1000), entries))
        assert isinstance(answer, Pending)
        return answer

    def replicate(self) -> None:
        """What was collected is committed and applied."""
        while (group := self.commit.take()) is not None:
            self.store.write(group.operations, sync=False)
            self.commit.applied(group)

    def held(self) -> dict[bytes, bytes]:
        return dict(self.store.cursor("items", b"", b"\xff"))


@pytest.fixture
def led() -> Led:
    return Led()


def test_an_entry_is_answered_when_it_is_stored(led: Led) -> None:
    answer = led.write(put(1), put(2, name="l"))
    assert not answer.done and led.asked
    led.replicate()

    assert answer.result() == b"{}"
    assert led.held() == {put(1).key: put(1).value, key(0, "l"): put(2, name="l").value}


def test_what_is_not_newer_does_nothing_also_while_it_is_in_flight(led: Led) -> None:
    first, second, late = led.write(put(5)), led.write(put(5)), led.write(put(4))
    assert not second.done and not late.done, "they tell of what may still be lost"
    led.replicate()
    assert [each.result() for each in (first, second, late)] == [b"{}"] * 3
    again = led.write(put(3))

    assert again.done, "nothing to wait for"
    assert led.held() == {key(0): put(5).value}


def test_within_a_batch_the_later_entry_sees_the_earlier_one(led: Led) -> None:
    led.write(put(1), IndexEntry(2, key(0), None), put(1))
    led.replicate()

    assert led.held() == {}
    tombstone = led.store.get_from("indexes", key(0))
    assert tombstone is not None
    assert index_entries.read_tombstone(key(0), tombstone).stamp == 2


def test_of_a_batch_that_is_not_all_for_this_partition_nothing_is_stored(led: Led) -> None:
    with pytest.raises(OutsideRange):
        led.write(put(1), put(1, HALF))
    led.replicate()

    assert led.held() == {}


def test_a_batch_that_was_on_its_way_for_too_long_is_refused(led: Led) -> None:
    led.clock.advance(10_000)
    led.write(put(1), sent_at=led.clock.now() - BATCH_SECONDS_MAX + 1)
    with pytest.raises(InternalServerError):
        led.write(put(2), sent_at=led.clock.now() - BATCH_SECONDS_MAX - 1)
    led.replicate()

    assert led.held() == {key(0): put(1).value}


def test_a_disk_that_refuses_and_bytes_that_are_no_batch(led: Led) -> None:
    with pytest.raises(BatchRefused):
        led.writes.write(b"nothing")
    led.commit.storage_failed(OSError("full"))
    with pytest.raises(InternalServerError):
        led.write(put(1))


def test_damage_under_a_key_is_not_written_over(led: Led) -> None:
    damaged: Any = [("items", key(0), b"not an entry")]
    led.store.write(damaged, sync=False)
    with pytest.raises(InternalServerError):
        led.write(put(9))
