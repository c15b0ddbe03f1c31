"""Figures as Prometheus reads them: counters, gauges and histograms, as text.

In: names and numbers, from the operator's figures and from those of pods. Out: the text of a page.
Pure, and no library: half a page, against ten megabytes in a process that must stay small.

Prometheus: "Exposition formats", the text format 0.0.4; names by "Metric and label naming".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@dataclass(frozen=True, slots=True)
class Family:
    """One figure under one name, for each set of labels."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Iterable[tuple[str, Labels, float]]  # what is appended to the name, labels, value


@dataclass(slots=True)
class Histogram:
    """How many were at most so large, for each of some bounds, in rising order."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        assert list(self.bounds) == sorted(set(self.bounds))
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def samples(self, labels: Labels) -> Iterator[tuple[str, Labels, float]]:
        count = 0
        for bound, more in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            count += more
            yield "_bucket", {**labels, "le": bound}, count
        yield "_sum", labels, self.total
        yield "_count", labels, count


def one(value: float) -> list[tuple[str, Labels, float]]:
    """The samples of a figure that there is once."""
    return [("", {}, value)]


def by(label: str, values: Mapping[str, float]) -> list[tuple[str, Labels, float]]:
    """The samples of a figure that there is for each value of one label."""
    return [("", {label: name}, value) for name, value in sorted(values.items())]


def text(families: Iterable[Family]) -> str:
    """The page."""
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}"
    yield f"# TYPE {family.name} {family.type}"
    for ending, labels, value in family.samples:
        said = ",".join(f'{name}="{each.translate(_ESCAPED)}"' for name, each in labels.items())
        yield f"{family.name}{ending}{f'{{{said}}}' if said else ''} {_number(value)}"


def _number(value: float) -> str:
    """Whole numbers in full: `1e+06` would lose the rest of a size in bytes."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))
