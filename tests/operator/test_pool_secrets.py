"""The Secrets of a pool: made once, renewed in time, never taken from anybody."""

from __future__ import annotations

import base64
import copy
from dataclasses import replace
from typing import Any

import pytest

from sample_pool import BODY, SETTINGS, a_pool
from stator_node.gateway.access_keys import parse_file
from stator_operator.certificates import bundle_parts
from stator_operator.pool_actions import Apply
from stator_operator.pool_secrets import (
    ROTATE_ANNOTATION,
    Create,
    SecretsPlan,
    certificate_end,
    new_access_key,
    own_secret_names,
    plan_secrets,
    secret_names,
)

Object = dict[str, Any]
NOW = 1_795_000_000.0
HOUR = 3_600.0
POOL = a_pool(replace(SETTINGS, secret_spread_seconds=HOUR))
AUTHORITY, TLS, KEYS = own_secret_names("default")


class Kubernetes:
    """The Secrets of a namespace. `stop_after`: the operator is killed after so many writes."""

    def __init__(self) -> None:
        self.secrets: dict[str, Object] = {}
        self.writes = 0

    def reconcile(self, now: float, stop_after: int = 99, pool: Any = POOL) -> SecretsPlan:
        plan = plan_secrets(pool, copy.deepcopy(self.secrets), now)
        for action in plan.actions[:stop_after]:
            name = action.body["metadata"]["name"]
            if action.body["kind"] != "Secret":
                continue
            assert not (isinstance(action, Create) and name in self.secrets)
            self.secrets[name] = action.body
            self.writes += 1
        return plan

    def data(self, name: str) -> dict[str, bytes]:
        return {k: base64.b64decode(v) for k, v in self.secrets[name]["data"].items()}


@pytest.fixture
def kubernetes() -> Kubernetes:
    made = Kubernetes()
    made.reconcile(NOW)
    return made


def test_a_new_pool_gets_all_three_and_then_nothing_more(kubernetes: Kubernetes) -> None:
    assert set(kubernetes.secrets) == {AUTHORITY, TLS, KEYS}
    assert set(kubernetes.data(TLS)) == {"tls.crt", "tls.key", "ca.crt"}

    assert kubernetes.reconcile(NOW + 60) == SecretsPlan()
    assert kubernetes.reconcile(NOW + 59 * 24 * HOUR) == SecretsPlan()


@pytest.mark.parametrize("stop_after", range(3))
def test_an_operator_that_is_killed_between_writes_arrives(stop_after: int) -> None:
    kubernetes = Kubernetes()
    kubernetes.reconcile(NOW, stop_after)

    kubernetes.reconcile(NOW + 1)

    assert set(kubernetes.secrets) == {AUTHORITY, TLS, KEYS}
    assert kubernetes.reconcile(NOW + 2).actions == ()


def test_the_authoritys_key_is_written_before_what_it_signed() -> None:
    names = [
        each.body["metadata"]["name"]
        for each in plan_secrets(POOL, {}, NOW).actions
        if isinstance(each, Apply)
    ]

    assert names == [AUTHORITY, TLS]


def test_the_first_key_is_one_that_a_gateway_takes(kubernetes: Kubernetes) -> None:
    keys = parse_file(kubernetes.data(KEYS)["access-keys"].decode(), "access-keys")

    (key,) = keys.values()
    assert len(key.access_key_id) == 20
    assert len(key.secret_access_key) == 40


def test_no_two_keys_are_alike() -> None:
    assert len({new_access_key() for _ in range(100)}) == 100


def test_peoples_keys_are_left_alone(kubernetes: Kubernetes) -> None:
    own = base64.b64encode(b"AKID secret\n").decode()
    kubernetes.secrets[KEYS] = {"metadata": {"name": KEYS}, "data": {"access-keys": own}}

    assert kubernetes.reconcile(NOW + 60).actions == ()


