"""What the operator may ask of tables, and the answers: see `operator_requests.py`.

In: requests of the operator, where `Table` objects are the truth. Out: JSON, or `Refused`. A PUT or
DELETE with `ask` says that the object has taken up a client's request: it is carried out then.
Invariant: a client's request is accepted only with the wish that it leads to, on record first.
"""

from __future__ import annotations

from typing import Any

from stator_core import desired_table
from stator_core.table import Table
from stator_core.table_description import description
from stator_node import cluster_status
from stator_node.catalog import Catalog
from stator_node.cluster_table_work import ClusterTableWork
from stator_node.cluster_view import ClusterView
from stator_node.doors import Clock
from stator_node.operator_http import OperatorRequest, check_members, malformed
from stator_node.pool_facts import is_lacking
from stator_node.supervisor import Supervisor
from stator_node.table_asks import REFUSALS, TableAsks
from stator_node.wanted_tables import Wanted, WantedTables

Members = dict[str, Any]

WAIT_SECONDS_MAX = 30
NOBODY = "nobody"
_PUT = {"uid": str, "generation": int, "table": dict, "replaces": str, "ask": str}
_DELETE = {"uid": str, "generation": int, "table": dict, "ask": str}
_REFUSAL = {"error": str, "message": str}


class OperatorTables:
    """Answers the operator about tables."""

    def __init__(
        self,
        catalog: Catalog,
        view: ClusterView,
        supervisor: Supervisor,
        work: ClusterTableWork,
        wanted: WantedTables,
        asks: TableAsks,
        clock: Clock,
    ) -> None:
        self._catalog = catalog
        self._view = view
        self._supervisor = supervisor
        self._work = work
        self._wanted = wanted
        self._asks = asks
        self._clock = clock

    async def list_tables(self, request: OperatorRequest) -> Members:
        """All that there are or that are wanted; or those alone of which no object has spoken."""
        owner = request.query.get("owner", "")
        if owner not in ("", NOBODY) or set(request.query) - {"owner"}:
            raise malformed(f"the query is owner={NOBODY}, or there is none")
        names = {*self._catalog.tables, *self._wanted.names()}
        if owner == NOBODY:
            names -= set(self._wanted.names())
        counts = self._partition_counts(None) if names else {}
        return {"tables": [self._entry(name, counts) for name in sorted(names)]}

    async def get(self, request: OperatorRequest) -> Members:
        """One table. It need not be there."""
        name = request.path[1]
        return self._entry(name, self._partition_counts(name))

    async def put(self, request: OperatorRequest) -> Members:
        """An object's wish."""
        members = check_members(request.members, _PUT, frozenset({"uid", "generation", "table"}))
        wish = Wanted(members["uid"], members["generation"], members["table"])
        self._wanted.put(request.path[1], wish, members.get("replaces"))
        return await self._accepted(request.path[1], members)

    async def delete(self, request: OperatorRequest) -> Members:
        """An object's wish that its table be gone."""
        members = check_members(request.members, _DELETE, frozenset({"uid"}))
        generation, table = members.get("generation", 0), members.get("table")
        wish = Wanted(members["uid"], generation, table, deleting=True)
        self._wanted.delete(request.path[1], wish)
        return await self._accepted(request.path[1], members)

    async def list_asks(self, request: OperatorRequest) -> Members:
        """Clients' requests that wait for an object to take them up."""
        more = set(request.query) - {"wait"}
        text = request.query.get("wait", "0")
        if more or not (text.isascii() and text.isdecimal() and int(text) <= WAIT_SECONDS_MAX):
            raise malformed(f"the query is wait=SECONDS, at most {WAIT_SECONDS_MAX}")
        return {"asks": [each.members() for each in await self._asks.waiting(int(text))]}

    async def refuse_ask(self, request: OperatorRequest) -> Members:
        """A client's request that no object takes up."""
        members = check_members(request.members, _REFUSAL, frozenset(_REFUSAL))
        if members["error"] not in REFUSALS:
            raise malformed(f"error is none of {', '.join(sorted(REFUSALS))}")
        self._asks.refuse(request.path[1], members["error"], members["message"])
        return {}

    async def _accepted(self, name: str, members: Members) -> Members:
        if "ask" in members:
            self._asks.accept(members["ask"])
        return self._entry(name, self._partition_counts(name))

    def _entry(self, name: str, counts: dict[str, Members]) -> Members:
        table, wanted = self._catalog.tables.get(name), self._wanted.object_of(name)
        progress = self._wanted.progress(name)
        refused = progress.refused
        return {
            "name": name,
            "description": None if table is None else self._description(table),
            "table": None if table is None else desired_table.body_of(table),
            "object": None
            if wanted is None
            else {
                "uid": wanted.uid,
                "generation": wanted.generation,
                "deleting": wanted.deleting,
            },
            "settled": progress.settled,
            "waiting": progress.waiting,
            "refused": None if refused is None else {"error": refused[0], "message": refused[1]},
            "partitions": counts.get(name, {"total": 0, "leaderless": 0, "lacking": 0}),
        }

    def _description(self, table: Table) -> Members:
        return description(table, self._work.statistics(table), self._clock.now())

    def _partition_counts(self, table: str | None) -> dict[str, Members]:
        """Of a table, or of each, with its global indexes: how many partitions, what they lack."""
        states = {node: state.name for node, state in self._supervisor.states().items()}
        counts: dict[str, Members] = {}
        for line in cluster_status.partitions_of(self._view, self._clock.now(), table):
            name = line["table"].partition("/")[0]
            of_table = counts.setdefault(name, {"total": 0, "leaderless": 0, "lacking": 0})
            of_table["total"] += 1
            of_table["leaderless"] += line["leader"] is None
            of_table["lacking"] += is_lacking(line, states)
        return counts
