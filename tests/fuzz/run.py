"""`make fuzz`: every target of `targets.py` under atheris, coverage-led, for a bounded time each.

Started without --target it runs each target in a process of its own, as many at a time as there are
cores, and ends with 1 if one of them found something; the input that did is in the named file, and
`run.py --target NAME FILE` repeats it. With --target it is that process. Corpora are kept between
runs under --corpus, so a run goes on where the last one ended.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

INPUT_BYTES_MAX = 4_096
TIMEOUT_SECONDS = 20  # of one input: slower is a finding
MEMORY_MEGABYTES_MAX = 1_024
TAIL_LINES = 40


def main() -> int:
    """Fuzz one target, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="how long each target runs (30)")
    parser.add_argument("--seed", type=int, default=1, help="libFuzzer's; 0 draws one (1)")
    parser.add_argument("--target", help="fuzz this one alone, here")
    parser.add_argument(
        "--corpus", type=Path, default=HERE.parents[1] / ".fuzz", help="kept inputs"
    )
    parser.add_argument("inputs", nargs="*", help="with --target: run these files and stop")
    arguments = parser.parse_args()
    if arguments.target:
        fuzz(arguments)
        return 0
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("atheris has no wheel for this Python; the hypothesis tests are what runs here")
        return 0
    from fuzz.targets import TARGETS

    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        found = list(threads.map(lambda target: fuzz_apart(target, arguments), TARGETS))
    return 1 if any(found) else 0


def fuzz_apart(target: str, arguments: argparse.Namespace) -> int:
    """Fuzz a target in a process of its own; says what came of it. Returns its exit code."""
    command = [sys.executable, __file__, "--target", target, "--corpus", str(arguments.corpus)]
    command += ["--seconds", str(arguments.seconds), "--seed", str(arguments.seed)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    lines = done.stderr.splitlines() + done.stdout.splitlines()
    runs = next((line for line in reversed(lines) if line.startswith("Done ")), "no runs counted")
    if done.returncode:
        print(f"{target}: FOUND SOMETHING", *lines[-TAIL_LINES:], sep="\n    ", flush=True)
    else:
        print(f"{target}: nothing found. {runs}", flush=True)
    return done.returncode


def fuzz(arguments: argparse.Namespace) -> None:
    """Fuzz a target here; does not return."""
    import atheris

    with atheris.instrument_imports(include=["stator_core", "stator_node"]):
        from fuzz import targets

    target, inputs = arguments.target, arguments.inputs
    folder = arguments.corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets.SEEDS[target]):
        (folder / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={arguments.seconds}",
        f"-seed={arguments.seed}",
        f"-max_len={INPUT_BYTES_MAX}",
        f"-timeout={TIMEOUT_SECONDS}",
        f"-rss_limit_mb={MEMORY_MEGABYTES_MAX}",
        f"-artifact_prefix={arguments.corpus / target}.",
    ]

    def mutator(data: bytes, size_max: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.2:
            return atheris.Mutate(data, size_max)
        made = targets.mutated(target, data, random)
        return made if len(made) <= size_max else data

    json = target in targets.JSON_STARTS_AT
    atheris.Setup(
        [sys.argv[0], *options, *(inputs or [str(folder)])],
        targets.TARGETS[target],
        **({"custom_mutator": mutator} if json else {}),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
