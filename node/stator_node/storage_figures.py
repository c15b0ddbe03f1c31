"""What a storage pod holds and does, as figures: out of the report that it gives to everybody.

In: the report of `node_requests.py`. Out: figures for `health.py`. Pure. Invariant: a figure does
not grow with tables or partitions: there may be thousands, and `stator cluster status` has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stator_core.exposition import Family, one

Report = dict[str, Any]


def storage_families(report: Report) -> Iterator[Family]:
    """The figures of a pod."""
    partitions = report["partitions"]
    for name, said, value in (
        ("partitions", "replicas that this pod holds", len(partitions)),
        ("leads", "partitions that it leads", sum(each["leads"] for each in partitions)),
        ("rebuilding", "replicas that are being copied to it", len(report["rebuilding"])),
        ("items", "items in its replicas", sum(each["item_count"] for each in partitions)),
        ("size_bytes", "bytes in its replicas", sum(each["size_bytes"] for each in partitions)),
        ("free_bytes", "bytes that its volume has left", report["free_bytes"]),
        (
            "operations_per_second",
            "reads and writes of its replicas, of late",
            sum(each["operations_per_second"] for each in partitions),
        ),
        ("ending", "1 while it hands over what it leads", int(report["ending"])),
    ):
        yield Family(f"stator_storage_{name}", "gauge", said, one(value))
