"""Tags: what may be one, how they come, go and are listed, and whose resource they are of."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import (
    DynamoDBError,
    ResourceInUseException,
    ResourceNotFoundException,
    SerializationException,
    ValidationException,
)
from stator_core.requests.tags import (
    parse_list_tags_of_resource,
    parse_tag_resource,
    parse_untag_resource,
    resource_not_found,
    tags_of,
)
from stator_core.table import Table
from stator_core.table_status import table_deleting
from table_bodies import active, create_body, created

ARN = "arn:aws:dynamodb:eu-west-2:123456789012:table/Music"
PLAIN = active(create_body())
TOO_MANY = "Number of Tags exceed the current limit for the provided ResourceArn"


def tag(key: Any, value: Any = "v") -> dict[str, Any]:
    return {"Key": key, "Value": value}


def tagged(table: Table, *tags: dict[str, Any]) -> Table:
    return parse_tag_resource({"ResourceArn": ARN, "Tags": list(tags)}).apply(table)


def untagged(table: Table, *keys: str) -> Table:
    return parse_untag_resource({"ResourceArn": ARN, "TagKeys": list(keys)}).apply(table)


def listed(table: Table) -> Any:
    return parse_list_tags_of_resource({"ResourceArn": ARN}).answer(table)["Tags"]


def refusal(call: Any, *arguments: Any) -> DynamoDBError:
    with pytest.raises(DynamoDBError) as caught:
        call(*arguments)
    return caught.value


def test_tags_are_added_replaced_removed_and_listed() -> None:
    """23.1"""
    table = tagged(PLAIN, tag("team", "a"), tag("Team", ""))
    table = tagged(table, tag("team", "b"), tag("env", "test"))
    assert listed(table) == [tag("team", "b"), tag("Team", ""), tag("env", "test")]

    table = untagged(table, "Team", "never-set")
    assert listed(table) == [tag("team", "b"), tag("env", "test")]
    assert listed(PLAIN) == []


@pytest.mark.parametrize("parse", [parse_tag_resource, parse_untag_resource])
def test_a_call_names_a_resource_and_something_to_do(parse: Any) -> None:
    """23.1"""
    assert refusal(parse, {}).message == "Invalid TableArn"
    message = refusal(parse, {"ResourceArn": ARN, "Tags": [], "TagKeys": []}).message
    assert message in (
        "Atleast one Tag needs to be provided as Input.",
        "Atleast one Tag Key needs to be provided as Input.",
    )
    assert ("Key" in str(message)) == (parse is parse_untag_resource)


@pytest.mark.parametrize(
    "tags, message",
    [
        ([tag("k" * 129)], "The Tag Key provided is invalid, Key: " + "k" * 129),
        ([tag("")], "The Tag Key provided is invalid, Key: "),
        ([{"Value": "v"}], "The Tag Key provided is invalid, Key: null"),
        ([None], "The Tag Key provided is invalid, Key: null"),
        ([tag("a#b")], "The Tag Key provided is invalid, Key: a#b"),
        ([tag("k", "v" * 257)], "The Tag Value provided is invalid, Value: " + "v" * 257),
        ([{"Key": "k"}], "The Tag Value provided is invalid, Value: null"),
        ([tag("k", "100%")], "The Tag Value provided is invalid, Value: 100%"),
        ([tag("k", "\N{KEY}")], "The Tag Value provided is invalid, Value: \N{KEY}"),
        ([tag("aws:x")], "Tag Key cannot be prefixed with aws:, Key: aws:x"),
        ([tag("AWS:x")], "Tag Key cannot be prefixed with aws:, Key: AWS:x"),
        (
            [tag("dup"), tag("dup")],
            "Duplicate Tag Keys provided as input: Duplicate Tag Key found dup",
        ),
        ([tag(f"k{n}") for n in range(51)], TOO_MANY),
    ],
)
def test_each_rule_of_a_tag_has_its_own_refusal(tags: list[Any], message: str) -> None:
    error = refusal(tags_of, tags)

    assert isinstance(error, ValidationException)
    assert error.message == message


@pytest.mark.parametrize(
    "text",
    [
        "k" * 128,
        "sp ace",
        "a+b-c=d.e_f:g/h@i",
        " leading",
        "ключ",
        "café",
        "表",
        "a\u00a0b",
        "my-aws:",
    ],
)
def test_letters_digits_and_blanks_of_every_script_are_good(text: str) -> None:
    assert tags_of([tag(text, text)]) == ((text, text),)


def test_the_limit_counts_what_the_resource_has_afterwards() -> None:
    """23.1"""
    full = tagged(PLAIN, *(tag(f"k{n}") for n in range(50)))

    assert len(listed(full)) == 50
    assert refusal(tagged, full, tag("one-more")).message == TOO_MANY
    assert listed(tagged(full, tag("k7", "new")))[7] == tag("k7", "new")


def test_keys_to_remove_are_judged_like_keys_to_add() -> None:
    assert refusal(untagged, PLAIN, "").message == "The Tag Key provided is invalid, Key: "
    assert refusal(untagged, PLAIN, "aws:x").message == (
        "Tag Key cannot be prefixed with aws:, Key: aws:x"
    )
    assert refusal(untagged, PLAIN, *(f"k{n}" for n in range(51))).message == TOO_MANY


def test_a_table_in_creating_is_not_there_yet() -> None:
    creating = created(create_body(Tags=[tag("a")]))

    for call in (lambda: tagged(creating, tag("b")), lambda: untagged(creating, "a")):
        error = refusal(call)
        assert isinstance(error, ResourceNotFoundException)
        assert error.message == f"Requested resource not found: ResourceArn: {ARN} not found"
    assert isinstance(refusal(listed, creating), ResourceNotFoundException)


def test_a_table_in_deleting_takes_no_tags() -> None:
    error = refusal(tagged, table_deleting(PLAIN), tag("a"))

    assert isinstance(error, ResourceInUseException)
    assert error.message == (
        "Attempt to change a resource which is still in use: Table is being deleted: Music"
    )


def test_a_stream_has_no_tags() -> None:
    arn = ARN + "/stream/2026-01-31T12:00:00.000"
    request = parse_tag_resource({"ResourceArn": arn, "Tags": [tag("a")]})
    error = refusal(request.apply, PLAIN)

    assert error.message == f"Requested resource not found: ResourceArn: {arn} not found"
    listing = parse_list_tags_of_resource({"ResourceArn": arn})
    assert isinstance(refusal(listing.answer, PLAIN), ResourceNotFoundException)


def test_an_absent_table_is_named_by_its_arn() -> None:
    """23.1, 26.102: AccessDeniedException is the answer for another account's ARN."""
    request = parse_list_tags_of_resource({"ResourceArn": ARN, "NextToken": "anything"})

    assert resource_not_found(request.resource).message == (
        f"Requested resource not found: ResourceArn: {ARN} not found"
    )


def test_types_come_first() -> None:
    error = refusal(parse_tag_resource, {"ResourceArn": "x", "Tags": [{"Key": 1}]})

    assert isinstance(error, SerializationException)
