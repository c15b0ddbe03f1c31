"""Looks at every object now and then, though no watch has told anything of it.

In: the kinds that have a reconcile. Out: keys for the queue, and lists for `watch_freshness.py`,
which finds by them whether a watch is dead. So what a dead watch hides is found all the same, late.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import ApiError
from stator_operator.kubernetes_kinds import Object
from stator_operator.watch_freshness import WatchFreshness
from stator_operator.work_queue import Key

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resync:
    """`namespaces`: those that are served; None: all."""

    api: KubernetesApi
    kinds: tuple[str, ...]
    namespaces: tuple[str, ...] | None
    look: Callable[[Key], None]
    freshness: WatchFreshness
    seconds: float

    async def run(self) -> None:
        """Go on until cancelled. The first time the watches list by themselves."""
        while True:
            await asyncio.sleep(self.seconds)
            for kind in self.kinds:
                try:
                    await self.once(kind)
                except ApiError as error:
                    logger.warning("%s objects could not be listed: %s", kind, error)

    async def once(self, kind: str) -> None:
        """List a kind. Raises ApiError."""
        listed: list[Object] = []
        for namespace in (None,) if self.namespaces is None else self.namespaces:
            listed += await self.api.items(kind, namespace)
        self.freshness.listed(kind, listed)
        for body in listed:
            self.look(Key(kind, body["metadata"]["namespace"], body["metadata"]["name"]))
