"""Conditions: ConditionExpression and FilterExpression, from text to a closure over items.

In: the text and the request's `Substitutions`. Out: a `Condition`, whose `matches(item)` the
partition and the page reader ask. Called by the request modules; what follows is nothing.

Cached are, by text, the tree, and by text and names, the closures and the rules about values. A
request that repeats text and names looks at the types of its values where an operator cares, and is
done. If any look fails, `_explain` walks the conditions in order of appearance and
raises the first error in DynamoDB's order. A compiled condition changes nothing and may be asked
about any number of items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stator_core.expressions import condition_rules
from stator_core.expressions.functions import begins_with, contains, has_type, size
from stator_core.expressions.parser import parse_condition
from stator_core.expressions.paths import lookup
from stator_core.expressions.recent import Recent
from stator_core.expressions.substitutions import Substitutions
from stator_core.expressions.syntax import (
    And,
    Between,
    Call,
    Comparison,
    ConditionTree,
    In,
    Leaf,
    Not,
    Operand,
    Or,
    ParsedCondition,
    Path,
    Value,
    operands_of,
    walk,
)
from stator_core.item import AttributeValue, Item, compare

Values = Mapping[str, AttributeValue]
Matches = Callable[[Item, Values], bool]
Reads = Callable[[Item, Values], AttributeValue | None]

_NO_ITEM: Item = {}
_TWO_OPERANDS = {"attribute_type": has_type, "begins_with": begins_with, "contains": contains}


class Condition:
    """A condition of one request.

    `top_level_names` are the attributes it names; `nested_names` those of them it reaches into with
    `.` or `[]`, which must not be keys.
    """

    __slots__ = ("_matches", "_values", "nested_names", "top_level_names")

    def __init__(
        self,
        matches: Matches,
        values: Values,
        top_level_names: frozenset[str],
        nested_names: frozenset[str],
    ) -> None:
        self._matches = matches
        self._values = values
        self.top_level_names = top_level_names
        self.nested_names = nested_names

    def matches(self, item: Item | None) -> bool:
        """Whether the condition holds. An absent item (None) has no attributes."""
        return self._matches(_NO_ITEM if item is None else item, self._values)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """What a text alone decides."""

    tree: ParsedCondition
    used_names: frozenset[str]
    used_values: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Template:
    """What text and names decide: everything but the values."""

    matches: Matches
    top_level_names: frozenset[str]
    nested_names: frozenset[str]
    checks: tuple[condition_rules.Check, ...]
    used_names: frozenset[str]
    used_values: frozenset[str]


_parsed: Recent[_Parsed] = Recent()
_templates: Recent[_Template] = Recent()


def compile_condition(text: str, parameter: str, substitutions: Substitutions) -> Condition:
    """Compile a ConditionExpression or FilterExpression; `parameter` names it in errors.

    Raises ValidationException, bare.
    Source: AWS Developer Guide, "Condition and filter expressions, operators, and functions".
    """
    key = (parameter, text, substitutions.names_key)
    template = _templates.entries.get(key)
    values = substitutions.values
    if template is None or not _accepts(template, values):
        parsed = _parsed.entries.get((parameter, text))
        if parsed is None:
            tree = parse_condition(parameter, text)
            made = _Parsed(tree, frozenset(tree.names), frozenset(tree.values))
            parsed = _parsed.put((parameter, text), made, len(text))
        _explain(parsed, parameter, substitutions)
        assert template is None  # a template's checks fail only where `_explain` finds why
        template = _template(parsed, substitutions.names)
        _templates.put(key, template, len(text) + substitutions.names_characters())
    substitutions.note_use(template.used_names, template.used_values)
    return Condition(template.matches, values, template.top_level_names, template.nested_names)


def _accepts(template: _Template, values: Values) -> bool:
    if not values.keys() >= template.used_values:
        return False
    for check in template.checks:  # noqa: SIM110 -- the loop costs half of all()
        if check(values) is not None:
            return False
    return True


def _explain(parsed: _Parsed, parameter: str, substitutions: Substitutions) -> None:
    """Raise the first error of the first condition that has one."""
    for leaf in parsed.tree.leaves:
        condition_rules.check_leaf(leaf, parameter, substitutions.names, substitutions.values)


def _template(parsed: _Parsed, names: Mapping[str, str]) -> _Template:
    tree = parsed.tree
    leaves = [condition_rules.resolved_leaf(leaf, names) for leaf in tree.leaves]
    matches = compiled(_resolved(tree.root, names))
    checks = tuple(check for leaf in leaves for check in condition_rules.value_checks(leaf))
    return _Template(matches, *names_of(leaves), checks, parsed.used_names, parsed.used_values)


def _resolved(tree: ConditionTree, names: Mapping[str, str]) -> ConditionTree:
    """The tree with the attributes' own names. Depth is bounded by the limit on operators."""
    match tree:
        case Not(condition):
            return Not(_resolved(condition, names))
        case And(conditions):
            return And(tuple([_resolved(each, names) for each in conditions]))
        case Or(conditions):
            return Or(tuple([_resolved(each, names) for each in conditions]))
    return condition_rules.resolved_leaf(tree, names)


