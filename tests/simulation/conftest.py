"""`--seed N` runs one seed of the simulated cluster alone; `--seeds N` how many are run else."""

from __future__ import annotations

import pytest

SEEDS = 500  # what CI runs
SEEDS_EACH = 10  # of one test


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="run this seed of the simulated cluster alone")
    parser.addoption("--seeds", type=int, default=SEEDS, help="run so many seeds")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `seeds` gets them in small ranges, those of its module's parity."""
    if "seeds" not in metafunc.fixturenames:
        return
    only = metafunc.config.getoption("--seed", default=None)
    count = metafunc.config.getoption("--seeds", default=SEEDS)
    begin = metafunc.module.FIRST_SEED
    chosen = list(range(begin, count, 2)) if only is None else [only] * (only % 2 == begin)
    chunks = [chosen[at : at + SEEDS_EACH] for at in range(0, len(chosen), SEEDS_EACH)]
    names = [f"{chunk[0]}-{chunk[-1]}" for chunk in chunks]
    metafunc.parametrize("seeds", chunks, ids=names)
