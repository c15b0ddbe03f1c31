"""What is there of a pool: pods, StatefulSets, claims, and the storage nodes that run in the pods.

In: filled in by whoever reads the Kubernetes API and asks the pool's supervisor. Out: what
`pool_plan.py` and its parts decide by. Nothing here decides. Invariant: what nobody could tell is
None, never a guess that would let something be taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stator_operator.objects.stateful_set import DATA


class Departure(StrEnum):
    """What a claim is marked with (annotation `stator.dev/departure`) on its pod's way out.

    On record before it is acted on, so that an operator that is killed goes on where it was.
    """

    NONE = ""
    LEAVING = "Leaving"  # the pool gets fewer pods: its data is being moved to others
    EMPTY = "Empty"  # all of it is elsewhere: this was seen before its pod went


@dataclass(frozen=True, slots=True)
class ObservedPod:
    """A storage pod. `is_updated`: it was made from the StatefulSet's newest template.

    `is_started`: its process has begun to serve, though it may not be ready: it may catch up.
    `lost_seconds`: how long its machine or its volume has been out of reach; None: it is not. The
    last three are what people ask for by annotations. `refusal`: what its process said when it
    ended with an error, if that is why it does not serve.
    """

    name: str
    uid: str
    zone: str
    is_ready: bool
    is_updated: bool
    is_ending: bool = False
    lost_seconds: float | None = None
    refusal: str = ""
    is_to_be_replaced: bool = False  # stator.dev/replace
    is_in_maintenance: bool = False  # stator.dev/maintenance
    is_fenced: bool = False  # stator.dev/fenced
    is_started: bool = False

    @property
    def serves(self) -> bool:
        return self.is_ready and not self.is_ending

    @property
    def ordinal(self) -> int:
        return ordinal_of(self.name)


@dataclass(frozen=True, slots=True)
class ObservedSet:
    """A StatefulSet under the name of one of ours. `owner_uid`: whose child it is."""

    zone: str
    uid: str
    owner_uid: str | None
    is_ours: bool  # it has the labels of this pool
    pods: int  # that it is to have
    volume_size: str
    is_ending: bool = False


@dataclass(frozen=True, slots=True)
class ObservedClaim:
    """A storage pod's volume claim, and the size that it asks for."""

    name: str
    zone: str
    size: str
    is_ending: bool = False
    uid: str = ""
    departure: Departure = Departure.NONE

    @property
    def pod_name(self) -> str:
        return self.name.removeprefix(f"{DATA}-")

    @property
    def ordinal(self) -> int:
        return ordinal_of(self.name)


@dataclass(frozen=True, slots=True)
class ObservedNode:
    """A storage node, as the supervisor knows it: an identity that lies on a volume.

    `pod`: where it last said that it runs; two nodes of one pod had two volumes. `is_heard`: it
    answers. `is_given_up`: it is not waited for any more. `replicas`: how many it holds, or
    partitions name it for. `needed`: partitions that would have no majority of good copies
    without it.
    """

    node_id: str
    pod: str
    zone: str
    is_heard: bool
    is_draining: bool = False
    is_given_up: bool = False
    replicas: int = 0
    needed: int = 0
    used_bytes: int = 0
    free_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ObservedPool:
    """What is there; `pods` and `claims` are storage pods' alone.

    `lacking`: partitions without a replica that serves; None: nobody knows.
    `nodes`: those that the supervisor knows; None: it did not answer.
    """

    sets: tuple[ObservedSet, ...] = ()
    pods: tuple[ObservedPod, ...] = ()
    claims: tuple[ObservedClaim, ...] = ()
    lacking: int | None = None
    whole_seconds: float = 0.0  # how long nothing has been lacking
    nodes: tuple[ObservedNode, ...] | None = None
    supervisor_pod: ObservedPod | None = None
    supervisor_claim: ObservedClaim | None = None

    def set_of(self, zone: str) -> ObservedSet | None:
        return next((each for each in self.sets if each.zone == zone), None)

    def pod_called(self, name: str) -> ObservedPod | None:
        return next((each for each in self.pods if each.name == name), None)

    def claim_of(self, pod_name: str) -> ObservedClaim | None:
        return next((each for each in self.claims if each.pod_name == pod_name), None)

    def node_of(self, pod_name: str) -> ObservedNode | None:
        """The node on a pod's volume: one that answers, else the one that is waited for."""
        found = self.nodes_of(pod_name)
        return found[0] if found and not found[0].is_given_up else None

    def nodes_of(self, pod_name: str) -> list[ObservedNode]:
        """The nodes that may be on a pod's volume: one that answers is, else all waited for."""
        found = [each for each in self.nodes or () if each.pod == pod_name]
        found = [each for each in found if each.is_heard] or [
            each for each in found if not each.is_given_up
        ]
        return sorted(found, key=lambda each: (each.is_given_up, each.node_id))


def ordinal_of(name: str) -> int:
    """The number at the end of the name of a pod or a claim."""
    return int(name.rpartition("-")[2])
