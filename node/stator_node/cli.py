"""The command line: what `stator …` means, as settings. No wiring here (`local.py`), no logic.

Called by `__main__.py`. Exit codes: 0 done, 1 the command failed (the reason is on standard error),
2 the words of the command line are wrong.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from stator_node.gateway.door_files import DoorFiles
from stator_node.transport.tls_files import TlsFiles

NODE_NAMES = "a node's id, the beginning of it, or its zone"


Seed = tuple[str, int]  # a host's name, whose every address counts, and a port


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What `stator local` runs with."""

    folder: Path
    host: str
    port: int
    grpc_port: int
    access_keys: Path | None
    region: str
    account: str
    sync: bool
    table_delay_seconds: float
    zones: int
    test_clock: bool
    ttl_round_seconds: float
    tls: TlsFiles | None = None
    https: DoorFiles | None = None


@dataclass(frozen=True, slots=True)
class VerifySettings:
    """What `stator verify` looks at."""

    folder: Path


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What `stator node` runs with."""

    folder: Path
    host: str
    port: int
    cluster_id: str
    zone: str
    with_parent: bool
    ttl_round_seconds: float
    test_clock: bool = False
    tls: TlsFiles | None = None
    health_port: int | None = None  # None: nobody asks
    seeds: tuple[Seed, ...] = ()
    fence_file: Path | None = None  # None: nobody can keep it out


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What `stator gateway` runs with."""

    host: str
    port: int
    grpc_port: int
    cluster_id: str
    zone: str
    seeds: tuple[Seed, ...]
    supervisor: tuple[Seed, ...]
    access_keys: Path | None
    region: str
    account: str
    health_port: int | None
    tls: TlsFiles | None
    https: DoorFiles | None


@dataclass(frozen=True, slots=True)
class SupervisorSettings:
    """What `stator supervisor` runs with."""

    folder: Path
    host: str
    port: int
    cluster_id: str
    seeds: tuple[Seed, ...]
    account: str
    table_delay_seconds: float
    operator_port: int | None  # None: there is no operator
    tables_by_operator: bool  # `Table` objects are the truth; clients ask them
    region: str
    health_port: int | None
    tls: TlsFiles | None


@dataclass(frozen=True, slots=True)
class DrainSettings:
    """Which pod `stator drain` asks: the one of this port."""

    health_port: int


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """What `stator cluster` asks the supervisor for. What an action does not take is None."""

    folder: Path
    action: str  # "status", "drain", "remove", "split", "merge" or "transfer"
    output: str
    node: str | None = None
    subject: str | None = None  # a partition, or a table
    at: str | None = None
    cancel: bool = False


Settings = (
    LocalSettings
    | VerifySettings
    | NodeSettings
    | GatewaySettings
    | SupervisorSettings
    | DrainSettings
    | ClusterSettings
)


