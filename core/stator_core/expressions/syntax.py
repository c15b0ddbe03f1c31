"""The trees of parsed expressions.

Made by `parser.py` and `update_parser.py`, read by the modules that compile. A tree is as written:
names may still be `#placeholders` and values always are `:placeholders`; `paths.resolved` replaces
the former, the latter stay until evaluation. Trees are immutable because they are cached by text
and shared by all requests that send it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Element = str | int  # a name (with its `#` while unresolved) or the index of a list element
Elements = tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """A document path, `a.#b[2]`: ("a", "#b", 2)."""

    elements: Elements


@dataclass(frozen=True, slots=True)
class Value:
    """A constant: the placeholder with its colon."""

    placeholder: str


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum or a difference on the right side of SET."""

    operator: str  # "+" or "-"
    left: Operand
    right: Operand


Operand = Path | Value | Call | Arithmetic


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: str  # = <> < <= > >=
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    operand: Operand
    lower: Operand
    upper: Operand


@dataclass(frozen=True, slots=True)
class In:
    operand: Operand
    candidates: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: ConditionTree


@dataclass(frozen=True, slots=True)
class And:
    conditions: tuple[ConditionTree, ...]


@dataclass(frozen=True, slots=True)
class Or:
    conditions: tuple[ConditionTree, ...]


Leaf = Comparison | Between | In | Call
ConditionTree = Leaf | Not | And | Or


@dataclass(frozen=True, slots=True)
class ParsedCondition:
    """A condition, with what every request asks of it: placeholders in order of appearance."""

    root: ConditionTree
    leaves: tuple[Leaf, ...]  # in order of appearance
    names: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """One action of an update: `clause` is SET, REMOVE, ADD or DELETE; REMOVE has no operand."""

    clause: str
    target: Path
    operand: Operand | None


@dataclass(frozen=True, slots=True)
class ParsedUpdate:
    actions: tuple[Action, ...]
    names: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParsedProjection:
    paths: tuple[Path, ...]
    names: tuple[str, ...]


def operands_of(leaf: Leaf) -> tuple[Operand, ...]:
    """The operands of one condition, in order of appearance."""
    match leaf:
        case Comparison(_, left, right):
            return (left, right)
        case Between(operand, lower, upper):
            return (operand, lower, upper)
        case In(operand, candidates):
            return (operand, *candidates)
        case Call(_, arguments):
            return arguments


def walk(operand: Operand) -> Iterator[Operand]:
    """The operand and all within it, inner ones first, in order of appearance.

    Depth is bounded by the limit of 300 operators, which is checked before any walk.
    """
    if isinstance(operand, Call):
        for argument in operand.arguments:
            yield from walk(argument)
    elif isinstance(operand, Arithmetic):
        yield from walk(operand.left)
        yield from walk(operand.right)
    yield operand


def placeholders(operands: Iterator[Operand]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The `#names` and the `:values` within, each once, in order of appearance."""
    names: dict[str, None] = {}
    values: dict[str, None] = {}
    for operand in operands:
        if isinstance(operand, Value):
            values[operand.placeholder] = None
        elif isinstance(operand, Path):
            names.update((e, None) for e in operand.elements if type(e) is str and e[0] == "#")
    return tuple(names), tuple(values)
