"""The partition map of a table: which partition owns a hash, as far as this process has heard.

In: descriptors, from redirects one by one or from the reports of all nodes. Out: the descriptor to
send a request to. Routers keep one `PartitionMap` per table and replace it when a redirect teaches
them better; a wrong guess costs one hop. The truth about a partition is its own Raft log
(`partition_descriptor.py`); a map only remembers.

Invariant: at each hash a map holds the newest descriptor that it was ever told of for that hash.
That is a maximum, so maps that heard the same things in any order are equal.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import (
    ChangeRefused,
    DescriptorFromTheFuture,
    DescriptorRefused,
    Epochs,
    Generation,
    HashRange,
    Joint,
    PartitionDescriptor,
    Replica,
    Role,
    check_version,
    merge,
    split,
)
from stator_core.partition_descriptor import from_json as descriptor_from_json
from stator_core.partition_descriptor import to_json as descriptor_to_json

__all__ = [
    "ChangeRefused",
    "DescriptorFromTheFuture",
    "DescriptorRefused",
    "Epochs",
    "Generation",
    "HashRange",
    "Joint",
    "LeaderHint",
    "LeaderHints",
    "PartitionDescriptor",
    "PartitionMap",
    "PartitionReport",
    "Replica",
    "Role",
    "from_json",
    "from_reports",
    "merge",
    "split",
    "to_json",
]

MAP_VERSION = 1


@dataclass(frozen=True, slots=True)
class Segment:
    """Hashes of which `descriptor` is the newest news. Narrower than its range: it is outdated."""

    start: int
    end: int
    descriptor: PartitionDescriptor

    @property
    def is_whole(self) -> bool:
        return (self.start, self.end) == (self.descriptor.range.start, self.descriptor.range.end)


@dataclass(frozen=True, slots=True)
class PartitionMap:
    """What is known of one table's partitions; a snapshot that never changes."""

    table_identifier: int
    segments: tuple[Segment, ...] = ()  # in order, without overlap
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", tuple(segment.start for segment in self.segments))

    def partition_of(self, place: int) -> PartitionDescriptor | None:
        """The best guess at who owns the hash; None where nothing was ever heard of it.

        While a split is half known the guess is the outdated parent, whose members know the child.
        """
        index = bisect_right(self._starts, place) - 1
        if index < 0:
            return None
        segment = self.segments[index]
        return segment.descriptor if place < segment.end else None

    def partitions_of(self, start: int, end: int) -> tuple[PartitionDescriptor, ...]:
        """The best guesses for the hashes [start, end), in order of the hashes."""
        found = self.segments[self._first_touching(start) : bisect_left(self._starts, end)]
        return tuple(dict.fromkeys(segment.descriptor for segment in found))

    @property
    def partitions(self) -> tuple[PartitionDescriptor, ...]:
        """The descriptors that nothing newer contradicts, in order of their ranges."""
        return tuple(segment.descriptor for segment in self.segments if segment.is_whole)

    def gaps(self) -> tuple[HashRange, ...]:
        """The hashes whose owner is unknown: never heard of, or only from an outdated entry."""
        found: list[HashRange] = []
        place = 0
        for segment in self.segments:
            if segment.is_whole:
                if place < segment.start:
                    found.append(HashRange(place, segment.start))
                place = segment.end
        if place < HASH_SPACE:
            found.append(HashRange(place, HASH_SPACE))
        return tuple(found)

    def updated(self, news: PartitionDescriptor) -> PartitionMap:
        """The map with this descriptor wherever it is the newest; the same map if it is nowhere."""
        if news.table_identifier != self.table_identifier:
            raise DescriptorRefused(
                f"partition {news.partition_id} is of table {news.table_identifier}, "
                f"this map is of table {self.table_identifier}"
            )
        start, end = news.range.start, news.range.end
        first, behind = self._first_touching(start), bisect_left(self._starts, end)
        middle: list[Segment] = []
        place = start
        for segment in self.segments[first:behind]:
            if not news.is_newer_than(segment.descriptor):
                _append(middle, place, segment.start, news)
                _append(middle, segment.start, segment.end, segment.descriptor)
                place = segment.end
                continue
            _append(middle, segment.start, start, segment.descriptor)
            if segment.end > end:
                _append(middle, place, end, news)
                _append(middle, end, segment.end, segment.descriptor)
                place = segment.end
        _append(middle, place, end, news)
        if tuple(middle) == self.segments[first:behind]:
            return self
        return PartitionMap(
            self.table_identifier,
            (*self.segments[:first], *middle, *self.segments[behind:]),
        )

    def _first_touching(self, start: int) -> int:
        """Index of the first segment that ends behind `start`."""
        index = bisect_right(self._starts, start) - 1
        return index if index >= 0 and self.segments[index].end > start else index + 1


