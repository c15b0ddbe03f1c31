"""Updates: UpdateExpression, from text to the function from the item before to the item after.

In: the text and the request's `Substitutions`; or, by `legacy.py`, AttributeUpdates. Out: an
`Update`, which UpdateItem checks against the table's keys and applies. As with conditions, text and
names decide nearly everything and are cached; a repeated text costs the types of its values.

All actions read the item before; writes go in path order, removals last and backwards, so every
list index means what it meant before. `apply` changes nothing it is given and may be called again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from stator_core.errors import ValidationException
from stator_core.expressions.condition_rules import Check
from stator_core.expressions.document import Document, check_parent, order
from stator_core.expressions.paths import lookup, resolved, resolved_operand
from stator_core.expressions.projection import Projection
from stator_core.expressions.recent import Recent
from stator_core.expressions.substitutions import Substitutions
from stator_core.expressions.syntax import (
    Action,
    Arithmetic,
    Call,
    Elements,
    Operand,
    ParsedUpdate,
    Path,
    Value,
    walk,
)
from stator_core.expressions.update_charge import Charge, charge_of
from stator_core.expressions.update_parser import parse_update
from stator_core.expressions.update_rules import check_update, update_checks
from stator_core.expressions.update_values import (
    INCORRECT_TYPE,
    added,
    calculated,
    check_depth,
    joined,
    without,
)
from stator_core.item import AttributeValue, Item, value_size

MISSING_ATTRIBUTE: Final = (
    "The provided expression refers to an attribute that does not exist in the item"
)

Values = Mapping[str, AttributeValue]
Computes = Callable[[Item, Values], AttributeValue]


class _Removed:
    """What a target becomes if it goes away."""


_NOTHING_USED: Final[frozenset[str]] = frozenset()
_REMOVED: Final = _Removed()
# The new value of a target; None if the action leaves it alone.
_Outcome = AttributeValue | _Removed | None


@dataclass(frozen=True, slots=True)
class _CompiledAction:
    clause: str
    path: Elements
    name: str  # the first element
    outcome: Callable[[Item, Values], _Outcome]


@dataclass(frozen=True, slots=True)
class Template:
    """What text and names decide of an update: everything but the values."""

    actions: tuple[_CompiledAction, ...]  # in order of evaluation
    flat: bool  # every target is a whole attribute
    creates: bool  # an absent item is made; false if all actions only take away
    write_order: tuple[int, ...]  # positions in `actions`
    targets: Projection
    target_names: frozenset[str]
    nested_names: frozenset[str]
    checks: tuple[Check, ...]
    charge: Charge
    used_names: frozenset[str] = _NOTHING_USED
    used_values: frozenset[str] = _NOTHING_USED


class Update:
    """An update of one request.

    `target_names` are the attributes that it may change; `nested_names` those that it reaches into
    with `.` or `[]`, never keys.
    """

    __slots__ = ("_template", "_values", "nested_names", "target_names")

    def __init__(self, template: Template, values: Values) -> None:
        self._template = template
        self._values = values
        self.nested_names = template.nested_names
        self.target_names = template.target_names

    def check_keys(self, key_names: Iterable[str]) -> None:
        """Refuse to change an attribute of the table's key. Raises ValidationException."""
        if self.target_names.isdisjoint(key_names):
            return
        for name in key_names:
            if name in self.target_names:
                raise ValidationException(
                    "One or more parameter values were invalid: "
                    f"Cannot update attribute {name}. This attribute is part of the key"
                )

    def request_charge(self) -> int:
        """Bytes that DynamoDB charges this request against the limit on items (400 KB).

        0 for AttributeUpdates. Nothing stored enters it (bisected at the limit, 2026-10).
        """
        charge = self._template.charge
        values = self._values
        return charge.fixed + sum([value_size(values[each]) for each in charge.placeholders])

    def charge_bound(self, values_size: int) -> int:
        """What `request_charge` surely is within, the values together having so many bytes."""
        charge = self._template.charge
        return charge.fixed + len(charge.placeholders) * values_size

    def apply(self, before: Item | None, key: Item) -> Item | None:
        """The item after, which shares untouched parts with `before`; None if none is made.

        `key` holds the key attributes that a new item begins with. Raises ValidationException where
        the update does not fit what is stored.
        """
        template = self._template
        if before is None and not template.creates:
            return None
        source: Item = {} if before is None else before
        values = self._values
        if not template.flat:
            outcomes = [action.outcome(source, values) for action in template.actions]
            return self._apply_nested(before, key, outcomes)
        after = dict(key if before is None else before)
        for action in template.actions:
            outcome = action.outcome(source, values)
            if outcome is _REMOVED:
                del after[action.name]
            elif outcome is not None:
                after[action.name] = outcome  # type: ignore[assignment]
        return after

    def _apply_nested(self, before: Item | None, key: Item, outcomes: list[_Outcome]) -> Item:
        template = self._template
        document = Document(key if before is None else before)
        removals = []
        for position in template.write_order:
            path, outcome = template.actions[position].path, outcomes[position]
            if isinstance(outcome, dict):
                document.write(path, outcome)
                if len(path) > 1:
                    check_depth(outcome, len(path) - 1)
            elif outcome is _REMOVED:
                removals.append(path)
            elif before is not None:
                check_parent(before, path)  # Of an absent item nothing needs to be there.
        for path in reversed(removals):
            document.remove(path)
        return document.item

    def updated(self, item: Item | None) -> Item:
        """UPDATED_OLD of the item before, UPDATED_NEW of the item after: the parts at the targets.

        DynamoDB projects the targets as they are written: a list element appended by an index past
        the end is not found there, and one that has moved up to a removed index is.
        """
        return {} if item is None else self._template.targets.project(item)


