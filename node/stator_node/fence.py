"""Whether a person wants this storage pod kept out: its process runs, and serves nothing.

In: a file that says so by any word but `false`; in a pod it is the pod's own annotation
`stator.dev/fenced`, which a kubelet keeps up to date there within a minute or two. Out: the moment
at which that changes, for `node_process.py`. Invariant: without the file nobody is fenced, so that
a pod serves where nobody can ask the Kubernetes API.

Kubernetes: "Expose Pod Information to Containers Through Files".
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


class Fence:
    """Looks at the file. `path` None: nobody can be fenced."""

    def __init__(self, path: Path | None, look_seconds: float = LOOK_SECONDS) -> None:
        self._path = path
        self._look_seconds = look_seconds

    def is_up(self) -> bool:
        """Whether the pod is to be kept out now."""
        if self._path is None:
            return False
        try:
            word = self._path.read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return False
        except OSError as error:
            logger.warning("the fence cannot be read, and counts as down: %s", error)
            return False
        return word not in ("", "false")

    async def goes_up(self) -> None:
        """Returns when the pod is to be kept out."""
        while not self.is_up():  # noqa: ASYNC110  # A file tells nobody.
            await asyncio.sleep(self._look_seconds)

    async def goes_down(self) -> None:
        """Returns when the pod is to serve."""
        while self.is_up():  # noqa: ASYNC110  # A file tells nobody.
            await asyncio.sleep(self._look_seconds)
