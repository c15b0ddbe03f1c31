"""A table with a stream, its shards and changes, for the tests of streams in the core."""

from __future__ import annotations

from typing import Any

import orjson

from stator_core import change_format, keys, stream_shards
from stator_core.change_format import Change, ChangeFlag
from stator_core.clock import stamp_at
from stator_core.stream import Stream, horizon_at, streams_of
from stator_core.table import KeyAttribute, KeySchema, StreamSpecification, Table

LABEL = "2027-01-15T08:00:00.125"
ARN = "arn:aws:dynamodb:eu-west-2:123456789012:table/Music"
STREAM_ARN = f"{ARN}/stream/{LABEL}"
NOW = 1_800_000_000_000  # milliseconds
SCHEMA = KeySchema((KeyAttribute("pk", "S"),), (KeyAttribute("sk", "N"),))


def music(view_type: str = "NEW_AND_OLD_IMAGES", **members: Any) -> Table:
    """A table with keys pk (S) and sk (N)."""
    given: dict[str, Any] = {
        "name": "Music",
        "identifier": 7,
        "table_id": "00000000-0000-0000-0000-000000000007",
        "arn": ARN,
        "key_schema": SCHEMA,
        "attribute_definitions": SCHEMA.attributes,
        "created": 1_800_000_000.0,
        "status": "ACTIVE",
        "stream": StreamSpecification(True, view_type),
        "latest_stream_label": LABEL,
    }
    return Table(**given | members)


def music_stream(view_type: str = "NEW_AND_OLD_IMAGES", rolls: int = 0) -> Stream:
    """Its stream with one open shard from NOW on, and before it as many closed ones, an hour each.

    The partition has the id 7.
    """
    hour = 3_600_000
    start = stamp_at(NOW - rolls * hour)
    shards = stream_shards.opened((), 7, LABEL, view_type, start)
    for number in reversed(range(rolls)):
        shards = stream_shards.rolled(shards, 7, stamp_at(NOW - number * hour))
    (found,) = streams_of(music(view_type), shards, horizon_at(NOW), deleted=False)
    return found


def change(
    stamp: int,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    flags: int = 0,
) -> Change:
    """A change of an item of Music, with both images as the feed holds them."""
    item = after or before
    assert item is not None
    if before is not None:
        flags |= ChangeFlag.EXISTED
    if after is not None:
        flags |= ChangeFlag.EXISTS
    images = [b"" if image is None else orjson.dumps(image) for image in (before, after)]
    return Change(stamp, ChangeFlag(flags), keys.item_key(music(), item), images[0], images[1])


def stored(partition_id: int, changed: Change) -> tuple[bytes, bytes]:
    """The record of a change, as it lies in the feed of a partition."""
    key = change_format.change_key(partition_id, changed.stamp)
    value = change_format.encode(
        key, changed.flags, changed.item_key, changed.before, changed.after
    )
    return key, value
