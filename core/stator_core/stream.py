"""DynamoDB Streams as their readers see them: streams, records, sequence numbers, iterators.

In: a table, the shards of its partitions (`stream_shards.py`) and the changes of their feeds
(`change_format.py`). Out: what DescribeStream and GetRecords show of them. Called by
`requests/describe_stream.py`, `get_shard_iterator.py`, `get_records.py` and `list_streams.py`.

A sequence number is the stamp of the write, made long enough: 21 digits, which sort as text and as
numbers. An iterator is opaque text: whose shard, from which stamp on, issued when, for which
reader. Invariants: a record is shown as its own shard's view type says, whatever more the feed
holds; an eventID is the same each time its record is read, and no other record's; an iterator that
was changed on its way is refused.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final

import orjson
from xxhash import xxh3_64_digest, xxh3_128_hexdigest

from stator_core import arn, keys, number_set_order
from stator_core.change_format import Change, ChangeFlag
from stator_core.clock import milliseconds_of, stamp_at
from stator_core.errors import (
    ExpiredIteratorException,
    ResourceNotFoundException,
    TrimmedDataAccessException,
    ValidationException,
)
from stator_core.item import Item, item_size
from stator_core.limits import (
    SHARD_ITERATOR_CHARACTERS_MAX,
    SHARD_ITERATOR_SECONDS,
    STREAM_RETENTION_SECONDS,
)
from stator_core.stream_shards import Shard
from stator_core.table import Table

SEQUENCE_NUMBER_BASE: Final = 10**20
STAMPS: Final = 2**64
EVENT_VERSION: Final = "1.1"
EVENT_SOURCE: Final = "aws:dynamodb"
SERVICE_IDENTITY: Final = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
OLD_IMAGES: Final = frozenset(("OLD_IMAGE", "NEW_AND_OLD_IMAGES"))
NEW_IMAGES: Final = frozenset(("NEW_IMAGE", "NEW_AND_OLD_IMAGES"))

# AWS's own description of these errors, in its model of the API, is their text.
EXPIRED = "The provided iterator exceeds the maximum age allowed."
TRIMMED = "The data you are trying to access has been trimmed."
INVALID_ITERATOR = "Invalid ShardIterator"  # UNCONFIRMED
NO_SHARD = "Requested resource not found: Shard does not exist"  # UNCONFIRMED

_ITERATOR = Struct(">BQQQBH")
_ITERATOR_VERSION: Final = 1
_CHECKSUM_BYTES: Final = 8


# Streams.


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of a table: of one label, from its enabling to the last of its records.

    `shards` are those that a reader may still ask for, in the order of their names.
    """

    table: Table
    label: str
    view_type: str
    status: str
    shards: tuple[Shard, ...]

    @property
    def arn(self) -> str:
        return arn.stream_arn(self.table.arn, self.label)

    @property
    def created(self) -> float:
        """When it was enabled (epoch seconds)."""
        return moment_of(self.label)

    def shard(self, shard_id: str) -> Shard:
        """Raises ResourceNotFoundException."""
        for each in self.shards:
            if each.shard_id == shard_id:
                return each
        raise ResourceNotFoundException(NO_SHARD)

    def children(self, shard_id: str) -> tuple[Shard, ...]:
        """The shards that follow this one."""
        return tuple(each for each in self.shards if each.parent_id == shard_id)


def moment_of(label: str) -> float:
    """When the stream of this label was enabled (epoch seconds): the label says so."""
    moment = dt.datetime.fromisoformat(label).replace(tzinfo=dt.UTC)
    return round(moment.timestamp(), 3)


def streams_of(
    table: Table, shards: Iterable[Shard], horizon: int, *, deleted: bool
) -> list[Stream]:
    """The streams of a table, the oldest first. `shards` are those of all its partitions.

    A shard that ended before `horizon` (a stamp) holds nothing any more and is not shown; nor is a
    stream of the past that has no other.
    """
    by_label: dict[str, list[Shard]] = {}
    view_types: dict[str, str] = {}
    current = None if deleted or table.stream_view is None else table.latest_stream_label
    if current is not None and table.stream_view is not None:
        by_label[current] = []
        view_types[current] = table.stream_view
    for shard in shards:
        if shard.end is None or shard.end > horizon:
            by_label.setdefault(shard.label, []).append(shard)
            view_types.setdefault(shard.label, shard.view_type)
    return [
        Stream(
            table,
            label,
            view_types[label],
            _status(table, label, is_current=label == current),
            tuple(sorted(by_label[label], key=lambda shard: shard.shard_id)),
        )
        for label in sorted(by_label)
    ]


def _status(table: Table, label: str, *, is_current: bool) -> str:
    if is_current:
        passing = table.status == "CREATING" or table.change_under_way == "STREAM"
        return "ENABLING" if passing else "ENABLED"
    disabling = table.change_under_way == "STREAM" and label == table.latest_stream_label
    return "DISABLING" if disabling and table.status != "DELETING" else "DISABLED"


