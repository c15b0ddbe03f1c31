"""What the words of `kubectl stator` mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from stator_node.plugin.command_line import PluginSettings, parse


def test_kubectls_own_options_are_handed_on() -> None:
    settings = parse(["status", "-n", "music", "--context=prod", "--kubeconfig", "k"])

    assert settings.kubectl_options == ("--kubeconfig=k", "--context=prod", "--namespace=music")


def test_each_action_has_what_it_takes() -> None:
    assert parse(["status", "-o", "json"]) == PluginSettings("status", (), None, "json")
    assert parse(["partitions", "Music"]).subject == "Music"
    assert parse(["drain", "default-a-0", "--cancel", "--pool=default"]) == PluginSettings(
        "drain", (), "default", node="default-a-0", cancel=True
    )
    assert parse(["transfer", "7", "default-a-0"]).subject == "7"
    assert parse(["report", "--file=f", "--log-lines=9"]) == PluginSettings(
        "report", (), None, file=Path("f"), log_lines=9
    )


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["drain"],
        ["transfer", "Music", "default-a-0"],
        ["report", "--log-lines=0"],
        ["drain", "default-a-0", "--output=json"],
    ],
)
def test_wrong_words_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(words)

    assert ended.value.code == 2
