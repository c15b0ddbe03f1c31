"""`kubectl` is run as the person would run it; what it says is handed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.plugin.told_kubectl import ToldKubectl
from stator_node.plugin.kubectl import Kubectl, KubectlFailed


@pytest.fixture
def told(tmp_path: Path) -> ToldKubectl:
    return ToldKubectl(tmp_path)


def test_its_options_come_first(told: ToldKubectl) -> None:
    told.tell_items("pods", {"kind": "Pod"})
    kubectl = Kubectl(("--namespace=music",), str(told.program))

    assert kubectl.items("pods", "--selector=a") == [{"kind": "Pod"}]
    assert told.calls() == [["--namespace=music", "get", "pods", "--selector=a", "--output=json"]]


def test_its_refusal_is_the_reason(told: ToldKubectl) -> None:
    with pytest.raises(KubectlFailed, match="refused: get pods"):
        Kubectl((), str(told.program)).items("pods")


def test_where_there_is_none_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(KubectlFailed, match="cannot be run: No such file"):
        Kubectl((), str(tmp_path / "none"))("version")


def test_a_command_runs_in_a_container(told: ToldKubectl) -> None:
    told.tell(["exec"], "said")

    assert Kubectl((), str(told.program)).execute("p", "c", "stator", "x") == "said"
    assert told.calls() == [["exec", "p", "--container=c", "--", "stator", "x"]]


@pytest.mark.parametrize("kinds", ["secrets", "pods,secret", "all"])
def test_secrets_cannot_be_asked_for(told: ToldKubectl, kinds: str) -> None:
    with pytest.raises(AssertionError):
        Kubectl((), str(told.program)).items(kinds)


def test_the_namespace_is_the_one_named_or_the_current_one(told: ToldKubectl) -> None:
    assert Kubectl(("--namespace=music",), str(told.program)).namespace() == "music"
    told.tell(["config", "view"], "books")
    assert Kubectl((), str(told.program)).namespace() == "books"
