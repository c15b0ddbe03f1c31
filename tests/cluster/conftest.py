"""One cluster for the tests of a file, made anew where a test has left it unwell."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.zones import Zones
from stator_node.cluster_command import NotDone
from stator_node.cluster_file import ClusterFileRefused


class Clusters:
    """The running cluster of a test file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._running: Zones | None = None

    def well(self) -> Zones:
        """A cluster of three nodes that has all its replicas."""
        if self._running is not None:
            try:
                self._running.wait_until_whole(seconds=15)
            except (AssertionError, NotDone, ClusterFileRefused):
                self.end()
        if self._running is None:
            folder = self._folder / f"zones-{next(self._numbers)}"
            folder.mkdir()
            self._running = Zones(folder)
            self._running.start()
            self._running.create_table()
            self._running.wait_until_whole()
        return self._running

    def end(self) -> None:
        if self._running is not None:
            self._running.end()
            self._running = None


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    made = Clusters(tmp_path_factory.mktemp("cluster"))
    yield made
    made.end()


@pytest.fixture
def zones(clusters: Clusters) -> Zones:
    """`stator local --zones 3` with the table of the histories."""
    return clusters.well()
