"""Whose an object is: ours may be changed, a child left behind is taken over, others' are left."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sample_pool import a_pool
from stator_operator.objects.services import gateway_service
from stator_operator.ownership import is_foreign, separate
from stator_operator.pool_actions import Apply, GrowClaim

WANTED = gateway_service(a_pool())


def present(**metadata: Any) -> dict[str, Any]:
    made = copy.deepcopy(WANTED)
    made["metadata"] |= metadata
    return made


def owner(kind: str, name: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "uid": "another", "controller": True}


@pytest.mark.parametrize(
    "metadata,foreign",
    [
        ({}, False),
        ({"ownerReferences": []}, False),  # its pool was deleted without it
        ({"ownerReferences": [owner("StoragePool", "another")]}, True),
        ({"ownerReferences": [owner("Table", "default")]}, True),
        # A pool of this name that was there before, with another uid.
        ({"ownerReferences": [owner("StoragePool", "default")]}, False),
        ({"ownerReferences": [owner("Other", "other") | {"controller": False}]}, False),
        ({"ownerReferences": [], "labels": {}}, True),
        ({"labels": {}}, False),  # ours, and somebody has taken its labels away
        ({"ownerReferences": [], "labels": {"stator.dev/pool": "other"}}, True),
    ],
)
def test_whose_an_object_is(metadata: dict[str, Any], foreign: bool) -> None:
    assert is_foreign(WANTED, present(**metadata)) is foreign


def test_what_is_not_ours_is_not_applied_and_said() -> None:
    theirs = present(ownerReferences=[], labels={})
    actions = [Apply(WANTED), GrowClaim("data-default-zone-1-0", "20Gi")]

    allowed, waiting = separate(actions, {("Service", "default-gateway"): theirs})

    assert allowed == actions[1:]
    assert [each.reason for each in waiting] == ["NameTaken"]
    assert separate(actions, {}) == (actions, [])
