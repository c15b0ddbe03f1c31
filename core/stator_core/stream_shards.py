"""The shards of a table's streams: which part of a partition's feed is which shard, by lineage.

In: what happens to a partition (its stream is enabled or disabled, it splits, its shard is rolled,
its old records are trimmed), each at a stamp. Out: its shards afterwards. Called where those things
are applied: by `partition_state.py` on every replica, and by the one process of `stator local`.

A shard is the records of one partition with `start` <= stamp < `end` (open: no end yet).
Invariants: a partition has at most one open shard; the shards of one partition do not overlap; a
child begins at the stamp at which its parent ended, so each key's records are in order along one
line of descent.
Source: AWS Developer Guide, "Change data capture for DynamoDB Streams", "Reading and processing a
stream".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from stator_core.clock import stamp_at
from stator_core.limits import SHARD_ROLL_SECONDS

# How far apart stamps (`clock.py`) of that many seconds are.
ROLL_STAMPS: Final = stamp_at(SHARD_ROLL_SECONDS * 1000)

Shards = tuple["Shard", ...]


@dataclass(frozen=True, slots=True)
class Shard:
    """`label` names the stream, which shows its changes as `view_type` says (AWS's names).

    `end` is None while records may still come.
    """

    shard_id: str
    label: str
    view_type: str
    parent_id: str | None
    start: int
    end: int | None = None

    @property
    def is_open(self) -> bool:
        return self.end is None


def shard_id(partition_id: int, start: int) -> str:
    """A shard's name, in the form of DynamoDB's; `partition_of` finds the way back."""
    return f"shardId-{start:020d}-{partition_id:016x}"


def partition_of(identifier: str) -> int:
    """The partition that holds a shard. Raises ValueError: it is no name of ours."""
    prefix, start, partition_id = identifier.split("-")
    if prefix != "shardId" or len(start) != 20 or len(partition_id) != 16 or not start.isdecimal():
        raise ValueError(f"no shard id: {identifier!r}")
    return int(partition_id, 16)


def described(
    shards: Shards, partition_id: int, label: str | None, view_type: str | None, stamp: int
) -> Shards:
    """The shards once the table's stream is this one; without view type, or label, it has none."""
    present = open_shard(shards)
    if view_type is None or label is None:
        return closed(shards, stamp)
    if present is not None and present.label == label:
        return shards
    return opened(shards, partition_id, label, view_type, stamp)


def opened(shards: Shards, partition_id: int, label: str, view_type: str, stamp: int) -> Shards:
    """The stream `label` is enabled at this stamp."""
    first = Shard(shard_id(partition_id, stamp), label, view_type, None, stamp)
    return (*closed(shards, stamp), first)


def closed(shards: Shards, stamp: int) -> Shards:
    """No more records from this stamp on."""
    if open_shard(shards) is None:
        return shards
    return tuple(replace(each, end=stamp) if each.is_open else each for each in shards)


def rolled(shards: Shards, partition_id: int, stamp: int) -> Shards:
    """The open shard ends at this stamp, and its child begins in the same partition."""
    parent = open_shard(shards)
    if parent is None:
        return shards
    return (*closed(shards, stamp), _child(parent, partition_id, stamp))


def split(shards: Shards, left_id: int, right_id: int, stamp: int) -> tuple[Shards, Shards]:
    """The shards of both halves: the left one keeps what was written before."""
    parent = open_shard(shards)
    if parent is None:
        return shards, ()
    return rolled(shards, left_id, stamp), (_child(parent, right_id, stamp),)


def trimmed(shards: Shards, until: int) -> Shards:
    """Without those that ended before `until`: their records are gone."""
    return tuple(each for each in shards if each.end is None or each.end > until)


def is_due(shards: Shards, stamp: int) -> bool:
    """Whether the open shard began so long before this stamp that it should be rolled."""
    present = open_shard(shards)
    return present is not None and stamp - present.start >= ROLL_STAMPS


def open_shard(shards: Iterable[Shard]) -> Shard | None:
    """The shard that takes new records."""
    return next((each for each in shards if each.is_open), None)


def _child(parent: Shard, partition_id: int, stamp: int) -> Shard:
    """The shard that follows a parent, which ends at this stamp."""
    name = shard_id(partition_id, stamp)
    return Shard(name, parent.label, parent.view_type, parent.shard_id, stamp)


def to_json(shards: Shards) -> list[dict[str, Any]]:
    """The stored form. Stamps pass 2**53, and orjson keeps integers of 64 bits whole."""
    return [asdict(each) for each in shards]


def from_json(stored: Iterable[Any]) -> Shards:
    """Raises TypeError for members that are not a shard's."""
    return tuple(Shard(**members) for members in stored)
