"""A stream holds every change of its table once, and those of each item in order along lineage.

Fed with the feed of every partition of a table as it lies on a disk, and with the items that there
are at last; the stream was on from the beginning. A consumer that reads each shard when its parent
is finished must see, for every item, changes of which each begins with what the one before it left,
from nothing to what is stored: so none is missing, none is doubled, and none is out of order.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from simulation.promise import PromiseBroken
from stator_core.change_format import Change
from stator_core.stream_shards import Shard, Shards


@dataclass(frozen=True, slots=True)
class PartitionFeed:
    """What a partition has: its shards, and the records of its feed in order."""

    partition_id: int
    shards: Shards
    changes: Sequence[Change]


def check_stream(
    feeds: Sequence[PartitionFeed], items: Mapping[bytes, bytes], chance: random.Random
) -> int:
    """Compare with `items`, the JSON of each by its stored key. Gives the number of records.

    `chance` decides which of several shards a consumer reads first. Raises PromiseBroken.
    """
    records = {shard.shard_id: changes for shard, changes in records_of(feeds)}
    shards = {shard.shard_id: shard for feed in feeds for shard in feed.shards}
    _check_lineage(shards)
    last: dict[bytes, bytes] = {}
    count = 0
    for shard in _in_lineage(shards, chance):
        for change in records[shard.shard_id]:
            count += 1
            before = last.get(change.item_key, b"")
            if change.before != before or change.before == change.after:
                raise PromiseBroken(
                    f"item {change.item_key.hex()}, {shard.shard_id}, {change.stamp}: from "
                    f"{change.before!r} to {change.after!r}, but {before!r} was there"
                )
            last[change.item_key] = change.after
    left = {key: after for key, after in last.items() if after}
    if left != dict(items):
        differing = sorted(key.hex() for key in left.keys() ^ items.keys())
        differing += [key.hex() for key in left.keys() & items.keys() if left[key] != items[key]]
        raise PromiseBroken(f"the stream and the table end differently: items {differing}")
    return count


def records_of(feeds: Iterable[PartitionFeed]) -> list[tuple[Shard, list[Change]]]:
    """The records of each shard in order. Raises PromiseBroken for one that is in none, or two."""
    records: dict[Shard, list[Change]] = {}
    for feed in feeds:
        records.update({shard: [] for shard in feed.shards})
        for change in feed.changes:
            records[_shard_of(feed, change)].append(change)
    return list(records.items())


def _shard_of(feed: PartitionFeed, change: Change) -> Shard:
    """The one shard of its partition that a record is in."""
    holders = [
        shard
        for shard in feed.shards
        if shard.start <= change.stamp and (shard.end is None or change.stamp < shard.end)
    ]
    if len(holders) != 1:
        raise PromiseBroken(
            f"partition {feed.partition_id}: the change at {change.stamp} is in shards "
            f"{[shard.shard_id for shard in holders]}"
        )
    return holders[0]


def _check_lineage(shards: Mapping[str, Shard]) -> None:
    """Who is closed has children that begin where he ended; who has a parent is named by none else.

    The stream is on, so no line ends.
    """
    children: dict[str, list[Shard]] = {}
    for shard in shards.values():
        if shard.parent_id is None:
            continue
        parent = shards.get(shard.parent_id)
        if parent is None or parent.end != shard.start:
            raise PromiseBroken(f"{shard} is no child of {parent}")
        children.setdefault(shard.parent_id, []).append(shard)
    for shard in shards.values():
        count = len(children.get(shard.shard_id, ()))
        if (shard.end is None) != (count == 0) or count > 2:
            raise PromiseBroken(f"{shard} has {count} children")


def _in_lineage(shards: Mapping[str, Shard], chance: random.Random) -> list[Shard]:
    """The shards in an order in which a consumer may read them."""
    left = list(shards.values())
    done: set[str | None] = {None}
    order: list[Shard] = []
    while left:
        ready = [shard for shard in left if shard.parent_id in done]
        if not ready:
            raise PromiseBroken(f"a circle of shards: {left}")
        shard = chance.choice(ready)
        left.remove(shard)
        done.add(shard.shard_id)
        order.append(shard)
    return order
