"""The constraints of Query and Scan: each member by itself, and which layer reads the request.

In: a body whose JSON types are right. Out: nothing, or the ValidationException that lists what
DynamoDB lists, in its order (captured 2026-10). Called by `range_reading.py`.

The new layer asks in two rounds, ranges first, then names and enum members; the old one asks
everything at once and prints values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

from stator_core.item import Item
from stator_core.limits import SEGMENT_MAX, TOTAL_SEGMENTS_MAX
from stator_core.requests.constraints import (
    CONDITIONAL_OPERATOR,
    RETURN_CONSUMED_CAPACITY,
    SELECT,
    TABLE_NAME,
    Violations,
    check_empty_table_name,
    check_table_name,
    length_at_least,
    value_at_least,
    value_at_most,
)
from stator_core.requests.layers import plain_values
from stator_core.requests.return_values import NONE
from stator_core.requests.shapes import INTEGER_MAX, Oddities

Operation = Literal["Query", "Scan"]
Body = dict[str, Any]
Rule = Callable[[Body, Violations], None]
# IndexName, Select, Limit, ExclusiveStartKey, ConsistentRead, ReturnConsumedCapacity.
Options = tuple[str | None, str | None, int | None, Item | None, bool, str]
NO_OPTIONS: Final[Options] = (None, None, None, None, False, NONE)

ATTRIBUTES_TO_GET_MAX: Final = 255
# Members of legacy conditions, by operation, with the path that errors print.
CONDITION_MEMBERS: Final[dict[Operation, dict[str, str]]] = {
    "Query": {"QueryFilter": "queryFilter", "KeyConditions": "keyConditions"},
    "Scan": {"ScanFilter": "scanFilter"},
}


def is_read_by_old_layer(operation: Operation, body: Body, oddities: Oddities) -> bool:
    """Whether DynamoDB reads this Query or Scan by its old layer (captured 2026-10)."""
    return (
        oddities.old_layer
        or oddities.cut_integer
        or "TableName" not in body
        or next(_conditions_without_operator(operation, body), None) is not None
    )


def usual_options(body: Body) -> Options | None:
    """Fast lane: the options that both operations have, or None if one is not as it should be.

    The values of the start key are still to be validated.
    """
    get = body.get
    read: Options = (
        get("IndexName"),
        get("Select"),
        get("Limit"),
        get("ExclusiveStartKey"),
        get("ConsistentRead", False),
        get("ReturnConsumedCapacity", NONE),
    )
    index_name, select, limit, start_key, consistent_read, capacity = read
    if index_name is not None and not is_index_name(index_name):
        return None
    if select is not None and select not in SELECT:
        return None
    if limit is not None and not (type(limit) is int and 1 <= limit <= INTEGER_MAX):
        return None
    if start_key is not None and not plain_values(start_key):
        return None
    if type(consistent_read) is not bool or capacity not in RETURN_CONSUMED_CAPACITY:
        return None
    return read


def is_index_name(text: Any) -> bool:
    """Fast lane: an index name, right in length and characters; the rule is that of tables."""
    return type(text) is str and TABLE_NAME.fullmatch(text) is not None


def check_members(operation: Operation, body: Body, old_layer: bool) -> None:
    """Every member by itself. Raises ValidationException."""
    rounds = (OLD_LAYER[operation],) if old_layer else NEW_LAYER[operation]
    for rules in rounds:
        violations = Violations()
        for rule in rules:
            rule(body, violations)
        violations.raise_any()


def check_select_member(body: Body) -> None:
    """Select by itself, which the new layer asks for after the parameters have been compared."""
    violations = Violations()
    _select(body, violations)
    violations.raise_any()


def _conditions_without_operator(operation: Operation, body: Body) -> Iterator[str]:
    """The paths of legacy conditions that lack ComparisonOperator."""
    for member, path in CONDITION_MEMBERS[operation].items():
        for name, condition in body.get(member, {}).items():
            if "ComparisonOperator" not in condition:
                yield f"{path}.{name}.member.comparisonOperator"


def _ranges(member: str, minimum: int, maximum: int | None = None) -> Rule:
    """A number's range in the new layer's words."""

    def rule(body: Body, violations: Violations) -> None:
        number = body.get(member)
        if number is None:
            return
        if number < minimum:
            violations.add_without_value(member, value_at_least(minimum))
        elif maximum is not None and number > maximum:
            violations.add_without_value(member, value_at_most(maximum))

    return rule


def _ranges_with_value(member: str, minimum: int, maximum: int | None = None) -> Rule:
    """The same in the old layer's words."""
    path = member[0].lower() + member[1:]

    def rule(body: Body, violations: Violations) -> None:
        violations.range(path, body.get(member), minimum, maximum)

    return rule


