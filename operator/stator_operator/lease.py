"""One active operator: who holds the Lease works, who does not waits, who loses it ends.

In: the Lease object, as it is read every few seconds, and a clock that no one sets. Out: whether to
take it, renew it, wait, or end (`next_step`, pure); `LeaseHolder` asks the API accordingly. Used by
`operator_process.py`.

Invariant: an operator has ended before another may begin. A holder that could not renew for
RENEW_SECONDS_MAX ends; others take the Lease only when they have seen it unchanged for
LEASE_SECONDS, by their own clocks: no two machines' clocks are compared. The writes are guarded by
the object's version, so of two that take it at one time one fails. `may_work` is asked before every
write of the operator, so one that was frozen does not finish what it was at when it wakes.

Kubernetes: "Leases"; the times are those of client-go's leader election.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import ApiError, Conflict
from stator_operator.kubernetes_kinds import Object

logger = logging.getLogger(__name__)

LEASE_SECONDS = 15
RENEW_SECONDS_MAX = 10.0
ROUND_SECONDS = 2.0


class LeaseLost(Exception):
    """Somebody else may be at work by now. The text says how it was lost."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The Lease's version, and since when (seconds of one's own clock) it has been that."""

    version: str
    since: float


@dataclass(frozen=True, slots=True)
class Take:
    """Write oneself into it: it is free, or its holder is silent."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody else holds it."""

    holder: str


Step = Take | Wait


def next_step(lease: Object | None, identity: str, seen: Seen | None, now: float) -> Step:
    """What to do about a Lease. `seen`: what was known before of this very version of it."""
    if lease is None:
        return Take()
    spec = lease.get("spec", {})
    holder = spec.get("holderIdentity") or ""
    if holder in ("", identity):
        return Take()
    seconds = spec.get("leaseDurationSeconds") or LEASE_SECONDS
    if seen is not None and now - seen.since >= seconds:
        return Take()
    return Wait(holder)


def seen_now(lease: Object | None, before: Seen | None, now: float) -> Seen | None:
    """What is known of the Lease, with what was just read of it."""
    if lease is None:
        return None
    version = lease["metadata"]["resourceVersion"]
    return before if before is not None and before.version == version else Seen(version, now)


def taken(lease: Object | None, namespace: str, name: str, identity: str, time: str) -> Object:
    """The Lease with oneself as its holder. `time` in RFC 3339 with microseconds."""
    body: Object = copy.deepcopy(lease) if lease is not None else new_lease(namespace, name)
    spec = body.setdefault("spec", {})
    if spec.get("holderIdentity") != identity:
        spec["holderIdentity"] = identity
        spec["acquireTime"] = time
        spec["leaseTransitions"] = spec.get("leaseTransitions", -1) + 1
    spec["leaseDurationSeconds"] = LEASE_SECONDS
    spec["renewTime"] = time
    return body


def new_lease(namespace: str, name: str) -> Object:
    """A Lease that is not there yet."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace},
    }


class LeaseHolder:
    """Takes the Lease, keeps it, gives it up. `wall` tells the time of day, for people to read."""

    def __init__(
        self,
        api: KubernetesApi,
        namespace: str,
        name: str,
        identity: str,
        wall: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._wall = wall
        self._held: Object | None = None
        self._renewed = 0.0

    @property
    def is_held(self) -> bool:
        return self._held is not None

    def may_work(self) -> bool:
        """Whether no other can have taken it by now. False in an operator that was frozen."""
        return self._held is not None and self._now() - self._renewed < RENEW_SECONDS_MAX

    async def acquire(self) -> None:
        """Return when it is held, however long that takes."""
        seen: Seen | None = None
        said = ""
        while self._held is None:
            try:
                lease = await self._api.get("Lease", self._namespace, self._name)
                seen = seen_now(lease, seen, self._now())
                step = next_step(lease, self._identity, seen, self._now())
                if isinstance(step, Take):
                    await self._write(lease)
                    continue
                doing = f"operator {step.holder} is at work: waiting"
            except Conflict:
                continue  # Another was quicker: look again.
            except ApiError as error:
                doing = f"the Lease {self._namespace}/{self._name} cannot be taken: {error}"
            if doing != said:
                logger.info("%s", doing)
                said = doing
            await asyncio.sleep(ROUND_SECONDS)
        logger.info("holds the Lease %s/%s as %s", self._namespace, self._name, self._identity)

    async def keep(self) -> None:
        """Renew it as long as that goes well. Raises LeaseLost, and never returns."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            left = self._renewed + RENEW_SECONDS_MAX - self._now()
            try:
                async with asyncio.timeout(max(left, 0.0)):
                    await self._write(self._held)
            except Conflict:
                await self._read_again()
            except (ApiError, TimeoutError) as error:
                logger.warning("the Lease could not be renewed: %r", error)
            if self._now() - self._renewed >= RENEW_SECONDS_MAX:
                self._held = None
                raise LeaseLost(f"could not be renewed for {RENEW_SECONDS_MAX:g} s")

    async def release(self) -> None:
        """Give it up, so that another need not wait. To be called when all work has ended."""
        if self._held is None:
            return
        body, self._held = copy.deepcopy(self._held), None
        body["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self._api.replace(body)
        except ApiError as error:
            logger.info("the Lease was not given up, and will run out: %s", error)

    async def _write(self, lease: Object | None) -> None:
        """Raises ApiError. What is counted from is the time before the request."""
        asked = self._now()
        time = self._wall().isoformat(timespec="microseconds").replace("+00:00", "Z")
        body = taken(lease, self._namespace, self._name, self._identity, time)
        write = self._api.create if lease is None else self._api.replace
        self._held = await write(body)
        self._renewed = asked

    async def _read_again(self) -> None:
        """Somebody has written it. Raises LeaseLost where another holds it now."""
        try:
            lease: Any = await self._api.get("Lease", self._namespace, self._name)
        except ApiError as error:
            logger.warning("the Lease could not be read: %s", error)
            return
        holder = None if lease is None else lease.get("spec", {}).get("holderIdentity")
        if holder != self._identity:
            self._held = None
            raise LeaseLost(f"held by {holder or 'nobody'}")
        self._held = lease

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
