"""Alerts: Prometheus' own tool takes them, each fires when it should and rests when it should."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.chart import CHART

RULES = CHART / "monitoring" / "alerts.yaml"
PAGE = CHART.parents[1] / "docs" / "operations" / "kubernetes.md"
POOL = 'kind="StoragePool",namespace="music",name="default"'
VOLUME = 'namespace="music",persistentvolumeclaim="data-default-zone-1-0"'
ENDS = 'stator_operator_certificate_end_timestamp_seconds{namespace="music",name="default"}'
REQUESTS = 'stator_gateway_requests_total{namespace="music",operation="PutItem"'
READY = f'stator_operator_condition{{{POOL},type="Ready"}}'
REPLICATED = f'stator_operator_condition{{{POOL},type="FullyReplicated"}}'

# By alert: series under which it fires in the end, and series under which it does not.
CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "StatorOperatorAway": (
        {"stator_operator_lease_held": "0x60"},
        {
            'stator_operator_lease_held{pod="a"}': "1x60",
            'stator_operator_lease_held{pod="b"}': "0x60",
        },
    ),
    "StatorOperatorFails": (
        {'stator_operator_reconcile_failures_total{kind="StoragePool"}': "0+1x60"},
        {'stator_operator_reconcile_failures_total{kind="StoragePool"}': "0x30 2x30"},
    ),
    "StatorOperatorWatchBehind": (
        {'stator_operator_watch_is_behind{kind="Pod"}': "1x60"},
        {'stator_operator_watch_is_behind{kind="Pod"}': "0x58 1x2"},
    ),
    "StatorPoolNotReady": ({READY: "1x20 0x40"}, {READY: "0x5 1x55"}),
    "StatorReplicasLacking": ({REPLICATED: "0x60"}, {REPLICATED: "-1x60"}),
    "StatorSupervisorSilent": ({REPLICATED: "-1x60"}, {REPLICATED: "0x60"}),
    "StatorNotAccepted": (
        {f'stator_operator_condition{{{POOL},type="Accepted"}}': "0x60"},
        {f'stator_operator_condition{{{POOL},type="Accepted"}}': "1x60"},
    ),
    # promtool begins at the epoch.
    "StatorCertificateEnds": ({ENDS: "600000x120"}, {ENDS: "6000000x120"}),
    "StatorRequestsFail": (
        {
            f'{REQUESTS},error=""}}': "0+900x60",
            f'{REQUESTS},error="InternalServerError"}}': "0+100x60",
        },
        {
            f'{REQUESTS},error=""}}': "0+900x60",
            f'{REQUESTS},error="ConditionalCheckFailedException"}}': "0+900x60",
        },
    ),
    "StatorVolumeNearlyFull": (
        {
            f"kubelet_volume_stats_available_bytes{{{VOLUME}}}": "10x60",
            f"kubelet_volume_stats_capacity_bytes{{{VOLUME}}}": "100x60",
            READY: "1x60",
        },
        # Somebody else's volumes, in a namespace without a pool.
        {
            f"kubelet_volume_stats_available_bytes{{{VOLUME}}}": "10x60",
            f"kubelet_volume_stats_capacity_bytes{{{VOLUME}}}": "100x60",
        },
    ),
}


def alerts() -> dict[str, Any]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {each["alert"]: each for each in group["rules"]}


def test_prometheus_takes_the_rules(promtool: Path) -> None:
    done = subprocess.run(
        [promtool, "check", "rules", RULES], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(alerts())} rules found" in done.stdout


@pytest.mark.parametrize("fires", [True, False], ids=["fires", "rests"])
@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires_when_it_should(
    promtool: Path, tmp_path: Path, alert: str, fires: bool
) -> None:
    series = CASES[alert][0 if fires else 1]
    # promtool compares all alerts of a name; an empty list says that there are none.
    expected: dict[str, Any] = {
        "eval_time": "119m" if alert == "StatorCertificateEnds" else "60m",
        "alertname": alert,
        "exp_alerts": [],
    }
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": figures} for name, figures in series.items()
                ],
                "alert_rule_test": [expected],
            }
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(test))

    done = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, check=False
    )

    said = done.stdout + done.stderr
    if not fires:
        assert done.returncode == 0, said
        return
    _, _, got = said.partition("got:")
    assert f'alertname="{alert}"' in got, said
    assert "no value" not in got, "a label that the series do not have"


def test_every_alert_is_shown_to_fire_and_has_its_page() -> None:
    headings = re.findall(r"^### (Stator\w+)$", PAGE.read_text(), re.M)

    assert set(CASES) == set(alerts())
    assert headings == list(alerts())
