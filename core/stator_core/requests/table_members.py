"""Members that the table operations share: their JSON types and their constraints.

In: a request body. Out: checked members, or a SerializationException or the collected
ValidationException. `create_table.py`, `update_table.py` and the small operations build their
`SHAPE` from the structures here and collect violations in DynamoDB's order with the `collect_`
functions; the looks at several members together come next (`index_definition.py`, `throughput.py`,
`table_settings.py`).

AWS: API reference, CreateTable and UpdateTable. The order inside one structure is DynamoDB's
(captured 2026-10), the order of the structures among each other is UNCONFIRMED.
"""

from __future__ import annotations

import re
from typing import Any, Final

from stator_core.errors import ValidationException
from stator_core.limits import (
    INDEX_HASH_ATTRIBUTES_MAX,
    INDEX_NAME_CHARACTERS_MAX,
    INDEX_NAME_CHARACTERS_MIN,
    INDEX_RANGE_ATTRIBUTES_MAX,
    KEY_ATTRIBUTE_NAME_BYTES_MAX,
    PROJECTED_ATTRIBUTES_PER_INDEX_MAX,
    TABLE_KEY_ATTRIBUTES_MAX,
)
from stator_core.requests.constraints import (
    ATTRIBUTE_TYPE,
    BILLING_MODE,
    KEY_TYPE,
    MATCH_NAME_PATTERN,
    NAME_PATTERN_TEXT,
    PROJECTION_TYPE,
    TABLE_ARN,
    Violations,
    length_at_least,
    length_at_most,
    table_name_of,
)
from stator_core.requests.shapes import BOOLEAN, LONG, STRING, STRING_LIST, List, Shape, Structure

INVALID = "One or more parameter values were invalid: "
STREAM_VIEW_TYPE: Final = ("OLD_IMAGE", "KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE")
SSE_TYPE: Final = ("AES256", "KMS")
INDEX_KEY_ATTRIBUTES_MAX = INDEX_HASH_ATTRIBUTES_MAX + INDEX_RANGE_ATTRIBUTES_MAX
_NAME = re.compile(NAME_PATTERN_TEXT)

ATTRIBUTE_DEFINITIONS = List(
    Structure("AttributeDefinition", {"AttributeName": STRING, "AttributeType": STRING})
)
KEY_SCHEMA = List(Structure("KeySchemaElement", {"AttributeName": STRING, "KeyType": STRING}))
PROJECTION = Structure("Projection", {"ProjectionType": STRING, "NonKeyAttributes": STRING_LIST})
PROVISIONED_THROUGHPUT = Structure(
    "ProvisionedThroughput", {"ReadCapacityUnits": LONG, "WriteCapacityUnits": LONG}
)
ON_DEMAND_THROUGHPUT = Structure(
    "OnDemandThroughput", {"MaxReadRequestUnits": LONG, "MaxWriteRequestUnits": LONG}
)
WARM_THROUGHPUT = Structure(
    "WarmThroughput", {"ReadUnitsPerSecond": LONG, "WriteUnitsPerSecond": LONG}
)
LOCAL_INDEX_MEMBERS: dict[str, Shape] = {
    "IndexName": STRING,
    "KeySchema": KEY_SCHEMA,
    "Projection": PROJECTION,
}
THROUGHPUT_MEMBERS: dict[str, Shape] = {
    "ProvisionedThroughput": PROVISIONED_THROUGHPUT,
    "OnDemandThroughput": ON_DEMAND_THROUGHPUT,
    "WarmThroughput": WARM_THROUGHPUT,
}
GLOBAL_INDEX_MEMBERS: dict[str, Shape] = {**LOCAL_INDEX_MEMBERS, **THROUGHPUT_MEMBERS}
STREAM_SPECIFICATION = Structure(
    "StreamSpecification", {"StreamEnabled": BOOLEAN, "StreamViewType": STRING}
)
SSE_SPECIFICATION = Structure(
    "SSESpecification", {"Enabled": BOOLEAN, "SSEType": STRING, "KMSMasterKeyId": STRING}
)
TAG_LIST = List(Structure("Tag", {"Key": STRING, "Value": STRING}))
# What CreateTable and UpdateTable have in common.
TABLE_MEMBERS: dict[str, Shape] = {
    "AttributeDefinitions": ATTRIBUTE_DEFINITIONS,
    "TableName": STRING,
    "BillingMode": STRING,
    **THROUGHPUT_MEMBERS,
    "StreamSpecification": STREAM_SPECIFICATION,
    "SSESpecification": SSE_SPECIFICATION,
    "TableClass": STRING,
    "DeletionProtectionEnabled": BOOLEAN,
}


def read_table_name(body: dict[str, Any]) -> str:
    """The table named by TableName, which is a name or a table's ARN.

    A wrong name is answered alone, before every other member: missing, too short or too long,
    misspelt.
    """
    name = body.get("TableName")
    if name is None:
        raise ValidationException(
            "The parameter 'TableName' is required but was not present in the request"
        )
    assert isinstance(name, str)
    if TABLE_ARN.fullmatch(name) is None:
        violations = Violations()
        collect_name(violations, "tableName", name)
        violations.raise_any()
    return table_name_of(name)


def collect_name(violations: Violations, path: str, name: str) -> None:
    """A table or index name: its length, then its characters."""
    if len(name) < INDEX_NAME_CHARACTERS_MIN:
        violations.add(path, name, length_at_least(INDEX_NAME_CHARACTERS_MIN))
    elif len(name) > INDEX_NAME_CHARACTERS_MAX:
        violations.add(path, name, length_at_most(INDEX_NAME_CHARACTERS_MAX))
    if _NAME.fullmatch(name) is None:
        violations.add(path, name, MATCH_NAME_PATTERN)


