"""The expressions compiled lately, so that a request pays for parsing only once per text.

In: a key (texts) and what was made from it. Out: the same thing for the same key, until newer
entries push it out. Used by the modules that compile. The bound is on the length of the texts: a
tree weighs some fifty times its text, whatever the text is.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Made = TypeVar("Made")

TEXT_CHARACTERS_MAX = 512 * 1024  # of all texts of one kind: about 25 MB of trees at the very worst
TEXT_CHARACTERS_KEPT_MAX = 32 * 1024  # of one entry


class Recent(Generic[Made]):
    """Made things by key, oldest out first. `entries` may be read directly: it is the hot path."""

    __slots__ = ("characters", "entries", "weights")

    def __init__(self) -> None:
        self.entries: dict[tuple[object, ...], Made] = {}
        self.weights: dict[tuple[object, ...], int] = {}
        self.characters = 0

    def put(self, key: tuple[object, ...], made: Made, characters: int) -> Made:
        """Keep `made`, which came from texts of that many characters in all. Returns it.

        Attribute names may be 64 KB long: what is so heavy is not kept, lest it push out all else.
        """
        assert key not in self.entries
        if characters > TEXT_CHARACTERS_KEPT_MAX:
            return made
        while self.characters + characters > TEXT_CHARACTERS_MAX:
            oldest = next(iter(self.entries))
            del self.entries[oldest]
            self.characters -= self.weights.pop(oldest)
        self.entries[key] = made
        self.weights[key] = characters
        self.characters += characters
        return made
