"""A parser's place in the tokens, and what all expressions have in common: paths and names.

In: the text of one expression. Out: tokens and document paths, one after the other. Used by
`parser.py`, `update_parser.py` and `projection.py`. Complaints about names and paths rank below a
syntax error, so the cursor only keeps the first of each; the parsers raise them when it is time.
"""

from __future__ import annotations

from typing import Final

from stator_core.errors import ValidationException
from stator_core.expressions.reserved_words import RESERVED_WORDS
from stator_core.expressions.syntax import Element, Path
from stator_core.expressions.tokens import (
    END,
    INDEX,
    NAME,
    NAME_PLACEHOLDER,
    SYMBOL,
    Token,
    invalid,
    syntax_error,
    tokenize,
)
from stator_core.limits import PATH_ELEMENTS_MAX

CONDITION_FUNCTIONS: Final = frozenset(
    (
        "attribute_exists",
        "attribute_not_exists",
        "attribute_type",
        "begins_with",
        "contains",
        "size",
    )
)
_INDEX_MAX: Final = 2**31 - 1  # DynamoDB keeps list indexes in 32 bits
UPDATE_FUNCTIONS: Final = frozenset(("if_not_exists", "list_append"))


class Cursor:
    """A position in the tokens of one expression, and the first complaint of each lower rank."""

    __slots__ = (
        "deep_path",
        "keywords",
        "parameter",
        "position",
        "reserved",
        "text",
        "token",
        "tokens",
        "wide_index",
    )

    def __init__(self, parameter: str, text: str, keywords: frozenset[str]) -> None:
        self.parameter = parameter
        self.text = text
        self.keywords = keywords
        self.tokens = tokenize(parameter, text)
        self.position = 0
        self.token = self.tokens[0]
        self.reserved: str | None = None
        self.wide_index: int | None = None
        self.deep_path: int | None = None

    def advance(self) -> Token:
        """Take the current token. The end token is never taken."""
        taken = self.token
        assert taken.kind != END
        self.position += 1
        self.token = self.tokens[self.position]
        return taken

    def error(self) -> ValidationException:
        """The syntax error at the current token."""
        return syntax_error(self.parameter, self.text, self.tokens, self.position)

    def at(self, symbol: str) -> bool:
        return self.token.text == symbol and self.token.kind == SYMBOL

    def expect(self, symbol: str) -> None:
        if not self.at(symbol):
            raise self.error()
        self.advance()

    def keyword(self) -> str | None:
        """The keyword at the current token, in upper case. Keywords ignore case."""
        if self.token.kind != NAME:
            return None
        word = self.token.text.upper()
        return word if word in self.keywords else None

    def at_call(self) -> bool:
        """Whether a function's name and its opening parenthesis come next."""
        return (
            self.token.kind == NAME
            and self.tokens[self.position + 1].text == "("
            and self.keyword() is None
        )

    def path(self) -> Path:
        """A document path: names with dots, indexes in brackets; blanks may stand between."""
        return self.path_from([self._name()])

    def path_from(self, elements: list[Element]) -> Path:
        """The path that begins with these elements and goes on at the current token."""
        while True:
            if self.at("."):
                self.advance()
                elements.append(self._name())
            elif self.at("["):
                self.advance()
                if self.token.kind != INDEX:
                    raise self.error()
                index = int(self.advance().text)
                if index > _INDEX_MAX and self.wide_index is None:
                    self.wide_index = index
                elements.append(index)
                self.expect("]")
            else:
                break
        if len(elements) > PATH_ELEMENTS_MAX and self.deep_path is None:
            self.deep_path = len(elements)
        return Path(tuple(elements))

    def _name(self) -> str:
        if self.token.kind == NAME and self.keyword() is None:
            if self.reserved is None and self.token.text.upper() in RESERVED_WORDS:
                self.reserved = self.token.text
        elif self.token.kind != NAME_PLACEHOLDER:
            raise self.error()
        return self.advance().text

    def raise_reserved(self) -> None:
        """A reserved word, or an index that no list has."""
        if self.reserved is not None:
            raise invalid(
                self.parameter,
                f"Attribute name is a reserved keyword; reserved keyword: {self.reserved}",
            )
        if self.wide_index is not None:
            raise invalid(
                self.parameter,
                f"List index is not within the allowable range; index: [{self.wide_index}]",
            )

    def raise_deep_path(self) -> None:
        """AWS: a path has at most 32 elements, the attribute's own name counted."""
        if self.deep_path is not None:
            raise invalid(
                self.parameter,
                f"The document path has too many nesting levels; nesting levels: {self.deep_path}",
            )


def unknown_function(parameter: str, name: str) -> ValidationException:
    """A function that DynamoDB does not have, or not in this kind of expression."""
    if name in CONDITION_FUNCTIONS:
        reason = f"The function is not allowed in an update expression; function: {name}"
    elif name in UPDATE_FUNCTIONS:
        reason = f"The function is not allowed in a condition expression; function: {name}"
    else:
        reason = f"Invalid function name; function: {name}"
    return invalid(parameter, reason)