def test_keys_outlive_their_pool_and_certificates_do_not(kubernetes: Kubernetes) -> None:
    """A pool that is deleted and made again finds its volumes, and its clients their keys."""
    assert "ownerReferences" not in kubernetes.secrets[KEYS]["metadata"]
    assert kubernetes.secrets[TLS]["metadata"]["ownerReferences"]
    assert kubernetes.secrets[AUTHORITY]["metadata"]["ownerReferences"]


def test_a_secret_without_keys_is_said_to_have_none(kubernetes: Kubernetes) -> None:
    kubernetes.secrets[KEYS] = {"metadata": {"name": KEYS}, "data": {"keys": ""}}

    plan = kubernetes.reconcile(NOW + 60)

    (waiting,) = plan.waiting
    assert waiting.reason == "AccessKeysMissing"
    assert "`access-keys`" in waiting.message


def test_the_end_of_what_pods_have_is_known_whoever_made_it(kubernetes: Kubernetes) -> None:
    assert certificate_end("default", kubernetes.secrets) == NOW + 90 * 24 * HOUR
    # With a key of another kind, as somebody else's tools make it.
    kubernetes.secrets[TLS]["data"]["tls.key"] = ""
    assert certificate_end("default", kubernetes.secrets) == NOW + 90 * 24 * HOUR
    kubernetes.secrets[TLS]["data"]["tls.crt"] = "ZGFtYWdlZA=="
    assert certificate_end("default", kubernetes.secrets) is None
    assert certificate_end("default", {}) is None


@pytest.mark.parametrize("name", [AUTHORITY, TLS])
def test_a_strangers_secret_is_left_alone(name: str) -> None:
    kubernetes = Kubernetes()
    kubernetes.secrets[name] = {"metadata": {"name": name}, "data": {"mine": "eA=="}}

    plan = kubernetes.reconcile(NOW)

    assert [each.reason for each in plan.waiting] == ["SecretTaken"]
    assert set(kubernetes.secrets) == {name, KEYS}


def test_a_renewal_changes_the_certificate_and_not_whom_pods_trust(kubernetes: Kubernetes) -> None:
    before = kubernetes.data(TLS)

    kubernetes.reconcile(NOW + 61 * 24 * HOUR)

    after = kubernetes.data(TLS)
    assert after["tls.crt"] != before["tls.crt"]
    assert after["ca.crt"] == before["ca.crt"]


def test_a_word_has_the_authority_changed_in_three_steps(kubernetes: Kubernetes) -> None:
    pool = replace(POOL, annotations={ROTATE_ANNOTATION: "now"})
    before = kubernetes.data(TLS)

    kubernetes.reconcile(NOW + 1, pool=pool)
    trusting = kubernetes.data(TLS)
    kubernetes.reconcile(NOW + HOUR + 2, pool=pool)
    signed = kubernetes.data(TLS)
    kubernetes.reconcile(NOW + 2 * HOUR + 3, pool=pool)
    alone = kubernetes.data(TLS)

    assert trusting["tls.crt"] == before["tls.crt"]
    assert [len(bundle_parts(each["ca.crt"])) for each in (trusting, signed, alone)] == [2, 2, 1]
    assert signed["tls.crt"] != before["tls.crt"]
    assert alone["ca.crt"] != before["ca.crt"]
    assert len(kubernetes.data(AUTHORITY)) == 2
    assert kubernetes.reconcile(NOW + 4 * HOUR, pool=pool).actions == ()


def test_a_lost_authority_is_replaced_in_steps_too(kubernetes: Kubernetes) -> None:
    before = kubernetes.data(TLS)
    del kubernetes.secrets[AUTHORITY]

    kubernetes.reconcile(NOW + 60)

    after = kubernetes.data(TLS)
    assert after["tls.crt"] == before["tls.crt"]
    assert len(bundle_parts(after["ca.crt"])) == 2


