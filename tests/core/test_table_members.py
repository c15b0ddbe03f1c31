"""Members of the table operations: each constraint, with its path and its words."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import ValidationException
from stator_core.requests.constraints import Violations
from stator_core.requests.table_members import (
    collect_attribute_definitions,
    collect_billing_mode,
    collect_global_index,
    collect_index_name,
    collect_key_schema,
    collect_local_index,
    collect_name,
    collect_settings,
    collect_throughput,
    read_table_name,
    refuse_unsupported,
)
from stator_core.requests.update_table import UNSUPPORTED
from table_bodies import index

TAIL = " failed to satisfy constraint: Member must "


def found(collect: Any, *arguments: Any, **options: Any) -> list[str]:
    violations = Violations()
    collect(violations, *arguments, **options)
    return [sentence.replace(TAIL, " | ") for sentence in violations.sentences]


def test_a_table_is_named_by_its_name_or_its_arn() -> None:
    """5.5"""
    assert read_table_name({"TableName": "Music"}) == "Music"
    arn = "arn:aws:dynamodb:eu-west-2:123456789012:table/Music"
    assert read_table_name({"TableName": arn}) == "Music"


@pytest.mark.parametrize(
    "name, words",
    [
        ("ab", "have length greater than or equal to 3"),
        ("a" * 256, "have length less than or equal to 255"),
        ("abc;", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        (
            "arn:aws:dynamodb:eu-west-2:123456789012:table/Music/index/by-a",
            "satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        ),
    ],
)
def test_a_wrong_name_is_answered_by_its_first_fault(name: str, words: str) -> None:
    """5.5"""
    with pytest.raises(ValidationException) as caught:
        read_table_name({"TableName": name})

    assert caught.value.message == (
        f"1 validation error detected: Value '{name}' at 'tableName'{TAIL}{words}"
    )


def test_names_are_judged_by_length_then_characters() -> None:
    assert found(collect_name, "p", "a;") == [
        "Value 'a;' at 'p' | have length greater than or equal to 3",
        "Value 'a;' at 'p' | satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
    ]
    assert found(collect_index_name, "p", {}) == ["Value null at 'p.indexName' | not be null"]


def test_attribute_definitions_have_a_type_and_a_name() -> None:
    definitions = [{"AttributeName": "", "AttributeType": "SS"}, None]

    assert found(collect_attribute_definitions, definitions, required=True) == [
        (
            "Value 'SS' at 'attributeDefinitions.1.member.attributeType' | satisfy enum value set: "
            "[B, N, S]"
        ),
        (
            "Value '' at 'attributeDefinitions.1.member.attributeName' | have length greater than "
            "or equal to 1"
        ),
        "Value null at 'attributeDefinitions.2.member.attributeType' | not be null",
        "Value null at 'attributeDefinitions.2.member.attributeName' | not be null",
    ]
    assert found(collect_attribute_definitions, None, required=True) == [
        "Value null at 'attributeDefinitions' | not be null"
    ]
    assert found(collect_attribute_definitions, None, required=False) == []


def test_key_schemas_have_names_and_types() -> None:
    assert found(collect_key_schema, "keySchema", None, 2) == [
        "Value null at 'keySchema' | not be null"
    ]
    assert found(collect_key_schema, "keySchema", [{"KeyType": "SORT"}, {}], 2) == [
        "Value null at 'keySchema.1.member.attributeName' | not be null",
        "Value 'SORT' at 'keySchema.1.member.keyType' | satisfy enum value set: [HASH, RANGE]",
        "Value null at 'keySchema.2.member.attributeName' | not be null",
        "Value null at 'keySchema.2.member.keyType' | not be null",
    ]


def test_an_index_needs_a_name_a_key_and_a_projection() -> None:
    assert found(collect_local_index, "p", {}) == [
        "Value null at 'p.indexName' | not be null",
        "Value null at 'p.keySchema' | not be null",
        "Value null at 'p.projection' | not be null",
    ]
    assert found(collect_global_index, "p", {}) == [
        "Value null at 'p.keySchema' | not be null",
        "Value null at 'p.projection' | not be null",
        "Value null at 'p.indexName' | not be null",
    ]


def test_a_projection_has_one_to_twenty_attributes() -> None:
    def with_attributes(names: list[str]) -> dict[str, Any]:
        return index("by-a", "a", Projection={"ProjectionType": "SOME", "NonKeyAttributes": names})

    assert found(collect_local_index, "p", with_attributes([])) == [
        (
            "Value 'SOME' at 'p.projection.projectionType' | satisfy enum value set: "
            "[ALL, INCLUDE, KEYS_ONLY]"
        ),
        "Value '[]' at 'p.projection.nonKeyAttributes' | have length greater than or equal to 1",
    ]
    many = found(collect_local_index, "p", with_attributes(["x"] * 21))
    assert many[-1].endswith("have length less than or equal to 20")
    assert found(collect_local_index, "p", with_attributes([""]))[-1] == (
        "Value '' at 'p.projection.nonKeyAttributes.1.member' | have length greater than or equal "
        "to 1"
    )


def test_units_come_in_pairs_of_one_or_more() -> None:
    assert found(collect_throughput, "p", None) == []
    assert found(collect_throughput, "p", {"WriteCapacityUnits": -1}) == [
        "Value '-1' at 'p.writeCapacityUnits' | have value greater than or equal to 1",
        "Value null at 'p.readCapacityUnits' | not be null",
    ]


def test_modes_streams_and_encryption_have_their_members() -> None:
    assert found(collect_billing_mode, {"BillingMode": ""}) == [
        "Value '' at 'billingMode' | satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"
    ]
    body = {
        "StreamSpecification": {"StreamViewType": ""},
        "SSESpecification": {"SSEType": "X", "KMSMasterKeyId": ""},
    }
    assert found(collect_settings, body) == [
        "Value null at 'streamSpecification.streamEnabled' | not be null",
        (
            "Value '' at 'streamSpecification.streamViewType' | satisfy enum value set: "
            "[OLD_IMAGE, KEYS_ONLY, NEW_AND_OLD_IMAGES, NEW_IMAGE]"
        ),
        "Value 'X' at 'sSESpecification.sSEType' | satisfy enum value set: [AES256, KMS]",
        "Value '' at 'sSESpecification.kMSMasterKeyId' | have length greater than or equal to 1",
    ]


def test_what_is_not_served_yet_is_refused_by_its_name() -> None:
    refuse_unsupported({"TableName": "Music"}, ("ReplicaUpdates",))
    refuse_unsupported({"DisassociationProtectionEnabled": False}, UNSUPPORTED)
    with pytest.raises(ValidationException) as caught:
        refuse_unsupported({"ReplicaUpdates": []}, ("ReplicaUpdates",))

    assert caught.value.message == (
        "One or more parameter values were invalid: ReplicaUpdates is not supported yet"
    )
