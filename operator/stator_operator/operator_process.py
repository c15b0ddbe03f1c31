"""The operator's process: wiring, start, stop. No logic here.

Called by `__main__.py`. The order: the port that says how it is; the API, with the definitions of
what is served; the Lease; then watches, resync and workers, until a signal comes or the Lease is
lost. Exit codes: 0 told to end; 1 it could not begin, or could not go on; 3 the Lease was lost:
then it ends at once, whatever it was doing, since another may have begun.

A reconcile of a further kind is a line in `_reconciles` and one for each watch in `_watches`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from datetime import UTC, datetime
from typing import Any, Final

from stator_operator.access_key_spreading import AccessKeySpreader
from stator_operator.applied import Applied
from stator_operator.apply import Writer
from stator_operator.ask_listening import AskListener
from stator_operator.ask_taking import AskTaker
from stator_operator.each_pool import EachPool
from stator_operator.events import EventPoster
from stator_operator.health_door import HealthDoor
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_connection import Connection, NoCluster
from stator_operator.kubernetes_errors import ApiError, NotFound
from stator_operator.lease import LeaseHolder, LeaseLost
from stator_operator.metrics import Metrics
from stator_operator.observe import CHILD_KINDS, Observer
from stator_operator.operator_settings import OperatorSettings
from stator_operator.partition_publishing import PartitionPublisher
from stator_operator.pool_reconcile import PoolReconcile
from stator_operator.resync import Resync
from stator_operator.status_writing import StatusWriter
from stator_operator.supervisor_client import SupervisorClient
from stator_operator.table_adoption import TableAdoption
from stator_operator.table_observing import TableObserver
from stator_operator.table_reconcile import TableReconcile
from stator_operator.table_writing import TableWriter
from stator_operator.watch_freshness import WatchFreshness
from stator_operator.watches import OWN_OBJECTS, Watch, its_pool, itself, watch
from stator_operator.work_queue import Reconcile, WorkQueue

logger = logging.getLogger(__name__)

LEASE_LOST: Final = 3
DEFINITIONS_SECONDS = 5.0


def run(settings: OperatorSettings) -> int:
    """Run until it is told to end. The exit code."""
    try:
        connection = Connection()
    except NoCluster as reason:
        logger.error("%s", reason)
        return 1
    return asyncio.run(_run(settings, connection))


def _watches() -> tuple[Watch, ...]:
    return (
        Watch("StoragePool", itself("StoragePool")),
        Watch("Table", itself("Table")),
        *(Watch(kind, its_pool, OWN_OBJECTS) for kind in CHILD_KINDS),
    )


class _Parts:
    """Everything that the process is made of."""

    def __init__(self, settings: OperatorSettings, connection: Connection) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.watches = _watches()
        kinds = [each.kind for each in self.watches]
        self.freshness = WatchFreshness(kinds, time.monotonic, self.metrics)
        self.door = HealthDoor(self.freshness, self.metrics)
        self.lease_api = KubernetesApi(connection)
        self.lease = LeaseHolder(
            self.lease_api, settings.own_namespace, settings.lease_name, settings.identity, _wall
        )
        self.api = KubernetesApi(connection, self.lease.may_work)
        self.supervisors = SupervisorClient(self.lease.may_work)
        self.observer = Observer(self.api, self.supervisors)
        self.table_observer = TableObserver(self.api, self.supervisors, self.observer)
        reconciles = self._reconciles()
        self.queue = WorkQueue(reconciles, settings.workers, self.metrics)
        taker = AskTaker(
            self.api, self.supervisors, self.table_observer, self.metrics, self.queue.wake
        )
        publisher = PartitionPublisher(
            self.api, self.supervisors, self.observer, self.metrics, _wall
        )
        adoption = TableAdoption(self.api, self.supervisors, self.table_observer, self.metrics)
        spreader = AccessKeySpreader(self.api, self.metrics)
        doings = (AskListener(taker).once, adoption.once, publisher.once, spreader.once)
        self.each_pool = EachPool(self.api, settings.namespaces, doings)
        self.resync = Resync(
            self.api,
            tuple(reconciles),
            settings.namespaces,
            self.queue.look,
            self.freshness,
            settings.resync_seconds,
        )

    def _reconciles(self) -> dict[str, Reconcile]:
        """By kind. Each has its watches in `_watches`."""
        writer = Writer(self.api, Applied(), self.metrics, self.supervisors)
        poster = EventPoster(self.api, self.settings.identity, _wall)
        status_writer = StatusWriter(self.api, poster, self.metrics)
        return {
            "StoragePool": PoolReconcile(
                self.observer,
                writer,
                status_writer,
                self.settings.pods,
                time.monotonic,
                _wall,
            ),
            "Table": TableReconcile(
                self.table_observer, TableWriter(writer, self.supervisors), status_writer, _wall
            ),
        }

    async def close(self) -> None:
        await self.door.stop()
        await self.supervisors.close()
        await self.api.close()
        await self.lease_api.close()


def _complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """One of kopf's watches that is ended in the middle of a step cannot be closed: no matter."""
    if "asyncgen" in context:
        logger.debug("%s: %r", context["message"], context.get("exception"))
    else:
        loop.default_exception_handler(context)


