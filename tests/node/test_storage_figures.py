"""A storage pod's figures are sums, and as many for one table as for a thousand."""

from __future__ import annotations

from typing import Any

from stator_core.exposition import text
from stator_node.storage_figures import storage_families


def report(count: int) -> dict[str, Any]:
    replica = {"item_count": 7, "size_bytes": 100, "operations_per_second": 1.5}
    return {
        "partitions": [replica | {"leads": number % 2 == 0} for number in range(count)],
        "rebuilding": [9],
        "free_bytes": 4_096,
        "ending": False,
    }


def test_figures_are_sums() -> None:
    lines = text(storage_families(report(3))).splitlines()

    assert [each for each in lines if not each.startswith("#")] == [
        "stator_storage_partitions 3",
        "stator_storage_leads 2",
        "stator_storage_rebuilding 1",
        "stator_storage_items 21",
        "stator_storage_size_bytes 300",
        "stator_storage_free_bytes 4096",
        "stator_storage_operations_per_second 4.5",
        "stator_storage_ending 0",
    ]


def test_there_are_no_more_figures_for_more_partitions() -> None:
    few, many = (text(storage_families(report(count))).splitlines() for count in (1, 1_000))

    assert len(few) == len(many)
