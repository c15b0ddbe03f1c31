"""The second judge of a history: porcupine, built once from the Go beside this file.

`verdict(path)` is for the tests with real processes: our own search is not to be its own witness.
The program is kept under its sources' hash in the cache folder, so that it is built again only
when they change. Whoever has no Go gets `NoGo`, and the test is skipped with its text.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "porcupine"
CACHE = Path(os.environ.get("STATOR_CACHE", str(Path.home() / ".cache" / "stator")))
BUILD_SECONDS = 300.0
ANSWERS = {0: "linearizable", 1: "violated", 2: "undecided"}


class NoGo(Exception):
    """There is no Go on this machine."""


class JudgeFailed(Exception):
    """Porcupine could not be built, or could not read the history; the text is its own."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`answer` as in `simulation.linearizability.Verdict`; `lines` is what porcupine printed."""

    answer: str
    lines: str


def go() -> str:
    """The go command. Raises NoGo."""
    found = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")
    if found is None:
        raise NoGo("porcupine needs Go: there is no `go` on the path (https://go.dev/dl)")
    return found


def program() -> Path:
    """The built judge. Raises NoGo, JudgeFailed."""
    sources = [SOURCE / name for name in ("go.sum", "main.go")]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    built = CACHE / f"porcupine-{digest}" / "porcupine"
    if built.exists():
        return built
    built.parent.mkdir(parents=True, exist_ok=True)
    # Two test workers may build at once: each moves its own into place.
    own = built.with_name(f"porcupine.{os.getpid()}")
    command = [go(), "build", "-buildvcs=false", "-trimpath", "-o", str(own), "."]
    done = subprocess.run(
        command, cwd=SOURCE, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )
    if done.returncode != 0:
        raise JudgeFailed(f"go build: {done.stderr}")
    own.replace(built)
    return built


def verdict(history: Path, *, seconds: float = 60.0) -> Verdict:
    """Judge a history file, with so long for each key. Raises NoGo, JudgeFailed."""
    command = [str(program()), "-timeout", f"{int(seconds * 1000)}ms", str(history)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in ANSWERS:
        raise JudgeFailed(done.stderr or f"porcupine ended with {done.returncode}")
    return Verdict(ANSWERS[done.returncode], done.stdout)
