"""The differences from Dynoxide that are right: where AWS's documentation or captures say so.

Kept short. Each has a reason that can be checked; a difference that is Stator's own fault never
stands here, it stands in docs/differences.md until it is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from differential.values import Json


@dataclass(frozen=True)
class Accepted:
    """A kind of difference: `applies(operation, request, ours, theirs)` tells whether it is one."""

    name: str
    reason: str
    applies: Callable[[str, Json, Json, Json], bool]


ACCEPTED: tuple[Accepted, ...] = ()


def reason(operation: str, request: Json, ours: Json, theirs: Json) -> str | None:
    """Why this difference is accepted, or None."""
    for kind in ACCEPTED:
        if kind.applies(operation, request, ours, theirs):
            return kind.reason
    return None