def _append(segments: list[Segment], start: int, end: int, descriptor: PartitionDescriptor) -> None:
    """Add [start, end) unless it is empty; neighbours with one descriptor become one segment."""
    if start >= end:
        return
    if segments and segments[-1].end == start and segments[-1].descriptor == descriptor:
        start = segments.pop().start
    segments.append(Segment(start, end, descriptor))


# ------------------------------------------------------------------------------------------ leaders


@dataclass(frozen=True, slots=True)
class LeaderHint:
    """Somebody said that this node led the partition in this term."""

    partition_id: int
    node_id: str
    term: int


@dataclass(frozen=True, slots=True)
class LeaderHints:
    """The latest hint of each partition. Apart from the map: leaders change far more often."""

    by_partition: dict[int, LeaderHint] = field(default_factory=dict)

    def leader_of(self, partition_id: int) -> LeaderHint | None:
        return self.by_partition.get(partition_id)

    def updated(self, hint: LeaderHint) -> LeaderHints:
        """With the hint, if its term is later than what is known."""
        known = self.by_partition.get(hint.partition_id)
        if known is not None and (known.term, known.node_id) >= (hint.term, hint.node_id):
            return self
        return LeaderHints({**self.by_partition, hint.partition_id: hint})

    def without(self, hint: LeaderHint) -> LeaderHints:
        """Forget a hint that turned out wrong, unless a later one has taken its place."""
        if self.by_partition.get(hint.partition_id) != hint:
            return self
        rest = {key: known for key, known in self.by_partition.items() if known != hint}
        return LeaderHints(rest)


# ------------------------------------------------------------------------------------------ reports


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """What a node says of one replica of its own."""

    node_id: str
    descriptor: PartitionDescriptor
    is_leader: bool
    term: int


def from_reports(
    reports: Iterable[PartitionReport],
) -> tuple[dict[int, PartitionMap], LeaderHints]:
    """The maps by table identifier, and the leaders, from what the nodes themselves say.

    What a leader reports comes first, the highest epochs winning. A partition without a leader is
    believed only where no led partition claims the hash: it may be a leftover that nobody has told
    of its end, or it may be electing.
    """
    ordered = list(reports)
    hints = LeaderHints()
    maps: dict[int, PartitionMap] = {}
    for report in ordered:
        if report.is_leader:
            hint = LeaderHint(report.descriptor.partition_id, report.node_id, report.term)
            hints = hints.updated(hint)
            identifier = report.descriptor.table_identifier
            maps[identifier] = _map_of(maps, identifier).updated(report.descriptor)
    unled: dict[int, PartitionMap] = {}
    for report in ordered:
        if not report.is_leader:
            identifier = report.descriptor.table_identifier
            unled[identifier] = _map_of(unled, identifier).updated(report.descriptor)
    for identifier, leftover in unled.items():
        led = _map_of(maps, identifier)
        claimed = [segment.descriptor.range for segment in led.segments]
        for segment in leftover.segments:
            if not any(segment.descriptor.range.overlaps(range_) for range_ in claimed):
                led = led.updated(segment.descriptor)
        maps[identifier] = led
    return maps, hints


def _map_of(maps: dict[int, PartitionMap], identifier: int) -> PartitionMap:
    return maps.get(identifier) or PartitionMap(identifier)


# ------------------------------------------------------------------------------------ the wire form


def to_json(partition_map: PartitionMap) -> dict[str, Any]:
    """Version 1: the descriptors; the segments follow from them."""
    known = dict.fromkeys(segment.descriptor for segment in partition_map.segments)
    return {
        "version": MAP_VERSION,
        "table_identifier": partition_map.table_identifier,
        "partitions": [descriptor_to_json(descriptor) for descriptor in known],
    }


def from_json(stored: Any) -> PartitionMap:
    """Read what `to_json` wrote. Raises DescriptorFromTheFuture or DescriptorRefused."""
    if not isinstance(stored, dict):
        raise DescriptorRefused("a partition map is a JSON object")
    check_version("a partition map", stored.get("version"), MAP_VERSION)
    identifier, partitions = stored.get("table_identifier"), stored.get("partitions")
    if type(identifier) is not int or not isinstance(partitions, list):
        raise DescriptorRefused("a partition map names its table and lists its partitions")
    result = PartitionMap(identifier)
    for partition in partitions:
        result = result.updated(descriptor_from_json(partition))
    return result