@dataclass(frozen=True, slots=True)
class _Parsed:
    tree: ParsedUpdate
    used_names: frozenset[str]
    used_values: frozenset[str]


_parsed: Recent[_Parsed] = Recent()
_templates: Recent[Template] = Recent()


def compile_update(text: str, substitutions: Substitutions) -> Update:
    """Compile an UpdateExpression. Raises ValidationException, bare, in DynamoDB's order.

    Source: AWS Developer Guide, "Using update expressions in DynamoDB".
    """
    key = (text, substitutions.names_key)
    template = _templates.entries.get(key)
    values = substitutions.values
    if template is None or not _accepts(template, values):
        parsed = _parsed.entries.get((text,))
        if parsed is None:
            tree = parse_update(text)
            made = _Parsed(tree, frozenset(tree.names), frozenset(tree.values))
            parsed = _parsed.put((text,), made, len(text))
        check_update(parsed.tree, substitutions.names, values)
        assert template is None  # a template's checks fail only where `check_update` finds why
        resolved_actions = tuple(
            [_resolved(action, substitutions.names) for action in parsed.tree.actions]
        )
        made_template = template_of(
            resolved_actions, INCORRECT_TYPE, parsed.used_names, parsed.used_values
        )
        characters = len(text) + substitutions.names_characters()
        template = _templates.put(key, made_template, characters)
    substitutions.note_use(template.used_names, template.used_values)
    return Update(template, values)


def known_update(text: str, values: Values) -> Update | None:
    """The update of a text without names that was compiled lately and uses just these values.

    None for everything else: `compile_update` finds what it is. The values must be canonical.
    """
    template = _templates.entries.get((text, ()))
    if template is None or values.keys() != template.used_values:
        return None
    return Update(template, values) if _accepts(template, values) else None


def _accepts(template: Template, values: Values) -> bool:
    if not values.keys() >= template.used_values:
        return False
    for check in template.checks:  # noqa: SIM110 -- the loop costs half of all()
        if check(values) is not None:
            return False
    return True


