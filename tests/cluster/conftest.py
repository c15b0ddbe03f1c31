"""A cluster for each test: one that was hurt is of no use to the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.zones import Zones


@pytest.fixture
def zones(tmp_path: Path) -> Iterator[Zones]:
    """`stator local --zones 3` with the table of the histories."""
    folder = tmp_path / "zones"
    folder.mkdir()
    cluster = Zones(folder)
    try:
        cluster.start()
        cluster.create_table()
        cluster.wait_until_whole()
        yield cluster
    finally:
        cluster.end()