def _empty_table_name(body: Body, violations: Violations) -> None:
    check_empty_table_name(violations, body.get("TableName"))


def _table_name(body: Body, violations: Violations) -> None:
    check_table_name(violations, body.get("TableName"))


def _table_name_in_old_layer(body: Body, violations: Violations) -> None:
    if body.get("TableName") == "":
        violations.add("tableName", "", length_at_least(1))
    else:
        check_table_name(violations, body.get("TableName"))


def _index_name(body: Body, violations: Violations) -> None:
    name = body.get("IndexName")
    if name is not None:
        violations.name("indexName", name, both=True)


def _consumed_capacity(body: Body, violations: Violations) -> None:
    member = body.get("ReturnConsumedCapacity")
    violations.enum("returnConsumedCapacity", member, RETURN_CONSUMED_CAPACITY)


def _select(body: Body, violations: Violations) -> None:
    violations.enum("select", body.get("Select"), SELECT)


def _attributes_to_get(body: Body, violations: Violations) -> None:
    names = body.get("AttributesToGet")
    violations.length("attributesToGet", names, 1, ATTRIBUTES_TO_GET_MAX)
    for position, name in enumerate(names or (), start=1):
        violations.require(f"attributesToGet.{position}.member", name)


def _conditional_operator(body: Body, violations: Violations) -> None:
    violations.enum("conditionalOperator", body.get("ConditionalOperator"), CONDITIONAL_OPERATOR)


def _operators_of(operation: Operation) -> Rule:
    def rule(body: Body, violations: Violations) -> None:
        for path in _conditions_without_operator(operation, body):
            violations.require(path, None)

    return rule


NEW_LAYER: Final[dict[Operation, tuple[tuple[Rule, ...], ...]]] = {
    "Query": (
        (_ranges("Limit", 1), _empty_table_name),
        (_table_name, _consumed_capacity, _index_name, _attributes_to_get),
    ),
    "Scan": (
        (
            _ranges("Limit", 1),
            _ranges("Segment", 0, SEGMENT_MAX),
            _ranges("TotalSegments", 1, TOTAL_SEGMENTS_MAX),
            _empty_table_name,
        ),
        (_table_name, _consumed_capacity, _index_name, _attributes_to_get),
    ),
}
OLD_LAYER: Final[dict[Operation, tuple[Rule, ...]]] = {
    "Query": (
        _select,
        _consumed_capacity,
        _table_name_in_old_layer,
        _ranges_with_value("Limit", 1),
        _index_name,
        _attributes_to_get,
        _operators_of("Query"),
        _conditional_operator,
    ),
    "Scan": (
        _select,
        _consumed_capacity,
        _table_name_in_old_layer,
        _ranges_with_value("Limit", 1),
        _ranges_with_value("Segment", 0, SEGMENT_MAX),
        _ranges_with_value("TotalSegments", 1, TOTAL_SEGMENTS_MAX),
        _index_name,
        _attributes_to_get,
        _operators_of("Scan"),
        _conditional_operator,
    ),
}
