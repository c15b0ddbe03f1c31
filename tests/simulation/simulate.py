"""Runs many seeds of the simulated cluster on all cores: `make simulate SEEDS=20000`.

    python tests/simulation/simulate.py --seeds 20000 --first 500

Prints progress, each failing seed with its reason, and how to repeat it; exits with 1 if any
failed. Ends early after `--seconds`, and says how many seeds it has run by then.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from simulation import cluster_run

SAY_SECONDS = 10.0
REASON_CHARACTERS = 400


def outcome(seed: int) -> tuple[int, str]:
    """The seed, and why it failed, empty if it did not."""
    # Coroutines of nodes that died in the simulation are never awaited, and that is right.
    warnings.simplefilter("ignore", RuntimeWarning)
    logging.disable(logging.NOTSET)
    try:
        cluster_run.run(seed)
    except Exception as error:  # noqa: BLE001  # Whatever it is, the seed has failed.
        return seed, f"{type(error).__name__}: {error}"[:REASON_CHARACTERS]
    return seed, ""


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description="Run seeds of the simulated cluster.")
    parser.add_argument("--seeds", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    begin = said = time.monotonic()
    done, failed = 0, []
    with multiprocessing.Pool(options.workers, maxtasksperchild=200) as pool:
        seeds = range(options.first, options.first + options.seeds)
        for seed, reason in pool.imap_unordered(outcome, seeds, chunksize=4):
            done += 1
            if reason:
                failed.append(seed)
                print(f"seed {seed} failed: {reason}", flush=True)
                print(f"  again: pytest tests/simulation --seed {seed}", flush=True)
            now = time.monotonic()
            if now - said >= SAY_SECONDS:
                said = now
                rate = done / (now - begin)
                print(f"{done} of {options.seeds}, {rate:.1f} a second", flush=True)
            if now - begin > options.seconds:
                pool.terminate()
                break
    print(f"{done} seeds, {len(failed)} failed {sorted(failed)}".rstrip(" []"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
