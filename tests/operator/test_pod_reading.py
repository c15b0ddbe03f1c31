"""A pod's status: whether its machine or volume is out of reach, and what its process refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stator_operator.pod_reading import MESSAGE_CHARACTERS_MAX, is_started, lost_seconds, refusal_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HALF_PAST_ELEVEN = "2026-11-20T11:30:00Z"


def pod(deadline: str | None = None, **status: Any) -> dict[str, Any]:
    metadata = {} if deadline is None else {"deletionTimestamp": deadline}
    return {"metadata": metadata, "status": status}


def placed(status: str, reason: str = "Unschedulable") -> dict[str, str]:
    return {
        "type": "PodScheduled",
        "status": status,
        "reason": reason,
        "lastTransitionTime": HALF_PAST_ELEVEN,
    }


def test_a_pod_without_a_place_has_a_volume_where_nothing_runs() -> None:
    assert lost_seconds(pod(conditions=[placed("False")]), NOON) == 1_800.0


def test_a_pod_that_should_have_ended_stands_on_a_machine_that_nobody_hears() -> None:
    assert lost_seconds(pod(HALF_PAST_ELEVEN), NOON) == 1_800.0
    assert lost_seconds(pod("2026-11-20T12:00:30Z"), NOON) is None  # it has time until then


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"conditions": [placed("True")]},
        {"conditions": [placed("False", "SchedulingGated")]},
        {"conditions": [{"type": "Ready", "status": "False"}]},
    ],
)
def test_a_pod_that_only_does_not_serve_is_not_lost(status: dict[str, Any]) -> None:
    assert lost_seconds(pod(**status), NOON) is None


def terminated(message: str, code: int = 1) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "message": message}}


REFUSED = "/data/stator is of cluster c-2, this is c-1"
LOG = f"2026-11-20 INFO starts\nstator: {REFUSED}\n"


def test_a_process_that_refuses_says_why() -> None:
    waits = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": terminated(LOG)}
    assert REFUSED in refusal_of(pod(containerStatuses=[waits]))

    ended = {"state": terminated(LOG)}
    assert refusal_of(pod(containerStatuses=[ended])) != ""
    long = {"state": terminated("stator: " + "x" * 9_000)}
    assert len(refusal_of(pod(containerStatuses=[long]))) == MESSAGE_CHARACTERS_MAX


@pytest.mark.parametrize(
    "container",
    [
        {"state": {"running": {}}, "lastState": terminated(LOG)},
        {"state": terminated(LOG, code=0)},
        {"state": terminated("killed")},
        {"state": {"waiting": {"reason": "ImagePullBackOff"}}},
    ],
)
def test_a_process_that_runs_or_was_ended_refuses_nothing(container: dict[str, Any]) -> None:
    assert refusal_of(pod(containerStatuses=[container])) == ""
    assert refusal_of(pod()) == ""


def test_a_process_that_has_answered_its_startup_probe_has_begun_to_serve() -> None:
    runs = {"started": True, "ready": False, "state": {"running": {}}}
    assert is_started(pod(containerStatuses=[runs]))
    assert not is_started(pod(containerStatuses=[{**runs, "started": False}]))
    assert not is_started(pod(containerStatuses=[{**runs, "state": {"waiting": {}}}]))
    assert not is_started(pod())
