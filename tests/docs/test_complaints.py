"""The page of complaints: thirty rows, and every test that a row names exists."""

from __future__ import annotations

import re

from docs.pages import ROOT, table_rows

PAGE = (ROOT / "docs" / "reference" / "complaints.md").read_text(encoding="utf-8")
ROWS = [row for part in PAGE.split("## ")[1:] for row in table_rows(part, "complaint")]
DEFINITION = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def test_there_are_thirty_and_no_two_alike() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS) == 30


def test_every_test_that_is_named_exists() -> None:
    known = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in DEFINITION.findall(path.read_text(encoding="utf-8"))
    }
    named = {name for row in ROWS for name in re.findall(r"`(test_\w+)`", row[2])}

    assert named - known == set()


def test_a_row_without_a_test_says_why_it_cannot_be() -> None:
    for row in ROWS:
        assert "`test_" in row[2] or row[1].startswith("Cannot:"), row[0]