async def _run(settings: OperatorSettings, connection: Connection) -> int:
    asyncio.get_running_loop().set_exception_handler(_complain)
    parts = _Parts(settings, connection)
    try:
        await parts.door.start(settings.port)
    except OSError as error:
        logger.error("port %d cannot be had (--port names another): %s", settings.port, error)
        await parts.close()
        return 1
    logger.info("answers at port %d how it is", parts.door.port)
    _end_at_signals(asyncio.current_task())
    try:
        return await _serve(parts)
    except asyncio.CancelledError:
        return 0
    finally:
        await parts.lease.release()
        await parts.close()


async def _serve(parts: _Parts) -> int:
    await _definitions(parts)
    parts.door.is_ready = True
    await parts.lease.acquire()
    parts.metrics.lease_held = True
    begun = asyncio.Event()
    works = (
        watch(parts.watches, parts.settings.namespaces, parts.queue.wake, parts.freshness, begun),
        _keep(parts.lease),
        parts.queue.run(),
        parts.resync.run(),
        parts.each_pool.run(),
    )
    tasks = [asyncio.ensure_future(each) for each in works]
    signals = asyncio.ensure_future(_take_signals_back(begun, asyncio.current_task()))
    try:
        # A signal cancels this. None of them ends by itself: one that does has failed.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (signals, *tasks):
            task.cancel()
        await asyncio.gather(signals, *tasks, return_exceptions=True)
    for task in done:
        if not task.cancelled() and task.exception() is not None:
            logger.error("the operator cannot go on", exc_info=task.exception())
    await _say_what_is_gone(parts)
    return 1


async def _say_what_is_gone(parts: _Parts) -> None:
    """Why the watches have ended, where that is why. By lists: discovery lags behind."""
    for kind in parts.resync.kinds:
        try:
            await parts.resync.once(kind)
        except NotFound:
            logger.error(
                "the definition of %s is gone, and all such objects with it; volumes are left:"
                " install the definitions again (crds/), then the objects",
                kind,
            )
        except ApiError as error:
            logger.warning("%s objects could not be listed: %s", kind, error)


async def _definitions(parts: _Parts) -> None:
    """Wait until the API server has the definitions of what is served."""
    said = ""
    while True:
        try:
            missing = [each for each in parts.resync.kinds if not await parts.api.knows(each)]
            if not missing:
                return
            doing = f"no definition of {', '.join(missing)} is installed (crds/): waiting"
        except ApiError as error:
            doing = f"the Kubernetes API does not answer: {error}"
        if doing != said:
            logger.warning("%s", doing)
            said = doing
        await asyncio.sleep(DEFINITIONS_SECONDS)


async def _keep(lease: LeaseHolder) -> None:
    """Hold the Lease; end the process at once where it is lost."""
    try:
        await lease.keep()
    except LeaseLost as reason:
        logger.error("the Lease is lost: %s", reason)
        logging.shutdown()
        os._exit(LEASE_LOST)


def _end_at_signals(task: asyncio.Task[Any] | None) -> None:
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _take_signals_back(begun: asyncio.Event, task: asyncio.Task[Any] | None) -> None:
    """From kopf, to which they would be no reason to tell apart from any other."""
    await begun.wait()
    _end_at_signals(task)


def _wall() -> datetime:
    return datetime.now(UTC)
