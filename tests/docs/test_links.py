"""Every link between pages leads somewhere, and every page can be found from the first one."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.pages import LINK, ROOT, name_of, pages


def targets(page: Path) -> list[Path]:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    local = [link.partition("#")[0] for link in links if "://" not in link]
    return [(page.parent / link).resolve() for link in local if link]


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    assert [target for target in targets(page) if not target.exists()] == []


def test_every_page_is_reached_from_the_index() -> None:
    """By a link, or by the name of its folder."""
    index = ROOT / "docs" / "index.md"
    linked, text = targets(index), index.read_text(encoding="utf-8")
    missing = [
        name_of(page)
        for page in pages()
        if page.is_relative_to(ROOT / "docs")
        and page not in (index, *linked)
        and f"`{page.parent.name}/`" not in text
    ]

    assert missing == []
