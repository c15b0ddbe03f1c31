"""The older parameters, brought to the types that the expressions compile to.

In: Expected, QueryFilter, ScanFilter, AttributeUpdates and KeyConditions as the request has them,
JSON types checked. Out: `Condition`, `Update` and `KeyConditionClauses`. Called by the request
modules, which word a ValueRefused by their validation layer and add the envelope where it is due.
Attribute names mean themselves here, whatever characters they have. Values become canonical in
place. AWS Developer Guide: Legacy conditional parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stator_core.errors import ValidationException
from stator_core.expressions.evaluate import Condition, compiled
from stator_core.expressions.key_condition import Clause, KeyConditionClauses
from stator_core.expressions.syntax import (
    Action,
    And,
    Between,
    Call,
    Comparison,
    ConditionTree,
    In,
    Not,
    Or,
    Path,
    Value,
)
from stator_core.expressions.update import Update, template_of
from stator_core.expressions.update_values import LEGACY_MISMATCH
from stator_core.item import AttributeValue, compare, type_of, validate_value

_INVALID: Final = "One or more parameter values were invalid: "
_ONE: Final = (1, 1)
# Least and most arguments of each operator; None: any number.
_ARGUMENTS: Final[dict[str, tuple[int, int | None]]] = {
    "EQ": _ONE,
    "NE": _ONE,
    "LE": _ONE,
    "LT": _ONE,
    "GE": _ONE,
    "GT": _ONE,
    "CONTAINS": _ONE,
    "NOT_CONTAINS": _ONE,
    "BEGINS_WITH": _ONE,
    "BETWEEN": (2, 2),
    "NULL": (0, 0),
    "NOT_NULL": (0, 0),
    "IN": (1, None),
}
_ORDERED: Final = frozenset(("S", "N", "B"))
_SCALARS: Final = frozenset(("S", "N", "B", "BOOL", "NULL"))
# The types that an operator takes; all, where it is not listed.
_TYPES: Final = {
    "LE": _ORDERED,
    "LT": _ORDERED,
    "GE": _ORDERED,
    "GT": _ORDERED,
    "BETWEEN": _ORDERED,
    "IN": _ORDERED,
    "BEGINS_WITH": frozenset(("S", "B")),
    "CONTAINS": _SCALARS,
    "NOT_CONTAINS": _SCALARS,
}
_COMPARISONS: Final = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
_ACTIONS: Final = frozenset(("ADD", "DELETE", "PUT"))
_ADDABLE: Final = frozenset(("N", "SS", "NS", "BS", "L"))
_DELETABLE: Final = frozenset(("SS", "NS", "BS"))


class _Constants:
    """Values on their way into a tree, which knows them by placeholders only."""

    def __init__(self) -> None:
        self.values: dict[str, AttributeValue] = {}

    def add(self, value: AttributeValue) -> Value:
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = value
        return Value(placeholder)


def compile_expected(
    expected: Mapping[str, dict[str, Any]], conditional_operator: str = "AND"
) -> Condition:
    """Compile Expected. Raises ValueRefused for a value, ValidationException for the rest."""
    for entry in expected.values():
        _validate(entry, 0)
    constants = _Constants()
    conditions = []
    for name, entry in expected.items():
        _check_expected(name, entry)
        operator, arguments = _expected_operator(entry)
        conditions.append(_tree(name, operator, arguments, constants))
    return _joined(expected, conditions, conditional_operator, constants)


def compile_filter(
    conditions: Mapping[str, dict[str, Any]], conditional_operator: str, parameter: str
) -> Condition:
    """Compile a QueryFilter or a ScanFilter; `parameter` says which of them.

    Every condition has a ComparisonOperator. Raises as `compile_expected` does.
    """
    # ScanFilter takes values one level deeper than other parameters do (captured 2026-10).
    depth = -1 if parameter == "ScanFilter" else 0
    for entry in conditions.values():
        _validate(entry, depth)
    constants = _Constants()
    trees = []
    for name, entry in conditions.items():
        operator, arguments = entry["ComparisonOperator"], _arguments(entry)
        _check_arguments(operator, arguments)
        trees.append(_tree(name, operator, arguments, constants))
    return _joined(conditions, trees, conditional_operator, constants)


def compile_key_conditions(key_conditions: Mapping[str, dict[str, Any]]) -> KeyConditionClauses:
    """Compile KeyConditions. Raises as `compile_expected` does.

    An operator that no key has is found by `resolve`, after the table lookup.
    """
    for entry in key_conditions.values():
        _validate(entry, 0)
    clauses = {}
    for name, entry in key_conditions.items():
        operator, arguments = entry["ComparisonOperator"], _arguments(entry)
        _check_arguments(operator, arguments)
        written = _COMPARISONS.get(operator, operator)
        if written == "BEGINS_WITH":
            written = "begins_with"
        clauses[name] = Clause(written, tuple(arguments))
    return KeyConditionClauses(clauses)


def compile_attribute_updates(attribute_updates: Mapping[str, dict[str, Any]]) -> Update:
    """Compile AttributeUpdates. Raises ValueRefused or ValidationException, before the lookup.

    Without any update the item is made, with its key alone, if it is absent.
    """
    for entry in attribute_updates.values():
        if "Value" in entry:
            validate_value(entry["Value"])
    for entry in attribute_updates.values():
        if entry.get("Action", "PUT") not in _ACTIONS:
            # Sic: the stray quote is DynamoDB's (captured 2026-10).
            raise ValidationException(
                "Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action"
            )
    constants = _Constants()
    actions = []
    for name, entry in attribute_updates.items():
        actions.append(_action(name, entry.get("Action", "PUT"), entry.get("Value"), constants))
    return Update(template_of(tuple(actions), LEGACY_MISMATCH), constants.values)


def _action(name: str, action: str, value: AttributeValue | None, constants: _Constants) -> Action:
    target = Path((name,))
    if value is None:
        if action != "DELETE":
            raise ValidationException(
                _INVALID + "Only DELETE action is allowed when no attribute value is specified"
            )
        return Action("REMOVE", target, None)
    kind = type_of(value)
    if action == "DELETE" and kind not in _DELETABLE:
        raise ValidationException(
            f"{_INVALID}DELETE action with value is not supported for the type {kind}"
        )
    if action == "ADD" and kind not in _ADDABLE:
        raise ValidationException(f"{_INVALID}ADD action is not supported for the type {kind}")
    return Action("SET" if action == "PUT" else action, target, constants.add(value))


def _validate(entry: dict[str, Any], depth: int) -> None:
    if entry.get("Value") is not None:
        validate_value(entry["Value"], depth)
    for value in entry.get("AttributeValueList") or ():
        validate_value(value, depth)


def _arguments(entry: dict[str, Any]) -> list[AttributeValue]:
    return entry.get("AttributeValueList") or []


def _check_expected(name: str, entry: dict[str, Any]) -> None:
    """The members of one entry of Expected against each other, in DynamoDB's order."""
    operator, exists = entry.get("ComparisonOperator"), entry.get("Exists")
    value, arguments = entry.get("Value"), entry.get("AttributeValueList")
    attribute = f"for Attribute: {name}"
    if value is not None and arguments is not None:
        raise _invalid(f"Value and AttributeValueList cannot be used together {attribute}")
    if operator is not None:
        if exists is not None:
            raise _invalid(f"Exists and ComparisonOperator cannot be used together {attribute}")
        if operator not in _ARGUMENTS:
            raise _invalid("Invalid comparison operator")
        if value is None and arguments is None and _ARGUMENTS[operator][0] > 0:
            raise _invalid(
                "Value or AttributeValueList must be used with ComparisonOperator: "
                f"{operator} {attribute}"
            )
        _check_arguments(operator, arguments if value is None else [value])
    elif arguments is not None:
        raise _invalid(f"AttributeValueList can only be used with a ComparisonOperator {attribute}")
    elif exists is not False and value is None:
        shown = "null" if exists is None else "true"
        raise _invalid(f"Value must be provided when Exists is {shown} {attribute}")
    elif exists is False and value is not None:
        raise _invalid(f"Value cannot be used when Exists is false {attribute}")


