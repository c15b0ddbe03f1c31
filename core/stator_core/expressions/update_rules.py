"""What an update must keep to, beyond its grammar.

In: the parsed actions with the request's names and values. Out: nothing, or the first broken rule
in DynamoDB's order: undefined names, undefined values, overlapping paths, conflicting paths,
operands of ADD and DELETE, functions and arithmetic. Called by `update.py`, which also keeps
`update_checks`: the rules about values, to be asked again for every request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from stator_core.expressions.condition_rules import Check, always, type_checks
from stator_core.expressions.paths import (
    check_distinct_paths,
    resolved,
    undefined_name,
    undefined_value,
)
from stator_core.expressions.syntax import (
    Action,
    Arithmetic,
    Call,
    Operand,
    ParsedUpdate,
    Path,
    Value,
    walk,
)
from stator_core.expressions.tokens import invalid
from stator_core.expressions.update_parser import PARAMETER
from stator_core.item import AttributeValue

_ALLOWED: Final = {
    "ADD": frozenset(("N", "SS", "NS", "BS")),
    "DELETE": frozenset(("SS", "NS", "BS")),
}
# ADD and DELETE spell out what other operators print as short codes (captured 2026-10).
_SPELT: Final = {"S": "STRING", "N": "NUMBER", "B": "Binary", "L": "LIST", "M": "MAP"}
_NUMBERS: Final = frozenset(("N",))
_LISTS: Final = frozenset(("L",))


def check_update(
    tree: ParsedUpdate, names: Mapping[str, str], values: Mapping[str, AttributeValue]
) -> None:
    """Raise ValidationException for the first rule that the update breaks."""
    for name in tree.names:
        if name not in names:
            raise undefined_name(PARAMETER, name)
    for placeholder in tree.values:
        if placeholder not in values:
            raise undefined_value(PARAMETER, placeholder)
    check_distinct_paths(
        PARAMETER, [resolved(action.target, names).elements for action in tree.actions]
    )
    for check in update_checks(tree.actions):
        reason = check(values)
        if reason is not None:
            raise invalid(PARAMETER, reason)


def update_checks(actions: Iterable[Action]) -> list[Check]:
    """The rules about operands, in DynamoDB's order: all of ADD and DELETE before those of SET."""
    actions = tuple(actions)
    checks = [
        _added_check(action.clause, action.operand.placeholder)
        for action in actions
        if action.clause in _ALLOWED and isinstance(action.operand, Value)
    ]
    for action in actions:
        if action.clause == "SET":
            assert action.operand is not None
            for operand in walk(action.operand):
                checks += _operand_checks(operand)
    return checks


def _added_check(clause: str, placeholder: str) -> Check:
    allowed = _ALLOWED[clause]

    def check(values: Mapping[str, AttributeValue]) -> str | None:
        for kind in values[placeholder]:
            if kind not in allowed:
                return (
                    "Incorrect operand type for operator or function; "
                    f"operator: {clause}, operand type: {_SPELT.get(kind, kind)}, "
                    "typeSet: ALLOWED_FOR_ADD_OPERAND"
                )
        return None

    return check


def _operand_checks(operand: Operand) -> list[Check]:
    match operand:
        case Arithmetic(operator, left, right):
            return _constants(operator, (left, right), _NUMBERS)
        case Call(name, arguments):
            return _call_checks(name, arguments)
    return []


def _call_checks(name: str, arguments: tuple[Operand, ...]) -> list[Check]:
    if len(arguments) != 2:
        reason = (
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {len(arguments)}"
        )
        return [always(reason)]
    if name == "if_not_exists":
        if isinstance(arguments[0], Path):
            return []
        return [
            always(f"Operator or function requires a document path; operator or function: {name}")
        ]
    if any(isinstance(each, Call) and each.name == name for each in arguments):
        return [
            always(
                "The function is not allowed to be used this way in an expression; "
                f"function: {name}"
            )
        ]
    return _constants(name, arguments, _LISTS)


def _constants(
    operator: str, operands: tuple[Operand, ...], allowed: frozenset[str]
) -> list[Check]:
    constants = tuple([each for each in operands if isinstance(each, Value)])
    return type_checks(operator, constants, allowed)
