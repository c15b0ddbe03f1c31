"""Figures that move with every write: shown when they have moved enough to matter. Pure.

In: figures as they are, and as a status has them. Out: those that the status is to have. Called by
`table_status.py` and `partition_objects.py`. Invariant: figures that grow are written a number of
times that follows their logarithm, so busy tables do not keep the API server busy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SHARE: Final = 0.1


def shown_figures(found: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """All as they are, as soon as one has moved by a tenth; until then all as they were."""
    for name, value in found.items():
        old = before.get(name)
        if old is None or abs(value - old) > SHARE * old:
            return dict(found)
    return {name: before[name] for name in found}
