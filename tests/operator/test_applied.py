"""Nothing is written while nothing changes; whatever anybody changes is seen."""

from __future__ import annotations

import copy
from typing import Any

from stator_operator.applied import Applied, digest
from stator_operator.work_queue import Key

KEY = Key("StoragePool", "ours", "one")
WANTED = {"kind": "Service", "metadata": {"name": "one"}, "spec": {"cpu": "1000m"}}
# The API server fills in and normalizes.
ANSWER = {
    "kind": "Service",
    "metadata": {"name": "one", "uid": "u", "resourceVersion": "1", "generation": 1},
    "spec": {"cpu": "1", "type": "ClusterIP"},
}


def changed(**metadata: Any) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(ANSWER)
    made["metadata"] |= metadata
    return made


def test_what_is_as_the_api_server_left_it_is_not_applied_again() -> None:
    applied = Applied()
    assert not applied.still_holds(KEY, WANTED, ANSWER)
    applied.remember(KEY, WANTED, ANSWER)

    assert applied.still_holds(KEY, WANTED, changed(resourceVersion="9", managedFields=[]))
    assert applied.still_holds(KEY, WANTED, {**ANSWER, "status": {"new": 1}})


def test_an_edit_a_deletion_and_another_wish_are_seen() -> None:
    applied = Applied()
    applied.remember(KEY, WANTED, ANSWER)

    assert not applied.still_holds(KEY, WANTED, None)
    assert not applied.still_holds(KEY, WANTED, changed(uid="another"))
    assert not applied.still_holds(KEY, WANTED, changed(labels={}))
    assert not applied.still_holds(KEY, WANTED, {**ANSWER, "spec": {"cpu": "1"}})
    assert not applied.still_holds(KEY, {**WANTED, "spec": {}}, ANSWER)
    applied.forget(KEY)
    assert not applied.still_holds(KEY, WANTED, ANSWER)


def test_the_order_of_members_says_nothing() -> None:
    assert digest({"a": 1, "b": {"c": 1, "d": 2}}) == digest({"b": {"d": 2, "c": 1}, "a": 1})