def template_of(
    actions: tuple[Action, ...],
    mismatch: str,
    used_names: frozenset[str] = _NOTHING_USED,
    used_values: frozenset[str] = _NOTHING_USED,
) -> Template:
    """Compile checked actions whose paths are resolved.

    `mismatch`: the error of ADD and DELETE against a stored value.
    """
    # A type that ADD or DELETE cannot work on is reported before anything about SET and REMOVE.
    ordered = sorted(actions, key=lambda action: action.clause not in ("ADD", "DELETE"))
    compiled = tuple([_compiled(action, mismatch) for action in ordered])
    paths = [action.path for action in compiled]
    operands = [a.operand for a in ordered if a.operand is not None]
    reads = [each for operand in operands for each in walk(operand) if isinstance(each, Path)]
    nested = [path for path in (*paths, *(each.elements for each in reads)) if len(path) > 1]
    return Template(
        actions=compiled,
        flat=all(len(path) == 1 for path in paths),
        creates=not actions or any(a.clause in ("SET", "ADD") for a in actions),
        write_order=tuple(sorted(range(len(paths)), key=lambda each: order(paths[each]))),
        targets=Projection(paths),
        target_names=frozenset(action.name for action in compiled),
        nested_names=frozenset(str(path[0]) for path in nested),
        checks=tuple(update_checks(ordered)),
        charge=charge_of(ordered),
        used_names=used_names,
        used_values=used_values,
    )


def _resolved(action: Action, names: Mapping[str, str]) -> Action:
    operand = None if action.operand is None else resolved_operand(action.operand, names)
    return Action(action.clause, resolved(action.target, names), operand)


def _compiled(action: Action, mismatch: str) -> _CompiledAction:
    path = action.target.elements
    name = path[0]
    assert isinstance(name, str)
    return _CompiledAction(action.clause, path, name, _outcome(action, mismatch))


def _outcome(action: Action, mismatch: str) -> Callable[[Item, Values], _Outcome]:
    path = action.target.elements
    if action.clause == "REMOVE":
        return lambda item, _values: None if lookup(item, path) is None else _REMOVED
    assert action.operand is not None
    if action.clause == "SET":
        return _computes(action.operand)
    assert isinstance(action.operand, Value)
    placeholder = action.operand.placeholder
    if action.clause == "ADD":
        if len(path) == 1:
            name = str(path[0])
            return lambda item, values: added(item.get(name), values[placeholder], mismatch)
        return lambda item, values: added(lookup(item, path), values[placeholder], mismatch)

    def deleted(item: Item, values: Values) -> _Outcome:
        stored = lookup(item, path)
        if stored is None:
            return None
        left = without(stored, values[placeholder], mismatch)
        return _REMOVED if left is None else left

    return deleted


def _computes(operand: Operand) -> Computes:
    """A closure that gives the value of the right side of SET, or of a part of it."""
    match operand:
        case Value(placeholder):
            return lambda _item, values: values[placeholder]
        case Path(elements):
            return lambda item, _values: _existing(lookup(item, elements))
        case Arithmetic(operator, left, right):
            first, second = _computes(left), _computes(right)
            return lambda item, values: calculated(
                operator, first(item, values), second(item, values)
            )
        case Call("list_append", (left, right)):
            first, second = _computes(left), _computes(right)
            return lambda item, values: joined(first(item, values), second(item, values))
        case Call("if_not_exists", (Path(elements), default)):
            otherwise = _computes(default)

            def kept(item: Item, values: Values) -> AttributeValue:
                stored = lookup(item, elements)
                return otherwise(item, values) if stored is None else stored

            return kept
    raise AssertionError(f"no operand of an update: {operand}")


def _existing(value: AttributeValue | None) -> AttributeValue:
    if value is None:
        raise ValidationException(MISSING_ATTRIBUTE)
    return value
