"""Slow disks and wrong wall clocks for real processes: a small library loaded before all others.

`MachineFaults` is for a cluster of `zones.Zones`, started with its `environment`; from then on what
it is told holds for the storage process of a zone, and for the one after it, at once. Only the wall
clock goes wrong: no machine's monotonic clock jumps. The library is built once from the C beside
this file; whoever has no compiler gets `NoCompiler`, and the test is skipped with its text.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cluster.judge import CACHE

SOURCE = Path(__file__).resolve().parent / "machine_faults.c"
BUILD_SECONDS = 60.0
RECORD = struct.Struct("=qq")  # microseconds that a sync takes longer, nanoseconds ahead


class NoCompiler(Exception):
    """There is no C compiler on this machine."""


def library() -> Path:
    """The built library. Raises NoCompiler; subprocess.CalledProcessError where it is wrong."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NoCompiler("slow disks and wrong clocks need a C compiler: no `cc` on the path")
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    built = CACHE / f"machine-faults-{digest}.so"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        # Two test workers may build at once: each moves its own into place.
        own = built.with_suffix(f".{os.getpid()}")
        words = [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(own)]
        subprocess.run([*words, str(SOURCE), "-ldl"], check=True, timeout=BUILD_SECONDS)
        own.replace(built)
    return built


class MachineFaults:
    """The faults of each zone's machine, in a folder of the test's own."""

    def __init__(self, folder: Path, zones: tuple[str, ...]) -> None:
        """Raises NoCompiler."""
        self._folder = folder
        self._now = dict.fromkeys(zones, (0, 0))
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(library()),
            "STATOR_MACHINE_FAULTS": str(folder),
        }
        for zone in zones:
            (folder / zone).write_bytes(RECORD.pack(0, 0))

    def slow_disk(self, zone: str, seconds: float) -> None:
        """Every sync takes so much longer from now on; 0 ends it."""
        self._set(zone, int(seconds * 1_000_000), self._now[zone][1])

    def wall_clock(self, zone: str, seconds: float) -> None:
        """The wall clock jumps: it is so far ahead of the machine's, or behind it."""
        self._set(zone, self._now[zone][0], int(seconds * 1_000_000_000))

    def end(self) -> None:
        """Every machine is well again."""
        for zone in self._now:
            self._set(zone, 0, 0)

    def _set(self, zone: str, *faults: int) -> None:
        self._now[zone] = faults[0], faults[1]
        # In place: the process has the file mapped.
        with (self._folder / zone).open("r+b") as file:
            file.write(RECORD.pack(*faults))
