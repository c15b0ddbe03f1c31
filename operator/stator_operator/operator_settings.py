"""The command line of `stator-operator`, as settings. No wiring here, no logic.

Called by `__main__.py`. What a pod knows of itself comes from its environment: POD_NAME and
POD_NAMESPACE; everything else is an option. Exit code 2: the words of the command line are wrong.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass

from stator_operator.storage_pool import SECRET_SPREAD_SECONDS, VOLUME_GROUP, PodSettings

PORT = 8_080
LEASE_NAME = "stator-operator"
RESYNC_SECONDS = 60.0
WORKERS = 4
# A certificate of one day is renewed when eight hours are left.
SECRET_SPREAD_SECONDS_MAX = 14_400.0
_NAMESPACE = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """What the operator runs with. `namespaces`: those it serves; None: all of the cluster."""

    namespaces: tuple[str, ...] | None
    own_namespace: str
    identity: str
    lease_name: str
    port: int
    resync_seconds: float
    workers: int
    pods: PodSettings


def parse(words: list[str], environment: Mapping[str, str]) -> OperatorSettings:
    """The settings. Exits with 2 and the reason where the words are wrong."""
    parser = _parser(environment)
    read = parser.parse_args(words)
    if not read.own_namespace:
        parser.error("--own-namespace, or POD_NAMESPACE in the environment, is needed")
    if not read.identity:
        parser.error("--identity, or POD_NAME in the environment, is needed")
    return OperatorSettings(
        namespaces=None if read.all_namespaces else tuple(dict.fromkeys(read.namespace)),
        own_namespace=read.own_namespace,
        identity=read.identity,
        lease_name=read.lease_name,
        port=read.port,
        resync_seconds=read.resync_seconds,
        workers=read.workers,
        pods=PodSettings(
            image=read.image,
            image_pull_policy=read.image_pull_policy,
            image_pull_secrets=tuple(read.image_pull_secret),
            group=read.volume_group,
            operator_namespace=read.own_namespace,
            secret_spread_seconds=read.secret_spread_seconds,
        ),
    )


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stator-operator",
        description="Make StoragePools and Tables of a Kubernetes cluster into pods that serve.",
        epilog="The Kubernetes API is found by the pod's ServiceAccount, or else by KUBECONFIG.",
        allow_abbrev=False,
    )
    served = parser.add_mutually_exclusive_group(required=True)
    served.add_argument(
        "--namespace",
        type=_namespace,
        action="append",
        metavar="NAME",
        help="serve the objects of this namespace; may be said several times",
    )
    served.add_argument(
        "--all-namespaces", action="store_true", help="serve the objects of all namespaces"
    )
    parser.add_argument(
        "--own-namespace",
        type=_namespace,
        default=environment.get("POD_NAMESPACE"),
        metavar="NAME",
        help="the namespace that the operator runs in, and has its Lease in (POD_NAMESPACE)",
    )
    parser.add_argument(
        "--identity",
        default=environment.get("POD_NAME"),
        metavar="NAME",
        help="who holds the Lease: a name that no other operator has (POD_NAME)",
    )
    parser.add_argument(
        "--lease-name", default=LEASE_NAME, metavar="NAME", help="the Lease (%(default)s)"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=PORT,
        metavar="PORT",
        help="where /alive, /ready and /metrics are answered (%(default)s)",
    )
    parser.add_argument(
        "--resync-seconds",
        type=_positive,
        default=RESYNC_SECONDS,
        metavar="SECONDS",
        help="how often every object is looked at though nothing has happened (%(default)g)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=WORKERS,
        choices=range(1, 65),
        metavar="COUNT",
        help="how many objects are worked on at one time (%(default)s)",
    )
    _add_pod_options(parser)
    return parser


def _add_pod_options(parser: argparse.ArgumentParser) -> None:
    pods = parser.add_argument_group("pods", "what all pods that the operator makes have")
    pods.add_argument("--image", required=True, help="their image, where a pool names no other")
    pods.add_argument(
        "--image-pull-policy", default="IfNotPresent", choices=("Always", "IfNotPresent", "Never")
    )
    pods.add_argument(
        "--image-pull-secret",
        action="append",
        default=[],
        metavar="NAME",
        help="a Secret that the image is pulled with; may be said several times",
    )
    pods.add_argument(
        "--volume-group",
        type=_group,
        default=VOLUME_GROUP,
        metavar="GROUP",
        help="the group that owns volumes, or `none` where the cluster gives one (%(default)s)",
    )
    pods.add_argument(
        "--secret-spread-seconds",
        type=_spread,
        default=SECRET_SPREAD_SECONDS,
        metavar="SECONDS",
        help="the latest that a pod sees a changed Secret; steps of a change of authority lie so"
        " far apart (%(default)g)",
    )


def _namespace(word: str) -> str:
    if not _NAMESPACE.fullmatch(word):
        raise argparse.ArgumentTypeError(f"{word!r} is no name of a namespace")
    return word


def _group(word: str) -> int | None:
    if word == "none":
        return None
    if not word.isdecimal() or int(word) == 0:
        raise argparse.ArgumentTypeError(f"{word!r} is neither a group's number nor `none`")
    return int(word)


def _spread(word: str) -> float:
    seconds = _positive(word)
    if seconds > SECRET_SPREAD_SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"at most {SECRET_SPREAD_SECONDS_MAX:g} seconds")
    return seconds


def _positive(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86_400:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of seconds up to a day")
    return seconds
