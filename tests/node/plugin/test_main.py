"""`kubectl stator` as people type it: what it prints, what it has done, how it ends."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from node.plugin import sample_pool_objects as sample
from node.plugin.told_kubectl import ToldKubectl
from stator_node.plugin.__main__ import run
from stator_node.plugin.command_line import parse


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToldKubectl:
    made = ToldKubectl(tmp_path)
    monkeypatch.setenv("KUBECTL", str(made.program))
    made.tell_items("storagepools.stator.dev", sample.pool())
    made.tell_items("pods", *sample.pods())
    made.tell(["exec", "status"], json.dumps(sample.cluster()))
    return made


def say(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    code = run(parse(list(words)), out)
    return code, out.getvalue()


def test_status_for_people_and_for_programs(told: ToldKubectl) -> None:
    code, text = say("status")
    _, read = say("status", "--output=json")

    assert code == 0
    assert "Pool default" in text
    (pool,) = json.loads(read)
    assert pool["cluster"]["nodes"][0]["pod"] == "default-a-0"


def test_partitions_of_a_table(told: ToldKubectl) -> None:
    _, text = say("partitions", "Art")
    _, read = say("partitions", "Art", "-o", "json")

    assert "Music" not in text
    assert "Art" in text
    (pool,) = json.loads(read)
    assert [each["partition_id"] for each in pool["partitions"]] == [3]


def test_a_pod_is_drained_by_its_name(told: ToldKubectl) -> None:
    told.tell(["exec", "drain", "node-b"], json.dumps({"node_id": "node-b"}))

    code, text = say("drain", "default-b-0")
    _, stays = say("drain", "default-b-0", "--cancel")

    assert code == 0
    assert text == "Node node-b is being drained: see `kubectl stator status`.\n"
    assert stays == "Node node-b stays.\n"
    assert "--cancel" in told.calls()[-1]


def test_a_partition_is_led_from_a_pod(told: ToldKubectl) -> None:
    answer = {"node_id": "node-c", "partition_id": 1}
    told.tell(["exec", "transfer", "1", "node-c"], json.dumps(answer))

    code, text = say("transfer", "1", "default-c-0")

    assert (code, text) == (0, "Node node-c is to lead partition 1.\n")


def test_a_pod_is_replaced_by_the_operator_that_is_asked_to(told: ToldKubectl) -> None:
    told.tell(["annotate", "pod"], "")

    code, _ = say("replace", "default-a-0")
    assert code == 0
    assert told.calls()[-1] == [
        *("annotate", "pod", "default-a-0", "stator.dev/replace=true", "--overwrite")
    ]

    say("replace", "default-a-0", "--cancel")
    assert "stator.dev/replace-" in told.calls()[-1]


def test_a_pod_that_is_none_is_refused(
    told: ToldKubectl, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = say("replace", "default-x-0")

    assert code == 1
    assert "has no storage pod 'default-x-0'" in capsys.readouterr().err


def test_what_the_supervisor_refuses_is_the_reason(
    told: ToldKubectl, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = say("transfer", "9", "default-a-0")

    assert code == 1
    assert "refused: exec" in capsys.readouterr().err


def test_a_report_is_named_after_its_namespace(
    told: ToldKubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    code, text = say("report", "--namespace=music")

    assert code == 0
    (file,) = tmp_path.glob("stator-report-music-*.tar.gz")
    assert file.name in text
    assert "no Secrets are in it" in text


def test_a_namespace_without_pools_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ToldKubectl(tmp_path)
    monkeypatch.setenv("KUBECTL", str(made.program))
    made.tell_items("storagepools.stator.dev")
    made.tell_items("pods")

    assert say("status") == (0, "There is no StoragePool in this namespace.\n")
