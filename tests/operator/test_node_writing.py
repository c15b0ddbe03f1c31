"""What a plan asks of storage nodes goes to their supervisor, or is a reason to wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stator_operator.node_writing import ask_for
from stator_operator.pool_actions import DrainNode, GiveUpNode, KeepNode, NodeAction
from stator_operator.supervisor_client import (
    SupervisorAddress,
    SupervisorAway,
    SupervisorRefused,
)

ADDRESS = SupervisorAddress("10.0.0.1", "default-supervisor.music.svc")


class Recorded:
    """Supervisors that remember what they were asked, and answer or fail as they are told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.asked: list[tuple[str, str, dict[str, Any] | None]] = []
        self._failure = failure

    async def ask(
        self,
        address: SupervisorAddress,
        method: str,
        path: str,
        members: dict[str, Any] | None = None,
        *,
        seconds: float = 1.0,
    ) -> dict[str, Any]:
        self.asked.append((method, path, members))
        if self._failure is not None:
            raise self._failure
        return {}


@pytest.mark.parametrize(
    "action, asked",
    [
        (DrainNode("n-1"), ("PUT", "/v1/nodes/n-1", {"drain": True})),
        (KeepNode("n-1"), ("PUT", "/v1/nodes/n-1", {"drain": False})),
        (GiveUpNode("n-1"), ("DELETE", "/v1/nodes/n-1", None)),
    ],
)
def test_each_action_is_one_request(action: NodeAction, asked: tuple[str, str, Any]) -> None:
    supervisors = Recorded()

    assert asyncio.run(ask_for(supervisors, ADDRESS, action)) is None
    assert supervisors.asked == [asked]


@pytest.mark.parametrize(
    "failure, reason",
    [
        (SupervisorAway("no answer"), "SupervisorAway"),
        (SupervisorRefused(409, "NodeHoldsReplicas", "it holds 3 replicas"), "SupervisorRefuses"),
    ],
)
def test_what_is_not_done_is_a_reason_to_wait(failure: Exception, reason: str) -> None:
    waiting = asyncio.run(ask_for(Recorded(failure), ADDRESS, GiveUpNode("n-1")))

    assert waiting is not None
    assert waiting.reason == reason
    assert reason == "SupervisorAway" or "it holds 3 replicas" in waiting.message


def test_without_a_supervisor_nothing_is_asked() -> None:
    supervisors = Recorded()
    waiting = asyncio.run(ask_for(supervisors, None, KeepNode("n-1")))

    assert waiting is not None
    assert waiting.reason == "SupervisorAway"
    assert supervisors.asked == []


def test_a_node_that_nobody_knows_is_as_it_should_be() -> None:
    failure = SupervisorRefused(404, "NotFound", "there is no node n-1")

    assert asyncio.run(ask_for(Recorded(failure), ADDRESS, GiveUpNode("n-1"))) is None
