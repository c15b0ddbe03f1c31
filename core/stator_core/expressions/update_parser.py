"""From tokens to the actions of an UpdateExpression.

In: the text. Out: a `ParsedUpdate`, or the ValidationException that DynamoDB answers with. Called
by `update.py`, which caches what comes out by text. Like the condition parser it keeps a stack of
its own, and raises what ranks below a syntax error in DynamoDB's order: operator count, reserved
word, unknown function, repeated section, path depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stator_core.expressions.cursor import UPDATE_FUNCTIONS, Cursor, unknown_function
from stator_core.expressions.syntax import (
    Action,
    Arithmetic,
    Call,
    Operand,
    ParsedUpdate,
    Value,
    placeholders,
    walk,
)
from stator_core.expressions.tokens import (
    END,
    VALUE_PLACEHOLDER,
    check_operator_count,
    invalid,
)

PARAMETER = "UpdateExpression"
SECTIONS = frozenset(("SET", "REMOVE", "ADD", "DELETE"))


@dataclass(slots=True)
class _Frame:
    """An open bracket on the right side of SET, or that whole side."""

    kind: str  # "side", "group" or "call"
    operand_only: bool  # no arithmetic may stand in here
    name: str = ""
    arguments: list[Operand] = field(default_factory=list)
    current: Operand | None = None
    operator: str | None = None
    left: Operand | None = None
    calculated: bool = False  # `current` is a sum or difference; a second one may not follow


class _UpdateParser:
    def __init__(self, text: str) -> None:
        self.cursor = Cursor(PARAMETER, text, SECTIONS)
        self.actions: list[Action] = []
        self.operators = 0
        self.unknown_function: str | None = None
        self.repeated_section: str | None = None

    def parse(self) -> None:
        cursor = self.cursor
        seen: set[str] = set()
        while True:
            section = cursor.keyword()
            if section is None:
                raise cursor.error()
            cursor.advance()
            if section in seen and self.repeated_section is None:
                self.repeated_section = section
            seen.add(section)
            self.actions.append(self._action(section))
            while cursor.at(","):
                cursor.advance()
                self.actions.append(self._action(section))
            if cursor.token.kind == END:
                return

    def _action(self, section: str) -> Action:
        cursor = self.cursor
        target = cursor.path()
        if section == "REMOVE":
            return Action(section, target, None)
        if section == "SET":
            cursor.expect("=")
            return Action(section, target, self._side())
        if cursor.token.kind != VALUE_PLACEHOLDER:
            raise cursor.error()
        return Action(section, target, Value(cursor.advance().text))

    def _side(self) -> Operand:
        """The right side of one SET action."""
        frames = [_Frame("side", operand_only=False)]
        while True:
            self._operand(frames)
            while self._closed(frames):
                pass
            side = frames[0]
            if len(frames) == 1 and side.current is not None and side.operator is None:
                return side.current

    def _operand(self, frames: list[_Frame]) -> None:
        """Read up to and including the next operand, opening frames on the way."""
        cursor = self.cursor
        while True:
            if cursor.at("("):
                cursor.advance()
                frames.append(_Frame("group", frames[-1].operand_only))
            elif cursor.at_call():
                name = cursor.advance().text
                cursor.advance()
                self.operators += 1
                if name not in UPDATE_FUNCTIONS and self.unknown_function is None:
                    self.unknown_function = name
                frames.append(_Frame("call", operand_only=True, name=name))
            elif cursor.token.kind == VALUE_PLACEHOLDER:
                return _take(frames[-1], Value(cursor.advance().text))
            else:
                return _take(frames[-1], cursor.path())

    def _closed(self, frames: list[_Frame]) -> bool:
        """Go on after an operand. True if that closed a bracket, which is an operand again."""
        cursor, frame = self.cursor, frames[-1]
        assert frame.current is not None
        if cursor.at("+") or cursor.at("-"):
            if frame.operand_only or frame.calculated:
                raise cursor.error()
            frame.operator = cursor.advance().text
            frame.left, frame.current = frame.current, None
            self.operators += 1
            return False
        if frame.kind == "side":
            return False  # Whatever comes next belongs to the section.
        if cursor.at(",") and frame.kind == "call":
            cursor.advance()
            frame.arguments.append(frame.current)
            frame.current = None
            return False
        cursor.expect(")")
        whole: Operand = frame.current
        if frame.kind == "call":
            whole = Call(frame.name, (*frame.arguments, frame.current))
        frames.pop()
        _take(frames[-1], whole)
        return True


def _take(frame: _Frame, operand: Operand) -> None:
    if frame.operator is None:
        frame.current = operand
        return
    assert frame.left is not None
    frame.current = Arithmetic(frame.operator, frame.left, operand)
    frame.operator = None
    frame.calculated = True


def parse_update(text: str) -> ParsedUpdate:
    """The actions of `text`. Raises ValidationException in the order of the module's docstring.

    Source: AWS Developer Guide, "Using update expressions in DynamoDB".
    """
    parser = _UpdateParser(text)
    parser.parse()
    check_operator_count(PARAMETER, parser.operators)
    parser.cursor.raise_reserved()
    if parser.unknown_function is not None:
        raise unknown_function(PARAMETER, parser.unknown_function)
    if parser.repeated_section is not None:
        raise invalid(
            PARAMETER,
            f'The "{parser.repeated_section}" section can only be used once '
            "in an update expression;",
        )
    parser.cursor.raise_deep_path()
    names, values = placeholders(_operands(parser.actions))
    return ParsedUpdate(tuple(parser.actions), names, values)


def _operands(actions: list[Action]) -> Iterator[Operand]:
    for action in actions:
        yield action.target
        if action.operand is not None:
            yield from walk(action.operand)
