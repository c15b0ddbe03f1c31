"""CreateTable: what a client may ask of a new table, and the table that comes of it.

In: a request body. Out: `CreateTable`, then a `Table` in CREATING with its indexes. The shell looks
whether the name is taken (`table_status.check_absent`), gives the identifiers, and makes the table
ACTIVE with `table_status.table_active` when its partitions serve.

AWS: API reference, CreateTable. Order of the refusals as DynamoDB answers (captured 2026-10):
types, the name alone, members, billing, definitions and keys, indexes, settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stator_core.arn import table_arn
from stator_core.errors import ValidationException
from stator_core.limits import TABLE_KEY_ATTRIBUTES_MAX
from stator_core.requests.constraints import Violations
from stator_core.requests.index_definition import (
    Definitions,
    Elements,
    IndexDefinition,
    check_counts,
    check_defined,
    check_global_key,
    check_local_key,
    check_simple_key,
    check_used,
    definition_of,
    definitions_of,
    elements_of,
    typed_schema,
)
from stator_core.requests.shapes import STRING, List, Structure, check
from stator_core.requests.table_members import (
    GLOBAL_INDEX_MEMBERS,
    INVALID,
    KEY_SCHEMA,
    LOCAL_INDEX_MEMBERS,
    TABLE_MEMBERS,
    TAG_LIST,
    collect_attribute_definitions,
    collect_billing_mode,
    collect_global_index,
    collect_key_schema,
    collect_local_index,
    collect_settings,
    collect_throughput,
    read_table_name,
    refuse_unsupported,
)
from stator_core.requests.table_settings import (
    class_at_creation,
    encryption_of,
    policy_of,
    stream_at_creation,
)
from stator_core.requests.tags import Tags, tags_of
from stator_core.requests.throughput import (
    Units,
    WarmUnits,
    check_initial_warm,
    check_on_demand_mode,
    check_on_demand_range,
    parse_on_demand,
    parse_units,
    parse_warm,
)
from stator_core.table import (
    Index,
    KeyAttribute,
    KeySchema,
    OnDemandThroughput,
    StreamSpecification,
    Table,
    Throughput,
)
from stator_core.table_description import (
    NOTHING_COUNTED,
    description,
    effective_warm_throughput,
    stream_label,
)

SHAPE = Structure(
    "CreateTableInput",
    {
        **TABLE_MEMBERS,
        "KeySchema": KEY_SCHEMA,
        "LocalSecondaryIndexes": List(Structure("LocalSecondaryIndex", LOCAL_INDEX_MEMBERS)),
        "GlobalSecondaryIndexes": List(Structure("GlobalSecondaryIndex", GLOBAL_INDEX_MEMBERS)),
        "Tags": TAG_LIST,
        "ResourcePolicy": STRING,
    },
)
UNSUPPORTED = ("GlobalTableSourceArn", "GlobalTableSettingsReplicationMode", "VectorIndexes")


@dataclass(frozen=True, slots=True)
class CreateTable:
    table_name: str
    key_schema: KeySchema
    attribute_definitions: tuple[KeyAttribute, ...]
    local_indexes: tuple[IndexDefinition, ...]
    global_indexes: tuple[IndexDefinition, ...]
    billing_mode: str
    throughput: Units | None
    on_demand_throughput: OnDemandThroughput | None
    warm_throughput: WarmUnits | None
    stream: StreamSpecification | None
    sse: dict[str, Any] | None
    table_class: str | None
    deletion_protection: bool
    tags: Tags
    resource_policy: str | None

    def table(
        self, identifiers: Iterator[int], table_id: str, now: float, region: str, account: str
    ) -> Table:
        """The table in CREATING.

        `identifiers` gives numbers that no table or index ever had: one for the table, one for each
        index. `table_id` is a new UUID, `now` epoch seconds, `account` twelve digits.
        """
        units = self.throughput or Units(0, 0)
        identifier = next(identifiers)
        local = tuple(one.index(next(identifiers)) for one in self.local_indexes)
        others = tuple(self._global_index(one, next(identifiers)) for one in self.global_indexes)
        return Table(
            name=self.table_name,
            identifier=identifier,
            table_id=table_id,
            arn=table_arn(region, account, self.table_name),
            key_schema=self.key_schema,
            attribute_definitions=self.attribute_definitions,
            created=now,
            local_indexes=local,
            global_indexes=others,
            billing_mode=self.billing_mode,
            last_update_to_pay_per_request=now if self.billing_mode == "PAY_PER_REQUEST" else None,
            throughput=Throughput(units.read, units.write),
            on_demand_throughput=self.on_demand_throughput,
            warm_throughput=self._warm(self.warm_throughput, self.throughput),
            stream=self.stream,
            latest_stream_label=None if self.stream is None else stream_label(now),
            table_class=self.table_class,
            deletion_protection=self.deletion_protection,
            sse=self.sse,
            tags=self.tags,
            resource_policy=self.resource_policy,
        )

    def answer(self, table: Table) -> dict[str, Any]:
        return {"TableDescription": description(table, NOTHING_COUNTED)}

    def _global_index(self, definition: IndexDefinition, identifier: int) -> Index:
        warm = self._warm(definition.warm_throughput, definition.throughput)
        return definition.index(identifier, warm)

    def _warm(self, warm: WarmUnits | None, units: Units | None) -> tuple[int, int] | None:
        if warm is None:
            return None
        return warm.over(initial_warm_throughput(self.billing_mode, units))


def parse(body: dict[str, Any]) -> CreateTable:
    """Raises SerializationException, then ValidationException, before any table is looked up."""
    check(body, SHAPE)
    table_name = read_table_name(body)
    _check_members(body)
    refuse_unsupported(body, UNSUPPORTED)
    billing_mode = body.get("BillingMode", "PROVISIONED")
    units = _billed_units(body, billing_mode)
    definitions = definitions_of(body["AttributeDefinitions"])
    elements = elements_of(body["KeySchema"])
    _check_keys(body, elements, definitions)
    local, others = _indexes(body, elements, definitions, billing_mode)
    on_demand, warm = _check_caps_and_warm(body, billing_mode, units, others)
    return CreateTable(
        table_name=table_name,
        key_schema=typed_schema(elements, definitions),
        attribute_definitions=tuple(
            KeyAttribute(name, definitions[name]) for name in sorted(definitions)
        ),
        local_indexes=local,
        global_indexes=others,
        billing_mode=billing_mode,
        throughput=units,
        on_demand_throughput=on_demand,
        warm_throughput=warm,
        stream=stream_at_creation(body.get("StreamSpecification")),
        sse=encryption_of(body.get("SSESpecification")),
        table_class=class_at_creation(body.get("TableClass")),
        deletion_protection=body.get("DeletionProtectionEnabled", False),
        tags=tags_of(body.get("Tags")),
        resource_policy=policy_of(body.get("ResourcePolicy")),
    )


def initial_warm_throughput(billing_mode: str, units: Units | None) -> tuple[int, int]:
    """What a new table or index is ready for without being told, in units per second."""
    units = units or Units(0, 0)
    return effective_warm_throughput(billing_mode, Throughput(units.read, units.write), None)


def _check_members(body: dict[str, Any]) -> None:
    violations = Violations()
    collect_attribute_definitions(violations, body.get("AttributeDefinitions"), required=True)
    collect_billing_mode(violations, body)
    collect_throughput(violations, "provisionedThroughput", body.get("ProvisionedThroughput"))
    collect_key_schema(violations, "keySchema", body.get("KeySchema"), TABLE_KEY_ATTRIBUTES_MAX)
    for number, index in enumerate(body.get("GlobalSecondaryIndexes") or (), 1):
        collect_global_index(violations, f"globalSecondaryIndexes.{number}.member", index or {})
    for number, index in enumerate(body.get("LocalSecondaryIndexes") or (), 1):
        collect_local_index(violations, f"localSecondaryIndexes.{number}.member", index or {})
    collect_settings(violations, body)
    violations.raise_any()


def _billed_units(body: dict[str, Any], billing_mode: str) -> Units | None:
    members = body.get("ProvisionedThroughput")
    if billing_mode == "PAY_PER_REQUEST" and members is not None:
        raise ValidationException(
            f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
            "BillingMode is PAY_PER_REQUEST"
        )
    if billing_mode == "PROVISIONED" and members is None:
        raise ValidationException(
            f"{INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when "
            "BillingMode is PROVISIONED"
        )
    return parse_units(members)


def _check_keys(body: dict[str, Any], elements: Elements, definitions: Definitions) -> None:
    """The table's key, that index lists are not empty, then every key against the definitions."""
    check_defined(elements, definitions)
    check_simple_key(elements)
    schemas: list[Elements] = []
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        members = body.get(kind)
        if members is None:
            continue
        if not members:
            raise ValidationException(f"{INVALID}List of {kind} is empty")
        if kind == "LocalSecondaryIndexes" and len(elements) < 2:
            raise ValidationException(
                f"{INVALID}Table KeySchema does not have a range key, which is required when "
                "specifying a LocalSecondaryIndex"
            )
        schemas.extend(elements_of(index["KeySchema"]) for index in members)
    for schema in schemas:
        check_defined(schema, definitions)
    check_used(definitions, elements, schemas)


