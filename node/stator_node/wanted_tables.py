"""Tables as `Table` objects want them: kept on record, and brought about request by request.

In: what the operator says of each object (`operator_requests.py`), and the tables that there are.
Out: table operations for `table_life.py`, as a client would ask for them
(`stator_core.table_steps`), and how far each table has come. Wired by `supervisor_process.py`.

Invariants: a wish is in the control store before anything follows from it, so steps go on where the
operator, or this process, has gone meanwhile; a table has one object, and only who names the object
before it takes its place; while a client's own request for a table is under way (`table_asks.py`),
no step is taken for that table.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

import orjson

from stator_core import desired_table, log_format, table_steps
from stator_core.desired_table import DesiredTable
from stator_core.errors import (
    DynamoDBError,
    LimitExceededException,
    ResourceInUseException,
)
from stator_core.table import Table
from stator_core.table_steps import Step, Waiting
from stator_node.catalog import Catalog
from stator_node.doors import Caller, Clock, ItemStore, StorageFailed
from stator_node.operator_http import Refused
from stator_node.table_life import TableLife

logger = logging.getLogger(__name__)

Members = dict[str, Any]

WANTED_PREFIX = b"wanted/"
WANTED_END = b"wanted0"  # the byte after "/"
LOOK_SECONDS = 0.1
REFUSED_SECONDS = 5.0  # how long a step that was refused rests: its reason may go away


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object's wish. `body` is what `desired_table.parse` takes; None: of an object unknown.

    `deleting`: the table shall go. Of `body` then only counts that it is protected no more.
    """

    uid: str
    generation: int
    body: Members | None
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a wish is. `refused`: DynamoDB's error and text, of a step that cannot be taken."""

    settled: bool
    waiting: str | None = None
    refused: tuple[str, str] | None = None


SETTLED = Progress(settled=True)


