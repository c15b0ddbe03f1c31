"""Key conditions: KeyConditionExpression, from text to what a Query asks of a key.

In: the text and the request's `Substitutions`; or, by `legacy.py`, KeyConditions. Out: at first
`KeyConditionClauses`, which is all that can be said without a table; then, by `resolve`, the
`keys.KeyCondition` of a key schema. Called by `requests/query.py` before and after the table
lookup. The grammar is that of conditions; what a key cannot be asked is refused here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from stator_core.errors import ValidationException
from stator_core.expressions.condition_rules import (
    Check,
    check_leaf,
    operator_of,
    resolved_leaf,
    value_checks,
)
from stator_core.expressions.parser import parse_condition
from stator_core.expressions.recent import Recent
from stator_core.expressions.substitutions import Substitutions
from stator_core.expressions.syntax import (
    And,
    ConditionTree,
    Leaf,
    Not,
    Or,
    ParsedCondition,
    Path,
    Value,
    operands_of,
)
from stator_core.expressions.tokens import invalid
from stator_core.item import AttributeValue
from stator_core.key_rules import check_key_value, surely_fits
from stator_core.keys import KeyCondition
from stator_core.table import KeyAttribute, KeySchema

PARAMETER: Final = "KeyConditionExpression"
_KEY_OPERATORS: Final = frozenset(("=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"))
_TURNED: Final = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Clause(NamedTuple):
    """One condition on one attribute, its operator as if the attribute stood on the left."""

    operator: str
    operands: tuple[AttributeValue, ...]


class KeyConditionClauses:
    """The clauses of one request by attribute, not yet held against a key."""

    __slots__ = ("clauses",)

    def __init__(self, clauses: dict[str, Clause]) -> None:
        self.clauses = clauses

    def resolve(self, key_schema: KeySchema) -> KeyCondition:
        """Hold the clauses against the key of a table or index.

        Raises ValidationException: too many clauses, a HASH attribute without equality, a clause on
        another attribute, a gap in the RANGE attributes, an operator no key has, a value of another
        type than the key's, empty or too long. Source: AWS Developer Guide, "Key condition
        expressions for the Query operation"; order as captured 2026-10.
        """
        clauses = self.clauses
        attribute = key_schema.hash[0]
        clause = clauses.get(attribute.name)
        if (
            clause is not None
            and len(clauses) == 1 == len(key_schema.hash)
            and clause.operator == "="
            and surely_fits(attribute, clause.operands[0])
        ):
            return KeyCondition(clause.operands)  # The usual: the partition key, one value.
        self._check_hash(key_schema)
        ranges = [each for each in key_schema.range if each.name in clauses]
        if len(key_schema.hash) + len(ranges) != len(clauses):
            unmatched = (each.name for each in key_schema.range if each.name not in clauses)
            raise ValidationException(
                f"Query condition missed key schema element: {next(unmatched, '')}"
            )
        hash_values = tuple(
            [self._operands(attribute, is_hash=True)[0] for attribute in key_schema.hash]
        )
        if not ranges:
            return KeyCondition(hash_values)
        last = ranges[-1]
        _check_gaps(key_schema, clauses, last)
        range_equals = tuple(
            [self._operands(attribute, is_hash=False)[0] for attribute in ranges[:-1]]
        )
        operands = self._operands(last, is_hash=False)
        return KeyCondition(hash_values, range_equals, clauses[last.name].operator, operands)

    def _check_hash(self, key_schema: KeySchema) -> None:
        clauses = self.clauses
        defined = len(key_schema.hash) + len(key_schema.range)
        if len(clauses) > defined:
            raise ValidationException(
                f"The number of query conditions ({len(clauses)}) exceeds the number of key "
                f"attributes defined in the schema ({defined})"
            )
        missing = [
            attribute.name
            for attribute in key_schema.hash
            if attribute.name not in clauses or clauses[attribute.name].operator != "="
        ]
        if not missing:
            return
        if len(key_schema.hash) > 1 or len(key_schema.range) > 1:
            raise ValidationException(
                f"HASH key attributes {', '.join(missing)} must have equality conditions "
                "specified in the query"
            )
        clause = clauses.get(missing[0])
        if clause is None:
            raise ValidationException(f"Query condition missed key schema element: {missing[0]}")
        _check_operator(clause.operator)
        raise ValidationException("Query key condition not supported")

    def _operands(self, attribute: KeyAttribute, *, is_hash: bool) -> tuple[AttributeValue, ...]:
        """The operands of an attribute's clause, which must be values that it could have."""
        clause = self.clauses[attribute.name]
        _check_operator(clause.operator)
        for operand in clause.operands:
            if attribute.type not in operand:
                raise ValidationException(
                    "One or more parameter values were invalid: "
                    "Condition parameter type does not match schema type"
                )
            check_key_value(attribute, operand, is_hash)
        return clause.operands


def _check_operator(operator: str) -> None:
    """KeyConditions can name operators that an expression cannot."""
    if operator not in _KEY_OPERATORS:
        raise ValidationException("Attempted conditional constraint is not an indexable operation")


def _check_gaps(key_schema: KeySchema, clauses: Mapping[str, Clause], last: KeyAttribute) -> None:
    """All RANGE attributes before the last one asked for must be asked for by equality."""
    before = key_schema.range[: key_schema.range.index(last)]
    missing = [
        attribute.name
        for attribute in before
        if attribute.name not in clauses or clauses[attribute.name].operator != "="
    ]
    if missing:
        raise ValidationException(
            f"RANGE key attributes {', '.join(missing)} must have equality conditions specified "
            f"in the query because a condition is present on key attribute {last.name}"
        )


