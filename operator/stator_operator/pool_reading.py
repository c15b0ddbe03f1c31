"""What a pool's objects and its supervisor say, as the planner takes it. Pure.

In: objects as the API gives them (`observe.py` has read them) and the supervisor's answer to
GET /v1/pool. Out: `ObservedPool`, and the cluster's id that pods and volumes carry. Invariant: what
is not known is not assumed: a StatefulSet whose newest template its controller has not seen has no
pod that counts as updated, and a supervisor of another cluster says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from stator_operator import naming
from stator_operator.kubernetes_kinds import Object
from stator_operator.objects.stateful_set import DATA
from stator_operator.pod_reading import is_started, lost_seconds, refusal_of
from stator_operator.pool_observation import (
    Departure,
    ObservedClaim,
    ObservedNode,
    ObservedPod,
    ObservedPool,
    ObservedSet,
)
from stator_operator.storage_pool import Pool

# States of `placement_types.NodeState` in which a node answers.
HEARD_STATES = frozenset({"ALIVE", "DRAINING"})
REVISION_LABEL = "controller-revision-hash"  # Kubernetes' own, on a StatefulSet's pods


def observed_pool(
    pool: Pool,
    sets: Collection[Object],
    pods: Collection[Object],
    claims: Collection[Object],
    facts: dict[str, Any] | None,
    whole_seconds: float,
    now: datetime,
) -> ObservedPool:
    """What is there. `sets`: under the names of the pool's zones, whosever they are.

    `now`: the time of day, as the API's times are.
    """
    by_zone = {
        zone: found
        for zone in pool.zones
        for found in sets
        if found["metadata"]["name"] == naming.stateful_set_name(pool.name, zone)
    }
    unsettled = any(not is_current(found) for found in by_zone.values())
    return ObservedPool(
        sets=tuple(_observed_set(pool, zone, found) for zone, found in by_zone.items()),
        pods=tuple(
            _observed_pod(each, by_zone.get(_zone(each)), now)
            for each in pods
            if _is_storage(pool, each)
        ),
        claims=tuple(_observed_claim(each) for each in claims if _is_storage(pool, each)),
        lacking=None if unsettled else lacking_of(pool, facts),
        whole_seconds=whole_seconds,
        nodes=_nodes(pool, facts),
        supervisor_pod=_supervisor_pod(pool, pods, now),
        supervisor_claim=next(
            (_observed_claim(each) for each in claims if _is_supervisor(pool, each)), None
        ),
    )


def _nodes(pool: Pool, facts: dict[str, Any] | None) -> tuple[ObservedNode, ...] | None:
    """The storage nodes; None where no supervisor of this cluster says."""
    if facts is None or facts.get("cluster_id") != pool.cluster_id:
        return None
    return tuple(
        ObservedNode(
            node_id=each["node_id"],
            pod=each["pod"],
            zone=each["zone"],
            is_heard=each["state"] in HEARD_STATES,
            is_draining=each["draining"],
            is_given_up=each["given_up"],
            replicas=max(each["replicas"], each["named"]),
            needed=each["needed"],
            used_bytes=each["size_bytes"],
            free_bytes=each["free_bytes"],
        )
        for each in facts["nodes"]
    )


def with_new_templates(
    pool: Pool, observed: ObservedPool, retemplated: Collection[tuple[str, str]]
) -> ObservedPool:
    """What is there after these sets, by kind and name, got another template: outdated pods."""
    zones = {
        zone
        for zone in pool.zones
        if ("StatefulSet", naming.stateful_set_name(pool.name, zone)) in retemplated
    }
    pods = (
        replace(each, is_updated=False) if each.zone in zones else each for each in observed.pods
    )
    return replace(observed, pods=tuple(pods))


def lacking_of(pool: Pool, facts: dict[str, Any] | None) -> int | None:
    """How many partitions lack a replica; None where no supervisor of this cluster says."""
    if facts is None or facts.get("cluster_id") != pool.cluster_id:
        return None
    lacking: int = facts["partitions"]["lacking"]
    return lacking


def found_cluster_id(pool_name: str, objects: Iterable[Object]) -> str | None:
    """The id that a pool's StatefulSets or claims carry; they may be older than the pool."""
    ids = {
        each["metadata"]["annotations"][naming.CLUSTER_ANNOTATION]
        for each in objects
        if each["metadata"].get("labels", {}).get(naming.POOL_LABEL) == pool_name
        and naming.CLUSTER_ANNOTATION in each["metadata"].get("annotations", {})
    }
    return min(ids, default=None)


def owner_uid(body: Object) -> str | None:
    """The uid of the object whose child this is."""
    owner = controller(body)
    return None if owner is None else owner["uid"]


def controller(body: Object) -> Object | None:
    """The reference to the object whose child this is."""
    owners: Iterable[Object] = body["metadata"].get("ownerReferences", ())
    return next((each for each in owners if each.get("controller")), None)