def names_of(leaves: list[Leaf]) -> tuple[frozenset[str], frozenset[str]]:
    """The attributes that resolved leaves name, and those that they reach into."""
    top_level, nested = set(), set()
    for leaf in leaves:
        for operand in operands_of(leaf):
            for each in walk(operand):
                if isinstance(each, Path):
                    name = each.elements[0]
                    assert isinstance(name, str)
                    top_level.add(name)
                    if len(each.elements) > 1:
                        nested.add(name)
    return frozenset(top_level), frozenset(nested)


def compiled(tree: ConditionTree) -> Matches:
    """A closure that evaluates a resolved tree."""
    match tree:
        case Not(condition):
            inner = compiled(condition)
            return lambda item, values: not inner(item, values)
        case And(conditions):
            return _all_of(tuple([compiled(each) for each in conditions]))
        case Or(conditions):
            return _any_of(tuple([compiled(each) for each in conditions]))
        case Comparison():
            return _comparison(tree)
        case Between(operand, lower, upper):
            return _between(_reads(operand), _reads(lower), _reads(upper))
        case In(operand, candidates):
            return _in(_reads(operand), tuple([_reads(each) for each in candidates]))
        case Call():
            return _call(tree)


def _all_of(conditions: tuple[Matches, ...]) -> Matches:
    if len(conditions) == 2:
        first, second = conditions
        return lambda item, values: first(item, values) and second(item, values)

    def matches(item: Item, values: Values) -> bool:
        for condition in conditions:  # noqa: SIM110 -- the loop costs half of all()
            if not condition(item, values):
                return False
        return True

    return matches


def _any_of(conditions: tuple[Matches, ...]) -> Matches:
    def matches(item: Item, values: Values) -> bool:
        for condition in conditions:  # noqa: SIM110 -- the loop costs half of any()
            if condition(item, values):
                return True
        return False

    return matches


def _reads(operand: Operand) -> Reads:
    """A closure that gives an operand's value, None where the attribute is missing."""
    match operand:
        case Value(placeholder):
            return lambda _item, values: values[placeholder]
        case Path((str(name),)):
            return lambda item, _values: item.get(name)
        case Path(elements):
            return lambda item, _values: lookup(item, elements)
        case Call(_, (argument,)):
            inner = _reads(argument)
            return lambda item, values: size(inner(item, values))
    raise AssertionError(f"no operand of a condition: {operand}")


def _comparison(comparison: Comparison) -> Matches:
    left, right = _reads(comparison.left), _reads(comparison.right)
    match comparison.operator:
        case "=":
            return _equals(comparison, left, right)
        case "<>":
            # True also where an attribute is missing, even on both sides.
            equals = _equals(comparison, left, right)
            return lambda item, values: not equals(item, values)
        case "<":
            return _ordered(left, right, frozenset((-1,)))
        case "<=":
            return _ordered(left, right, frozenset((-1, 0)))
        case ">":
            return _ordered(left, right, frozenset((1,)))
    assert comparison.operator == ">="
    return _ordered(left, right, frozenset((0, 1)))


def _equals(comparison: Comparison, left: Reads, right: Reads) -> Matches:
    """Canonical values are equal exactly if Python says so; a missing one equals nothing."""
    if isinstance(comparison.right, Value):
        placeholder = comparison.right.placeholder
        # A constant is never missing, so None on the left already makes this false.
        if isinstance(comparison.left, Path) and len(comparison.left.elements) == 1:
            name = comparison.left.elements[0]
            assert isinstance(name, str)
            return lambda item, values: item.get(name) == values[placeholder]
        return lambda item, values: left(item, values) == values[placeholder]

    def matches(item: Item, values: Values) -> bool:
        value = left(item, values)
        return value is not None and value == right(item, values)

    return matches


def _ordered(left: Reads, right: Reads, orders: frozenset[int]) -> Matches:
    def matches(item: Item, values: Values) -> bool:
        first, second = left(item, values), right(item, values)
        return first is not None and second is not None and compare(first, second) in orders

    return matches


def _between(operand: Reads, lower: Reads, upper: Reads) -> Matches:
    def matches(item: Item, values: Values) -> bool:
        value = operand(item, values)
        least, most = lower(item, values), upper(item, values)
        if value is None or least is None or most is None:
            return False
        return compare(least, value) in (-1, 0) and compare(value, most) in (-1, 0)

    return matches


def _in(operand: Reads, candidates: tuple[Reads, ...]) -> Matches:
    def matches(item: Item, values: Values) -> bool:
        value = operand(item, values)
        if value is None:
            return False
        return any(value == candidate(item, values) for candidate in candidates)

    return matches


def _call(call: Call) -> Matches:
    reads = [_reads(argument) for argument in call.arguments]
    match call.name:
        case "attribute_exists":
            exists = reads[0]
            return lambda item, values: exists(item, values) is not None
        case "attribute_not_exists":
            missing = reads[0]
            return lambda item, values: missing(item, values) is None
    function = _TWO_OPERANDS[call.name]
    first, second = reads
    return lambda item, values: function(first(item, values), second(item, values))
