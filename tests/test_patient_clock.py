"""Time that the machine did not give is not counted."""

from __future__ import annotations

import asyncio
import time

from patient_clock import STEP_SECONDS_MAX, PatientClock


def test_it_goes_as_the_machine_does_while_somebody_looks() -> None:
    machine = 100.0
    clock = PatientClock(lambda: machine)
    for _ in range(1000):
        machine += STEP_SECONDS_MAX / 2
        clock.monotonic()
    assert abs(clock.monotonic() - machine) < 1e-6


def test_a_machine_that_was_busy_elsewhere_costs_one_step() -> None:
    machine = 100.0
    clock = PatientClock(lambda: machine)
    machine += 60.0
    assert clock.monotonic() == 100.0 + STEP_SECONDS_MAX


def test_a_watched_loop_counts_its_idle_time_and_not_what_blocks_it() -> None:
    async def run() -> float:
        clock = PatientClock()
        watching = asyncio.get_running_loop().create_task(clock.watch())
        await asyncio.sleep(0)
        began = clock.monotonic()
        time.sleep(0.3)  # noqa: ASYNC251  # That is what it is about.
        blocked = clock.monotonic() - began
        watching.cancel()
        return blocked

    assert asyncio.run(run()) <= STEP_SECONDS_MAX * (1 + 1e-6)  # Floats.
