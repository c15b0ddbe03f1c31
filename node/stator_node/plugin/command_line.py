"""What `kubectl stator …` means, as settings. No wiring here (`__main__.py`), no logic.

Options that `kubectl` itself has mean the same and are handed on to it. Exit codes are those of
`stator`: 0 done, 1 it failed (the reason is on standard error), 2 the words are wrong.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

LOG_LINES = 2_000
POD_NAMES = "a storage pod, a node's id or the beginning of it, or a zone with one pod"


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """What is asked. What an action does not take is None."""

    action: str  # "status", "partitions", "drain", "replace", "transfer" or "report"
    kubectl_options: tuple[str, ...]
    pool: str | None
    output: str = "table"
    node: str | None = None
    subject: str | None = None  # a partition, or a table
    cancel: bool = False
    file: Path | None = None
    log_lines: int = LOG_LINES


def parse(words: list[str]) -> PluginSettings:
    """Read the command line. Prints usage and raises SystemExit(2) for wrong words."""
    parser = argparse.ArgumentParser(
        prog="kubectl stator", description="Look at pools of storage pods, and steer them."
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    status = actions.add_parser("status", help="pools, nodes, partitions: leaders, zones, lag")
    partitions = actions.add_parser("partitions", help="partitions alone")
    partitions.add_argument("subject", nargs="?", metavar="TABLE", help="of this table alone")
    drain = actions.add_parser("drain", help="move leaders and replicas off a storage pod")
    drain.add_argument("node", metavar="POD", help=POD_NAMES)
    drain.add_argument("--cancel", action="store_true", help="it stays after all")
    replace = actions.add_parser("replace", help="give a storage pod another volume, at once")
    replace.add_argument("node", metavar="POD", help="the pod's name")
    replace.add_argument("--cancel", action="store_true", help="if it has not begun yet")
    transfer = actions.add_parser("transfer", help="have another storage pod lead a partition")
    transfer.add_argument("subject", metavar="PARTITION", type=_partition)
    transfer.add_argument("node", metavar="POD", help=POD_NAMES)
    report = actions.add_parser("report", help="write what helps to find a fault into one file")
    report.add_argument("--file", type=Path, help="the file (stator-report-NAMESPACE-TIME.tar.gz)")
    report.add_argument(
        "--log-lines",
        type=_lines,
        default=LOG_LINES,
        help="how many lines of each container's log (%(default)s)",
    )
    for action in (status, partitions, drain, replace, transfer, report):
        _add_common(action)
    for action in (status, partitions):
        action.add_argument(
            "--output", "-o", choices=("table", "json"), default="table", help="how to print it"
        )
    members = vars(parser.parse_args(words))
    options = _kubectl_options(members)
    return PluginSettings(kubectl_options=options, **members)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pool", help="the StoragePool, where the namespace has several")
    parser.add_argument("--namespace", "-n", help="the namespace (the current one)")
    parser.add_argument("--context", help="the context of the kubeconfig (the current one)")
    parser.add_argument("--kubeconfig", help="the kubeconfig (as kubectl finds it)")


def _kubectl_options(members: dict[str, str | None]) -> tuple[str, ...]:
    """Take what is kubectl's own out of the members."""
    given = {name: members.pop(name) for name in ("kubeconfig", "context", "namespace")}
    return tuple(f"--{name}={value}" for name, value in given.items() if value)


def _partition(text: str) -> str:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no partition: `kubectl stator partitions`")
    return text


def _lines(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no number of lines")
    return int(text)
