"""Two partitions become one: nothing is lost or served twice, whatever crashes or comes late.

In the model of the protocol. Each of its rules is needed: without it some history goes wrong.
"""

from __future__ import annotations

import pytest

from simulation.merge_model import Rules, walk

WALKS = 400


def test_no_key_is_lost_or_served_twice_and_everything_comes_to_rest() -> None:
    done: dict[str, int] = {}
    for seed in range(WALKS):
        for kind, count in walk(seed).items():
            done[kind] = done.get(kind, 0) + count

    wanted = ("absorb", "freeze", "thaw", "refuse", "split", "crash")
    assert all(done[kind] > WALKS // 4 for kind in wanted), done


@pytest.mark.parametrize(
    "left_out,seed",
    [
        (("absorbed_is_evidence",), 15),
        (("waits_for_the_right", "asks_when_safe"), 24),
        (("epoch_counts",), 5),
        (("frozen_stays",), 12),
    ],
)
def test_each_rule_is_needed(left_out: tuple[str, ...], seed: int) -> None:
    """The seed is the first that goes wrong; with the rule it does not.

    Either of the two that stand together keeps every write; both keep the wait short. Tombstones,
    and handing `absorbed` on, are for what the model has not: nodes that come and go.
    """
    walk(seed)
    with pytest.raises(AssertionError):
        walk(seed, Rules(**dict.fromkeys(left_out, False)))
