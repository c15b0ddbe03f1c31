"""The operator's page says what its source says: options, exit codes, reasons."""

from __future__ import annotations

import re

import pytest

from docs.pages import ROOT, table_rows
from stator_operator.event_reasons import EVENTS
from stator_operator.operator_process import LEASE_LOST
from stator_operator.operator_settings import parse
from stator_operator.pool_actions import Reason
from stator_operator.watch_freshness import BEHIND_SECONDS_MAX

PAGE = (ROOT / "docs" / "reference" / "operator.md").read_text(encoding="utf-8")
TABLES = (ROOT / "docs" / "how-to" / "keep-tables-as-objects.md").read_text(encoding="utf-8")
POD = {"POD_NAME": "one", "POD_NAMESPACE": "ours"}


def options() -> dict[str, str]:
    """The options of the page and their defaults."""
    found = table_rows(PAGE, "option")
    return {row[0].strip("`").split()[0]: row[1].strip("`") for row in found}


def test_every_option_is_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"], {})
    offered = set(re.findall(r"(?<![\w-])--[a-z-]+", capsys.readouterr().out))

    assert options().keys() == offered - {"--help"}


def test_the_defaults_are_on_the_page() -> None:
    settings = parse(["--all-namespaces", "--image=x"], POD)
    page = options()

    assert page["--lease-name"] == settings.lease_name
    assert int(page["--port"]) == settings.port
    assert float(page["--resync-seconds"]) == settings.resync_seconds
    assert int(page["--workers"]) == settings.workers
    assert page["--image-pull-policy"] == settings.pods.image_pull_policy
    assert int(page["--volume-group"]) == settings.pods.group
    assert float(page["--secret-spread-seconds"]) == settings.pods.secret_spread_seconds


def test_every_reason_is_on_a_page() -> None:
    """Whoever is told something finds what it means and what to do."""
    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", PAGE + TABLES))

    assert EVENTS.keys() - named == set()
    assert {str(each) for each in Reason} - named == set()


def test_numbers_are_those_of_the_source() -> None:
    assert f"with {LEASE_LOST}, at once" in PAGE
    assert f"for {BEHIND_SECONDS_MAX:g} s" in PAGE