def parse(arguments: list[str]) -> Settings:
    """Read the command line. Prints usage and raises SystemExit(2) for wrong words."""
    parser = argparse.ArgumentParser(
        prog="stator", description="An open DynamoDB: one process on a laptop, pods on Kubernetes."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_local(commands.add_parser("local", help="serve DynamoDB's API from one folder"))
    verify = commands.add_parser("verify", help="check the files of a stopped data folder")
    verify.add_argument("folder", type=Path, help="the data folder")
    _add_node(commands.add_parser("node", help="serve partitions as a storage pod of a cluster"))
    _add_gateway(commands.add_parser("gateway", help="serve DynamoDB's API from storage pods"))
    _add_supervisor(commands.add_parser("supervisor", help="steer the storage pods of a cluster"))
    drain = commands.add_parser("drain", help="have the storage pod of this host stop leading")
    _add_health_port(drain, required=True)
    _add_cluster(commands.add_parser("cluster", help="look at a running cluster, and steer it"))
    parsed = parser.parse_args(arguments)
    if parsed.command == "cluster":
        members = {name: value for name, value in vars(parsed).items() if name != "command"}
        return ClusterSettings(**members)
    if parsed.command == "node":
        return NodeSettings(
            folder=parsed.folder,
            host=parsed.host,
            port=parsed.port,
            cluster_id=parsed.cluster_id,
            zone=parsed.zone,
            with_parent=parsed.with_parent,
            ttl_round_seconds=parsed.ttl_round_seconds,
            test_clock=parsed.test_clock,
            tls=_tls_of(parser, parsed),
            health_port=parsed.health_port,
            seeds=parsed.seeds,
            fence_file=parsed.fence_file,
        )
    if parsed.command in ("gateway", "supervisor"):
        return _cluster_process(parser, parsed)
    if parsed.command == "drain":
        return DrainSettings(parsed.health_port)
    if parsed.command == "verify":
        return VerifySettings(folder=parsed.folder)
    tls = _tls_of(parser, parsed)
    if tls is not None and parsed.zones == 1:
        parser.error("--tls-certificate is for the storage processes of --zones 3")
    if parsed.zones > 1 and not parsed.sync:
        parser.error(
            "--no-sync is for one process: with --zones 3 a write is answered when two of three "
            "have it on their disks, and elections lean on that"
        )
    return LocalSettings(
        folder=parsed.folder,
        host=parsed.host,
        port=parsed.port,
        grpc_port=parsed.grpc_port,
        access_keys=parsed.access_keys,
        region=parsed.region,
        account=parsed.account,
        sync=parsed.sync,
        table_delay_seconds=parsed.table_delay_seconds,
        zones=parsed.zones,
        test_clock=parsed.test_clock,
        ttl_round_seconds=parsed.ttl_round_seconds,
        tls=tls,
        https=_https_of(parser, parsed),
    )


def _cluster_process(
    parser: argparse.ArgumentParser, parsed: argparse.Namespace
) -> GatewaySettings | SupervisorSettings:
    """The settings of a process that finds its cluster by seeds."""
    tls = _tls_of(parser, parsed)
    away = (
        *("command", "tls_certificate", "tls_key", "tls_authority", "tls_peer_name"),
        *("https_certificate", "https_key"),
    )
    members = {name: value for name, value in vars(parsed).items() if name not in away}
    if parsed.command == "supervisor" and parsed.tables_by_operator:
        if parsed.operator_port is None:
            parser.error("--tables-by-operator needs --operator-port, where the operator asks")
    if parsed.command == "gateway":
        return GatewaySettings(**members, tls=tls, https=_https_of(parser, parsed))
    return SupervisorSettings(**members, tls=tls)


def _tls_of(parser: argparse.ArgumentParser, parsed: argparse.Namespace) -> TlsFiles | None:
    """All three files or none."""
    paths = (parsed.tls_certificate, parsed.tls_key, parsed.tls_authority)
    if any(path is None for path in paths):
        if any(path is not None for path in paths):
            parser.error("--tls-certificate, --tls-key and --tls-authority go together")
        if parsed.tls_peer_name is not None:
            parser.error("--tls-peer-name needs --tls-certificate, --tls-key and --tls-authority")
        return None
    certificate, key, authority = (path.absolute() for path in paths)
    return TlsFiles(certificate, key, authority, parsed.tls_peer_name)


def _https_of(parser: argparse.ArgumentParser, parsed: argparse.Namespace) -> DoorFiles | None:
    """Both files or none."""
    certificate, key = parsed.https_certificate, parsed.https_key
    if (certificate is None) != (key is None):
        parser.error("--https-certificate and --https-key go together")
    return None if certificate is None else DoorFiles(certificate.absolute(), key.absolute())


def _add_local(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--folder", type=Path, default=Path("data"), help="where the data is kept (./data)"
    )
    _add_doors(parser)
    parser.add_argument(
        "--sync",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="acknowledge a write only when it is on the disk (the default); --no-sync leaves "
        "writes to the operating system: faster, and lost in a power cut",
    )
    parser.add_argument(
        "--zones",
        type=int,
        choices=(1, 3),
        default=1,
        help="3 runs three storage processes and replicates every table over them (1)",
    )
    _add_table_delay_seconds(parser)
    _add_ttl_round_seconds(parser)
    parser.add_argument(
        "--test-clock",
        action="store_true",
        help="for tests: let POST /_stator/clock move the clock forward",
    )
    _add_tls(parser, "with --zones 3: ")


def _add_ttl_round_seconds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ttl-round-seconds",
        type=_seconds,
        default=5.0,
        help="how often items whose time to live is over are looked for (5.0)",
    )


def _add_doors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8000, help="HTTP port, 0 for any (8000)")
    parser.add_argument("--grpc-port", type=_port, default=8001, help="gRPC port, 0 for any (8001)")
    parser.add_argument(
        "--access-keys",
        type=Path,
        help="file of `access_key_id secret_access_key` lines; without it (and without "
        "STATOR_ACCESS_KEYS) any key is taken and signatures are not verified",
    )
    parser.add_argument(
        "--https-certificate",
        type=Path,
        metavar="FILE",
        help="the certificate that clients are shown, in PEM: both ports then speak TLS alone. "
        "Replaced files are taken up at once",
    )
    parser.add_argument(
        "--https-key", type=Path, metavar="FILE", help="its key, without a password"
    )
    parser.add_argument(
        "--region", default="us-east-1", help="Region in ARNs where a request names none"
    )
    _add_account(parser)


def _add_account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--account", type=_account, default="111122223333", help="account in ARNs")


def _add_table_delay_seconds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--table-delay-seconds",
        type=float,
        default=0.02,
        help="how long a table stays CREATING, UPDATING or DELETING at least (0.02)",
    )


def _add_node(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, required=True, help="where the data is kept")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=_port, default=0, help="port for other pods (any)")
    _add_cluster_id(parser)
    parser.add_argument("--zone", required=True, help="the zone that this pod stands in")
    _add_ttl_round_seconds(parser)
    parser.add_argument(
        "--test-clock",
        action="store_true",
        help="for tests: let `stator local --test-clock` move the clock forward",
    )
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    _add_seeds(parser, required=False)
    parser.add_argument(
        "--fence-file",
        type=Path,
        metavar="FILE",
        help="while this file says anything but `false`, the pod runs and serves nothing",
    )
    _add_health_port(parser, required=False)
    _add_tls(parser, "")


