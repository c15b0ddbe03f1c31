"""The operator's own figures, as Prometheus reads them.

In: what the queue, the watches, the Lease and the statuses have done. Out: the text of `/metrics`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from stator_core.exposition import CONTENT_TYPE, Family, Histogram, Labels, by, one, text

__all__ = ["CONTENT_TYPE", "Metrics"]

# Upper bounds of what a reconcile takes, in seconds.
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_CONDITION_VALUES = {"True": 1, "False": 0, "Unknown": -1}
Type = Literal["counter", "gauge", "histogram"]


class Metrics:
    """Counts. Whoever has figures of its own writes them here."""

    def __init__(self) -> None:
        self.lease_held = False
        self.waiting_objects = 0
        self._durations: dict[str, Histogram] = {}
        self._failures: Counter[str] = Counter()
        self._writes: Counter[str] = Counter()
        self._watch_events: Counter[str] = Counter()
        self._conditions: dict[tuple[str, str, str], dict[str, int]] = {}
        self._certificate_ends: dict[tuple[str, str], float] = {}
        self.watch_ages: dict[str, float] = {}
        self.watches_behind: dict[str, bool] = {}

    def worked(self, kind: str, seconds: float, *, failed: bool) -> None:
        """A reconcile has ended."""
        self._durations.setdefault(kind, Histogram(BUCKETS)).add(seconds)
        self._failures[kind] += failed

    def wrote(self, kind: str) -> None:
        """The API was asked to change an object."""
        self._writes[kind] += 1

    def said(self, kind: str, namespace: str, name: str, conditions: list[dict[str, Any]]) -> None:
        """An object has these conditions; without any, it is gone."""
        if conditions:
            self._conditions[kind, namespace, name] = {
                each["type"]: _CONDITION_VALUES[each["status"]] for each in conditions
            }
        else:
            self._conditions.pop((kind, namespace, name), None)

    def certificate_ends(self, namespace: str, pool: str, end: float | None) -> None:
        """A pool's certificate ends then (epoch seconds); None: it has none, or is gone."""
        if end is None:
            self._certificate_ends.pop((namespace, pool), None)
        else:
            self._certificate_ends[namespace, pool] = end

    def watched(self, kind: str) -> None:
        """A watch has told of an object."""
        self._watch_events[kind] += 1

    def text(self) -> str:
        """The page."""
        return text(self._families())

    def _families(self) -> Iterator[Family]:
        yield _gauge("lease_held", "1 while this operator holds the Lease", one(self.lease_held))
        yield _gauge(
            "waiting_objects", "objects that are to be looked at", one(self.waiting_objects)
        )
        durations = [
            sample
            for kind, histogram in sorted(self._durations.items())
            for sample in histogram.samples({"kind": kind})
        ]
        yield _family("histogram", "reconcile_seconds", "what looking once takes", durations)
        yield _counter("reconcile_failures_total", "how often that failed", self._failures)
        yield _counter("api_writes_total", "writes to the Kubernetes API", self._writes)
        yield _counter("watch_events_total", "what the watches have told", self._watch_events)
        yield _gauge(
            "watch_event_age_seconds",
            "how long a watch has told nothing",
            by("kind", self.watch_ages),
        )
        yield _gauge(
            "watch_is_behind",
            "1 while a list shows what a watch has not told",
            by("kind", self.watches_behind),
        )
        yield _gauge(
            "condition",
            "what an object's conditions say: 1 true, 0 false, -1 unknown",
            self._condition_samples(),
        )
        yield _gauge(
            "certificate_end_timestamp_seconds",
            "when the certificate that a pool's pods show each other ends",
            [
                ("", {"namespace": namespace, "name": pool}, end)
                for (namespace, pool), end in sorted(self._certificate_ends.items())
            ],
        )

    def _condition_samples(self) -> Iterator[tuple[str, Labels, float]]:
        for (kind, namespace, name), conditions in sorted(self._conditions.items()):
            whose = {"kind": kind, "namespace": namespace, "name": name}
            for type_, value in sorted(conditions.items()):
                yield "", {**whose, "type": type_}, value


def _family(
    type_: Type, name: str, said: str, samples: Iterable[tuple[str, Labels, float]]
) -> Family:
    return Family(f"stator_operator_{name}", type_, said, samples)


def _gauge(name: str, said: str, samples: Iterable[tuple[str, Labels, float]]) -> Family:
    return _family("gauge", name, said, samples)


def _counter(name: str, said: str, counts: Counter[str]) -> Family:
    """By the kind of object."""
    return _family("counter", name, said, by("kind", counts))
