"""`make bench`: one load generator against Stator, its peers and a bare yardstick, side by side.

    python benchmarks/run.py [--quick] [--only NAME ...] [--seconds 3] [--no-sizes]

All servers run at once and idle; each cell of the matrix is measured on one after the other, in
three rounds of which the middle one counts, so that what else the machine does falls on all of them
or on none. Prints as it goes and, unless --quick or --only, writes benchmarks/results.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import report
import stalls
from load import Connections, Outcome
from report import Cell, Results
from servers import GENERATOR_CORE, ROOT, SIGNER, Server, servers
from workloads import WORKLOADS, check, create_table, fill, get_item, item, prepare, requests

CONNECTIONS = (1, 16, 64)
ROUNDS = 3
WARM_UP_SECONDS = 0.3
SIZES = (10_000, 100_000, 1_000_000)
SIZE_PAYLOAD_BYTES = 100
SIZE_CONNECTIONS = 16
SIZE_TABLE = "sizes"


def main() -> None:
    options = parse()
    chosen = [s for s in servers() if options.only is None or s.name in options.only]
    missing = [server for server in chosen if not server.needs.exists()]
    for server in missing:
        print(f"{server.name}: not here ({server.needs}); `make peers` builds the peers")
    chosen = [server for server in chosen if server not in missing]
    results = Results(load_before=os.getloadavg()[0])
    if results.load_before > report.QUIET:
        print(f"load average {results.load_before:.2f}: others use this machine; figures will lie")
    parent = Path(tempfile.mkdtemp(prefix="stator-bench-", dir=options.folder))
    try:
        for server in chosen:
            measure_start(server, parent, results)
        # Only now: a process started later would inherit it.
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setaffinity(0, {GENERATOR_CORE})
        measure_matrix(chosen, options, results)
        if options.sizes and (stator := next((s for s in chosen if s.name == "Stator"), None)):
            measure_stalls(stator, results)
            measure_sizes(stator, options.seconds, results)
    finally:
        for server in chosen:
            server.stop()
        shutil.rmtree(parent, ignore_errors=True)
    text = report.markdown(results, [(server.name, server.note) for server in chosen])
    print("\n" + text)
    if options.write:
        (ROOT / "benchmarks" / "results.md").write_text(text)
    if any(cell.outcome.errors for cell in results.cells):
        sys.exit("some answers were errors: the figures above are not to be trusted")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Stator beside its peers")
    parser.add_argument("--quick", action="store_true", help="one second a cell, 16 connections")
    parser.add_argument("--only", action="append", help="a server's name; may be repeated")
    parser.add_argument("--workload", action="append", help="a workload's name; may be repeated")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one cell in all")
    parser.add_argument("--no-sizes", dest="sizes", action="store_false")
    parser.add_argument("--folder", type=Path, help="where data folders are made")
    options = parser.parse_args()
    options.connections = (16,) if options.quick else CONNECTIONS
    options.write = not (options.quick or options.only or options.workload)
    if options.quick:
        options.seconds = 1.0
        options.sizes = False
    return options


def measure_start(server: Server, parent: Path, results: Results) -> None:
    seconds = server.start(parent)
    memory = server.memory_bytes()
    results.starts[server.name] = (seconds, memory)
    print(f"{server.name}: first answer after {seconds:.2f} s, {memory / 2**20:.0f} MiB idle")
    prepare(server.port, SIGNER)
    check(server.port, SIGNER)


def measure_matrix(chosen: list[Server], options: argparse.Namespace, results: Results) -> None:
    for workload in WORKLOADS:
        if options.workload and workload not in options.workload:
            continue
        signed = requests(workload, SIGNER)
        for connections in options.connections:
            rounds: dict[str, list[Outcome]] = {server.name: [] for server in chosen}
            for _ in range(ROUNDS):
                for server in chosen:
                    seconds = options.seconds / ROUNDS
                    outcome = measure(server.port, signed, connections, seconds)
                    rounds[server.name].append(outcome)
            for name, outcomes in rounds.items():
                cell = Cell(workload, connections, name, middle(outcomes))
                results.cells.append(cell)
                print(cell.line(), flush=True)


def middle(outcomes: list[Outcome]) -> Outcome:
    """The round of median throughput; any round with errors comes first."""
    for outcome in outcomes:
        if outcome.errors:
            return outcome
    return sorted(outcomes, key=lambda outcome: outcome.operations_per_second)[len(outcomes) // 2]


def measure(port: int, signed: list[bytes], connections: int, seconds: float) -> Outcome:
    """One cell: warm up, then measure."""
    opened = Connections(port, connections)
    try:
        opened.run(signed, WARM_UP_SECONDS)
        return opened.run(signed, seconds)
    finally:
        opened.close()


def measure_stalls(server: Server, results: Results) -> None:
    results.stalls = stalls.measure(server.port, SIGNER)
    for name, stall in results.stalls.items():
        print(f"{server.name}, {name}: {stall.status}, others wait {stall.milliseconds:.0f} ms")


def measure_sizes(server: Server, seconds: float, results: Results) -> None:
    """GetItem as the table grows: it should not notice."""
    create_table(server.port, SIGNER, SIZE_TABLE)
    present = 0
    for size in SIZES:
        items = (item(number, SIZE_PAYLOAD_BYTES) for number in range(present, size))
        fill(server.port, SIGNER, SIZE_TABLE, items)
        present = size
        server.wait_until_at_rest()
        step = max(1, size // 20_000)  # the reads walk over the whole table
        signed = []
        for number in range(0, size, step):
            operation, body = get_item(0)
            key = {"id": {"S": f"customer#{number * 7919 % size:08d}"}}
            signed.append(SIGNER.request(operation, body | {"TableName": SIZE_TABLE, "Key": key}))
        outcome = measure(server.port, signed, SIZE_CONNECTIONS, seconds)
        results.sizes[size] = outcome
        print(f"{server.name}, {size:,} items: GetItem p99 {outcome.percentile_ms(99):.2f} ms")


if __name__ == "__main__":
    main()
