"""What was applied, and what came of it: so that nothing is written while nothing changes.

In: what `apply.py` sent and what the API server made of it. Out: whether an object is still just
that. The API server fills in and normalizes, so what is there is compared with its own answer and
not with what was sent: whatever anybody changes since then counts as an edit, and is put back where
it was ours. Held in memory alone: an operator that begins applies everything once, which changes
nothing where nothing differs.
"""

from __future__ import annotations

import hashlib
import json

from stator_operator.kubernetes_kinds import Object
from stator_operator.work_queue import Key

_NOT_COMPARED = ("managedFields", "resourceVersion", "generation")


class Applied:
    """Digests, by the object that is the reason for it, kind and name."""

    def __init__(self) -> None:
        self._known: dict[Key, dict[tuple[str, str], tuple[bytes, bytes]]] = {}

    def still_holds(self, key: Key, wanted: Object, present: Object | None) -> bool:
        """Whether applying this would change nothing."""
        if present is None:
            return False
        known = self._known.get(key, {}).get(_name(wanted))
        return known == (digest(wanted), essence(present))

    def remember(self, key: Key, wanted: Object, answer: Object) -> None:
        """This was applied, and the object is that now."""
        self._known.setdefault(key, {})[_name(wanted)] = (digest(wanted), essence(answer))

    def forget(self, key: Key) -> None:
        """The object is gone."""
        self._known.pop(key, None)


def essence(body: Object) -> bytes:
    """The digest of what people and operators decide of an object: all but its status."""
    metadata = {
        name: value for name, value in body["metadata"].items() if name not in _NOT_COMPARED
    }
    rest = {name: value for name, value in body.items() if name not in ("status", "metadata")}
    return digest({**rest, "metadata": metadata})


def digest(body: Object) -> bytes:
    """The same for the same JSON, in whatever order its members stand."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()


def _name(body: Object) -> tuple[str, str]:
    return body["kind"], body["metadata"]["name"]