@pytest.mark.parametrize("member", ["tls.crt", "tls.key", "ca.crt"])
def test_a_damaged_certificate_is_signed_anew(kubernetes: Kubernetes, member: str) -> None:
    before = kubernetes.data(TLS)
    kubernetes.secrets[TLS]["data"][member] = "ZGFtYWdlZA=="

    kubernetes.reconcile(NOW + 60)

    assert kubernetes.data(TLS)["ca.crt"] == before["ca.crt"]
    assert kubernetes.reconcile(NOW + 120).actions == ()


def test_with_cert_manager_there_is_a_certificate_and_no_key_of_ours() -> None:
    pool = a_pool(
        tls={"issuedBy": "CertManager", "issuer": {"name": "inner"}, "certificateDays": 30}
    )
    kubernetes = Kubernetes()

    plan = kubernetes.reconcile(NOW, pool=pool)

    (waiting,) = plan.waiting
    assert waiting.reason == "CertificateAwaited"
    (made,) = [each.body for each in plan.actions if each.body["kind"] == "Certificate"]
    assert set(kubernetes.secrets) == {KEYS}
    assert made["spec"]["secretName"] == TLS
    assert made["spec"]["issuerRef"] == {"name": "inner"}
    assert (made["spec"]["duration"], made["spec"]["renewBefore"]) == ("720h0m0s", "240h0m0s")
    assert {"server auth", "client auth"} <= set(made["spec"]["usages"])


def test_an_issuer_that_gives_no_authority_is_of_no_use() -> None:
    """As an ACME issuer: its certificates are verified by what every machine has."""
    pool = a_pool(tls={"issuedBy": "CertManager", "issuer": {"name": "acme"}})
    kubernetes = Kubernetes()
    written = {"tls.crt": "eA==", "tls.key": "eA==", "ca.crt": "eA=="}
    kubernetes.secrets[TLS] = {"metadata": {"name": TLS}, "data": written}
    assert kubernetes.reconcile(NOW, pool=pool).waiting == ()

    del written["ca.crt"]
    (waiting,) = kubernetes.reconcile(NOW, pool=pool).waiting

    assert waiting.reason == "IssuerUnusable"
    assert "spec.tls.issuer" in waiting.message


def test_a_certificate_for_clients_that_is_not_there_is_said() -> None:
    gateway = {"replicas": 1, "resources": {}, "tlsSecretName": "public"}
    pool = a_pool(replace(SETTINGS), gateway=gateway)
    kubernetes = Kubernetes()

    (waiting,) = kubernetes.reconcile(NOW, pool=pool).waiting
    assert waiting.reason == "GatewayCertificateMissing"
    assert "Secret public" in waiting.message

    data = {"tls.crt": "eA==", "tls.key": "eA=="}
    kubernetes.secrets["public"] = {"metadata": {"name": "public"}, "data": data}
    assert kubernetes.reconcile(NOW, pool=pool).waiting == ()


def test_what_is_looked_at_is_what_a_pool_has_and_names() -> None:
    body = copy.deepcopy(BODY)
    assert secret_names(body) == (AUTHORITY, TLS, KEYS)
    body["spec"]["gateway"]["tlsSecretName"] = TLS
    assert secret_names(body) == (AUTHORITY, TLS, KEYS)
    body["spec"]["gateway"]["tlsSecretName"] = "public"
    assert secret_names(body) == (AUTHORITY, TLS, KEYS, "public")


def test_without_tls_there_are_access_keys_alone() -> None:
    kubernetes = Kubernetes()

    kubernetes.reconcile(NOW, pool=a_pool(tls={"issuedBy": "None"}))

    assert set(kubernetes.secrets) == {KEYS}


def test_no_secret_is_in_what_is_said(kubernetes: Kubernetes) -> None:
    kubernetes.secrets[KEYS]["data"] = {"wrong": base64.b64encode(b"AKID hush").decode()}
    kubernetes.secrets[TLS]["metadata"]["labels"] = {}

    said = str(kubernetes.reconcile(NOW + 1).waiting)

    assert "hush" not in said
    assert "PRIVATE" not in said