def _indexes(
    body: dict[str, Any], elements: Elements, definitions: Definitions, billing_mode: str
) -> tuple[tuple[IndexDefinition, ...], tuple[IndexDefinition, ...]]:
    """The local and the global indexes."""
    local: list[IndexDefinition] = []
    for members in body.get("LocalSecondaryIndexes") or ():
        check_local_key(members["IndexName"], elements_of(members["KeySchema"]), elements)
        local.append(definition_of(members, "LOCAL", definitions))
    others: list[IndexDefinition] = []
    for members in body.get("GlobalSecondaryIndexes") or ():
        check_global_key(elements_of(members["KeySchema"]))
        definition = definition_of(members, "GLOBAL", definitions)
        _check_index_units(definition, billing_mode)
        others.append(definition)
    check_counts(local, others)
    return tuple(local), tuple(others)


def _check_index_units(definition: IndexDefinition, billing_mode: str) -> None:
    if billing_mode == "PAY_PER_REQUEST" and definition.throughput is not None:
        raise ValidationException(
            f"{INVALID}ProvisionedThroughput should not be specified for index: {definition.name} "
            "when BillingMode is PAY_PER_REQUEST"
        )
    if billing_mode == "PROVISIONED" and definition.throughput is None:
        raise ValidationException(
            f"{INVALID}ProvisionedThroughput is not specified for index: {definition.name}"
        )


def _check_caps_and_warm(
    body: dict[str, Any],
    billing_mode: str,
    units: Units | None,
    indexes: tuple[IndexDefinition, ...],
) -> tuple[OnDemandThroughput | None, WarmUnits | None]:
    """OnDemandThroughput and WarmThroughput of the table. Those of the indexes are checked too."""
    caps = parse_on_demand(body.get("OnDemandThroughput"))
    ending = "table BillingMode is PROVISIONED."
    check_on_demand_mode(caps, billing_mode, "", ending)
    check_on_demand_range(caps, "table", removable=False)
    warm = parse_warm(body.get("WarmThroughput"))
    floor = initial_warm_throughput(billing_mode, units)
    check_initial_warm(warm, floor, billing_mode, "table")
    for index in indexes:
        check_on_demand_mode(
            index.on_demand_throughput, billing_mode, f" for index: {index.name}", ending
        )
        check_on_demand_range(index.on_demand_throughput, f"index : {index.name}", removable=False)
        floor = initial_warm_throughput(billing_mode, index.throughput)
        check_initial_warm(index.warm_throughput, floor, billing_mode, f"index {index.name}")
    return caps, warm
