"""A support bundle holds what helps, and no secret."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from node.plugin import sample_pool_objects as sample
from node.plugin.told_kubectl import ToldKubectl
from stator_node.plugin.kubectl import Kubectl
from stator_node.plugin.report import KINDS, without_secrets, write_report


@pytest.fixture
def told(tmp_path: Path) -> ToldKubectl:
    made = ToldKubectl(tmp_path)
    made.tell_items("storagepools.stator.dev", sample.pool())
    made.tell_items("pods", *sample.pods())
    made.tell(["exec", "default-supervisor-0"], json.dumps(sample.cluster()))
    for kinds in KINDS.values():
        if kinds != "networkpolicies":
            made.tell_items(kinds)
    return made


def read(file: Path) -> dict[str, str]:
    with tarfile.open(file) as bundle:
        return {
            each.name.partition("/")[2]: content.read().decode()
            for each in bundle.getmembers()
            if (content := bundle.extractfile(each)) is not None
        }


def test_objects_logs_and_what_supervisors_say_are_in_it(told: ToldKubectl, tmp_path: Path) -> None:
    told.tell(["logs", "default-a-0", "--previous"], "before\n")
    told.tell(["logs"], "a line\n")
    file = tmp_path / "report.tar.gz"

    write_report(Kubectl((), str(told.program)), file, 50, "1.2.3")

    contents = read(file)
    assert contents["version.txt"] == "1.2.3\n"
    assert contents["logs/default-a-0/storage.log"] == "a line\n"
    assert contents["logs/default-a-0/storage.previous.log"] == "before\n"
    assert "node-b" in contents["pools/default.txt"]
    assert json.loads(contents["objects/pods.json"])[0]["metadata"]["name"] == "default-a-0"
    assert any("--tail=50" in call for call in told.calls())


def test_what_could_not_be_had_is_said_and_the_rest_is_there(
    told: ToldKubectl, tmp_path: Path
) -> None:
    file = tmp_path / "report.tar.gz"

    missing = write_report(Kubectl((), str(told.program)), file, 50, "1")

    contents = read(file)
    assert "objects/policies.json: refused" in contents["missing.txt"]
    assert "logs/default-a-0/storage.log: refused" in contents["missing.txt"]
    assert "objects/events.json" in contents
    # That a container has no earlier log is the usual case.
    assert not any("previous" in each for each in missing)


def test_nobody_asks_for_secrets(told: ToldKubectl, tmp_path: Path) -> None:
    write_report(Kubectl((), str(told.program)), tmp_path / "r.tar.gz", 50, "1")

    asked = {word for call in told.calls() for word in call[1].split(",") if call[0] == "get"}
    assert asked
    assert not any("secret" in word for word in asked)


def test_variables_that_sound_like_secrets_lose_their_values() -> None:
    container = {
        "env": [
            {"name": "AWS_SECRET_ACCESS_KEY", "value": "hush"},
            {"name": "DB_PASSWORD", "value": "hush"},
            {"name": "POD_IP", "value": "10.0.0.1"},
        ]
    }
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "hush", "own": "stays"}
    made = {
        "metadata": {"annotations": annotations, "managedFields": [{}]},
        "spec": {"containers": [container]},
    }

    told = without_secrets([made])

    assert "hush" not in json.dumps(told)
    assert "10.0.0.1" in json.dumps(told)
    assert told[0]["metadata"] == {"annotations": {"own": "stays"}}
