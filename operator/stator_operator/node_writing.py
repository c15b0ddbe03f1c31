"""Carries out what a plan asks of a pool's storage nodes: by their supervisor.

In: an action of `pool_plan.py` that names a node, from `apply.py`, and where that supervisor is.
Out: requests, each of which may be repeated; for what it refuses, the reason, as a plan has it.
Invariant: a node that the supervisor does not know is as it should be: it was forgotten.
"""

from __future__ import annotations

from http import HTTPStatus

from stator_operator.pool_actions import (
    DrainNode,
    GiveUpNode,
    KeepNode,
    NodeAction,
    Reason,
    Waiting,
)
from stator_operator.supervisor_client import (
    Members,
    SupervisorAddress,
    SupervisorAway,
    SupervisorRefused,
    Supervisors,
)


async def ask_for(
    supervisors: Supervisors, address: SupervisorAddress | None, action: NodeAction
) -> Waiting | None:
    """Ask for it. The reason why it is not done, if it is not."""
    if address is None:
        return Waiting(Reason.SUPERVISOR_AWAY, f"nobody can be asked: {_text(action)}")
    method, members = _request(action)
    try:
        await supervisors.ask(address, method, f"/v1/nodes/{action.node_id}", members)
    except SupervisorAway as error:
        return Waiting(Reason.SUPERVISOR_AWAY, f"the supervisor does not answer: {error}")
    except SupervisorRefused as refused:
        if refused.status == HTTPStatus.NOT_FOUND:
            return None
        return Waiting(Reason.SUPERVISOR_REFUSES, f"{_text(action)}: {refused.message}")
    return None


def _request(action: NodeAction) -> tuple[str, Members | None]:
    match action:
        case DrainNode():
            return "PUT", {"drain": True}
        case KeepNode():
            return "PUT", {"drain": False}
        case GiveUpNode():
            return "DELETE", None


def _text(action: NodeAction) -> str:
    match action:
        case DrainNode(node_id):
            return f"node {node_id} is to be drained"
        case KeepNode(node_id):
            return f"node {node_id} is to be drained no longer"
        case GiveUpNode(node_id):
            return f"node {node_id} is to be given up"