class WantedTables:
    """All wishes by the name of the table. One per supervisor."""

    def __init__(
        self,
        store: ItemStore,
        catalog: Catalog,
        tables: TableLife,
        clock: Clock,
        caller: Caller,
        is_held: Callable[[str], bool],
    ) -> None:
        """Read what is on record. Raises log_format.LogDamaged.

        `caller` is who asks for the steps; `is_held`: whether a table is left alone for now.
        """
        self._store = store
        self._catalog = catalog
        self._operations = tables.operations()
        self._clock = clock
        self._caller = caller
        self._is_held = is_held
        self._wanted: dict[str, Wanted] = {}
        self._desired: dict[str, DesiredTable | None] = {}
        self._progress: dict[str, Progress] = {}
        self._look_at: dict[str, float] = {}  # monotonic: when each that is not settled is due
        for key, stored in store.cursor("meta", WANTED_PREFIX, WANTED_END):
            members = orjson.loads(log_format.unseal(key, stored))
            self._remember(key.removeprefix(WANTED_PREFIX).decode(), Wanted(**members))

    async def run(self) -> None:
        """Take steps, forever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Take the next step of every table that is due."""
        now = self._clock.monotonic()
        for name in [name for name, due in self._look_at.items() if due <= now]:
            try:
                self._advance(name)
            except StorageFailed as error:
                logger.error("table %s waits for the control store: %s", name, error)
                self._rest(name, Progress(settled=False, waiting=str(error)), REFUSED_SECONDS)

    # What the operator says.

    def put(self, name: str, wanted: Wanted, replaces: str | None) -> None:
        """An object wants this table to be so. One that is older than what is known is passed over.

        `replaces`: the object before, which is gone. Raises Refused, and StorageFailed.
        """
        assert wanted.body is not None
        desired = _parsed(wanted.body)
        if desired.name != name:
            message = f"the path says {name}, TableName says {desired.name}"
            raise Refused(HTTPStatus.BAD_REQUEST, "Malformed", message)
        self._check_object(name, wanted.uid, replaces)
        known = self._wanted.get(name)
        if known is not None and known.uid == wanted.uid:
            if known.deleting:
                raise _is_going(name)
            if known.generation >= wanted.generation:
                return
        present = self._catalog.tables.get(name)
        against = None if present is None else table_steps.contradiction(desired, present)
        if against is not None:
            raise Refused(HTTPStatus.CONFLICT, "Contradicts", f"table {name}: {against}")
        self._write(name, wanted)

    def delete(self, name: str, wanted: Wanted) -> None:
        """The object wants its table to go, with all items. Raises Refused, and StorageFailed."""
        assert wanted.deleting
        known = self._wanted.get(name)
        if known is None and name not in self._catalog.tables:
            return
        if wanted.body is not None:
            _parsed(wanted.body)
        self._check_object(name, wanted.uid, None)
        if known is None or not known.deleting or known.generation < wanted.generation:
            self._write(name, wanted)

    def object_of(self, name: str) -> Wanted | None:
        """The wish for this table, if an object has spoken of it."""
        return self._wanted.get(name)

    def names(self) -> list[str]:
        """The tables that are wanted, those too that are not there yet."""
        return list(self._wanted)

    def progress(self, name: str) -> Progress:
        """How far the wish for a table is."""
        return self._progress.get(name, SETTLED)

    # Steps.

    def _advance(self, name: str) -> None:
        """One step for a table, unless it must wait."""
        if self._is_held(name):
            waiting = Progress(settled=False, waiting="a client's request is under way")
            self._rest(name, waiting, 0.0)
            return
        present, desired = self._catalog.tables.get(name), self._desired[name]
        step: Step | Waiting | None
        if self._wanted[name].deleting:
            if present is None:
                self._forget(name)
                return
            step = _deletion(desired, present)
        else:
            assert desired is not None
            step = table_steps.next_step(desired, present)
        if step is None:
            self._progress[name] = SETTLED
            del self._look_at[name]
        elif isinstance(step, Waiting):
            self._rest(name, Progress(settled=False, waiting=step.text), 0.0)
        else:
            self._take(name, step)

    def _take(self, name: str, step: Step) -> None:
        logger.info("table %s: %s, as its object wants it", name, step.operation)
        try:
            self._operations[step.operation](step.body, self._caller)
        except (ResourceInUseException, LimitExceededException) as error:
            # What stands against it now passes by itself.
            self._rest(name, Progress(settled=False, waiting=str(error)), REFUSED_SECONDS)
        except DynamoDBError as error:
            refused = (error.name(), error.message or "")
            self._rest(name, Progress(settled=False, refused=refused), REFUSED_SECONDS)
        else:
            self._rest(name, Progress(settled=False, waiting=step.operation), 0.0)

    def _rest(self, name: str, progress: Progress, seconds: float) -> None:
        self._progress[name] = progress
        self._look_at[name] = self._clock.monotonic() + seconds

    # What is on record.

    def _check_object(self, name: str, uid: str, replaces: str | None) -> None:
        known = self._wanted.get(name)
        if known is not None and known.uid not in (uid, replaces):
            message = f"table {name} belongs to the object with the uid {known.uid}"
            raise Refused(HTTPStatus.CONFLICT, "NameInUse", message)
        if known is not None and known.uid != uid and known.deleting:
            raise _is_going(name)

    def _write(self, name: str, wanted: Wanted) -> None:
        key = WANTED_PREFIX + name.encode()
        sealed = log_format.seal(key, orjson.dumps(asdict(wanted)))
        self._store.write([("meta", key, sealed)], sync=True)
        self._remember(name, wanted)

    def _forget(self, name: str) -> None:
        self._store.write([("meta", WANTED_PREFIX + name.encode(), None)], sync=True)
        for known in (self._wanted, self._desired, self._progress, self._look_at):
            known.pop(name, None)

    def _remember(self, name: str, wanted: Wanted) -> None:
        self._wanted[name] = wanted
        try:
            desired = None if wanted.body is None else desired_table.parse(wanted.body)
        except DynamoDBError as error:
            # On record, and not to be taken any more: what is there stays as it is.
            logger.error("the wish for table %s cannot be carried out: %s", name, error)
            self._desired[name] = None
            refused = (error.name(), error.message or "")
            self._progress[name] = Progress(settled=False, refused=refused)
            return
        self._desired[name] = desired
        self._rest(name, Progress(settled=False, waiting="not looked at yet"), 0.0)


def _parsed(body: Members) -> DesiredTable:
    try:
        return desired_table.parse(body)
    except DynamoDBError as error:
        message = error.message or error.name()
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidTable", message) from error


def _deletion(desired: DesiredTable | None, present: Table) -> Step | Waiting:
    if present.status == "DELETING":
        return Waiting("the table is DELETING")
    is_kept = desired is None or desired.create.deletion_protection
    if present.deletion_protection and not is_kept:
        body = {"TableName": present.name, "DeletionProtectionEnabled": False}
        return Step("UpdateTable", body)
    return Step("DeleteTable", {"TableName": present.name})


def _is_going(name: str) -> Refused:
    message = f"table {name} is being deleted: it can be made again when it is gone"
    return Refused(HTTPStatus.CONFLICT, "Deleting", message)
