"""A Table's spec as the body that is asked of a supervisor, and back: only the spelling differs.

In: the spec of a Table, or a body as the supervisor says it. Out: the other. A body is that of
CreateTable with the time to live beside it (`stator_core.desired_table`). Called where an object
becomes a table and where a client's request becomes an object. Invariant: going there and back
changes nothing; a body with what a Table cannot say is refused, never cut short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stator_core.desired_table import TIME_TO_LIVE

# What a body and the spec both say; a spec says besides where the table lies and how it ends.
_SHARED = (
    "tableName",
    "attributeDefinitions",
    "keySchema",
    "localSecondaryIndexes",
    "globalSecondaryIndexes",
    "billingMode",
    "provisionedThroughput",
    "streamSpecification",
    "timeToLive",
    "tags",
    "deletionProtectionEnabled",
)
_OTHERWISE = {"timeToLive": TIME_TO_LIVE}  # spelt with another word
_OTHERWISE_BACK = {word: name for name, word in _OTHERWISE.items()}
# A stream that is not wanted, and protection that is off, are what is there without a word.
_UNSAID: dict[str, Any] = {
    "streamSpecification": {"streamEnabled": False},
    "deletionProtectionEnabled": False,
    "tags": [],
}


class NotAnObject(ValueError):
    """A body that no Table says in full; the text names what."""


def desired_body(spec: dict[str, Any]) -> dict[str, Any]:
    """What is asked for a table that is wanted like this."""
    return {
        _OTHERWISE.get(name) or _capital(name): _respelt(spec[name], _capital)
        for name in _SHARED
        if name in spec and spec[name] != _UNSAID.get(name)
    }


def spec_of_body(body: dict[str, Any]) -> dict[str, Any]:
    """The spec, but for where the table lies and how it ends. Raises NotAnObject."""
    spec = {
        _OTHERWISE_BACK.get(name) or _small(name): _respelt(value, _small)
        for name, value in body.items()
    }
    more = sorted(_capital(name) for name in set(spec) - set(_SHARED))
    if more:
        raise NotAnObject(f"a Table object cannot say: {', '.join(more)}")
    for index in spec.get("globalSecondaryIndexes", ()):
        _refuse_more(index, {"indexName", "keySchema", "projection", "provisionedThroughput"})
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
