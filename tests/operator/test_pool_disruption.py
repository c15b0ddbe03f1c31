"""How many storage pods whoever drains machines may take: one while all is whole, else none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sample_pool import a_pool, observed, with_claim, with_pod
from stator_operator import naming
from stator_operator.pool_actions import Apply
from stator_operator.pool_observation import ObservedPool
from stator_operator.pool_plan import plan
from stator_operator.storage_pool import Pool

POOL = a_pool()
WHOLE = observed(POOL)


def budget(pool: Pool, world: ObservedPool) -> int:
    """What the plan has the storage pods' budget allow."""
    (found,) = [
        each.body["spec"]["maxUnavailable"]
        for each in plan(pool, world).actions
        if isinstance(each, Apply)
        and each.body["kind"] == "PodDisruptionBudget"
        and each.body["metadata"]["name"] == naming.storage_service_name(pool.name)
    ]
    assert isinstance(found, int)
    return found


def test_one_may_go_while_all_is_whole() -> None:
    assert budget(POOL, WHOLE) == 1


def test_none_may_go_while_a_pod_that_is_ready_has_an_empty_volume() -> None:
    """Every pod is ready then, which is all that Kubernetes counts."""
    assert budget(POOL, replace(WHOLE, lacking=4)) == 0


def test_one_may_go_while_nobody_can_say_what_is_lacking() -> None:
    """A drain may have taken the supervisor, which comes back when the drain has ended."""
    unknown = replace(WHOLE, lacking=None, nodes=None)

    assert budget(POOL, unknown) == 1
    assert budget(POOL, with_pod(unknown, 0, is_ready=False)) == 0


@pytest.mark.parametrize(
    "away", [{"is_ready": False}, {"is_ending": True}], ids=["silent", "ending"]
)
def test_none_may_go_while_a_pod_is_away(away: dict[str, bool]) -> None:
    """It may come back with an empty volume, and be ready before the next look."""
    assert budget(POOL, with_pod(WHOLE, 1, **away)) == 0
    assert budget(POOL, replace(WHOLE, pods=WHOLE.pods[:2])) == 0


def test_the_pod_whose_volume_is_to_go_may_be_evicted() -> None:
    """The operator itself evicts it: the claim would wait for its pod for ever."""
    world = with_claim(WHOLE, "default-zone-1-0", is_ending=True)

    assert budget(POOL, world) == 1
