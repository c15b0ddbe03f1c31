"""What was compiled lately is kept, up to a bound on its texts."""

from __future__ import annotations

from stator_core.expressions.recent import (
    TEXT_CHARACTERS_KEPT_MAX,
    TEXT_CHARACTERS_MAX,
    Recent,
)


def test_what_was_put_is_found_by_its_key() -> None:
    recent: Recent[str] = Recent()

    assert recent.put(("X", "a = :v"), "made", 6) == "made"
    assert recent.entries.get(("X", "a = :v")) == "made"
    assert recent.entries.get(("Y", "a = :v")) is None


def test_the_oldest_texts_make_room_for_the_newest() -> None:
    recent: Recent[int] = Recent()
    for number in range(100):
        recent.put((number,), number, TEXT_CHARACTERS_KEPT_MAX)
    kept = TEXT_CHARACTERS_MAX // TEXT_CHARACTERS_KEPT_MAX

    assert list(recent.entries) == [(number,) for number in range(100 - kept, 100)]
    assert recent.characters <= TEXT_CHARACTERS_MAX


def test_what_is_very_long_is_made_and_not_kept() -> None:
    recent: Recent[str] = Recent()

    assert recent.put(("names",), "made", TEXT_CHARACTERS_KEPT_MAX + 1) == "made"
    assert recent.entries == {}
