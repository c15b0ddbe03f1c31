"""A Table's status: what DynamoDB says, and conditions that say what to do."""

from __future__ import annotations

from typing import Any

import pytest

from sample_table import COUNTS, DESCRIPTION, NOBODYS, an_entry, observed, table_body
from stator_operator.event_reasons import EVENTS
from stator_operator.pool_actions import Waiting
from stator_operator.table_plan import plan
from stator_operator.table_status import table_status

NOW, LATER = "2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z"


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def test_a_table_that_serves_says_so_in_dynamodbs_words() -> None:
    index = {"IndexName": "ByYear", "IndexStatus": "CREATING", "Backfilling": True}
    shown = {**DESCRIPTION, "GlobalSecondaryIndexes": [index], "LatestStreamArn": "arn:s"}

    status = table_status(observed(entry=an_entry(description=shown)), None, {}, NOW)

    assert (status["tableStatus"], status["tableId"]) == ("ACTIVE", "id-1")
    assert (status["itemCount"], status["tableSizeBytes"]) == (100, 5_000)
    assert status["partitions"] == {"total": 2, "leaderless": 0, "underReplicated": 0}
    assert status["globalSecondaryIndexes"] == [
        {"indexName": "ByYear", "indexStatus": "CREATING", "backfilling": True}
    ]
    assert (status["latestStreamArn"], status["observedGeneration"]) == ("arn:s", 3)
    assert conditions(status) == {
        "Accepted": ("True", "Accepted"),
        "Progressing": ("False", "AsWanted"),
        "FullyReplicated": ("True", "AllReplicas"),
        "Ready": ("True", "Active"),
    }


@pytest.mark.parametrize(
    "entry, wanted",
    [
        ({"partitions": COUNTS | {"leaderless": 1}}, ("Ready", "False", "LeadersLacking")),
        ({"partitions": COUNTS | {"lacking": 1}}, ("FullyReplicated", "False", "ReplicasLacking")),
        (
            {"description": DESCRIPTION | {"TableStatus": "CREATING"}},
            ("Ready", "False", "NotActive"),
        ),
        ({"description": None}, ("Ready", "False", "NotMade")),
        (
            {"settled": False, "waiting": "index i is CREATING"},
            ("Progressing", "True", "Changing"),
        ),
        (
            {"settled": False, "refused": {"error": "ValidationException", "message": "no"}},
            ("Progressing", "False", "StepRefused"),
        ),
    ],
)
def test_what_is_not_as_it_should_be_is_named(
    entry: dict[str, Any], wanted: tuple[str, str, str]
) -> None:
    status = table_status(observed(entry=an_entry(**entry)), None, {}, NOW)

    type_, is_so, reason = wanted
    assert conditions(status)[type_] == (is_so, reason)


def test_what_dynamodb_refuses_is_told_to_the_letter() -> None:
    refused = {"error": "ValidationException", "message": "Resource cannot be deleted"}
    status = table_status(observed(entry=an_entry(settled=False, refused=refused)), None, {}, NOW)

    (told,) = [each["message"] for each in status["conditions"] if each["type"] == "Progressing"]
    assert told == "ValidationException: Resource cannot be deleted"


def test_an_object_that_is_not_accepted_says_why_and_nothing_of_others() -> None:
    world = observed(entry=an_entry(object={"uid": "u-9", "generation": 1, "deleting": False}))
    status = table_status(world, Waiting("Contradicts", "the key"), {}, NOW)

    assert "tableStatus" not in status
    assert conditions(status) == {
        "Accepted": ("False", "Contradicts"),
        "Progressing": ("False", "Contradicts"),
        "FullyReplicated": ("Unknown", "Contradicts"),
        "Ready": ("False", "Contradicts"),
    }


def test_while_nobody_answers_what_was_seen_last_stays() -> None:
    before = table_status(observed(), None, {}, NOW)
    world = observed(entry=None)
    status = table_status(world, plan(world).waiting, before, LATER)

    assert status["tableStatus"] == "ACTIVE"
    assert conditions(status)["Ready"] == ("Unknown", "SupervisorAway")
    assert conditions(status)["Accepted"] == ("Unknown", "SupervisorAway")


def test_the_same_world_gives_the_same_status() -> None:
    for world in (observed(), observed(entry=None), observed(entry=NOBODYS)):
        waiting = plan(world).waiting
        before = table_status(world, waiting, {}, NOW)
        assert table_status(world, waiting, before, LATER) == before


@pytest.mark.parametrize("count, shown", [(100, 100), (109, 100), (111, 111), (0, 0), (89, 89)])
def test_figures_are_written_anew_when_they_have_moved_by_a_tenth(count: int, shown: int) -> None:
    before = table_status(observed(), None, {}, NOW)
    moved = an_entry(description=DESCRIPTION | {"ItemCount": count})

    assert table_status(observed(entry=moved), None, before, LATER)["itemCount"] == shown


def test_a_table_with_storage_says_how_it_is_scaled() -> None:
    body = table_body(pool=None, storage={"podsPerZone": 2})
    status = table_status(observed(body, pool_owner="u-1"), None, {}, NOW)

    assert status["podsPerZone"] == 2
    assert "stator.dev/pool=music" in status["selector"]


def test_every_reason_that_a_person_must_act_on_has_an_event() -> None:
    for reason in ("NameInUse", "NameTaken", "PoolUnknown", "Contradicts", "InvalidTable"):
        assert EVENTS[reason] == "Warning"
    assert EVENTS["StepRefused"] == "Warning"
