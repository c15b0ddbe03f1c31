"""A Table's spec as the body of CreateTable, and back: the spelling of names is all that differs.

In: the spec of a Table, or what a client asks CreateTable for. Out: the other. Called where an
object becomes a table and where CreateTable becomes an object. Invariant: going there and back
changes nothing; a body with what a Table cannot say yet is refused, never cut short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# What CreateTable and the spec both say; the rest of a spec is said by other operations.
_SHARED = (
    "tableName",
    "attributeDefinitions",
    "keySchema",
    "localSecondaryIndexes",
    "globalSecondaryIndexes",
    "billingMode",
    "provisionedThroughput",
    "streamSpecification",
    "tags",
    "deletionProtectionEnabled",
)
# A stream that is not wanted, and protection that is off, are what is there without a word.
_UNSAID: dict[str, Any] = {
    "streamSpecification": {"streamEnabled": False},
    "deletionProtectionEnabled": False,
    "tags": [],
}


class NotAnObject(ValueError):
    """A request that no Table says in full; the text names what."""


def create_table_body(spec: dict[str, Any]) -> dict[str, Any]:
    """The body of CreateTable for a table that is wanted like this."""
    return {
        _capital(name): _respelt(spec[name], _capital)
        for name in _SHARED
        if name in spec and spec[name] != _UNSAID.get(name)
    }


def spec_of_body(body: dict[str, Any]) -> dict[str, Any]:
    """The spec, but for its pool, of a body that `create_table.parse` has taken.

    Raises NotAnObject.
    """
    spec = {_small(name): _respelt(value, _small) for name, value in body.items()}
    more = sorted(_capital(name) for name in set(spec) - set(_SHARED))
    if more:
        raise NotAnObject(f"a Table object cannot say: {', '.join(more)}")
    for index in spec.get("globalSecondaryIndexes", ()):
        _refuse_more(index, {"indexName", "keySchema", "projection", "provisionedThroughput"})
    spec.setdefault("billingMode", "PROVISIONED")  # CreateTable's default, not the object's.
    return {name: value for name, value in spec.items() if value != _UNSAID.get(name)}


def _refuse_more(members: dict[str, Any], known: set[str]) -> None:
    more = sorted(_capital(name) for name in set(members) - known)
    if more:
        raise NotAnObject(f"an index of a Table object cannot say: {', '.join(more)}")


def _respelt(value: Any, spell: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {spell(name): _respelt(each, spell) for name, each in value.items()}
    if isinstance(value, list):
        return [_respelt(each, spell) for each in value]
    return value


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _small(name: str) -> str:
    return name[0].lower() + name[1:]
