"""The tokens of an expression, and the syntax error that names one of them.

In: the text of an expression. Out: its tokens in order, closed by an end token. First step of every
parse; `parser.py`, `update_parser.py` and `projection.py` come next. A character that begins no
token becomes a token of its own, so the parser meets it in its place and refuses it like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from stator_core.errors import ValidationException
from stator_core.limits import EXPRESSION_BYTES_MAX, EXPRESSION_OPERATORS_MAX

NAME: Final = "name"  # an attribute name, a function name or a keyword
NAME_PLACEHOLDER: Final = "#name"
VALUE_PLACEHOLDER: Final = ":value"
INDEX: Final = "index"  # the digits between brackets
SYMBOL: Final = "symbol"  # operators and punctuation
UNREADABLE: Final = "unreadable"
END: Final = "end"

# A number never begins with a further zero: `l[00]` is two tokens, and the second one an error.
_TOKEN = re.compile(
    r"""(?P<name>[A-Za-z][A-Za-z0-9_]*)
    |(?P<name_placeholder>\#[A-Za-z0-9_]+)
    |(?P<value_placeholder>:[A-Za-z0-9_]+)
    |(?P<index>0|[1-9][0-9]*)
    |(?P<symbol><>|<=|>=|[=<>()\[\].,+-])
    |(?P<blank>[ \t\r\n]+)
    |(?P<unreadable>.)""",
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "name": NAME,
    "name_placeholder": NAME_PLACEHOLDER,
    "value_placeholder": VALUE_PLACEHOLDER,
    "index": INDEX,
    "symbol": SYMBOL,
    "unreadable": UNREADABLE,
}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text from character `start` up to, not including, character `end`."""

    kind: str
    text: str
    start: int
    end: int


def invalid(parameter: str, reason: str) -> ValidationException:
    """The refusal of the expression in `parameter`, as DynamoDB leads every one of them in."""
    return ValidationException(f"Invalid {parameter}: {reason}")


def tokenize(parameter: str, text: str) -> list[Token]:
    """The tokens of `text`, the last one of kind END.

    Raises ValidationException if the text is empty or longer than 4096 bytes (AWS: quotas of
    expression parameters; the wording without the size as captured 2026-10).
    """
    if not text:
        raise invalid(parameter, "The expression can not be empty;")
    if len(text.encode()) > EXPRESSION_BYTES_MAX:
        raise invalid(parameter, "Expression size has exceeded the maximum allowed size;")
    tokens = []
    for match in _TOKEN.finditer(text):
        assert match.lastgroup is not None  # one alternative always matches
        kind = _KINDS.get(match.lastgroup)
        if kind is not None:
            tokens.append(Token(kind, match[0], match.start(), match.end()))
    tokens.append(Token(END, "<EOF>", len(text), len(text)))
    return tokens


def syntax_error(
    parameter: str, text: str, tokens: list[Token], position: int
) -> ValidationException:
    """The error at `tokens[position]`.

    `near` reaches from the token before to the token after, blanks as sent; at the end it is the
    last token alone, and all of a text that has no token (captured 2026-10).
    """
    offender = tokens[position]
    if offender.kind == END:
        near = tokens[position - 1].text if position else text
    else:
        start = tokens[position - 1].start if position else offender.start
        following = tokens[position + 1]
        end = offender.end if following.kind == END else following.end
        near = text[start:end]
    return invalid(parameter, f'Syntax error; token: "{offender.text}", near: "{near}"')


def check_operator_count(parameter: str, operators: int) -> None:
    """AWS: at most 300 operators and functions in one expression."""
    if operators > EXPRESSION_OPERATORS_MAX:
        raise invalid(
            parameter, f"The expression contains too many operators; operator count: {operators}"
        )