def not_found(stream_arn: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(
        f"Requested resource not found: Stream: {stream_arn} not found"
    )


def horizon_at(now_milliseconds: int) -> int:
    """The stamp before which records are older than the retention at this time."""
    return stamp_at(now_milliseconds - STREAM_RETENTION_SECONDS * 1000)


# Sequence numbers and records.


def sequence_number(stamp: int) -> str:
    return str(SEQUENCE_NUMBER_BASE + stamp)


def stamp_of_sequence_number(text: str) -> int | None:
    """The stamp of a sequence number of ours; None for any other text."""
    if not (text.isascii() and text.isdecimal()):
        return None
    stamp = int(text) - SEQUENCE_NUMBER_BASE
    return stamp if 0 <= stamp < STAMPS else None


def record(stream: Stream, shard: Shard, change: Change) -> dict[str, Any]:
    """One record as GetRecords shows it.

    SizeBytes is that of the keys and of the images that are shown (UNCONFIRMED to the byte).
    """
    key = keys.stored_key_attributes(stream.table, None, change.item_key)
    size = item_size(key)
    shown: dict[str, Any] = {
        "ApproximateCreationDateTime": milliseconds_of(change.stamp) // 1000,
        "Keys": key,
    }
    for member, image, view_types in (
        ("NewImage", change.after, NEW_IMAGES),
        ("OldImage", change.before, OLD_IMAGES),
    ):
        if image and shard.view_type in view_types:
            item: Item = orjson.loads(image)
            size += item_size(item)
            if b'"NS"' in image:
                number_set_order.reorder(item)
            shown[member] = item
    shown["SequenceNumber"] = sequence_number(change.stamp)
    shown["SizeBytes"] = size
    shown["StreamViewType"] = shard.view_type
    of_stream: dict[str, Any] = {
        "eventID": xxh3_128_hexdigest(f"{stream.arn} {shard.shard_id} {change.stamp}".encode()),
        "eventName": _event_name(change.flags),
        "eventVersion": EVENT_VERSION,
        "eventSource": EVENT_SOURCE,
        "awsRegion": stream.table.arn.split(":")[3],
        "dynamodb": shown,
    }
    if change.flags & ChangeFlag.BY_SERVICE:
        of_stream["userIdentity"] = SERVICE_IDENTITY
    return of_stream


def _event_name(flags: ChangeFlag) -> str:
    if not flags & ChangeFlag.EXISTED:
        return "INSERT"
    return "MODIFY" if flags & ChangeFlag.EXISTS else "REMOVE"


# Iterators.


@dataclass(frozen=True, slots=True)
class ShardIterator:
    """The next record that a reader wants is the first of this stamp or a later one.

    `reader` is a number for everybody who once asked for an iterator: the stamp of that moment.
    `skips`: records that are trimmed by now are nobody's loss, for there were none behind the
    position when the iterator was issued, or the reader wants whatever is still there.
    """

    stream_arn: str
    shard_id: str
    position: int
    issued_milliseconds: int
    reader: int
    skips: bool

    def encode(self) -> str:
        """The text that a client gets."""
        shard_id = self.shard_id.encode()
        content = _ITERATOR.pack(
            _ITERATOR_VERSION,
            self.position,
            self.issued_milliseconds,
            self.reader,
            self.skips,
            len(shard_id),
        )
        content += shard_id + self.stream_arn.encode()
        # The version comes first: a text that began with a dash would be an option to the AWS CLI.
        text = base64.urlsafe_b64encode(content + xxh3_64_digest(content)).decode()
        assert len(text) <= SHARD_ITERATOR_CHARACTERS_MAX
        return text

    def check_age(self, now_milliseconds: int) -> None:
        """Raises ExpiredIteratorException."""
        if now_milliseconds - self.issued_milliseconds > SHARD_ITERATOR_SECONDS * 1000:
            raise ExpiredIteratorException(EXPIRED)

    def from_horizon(self, horizon: int) -> int:
        """The stamp to read from, where records before `horizon` are gone.

        Raises TrimmedDataAccessException.
        """
        if self.position < horizon and not self.skips:
            raise TrimmedDataAccessException(TRIMMED)
        return max(self.position, horizon)


def read_iterator(text: str) -> ShardIterator:
    """An iterator from its text. Raises ValidationException for one that was never given."""
    try:
        content = base64.b64decode(text.encode("ascii"), b"-_", validate=True)
        content, checksum = content[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
        if len(content) < _ITERATOR.size or xxh3_64_digest(content) != checksum:
            raise ValidationException(INVALID_ITERATOR)
        version, position, issued, reader, skips, id_bytes = _ITERATOR.unpack_from(content)
        if version != _ITERATOR_VERSION:
            raise ValidationException(INVALID_ITERATOR)
        names = content[_ITERATOR.size :]
        shard_id, stream_arn = names[:id_bytes].decode(), names[id_bytes:].decode()
    except (UnicodeError, binascii.Error):
        raise ValidationException(INVALID_ITERATOR) from None
    return ShardIterator(stream_arn, shard_id, position, issued, reader, bool(skips))
