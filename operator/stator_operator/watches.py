"""The watches: something has happened to an object, so whoever is concerned is to be looked at.

In: events, from kopf, which lists and watches, begins again after 410 and dead connections, and is
used for nothing else: no handler of it holds state, writes annotations or sets finalizers. Out:
keys for `work_queue.py`. What an event says of an object is not used but for whose it is: a
reconcile reads what is there. Made by `operator_process.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import kopf

from stator_operator import naming
from stator_operator.kubernetes_connection import connection_info
from stator_operator.kubernetes_kinds import KINDS, Object
from stator_operator.watch_freshness import WatchFreshness
from stator_operator.work_queue import Key

# Kubernetes ends a stream after some minutes in any case; this is before firewalls forget it.
STREAM_SECONDS = 240
# So long a replaced authority of the API server's certificate may go unnoticed by new streams.
LOGIN_SECONDS = 600
NAME: Any = "stator-operator"  # kopf's type of it is none of its public ones
PAGE = 500
# The operator knows its own objects by this label; the API server sends it no others.
OWN_OBJECTS = f"{naming.NAME_LABEL}=stator"


@dataclass(frozen=True, slots=True)
class Watch:
    """A kind that is watched. `concerned`: whom a change of such an object concerns.

    `labels`: only objects with these; empty: all.
    """

    kind: str
    concerned: Callable[[Object], Iterable[Key]]
    labels: str = ""


def itself(kind: str) -> Callable[[Object], Iterable[Key]]:
    """A change concerns the object that has changed."""

    def concerned(body: Object) -> Iterable[Key]:
        yield Key(kind, body["metadata"]["namespace"], body["metadata"]["name"])

    return concerned


def its_pool(body: Object) -> Iterable[Key]:
    """A change of a pool's child concerns the pool, by its label: it may have lost its owner."""
    pool = body["metadata"].get("labels", {}).get(naming.POOL_LABEL)
    if pool:
        yield Key("StoragePool", body["metadata"]["namespace"], pool)


def registry(
    watches: Iterable[Watch], wake: Callable[[Key], None], freshness: WatchFreshness
) -> kopf.OperatorRegistry:
    """kopf's handlers: one for each kind."""
    made = kopf.OperatorRegistry()
    kopf.on.login(registry=made)(_log_in)
    for watch in watches:
        _add(made, watch, wake, freshness)
    return made


def _log_in(**_: Any) -> kopf.ConnectionInfo:
    """kopf reads files when it logs in, and never again: so a login is good for a while only."""
    until = datetime.now(UTC) + timedelta(seconds=LOGIN_SECONDS)
    return replace(connection_info(), expiration=until)


def _add(
    made: kopf.OperatorRegistry,
    watch: Watch,
    wake: Callable[[Key], None],
    freshness: WatchFreshness,
) -> None:
    kind = KINDS[watch.kind]

    async def happened(event: kopf.RawEvent, **_: Any) -> None:
        body: Object = dict(event["object"])
        freshness.told(watch.kind, body, deleted=event["type"] == "DELETED")
        for key in watch.concerned(body):
            wake(key)

    kopf.on.event(kind.group, kind.version, kind.plural, id=watch.kind, registry=made)(happened)


def settings(watches: Iterable[Watch]) -> kopf.OperatorSettings:
    """What kopf runs with."""
    made = kopf.OperatorSettings()
    made.scanning.disabled = True  # Nothing but what is named is looked for, nor may be.
    made.posting.enabled = False  # `events.py` posts Events.
    made.watching.server_timeout = STREAM_SECONDS
    made.watching.client_timeout = STREAM_SECONDS + 10
    made.watching.connect_timeout = 10
    made.watching.chunk_size = PAGE
    for watch in watches:
        kind = KINDS[watch.kind]
        if watch.labels:
            made.watching.label_selectors[kind.group, kind.version, kind.plural] = watch.labels
    return made


async def watch(
    watches: tuple[Watch, ...],
    namespaces: tuple[str, ...] | None,
    wake: Callable[[Key], None],
    freshness: WatchFreshness,
    begun: asyncio.Event,
) -> None:
    """Watch until it is cancelled. Returns, or raises, where kopf cannot go on: its log says why.

    kopf takes the process' signals for itself; when `begun` is set, others may have them.
    """
    await kopf.operator(
        ready_flag=begun,
        registry=registry(watches, wake, freshness),
        settings=settings(watches),
        standalone=True,  # The Lease says who works, not kopf's peering.
        # Else kopf makes one of the user's name, and a pod's user has none.
        identity=NAME,
        clusterwide=namespaces is None,
        namespaces=() if namespaces is None else namespaces,
    )
