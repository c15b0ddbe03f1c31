"""Projections: ProjectionExpression and AttributesToGet, from text to a pruned item.

In: the text and the request's `Substitutions`, or plain names. Out: a `Projection`, whose
`project(item)` gives what of an item goes into the answer. Called by the read requests, and by
`update.py` for the UPDATED_OLD and UPDATED_NEW return values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stator_core.errors import ValidationException
from stator_core.expressions.cursor import Cursor
from stator_core.expressions.paths import check_distinct_paths, resolved, undefined_name
from stator_core.expressions.recent import Recent
from stator_core.expressions.substitutions import Substitutions
from stator_core.expressions.syntax import Elements, ParsedProjection, placeholders
from stator_core.expressions.tokens import END
from stator_core.item import AttributeValue, Item
from stator_core.limits import ATTRIBUTE_NAME_BYTES_MAX
from stator_core.value_rules import LONG_NAME

PARAMETER: Final = "ProjectionExpression"
_NO_KEYWORDS: Final[frozenset[str]] = frozenset()
_NO_VALUES: Final[frozenset[str]] = frozenset()

# What is asked of a map or list: everything (None), or these members by name or index.
_Wanted = dict[Any, Any] | None


class Projection:
    """Resolved paths. `nested_names` are the attributes it reaches into with `.` or `[]`."""

    __slots__ = ("_plain", "_wanted", "nested_names", "top_level_names")

    def __init__(self, paths: Iterable[Elements]) -> None:
        """From resolved paths that neither overlap nor conflict."""
        wanted: dict[Any, Any] = {}
        for path in paths:
            members = wanted
            for element in path[:-1]:
                members = members.setdefault(element, {})
            members[path[-1]] = None
        self._wanted = wanted
        self.top_level_names: frozenset[str] = frozenset(wanted)
        self.nested_names = frozenset(name for name in wanted if wanted[name] is not None)
        self._plain = tuple(wanted) if not self.nested_names else None

    def project(self, item: Item) -> Item:
        """The named parts of the item; missing ones are left out.

        Nested parts keep their structure; the elements of a list that are asked for move together,
        in index order (AWS: Using projection expressions).
        """
        if self._plain is not None:
            return {name: item[name] for name in self._plain if name in item}
        projected = {}
        for name, wanted in self._wanted.items():
            value = item.get(name)
            if value is not None:
                part = _part(value, wanted)
                if part is not None:
                    projected[name] = part
        return projected


def _part(value: AttributeValue, wanted: _Wanted) -> AttributeValue | None:
    """What is wanted of a value, None if there is nothing of it."""
    if wanted is None:
        return value
    if isinstance(next(iter(wanted)), int):
        elements = value.get("L", ())
        parts = [
            _part(elements[index], wanted[index])
            for index in sorted(wanted)
            if index < len(elements)
        ]
        found = [part for part in parts if part is not None]
        return {"L": found} if found else None
    members = {}
    for name, inner in wanted.items():
        member = value.get("M", {}).get(name)
        part = None if member is None else _part(member, inner)
        if part is not None:
            members[name] = part
    return {"M": members} if members else None


@dataclass(frozen=True, slots=True)
class _Parsed:
    tree: ParsedProjection
    names: tuple[str, ...]
    used_names: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Template:
    """What text and names decide, which is all."""

    projection: Projection
    used_names: frozenset[str]


_parsed: Recent[_Parsed] = Recent()
_templates: Recent[_Template] = Recent()


def compile_projection(text: str, substitutions: Substitutions) -> Projection:
    """Compile a ProjectionExpression. Raises ValidationException, bare, in DynamoDB's order.

    The order: syntax, reserved words, path depth, undefined names, overlap, conflict.
    Source: AWS Developer Guide, "Using projection expressions in DynamoDB".
    """
    key = (text, substitutions.names_key)
    template = _templates.entries.get(key)
    if template is None:
        parsed = _parsed.entries.get((text,))
        if parsed is None:
            tree = parse_projection(text)
            made = _Parsed(tree, tree.names, frozenset(tree.names))
            parsed = _parsed.put((text,), made, len(text))
        for name in parsed.names:
            if name not in substitutions.names:
                raise undefined_name(PARAMETER, name)
        paths = [resolved(path, substitutions.names).elements for path in parsed.tree.paths]
        check_distinct_paths(PARAMETER, paths)
        made_template = _Template(Projection(paths), parsed.used_names)
        characters = len(text) + substitutions.names_characters()
        template = _templates.put(key, made_template, characters)
    substitutions.note_use(template.used_names, _NO_VALUES)
    return template.projection


def parse_projection(text: str) -> ParsedProjection:
    """The paths of `text`, names unresolved. Raises ValidationException."""
    cursor = Cursor(PARAMETER, text, _NO_KEYWORDS)
    paths = [cursor.path()]
    while cursor.token.kind != END:
        cursor.expect(",")
        paths.append(cursor.path())
    cursor.raise_reserved()
    cursor.raise_deep_path()
    names, _ = placeholders(iter(paths))
    return ParsedProjection(tuple(paths), names)


def compile_attributes_to_get(attributes_to_get: Sequence[str | None]) -> Projection:
    """AttributesToGet: names of whole attributes, whatever characters they have; null names none.

    Raises ValidationException for a name that is too long or stands there twice.
    """
    names = [name for name in attributes_to_get if name is not None]
    seen: set[str] = set()
    for name in names:
        if len(name.encode()) > ATTRIBUTE_NAME_BYTES_MAX:
            raise ValidationException(LONG_NAME)
        if name in seen:
            raise ValidationException(
                "One or more parameter values were invalid: "
                f"Duplicate value in attribute name: {name}"
            )
        seen.add(name)
    return Projection((name,) for name in names)
