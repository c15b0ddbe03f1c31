"""Which object takes up a client's change, and that taking it up twice is taking it up once."""

from __future__ import annotations

from typing import Any

from sample_table import ending, table_body, with_metadata
from stator_operator.ask_plan import (
    ASK_ANNOTATION,
    Ask,
    DeleteBare,
    DeleteObject,
    MakeObject,
    PatchObject,
    RefuseAsk,
    ask_of,
    decide,
)
from stator_operator.table_request import desired_body

Object = dict[str, Any]
BODY = desired_body(table_body()["spec"])
TAGGED = BODY | {"Tags": [{"Key": "team", "Value": "records"}]}
OTHER = with_metadata(table_body("older", "u-0"), creationTimestamp="2026-11-20T09:00:00Z")


def ask(before: Object | None, after: Object | None, operation: str = "UpdateTable") -> Ask:
    members = {
        "id": "ask-1",
        "operation": operation,
        "name": "Music",
        "before": before,
        "after": after,
    }
    return ask_of(members)


def decided(asked: Ask, *found: Object, owner: str | None = "u-1") -> object:
    return decide(asked, list(found), owner, "shop", "default")


def test_a_clients_new_table_becomes_an_object() -> None:
    decision = decided(ask(None, BODY), owner=None)

    assert isinstance(decision, MakeObject)
    first, second = decision.bodies[0], decision.bodies[-1]
    assert first["spec"] == {
        "tableName": "Music",
        "pool": "default",
        "attributeDefinitions": [{"attributeName": "Artist", "attributeType": "S"}],
        "keySchema": [{"attributeName": "Artist", "keyType": "HASH"}],
        "billingMode": "PAY_PER_REQUEST",
    }
    assert first["metadata"]["annotations"] == {ASK_ANNOTATION: "ask-1"}
    assert first["metadata"]["namespace"] == "shop"
    assert second["metadata"]["name"].startswith("music-")


def test_a_name_that_an_object_has_is_refused_in_dynamodbs_words() -> None:
    decision = decided(ask(None, BODY), table_body(), owner=None)

    assert decision == RefuseAsk("ResourceInUseException", "Table already exists: Music")


def test_an_object_that_was_made_for_this_very_ask_is_the_one() -> None:
    made = with_metadata(table_body(), annotations={ASK_ANNOTATION: "ask-1"})

    assert decided(ask(None, BODY), made, owner=None) == PatchObject(made, {})


def test_a_change_is_written_into_the_object_that_has_the_table() -> None:
    body = table_body()

    decision = decided(ask(BODY, TAGGED), OTHER, body)
    assert decision == PatchObject(body, {"tags": [{"key": "team", "value": "records"}]})
    said = table_body(tags=[{"key": "team", "value": "records"}])
    assert decided(ask(BODY, TAGGED), said) == PatchObject(said, {})


def test_a_table_whose_object_is_gone_is_changed_in_the_next_one() -> None:
    assert decided(ask(BODY, TAGGED), table_body(), OTHER, owner="u-9") == PatchObject(
        OTHER, {"tags": [{"key": "team", "value": "records"}]}
    )
    decision = decided(ask(BODY, TAGGED), owner="u-9")
    assert isinstance(decision, MakeObject)
    assert decision.bodies[0]["spec"]["tags"] == [{"key": "team", "value": "records"}]


def test_an_object_that_goes_takes_no_change() -> None:
    decision = decided(ask(BODY, TAGGED), ending(table_body()))

    assert isinstance(decision, RefuseAsk)
    assert decision.message.endswith("Table is being deleted: Music")


def test_a_deleted_table_takes_its_object_along() -> None:
    gone = ask(BODY, None, "DeleteTable")

    assert decided(gone, OTHER, table_body()) == DeleteObject(table_body())
    assert decided(gone, ending(table_body())) == DeleteObject(ending(table_body()))
    assert decided(gone, owner="u-9") == DeleteBare("u-9")
    assert decided(gone, owner=None) == DeleteBare("")
