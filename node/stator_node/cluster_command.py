"""`stator cluster status|drain|remove|split|merge|transfer`: one question to the supervisor.

In: settings of the command line, from `__main__.py`. It finds the supervisor by `cluster.json` in
the cluster's folder and asks it by one frame (`supervisor_requests.py`). Out: tables for people, or
JSON for programs. Returns 0, or 1 where the cluster cannot be reached or says no; the reason is on
standard error.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import sys
from collections.abc import Sequence
from typing import Any, TextIO

import orjson

from stator_node import cluster_file
from stator_node.cli import ClusterSettings
from stator_node.clock import SystemClock
from stator_node.cluster_file import ClusterFile, ClusterFileRefused
from stator_node.operation_codes import OperationCode
from stator_node.pending import wait
from stator_node.transport.frame_format import Hello, Status
from stator_node.transport.links import Address, Answer, Links
from stator_node.transport.tls_files import TlsRefused, for_connecting

CODES = {
    "status": OperationCode.CLUSTER_STATUS,
    "drain": OperationCode.CLUSTER_DRAIN,
    "remove": OperationCode.CLUSTER_REMOVE,
    "split": OperationCode.CLUSTER_SPLIT,
    "merge": OperationCode.CLUSTER_MERGE,
    "transfer": OperationCode.CLUSTER_TRANSFER,
}
CONNECT_SECONDS_MAX = 3.0
CONNECT_LOOK_SECONDS = 0.01
ANSWER_SECONDS_MAX = 10.0


class NotDone(Exception):
    """The cluster could not be asked, or said no; the text is for the person who asked."""


def run(settings: ClusterSettings, out: TextIO) -> int:
    """Ask, print, and say how it went by the exit code."""
    logging.disable(logging.ERROR)  # What a link says of its trying is not for this person.
    try:
        answer = ask(settings)
    except (ClusterFileRefused, NotDone) as error:
        print(f"stator: {error}", file=sys.stderr)
        return 1
    if settings.output == "json":
        out.write(json.dumps(answer, indent=2) + "\n")
    else:
        out.write(told(settings, answer))
    return 0


def ask(settings: ClusterSettings) -> Any:
    """The supervisor's answer. Raises NotDone, ClusterFileRefused."""
    return asyncio.run(_ask(cluster_file.read(settings.folder / "control"), settings))


async def _ask(content: ClusterFile, settings: ClusterSettings) -> Any:
    """The supervisor's answer. Raises NotDone."""
    hello = Hello(content.cluster_id, f"command-{os.getpid()}", "gateway", "")
    try:
        tls = for_connecting(content.tls)
    except TlsRefused as error:
        raise NotDone(str(error)) from None
    links = Links(hello, SystemClock(), random.random, tls=tls)
    place = content.supervisor
    links.connect(place.name, Address(place.host, place.port))
    try:
        await _connected(links, place.name, f"{place.host}:{place.port}")
        members = {
            "node": settings.node,
            "subject": settings.subject,
            "at": settings.at,
            "cancel": settings.cancel,
        }
        answer = await wait(
            links.request(
                place.name,
                0,
                CODES[settings.action],
                0,
                orjson.dumps(members),
                ANSWER_SECONDS_MAX,
            )
        )
    finally:
        links.abort()
    return _result(answer)


async def _connected(links: Links, name: str, where: str) -> None:
    """Wait until the supervisor has said HELLO. Raises NotDone."""
    refused: str | None = None
    try:
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            while not links.is_up(name):  # A link tells only those who listen.
                link = links.link(name)
                refused = refused or (None if link is None else link.refused)
                if refused is not None:
                    raise NotDone(f"the supervisor at {where} refuses: {refused}")
                await asyncio.sleep(CONNECT_LOOK_SECONDS)
    except TimeoutError:
        raise NotDone(f"nobody answers at {where}: is the cluster running?") from None


def _result(answer: Answer) -> Any:
    """What the supervisor said. Raises NotDone."""
    if answer.status is Status.RESULT:
        return orjson.loads(answer.body)
    if answer.body:
        raise NotDone(str(orjson.loads(answer.body)["reason"]))
    raise NotDone("the supervisor did not answer in time; it may have done it all the same")


# ------------------------------------------------------------------------------------- for people