def collect_index_name(violations: Violations, path: str, members: dict[str, Any]) -> None:
    """IndexName of an index or of a change to one; `path` is that of its owner."""
    name = members.get("IndexName")
    violations.require(f"{path}.indexName", name)
    if name is not None:
        collect_name(violations, f"{path}.indexName", name)


def collect_attribute_definitions(
    violations: Violations, definitions: list[Any] | None, *, required: bool
) -> None:
    if definitions is None:
        if required:
            violations.require("attributeDefinitions", None)
        return
    for number, definition in enumerate(definitions, 1):
        path = f"attributeDefinitions.{number}.member"
        members = definition or {}
        attribute_type = members.get("AttributeType")
        violations.require(f"{path}.attributeType", attribute_type)
        violations.enum(f"{path}.attributeType", attribute_type, ATTRIBUTE_TYPE)
        _collect_attribute_name(violations, f"{path}.attributeName", members.get("AttributeName"))


def collect_key_schema(
    violations: Violations, path: str, schema: list[Any] | None, attributes_max: int
) -> None:
    """KeySchema at `path`. Too long a schema is reported at plain `keySchema`, an index's too."""
    violations.require(path, schema)
    if schema is None:
        return
    if not schema:
        violations.add(path, schema, length_at_least(1))
    elif len(schema) > attributes_max:
        violations.add("keySchema", _shown_schema(schema), length_at_most(attributes_max))
    for number, element in enumerate(schema, 1):
        member = f"{path}.{number}.member"
        members = element or {}
        _collect_attribute_name(violations, f"{member}.attributeName", members.get("AttributeName"))
        key_type = members.get("KeyType")
        violations.require(f"{member}.keyType", key_type)
        violations.enum(f"{member}.keyType", key_type, KEY_TYPE)


def collect_local_index(violations: Violations, path: str, members: dict[str, Any]) -> None:
    collect_index_name(violations, path, members)
    collect_key_schema(
        violations, f"{path}.keySchema", members.get("KeySchema"), TABLE_KEY_ATTRIBUTES_MAX
    )
    _collect_projection(violations, f"{path}.projection", members.get("Projection"))


def collect_global_index(violations: Violations, path: str, members: dict[str, Any]) -> None:
    collect_key_schema(
        violations, f"{path}.keySchema", members.get("KeySchema"), INDEX_KEY_ATTRIBUTES_MAX
    )
    _collect_projection(violations, f"{path}.projection", members.get("Projection"))
    collect_index_name(violations, path, members)
    collect_throughput(
        violations, f"{path}.provisionedThroughput", members.get("ProvisionedThroughput")
    )


def collect_throughput(
    violations: Violations, path: str, throughput: dict[str, Any] | None
) -> None:
    """ProvisionedThroughput: both units, one or more each; the write units come first."""
    if throughput is None:
        return
    for name, member in (
        ("writeCapacityUnits", "WriteCapacityUnits"),
        ("readCapacityUnits", "ReadCapacityUnits"),
    ):
        units = throughput.get(member)
        violations.require(f"{path}.{name}", units)
        violations.range(f"{path}.{name}", units, 1)


def collect_settings(violations: Violations, body: dict[str, Any]) -> None:
    """StreamSpecification and SSESpecification."""
    stream = body.get("StreamSpecification")
    if stream is not None:
        violations.require("streamSpecification.streamEnabled", stream.get("StreamEnabled"))
        violations.enum(
            "streamSpecification.streamViewType", stream.get("StreamViewType"), STREAM_VIEW_TYPE
        )
    encryption = body.get("SSESpecification")
    if encryption is not None:
        violations.enum("sSESpecification.sSEType", encryption.get("SSEType"), SSE_TYPE)
        violations.length("sSESpecification.kMSMasterKeyId", encryption.get("KMSMasterKeyId"), 1)


def collect_billing_mode(violations: Violations, body: dict[str, Any]) -> None:
    violations.enum("billingMode", body.get("BillingMode"), BILLING_MODE)


def refuse_unsupported(body: dict[str, Any], members: tuple[str, ...]) -> None:
    """Refuse a member of DynamoDB's that this release does not serve, rather than ignore it.

    A switch that is off asks for nothing and passes.
    """
    for member in members:
        if body.get(member) not in (None, False):
            raise ValidationException(f"{INVALID}{member} is not supported yet")


def _collect_projection(violations: Violations, path: str, projection: Any) -> None:
    violations.require(path, projection)
    if projection is None:
        return
    violations.enum(f"{path}.projectionType", projection.get("ProjectionType"), PROJECTION_TYPE)
    names = projection.get("NonKeyAttributes")
    violations.length(f"{path}.nonKeyAttributes", names, 1, PROJECTED_ATTRIBUTES_PER_INDEX_MAX)
    for number, name in enumerate(names or (), 1):
        _collect_attribute_name(violations, f"{path}.nonKeyAttributes.{number}.member", name)


def _collect_attribute_name(violations: Violations, path: str, name: str | None) -> None:
    violations.require(path, name)
    violations.length(path, name, 1, KEY_ATTRIBUTE_NAME_BYTES_MAX)


def _shown_schema(schema: list[Any]) -> str:
    """A key schema as DynamoDB prints its Java objects."""
    elements = (
        f"KeySchemaElement(attributeName={(element or {}).get('AttributeName', '')}, "
        f"keyType={(element or {}).get('KeyType', '')})"
        for element in schema
    )
    return f"[{', '.join(elements)}]"
