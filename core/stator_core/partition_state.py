"""What a partition's log has made of it, beside the items: its descriptor, its table, its feed.

Here is what it holds, which stored keys are its own, and its stored form; how entries change it is
in `partition_changes.py`. Read by whoever serves, copies, compares or plans a partition; stored by
`storage/log_store.py` in the same batch as the applied index. Invariant: nothing outside the log
and the Raft configuration decides a range, a member, a table description, a shard or a cursor.

A partition of a global index is a partition like any other: its descriptor has the index's
identifier, and `table` is the table that the index belongs to.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

import orjson

from stator_core import change_format, expiry, partition_descriptor, stream_shards, table
from stator_core.entry_format import StoredFamily
from stator_core.key_format import HASH_SPACE, IDENTIFIER_BYTES
from stator_core.partition_descriptor import Generation, PartitionDescriptor
from stator_core.stream_shards import Shards
from stator_core.table import Table
from stator_core.table_status import DELETED

STATE_VERSION = 2
# Version 2 is written for a partition that has to do with a merge: code that knows nothing of
# merges must not take it up. All others stay readable for it.
PLAIN_VERSION = 1
# The follower that fills the index by expiry (`Follower.name`). Once it is filled writes keep it in
# their own batch: it reads no feed, so trimming does not wait for it.
EXPIRIES = "expiries"
_INDEX = "index "  # how the names of the others begin

# A range of stored keys that belongs to a partition.
OwnedRange = tuple[StoredFamily, bytes, bytes]


@dataclass(frozen=True, slots=True)
class Follower:
    """How far something that follows from the items has come: a global index, or EXPIRIES.

    All changes with stamps up to `delivered` have reached it. `filled` is the stored key, in
    hexadecimal, up to which the items that were there before it have; None: all of them.
    """

    name: str
    delivered: int
    filled: str | None = None


@dataclass(frozen=True, slots=True)
class PartitionState:
    """A partition at one index of its log. Of the feed, records below `trimmed` are gone.

    `description_epoch` counts the descriptions that its table has had here. `frozen_for` is the
    left neighbour, at one epoch of its range, that this partition waits to be taken over by: it
    serves nobody meanwhile. `absorbed` are the ids of partitions that are in this one: merged into
    it, or into what it was split from.
    """

    descriptor: PartitionDescriptor
    table: Table
    shards: Shards = ()
    followers: tuple[Follower, ...] = ()
    trimmed: int = 0
    description_epoch: int = 0
    frozen_for: Generation | None = None
    absorbed: frozenset[int] = frozenset()

    @property
    def is_of_index(self) -> bool:
        """Whether this holds entries of a global index, and not items."""
        return self.descriptor.table_identifier != self.table.identifier

    def follower(self, name: str) -> Follower | None:
        """The follower of that name, if it is known here."""
        return next((each for each in self.followers if each.name == name), None)

    def owned_ranges(self) -> list[OwnedRange]:
        """Every range of stored keys that is this partition's, and nobody else's."""
        return self._ranges(0)

    @property
    def is_of_deleted(self) -> bool:
        """Whether the table is gone, and only its feed is kept for the readers of its stream."""
        return self.table.status == DELETED

    def content_ranges(self) -> list[OwnedRange]:
        """The same without what is trimmed or deleted: a crash may have kept some of that."""
        ranges = self._ranges(self.trimmed)
        return [each for each in ranges if each[0] == "changes"] if self.is_of_deleted else ranges

    def forgotten_ranges(self) -> list[OwnedRange]:
        """What can be deleted of the owned ranges, because the log has said so."""
        gone = change_format.feed_bounds(self.descriptor.partition_id, until=self.trimmed)
        forgotten: list[OwnedRange] = [("changes", *gone)]
        if self.is_of_deleted:
            forgotten += [each for each in self._ranges(0) if each[0] != "changes"]
        return forgotten

    def _ranges(self, feed_from: int) -> list[OwnedRange]:
        held, identifier = self.descriptor.range, self.descriptor.table_identifier
        start, end = place_key(identifier, held.start), place_key(identifier, held.end)
        partition_id = self.descriptor.partition_id
        return [
            ("items", start, end),
            ("indexes", start, end),
            ("changes", *change_format.feed_bounds(partition_id, feed_from - 1)),
            ("expiries", *expiry.partition_bounds(partition_id)),
        ]


def index_follower(identifier: int) -> str:
    """The name of the follower that is a global index."""
    return f"{_INDEX}{identifier}"


def is_index_follower(follower: Follower) -> bool:
    """Whether a follower is a global index, and so reads the feed."""
    return follower.name.startswith(_INDEX)


def place_key(identifier: int, place: int) -> bytes:
    """The least stored key at or behind a place in the hash space of a table."""
    if place == HASH_SPACE:
        return (identifier + 1).to_bytes(IDENTIFIER_BYTES, "big")
    return identifier.to_bytes(IDENTIFIER_BYTES, "big") + place.to_bytes(8, "big")


def to_json(state: PartitionState) -> bytes:
    """The stored form."""
    members: dict[str, Any] = {
        "version": PLAIN_VERSION,
        "descriptor": partition_descriptor.to_json(state.descriptor),
        "table": table.to_json(state.table),
        "shards": stream_shards.to_json(state.shards),
        "followers": [asdict(each) for each in state.followers],
        "trimmed": state.trimmed,
        "description_epoch": state.description_epoch,
    }
    if state.frozen_for is not None or state.absorbed:
        members["version"] = STATE_VERSION
        members["frozen_for"] = state.frozen_for and astuple(state.frozen_for)
        members["absorbed"] = sorted(state.absorbed)
    return orjson.dumps(members)


def from_json(stored: bytes) -> PartitionState:
    """Raises ValueError for what this code did not write, or a newer version did."""
    members: Any = orjson.loads(stored)
    versions = (PLAIN_VERSION, STATE_VERSION)
    if not isinstance(members, dict) or members.get("version") not in versions:
        raise ValueError(f"no partition state of version {versions}: {stored[:100]!r}")
    try:
        plain = PartitionState(
            partition_descriptor.from_json(members.get("descriptor")),
            table_of(members.get("table")),
            stream_shards.from_json(members["shards"]),
            tuple(map(follower_of, members["followers"])),
            int(members["trimmed"]),
            int(members["description_epoch"]),
        )
        if members["version"] == PLAIN_VERSION:
            return plain
        frozen_for = members["frozen_for"]
        return replace(
            plain,
            frozen_for=None if frozen_for is None else generation_of(frozen_for),
            absorbed=frozenset(map(int, members["absorbed"])),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no partition state: {error!r}") from None


def generation_of(members: Any) -> Generation:
    """Raises ValueError or TypeError."""
    partition_id, range_epoch = members
    return Generation(int(partition_id), int(range_epoch))


def follower_of(members: Any) -> Follower:
    """Raises TypeError."""
    follower = Follower(**members)
    filled = follower.filled
    if type(follower.delivered) is not int or not (filled is None or isinstance(filled, str)):
        raise TypeError(f"no follower: {members!r}")
    return follower


def table_of(members: Any) -> Table:
    """Raises ValueError."""
    try:
        return table.from_json(members)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no table description: {error!r}") from None
