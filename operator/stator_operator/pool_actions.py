"""What may be done to a pool, and what is said where something is not: the planner's words.

In: nothing; `pool_plan.py` and its parts give these, `apply.py` carries the actions out one by one.
Each is safe to repeat, and names what it is about by its uid where a name may have passed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stator_operator.pool_observation import Departure

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Apply:
    """Have an object be like this, by server-side apply."""

    body: Object


@dataclass(frozen=True, slots=True)
class GrowClaim:
    """Ask for a larger volume."""

    name: str
    size: str


@dataclass(frozen=True, slots=True)
class MarkClaim:
    """Note on a claim (annotation `stator.dev/departure`) how far its pod is on its way out.

    NONE takes the annotation away.
    """

    name: str
    uid: str
    departure: Departure


@dataclass(frozen=True, slots=True)
class DeleteClaim:
    """Delete a claim, this very one, and its volume with it as its class says."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class OrphanSet:
    """Delete a StatefulSet and leave its pods running: the next one adopts them.

    The size in its template cannot be changed, and new pods must get volumes of the new size.
    """

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class RestartPod:
    """Delete a pod, this very one: it comes back with the newest template.

    `at_once`: without waiting for its machine, which nobody reaches.
    """

    name: str
    uid: str
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class DrainNode:
    """Have the supervisor move everything off a node."""

    node_id: str


@dataclass(frozen=True, slots=True)
class KeepNode:
    """Have the supervisor drain a node no longer: it is wanted after all."""

    node_id: str


@dataclass(frozen=True, slots=True)
class GiveUpNode:
    """Have the supervisor wait for a node no longer: what it held is replaced at once."""

    node_id: str


# What is done to objects of Kubernetes, and what to the nodes that run in them.
ObjectAction = Apply | GrowClaim | MarkClaim | DeleteClaim | OrphanSet | RestartPod
NodeAction = DrainNode | KeepNode | GiveUpNode
Action = ObjectAction | NodeAction


class Reason(StrEnum):
    """Why something that is wanted is not done now. A closed list: people and alerts know it."""

    # These end by themselves.
    RESTARTS_WAIT = "RestartsWait"
    REPLACEMENT_WAITS = "ReplacementWaits"
    SCALE_IN_WAITS = "ScaleInWaits"
    SET_IS_ENDING = "SetIsEnding"
    SUPERVISOR_AWAY = "SupervisorAway"
    CERTIFICATE_AWAITED = "CertificateAwaited"
    VOLUMES_GROW = "VolumesGrow"
    # These end when a person who asked for them says so.
    MAINTENANCE = "Maintenance"
    POD_FENCED = "PodFenced"
    # These a person must change.
    ACCESS_KEYS_MISSING = "AccessKeysMissing"
    CERT_MANAGER_MISSING = "CertManagerMissing"
    GATEWAY_CERTIFICATE_MISSING = "GatewayCertificateMissing"
    ISSUER_UNUSABLE = "IssuerUnusable"
    NAME_TAKEN = "NameTaken"
    NO_ROOM = "NoRoom"
    POD_REFUSES = "PodRefuses"
    ROLE_LACKS_RULE = "RoleLacksRule"
    SECRET_TAKEN = "SecretTaken"
    SUPERVISOR_REFUSES = "SupervisorRefuses"
    VOLUMES_ARE_LARGER = "VolumesAreLarger"


PASSING = frozenset(
    {
        Reason.RESTARTS_WAIT,
        Reason.REPLACEMENT_WAITS,
        Reason.SCALE_IN_WAITS,
        Reason.SET_IS_ENDING,
        Reason.SUPERVISOR_AWAY,
        Reason.CERTIFICATE_AWAITED,
        Reason.VOLUMES_GROW,
    }
)
ASKED_FOR = frozenset({Reason.MAINTENANCE, Reason.POD_FENCED})


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why something that is wanted is not done now, and what to change, if that helps.

    `reason`: one of `event_reasons.EVENTS`.
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    actions: tuple[Action, ...] = ()
    waiting: tuple[Waiting, ...] = ()


class Draft:
    """A plan that is being written, part by part. Order is that of carrying out."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.waiting: list[Waiting] = []

    def do(self, *actions: Action) -> None:
        self.actions += actions

    def wait(self, reason: Reason, message: str) -> None:
        self.waiting.append(Waiting(reason, message))

    def plan(self) -> Plan:
        return Plan(tuple(self.actions), tuple(self.waiting))
