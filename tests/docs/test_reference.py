"""The reference pages say what the source says: options, limits, errors."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from docs.pages import ROOT, table_rows
from stator_core import errors, limits
from stator_core.errors import DynamoDBError
from stator_node import cli
from stator_node.gateway.http_limits import HttpLimits
from stator_node.plugin import command_line

REFERENCE = ROOT / "docs" / "reference"


def rows(page: str, first_cell: str) -> dict[str, list[str]]:
    """The rows of a reference table by their first cell, without its backticks."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    return {row[0].strip("`"): row[1:] for row in table_rows(text, first_cell)}


def number(cell: str) -> float:
    """`1,024 characters` -> 1024."""
    return float(cell.split(maxsplit=1)[0].replace(",", ""))


def test_every_option_of_the_command_line_is_on_its_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        cli.parse(["local", "--help"])
    options = set(re.findall(r"(?<![\w-])--[a-z-]+", capsys.readouterr().out.split("options:")[1]))
    page = table_rows((REFERENCE / "cli.md").read_text(encoding="utf-8"), "option")

    assert {name for row in page for name in re.findall(r"--[a-z-]+", row[0])} == options - {
        "--help"
    }


def test_the_defaults_of_the_options_are_on_their_page() -> None:
    settings = cli.parse(["local"])
    page = rows("cli.md", "option")

    for option, (default, _) in page.items():
        if not any(word in option for word in ("sync", "tls", "https")):
            value = getattr(settings, option.removeprefix("--").replace("-", "_"))
            assert default == ("none" if value in (None, False) else f"`{value}`"), option
    assert isinstance(settings, cli.LocalSettings)
    assert settings.sync


CLUSTER = {
    "status": ["status"],
    "drain": ["drain", "zone-1"],
    "remove": ["remove", "zone-1"],
    "split": ["split", "Music"],
    "merge": ["merge", "7"],
    "transfer": ["transfer", "7", "zone-1"],
}


def test_every_command_for_a_cluster_is_on_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    commands = {row[0].strip("`").split()[0] for row in table_rows(text, "command")}
    flags = rows("cli.md", "flag")
    offered: set[str] = set()
    for action, words in CLUSTER.items():
        with pytest.raises(SystemExit):
            cli.parse(["cluster", action, "--help"])
        listed = capsys.readouterr().out.split("options:")[1]
        offered |= set(re.findall(r"(?<![\w-])--[a-z-]+", listed)) - {"--help"}
        settings = cli.parse(["cluster", *words])
        assert isinstance(settings, cli.ClusterSettings)
        assert f"`{settings.folder}`" == flags["--folder"][0]
        assert f"`{settings.output}`" == flags["--output"][0]

    assert commands == set(CLUSTER)
    assert set(flags) == offered


def stated_limits() -> dict[str, int]:
    names = re.findall(r"^([A-Z_]+): Final", Path(limits.__file__).read_text(), re.MULTILINE)
    return {name: getattr(limits, name) for name in names}


def test_the_limits_page_is_the_limits_module() -> None:
    page = rows("limits.md", "limit")

    assert {name: number(cells[0]) for name, cells in page.items()} == stated_limits()


@pytest.mark.parametrize(
    "unit", [("_BYTES", "bytes"), ("_CHARACTERS", "characters"), ("_SECONDS", "seconds")]
)
def test_a_limit_has_the_unit_of_its_name(unit: tuple[str, str]) -> None:
    in_name, in_cell = unit
    page = rows("limits.md", "limit")

    assert [name for name in page if in_name in name and not page[name][0].endswith(in_cell)] == []


def test_a_limit_is_enforced_here_exactly_where_the_page_says_so() -> None:
    """Enforced, or counted by, means that a module of the product names it.

    Placement plans by the limits of partitions; it refuses nobody.
    """
    sources = [*ROOT.glob("core/**/*.py"), *ROOT.glob("node/**/*.py")]
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for path in sources
        if path.name != "limits.py" and not path.name.startswith("placement")
    )
    named = {name for name in stated_limits() if re.search(rf"\b{name}\b", text)}
    page = rows("limits.md", "limit")

    assert {cells[2] for cells in page.values()} == {"yes", "not yet"}
    assert {name for name, cells in page.items() if cells[2] == "yes"} == named


def test_the_limits_of_the_http_door_are_on_the_page() -> None:
    page = rows("limits.md", "limit of the HTTP door")
    defaults = HttpLimits()

    assert {name: number(cells[0]) for name, cells in page.items()} == {
        name: getattr(defaults, name) for name in HttpLimits.__slots__
    }


def all_errors() -> dict[str, Any]:
    return {
        name: found
        for name, found in vars(errors).items()
        if inspect.isclass(found) and issubclass(found, DynamoDBError) and found != DynamoDBError
    }


def test_every_error_is_on_its_page_with_its_status_and_its_text_member() -> None:
    page = rows("errors.md", "error")

    assert {name: tuple(cells[:2]) for name, cells in page.items()} == {
        name: (str(error.http_status), error.message_member) for name, error in all_errors().items()
    }


PLUGIN = {
    "status": ["status"],
    "partitions": ["partitions"],
    "drain": ["drain", "p"],
    "replace": ["replace", "p"],
    "transfer": ["transfer", "1", "p"],
    "report": ["report"],
}


def test_every_action_and_option_of_the_plugin_is_on_its_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (REFERENCE / "kubectl-stator.md").read_text(encoding="utf-8")
    actions = [row[0].strip("`").split()[0] for row in table_rows(text, "action")]
    options = {
        name for row in table_rows(text, "option") for name in re.findall(r"--[a-z-]+", row[0])
    }
    for words in PLUGIN.values():
        command_line.parse(words)
        with pytest.raises(SystemExit):
            command_line.parse([words[0], "--help"])
    taken = set(re.findall(r"(?<![\w-])--[a-z-]+", capsys.readouterr().out))

    assert actions == list(PLUGIN)
    assert options == taken - {"--help", "--cancel"}
    assert "--cancel" in text
