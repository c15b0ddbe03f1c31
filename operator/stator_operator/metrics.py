"""The operator's own figures, as Prometheus reads them.

In: what the queue, the watches and the Lease have done. Out: the text of `/metrics`. Plain text and
no library: half a page, against ten megabytes in a process that must stay small.

Prometheus: "Exposition formats", the text format 0.0.4; names by "Metric and label naming".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Upper bounds of what a reconcile takes, in seconds.
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_HELP = {
    "lease_held": ("gauge", "1 while this operator holds the Lease and works"),
    "waiting_objects": ("gauge", "objects that are to be looked at, now or later"),
    "reconcile_seconds": ("histogram", "how long looking at an object once takes"),
    "reconcile_failures_total": ("counter", "times that looking at an object failed"),
    "api_writes_total": ("counter", "writes to the Kubernetes API, by the kind of object"),
    "watch_events_total": ("counter", "what the watches have told, by the kind of object"),
    "watch_event_age_seconds": ("gauge", "how long a watch has told nothing"),
    "condition": ("gauge", "what an object's conditions say: 1 true, 0 false, -1 unknown"),
    "watch_is_behind": ("gauge", "1 while a list shows what a watch has not told"),
}
_CONDITION_VALUES = {"True": 1, "False": 0, "Unknown": -1}


class Metrics:
    """Counts. Whoever has figures of its own writes them here."""

    def __init__(self) -> None:
        self.lease_held = False
        self.waiting_objects = 0
        self._durations: dict[str, list[int]] = {}
        self._duration_sums: dict[str, float] = {}
        self._failures: Counter[str] = Counter()
        self._writes: Counter[str] = Counter()
        self._watch_events: Counter[str] = Counter()
        self._conditions: dict[tuple[str, str, str], dict[str, int]] = {}
        self.watch_ages: dict[str, float] = {}
        self.watches_behind: dict[str, bool] = {}

    def worked(self, kind: str, seconds: float, *, failed: bool) -> None:
        """A reconcile has ended."""
        counts = self._durations.setdefault(kind, [0] * (len(BUCKETS) + 1))
        place = next((n for n, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))
        counts[place] += 1
        self._duration_sums[kind] = self._duration_sums.get(kind, 0.0) + seconds
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

    def watched(self, kind: str) -> None:
        """A watch has told of an object."""
        self._watch_events[kind] += 1

    def text(self) -> str:
        """The page."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield from _head("lease_held")
        yield f"stator_operator_lease_held {int(self.lease_held)}"
        yield from _head("waiting_objects")
        yield f"stator_operator_waiting_objects {self.waiting_objects}"
        yield from self._histogram()
        yield from _by_kind("reconcile_failures_total", self._failures)
        yield from _by_kind("api_writes_total", self._writes)
        yield from _by_kind("watch_events_total", self._watch_events)
        yield from _by_kind("watch_event_age_seconds", self.watch_ages)
        yield from _by_kind("watch_is_behind", self.watches_behind)
        yield from self._condition_lines()

    def _condition_lines(self) -> Iterator[str]:
        yield from _head("condition")
        for (kind, namespace, name), conditions in sorted(self._conditions.items()):
            whose = f'kind="{kind}",namespace="{namespace}",name="{name}"'
            for type_, value in sorted(conditions.items()):
                yield f'stator_operator_condition{{{whose},type="{type_}"}} {value}'

    def _histogram(self) -> Iterator[str]:
        yield from _head("reconcile_seconds")
        name = "stator_operator_reconcile_seconds"
        for kind, counts in sorted(self._durations.items()):
            total = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                total += count
                yield f'{name}_bucket{{kind="{kind}",le="{bound}"}} {total}'
            yield f'{name}_sum{{kind="{kind}"}} {self._duration_sums[kind]:.6f}'
            yield f'{name}_count{{kind="{kind}"}} {total}'


def _head(name: str) -> Iterator[str]:
    type_, text = _HELP[name]
    yield f"# HELP stator_operator_{name} {text}"
    yield f"# TYPE stator_operator_{name} {type_}"


def _by_kind(name: str, values: Mapping[str, float]) -> Iterator[str]:
    yield from _head(name)
    for kind, value in sorted(values.items()):
        yield f'stator_operator_{name}{{kind="{kind}"}} {value:g}'
