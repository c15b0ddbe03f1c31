"""What `run.py` measured, as lines while it goes and as the page benchmarks/results.md."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from load import Outcome
from stalls import Stall

OURS = "Stator"
QUIET = 0.5  # a load average up to which the figures are the servers' own


@dataclass(frozen=True, slots=True)
class Cell:
    """One workload at one number of connections on one server."""

    workload: str
    connections: int
    server: str
    outcome: Outcome

    def line(self) -> str:
        out = self.outcome
        text = (
            f"{self.workload:<20}{self.connections:>3}  {self.server:<20}"
            f"{out.operations_per_second:>9,.0f}/s  p50 {out.percentile_ms(50):7.2f} ms"
            f"  p99 {out.percentile_ms(99):7.2f} ms"
        )
        return text + (f"  {out.errors} errors: {out.first_error!r}" if out.errors else "")


@dataclass
class Results:
    """Everything one run came to."""

    load_before: float = 0.0  # the machine's one-minute load average before anything was started
    starts: dict[str, tuple[float, int]] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    sizes: dict[int, Outcome] = field(default_factory=dict)
    stalls: dict[str, Stall] = field(default_factory=dict)

    def cell(self, workload: str, connections: int, server: str) -> Cell | None:
        for cell in self.cells:
            if (cell.workload, cell.connections, cell.server) == (workload, connections, server):
                return cell
        return None


def markdown(results: Results, servers: list[tuple[str, str]]) -> str:
    """The page: what was measured, on what, and how many times faster or slower Stator is."""
    lines = ["# Benchmarks", "", *_foreword(results.load_before), ""]
    lines += [f"- **{name}**: {note}" for name, note in servers]
    lines += ["", "## Operations per second", ""]
    lines += ["`x` is Stator's figure divided by this one: above 1, Stator is faster.", ""]
    for workload in dict.fromkeys(cell.workload for cell in results.cells):
        lines += _workload(results, workload, [name for name, _ in servers])
    lines += _starts(results)
    if results.sizes:
        lines += _sizes(results)
    if results.stalls:
        lines += _stalls(results)
    return "\n".join(lines).rstrip() + "\n"


def _foreword(load_before: float) -> list[str]:
    versions = f"Linux {platform.release()}, Python {platform.python_version()}"
    machine = f"{processor()}, {os.cpu_count()} cores, {versions}"
    quiet = f"The load average before the run was {load_before:.2f}"
    quiet += "." if load_before <= QUIET else ": others used the machine, so take no figure at all."
    return [
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {machine}.",
        "Servers and load generator share the machine and speak over loopback; the generator keeps",
        "to one core, servers may use all. Closed loop: N connections, one request in flight each;",
        "the generator itself ends near 60,000 requests a second. Middle of three rounds.",
        "Every server gets the same signed requests. 10,000 items of 1 KB, 1,000 counters, 1,000",
        "partitions of ten small items. The mix is half GetItem, a quarter PutItem, an eighth each",
        "of UpdateItem and Query.",
        quiet,
    ]


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _workload(results: Results, workload: str, names: list[str]) -> list[str]:
    counts = sorted({cell.connections for cell in results.cells if cell.workload == workload})
    head = [f"{count} connection{'s' if count > 1 else ''}" for count in counts]
    lines = [f"### {workload}", "", "| server | " + " | ".join(head) + " |"]
    lines.append("| --- |" + " --- |" * len(counts))
    for name in names:
        texts = [_figure(results, workload, count, name) for count in counts]
        lines.append(f"| {name} | " + " | ".join(texts) + " |")
    return [*lines, ""]


def _figure(results: Results, workload: str, connections: int, server: str) -> str:
    cell = results.cell(workload, connections, server)
    if cell is None:
        return ""
    out = cell.outcome
    text = (
        f"{out.operations_per_second:,.0f}/s, p50 {out.percentile_ms(50):.2f} ms, "
        f"p99 {out.percentile_ms(99):.2f} ms"
    )
    ours = results.cell(workload, connections, OURS)
    if ours is not None and server != OURS:
        text += f", x {ours.outcome.operations_per_second / out.operations_per_second:.2f}"
    return text + (f" ({out.errors} errors)" if out.errors else "")


def _starts(results: Results) -> list[str]:
    lines = ["## Start and memory", "", "| server | first answer | idle memory |"]
    lines.append("| --- | --- | --- |")
    for name, (seconds, memory) in results.starts.items():
        lines.append(f"| {name} | {seconds:.2f} s | {memory / 2**20:.0f} MiB |")
    return [*lines, ""]


def _sizes(results: Results) -> list[str]:
    lines = ["## GetItem as a table grows (Stator, 16 connections, at rest)", ""]
    lines += ["| items | operations | p50 | p99 | p99 against the smallest |"]
    lines.append("| --- | --- | --- | --- | --- |")
    smallest = results.sizes[min(results.sizes)].percentile_ms(99)
    for size, out in results.sizes.items():
        p99 = out.percentile_ms(99)
        lines.append(
            f"| {size:,} | {out.operations_per_second:,.0f}/s | {out.percentile_ms(50):.2f} ms "
            f"| {p99:.2f} ms | {p99 / smallest:.2f} |"
        )
    return [*lines, ""]


def _stalls(results: Results) -> list[str]:
    lines = ["## One hostile body (Stator)", ""]
    lines += ["| body | answer | longest GetItem beside it |", "| --- | --- | --- |"]
    for name, stall in results.stalls.items():
        lines.append(f"| {name} | {stall.status} | {stall.milliseconds:.0f} ms |")
    return [*lines, ""]
