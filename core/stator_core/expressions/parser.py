"""From tokens to the tree of a condition: ConditionExpression, FilterExpression, KeyCondition.

In: the text of one expression. Out: a `ParsedCondition`, or the ValidationException that DynamoDB
answers with. Called by `evaluate.py` and `key_condition.py`, which cache what comes out by text.

The parser keeps its own stack instead of recursing, so that 4096 bytes of parentheses are an
ordinary input. Complaints that rank below a syntax error are collected on the way and raised at the
end in DynamoDB's order: parentheses, operator count, unknown function, misused function, reserved
word, path depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stator_core.errors import ValidationException
from stator_core.expressions.cursor import CONDITION_FUNCTIONS, Cursor, unknown_function
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
    placeholders,
    walk,
)
from stator_core.expressions.tokens import (
    END,
    SYMBOL,
    VALUE_PLACEHOLDER,
    check_operator_count,
    invalid,
)

CONDITION_KEYWORDS = frozenset(("AND", "OR", "NOT", "BETWEEN", "IN"))
COMPARATORS = frozenset(("=", "<>", "<", "<=", ">", ">="))


@dataclass(slots=True)
class _Frame:
    """An open bracket, or the whole expression: what has been read inside it so far."""

    kind: str  # "expression", "group", "call" or "in"
    operand_only: bool  # no condition may stand in here
    name: str = ""  # of the function of a "call"
    arguments: list[Operand] = field(default_factory=list)  # of a "call"; the first of an "in"
    disjuncts: list[ConditionTree] = field(default_factory=list)
    conjuncts: list[ConditionTree] = field(default_factory=list)
    negations: int = 0
    current: Operand | ConditionTree | None = None
    grouped: bool = False  # `current` is a parenthesised whole
    operator: str | None = None  # an operator that still waits for an operand
    operands: list[Operand] = field(default_factory=list)  # what stands before that operator


class _ConditionParser:
    def __init__(self, parameter: str, text: str) -> None:
        self.cursor = Cursor(parameter, text, CONDITION_KEYWORDS)
        self.frames = [_Frame("expression", operand_only=False)]
        self.leaves: list[Leaf] = []
        self.operators = 0
        self.redundant_parentheses = False
        self.unknown_function: str | None = None
        self.misused_function: str | None = None

    def parse(self) -> ConditionTree:
        while True:
            self._operand()
            while self._closed():
                pass
            if self.cursor.token.kind == END:
                break
        if len(self.frames) > 1:
            raise self.cursor.error()
        return self._finish(self.frames[0])

    def _operand(self) -> None:
        """Read up to and including the next operand, opening frames on the way."""
        cursor = self.cursor
        while True:
            frame = self.frames[-1]
            operand_only = frame.operand_only or frame.operator is not None
            if cursor.keyword() == "NOT" and not operand_only:
                cursor.advance()
                frame.negations += 1
                self.operators += 1
            elif cursor.at("("):
                cursor.advance()
                self.frames.append(_Frame("group", operand_only))
            elif cursor.at_call():
                name = cursor.advance().text
                cursor.advance()
                self.operators += 1
                self.frames.append(_Frame("call", operand_only=True, name=name))
            elif cursor.token.kind == VALUE_PLACEHOLDER:
                return self._take(Value(cursor.advance().text))
            else:
                return self._take(cursor.path())

    def _closed(self) -> bool:
        """Go on after an operand. True if that closed a bracket, which is an operand again."""
        cursor, frame = self.cursor, self.frames[-1]
        keyword = cursor.keyword()
        if cursor.token.kind == END:
            return False
        if keyword in ("AND", "OR"):
            self._connective(frame, keyword)
        elif cursor.at(","):
            if frame.kind not in ("call", "in"):
                raise cursor.error()
            cursor.advance()
            self._argument(frame)
        elif cursor.at(")"):
            return self._close(frame)
        else:
            self._infix(frame, keyword)
        return False

    def _infix(self, frame: _Frame, keyword: str | None) -> None:
        """A comparator, BETWEEN or IN after its first operand."""
        cursor = self.cursor
        symbol = cursor.token.text if cursor.token.kind == SYMBOL else None
        is_infix = symbol in COMPARATORS or keyword in ("BETWEEN", "IN")
        awaited = frame.operand_only or frame.operator is not None  # An operand, no condition.
        if not is_infix or awaited or not isinstance(frame.current, Operand):
            raise cursor.error()
        cursor.advance()
        self.operators += 1
        left, frame.current = frame.current, None
        if keyword == "IN":
            cursor.expect("(")
            self.frames.append(_Frame("in", operand_only=True, operands=[left]))
            return
        frame.operator = symbol or keyword
        frame.operands = [left]

    def _connective(self, frame: _Frame, keyword: str) -> None:
        cursor = self.cursor
        if keyword == "AND" and frame.operator == "BETWEEN" and len(frame.operands) == 1:
            # The AND of BETWEEN: its lower bound has just been read.
            assert isinstance(frame.current, Operand)
            cursor.advance()
            frame.operands.append(frame.current)
            frame.current = None
            return
        if frame.operand_only:
            raise cursor.error()
        self._end_condition(frame)
        cursor.advance()
        self.operators += 1
        if keyword == "OR":
            frame.disjuncts.append(_joined(frame.conjuncts))
            frame.conjuncts = []

    def _close(self, frame: _Frame) -> bool:
        """A closing parenthesis."""
        cursor = self.cursor
        if frame.kind == "expression":
            raise cursor.error()
        whole: Operand | ConditionTree
        if frame.kind == "group":
            whole = self._group(frame)
        else:
            self._argument(frame)
            if frame.kind == "call":
                whole = self._call(frame)
            else:
                whole = In(frame.operands[0], tuple(frame.arguments))
                self._leaf(whole)
        cursor.advance()
        self.frames.pop()
        grouped = frame.kind == "group"
        if grouped and isinstance(whole, Path) and (cursor.at(".") or cursor.at("[")):
            whole = cursor.path_from(list(whole.elements))
        self._take(whole, grouped=grouped)
        return True

    def _group(self, frame: _Frame) -> Operand | ConditionTree:
        alone = not (frame.negations or frame.conjuncts or frame.disjuncts)
        if alone and frame.grouped:
            self.redundant_parentheses = True
        if alone and frame.operator is None and isinstance(frame.current, Operand):
            return frame.current
        return self._finish(frame)

    def _call(self, frame: _Frame) -> Call:
        name = frame.name
        if name not in CONDITION_FUNCTIONS:
            self.unknown_function = self.unknown_function or name
        call = Call(name, tuple(frame.arguments))
        self._check_use(call.arguments)
        outer = self.frames[-2]
        if not outer.operand_only and outer.operator is None and name != "size":
            self.leaves.append(call)
        return call

    def _argument(self, frame: _Frame) -> None:
        assert isinstance(frame.current, Operand)
        frame.arguments.append(frame.current)
        frame.current = None

    def _take(self, node: Operand | ConditionTree, *, grouped: bool = False) -> None:
        """A complete operand, or condition in parentheses, for the innermost frame."""
        frame = self.frames[-1]
        frame.current = node
        frame.grouped = grouped
        if frame.operator is None or (frame.operator == "BETWEEN" and len(frame.operands) == 1):
            return
        assert isinstance(node, Operand)
        leaf: Leaf
        if frame.operator == "BETWEEN":
            leaf = Between(frame.operands[0], frame.operands[1], node)
        else:
            leaf = Comparison(frame.operator, frame.operands[0], node)
        frame.operator = None
        frame.operands = []
        frame.current = leaf
        frame.grouped = False
        self._leaf(leaf)

    def _leaf(self, leaf: Leaf) -> None:
        self._check_use(operands_of(leaf))
        self.leaves.append(leaf)

    def _check_use(self, operands: tuple[Operand, ...]) -> None:
        """Of the functions only size may be an operand."""
        for operand in operands:
            if isinstance(operand, Call) and operand.name != "size":
                self.misused_function = self.misused_function or operand.name

    def _end_condition(self, frame: _Frame) -> None:
        """What has been read since the last AND, OR or bracket is a condition on its own."""
        condition = frame.current
        if frame.operator is not None or condition is None or isinstance(condition, Path | Value):
            raise self.cursor.error()
        assert not isinstance(condition, Operand) or isinstance(condition, Call)
        if isinstance(condition, Call) and condition.name == "size":
            self.misused_function = self.misused_function or "size"
        for _ in range(frame.negations):
            condition = Not(condition)
        frame.conjuncts.append(condition)
        frame.negations = 0
        frame.current = None

    def _finish(self, frame: _Frame) -> ConditionTree:
        self._end_condition(frame)
        frame.disjuncts.append(_joined(frame.conjuncts))
        if len(frame.disjuncts) == 1:
            return frame.disjuncts[0]
        return Or(tuple(frame.disjuncts))


def _joined(conjuncts: list[ConditionTree]) -> ConditionTree:
    return conjuncts[0] if len(conjuncts) == 1 else And(tuple(conjuncts))


def parse_condition(parameter: str, text: str) -> ParsedCondition:
    """The tree of `text`. Raises ValidationException in the order of the module's docstring.

    Source: AWS Developer Guide, "Condition and filter expressions, operators, and functions".
    """
    parser = _ConditionParser(parameter, text)
    root = parser.parse()
    if parser.redundant_parentheses:
        raise invalid(parameter, "The expression has redundant parentheses;")
    check_operator_count(parameter, parser.operators)
    if parser.unknown_function is not None:
        raise unknown_function(parameter, parser.unknown_function)
    if parser.misused_function is not None:
        raise misused_function(parameter, parser.misused_function)
    parser.cursor.raise_reserved()
    parser.cursor.raise_deep_path()
    names, values = placeholders(_operands(parser.leaves))
    return ParsedCondition(root, tuple(parser.leaves), names, values)


def _operands(leaves: list[Leaf]) -> Iterator[Operand]:
    for leaf in leaves:
        for operand in operands_of(leaf):
            yield from walk(operand)


def misused_function(parameter: str, name: str) -> ValidationException:
    return invalid(
        parameter,
        f"The function is not allowed to be used this way in an expression; function: {name}",
    )
