"""An item being updated: writes and removals at document paths, copying only what they touch.

In: the item before, paths and values. Out: a new item that shares with the old one every container
no path went through; the old one stays as it was, for old images. Made by `update.py` for one
`apply`, which writes in path order first and removes in reverse path order last: thus every list
index means what it meant in the item before.
"""

from __future__ import annotations

from typing import Any, Final

from stator_core.errors import ValidationException
from stator_core.expressions.paths import lookup
from stator_core.expressions.syntax import Elements
from stator_core.item import AttributeValue, Item

INVALID_PATH: Final = "The document path provided in the update expression is invalid for update"


class Document:
    """The new item and the containers in it that are its own by now."""

    __slots__ = ("_own", "item")

    def __init__(self, before: Item) -> None:
        self.item = dict(before)
        # By identity; holding the containers keeps their identities from being used again.
        self._own: dict[int, Any] = {}

    def write(self, path: Elements, value: AttributeValue) -> None:
        """Put a value; at or past the end of a list, append it.

        Raises ValidationException if the parent is missing or of the other kind.
        """
        container = self._parent(path)
        last = path[-1]
        if isinstance(last, int) and last >= len(container):
            container.append(value)
        else:
            container[last] = value

    def remove(self, path: Elements) -> None:
        """Take out the value at a path that exists."""
        del self._parent(path)[path[-1]]

    def _parent(self, path: Elements) -> Any:
        """The dict or list, own by now, that the last element of `path` belongs in."""
        container: Any = self.item
        for position in range(len(path) - 1):
            element = path[position]
            if isinstance(element, str):
                value = container.get(element)
            else:
                value = container[element] if element < len(container) else None
            kind = "M" if isinstance(path[position + 1], str) else "L"
            inner = None if value is None else value.get(kind)
            if inner is None:
                raise ValidationException(INVALID_PATH)
            if id(inner) not in self._own:
                inner = inner.copy()
                self._own[id(inner)] = inner
                container[element] = {kind: inner}
            container = inner
        return container


def check_parent(before: Item, path: Elements) -> None:
    """Refuse a path whose parent is missing in the item before, or of the other kind."""
    if len(path) == 1:
        return
    parent = lookup(before, path[:-1])
    kind = "M" if isinstance(path[-1], str) else "L"
    if parent is None or kind not in parent:
        raise ValidationException(INVALID_PATH)


def order(path: Elements) -> tuple[tuple[bool, Any], ...]:
    """Sorts paths; indexes by number. Names and indexes never meet below one parent."""
    return tuple([(isinstance(element, int), element) for element in path])
