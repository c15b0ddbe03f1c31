"""`make bench-cluster`: three zones of Stator, a bare yardstick and three-node etcd, side by side.

    python benchmarks/beside_etcd.py [--quick] [--seconds 3] [--clients 64 ...] [--only NAME ...]
                                 [--parts throughput recovery changes]

All run at once and idle; each cell is measured on one after the other, in rounds of which the
middle one counts. Then Stator alone: what a killed leader costs, a split, and a replica that moves
(`cluster_events.py`). Prints as it goes and, for a whole run, writes
benchmarks/results-cluster.md (`cluster_report.py`).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import cluster_events
import cluster_report
from cluster_report import Results
from clusters import ETCD, Etcd, load_average, stator_single, stator_zones, yardstick_zones
from load import Outcome
from report import QUIET, Cell
from run import measure, middle
from servers import GENERATOR_CORE, ROOT, SIGNER, Server
from workloads import ITEMS, create_table, fill, get_item, item, put_item, requests_of

CLIENTS = (1, 16, 64)
ROUNDS = 3
PARTS = ("throughput", "recovery", "changes")
WRITE, READ = "write, 1 KB", "linearizable read, 1 KB"
ETCD_OPERATIONS = {WRITE: "put", READ: "get"}


def main() -> None:
    options = parse()
    servers = [stator_zones(), stator_single(), yardstick_zones()]
    if options.only:
        servers = [server for server in servers if server.name in options.only]
    etcd = Etcd() if not options.only or ETCD in options.only else None
    if etcd is not None and (why := Etcd.missing()):
        print(f"etcd is left out: {why}")
        etcd = None
    results = Results(load_before=load_average())
    if results.load_before > QUIET:
        print(f"load average {results.load_before:.2f}: others use this machine; see the ratios")
    parent = Path(tempfile.mkdtemp(prefix="stator-bench-cluster-", dir=options.folder))
    try:
        if "throughput" in options.parts:
            measure_throughput(servers, etcd, parent, options, results)
        if "recovery" in options.parts:
            cluster_events.measure_recovery(parent, options.kills, results)
        if "changes" in options.parts:
            cluster_events.measure_changes(parent, options.change_seconds, results)
    finally:
        for server in servers:
            server.stop()
        if etcd is not None:
            etcd.stop()
        shutil.rmtree(parent, ignore_errors=True)
    notes = [(each.name, each.note) for each in servers]
    notes += [(etcd.name, etcd.note)] if etcd is not None else []
    text = cluster_report.markdown(results, notes)
    print("\n" + text)
    if options.write:
        (ROOT / "benchmarks" / "results-cluster.md").write_text(text)
    if any(cell.outcome.errors for cell in results.cells):
        sys.exit("some answers were errors: the figures above are not to be trusted")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Three zones of Stator beside etcd")
    parser.add_argument("--quick", action="store_true", help="short cells, three kills")
    parser.add_argument("--seconds", type=float, default=4.5, help="length of one cell in all")
    parser.add_argument("--clients", type=int, action="append", help="may be repeated")
    parser.add_argument("--only", action="append", help="a cluster's name; may be repeated")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--kills", type=int, default=20, help="leaders to kill")
    parser.add_argument("--change-seconds", type=float, default=12.0, help="under each change")
    parser.add_argument("--folder", type=Path, help="where data folders are made")
    options = parser.parse_args()
    options.write = not (options.quick or options.only or options.clients)
    options.write = options.write and tuple(options.parts) == PARTS
    options.clients = tuple(options.clients or CLIENTS)
    if options.quick:
        options.seconds, options.kills, options.change_seconds = 1.5, 3, 8.0
    return options


def measure_throughput(
    servers: list[Server],
    etcd: Etcd | None,
    parent: Path,
    options: argparse.Namespace,
    results: Results,
) -> None:
    """The matrix. Ends what it started."""
    for server in servers:
        server.start(parent)
        create_table(server.port, SIGNER, "items")
        fill(server.port, SIGNER, "items", (item(number) for number in range(ITEMS)))
    if etcd is not None:
        etcd.start(parent)
    before = os.sched_getaffinity(0)
    with contextlib.suppress(OSError):  # Only now: a process started later would inherit it.
        os.sched_setaffinity(0, {GENERATOR_CORE})
    for workload in (WRITE, READ):
        for clients in options.clients:
            measure_cells(workload, clients, servers, etcd, options.seconds / ROUNDS, results)
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, before)
    for server in servers:
        server.stop()
    if etcd is not None:
        etcd.stop()


def measure_cells(
    workload: str,
    clients: int,
    servers: list[Server],
    etcd: Etcd | None,
    seconds: float,
    results: Results,
) -> None:
    """One workload at one number of clients on all, turn by turn."""
    one = put_item if workload == WRITE else strong_read
    signed = requests_of(one, SIGNER)
    rounds: dict[str, list[Outcome]] = {}
    for _ in range(ROUNDS):
        for server in servers:
            outcome = measure(server.port, signed, clients, seconds)
            rounds.setdefault(server.name, []).append(outcome)
        if etcd is not None:
            outcome = etcd.measure(ETCD_OPERATIONS[workload], clients, seconds)
            rounds.setdefault(etcd.name, []).append(outcome)
            results.generator_seconds = etcd.generator_seconds
    for name, outcomes in rounds.items():
        cell = Cell(workload, clients, name, middle(outcomes))
        results.cells.append(cell)
        print(cell.line(), flush=True)
    for line in results.ratio_lines(workload, clients):
        print(f"  {line}", flush=True)


def strong_read(number: int) -> tuple[str, dict[str, object]]:
    operation, body = get_item(number)
    return operation, {**body, "ConsistentRead": True}


if __name__ == "__main__":
    main()