def told(settings: ClusterSettings, answer: Any) -> str:
    """The answer in words or tables."""
    match settings.action:
        case "status":
            return status_tables(answer)
        case "drain" if settings.cancel:
            return f"Node {answer['node_id']} stays.\n"
        case "drain":
            return f"Node {answer['node_id']} is being drained: see `stator cluster status`.\n"
        case "remove":
            return (
                f"Node {answer['node_id']} is given up; {answer['replicas']} replicas that it held "
                "are made anew elsewhere.\n"
            )
        case "split":
            return (
                f"Partition {answer['partition_id']} ends at {answer['at']} from now on; behind it "
                f"begins partition {answer['child_id']}.\n"
            )
        case "merge":
            return (
                f"Partition {answer['partition_id']} has taken over partition "
                f"{answer['right_id']} and ends at {answer['end']} from now on.\n"
            )
        case _:
            return f"Node {answer['node_id']} is to lead partition {answer['partition_id']}.\n"


def status_tables(status: Any, place: str = "ADDRESS") -> str:
    """Nodes, partitions, and why nothing more is done. `place`: what nodes' addresses are."""
    reasons = "".join(f"{reason}\n" for reason in status["reasons"])
    parts = [f"Cluster {status['cluster_id']}\n", _nodes(status, place)]
    parts += [partition_tables(status), reasons]
    return "\n".join(part for part in parts if part)


def _nodes(status: Any, place: str) -> str:
    nodes = [("ZONE", "NODE", "STATE", "LEADS", "REPLICAS", "SIZE", "FREE", place)]
    for node in status["nodes"]:
        replicas = f"{node['replicas']}"
        if node["rebuilding"]:
            replicas += f" (+{node['rebuilding']} being made)"
        state = node["state"]
        if state in ("SUSPECT", "DEAD") and node["silent_seconds"] is not None:
            state += f" {node['silent_seconds']:.0f} s"
        nodes.append(
            (
                node["zone"],
                node["node_id"],
                state,
                f"{node['leads']}",
                replicas,
                size(node["size_bytes"]),
                size(node["free_bytes"]),
                node["address"],
            )
        )
    return aligned(nodes)


def partition_tables(status: Any) -> str:
    """Partitions, and how far indexes and streams are."""
    zones = {node["node_id"]: node["zone"] for node in status["nodes"]}
    partitions = [("TABLE", "PARTITION", "FROM HASH", "LEADER", "REPLICAS (LAG)", "ITEMS", "SIZE")]
    partitions.extend(
        (
            partition["table"],
            f"{partition['partition_id']}",
            partition["range"][0][1:],
            zones.get(partition["leader"], partition["leader"] or "none"),
            ", ".join(_member(member) for member in partition["replicas"]),
            f"{partition['items']:,}",
            size(partition["size_bytes"]),
        )
        for partition in status["partitions"]
    )
    parts = [aligned(partitions), _indexes(status["partitions"]), _streams(status["partitions"])]
    return "\n".join(part for part in parts if part)


def _indexes(partitions: Any) -> str:
    """How far each global index is behind each partition of its table; empty without any."""
    rows = [
        (
            f"{partition['table']}/{name}",
            f"{partition['partition_id']}",
            f"{index['lag_seconds']:.1f} s",
            f"{index['lag_records']}",
            f"{index['filled']:.0%}",
        )
        for partition in partitions
        for name, index in partition["indexes"].items()
    ]
    if not rows:
        return ""
    return aligned([("INDEX", "OF PARTITION", "BEHIND", "CHANGES", "FILLED"), *rows])


def _streams(partitions: Any) -> str:
    """The shards of each partition's stream, and how far its readers are; empty without any."""
    rows = [
        (
            partition["table"],
            f"{partition['partition_id']}",
            f"{stream['shards']} ({stream['open_shards']} open)",
            _seconds(stream["oldest_record_seconds"], "no record"),
            _seconds(None if age is None else age / 1000, "not read"),
        )
        for partition in partitions
        if (stream := partition["stream"])["shards"]
        for age in (stream["iterator_age_milliseconds"],)
    ]
    if not rows:
        return ""
    headings = ("STREAM OF", "PARTITION", "SHARDS", "OLDEST RECORD", "ITERATOR AGE")
    return aligned([headings, *rows])


def _seconds(count: float | None, otherwise: str) -> str:
    return otherwise if count is None else f"{count:.1f} s"


def _member(member: Any) -> str:
    lag = "silent" if member["lag"] is None else f"{member['lag']}"
    learning = ", learning" if member["role"] == "LEARNER" else ""
    return f"{member['zone'] or member['node_id']} ({lag}{learning})"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as lines whose columns stand under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "".join(f"{line}\n" for line in lines)


def size(count: int) -> str:
    """Bytes as people say them: 1,536 -> 1.5 KB."""
    if count < 1024:
        return f"{count} B"
    scaled, units = count / 1024, ["KB", "MB", "GB", "TB", "PB", "EB"]
    while scaled >= 1024 and len(units) > 1:
        scaled /= 1024
        units.pop(0)
    return f"{scaled:.1f} {units[0]}"
