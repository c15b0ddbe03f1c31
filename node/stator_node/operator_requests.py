"""What the operator may ask of a pool's supervisor, and the answers.

    GET     /v1/pool            the nodes, and how many partitions lack a replica
    GET     /v1/partitions      every partition: range, leader, replicas, sizes; the nodes
    GET     /v1/tables          every table: what it is, its object, how far the object's wish is
                                (?owner=nobody: those alone of which no object has ever spoken)
    GET     /v1/tables/TABLE    one of them
    PUT     /v1/tables/TABLE    {"uid", "generation", "table"}: its object wants it to be so
    DELETE  /v1/tables/TABLE    {"uid", "generation", "table"}: its object wants it to go, with all
                                items; where "table" is protected it stays
    GET     /v1/asks?wait=20    clients' changes of tables, as soon as any wait, or after 20 s none
    DELETE  /v1/asks/ASK        {"error", "message"}: a client is refused, with DynamoDB's error
    PUT     /v1/nodes/NODE      {"drain": true}: everything moves off it; false: it stays after all
    DELETE  /v1/nodes/NODE      the node never comes back: what it held is made anew elsewhere

In: requests that `operator_door.py` has read. Out: JSON, or `Refused` with a reason for machines
and a message for people. Invariant: what is asked for goes the way of what the planner decides: on
record first, and past its guards; asking twice does what asking once does.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from stator_core.placement_types import NodeState
from stator_node import cluster_status
from stator_node.cluster_view import ClusterView, NodeView
from stator_node.doors import Clock
from stator_node.operator_http import OperatorRequest, Refused, check_members
from stator_node.operator_tables import OperatorTables
from stator_node.pool_facts import is_lacking, pool_facts
from stator_node.supervisor import Supervisor

logger = logging.getLogger(__name__)

Members = dict[str, Any]
Handler = Callable[[OperatorRequest], Awaitable[Members]]


class OperatorRequests:
    """Answers the operator."""

    def __init__(
        self,
        cluster_id: str,
        view: ClusterView,
        supervisor: Supervisor,
        clock: Clock,
        tables: OperatorTables | None,
    ) -> None:
        """`tables`: None where clients keep the tables themselves."""
        self._cluster_id = cluster_id
        self._view = view
        self._supervisor = supervisor
        self._clock = clock
        self._handlers: dict[tuple[str, str, int], Handler] = {
            ("GET", "pool", 1): self._pool,
            ("GET", "partitions", 1): self._partitions,
            ("PUT", "nodes", 2): self._put_node,
            ("DELETE", "nodes", 2): self._delete_node,
        }
        if tables is not None:
            self._handlers |= {
                ("GET", "tables", 1): tables.list_tables,
                ("GET", "tables", 2): tables.get,
                ("PUT", "tables", 2): tables.put,
                ("DELETE", "tables", 2): tables.delete,
                ("GET", "asks", 1): tables.list_asks,
                ("DELETE", "asks", 2): tables.refuse_ask,
            }

    async def answer(self, request: OperatorRequest) -> Members:
        """The answer. Raises Refused."""
        handler = self._handlers.get((request.method, request.path[0], len(request.path)))
        if handler is None:
            asked = f"{request.method} /v1/{'/'.join(request.path)}"
            raise Refused(HTTPStatus.NOT_FOUND, "NotFound", f"there is no {asked}")
        return await handler(request)

    async def _pool(self, _: OperatorRequest) -> Members:
        return pool_facts(
            self._cluster_id,
            [self._marked(line) for line in self._nodes()],
            cluster_status.partitions_of(self._view, self._clock.now()),
            self._supervisor.served_names(),
            [f"{each.subject}: {each.text}" for each in self._supervisor.reasons],
        )

    async def _partitions(self, _: OperatorRequest) -> Members:
        nodes = self._nodes()
        states = {node["node_id"]: node["state"] for node in nodes}
        lines = cluster_status.partitions_of(self._view, self._clock.now())
        return {
            "nodes": nodes,
            "partitions": [line | {"lacking": is_lacking(line, states)} for line in lines],
        }

    async def _put_node(self, request: OperatorRequest) -> Members:
        drain = check_members(request.members, {"drain": bool}, frozenset({"drain"}))["drain"]
        node_id = self._node(request.path[1]).node_id
        if drain != (node_id in self._supervisor.draining):
            logger.info("the operator %s node %s", "drains" if drain else "keeps", node_id)
            (self._supervisor.drain if drain else self._supervisor.stay)(node_id)
        return self._line(node_id)

    async def _delete_node(self, request: OperatorRequest) -> Members:
        check_members(request.members, {})
        node = self._node(request.path[1])
        held = len(node.replicas)
        state = self._supervisor.states()[node.node_id]
        if state is not NodeState.DEAD and held:
            raise Refused(
                HTTPStatus.CONFLICT,
                "NodeHoldsReplicas",
                f"node {node.node_id} is {state.name} and holds {held} replicas: drain it first,"
                " or stop it if it must be given up",
            )
        line = self._line(node.node_id)
        if node.node_id not in self._supervisor.replaced:
            logger.info("the operator gives node %s up", node.node_id)
            self._supervisor.give_up(node.node_id)
        return line

    def _nodes(self) -> list[Members]:
        return cluster_status.nodes_of(
            self._view, self._supervisor.states(), self._clock.monotonic()
        )

    def _line(self, node_id: str) -> Members:
        return next(self._marked(each) for each in self._nodes() if each["node_id"] == node_id)

    def _marked(self, line: Members) -> Members:
        """With what is on record of the node, whether it is heard or not."""
        return line | {
            "draining": line["node_id"] in self._supervisor.draining,
            "given_up": line["node_id"] in self._supervisor.replaced,
        }

    def _node(self, node_id: str) -> NodeView:
        found = self._view.nodes.get(node_id)
        if found is None:
            known = ", ".join(sorted(self._view.nodes)) or "none"
            message = f"there is no node {node_id}; the nodes: {known}"
            raise Refused(HTTPStatus.NOT_FOUND, "NotFound", message)
        return found
