"""What `cluster.py` measured, as lines while it goes and as benchmarks/results-cluster.md."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cluster_events import Events
from clusters import ETCD, OURS, SINGLE, YARDSTICK
from report import QUIET, Cell, processor

AIMS = (
    "Aims: within 1.5 of the yardstick; at 64 clients ahead of etcd's writes and of twice its",
    "linearizable reads; a p99 of strong reads within 2 of one process's; writes within 3 s of a",
    "leader's death; no second below half of the median while a partition splits or a replica",
    "moves.",
)


@dataclass
class Results(Events):
    """Everything one run came to."""

    load_before: float = 0.0  # the machine's one-minute load average before anything was started
    cells: list[Cell] = field(default_factory=list)
    generator_seconds: float = 0.0  # of processor that etcd's generator takes for an operation

    def __post_init__(self) -> None:
        super().__init__()

    def cell(self, workload: str, clients: int, server: str) -> Cell | None:
        for cell in self.cells:
            if (cell.workload, cell.connections, cell.server) == (workload, clients, server):
                return cell
        return None

    def ratio_lines(self, workload: str, clients: int) -> list[str]:
        """How many times faster than the others Stator is in one cell: above 1, it is faster."""
        ours = self.cell(workload, clients, OURS)
        if ours is None:
            return []
        lines = []
        for name in (YARDSTICK, ETCD, SINGLE):
            other = self.cell(workload, clients, name)
            if other is not None:
                ratio = ours.outcome.operations_per_second / other.outcome.operations_per_second
                median = other.outcome.percentile_ms(50) / ours.outcome.percentile_ms(50)
                last = ours.outcome.percentile_ms(99) / other.outcome.percentile_ms(99)
                lines.append(
                    f"x {ratio:.2f} of {name} (by medians x {median:.2f}), p99 {last:.2f} of it"
                )
        return lines


def markdown(results: Results, notes: list[tuple[str, str]]) -> str:
    """The page."""
    lines = ["# Benchmarks of three zones", "", *_foreword(results), "", *AIMS, ""]
    lines += [f"- **{name}**: {note}" for name, note in notes]
    lines.append("")
    for workload in dict.fromkeys(cell.workload for cell in results.cells):
        lines += _workload(results, workload, [name for name, _ in notes])
    if results.recoveries:
        lines += _recoveries(results.recoveries)
    if results.changes:
        lines += ["## Changes under load (16 writers)", ""]
        lines += [f"- {change.line()}" for change in results.changes]
    return "\n".join(lines).rstrip() + "\n"


def _foreword(results: Results) -> list[str]:
    versions = f"Linux {platform.release()}, Python {platform.python_version()}"
    quiet = f"The load average before the run was {results.load_before:.2f}"
    busy = ": others used the machine, so take the ratios and no figure."
    lines = [
        f"Written by `make bench-cluster` on {datetime.now(UTC):%Y-%m-%d}: {processor()},",
        f"{os.cpu_count()} cores, {versions}.",
        "Every process of every cluster and the load generator share the machine and speak over",
        "loopback; the generator keeps to one core. Closed loop: N clients, one request in flight",
        "each, 10,000 keys of 1 KB. Middle of three rounds, the clusters turn by turn.",
        quiet + ("." if results.load_before <= QUIET else busy),
    ]
    if results.generator_seconds:
        micros = results.generator_seconds * 1e6
        lines += [
            f"etcd is driven by its own Go client over gRPC, which takes {micros:.0f} µs of",
            "processor for an operation; Stator and the yardstick by the generator of `make bench`",
            "over HTTP with signed requests, which takes about 9.",
        ]
    return lines


def _workload(results: Results, workload: str, names: list[str]) -> list[str]:
    counts = sorted({cell.connections for cell in results.cells if cell.workload == workload})
    head = [f"{count} client{'s' if count > 1 else ''}" for count in counts]
    lines = [f"## {workload}", "", "| | " + " | ".join(head) + " |"]
    lines.append("| --- |" + " --- |" * len(counts))
    for name in names:
        texts = []
        for count in counts:
            cell = results.cell(workload, count, name)
            texts.append("" if cell is None else _figure(cell))
        lines.append(f"| {name} | " + " | ".join(texts) + " |")
    lines.append("")
    for count in counts:
        ratios = results.ratio_lines(workload, count)
        if ratios:
            lines.append(f"- {count} client{'s' if count > 1 else ''}: {'; '.join(ratios)}")
    return [*lines, ""]


def _figure(cell: Cell) -> str:
    out = cell.outcome
    text = (
        f"{out.operations_per_second:,.0f}/s, p50 {out.percentile_ms(50):.2f} ms, "
        f"p99 {out.percentile_ms(99):.2f} ms"
    )
    return text + (f" ({out.errors} errors)" if out.errors else "")


def _recoveries(seconds: list[float]) -> list[str]:
    return [
        "## Recovery from a killed leader",
        "",
        f"{len(seconds)} times kill -9 of the process that leads; until the first write succeeds:",
        f"median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s.",
        "",
    ]