def _add_gateway(parser: argparse.ArgumentParser) -> None:
    _add_doors(parser)
    _add_cluster_id(parser)
    _add_seeds(parser, required=True)
    parser.add_argument(
        "--supervisor",
        type=_seeds,
        default=(),
        metavar="HOST:PORT",
        help="where the supervisor listens, that makes and changes tables",
    )
    parser.add_argument(
        "--zone",
        default=os.environ.get("STATOR_ZONE", ""),
        help="its own zone: eventual reads go there first (STATOR_ZONE of the environment)",
    )
    _add_health_port(parser, required=False)
    _add_tls(parser, "")


def _add_supervisor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, required=True, help="where the tables are on record")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=_port, default=0, help="port for gateways (any)")
    parser.add_argument(
        "--operator-port",
        type=_port,
        help="port at which the operator of Kubernetes asks for facts and steers, by HTTP",
    )
    parser.add_argument(
        "--tables-by-operator",
        action="store_true",
        help="the operator keeps the tables, as objects of Kubernetes: what clients change of them "
        "waits for its word",
    )
    parser.add_argument(
        "--region", default="us-east-1", help="Region in the ARNs of tables that objects make"
    )
    _add_cluster_id(parser)
    _add_seeds(parser, required=True)
    _add_account(parser)
    _add_table_delay_seconds(parser)
    _add_health_port(parser, required=False)
    _add_tls(parser, "")


def _add_cluster_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cluster-id", required=True, help="the cluster that it is of")


def _add_seeds(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--seeds",
        type=_seeds,
        required=required,
        default=(),
        metavar="HOST:PORT,...",
        help="where storage pods are found: at every address of each host",
    )


def _seeds(text: str) -> tuple[Seed, ...]:
    seeds = []
    for each in text.split(","):
        host, colon, port = each.rpartition(":")
        if not colon or not host or not port.isdecimal():
            raise argparse.ArgumentTypeError(f"{each!r} is no HOST:PORT")
        seeds.append((host.strip("[]"), _port(port)))
    return tuple(seeds)


def _add_health_port(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--health-port",
        type=_port,
        required=required,
        help="HTTP port of /started, /alive and /ready, for a kubelet's probes, and of draining",
    )


def _add_tls(parser: argparse.ArgumentParser, when: str) -> None:
    parser.add_argument(
        "--tls-certificate",
        type=Path,
        metavar="FILE",
        help=f"{when}the certificate that the pods of a cluster show each other, in PEM; they then "
        "speak with nobody who has none of the same authority. Replaced files are taken up at once",
    )
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its key, without a password")
    parser.add_argument(
        "--tls-authority", type=Path, metavar="FILE", help="the certificates of the authority"
    )
    parser.add_argument(
        "--tls-peer-name",
        metavar="NAME",
        help="the DNS name that the certificate of every pod must be for; without it any of the "
        "authority will do",
    )


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    status = actions.add_parser("status", help="nodes and partitions: leaders, zones, lag, sizes")
    drain = actions.add_parser("drain", help="move leaders and replicas off a node")
    drain.add_argument("node", metavar="NODE", help=NODE_NAMES)
    drain.add_argument("--cancel", action="store_true", help="the node stays after all")
    remove = actions.add_parser("remove", help="give up a node that never comes back")
    remove.add_argument("node", metavar="NODE", help=NODE_NAMES)
    split = actions.add_parser("split", help="cut a partition in two")
    split.add_argument("subject", metavar="TABLE|PARTITION", help="of a table, its largest one")
    split.add_argument(
        "--at", type=_hash, metavar="HASH", help="where, in hexadecimal (half of its bytes)"
    )
    merge = actions.add_parser("merge", help="have a partition take over its right neighbour")
    merge.add_argument("subject", metavar="PARTITION", type=_partition)
    transfer = actions.add_parser("transfer", help="have another node lead a partition")
    transfer.add_argument("subject", metavar="PARTITION", type=_partition)
    transfer.add_argument("node", metavar="NODE", help=NODE_NAMES)
    for action in (status, drain, remove, split, merge, transfer):
        action.add_argument(
            "--folder", type=Path, default=Path("data"), help="the cluster's folder (./data)"
        )
        action.add_argument(
            "--output", choices=("table", "json"), default="table", help="how to print it (table)"
        )


def _hash(text: str) -> str:
    if not 0 < int(text, 16) < 1 << 64:
        raise argparse.ArgumentTypeError(f"{text} cuts nothing: hashes have 16 hexadecimal digits")
    return text


def _partition(text: str) -> str:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no partition: `stator cluster status` says")
    return text


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time to wait")
    return seconds


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: 0 to 65535")
    return port


def _account(text: str) -> str:
    if len(text) != 12 or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not an account: twelve digits")
    return text
