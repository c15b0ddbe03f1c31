"""Which changes of an object's conditions people are told of by an Event: a closed list. Pure.

In: the conditions that an object has and those that it is to have. Out: what is to be said. People,
alerts and runbooks know the reasons by name, so each stands in `EVENTS` once; a change for a reason
that is not there shows in the status alone.

Kubernetes: "Event v1 events.k8s.io"; a type is Normal or Warning, and no third.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

EventType = Literal["Normal", "Warning"]

EVENTS: Final[dict[str, EventType]] = {
    # A person must change something.
    "NameTaken": "Warning",
    "ObjectRefused": "Warning",
    "VolumesAreLarger": "Warning",
    "VolumesCannotGrow": "Warning",
    "SecretTaken": "Warning",
    "RoleLacksRule": "Warning",
    "AccessKeysMissing": "Warning",
    "CertManagerMissing": "Warning",
    "GatewayCertificateMissing": "Warning",
    "IssuerUnusable": "Warning",
    "NoRoom": "Warning",
    "PodRefuses": "Warning",
    "SupervisorRefuses": "Warning",
    "NameInUse": "Warning",
    "PoolUnknown": "Warning",
    "PoolIsOwn": "Warning",
    "PoolInUse": "Warning",
    "Contradicts": "Warning",
    "InvalidTable": "Warning",
    "StepRefused": "Warning",
    # Something does not serve as it should.
    "LeadersLacking": "Warning",
    "PodsNotReady": "Warning",
    "ReplicasLacking": "Warning",
    # It goes on.
    "Accepted": "Normal",
    "AllPodsServe": "Normal",
    "AllReplicas": "Normal",
    "PodsStart": "Normal",
    "PodRestarts": "Normal",
    "RestartsWait": "Normal",
    "VolumesGrow": "Normal",
    "SetIsEnding": "Normal",
    "PodsEnd": "Normal",
    "PodsLeave": "Normal",
    "ScaleInWaits": "Normal",
    "VolumeReplaced": "Warning",
    "ReplacementWaits": "Warning",
    "SupervisorAway": "Warning",
    "CertificateAwaited": "Normal",
    # A person asked for it.
    "Maintenance": "Normal",
    "PodFenced": "Normal",
    "Suspended": "Normal",
    "AsWanted": "Normal",
    "Active": "Normal",
    "ItemsGo": "Normal",
    "PoolStarts": "Normal",
}
# At the beginning nothing serves yet: that is no news.
_NO_NEWS_AT_FIRST: Final = frozenset({"Ready", "FullyReplicated"})


@dataclass(frozen=True, slots=True)
class Said:
    """What an Event says. `since`: of the condition before, so that one change is said once."""

    type: EventType
    reason: str
    message: str
    since: str


def changes(before: Iterable[dict[str, Any]], after: Iterable[dict[str, Any]]) -> Iterator[Said]:
    """What is to be said where conditions change from `before` to `after`."""
    known = {each["type"]: each for each in before}
    for each in after:
        old = known.get(each["type"])
        if old is None and (each["type"] in _NO_NEWS_AT_FIRST or each["reason"] == "Accepted"):
            continue
        if old is not None and old["reason"] == each["reason"]:
            continue
        if each["reason"] in EVENTS:
            since = "" if old is None else old["lastTransitionTime"] + old["reason"]
            yield Said(EVENTS[each["reason"]], each["reason"], each["message"], since)
