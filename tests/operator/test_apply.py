"""Actions: each may be repeated, touches this very object, and is refused with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from pretended_api import Asked, Object, PretendedApi, refusal
from pretended_cluster import PretendedSupervisor
from sample_pool import a_pool
from stator_operator.applied import Applied
from stator_operator.apply import Outcome, Writer
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import Unavailable
from stator_operator.metrics import Metrics
from stator_operator.objects.cert_manager import CERTIFICATE_VERSION
from stator_operator.objects.services import gateway_service
from stator_operator.pool_actions import (
    PASSING,
    Action,
    Apply,
    DeleteClaim,
    GrowClaim,
    MarkClaim,
    OrphanSet,
    RestartPod,
)
from stator_operator.pool_observation import Departure
from stator_operator.pool_secrets import Create
from stator_operator.work_queue import Key

KEY = Key("StoragePool", "music", "default")
SERVICE = gateway_service(a_pool())
Answers = Callable[[Asked], web.Response | None]


def claim(uid: str = "c") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data-0", "namespace": "music", "uid": uid},
        "spec": {"resources": {"requests": {"storage": "1Gi"}}},
    }


def pod(uid: str = "p") -> Object:
    metadata = {"name": "pod-0", "namespace": "music", "uid": uid}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}}


def carry_out(
    *actions: Action | Create,
    present: tuple[Object, ...] = (),
    answers: Answers = lambda _: None,
) -> tuple[Outcome, PretendedApi]:
    """What has come of it, and the API afterwards."""

    async def carried_out() -> tuple[Outcome, PretendedApi]:
        async with PretendedApi(answers) as server:
            for body in present:
                server.put(body)
            api = KubernetesApi(server.connection())
            writer = Writer(api, Applied(), Metrics(), PretendedSupervisor())
            known = {(each["kind"], each["metadata"]["name"]): each for each in present}
            try:
                return await writer.carry_out(KEY, actions, known, None), server
            finally:
                await api.close()

    return asyncio.run(carried_out())


def refuse(plural: str, response: Callable[[], web.Response]) -> Answers:
    return lambda asked: response() if asked.plural == plural and asked.is_write else None


def test_what_is_refused_is_a_reason_and_the_rest_is_done() -> None:
    answers = refuse("services", lambda: refusal(422, "Invalid", "spec.ports: Required value"))
    outcome, server = carry_out(
        Apply(SERVICE), GrowClaim("data-0", "2Gi"), present=(claim(),), answers=answers
    )

    (waiting,) = outcome.waiting
    assert waiting.reason == "ObjectRefused"
    assert "no Service default-gateway: spec.ports: Required value" in waiting.message
    assert outcome.done == [GrowClaim("data-0", "2Gi")]
    (grown,) = server.of("PersistentVolumeClaim")
    assert grown["spec"]["resources"]["requests"]["storage"] == "2Gi"


def test_a_claim_that_has_no_volume_yet_grows_later() -> None:
    """The API server refuses it until then; that is no fault of its class."""
    pending = {**claim(), "status": {"phase": "Pending"}}
    answers = refuse("persistentvolumeclaims", lambda: refusal(422, "Invalid", "immutable"))
    outcome, _ = carry_out(GrowClaim("data-0", "2Gi"), present=(pending,), answers=answers)

    (waiting,) = outcome.waiting
    assert waiting.reason in PASSING
    assert waiting.message == "claim data-0 grows to 2Gi when it has a volume"


def test_what_says_nothing_of_the_object_goes_through() -> None:
    with pytest.raises(Unavailable):
        carry_out(Apply(SERVICE), answers=refuse("services", lambda: refusal(500, "Internal")))


def test_a_kind_that_the_cluster_does_not_have_is_said() -> None:
    metadata = {"name": "one", "namespace": "music"}
    body = {"apiVersion": CERTIFICATE_VERSION, "kind": "Certificate", "metadata": metadata}
    answers = refuse("certificates", lambda: refusal(404, "NotFound"))
    outcome, _ = carry_out(Apply(body), answers=answers)

    assert [each.reason for each in outcome.waiting] == ["CertManagerMissing"]


def test_what_is_to_be_made_once_is_left_as_it_is() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys", "namespace": "music"},
        "data": {"access-keys": "people's"},
    }
    outcome, server = carry_out(Create({**secret, "data": {}}), present=(secret,))

    assert outcome.waiting == []
    assert server.of("Secret")[0]["data"] == {"access-keys": "people's"}


def test_a_claim_is_marked_grown_and_deleted_if_it_is_this_very_one() -> None:
    actions = (MarkClaim("data-0", "c", Departure.LEAVING), DeleteClaim("data-0", "other"))
    _, server = carry_out(*actions, present=(claim(),))
    (found,) = server.of("PersistentVolumeClaim")
    assert found["metadata"]["annotations"] == {"stator.dev/departure": "Leaving"}

    outcome, server = carry_out(MarkClaim("data-0", "other", Departure.LEAVING), present=(claim(),))
    assert outcome.waiting == []
    assert "annotations" not in server.of("PersistentVolumeClaim")[0]["metadata"]

    assert carry_out(DeleteClaim("data-0", "c"), present=(claim(),))[1].objects == {}
    assert carry_out(GrowClaim("gone", "2Gi"))[0].waiting == []


def answers_of_a_budget(asked: Asked) -> web.Response | None:
    if asked.part == "eviction":
        return refusal(429, "TooManyRequests", "the budget needs 1 more")
    return None


def test_a_pod_goes_by_eviction_and_only_one_that_nobody_reaches_without() -> None:
    outcome, server = carry_out(
        RestartPod("pod-0", "p"), present=(pod(),), answers=answers_of_a_budget
    )
    assert [each.reason for each in outcome.waiting] == ["RestartsWait"]
    assert len(server.of("Pod")) == 1

    outcome, server = carry_out(
        RestartPod("pod-0", "p", at_once=True), present=(pod(),), answers=answers_of_a_budget
    )
    assert outcome.waiting == []
    assert server.of("Pod") == []


def test_a_set_is_deleted_and_its_pods_are_orphaned() -> None:
    metadata = {"name": "set", "namespace": "music", "uid": "s"}
    body = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": {}}
    _, server = carry_out(OrphanSet("set", "s"), present=(body, pod()))

    assert server.of("StatefulSet") == []
    assert len(server.of("Pod")) == 1
    (asked,) = server.writes
    assert asked.sent["propagationPolicy"] == "Orphan"


def test_another_template_is_noticed() -> None:
    metadata = {"name": "set", "namespace": "music", "labels": {}}
    head: dict[str, Any] = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata}
    before = {**head, "spec": {"replicas": 1, "template": {"image": "old"}}}
    scaled = {**head, "spec": {"replicas": 2, "template": {"image": "old"}}}
    changed = {**head, "spec": {"replicas": 1, "template": {"image": "new"}}}

    assert carry_out(Apply(scaled), present=(before,))[0].retemplated == set()
    assert carry_out(Apply(changed), present=(before,))[0].retemplated == {("StatefulSet", "set")}
