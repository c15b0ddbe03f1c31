"""A pool's zones in a pretended Kubernetes: StatefulSets, pods, claims; things go wrong in it.

The planner's actions are carried out here, in part where the operator is killed, and every one of
them is held against what a planner promises. `test_pool_plan.py` drives it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from random import Random

from stator_operator import naming
from stator_operator.pool_plan import (
    SETTLED_SECONDS,
    Action,
    Apply,
    GrowClaim,
    ObservedClaim,
    ObservedPod,
    ObservedPool,
    ObservedSet,
    OrphanSet,
    RestartPod,
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
    claims: dict[str, ObservedClaim] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)  # by zone: the image of its set
    images: dict[str, str] = field(default_factory=dict)  # by pod
    calm: float = 0.0
    uids: itertools.count[int] = field(default_factory=itertools.count)

    def observed(self) -> ObservedPool:
        pods = tuple(
            replace(pod, is_updated=self.images[pod.name] == self.templates.get(pod.zone))
            for pod in self.pods.values()
        )
        down = self._down()
        return ObservedPool(
            tuple(self.sets.values()),
            pods,
            tuple(self.claims.values()),
            lacking=len(down),
            whole_seconds=self.calm,
        )

    def _down(self) -> list[str]:
        """The pods that do not serve, those too that are not there."""
        wanted = {
            f"{naming.stateful_set_name(self.pool.name, each.zone)}-{number}"
            for each in self.sets.values()
            for number in range(each.pods)
        }
        serving = {each.name for each in self.pods.values() if each.is_ready and not each.is_ending}
        return sorted((wanted | set(self.pods)) - serving)

    # What the operator has done.

    def carry_out(self, action: Action) -> None:
        match action:
            case Apply(body) if naming.ZONE_LABEL in body["metadata"]["labels"]:
                self._apply(body)
            case GrowClaim(name, size):
                assert amount(size) > amount(self.claims[name].size), "a volume never shrinks"
                self.claims[name] = replace(self.claims[name], size=size)
            case OrphanSet(_, uid):
                self._orphan(uid)
            case RestartPod(name, uid):
                self._restart(name, uid)

    def _apply(self, body: dict[str, object]) -> None:
        spec, metadata = body["spec"], body["metadata"]
        assert isinstance(spec, dict)
        assert isinstance(metadata, dict)
        zone = metadata["labels"][naming.ZONE_LABEL]
        (claim,) = spec["volumeClaimTemplates"]
        size = claim["spec"]["resources"]["requests"]["storage"]
        present = self.sets.get(zone)
        held = [each for each in self.claims.values() if each.zone == zone]
        assert spec["replicas"] >= len(held), "no pod with data is taken away"
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

    def _orphan(self, uid: str) -> None:
        (present,) = [each for each in self.sets.values() if each.uid == uid]
        small = [
            each.name
            for each in self.claims.values()
            if each.zone == present.zone and amount(each.size) < amount(self.pool.volume_size)
        ]
        assert small == [], "claims grow before the set goes"
        self.sets[present.zone] = replace(present, is_ending=True)

    def _restart(self, name: str, uid: str) -> None:
        pod = self.pods[name]
        if pod.uid != uid:
            return  # It has gone by itself meanwhile, as the API server would say.
        assert self._down() in ([], [name]), "never two pods at one time"
        assert not pod.is_ready or self.calm >= SETTLED_SECONDS, "replicas are settled first"
        self.pods[name] = replace(pod, is_ending=True)
        self.calm = 0.0

    # What Kubernetes does, and what goes wrong.

    def step(self) -> None:
        """One thing happens, whichever."""
        doings = [self._go, self._begin, self._serve, self._end_set]
        self.random.choice(doings)()
        self._settle()

    def go_wrong(self) -> None:
        """A pod stops serving, or is evicted."""
        if not self.pods:
            return
        name = self.random.choice(sorted(self.pods))
        if self.random.random() < 0.5:
            self.pods[name] = replace(self.pods[name], is_ready=False)
        else:
            self.pods[name] = replace(self.pods[name], is_ending=True)
        self.calm = 0.0

    def everything(self) -> None:
        """All that Kubernetes has to do is done."""
        for _ in range(3):
            self._end_set()
            for doing in (self._go, self._begin, self._serve):
                for _ in range(len(self.pods) + 9):
                    doing()
            self._settle()

    def _go(self) -> None:
        ending = sorted(each.name for each in self.pods.values() if each.is_ending)
        if ending:
            del self.pods[self.random.choice(ending)]

    def _begin(self) -> None:
        for present in self.sets.values():
            name = naming.stateful_set_name(self.pool.name, present.zone)
            for number in range(present.pods):
                pod = f"{name}-{number}"
                if pod in self.pods or present.is_ending:
                    continue
                claim = f"data-{pod}"
                if claim not in self.claims:
                    self.claims[claim] = ObservedClaim(claim, present.zone, present.volume_size)
                self.pods[pod] = ObservedPod(
                    pod, f"pod-{next(self.uids)}", present.zone, is_ready=False, is_updated=True
                )
                self.images[pod] = self.templates[present.zone]
                return

    def _serve(self) -> None:
        silent = sorted(e.name for e in self.pods.values() if not e.is_ready and not e.is_ending)
        if silent:
            name = self.random.choice(silent)
            self.pods[name] = replace(self.pods[name], is_ready=True)

    def _end_set(self) -> None:
        for zone in [each.zone for each in self.sets.values() if each.is_ending]:
            del self.sets[zone]
            self.templates.pop(zone, None)

    def _settle(self) -> None:
        self.calm = self.calm + STEP_SECONDS if not self._down() else 0.0
