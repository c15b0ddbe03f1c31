"""A pool in a pretended Kubernetes, with the data on its volumes; things go wrong in it.

Pods, claims and StatefulSets are as Kubernetes' controllers keep them; volumes have identities and
replicas, and a pretended supervisor moves those. The planner's actions are carried out here, in
part where the operator is killed, and every one of them is held against what a planner promises.
`test_pool_plan.py` drives it. The world itself loses a volume only while all others are whole, so
that what else is lost is the planner's doing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from random import Random

from pool_data import COPIES, MAJORITY, Data, Volume
from stator_operator import naming
from stator_operator.pool_actions import (
    Action,
    Apply,
    DeleteClaim,
    DrainNode,
    GiveUpNode,
    GrowClaim,
    KeepNode,
    MarkClaim,
    OrphanSet,
    RestartPod,
)
from stator_operator.pool_disruption import SETTLED_SECONDS
from stator_operator.pool_observation import (
    ObservedClaim,
    ObservedPod,
    ObservedPool,
    ObservedSet,
)
from stator_operator.quantity import amount
from stator_operator.storage_pool import Pool

STEP_SECONDS = 5.0


@dataclass
class PoolWorld:
    """What is there. `random` says what happens next, so a seed repeats a run."""

    pool: Pool
    random: Random
    sets: dict[str, ObservedSet] = field(default_factory=dict)
    pods: dict[str, ObservedPod] = field(default_factory=dict)
    claims: dict[str, ObservedClaim] = field(default_factory=dict)  # by name
    data: Data = field(default_factory=Data)
    templates: dict[str, str] = field(default_factory=dict)  # by zone: the image of its set
    images: dict[str, str] = field(default_factory=dict)  # by pod
    heard: set[str] = field(default_factory=set)  # uids of pods that answer, ready or not yet
    calm: float = 0.0
    budget: int = 0  # how many storage pods may be down where somebody evicts one
    uids: itertools.count[int] = field(default_factory=itertools.count)

    def observed(self, is_answered: bool = True) -> ObservedPool:
        """What a reconcile sees; without an answer of the supervisor, less."""
        pods = tuple(
            replace(
                pod,
                is_updated=self.images[pod.name] == self.templates.get(pod.zone),
                is_started=self._answers(pod),
                lost_seconds=3_600.0 if self._is_lost(pod.name) else None,
            )
            for pod in self.pods.values()
        )
        return ObservedPool(
            tuple(self.sets.values()),
            pods,
            tuple(self.claims.values()),
            lacking=self.data.lacking(self._serving()) if is_answered else None,
            whole_seconds=self.calm,
            nodes=self.data.nodes(self._serving()) if is_answered else None,
        )

    def _serving(self) -> set[str]:
        """The nodes that answer."""
        return {
            volume.node_id
            for pod in self.pods.values()
            if self._answers(pod) and (volume := self._volume_of(pod.name)) is not None
        }

    def _answers(self, pod: ObservedPod) -> bool:
        """Whether its node serves: a pod that catches up does, and is not ready."""
        return pod.serves or (pod.uid in self.heard and not pod.is_ending)

    def _volume_of(self, pod: str) -> Volume | None:
        claim = self.claims.get(f"data-{pod}")
        return None if claim is None else self.data.volumes.get(claim.uid)

    def _is_lost(self, pod: str) -> bool:
        volume = self._volume_of(pod)
        return volume is not None and volume.is_lost

    def _down(self) -> list[str]:
        """The pods that do not serve, those too that are not there."""
        wanted = {
            f"{naming.stateful_set_name(self.pool.name, each.zone)}-{number}"
            for each in self.sets.values()
            for number in range(each.pods)
        }
        serving = {each.name for each in self.pods.values() if each.serves}
        return sorted((wanted | set(self.pods)) - serving)

    # What the operator has done.

    def carry_out(self, action: Action) -> None:
        match action:
            case Apply(body) if naming.ZONE_LABEL in body["metadata"]["labels"]:
                self._apply(body)
            case Apply({"kind": "PodDisruptionBudget", "spec": spec, "metadata": metadata}):
                if metadata["name"] == naming.storage_service_name(self.pool.name):
                    self.budget = spec["maxUnavailable"]
            case GrowClaim(name, size):
                assert amount(size) > amount(self.claims[name].size), "a volume never shrinks"
                self.claims[name] = replace(self.claims[name], size=size)
            case MarkClaim(name, uid, departure):
                if name in self.claims and self.claims[name].uid == uid:
                    self.claims[name] = replace(self.claims[name], departure=departure)
            case DeleteClaim(name, uid):
                self._delete_claim(name, uid)
            case OrphanSet(_, uid):
                self._orphan(uid)
            case RestartPod(name, uid):
                self._restart(name, uid)
            case DrainNode(node_id):
                pod = self.data.pod_names[node_id]
                assert int(pod[-1]) >= self.pool.pods_per_zone, "a pod that stays keeps its data"
                self.data.draining.add(node_id)
            case KeepNode(node_id):
                assert node_id not in self.data.drained_by_people
                self.data.draining.discard(node_id)
            case GiveUpNode(node_id):
                assert node_id not in self._serving(), "who answers is not given up"
                self.data.given_up.add(node_id)

    def _apply(self, body: dict[str, object]) -> None:
        spec, metadata = body["spec"], body["metadata"]
        assert isinstance(spec, dict)
        assert isinstance(metadata, dict)
        zone = metadata["labels"][naming.ZONE_LABEL]
        (claim,) = spec["volumeClaimTemplates"]
        size = claim["spec"]["resources"]["requests"]["storage"]
        present = self.sets.get(zone)
        if not self.pool.is_suspended:
            for each in self.claims.values():
                goes = present is None or each.ordinal < present.pods
                if (
                    each.zone == zone
                    and goes
                    and each.ordinal >= spec["replicas"]
                    and not each.is_ending
                ):
                    volume = self.data.volumes[each.uid]
                    assert not self.data.named(volume.node_id), "no pod with data is taken away"
        if present is not None:
            assert present.volume_size == size, "claim templates cannot be changed"
            assert not present.is_ending
            self.sets[zone] = replace(present, pods=spec["replicas"], owner_uid=self.pool.uid)
        else:
            uid = f"set-{next(self.uids)}"
            self.sets[zone] = ObservedSet(
                zone, uid, self.pool.uid, is_ours=True, pods=spec["replicas"], volume_size=size
            )
        self.templates[zone] = spec["template"]["spec"]["containers"][0]["image"]

    def _delete_claim(self, name: str, uid: str) -> None:
        claim = self.claims.get(name)
        if claim is None or claim.uid != uid:
            return
        self._assert_spared(self.data.volumes[uid].node_id)
        self.claims[name] = replace(claim, is_ending=True)

    def _assert_spared(self, node_id: str) -> None:
        """Every partition that the node is named for has a majority without it."""
        for partition in self.data.named(node_id):
            good = self.data.good(partition, self._serving()) - {node_id}
            assert len(good) >= MAJORITY, f"partition {partition} has only {good} besides {node_id}"

    def _orphan(self, uid: str) -> None:
        (present,) = [each for each in self.sets.values() if each.uid == uid]
        small = [
            each.name
            for each in self.claims.values()
            if each.zone == present.zone
            and not each.is_ending
            and amount(each.size) < amount(self.pool.volume_size)
        ]
        assert small == [], "claims grow before the set goes"
        self.sets[present.zone] = replace(present, is_ending=True)

    def _restart(self, name: str, uid: str) -> None:
        pod = self.pods[name]
        if pod.uid != uid:
            return  # It has gone by itself meanwhile, as the API server would say.
        if pod.serves:
            assert self._down() == [], "never two pods at one time"
            assert self.calm >= SETTLED_SECONDS, "replicas are settled first"
            assert self.budget == 1, "the operator's own budget lets it"
        assert not (pod.is_fenced or pod.is_in_maintenance), "it is left alone"
        volume = self._volume_of(name)
        if self._answers(pod) and volume is not None:
            self._assert_spared(volume.node_id)
        self.pods[name] = replace(pod, is_ending=True)
        self._settle()

    # What Kubernetes and the supervisor do.

    def step(self) -> None:
        """One thing happens, whichever."""
        doings = [
            self._go,
            self._begin,
            self._serve,
            self._end_set,
            self._end_claims,
            self._shrink,
            self._move,
        ]
        self.random.choice(doings)()
        self._settle()

    def everything(self) -> None:
        """All that Kubernetes and the supervisor have to do is done."""
        for _ in range(3):
            self._end_set()
            self._shrink()
            for doing in (self._go, self._end_claims, self._begin, self._serve, self._move):
                for _ in range(len(self.pods) + 9):
                    doing()
            self._settle()
        self.calm += SETTLED_SECONDS

    def _go(self) -> None:
        ending = sorted(each.name for each in self.pods.values() if each.is_ending)
        if ending:
            del self.pods[self.random.choice(ending)]

    def _end_claims(self) -> None:
        """A claim that is deleted goes when its pod has gone, and its volume with it."""
        for claim in [each for each in self.claims.values() if each.is_ending]:
            if claim.pod_name not in self.pods:
                del self.claims[claim.name]
                del self.data.volumes[claim.uid]

    def _shrink(self) -> None:
        for present in self.sets.values():
            for pod in [each for each in self.pods.values() if each.zone == present.zone]:
                if pod.ordinal >= present.pods and not present.is_ending:
                    self.pods[pod.name] = replace(pod, is_ending=True)

    def _begin(self) -> None:
        for present in self.sets.values():
            name = naming.stateful_set_name(self.pool.name, present.zone)
            for number in range(present.pods):
                pod = f"{name}-{number}"
                claim = self.claims.get(f"data-{pod}")
                if pod in self.pods or present.is_ending or (claim and claim.is_ending):
                    continue
                if claim is None:
                    self._provide(f"data-{pod}", present)
                self.pods[pod] = ObservedPod(
                    pod, f"pod-{next(self.uids)}", present.zone, is_ready=False, is_updated=True
                )
                self.images[pod] = self.templates[present.zone]
                return

    def _provide(self, name: str, present: ObservedSet) -> None:
        uid = f"claim-{next(self.uids)}"
        self.claims[name] = ObservedClaim(name, present.zone, present.volume_size, uid=uid)
        self.data.volumes[uid] = Volume(f"node-{next(self.uids)}", present.zone)

    def _serve(self) -> None:
        silent = sorted(
            each.name
            for each in self.pods.values()
            if not each.is_ready
            and not each.is_ending
            and not each.is_fenced
            and not self._is_lost(each.name)
        )
        if silent:
            name = self.random.choice(silent)
            pod = self.pods[name]
            if pod.uid in self.heard or self.random.random() < 0.5:
                self.pods[name] = replace(pod, is_ready=True)
            self.heard.add(pod.uid)
            volume = self._volume_of(name)
            assert volume is not None
            self.data.pod_names[volume.node_id] = name
            self.data.zones[volume.node_id] = volume.zone
            if len(self._serving()) >= len(self.pool.zones) and not self.data.members:
                self.data.begin(self._serving())

    def _move(self) -> None:
        self.data.move(self._serving(), self.random)

    def _end_set(self) -> None:
        for zone in [each.zone for each in self.sets.values() if each.is_ending]:
            del self.sets[zone]
            self.templates.pop(zone, None)

    def _settle(self) -> None:
        self.calm = self.calm + STEP_SECONDS if self.data.lacking(self._serving()) == 0 else 0.0
        for partition in self.data.members:
            assert len(self.data.kept(partition)) >= MAJORITY, "no more is lost than the world lost"

    # What goes wrong, and what people do.

    def go_wrong(self) -> None:
        """One thing, whichever."""
        if not self.pods:
            return
        pod = self.pods[self.random.choice(sorted(self.pods))]
        doing = self.random.choice(("fails", "evicted", "lost", "asked", "deleted", "drained"))
        match doing:
            case "fails":
                self._falls_silent(pod)
            case "evicted":
                self.pods[pod.name] = replace(pod, is_ending=True)
            case "lost" if self._may_lose() and (volume := self._volume_of(pod.name)):
                volume.is_lost = True
                self._falls_silent(pod)
            case "asked":
                wish = self.random.choice(("is_to_be_replaced", "is_in_maintenance", "is_fenced"))
                self.pods[pod.name] = replace(pod, **{wish: not getattr(pod, wish)})
                if self.pods[pod.name].is_fenced:
                    self._falls_silent(self.pods[pod.name])
            case "deleted" if self._may_lose() and f"data-{pod.name}" in self.claims:
                claim = self.claims[f"data-{pod.name}"]
                self.claims[claim.name] = replace(claim, is_ending=True)
            case "drained" if (volume := self._volume_of(pod.name)) and pod.ordinal == 0:
                self.data.draining.add(volume.node_id)
                self.data.drained_by_people.add(volume.node_id)
        self._settle()

    def evict(self) -> None:
        """Somebody drains a machine: a pod that serves goes if the budget lets it, as Kubernetes.

        Just after a look of the operator: it cannot know what happens between two of them.
        """
        serving = sorted(each.name for each in self.pods.values() if each.serves)
        if not serving or len(self._down()) >= self.budget:
            return
        name = self.random.choice(serving)
        volume = self._volume_of(name)
        assert volume is not None
        self._assert_spared(volume.node_id)
        self.pods[name] = replace(self.pods[name], is_ending=True)
        self._settle()

    def _falls_silent(self, pod: ObservedPod) -> None:
        self.pods[pod.name] = replace(pod, is_ready=False)
        self.heard.discard(pod.uid)

    def go_well(self) -> None:
        """People ask for nothing any more."""
        for pod in self.pods.values():
            self.pods[pod.name] = replace(pod, is_in_maintenance=False, is_fenced=False)
        self.data.draining -= self.data.drained_by_people
        self.data.drained_by_people.clear()

    def ask_for_lost(self) -> None:
        """Where several pods are lost at once, their replacement waits for a person."""
        for pod in [each for each in self.pods.values() if self._is_lost(each.name)]:
            self.pods[pod.name] = replace(pod, is_to_be_replaced=True)

    def _may_lose(self) -> bool:
        """Whether one volume more can be lost without losing what must not be."""
        return not any(each.is_ending for each in self.claims.values()) and all(
            len(self.data.kept(partition)) == COPIES for partition in self.data.members
        )
