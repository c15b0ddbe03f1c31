"""Tags are pairs of texts on a table, fifty at most, kept under its ARN.

TagResource adds and replaces, UntagResource removes, both answer nothing at all. AWS: "Tagging for
DynamoDB"; API reference, TagResource; error texts as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

from typing import Any

import pytest

from control_plane import ControlPlane, table_body
from item_table import PARAMETER, invalid

DENIED = "AccessDeniedException: Access is denied"
OPERATIONS: dict[str, dict[str, Any]] = {
    "TagResource": {"Tags": [{"Key": "a", "Value": "b"}]},
    "UntagResource": {"TagKeys": ["a"]},
    "ListTagsOfResource": {},
}


@pytest.fixture(scope="module")
def arn(control: ControlPlane) -> str:
    return str(control.describe(control.create())["TableArn"])


@pytest.fixture
def tagged(control: ControlPlane) -> str:
    """A table of the test's own."""
    return str(control.describe(control.create())["TableArn"])


def tags_of(control: ControlPlane, arn: str) -> dict[str, str]:
    answer = control.client.list_tags_of_resource(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def test_tags_are_added_replaced_and_removed(control, tagged):
    assert tags_of(control, tagged) == {}
    control.client.tag_resource(ResourceArn=tagged, Tags=pairs({"a": "1", "b": "2"}))
    control.client.tag_resource(ResourceArn=tagged, Tags=pairs({"b": "3", "c": ""}))
    assert tags_of(control, tagged) == {"a": "1", "b": "3", "c": ""}
    control.client.untag_resource(ResourceArn=tagged, TagKeys=["a", "never there"])
    assert tags_of(control, tagged) == {"b": "3", "c": ""}


@pytest.mark.parametrize("operation", ["TagResource", "UntagResource"])
def test_a_change_is_answered_with_an_empty_body(control, arn, operation):
    answer = control.connection.call(operation, {"ResourceArn": arn} | OPERATIONS[operation])

    assert (answer.status, answer.text) == (200, b"")
    assert answer.headers["content-length"] == "0"


def test_tags_may_come_with_the_table(control):
    name = control.create(Tags=pairs({"a": "b"}))

    assert tags_of(control, control.describe(name)["TableArn"]) == {"a": "b"}


def test_fifty_tags_are_the_most(control, tagged):
    control.client.tag_resource(
        ResourceArn=tagged, Tags=pairs({str(number): "" for number in range(50)})
    )
    # To replace one of them is no more.
    control.client.tag_resource(ResourceArn=tagged, Tags=pairs({"49": "x"}))

    refusal = control.refusal("TagResource", ResourceArn=tagged, Tags=pairs({"50": ""}))

    assert refusal == invalid(
        "Number of Tags exceed the current limit for the provided ResourceArn"
    )
    assert len(tags_of(control, tagged)) == 50


@pytest.mark.parametrize("key, value", [("k" * 128, "v" * 256), ("é ü.:/=+-@_1", "漢字")])
def test_keys_and_values_may_be_as_long_as_their_limits(control, tagged, key, value):
    control.client.tag_resource(ResourceArn=tagged, Tags=pairs({key: value}))

    assert tags_of(control, tagged) == {key: value}


@pytest.mark.parametrize(
    "tags, text",
    [
        pytest.param([], "Atleast one Tag needs to be provided as Input.", id="no tag"),
        pytest.param(None, "Atleast one Tag needs to be provided as Input.", id="no list of tags"),
        pytest.param(pairs({"": "a"}), "The Tag Key provided is invalid, Key: ", id="an empty key"),
        pytest.param(
            pairs({"k" * 129: "a"}),
            f"The Tag Key provided is invalid, Key: {'k' * 129}",
            id="a key too long",
        ),
        pytest.param(
            pairs({"a": "v" * 257}),
            f"The Tag Value provided is invalid, Value: {'v' * 257}",
            id="a value too long",
        ),
        pytest.param(
            pairs({"aws:a": "a"}),
            "Tag Key cannot be prefixed with aws:, Key: aws:a",
            id="a reserved key",
        ),
        pytest.param(
            [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}],
            "Duplicate Tag Keys provided as input: Duplicate Tag Key found a",
            id="a key twice",
        ),
    ],
)
def test_tags_that_are_none_are_refused(control, arn, tags, text):
    assert control.refusal("TagResource", ResourceArn=arn, Tags=tags) == invalid(text)


@pytest.mark.parametrize("tag_keys", [[], None])
def test_untagging_needs_a_key(control, arn, tag_keys):
    assert control.refusal("UntagResource", ResourceArn=arn, TagKeys=tag_keys) == invalid(
        "Atleast one Tag Key needs to be provided as Input."
    )


def test_too_many_tags_with_the_table_are_refused(control):
    tags = pairs({str(number): "" for number in range(51)})

    assert control.refusal("CreateTable", **table_body(Tags=tags)).startswith(
        "ValidationException: "
    )


# ------------------------------------------------------------------------------------------- ARNs


@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_the_arn_of_a_table_will_do(control, arn, operation):
    members = OPERATIONS[operation]

    for text, refusal in (
        ("", "Invalid TableArn"),
        ("table", PARAMETER + "ARNs must start with 'arn:': table"),
        (
            arn.replace("dynamodb", "s3"),
            PARAMETER
            + "Provided Arn is not a DynamoDB resource arn: "
            + arn.replace("dynamodb", "s3"),
        ),
        (
            f"{arn}/index/abc",
            PARAMETER + "Invalid resource arn provided, only table or stream is accepted. "
            f"Provided resource arn: {arn}/index/abc",
        ),
    ):
        assert control.refusal(operation, ResourceArn=text, **members) == invalid(refusal)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_arn_of_a_missing_table_is_not_found(control, arn, operation):
    missing = arn.rpartition("/")[0] + "/none"

    assert control.refusal(operation, ResourceArn=missing, **OPERATIONS[operation]) == (
        f"ResourceNotFoundException: Requested resource not found: ResourceArn: {missing} not found"
    )


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("account", ["999999999999", "000000000000"])
def test_the_arn_of_another_account_is_denied(control, arn, operation, account):
    own = arn.split(":")[4]
    foreign = arn.replace(own, account)

    assert own != account
    assert control.refusal(operation, ResourceArn=foreign, **OPERATIONS[operation]) == DENIED


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_arn_of_another_region_is_invalid(control, arn, operation):
    foreign = arn.replace("us-east-1", "eu-west-1")

    assert control.refusal(operation, ResourceArn=foreign, **OPERATIONS[operation]) == invalid(
        f"Invalid TableArn: Invalid ResourceArn provided as input {foreign}"
    )
