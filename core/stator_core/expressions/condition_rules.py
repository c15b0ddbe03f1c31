"""What a condition must keep to, beyond its grammar: operands of the right number, kind and type.

In: one condition (a leaf of the tree) with the request's names and values. Out: nothing, or the
first broken rule in DynamoDB's order: undefined names and values, number of operands, operands that
must differ, types. Called by `evaluate.py` and `key_condition.py`, which also keep `value_checks`:
the rules that depend on values alone and so must be asked again for every request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from stator_core.expressions.paths import (
    resolved_operand,
    shown,
    undefined_name,
    undefined_value,
)
from stator_core.expressions.syntax import (
    Between,
    Call,
    Comparison,
    In,
    Leaf,
    Operand,
    Path,
    Value,
    operands_of,
    walk,
)
from stator_core.expressions.tokens import invalid
from stator_core.item import AttributeValue, compare, type_of
from stator_core.limits import IN_OPERANDS_MAX

# Given the values of a request: what is wrong with them, or None.
Check = Callable[[Mapping[str, AttributeValue]], str | None]

_OPERAND_COUNTS: Final = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
_NEED_PATH: Final = frozenset(("attribute_exists", "attribute_not_exists"))
_ORDERED: Final = frozenset(("S", "N", "B"))
_WITH_PREFIX: Final = frozenset(("S", "B"))
_WITH_SIZE: Final = frozenset(("S", "B", "SS", "NS", "BS", "L", "M"))
_TYPE_CODE: Final = frozenset(("S",))
# In DynamoDB's printing orders.
_ANY_TYPE = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
_TYPE_CODES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")


def resolved_leaf(leaf: Leaf, names: Mapping[str, str]) -> Leaf:
    """The leaf with the attributes' own names."""
    operands = tuple([resolved_operand(operand, names) for operand in operands_of(leaf)])
    match leaf:
        case Comparison(operator):
            return Comparison(operator, *operands)
        case Between():
            return Between(*operands)
        case In():
            return In(operands[0], operands[1:])
        case Call(name):
            return Call(name, operands)


def check_leaf(
    leaf: Leaf, parameter: str, names: Mapping[str, str], values: Mapping[str, AttributeValue]
) -> None:
    """Raise ValidationException for the first rule that `leaf`, names unresolved, breaks."""
    for operand in operands_of(leaf):
        check_defined(operand, parameter, names, values)
    resolved = resolved_leaf(leaf, names)
    calls = [each for each in _within(resolved) if isinstance(each, Call)]
    for call in calls:
        count = len(call.arguments)
        if count != _OPERAND_COUNTS[call.name]:
            raise invalid(
                parameter,
                "Incorrect number of operands for operator or function; "
                f"operator or function: {call.name}, number of operands: {count}",
            )
    for call in calls:
        _check_distinct(parameter, call.name, call.arguments)
    if not isinstance(resolved, Call):
        _check_distinct(parameter, operator_of(resolved), operands_of(resolved))
    for check in value_checks(resolved):
        reason = check(values)
        if reason is not None:
            raise invalid(parameter, reason)


def check_defined(
    operand: Operand,
    parameter: str,
    names: Mapping[str, str],
    values: Mapping[str, AttributeValue],
) -> None:
    """Raise ValidationException for the first placeholder in `operand` that stands for nothing."""
    for each in walk(operand):
        if isinstance(each, Value):
            if each.placeholder not in values:
                raise undefined_value(parameter, each.placeholder)
        elif isinstance(each, Path):
            for element in each.elements:
                if type(element) is str and element[0] == "#" and element not in names:
                    raise undefined_name(parameter, element)


def _within(leaf: Leaf) -> list[Operand]:
    """Every operand within a leaf, inner ones first; a function that is the leaf comes last."""
    if isinstance(leaf, Call):
        return list(walk(leaf))
    return [each for operand in operands_of(leaf) for each in walk(operand)]


def operator_of(leaf: Leaf) -> str:
    """The operator or function of a condition, as DynamoDB prints it."""
    match leaf:
        case Comparison(operator):
            return operator
        case Between():
            return "BETWEEN"
        case In():
            return "IN"
        case Call(name):
            return name


