"""What a batch cost: the members of its single writes, summed per table.

Called by `router.py` with the decoded answers of the writes of one table, in order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def merge_consumed(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One ConsumedCapacity out of several of one table: every figure is added up."""
    total: dict[str, Any] = {}
    for part in parts:
        _add(total, part)
    return total


def merge_metrics(parts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One ItemCollectionMetrics per item collection, the newest of each."""
    newest: dict[str, dict[str, Any]] = {}
    for part in parts:
        newest[repr(part["ItemCollectionKey"])] = part
    return list(newest.values())


def _add(total: dict[str, Any], part: dict[str, Any]) -> None:
    for name, value in part.items():
        if isinstance(value, dict):
            _add(total.setdefault(name, {}), value)
        elif isinstance(value, float):
            total[name] = total.get(name, 0.0) + value
        else:
            total[name] = value
