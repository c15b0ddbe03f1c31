"""The operator's command line: what it must be told, and what is wrong is said."""

from __future__ import annotations

import pytest

from stator_operator.operator_settings import parse

POD = {"POD_NAME": "stator-operator-abc", "POD_NAMESPACE": "stator-system"}
NEEDED = ["--all-namespaces", "--image=stator:1"]


def test_a_pod_says_who_and_where_it_is() -> None:
    settings = parse(NEEDED, POD)

    assert settings.identity == "stator-operator-abc"
    assert settings.own_namespace == "stator-system"
    assert settings.pods.operator_namespace == "stator-system"
    assert settings.namespaces is None


def test_namespaces_can_be_several_and_count_once() -> None:
    words = ["--namespace=a", "--namespace=b", "--namespace=a", "--image=stator:1"]

    assert parse(words, POD).namespaces == ("a", "b")


def test_a_cluster_may_give_volumes_their_group() -> None:
    assert parse([*NEEDED, "--volume-group=none"], POD).pods.group is None
    assert parse([*NEEDED, "--volume-group=2000"], POD).pods.group == 2000


@pytest.mark.parametrize(
    "words,text",
    [
        (["--image=x"], "one of the arguments --namespace --all-namespaces is required"),
        (["--all-namespaces"], "the following arguments are required: --image"),
        (["--all-namespaces", "--namespace=a", "--image=x"], "not allowed with argument"),
        (["--namespace=A_b", "--image=x"], "'A_b' is no name of a namespace"),
        ([*NEEDED, "--volume-group=0"], "'0' is neither a group's number nor `none`"),
        ([*NEEDED, "--resync-seconds=-1"], "'-1' is no number of seconds up to a day"),
        ([*NEEDED, "--workers=0"], "invalid choice: 0"),
    ],
)
def test_what_is_wrong_is_said(
    words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        parse(words, POD)

    assert end.value.code == 2
    assert text in capsys.readouterr().err


def test_without_a_pods_environment_both_must_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(NEEDED, {})
    assert "--own-namespace, or POD_NAMESPACE" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        parse([*NEEDED, "--own-namespace=x"], {})
    assert "--identity, or POD_NAME" in capsys.readouterr().err