def _check_distinct(parameter: str, operator: str, operands: tuple[Operand, ...]) -> None:
    first = operands[0]
    if isinstance(first, Path) and first in operands[1:]:
        raise invalid(
            parameter,
            "The first operand must be distinct from the remaining operands for this operator or "
            f"function; operator: {operator}, first operand: {shown(first.elements)}",
        )


def value_checks(leaf: Leaf) -> list[Check]:
    """The rules of a resolved leaf about its values, in DynamoDB's order.

    A rule that is broken whatever the values are is among them as a check that always complains.
    """
    checks: list[Check] = []
    for each in _within(leaf):
        if isinstance(each, Call):
            checks += _call_checks(each)
    match leaf:
        case Comparison(operator, left, right) if operator not in ("=", "<>"):
            checks += type_checks(operator, (left, right), _ORDERED)
        case Between(operand, lower, upper):
            checks += type_checks("BETWEEN", (operand, lower, upper), _ORDERED)
            if isinstance(lower, Value) and isinstance(upper, Value):
                checks.append(_bounds_check(lower.placeholder, upper.placeholder))
        case In(_, candidates) if len(candidates) > IN_OPERANDS_MAX:
            count = len(candidates)
            checks.append(
                always(
                    "The IN operator is provided with too many operands; "
                    f"number of operands: {count}"
                )
            )
    return checks


def _call_checks(call: Call) -> list[Check]:
    name, arguments = call.name, call.arguments
    if name in _NEED_PATH and not isinstance(arguments[0], Path):
        reason = "Operator or function requires a document path; operator or function: " + name
        return [always(reason)]
    match name:
        case "begins_with":
            return type_checks(name, arguments, _WITH_PREFIX)
        case "size":
            return type_checks(name, arguments, _WITH_SIZE)
        case "attribute_type":
            code = arguments[1]
            if not isinstance(code, Value):
                kind = "N" if isinstance(code, Call) else _ANY_TYPE
                return [always(wrong_type(name, kind))]
            return [*type_checks(name, (code,), _TYPE_CODE), _code_check(code.placeholder)]
    return []


def type_checks(
    operator: str, operands: tuple[Operand, ...], allowed: frozenset[str]
) -> list[Check]:
    """Constants must be of an allowed type; so must a size, which is a number."""
    checks: list[Check] = []
    for operand in operands:
        if isinstance(operand, Value):
            checks.append(_type_check(operator, operand.placeholder, allowed))
        elif isinstance(operand, Call) and "N" not in allowed:
            checks.append(always(wrong_type(operator, "N")))
    return checks


def wrong_type(operator: str, kind: str) -> str:
    return (
        "Incorrect operand type for operator or function; "
        f"operator or function: {operator}, operand type: {kind}"
    )


def _type_check(operator: str, placeholder: str, allowed: frozenset[str]) -> Check:
    def check(values: Mapping[str, AttributeValue]) -> str | None:
        for kind in values[placeholder]:
            if kind not in allowed:
                return wrong_type(operator, kind)
        return None

    return check


def _code_check(placeholder: str) -> Check:
    def check(values: Mapping[str, AttributeValue]) -> str | None:
        code = values[placeholder]["S"]
        if code in _TYPE_CODES:
            return None
        valid = ",".join(_TYPE_CODES)
        return f"Invalid attribute type name found; type: {code}, valid types: {{{valid}}}"

    return check


def _bounds_check(lower: str, upper: str) -> Check:
    def check(values: Mapping[str, AttributeValue]) -> str | None:
        least, most = values[lower], values[upper]
        order = compare(least, most)
        if order is not None and order <= 0:
            return None
        if type_of(least) != type_of(most):
            rule = "same data type for lower and upper bounds"
        else:
            rule = "upper bound to be greater than or equal to lower bound"
        return (
            f"The BETWEEN operator requires {rule}; lower bound operand: {_shown_value(least)}, "
            f"upper bound operand: {_shown_value(most)}"
        )

    return check


def _shown_value(value: AttributeValue) -> str:
    """An S, N or B as DynamoDB prints it: `AttributeValue: {S:a}`."""
    ((kind, content),) = value.items()
    return f"AttributeValue: {{{kind}:{content}}}"


def always(reason: str) -> Check:
    """A rule that is broken whatever the values are."""
    return lambda _values: reason
