"""Keys, indexes and projections as CreateTable and UpdateTable define them, checked together.

In: members that passed `table_members.py`. Out: `KeySchema`s with the types of their attributes and
`IndexDefinition`s, or the one ValidationException that DynamoDB gives. `create_table.py` and
`index_updates.py` decide the order in which they ask; nothing here knows a stored table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stator_core.errors import ValidationException
from stator_core.limits import (
    GLOBAL_INDEXES_MAX,
    INDEX_HASH_ATTRIBUTES_MAX,
    INDEX_RANGE_ATTRIBUTES_MAX,
    LOCAL_INDEXES_MAX,
    PROJECTED_ATTRIBUTES_PER_TABLE_MAX,
)
from stator_core.requests.java_hash_order import of_growing_set, of_sized_map
from stator_core.requests.throughput import (
    Units,
    WarmUnits,
    parse_on_demand,
    parse_units,
    parse_warm,
)
from stator_core.table import (
    Index,
    IndexProjection,
    KeyAttribute,
    KeySchema,
    KeyType,
    OnDemandThroughput,
    Throughput,
)

INVALID = "One or more parameter values were invalid: "
Definitions = dict[str, KeyType]
Elements = Sequence[tuple[str, str]]  # (attribute name, HASH or RANGE) in the order of the request


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """An index as a client asks for it; `index` makes it one of a table."""

    name: str
    kind: Literal["LOCAL", "GLOBAL"]
    key_schema: KeySchema
    projection: IndexProjection
    throughput: Units | None = None
    on_demand_throughput: OnDemandThroughput | None = None
    warm_throughput: WarmUnits | None = None

    def index(
        self, identifier: int, warm: tuple[int, int] | None = None, backfilling: bool | None = None
    ) -> Index:
        """The index in CREATING. `warm`: its warm units, where the client set any."""
        units = self.throughput or Units(0, 0)
        return Index(
            name=self.name,
            kind=self.kind,
            identifier=identifier,
            key_schema=self.key_schema,
            projection=self.projection,
            status="CREATING",
            backfilling=backfilling,
            throughput=Throughput(units.read, units.write),
            on_demand_throughput=self.on_demand_throughput,
            warm_throughput=warm,
        )


def definitions_of(members: Iterable[dict[str, Any]]) -> Definitions:
    """The type of each defined attribute. Refuses one that is defined twice."""
    definitions: Definitions = {}
    for member in members:
        name = member["AttributeName"]
        if name in definitions:
            raise ValidationException(f"Attribute Name is duplicated: {name}")
        definitions[name] = member["AttributeType"]
    return definitions


def elements_of(schema: Iterable[dict[str, str]]) -> Elements:
    return [(element["AttributeName"], element["KeyType"]) for element in schema]


def check_defined(elements: Elements, definitions: Definitions) -> None:
    """Every key attribute has a definition. Fewer definitions than attributes has its own words."""
    names = [name for name, _ in elements]
    if len(names) > len(definitions):
        raise ValidationException("Invalid KeySchema: Some index key attribute have no definition")
    if any(name not in definitions for name in names):
        raise ValidationException(
            f"{INVALID}Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(of_growing_set(names))}], "
            f"AttributeDefinitions: [{', '.join(of_sized_map(definitions))}]"
        )


def check_used(definitions: Definitions, elements: Elements, indexes: Sequence[Elements]) -> None:
    """CreateTable: every definition is used by a key."""
    used = {name: None for schema in (elements, *indexes) for name, _ in schema}
    if len(used) == len(definitions):
        return
    if not indexes:
        raise ValidationException(
            f"{INVALID}Number of attributes in KeySchema does not exactly match number of "
            "attributes defined in AttributeDefinitions"
        )
    raise ValidationException(
        f"{INVALID}Some AttributeDefinitions are not used. "
        f"AttributeDefinitions: [{', '.join(of_sized_map(definitions))}], "
        f"keys used: [{', '.join(of_growing_set(used))}]"
    )


def check_simple_key(elements: Elements) -> None:
    """The key of a table or of a local index: HASH, or HASH and RANGE of another name."""
    names = [name for name, _ in elements]
    if len(set(names)) != len(names):
        raise ValidationException(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name"
        )
    _check_first_is_hash(elements)
    if len(elements) > 1 and elements[1][1] != "RANGE":
        raise ValidationException(
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"
        )


def check_global_key(elements: Elements) -> None:
    """The key of a global index: one to four HASH, then up to four RANGE attributes."""
    _check_first_is_hash(elements)
    types = [key_type for _, key_type in elements]
    hashes = types.count("HASH")
    if "RANGE" in types[:hashes]:
        raise ValidationException(
            f"{INVALID}All HASH key attributes must precede RANGE key attributes in the KeySchema"
        )
    if len({name for name, _ in elements}) != len(elements):
        raise ValidationException(
            "The KeySchema contains multiple key attributes with the same name"
        )
    for key_type, count, count_max in (
        ("HASH", hashes, INDEX_HASH_ATTRIBUTES_MAX),
        ("RANGE", len(types) - hashes, INDEX_RANGE_ATTRIBUTES_MAX),
    ):
        if count > count_max:
            raise ValidationException(
                f"{INVALID}The KeySchema exceeds the maximum allowed number of {key_type} key "
                "attributes"
            )


def check_local_key(name: str, elements: Elements, table: Elements) -> None:
    """The key of the local index `name`, against the key of its table."""
    check_simple_key(elements)
    if len(elements) < 2:
        raise ValidationException(
            f"{INVALID}Index KeySchema does not have a range key for index: {name}"
        )
    if elements[0][0] != table[0][0]:
        raise ValidationException(
            f"{INVALID}Index KeySchema does not have the same leading hash key as table KeySchema "
            f"for index: {name}. index hash key: {elements[0][0]}, table hash key: {table[0][0]}"
        )


def typed_schema(elements: Elements, definitions: Definitions) -> KeySchema:
    """The key schema with its types; the elements were checked."""
    attributes = {"HASH": [], "RANGE": []}  # type: dict[str, list[KeyAttribute]]
    for name, key_type in elements:
        attributes[key_type].append(KeyAttribute(name, definitions[name]))
    return KeySchema(tuple(attributes["HASH"]), tuple(attributes["RANGE"]))


def projection_of(members: dict[str, Any]) -> IndexProjection:
    """The projection. Its attributes come back sorted, as DescribeTable shows them."""
    kind = members.get("ProjectionType")
    names = members.get("NonKeyAttributes")
    if kind is None:
        raise ValidationException(f"{INVALID}Unknown ProjectionType: null")
    if kind == "INCLUDE" and names is None:
        raise ValidationException(
            f"{INVALID}ProjectionType is INCLUDE, but NonKeyAttributes is not specified"
        )
    if kind != "INCLUDE" and names is not None:
        raise ValidationException(
            f"{INVALID}ProjectionType is {kind}, but NonKeyAttributes is specified"
        )
    seen: set[str] = set()
    for name in names or ():
        if name in seen:
            raise ValidationException(f"{INVALID}Duplicate element in NonKeyAttributes: {name}")
        seen.add(name)
    return IndexProjection(kind, tuple(sorted(seen)))


def definition_of(
    members: dict[str, Any], kind: Literal["LOCAL", "GLOBAL"], definitions: Definitions
) -> IndexDefinition:
    """The index that `members` ask for; its keys were checked. Refuses a wrong projection."""
    name = members["IndexName"]
    return IndexDefinition(
        name=name,
        kind=kind,
        key_schema=typed_schema(elements_of(members["KeySchema"]), definitions),
        projection=projection_of(members["Projection"]),
        throughput=parse_units(members.get("ProvisionedThroughput"), name),
        on_demand_throughput=parse_on_demand(members.get("OnDemandThroughput")),
        warm_throughput=parse_warm(members.get("WarmThroughput")),
    )


def check_counts(local: Sequence[IndexDefinition], others: Sequence[IndexDefinition]) -> None:
    """CreateTable: names of indexes are unique over both kinds, and there are not too many."""
    seen: set[str] = set()
    for definition in (*local, *others):
        if definition.name in seen:
            raise ValidationException(f"{INVALID}Duplicate index name: {definition.name}")
        seen.add(definition.name)
    if len(local) > LOCAL_INDEXES_MAX:
        raise ValidationException(
            f"{INVALID}Number of LocalSecondaryIndexes exceeds per-table limit of "
            f"{LOCAL_INDEXES_MAX}"
        )
    if len(others) > GLOBAL_INDEXES_MAX:
        raise ValidationException(
            f"{INVALID}GlobalSecondaryIndex count exceeds the per-table limit of "
            f"{GLOBAL_INDEXES_MAX}"
        )
    check_projected_count(definition.projection for definition in (*local, *others))


def check_projected_count(projections: Iterable[IndexProjection]) -> None:
    """At most a hundred projected attributes over all indexes (wording UNCONFIRMED)."""
    projected = sum(len(projection.non_key_attributes) for projection in projections)
    if projected > PROJECTED_ATTRIBUTES_PER_TABLE_MAX:
        raise ValidationException(
            f"{INVALID}Number of projected NonKeyAttributes exceeds per-table limit of "
            f"{PROJECTED_ATTRIBUTES_PER_TABLE_MAX}"
        )


def _check_first_is_hash(elements: Elements) -> None:
    if elements[0][1] != "HASH":
        raise ValidationException(
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"
        )
