"""What is said of an object in its status, and since when.

In: the conditions that hold now, those in the present status, the time. Out: the list that is
written. Invariant: `lastTransitionTime` moves only when the status of a condition does, so a
reconcile that finds nothing new writes nothing new.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Condition:
    """One statement. `is_so` None: nobody knows."""

    type: str
    is_so: bool | None
    reason: str
    message: str = ""


def merged(
    conditions: Iterable[Condition], before: list[dict[str, Any]], generation: int, now: str
) -> list[dict[str, Any]]:
    """The conditions as a status has them. `now` in RFC 3339."""
    known = {each["type"]: each for each in before}
    words = {True: "True", False: "False", None: "Unknown"}
    result = []
    for each in conditions:
        status, old = words[each.is_so], known.get(each.type)
        since = old["lastTransitionTime"] if old and old["status"] == status else now
        result.append(
            {
                "type": each.type,
                "status": status,
                "observedGeneration": generation,
                "lastTransitionTime": since,
                "reason": each.reason,
                "message": each.message,
            }
        )
    return result
