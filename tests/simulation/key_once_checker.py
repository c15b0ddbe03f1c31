"""Every key is in exactly one partition: none lost, none doubled, whatever split, moved or merged.

Fed the changes of the partition map as the partitions' own logs tell them, then `finish` with what
the replicas hold and the keys that must exist. Keys and borders are bytes or any strings that
order as the stored keys do (hexadecimal in the logs of real processes); `end` None is the end of
the space. Events are dicts with `event` and

    created  partition, start, end          a partition of a new table
    split    partition, child, at           [start, end) becomes [start, at) and, child, [at, end)
    merged   partition, absorbed            the right neighbour's range joins the partition's
    dropped  partition                      its table is gone

Each event may be told by several replicas: a repetition is passed over, a contradiction is not.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from typing import Any

from simulation.promise import PromiseBroken

SHOWN_MAX = 5


class KeyOnceChecker:
    """Follows the partition map. `ranges`: partition -> (start, end) as the events made it."""

    def __init__(self) -> None:
        self.ranges: dict[Any, tuple[Any, Any]] = {}
        self._told: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._gone: set[Any] = set()

    def observe(self, event: Mapping[str, Any]) -> None:
        """Take one event; those of other kinds are passed over. Raises PromiseBroken."""
        kind = event["event"]
        if kind == "created":
            if self._is_news(("created", event["partition"]), (event["start"], event["end"])):
                self._add(event["partition"], event["start"], event["end"])
        elif kind == "split":
            if self._is_news(("split", event["child"]), (event["partition"], event["at"])):
                self._split(event["partition"], event["child"], event["at"])
        elif kind == "merged":
            if self._is_news(("gone", event["absorbed"]), (event["partition"],)):
                self._merge(event["partition"], event["absorbed"])
        elif kind == "dropped":
            if self._is_news(("gone", event["partition"]), ()):
                self._remove(event["partition"])

    def finish(
        self,
        replicas: Collection[Mapping[str, Any]],
        keys: Collection[Any],
        maybe: Collection[Any] = (),
    ) -> None:
        """Compare with what each replica holds: `partition`, `replica`, `start`, `end`, `keys`.

        `keys` must all be there; those of `maybe` (outcome unknown) may. Raises PromiseBroken.
        """
        faults = self._overlaps()
        holders: dict[Any, list[Any]] = {}
        first: dict[Any, tuple[Any, set[Any]]] = {}
        for dump in replicas:
            partition, held = dump["partition"], set(dump["keys"])
            faults += self._dump_faults(dump)
            if partition not in first:
                first[partition] = (dump["replica"], held)
                for key in held:
                    holders.setdefault(key, []).append(partition)
            elif held != first[partition][1]:
                other, expected = first[partition]
                faults.append(
                    f"partition {partition}: replicas {other} and {dump['replica']} differ by "
                    f"{_some(held ^ expected)}"
                )
        missing = [partition for partition in self.ranges if partition not in first]
        faults += [f"partition {partition} is held by no replica" for partition in missing]
        lost = set(keys) - holders.keys()
        strange = holders.keys() - set(keys) - set(maybe)
        doubled = {key for key, partitions in holders.items() if len(partitions) > 1}
        for keys_found, what in ((lost, "lost"), (strange, "never written"), (doubled, "doubled")):
            if keys_found:
                faults.append(f"{len(keys_found)} keys {what}: {_some(keys_found)}")
        if faults:
            raise PromiseBroken("\n".join(faults))

    def _dump_faults(self, dump: Mapping[str, Any]) -> list[str]:
        """What is wrong with one replica's range, or outside it."""
        partition = dump["partition"]
        name = f"partition {partition}, replica {dump['replica']}"
        expected = self.ranges.get(partition)
        start, end = dump["start"], dump["end"]
        if expected != (start, end):
            return [f"{name}: holds [{start!r}, {end!r}), the log says {expected}"]
        strays = {key for key in dump["keys"] if key < start or (end is not None and key >= end)}
        return [f"{name}: keys outside its range: {_some(strays)}"] if strays else []

    def _overlaps(self) -> list[str]:
        ordered = sorted((start, partition) for partition, (start, _) in self.ranges.items())
        faults = []
        for (_, left), (start, right) in itertools.pairwise(ordered):
            end = self.ranges[left][1]
            if end is None or end > start:
                faults.append(f"partitions {left} and {right} overlap at {start!r}")
        return faults

    def _is_news(self, subject: tuple[Any, ...], told: tuple[Any, ...]) -> bool:
        before = self._told.setdefault(subject, told)
        if before is not told and before != told:
            raise PromiseBroken(f"{subject} is told as {before} and as {told}")
        return before is told

    def _add(self, partition: Any, start: Any, end: Any) -> None:
        if partition in self.ranges or partition in self._gone:
            raise PromiseBroken(f"partition {partition} exists already, or has existed")
        if end is not None and start >= end:
            raise PromiseBroken(f"partition {partition}: empty range [{start!r}, {end!r})")
        self.ranges[partition] = (start, end)

    def _remove(self, partition: Any) -> tuple[Any, Any]:
        if partition not in self.ranges:
            raise PromiseBroken(f"partition {partition} is unknown or gone")
        self._gone.add(partition)
        return self.ranges.pop(partition)

    def _split(self, partition: Any, child: Any, at: Any) -> None:
        if partition not in self.ranges:
            raise PromiseBroken(f"split of partition {partition}, which is unknown or gone")
        start, end = self.ranges[partition]
        if at <= start or (end is not None and at >= end):
            raise PromiseBroken(f"partition {partition} [{start!r}, {end!r}) split at {at!r}")
        self._add(child, at, end)
        self.ranges[partition] = (start, at)

    def _merge(self, partition: Any, absorbed: Any) -> None:
        if partition not in self.ranges:
            raise PromiseBroken(f"merge into partition {partition}, which is unknown or gone")
        start, end = self._remove(absorbed)
        mine = self.ranges[partition]
        if mine[1] != start:
            raise PromiseBroken(
                f"partition {partition} {mine} absorbed {absorbed}, which begins at {start!r}"
            )
        self.ranges[partition] = (mine[0], end)


def _some(keys: Collection[Any]) -> str:
    shown = ", ".join(repr(key) for key in sorted(keys)[:SHOWN_MAX])
    return shown + (", …" if len(keys) > SHOWN_MAX else "")
