"""A StoragePool's object becomes the type that planners take."""

from __future__ import annotations

import copy

from sample_pool import BODY, SETTINGS, a_pool
from stator_operator.storage_pool import pool_of


def test_a_pool_is_what_its_spec_says() -> None:
    pool = a_pool()

    assert pool.zones == ("zone-1", "zone-2", "zone-3")
    assert (pool.volume_size, pool.storage_class) == ("10Gi", "zonal")
    assert pool.owner()["uid"] == "u-1"


def test_the_operators_image_is_taken_where_a_pool_names_none() -> None:
    assert a_pool().image == "localhost/stator:test"
    assert a_pool(image="other:1").image == "other:1"


def test_pods_that_run_keep_the_name_of_their_cluster() -> None:
    """A pool's object that was deleted and made again finds the data of the first one."""
    body = copy.deepcopy(BODY)
    assert pool_of(body, SETTINGS, None).cluster_id == "u-1"

    body["status"] = {"clusterId": "u-0"}
    assert pool_of(body, SETTINGS, None).cluster_id == "u-0"
    assert pool_of(body, SETTINGS, "u-first").cluster_id == "u-first"
