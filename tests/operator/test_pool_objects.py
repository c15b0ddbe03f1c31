"""The objects of a pool: restricted, pinned to zones, found by labels that never change."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sample_pool import SETTINGS, a_pool
from stator_node.cli import DrainSettings, GatewaySettings, NodeSettings, SupervisorSettings, parse
from stator_operator.naming import certificate_names
from stator_operator.objects.gateway_deployment import gateway_deployment
from stator_operator.objects.network_policies import gateway_policy, storage_policy
from stator_operator.objects.pod import HEALTH_PORT
from stator_operator.objects.pod_disruption_budgets import gateway_budget, storage_budget
from stator_operator.objects.services import gateway_service, storage_service
from stator_operator.objects.stateful_set import stateful_set
from stator_operator.objects.supervisor import (
    supervisor_policy,
    supervisor_service,
    supervisor_set,
)
from stator_operator.pool_plan import common_children
from stator_operator.storage_pool import PodSettings, Pool

POOL = a_pool()


def children(pool: Pool) -> list[dict[str, Any]]:
    return [*common_children(pool), *(stateful_set(pool, zone, 1) for zone in pool.zones)]


def workloads(pool: Pool) -> list[dict[str, Any]]:
    return [each for each in children(pool) if each["kind"] in ("StatefulSet", "Deployment")]


def test_every_child_is_the_pools_own() -> None:
    for child in children(POOL):
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("StoragePool", "u-1", True)
        assert child["metadata"]["namespace"] == "music"


def test_no_two_children_of_one_kind_share_a_name() -> None:
    names = [(child["kind"], child["metadata"]["name"]) for child in children(POOL)]

    assert len(set(names)) == len(names)


def test_pods_are_restricted_and_nobody_in_particular() -> None:
    for workload in workloads(POOL):
        spec = workload["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert "runAsUser" not in json.dumps(workload)
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_a_cluster_may_choose_the_group_of_volumes() -> None:
    without = a_pool(PodSettings(image="i", group=None))
    spec = stateful_set(without, "zone-1", 1)["spec"]["template"]["spec"]

    assert "fsGroup" not in spec["securityContext"]


def test_selectors_find_the_pods_of_their_workload_alone() -> None:
    for workload in workloads(POOL):
        found = [
            other["metadata"]["name"]
            for other in workloads(POOL)
            if workload["spec"]["selector"]["matchLabels"].items()
            <= other["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert found == [workload["metadata"]["name"]]


@pytest.mark.parametrize("zone", POOL.zones)
def test_pods_of_a_zone_stand_there_only(zone: str) -> None:
    affinity = stateful_set(POOL, zone, 1)["spec"]["template"]["spec"]["affinity"]
    needed = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]

    assert needed["nodeSelectorTerms"] == [
        {
            "matchExpressions": [
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}
            ]
        }
    ]


def test_nothing_restarts_or_loses_its_volume_by_itself() -> None:
    spec = stateful_set(POOL, "zone-1", 1)["spec"]

    assert spec["updateStrategy"] == {"type": "OnDelete"}
    assert set(spec["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"] == {"storage": "10Gi"}
    assert claim["spec"]["storageClassName"] == "zonal"


def test_the_default_class_is_taken_where_none_is_named() -> None:
    pool = a_pool(volume={"size": "1Gi"})
    (claim,) = stateful_set(pool, "zone-1", 1)["spec"]["volumeClaimTemplates"]

    assert "storageClassName" not in claim["spec"]


def test_probes_tell_starting_serving_and_dead_apart() -> None:
    for workload in workloads(POOL):
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        paths = [
            container[f"{kind}Probe"]["httpGet"]["path"]
            for kind in ("startup", "liveness", "readiness")
        ]
        assert paths == ["/started", "/alive", "/ready"]


def test_a_budget_spans_all_zones() -> None:
    """Two zones may hold two replicas of one partition."""
    budget = storage_budget(POOL, evictable=1)["spec"]

    assert budget["maxUnavailable"] == 1
    for zone in POOL.zones:
        labels = stateful_set(POOL, zone, 1)["spec"]["template"]["metadata"]["labels"]
        assert budget["selector"]["matchLabels"].items() <= labels.items()
    gateways = gateway_deployment(POOL)["spec"]["template"]["metadata"]["labels"]
    assert gateway_budget(POOL)["spec"]["selector"]["matchLabels"].items() <= gateways.items()
    assert not budget["selector"]["matchLabels"].items() <= gateways.items()


def test_storage_pods_are_started_and_named_before_they_are_ready() -> None:
    """A pod is ready when it has what its peers have: it must find them, and they must be there."""
    service = storage_service(POOL)["spec"]
    assert stateful_set(POOL, "zone-1", 2)["spec"]["podManagementPolicy"] == "Parallel"

    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True


def test_clients_find_both_doors() -> None:
    ports = {each["name"]: each["port"] for each in gateway_service(POOL)["spec"]["ports"]}

    assert ports == {"http": 8000, "grpc": 8001}


def test_storage_pods_hear_their_pool_alone() -> None:
    rule, _ = storage_policy(POOL)["spec"]["ingress"]
    own, gateways, supervisor = (each["podSelector"]["matchLabels"] for each in rule["from"])

    assert own["stator.dev/pool"] == "default"
    assert gateways["app.kubernetes.io/component"] == "gateway"
    assert supervisor["stator.dev/pool"] == "default"
    assert "from" not in gateway_policy(POOL)["spec"]["ingress"][0]


def test_a_supervisor_hears_the_operator_at_a_port_that_nobody_else_reaches() -> None:
    gateways, operator, _ = supervisor_policy(POOL)["spec"]["ingress"]
    (port,) = operator["ports"]
    container = supervisor_set(POOL)["spec"]["template"]["spec"]["containers"][0]

    assert f"--operator-port={port['port']}" in container["args"]
    assert operator["from"][0]["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": SETTINGS.operator_namespace
    }
    assert port not in gateways["ports"]


@pytest.mark.parametrize("make", [storage_policy, gateway_policy, supervisor_policy])
def test_figures_are_read_from_wherever_prometheus_stands(
    make: Callable[[Pool], dict[str, Any]],
) -> None:
    *_, figures = make(POOL)["spec"]["ingress"]

    assert figures == {"ports": [{"protocol": "TCP", "port": HEALTH_PORT}]}


def test_what_a_pool_says_of_nodes_is_in_every_pod() -> None:
    toleration = {"key": "database", "operator": "Exists"}
    pool = a_pool(nodeSelector={"disk": "ssd"}, tolerations=[toleration])
    for workload in workloads(pool):
        spec = workload["spec"]["template"]["spec"]
        assert spec["nodeSelector"] == {"disk": "ssd"}
        assert spec["tolerations"] == [toleration]


def test_secrets_for_the_image_are_named() -> None:
    pool = a_pool(PodSettings(image="i", image_pull_secrets=("registry",)))

    for workload in workloads(pool):
        assert workload["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_gateways_start_by_a_command_that_stator_takes() -> None:
    (container,) = gateway_deployment(POOL)["spec"]["template"]["spec"]["containers"]

    settings = parse(container["args"])
    assert isinstance(settings, GatewaySettings)
    assert settings.seeds == (("default-storage.music.svc", 8002),)
    assert settings.supervisor == (("default-supervisor.music.svc", 8002),)
    assert {each["name"]: each["containerPort"] for each in container["ports"]} == {
        "http": settings.port,
        "grpc": settings.grpc_port,
        "health": settings.health_port,
    }


@pytest.mark.parametrize("workload", workloads(POOL), ids=lambda each: each["metadata"]["name"])
def test_pods_speak_under_the_certificate_of_their_pool(workload: dict[str, Any]) -> None:
    spec = workload["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    settings = parse(container["args"])
    assert isinstance(settings, GatewaySettings | NodeSettings | SupervisorSettings)
    assert settings.tls is not None
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == "tls"]
    (volume,) = [each for each in spec["volumes"] if each["name"] == "tls"]

    for file, name in (
        (settings.tls.certificate, "tls.crt"),
        (settings.tls.key, "tls.key"),
        (settings.tls.authority, "ca.crt"),
    ):
        assert str(file) == f"{mount['mountPath']}/{name}"
    assert volume["secret"]["secretName"] == "default-tls"
    # Their authority may be cert-manager's, and sign for others too.
    assert settings.tls.peer_name == "default-storage.music.svc"
    assert settings.tls.peer_name in certificate_names(POOL.name, POOL.namespace)
    # A file mounted by `subPath` would stay as it was when the Secret changes.
    assert "subPath" not in mount
    assert volume["secret"]["defaultMode"] == 0o440


def test_no_pod_has_the_authoritys_key() -> None:
    for workload in workloads(POOL):
        assert "default-authority" not in json.dumps(workload)


def test_gateways_alone_have_the_access_keys() -> None:
    having = [
        each["metadata"]["name"]
        for each in workloads(POOL)
        if "default-access-keys" in json.dumps(each["spec"]["template"])
    ]
    (container,) = gateway_deployment(POOL)["spec"]["template"]["spec"]["containers"]
    settings = parse(container["args"])

    assert having == ["default-gateway"]
    assert isinstance(settings, GatewaySettings)
    assert str(settings.access_keys) == "/etc/stator/access-keys/access-keys"


def test_clients_are_shown_the_certificate_of_a_secret_that_is_named() -> None:
    spec = {"replicas": 1, "resources": {}, "tlsSecretName": "public"}
    template = gateway_deployment(a_pool(gateway=spec))["spec"]["template"]["spec"]
    (container,) = template["containers"]
    settings = parse(container["args"])
    assert isinstance(settings, GatewaySettings)
    plain = parse(gateway_deployment(POOL)["spec"]["template"]["spec"]["containers"][0]["args"])

    assert settings.https is not None
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == "https"]
    (volume,) = [each for each in template["volumes"] if each["name"] == "https"]
    assert str(settings.https.certificate) == f"{mount['mountPath']}/tls.crt"
    assert str(settings.https.key) == f"{mount['mountPath']}/tls.key"
    assert volume["secret"]["secretName"] == "public"
    assert isinstance(plain, GatewaySettings)
    assert plain.https is None


def test_a_pool_without_tls_mounts_no_certificate() -> None:
    for workload in workloads(a_pool(tls={"issuedBy": "None"})):
        assert "tls" not in json.dumps(workload["spec"]["template"])


def test_the_supervisor_starts_by_a_command_that_stator_takes() -> None:
    steering = supervisor_set(POOL)["spec"]
    (container,) = steering["template"]["spec"]["containers"]

    settings = parse(container["args"])
    assert isinstance(settings, SupervisorSettings)
    assert settings.seeds == (("default-storage.music.svc", 8002),)
    assert settings.port == supervisor_service(POOL)["spec"]["ports"][0]["port"]
    assert steering["replicas"] == 1


def test_storage_pods_find_each_other_by_name_while_nobody_steers() -> None:
    (container,) = stateful_set(POOL, "zone-1", 1)["spec"]["template"]["spec"]["containers"]

    settings = parse(container["args"])
    assert isinstance(settings, NodeSettings)
    assert settings.seeds == (("default-storage.music.svc", 8002),)


def test_a_storage_pod_reads_the_fence_off_its_own_annotation() -> None:
    spec = stateful_set(POOL, "zone-1", 1)["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    settings = parse(container["args"])
    assert isinstance(settings, NodeSettings)
    assert settings.fence_file is not None
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == "pod-info"]
    (volume,) = [each for each in spec["volumes"] if each["name"] == "pod-info"]
    (item,) = volume["downwardAPI"]["items"]

    assert str(settings.fence_file) == f"{mount['mountPath']}/{item['path']}"
    assert item["fieldRef"]["fieldPath"] == "metadata.annotations['stator.dev/fenced']"
    assert "subPath" not in mount  # else it would stay as it was


def test_a_gateway_has_its_zone_from_the_label_of_its_pod() -> None:
    (container,) = gateway_deployment(POOL)["spec"]["template"]["spec"]["containers"]
    (zone,) = [each for each in container["env"] if each["name"] == "STATOR_ZONE"]

    field = "metadata.labels['topology.kubernetes.io/zone']"
    assert zone["valueFrom"]["fieldRef"]["fieldPath"] == field


@pytest.mark.parametrize("workload", workloads(POOL), ids=lambda each: each["metadata"]["name"])
def test_what_a_process_says_at_its_end_is_in_its_pods_status(workload: dict[str, Any]) -> None:
    (container,) = workload["spec"]["template"]["spec"]["containers"]

    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_a_suspended_pool_has_neither_gateways_nor_a_supervisor() -> None:
    asleep = a_pool(suspend=True)

    assert gateway_deployment(asleep)["spec"]["replicas"] == 0
    assert supervisor_set(asleep)["spec"]["replicas"] == 0


def test_storage_pods_start_and_drain_by_commands_that_stator_takes() -> None:
    (container,) = stateful_set(POOL, "zone-1", 1)["spec"]["template"]["spec"]["containers"]

    settings = parse(container["args"])
    assert isinstance(settings, NodeSettings)
    assert (settings.zone, settings.cluster_id) == ("zone-1", "u-1")
    assert {each["name"]: each["containerPort"] for each in container["ports"]} == {
        "frames": settings.port,
        "health": settings.health_port,
    }
    command = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command[0] == "stator"
    assert parse(command[1:]) == DrainSettings(settings.health_port)
