"""No input makes a border of Stator raise anything but its documented refusals.

Bounded and repeatable here; `make fuzz` looks further, led by coverage.
"""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Literal

import hypothesis
import pytest
from hypothesis import strategies as st

from fuzz import seeds, targets
from fuzz.world import World, run
from stator_core import keys
from stator_core.errors import DynamoDBError


@pytest.mark.parametrize(
    "operation, number",
    [(operation, n) for operation, bodies in seeds.BODIES.items() for n in range(len(bodies))],
)
def test_every_seed_is_answered_with_success(operation: str, number: int) -> None:
    async def play() -> None:
        world = World()
        answer = await world.execute(operation, deepcopy(seeds.BODIES[operation][number]))
        await world.rest()
        await world.close()
        assert not isinstance(answer, DynamoDBError), answer.message

    run(play())


def test_every_operation_has_a_seed() -> None:
    async def look() -> None:
        world = World()
        assert world.router.operations == seeds.BODIES.keys()
        await world.close()

    run(look())


@pytest.mark.parametrize("family", ["items", "indexes"])
def test_the_world_sees_an_index_entry_that_is_missing(family: Literal["items", "indexes"]) -> None:
    """A check that cannot fail would make every fuzzer happy."""

    async def lose_one() -> None:
        world = World()
        world.check()
        table = world.catalog.tables["Music"]
        index = next(index for index in table.indexes if index.is_global == (family == "items"))
        ((start, end),) = keys.scan_bounds(table, index, 0, 1)
        entry, _ = next(iter(world.store.cursor(family, start, end)))
        world.store.write([(family, entry, None)], sync=True)
        with pytest.raises(AssertionError):
            world.check()
        await world.close()

    run(lose_one())


@pytest.mark.parametrize("target", targets.TARGETS)
def test_seeds_are_taken_or_refused(target: str) -> None:
    for seed in targets.SEEDS[target]:
        targets.TARGETS[target](seed)


@pytest.mark.parametrize("target", targets.TARGETS)
@hypothesis.given(data=st.binary(max_size=400))
def test_any_bytes_are_taken_or_refused(target: str, data: bytes) -> None:
    targets.TARGETS[target](data)


@pytest.mark.parametrize("target", targets.TARGETS)
@hypothesis.given(number=st.integers(0, 2**32))
def test_nearly_right_inputs_are_taken_or_refused(target: str, number: int) -> None:
    random = Random(number)
    data = random.choice(targets.SEEDS[target])
    if target in targets.JSON_STARTS_AT:
        data = targets.mutated(target, data, random)
    else:
        data = spoilt(data, random)
    targets.TARGETS[target](data)


def spoilt(data: bytes, random: Random) -> bytes:
    """The bytes with a few of them changed, cut out, or doubled."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(changed) + 1)
        end = min(len(changed), start + random.choice((1, 1, 2, 8, 40)))
        match random.randrange(3):
            case 0:
                changed[start:end] = random.randbytes(end - start)
            case 1:
                del changed[start:end]
            case _:
                changed[end:end] = changed[start:end]
    return bytes(changed)