def _expected_operator(entry: dict[str, Any]) -> tuple[str, list[AttributeValue]]:
    """The operator and arguments that a checked entry of Expected stands for."""
    value = entry.get("Value")
    arguments = _arguments(entry) if value is None else [value]
    operator: str | None = entry.get("ComparisonOperator")
    if operator is None:
        operator = "NULL" if entry.get("Exists") is False else "EQ"
    return operator, arguments


def _check_arguments(operator: str, arguments: list[AttributeValue] | None) -> None:
    """Number and types of an operator's arguments."""
    if operator not in _ARGUMENTS:
        raise _invalid("Invalid comparison operator")
    arguments = arguments or []
    least, most = _ARGUMENTS[operator]
    if len(arguments) < least or (most is not None and len(arguments) > most):
        raise _invalid(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    kinds = [type_of(argument) for argument in arguments]
    # IN looks at every argument before it asks whether they are of one type; others at the first.
    for kind in kinds if operator == "IN" else kinds[:1]:
        if operator in _TYPES and kind not in _TYPES[operator]:
            raise _invalid(
                f"ComparisonOperator {operator} is not valid for {kind} AttributeValue type"
            )
    if len(set(kinds)) > 1:
        raise _invalid("AttributeValues inside AttributeValueList must be of same type")
    if operator == "BETWEEN" and compare(arguments[0], arguments[1]) == 1:
        raise ValidationException(
            "The BETWEEN condition was provided a range where the lower bound is greater than "
            "the upper bound"
        )


def _tree(
    name: str, operator: str, arguments: list[AttributeValue], constants: _Constants
) -> ConditionTree:
    """One older condition as a condition tree, names resolved."""
    path = Path((name,))
    values = [constants.add(argument) for argument in arguments]
    if operator in _COMPARISONS:
        return Comparison(_COMPARISONS[operator], path, values[0])
    match operator:
        case "NULL":
            return Call("attribute_not_exists", (path,))
        case "NOT_NULL":
            return Call("attribute_exists", (path,))
        case "BEGINS_WITH":
            return Call("begins_with", (path, values[0]))
        case "CONTAINS":
            return Call("contains", (path, values[0]))
        case "NOT_CONTAINS":
            # Of a missing attribute this is false too, unlike NOT contains(...).
            missing_is_false = Call("attribute_exists", (path,))
            return And((missing_is_false, Not(Call("contains", (path, values[0])))))
        case "BETWEEN":
            return Between(path, values[0], values[1])
    assert operator == "IN"
    return In(path, tuple(values))


def _joined(
    conditions: Mapping[str, Any],
    trees: list[ConditionTree],
    conditional_operator: str,
    constants: _Constants,
) -> Condition:
    tree = Or(tuple(trees)) if conditional_operator == "OR" else And(tuple(trees))
    return Condition(compiled(tree), constants.values, frozenset(conditions), frozenset())


def _invalid(reason: str) -> ValidationException:
    return ValidationException(_INVALID + reason)
