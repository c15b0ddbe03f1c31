"""What a replica held is deleted, and nothing that another partition owns."""

from __future__ import annotations

from partition_states import MUSIC, split
from stator_core import expiry
from stator_core.change_format import feed_bounds
from stator_core.partition_state import PartitionState, place_key
from stator_node.doors import Family
from stator_node.memory import MemoryItemStore
from stator_node.owned_data import delete_owned, share_data

PLACES = (0, 1 << 62, 1 << 63, 3 << 62)


def filled() -> MemoryItemStore:
    """Items and entries all over the table, and a record of partitions 7 and 8 of each kind."""
    store = MemoryItemStore()
    writes: list[tuple[Family, bytes, bytes | None]] = [
        (family, place_key(3, place) + b"key", b"value")
        for family in ("items", "indexes")
        for place in PLACES
    ]
    for partition_id in (7, 8):
        writes.append(("changes", feed_bounds(partition_id)[0], b"change"))
        writes.append(("expiries", expiry.partition_bounds(partition_id)[0], b"entry"))
    store.write(writes, sync=True)
    return store


def left(store: MemoryItemStore) -> dict[str, int]:
    families: tuple[Family, ...] = ("items", "indexes", "changes", "expiries")
    return {family: len(list(store.cursor(family, b"", b"\xff" * 20))) for family in families}


def halves() -> tuple[PartitionState, PartitionState]:
    changed = split(MUSIC, 1 << 63)
    assert changed.child is not None
    return changed.state, changed.child


def test_all_that_was_owned_is_gone_where_nobody_else_is() -> None:
    store = filled()
    delete_owned(store, MUSIC, ())
    assert left(store) == {"items": 0, "indexes": 0, "changes": 1, "expiries": 1}


def test_a_half_goes_and_the_other_stays() -> None:
    one, other = halves()
    store = filled()
    delete_owned(store, other, (one,))
    assert left(store) == {"items": 2, "indexes": 2, "changes": 1, "expiries": 1}


def test_what_others_own_by_now_stays() -> None:
    _, right = halves()
    inner = split(right, 3 << 62, 9).child
    assert inner is not None
    store = filled()
    delete_owned(store, MUSIC, (inner,))
    assert [key[:12] for key, _ in store.cursor("items", b"", b"\xff")] == [place_key(3, 3 << 62)]


def test_who_is_taken_over_loses_its_feed_and_its_ends_alone() -> None:
    _, right = halves()
    store = filled()
    delete_owned(store, right, (MUSIC,))
    assert left(store) == {"items": 4, "indexes": 4, "changes": 1, "expiries": 1}
    assert list(store.cursor("changes", *feed_bounds(8))) == []


def test_halves_share_nothing_and_each_shares_with_the_whole() -> None:
    left_half, right = halves()
    assert not share_data(left_half, right)
    assert share_data(MUSIC, right)
    assert share_data(right, MUSIC)
