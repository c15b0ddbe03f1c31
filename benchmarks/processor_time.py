"""Processor time for an operation, Stator beside the yardstick: a figure that busy machines spare.

    python benchmarks/processor_time.py [--beside TREE] [--rounds 9] [--workload NAME] [--clients N]

Operations in a second say little where others use the machine; what the server's threads were
given of a processor for each operation says more, and its least over many short rounds most. The
servers take turns within each round. `--beside` adds Stator of another working tree: a change is
judged against what was before it.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from load import Connections
from servers import ROOT, SIGNER, Server, servers
from workloads import WORKLOADS, check, prepare, requests

WARM_UP_SECONDS = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(description="Processor time for an operation")
    parser.add_argument("--beside", type=Path, help="another working tree, measured as well")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="length of one turn")
    parser.add_argument("--workload", action="append", choices=list(WORKLOADS))
    parser.add_argument("--clients", action="append", type=int)
    options = parser.parse_args()
    yardstick = next(server for server in servers() if server.name == "yardstick")
    chosen = [yardstick, of_tree("Stator", ROOT)]
    if options.beside is not None:
        chosen.append(of_tree("beside", options.beside.resolve()))
    parent = Path(tempfile.mkdtemp(prefix="stator-processor-time-"))
    try:
        for server in chosen:
            server.start(parent)
            prepare(server.port, SIGNER)
            check(server.port, SIGNER)
        for workload in options.workload or list(WORKLOADS):
            signed = requests(workload, SIGNER)
            for clients in options.clients or (16, 64):
                measure(chosen, workload, signed, clients, options)
    finally:
        for server in chosen:
            server.stop()
        shutil.rmtree(parent, ignore_errors=True)


def of_tree(name: str, tree: Path) -> Server:
    """`stator local` with the source of one working tree."""
    stator = next(server for server in servers() if server.name == "Stator")
    search = f"PYTHONPATH={tree / 'core'}:{tree / 'node'}"
    words = ["env", search, sys.executable, "-m", "stator_node", *stator.words[1:]]
    return replace(stator, name=name, words=words)


def measure(
    chosen: list[Server],
    workload: str,
    signed: list[bytes],
    clients: int,
    options: argparse.Namespace,
) -> None:
    """Measure one workload on all servers in turn, and print what each came to."""
    opened = {server.name: Connections(server.port, clients) for server in chosen}
    found: dict[str, list[tuple[float, float]]] = {server.name: [] for server in chosen}
    for server in chosen:
        opened[server.name].run(signed, WARM_UP_SECONDS)
    for _ in range(options.rounds):
        for server in chosen:
            before = given_nanoseconds(server)
            outcome = opened[server.name].run(signed, options.seconds)
            given = given_nanoseconds(server) - before
            if outcome.errors:
                sys.exit(f"{server.name} answered with errors: {outcome.first_error!r}")
            cost = given / len(outcome.latencies) / 1000
            found[server.name].append((cost, outcome.operations_per_second))
    for connections in opened.values():
        connections.close()
    yardstick = found["yardstick"]
    for name, rounds in found.items():
        print(
            f"{workload:20} {clients:4} clients {name:10} "
            f"{least(rounds):6.1f} us at least (x {least(rounds) / least(yardstick):.2f}), "
            f"{middle(rounds):6.1f} in the middle (x {middle(rounds) / middle(yardstick):.2f}), "
            f"{statistics.median(each for _, each in rounds):8,.0f}/s",
            flush=True,
        )


def least(rounds: list[tuple[float, float]]) -> float:
    return min(cost for cost, _ in rounds)


def middle(rounds: list[tuple[float, float]]) -> float:
    return statistics.median(cost for cost, _ in rounds)


def given_nanoseconds(server: Server) -> int:
    """What the threads of a server have been given of a processor so far."""
    assert server.process is not None
    tasks = Path(f"/proc/{server.process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


if __name__ == "__main__":
    main()