@dataclass(frozen=True, slots=True)
class _Parsed:
    tree: ParsedCondition
    used_names: frozenset[str]
    used_values: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Template:
    """Attribute, operator and value placeholders of each clause, and the rules about the values."""

    clauses: tuple[tuple[str, str, tuple[str, ...]], ...]
    checks: tuple[Check, ...]
    used_names: frozenset[str]
    used_values: frozenset[str]
    equality: tuple[str, str] | None  # attribute and placeholder, where `a = :v` is all there is


_parsed: Recent[_Parsed] = Recent()
_templates: Recent[_Template] = Recent()


def compile_key_condition(text: str, substitutions: Substitutions) -> KeyConditionClauses:
    """Compile a KeyConditionExpression. Raises ValidationException, bare, in DynamoDB's order.

    The order: what is wrong with it as a condition, clause by clause; then as a key condition.
    """
    key = (text, substitutions.names_key)
    template = _templates.entries.get(key)
    values = substitutions.values
    if template is None or not _accepts(template, values):
        parsed = _parsed.entries.get((text,))
        if parsed is None:
            tree = parse_condition(PARAMETER, text)
            made = _Parsed(tree, frozenset(tree.names), frozenset(tree.values))
            parsed = _parsed.put((text,), made, len(text))
        for leaf in parsed.tree.leaves:
            check_leaf(leaf, PARAMETER, substitutions.names, values)
        assert template is None  # a template's checks fail only where `check_leaf` finds why
        made_template = _template(parsed, substitutions.names)
        characters = len(text) + substitutions.names_characters()
        template = _templates.put(key, made_template, characters)
    substitutions.note_use(template.used_names, template.used_values)
    return KeyConditionClauses(
        {
            name: Clause(operator, tuple([values[each] for each in placeholders]))
            for name, operator, placeholders in template.clauses
        }
    )


def known_equality(text: str, placeholder: str) -> str | None:
    """The attribute of a text that was compiled lately and says `attribute = placeholder` alone.

    None for every other text. The value has still to be looked at.
    """
    template = _templates.entries.get((text, ()))
    if template is None or template.equality is None or template.equality[1] != placeholder:
        return None
    return template.equality[0]


def _accepts(template: _Template, values: Mapping[str, AttributeValue]) -> bool:
    if not values.keys() >= template.used_values:
        return False
    for check in template.checks:  # noqa: SIM110 -- the loop costs half of all()
        if check(values) is not None:
            return False
    return True


def _template(parsed: _Parsed, names: Mapping[str, str]) -> _Template:
    """Raises ValidationException for a condition that no key can be asked."""
    clauses: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    checks: list[Check] = []
    for leaf in _clauses_of(parsed.tree.root):
        resolved = resolved_leaf(leaf, names)
        clause = _clause(resolved)
        if clause[0] in clauses:
            raise invalid(
                PARAMETER, "KeyConditionExpressions must only contain one condition per key"
            )
        clauses[clause[0]] = clause
        checks += value_checks(resolved)
    return _Template(
        tuple(clauses.values()),
        tuple(checks),
        parsed.used_names,
        parsed.used_values,
        None if checks else _equality(tuple(clauses.values())),
    )


def _equality(clauses: tuple[tuple[str, str, tuple[str, ...]], ...]) -> tuple[str, str] | None:
    (name, operator, placeholders), *others = clauses
    return (name, placeholders[0]) if operator == "=" and not others else None


def _clauses_of(tree: ConditionTree) -> Iterator[Leaf]:
    """The conditions that AND joins, at any depth of parentheses. Refuses OR and NOT."""
    match tree:
        case And(conditions):
            for condition in conditions:
                yield from _clauses_of(condition)
        case Or():
            raise _no_key_operator("OR")
        case Not():
            raise _no_key_operator("NOT")
        case _:
            yield tree


def _no_key_operator(operator: str) -> ValidationException:
    return ValidationException(f"Invalid operator used in {PARAMETER}: {operator}")


def _invalid_condition(reason: str) -> ValidationException:
    return ValidationException(f"Invalid condition in {PARAMETER}: {reason}")


def _clause(leaf: Leaf) -> tuple[str, str, tuple[str, ...]]:
    """Attribute, operator and placeholders of one condition, names resolved."""
    operator = operator_of(leaf)
    if operator not in _KEY_OPERATORS:
        raise _no_key_operator(operator)
    operands = operands_of(leaf)
    if operator in ("BETWEEN", "begins_with") and not isinstance(operands[0], Path):
        raise _invalid_condition(
            f"{operator} operator must have the key attribute as its first operand"
        )
    name: str | None = None
    placeholders: list[str] = []
    for operand in operands:
        if isinstance(operand, Path):
            if name is not None:
                raise _invalid_condition("Multiple attribute names used in one condition")
            if len(operand.elements) > 1:
                raise invalid(
                    PARAMETER,
                    "KeyConditionExpressions cannot have conditions on nested attributes",
                )
            name = str(operand.elements[0])
        elif isinstance(operand, Value):
            placeholders.append(operand.placeholder)
        else:
            raise invalid(PARAMETER, "KeyConditionExpressions cannot contain nested operations")
    if name is None:
        raise _invalid_condition("No key attribute specified")
    if not isinstance(operands[0], Path):
        operator = _TURNED[operator]
    return name, operator, tuple(placeholders)
