"""The operator's figures are text that Prometheus reads."""

from __future__ import annotations

from stator_operator.metrics import Metrics


def test_durations_are_counted_up_to_each_bound() -> None:
    metrics = Metrics()
    for seconds in (0.01, 0.2, 99.0):
        metrics.worked("StoragePool", seconds, failed=False)
    lines = metrics.text().splitlines()
    name = "stator_operator_reconcile_seconds"

    assert f'{name}_bucket{{kind="StoragePool",le="0.05"}} 1' in lines
    assert f'{name}_bucket{{kind="StoragePool",le="0.25"}} 2' in lines
    assert f'{name}_bucket{{kind="StoragePool",le="30.0"}} 2' in lines
    assert f'{name}_bucket{{kind="StoragePool",le="+Inf"}} 3' in lines
    assert f'{name}_count{{kind="StoragePool"}} 3' in lines
    assert f'{name}_sum{{kind="StoragePool"}} 99.21' in lines


def test_every_figure_says_what_it_is() -> None:
    metrics = Metrics()
    metrics.wrote("Service")
    metrics.worked("StoragePool", 1.0, failed=True)
    lines = metrics.text().splitlines()
    named = {line.split(" ")[2] for line in lines if line.startswith("# TYPE")}

    for line in lines:
        if not line.startswith("#"):
            name = line.partition("{")[0].partition(" ")[0]
            for ending in ("_bucket", "_sum", "_count"):
                name = name.removesuffix(ending)
            assert name in named
    assert 'stator_operator_api_writes_total{kind="Service"} 1' in lines


def test_a_certificates_end_is_a_figure_until_its_pool_is_gone() -> None:
    metrics = Metrics()
    metrics.certificate_ends("music", "default", 1_795_000_000.0)
    name = "stator_operator_certificate_end_timestamp_seconds"

    assert f'{name}{{namespace="music",name="default"}} 1795000000\n' in metrics.text()
    metrics.certificate_ends("music", "default", None)
    assert f"{name}{{" not in metrics.text()


def test_conditions_are_figures_and_go_with_their_object() -> None:
    metrics = Metrics()
    conditions = [{"type": "Ready", "status": "False"}, {"type": "Accepted", "status": "True"}]
    metrics.said("StoragePool", "music", "default", conditions)
    metrics.said("StoragePool", "music", "other", [{"type": "Ready", "status": "Unknown"}])
    name = 'stator_operator_condition{kind="StoragePool",namespace="music"'

    assert f'{name},name="default",type="Ready"}} 0' in metrics.text()
    assert f'{name},name="default",type="Accepted"}} 1' in metrics.text()
    assert f'{name},name="other",type="Ready"}} -1' in metrics.text()
    metrics.said("StoragePool", "music", "default", [])
    assert 'name="default"' not in metrics.text()
