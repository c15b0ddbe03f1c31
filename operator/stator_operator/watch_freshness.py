"""Whether the watches still tell what happens: a stream may be open and dead.

In: what the watches told (`watches.py`), and now and then a list of the same objects, which is
always true (`resync.py`). Out: how old each watch's last word is, and whether one is behind. A
quiet watch is no dead one, so age alone says nothing: dead is a watch that has not told for
BEHIND_SECONDS_MAX what a list shows. `health_door.py` answers by it, and the kubelet starts the pod
again; until then the resync looks at every object all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from stator_operator.kubernetes_kinds import Object
from stator_operator.metrics import Metrics

# A stream that tells nothing for 70 s is begun again by itself: this is longer than that.
BEHIND_SECONDS_MAX = 150.0


class WatchFreshness:
    """What the watches have told of each object, and since when they have told too little.

    `clock`: seconds that no one sets.
    """

    def __init__(self, kinds: Iterable[str], clock: Callable[[], float], metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._told: dict[str, dict[str, int]] = {kind: {} for kind in kinds}
        self._last_word: dict[str, float] = dict.fromkeys(self._told, clock())
        self._behind_since: dict[str, float] = {}

    def told(self, kind: str, body: Object, *, deleted: bool) -> None:
        """A watch has told of an object."""
        self._last_word[kind] = self._clock()
        self._metrics.watched(kind)
        metadata = body["metadata"]
        if deleted:
            self._told[kind].pop(metadata["uid"], None)
        else:
            self._told[kind][metadata["uid"]] = metadata.get("generation", 0)

    def listed(self, kind: str, bodies: Iterable[Object]) -> None:
        """A list has shown these objects, and no others."""
        shown = {each["metadata"]["uid"]: each["metadata"].get("generation", 0) for each in bodies}
        told = self._told[kind]
        missed = any(told.get(uid, -1) < generation for uid, generation in shown.items())
        if missed or told.keys() - shown.keys():
            self._behind_since.setdefault(kind, self._clock())
        else:
            self._behind_since.pop(kind, None)

    def dead(self) -> list[str]:
        """The kinds whose watch is dead."""
        now = self._clock()
        return sorted(
            kind for kind, since in self._behind_since.items() if now - since >= BEHIND_SECONDS_MAX
        )

    def measure(self) -> None:
        """Write the figures down, as they are now."""
        now = self._clock()
        for kind, last in self._last_word.items():
            self._metrics.watch_ages[kind] = now - last
            self._metrics.watches_behind[kind] = kind in self._behind_since