def is_same_owner(first: Object, second: Object) -> bool:
    """Whether two references are to one object, or to it and one before it of the same name.

    Two objects of one kind and name are never there at one time, so the other one is gone.
    """
    return (first["kind"], first["name"]) == (second["kind"], second["name"])


def is_current(found: Object) -> bool:
    """Whether a StatefulSet's controller has seen its newest template."""
    seen: int = found.get("status", {}).get("observedGeneration", 0)
    newest: int = found["metadata"].get("generation", 0)
    return seen >= newest


def _zone(body: Object) -> str:
    zone: str = body["metadata"].get("labels", {}).get(naming.ZONE_LABEL, "")
    return zone


def _is_storage(pool: Pool, body: Object) -> bool:
    """Whether it is a pod of ours, or a pod's claim, by labels and name."""
    labels = body["metadata"].get("labels", {})
    wanted = naming.selector(pool.name, naming.STORAGE)
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    full: str = body["metadata"]["name"]
    name, _, ordinal = full.removeprefix(f"{DATA}-").rpartition("-")
    return ordinal.isdecimal() and name == naming.stateful_set_name(pool.name, _zone(body))


def _is_supervisor(pool: Pool, body: Object) -> bool:
    """Whether it is the pod that steers, or its claim, by labels and name."""
    labels = body["metadata"].get("labels", {})
    wanted = naming.selector(pool.name, naming.SUPERVISOR)
    full: str = body["metadata"]["name"]
    is_ours = all(labels.get(name) == value for name, value in wanted.items())
    return is_ours and full.removeprefix(f"{DATA}-") == naming.supervisor_pod_name(pool.name)


def _observed_set(pool: Pool, zone: str, found: Object) -> ObservedSet:
    labels = found["metadata"].get("labels", {})
    ours = {**naming.selector(pool.name, naming.STORAGE), naming.ZONE_LABEL: zone}
    owner = controller(found)
    is_own = owner is not None and is_same_owner(owner, pool.owner())
    templates = found["spec"].get("volumeClaimTemplates", ())
    sizes = [
        each["spec"]["resources"]["requests"]["storage"]
        for each in templates
        if each["metadata"]["name"] == DATA
    ]
    return ObservedSet(
        zone=zone,
        uid=found["metadata"]["uid"],
        owner_uid=pool.uid if is_own else owner_uid(found),
        is_ours=all(labels.get(name) == value for name, value in ours.items()) and bool(sizes),
        pods=found["spec"].get("replicas", 1),
        volume_size=sizes[0] if sizes else "0",
        is_ending=_is_ending(found),
    )


def _observed_pod(pod: Object, found: Object | None, now: datetime) -> ObservedPod:
    metadata = pod["metadata"]
    annotations = metadata.get("annotations", {})
    conditions = pod.get("status", {}).get("conditions", ())
    revision = metadata.get("labels", {}).get(REVISION_LABEL)
    return ObservedPod(
        name=metadata["name"],
        uid=metadata["uid"],
        zone=_zone(pod),
        is_ready=any(each["type"] == "Ready" and each["status"] == "True" for each in conditions),
        is_updated=found is not None
        and is_current(found)
        and revision == found.get("status", {}).get("updateRevision"),
        is_ending=_is_ending(pod),
        lost_seconds=lost_seconds(pod, now),
        refusal=refusal_of(pod),
        is_to_be_replaced=naming.is_asked(annotations, naming.REPLACE_ANNOTATION),
        is_in_maintenance=naming.is_asked(annotations, naming.MAINTENANCE_ANNOTATION),
        is_fenced=naming.is_asked(annotations, naming.FENCED_ANNOTATION),
        is_started=is_started(pod),
    )


def _supervisor_pod(pool: Pool, pods: Collection[Object], now: datetime) -> ObservedPod | None:
    """The pod that steers. It has no data that anybody could be kept from: it is never fenced."""
    found = [_observed_pod(each, None, now) for each in pods if _is_supervisor(pool, each)]
    return replace(found[0], is_fenced=False) if found else None


def _observed_claim(claim: Object) -> ObservedClaim:
    return ObservedClaim(
        name=claim["metadata"]["name"],
        zone=_zone(claim),
        size=claim["spec"]["resources"]["requests"]["storage"],
        is_ending=_is_ending(claim),
        uid=claim["metadata"]["uid"],
        departure=_departure(claim),
    )


def _departure(claim: Object) -> Departure:
    """How far its pod is on its way out. A word that nobody knows is no word for leaving."""
    word = claim["metadata"].get("annotations", {}).get(naming.DEPARTURE_ANNOTATION, "")
    return next((each for each in Departure if each.value == word), Departure.NONE)


def _is_ending(body: Object) -> bool:
    return "deletionTimestamp" in body["metadata"]
