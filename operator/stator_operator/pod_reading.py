"""What a pod's status says of its machine, its volume and its process. Pure.

In: a Pod as the API gives it. Out: how long it has been out of reach, and why its process refuses
to run. Read by `pool_reading.py`. A namespaced operator sees no machines, so all of it is read off
the pod: Kubernetes says there what it knows of the machine.

Kubernetes: "Pod Lifecycle", "Node conditions", "Determine the Reason for Pod Failure".
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

Object = dict[str, Any]

MESSAGE_PREFIX = "stator: "  # what the commands begin their reasons with
MESSAGE_CHARACTERS_MAX = 500


def lost_seconds(pod: Object, now: datetime) -> float | None:
    """How long the pod's machine or volume has been out of reach; None: it is not.

    A pod that should have ended and is still there stands on a machine that nobody hears; one that
    Kubernetes finds no place for has its volume where nothing can run.
    """
    deadline = pod["metadata"].get("deletionTimestamp")
    if deadline is not None:
        late = _seconds_since(deadline, now)
        return late if late > 0 else None
    for condition in pod.get("status", {}).get("conditions", ()):
        is_placed = (condition["type"], condition["status"]) != ("PodScheduled", "False")
        if not is_placed and condition.get("reason") == "Unschedulable":
            since: str | None = condition.get("lastTransitionTime")
            return 0.0 if since is None else _seconds_since(since, now)
    return None


def is_started(pod: Object) -> bool:
    """Whether its process runs and has answered its startup probe."""
    found = pod.get("status", {}).get("containerStatuses", ())
    return any(each.get("started") and "running" in each.get("state", {}) for each in found)


def refusal_of(pod: Object) -> str:
    """Why the process of a pod does not run: what it said when it ended with an error."""
    for container in pod.get("status", {}).get("containerStatuses", ()):
        if container.get("ready") or "running" in container.get("state", {}):
            continue
        ends = (container.get("state", {}), container.get("lastState", {}))
        for terminated in (each["terminated"] for each in ends if "terminated" in each):
            lines = [
                line.removeprefix(MESSAGE_PREFIX)
                for line in terminated.get("message", "").splitlines()
                if line.startswith(MESSAGE_PREFIX)
            ]
            if lines and terminated.get("exitCode"):
                return str(lines[-1])[:MESSAGE_CHARACTERS_MAX]
    return ""


def _seconds_since(time: str, now: datetime) -> float:
    return (now - datetime.fromisoformat(time)).total_seconds()
