"""Attribute values and items for the differential test: right ones, odd ones, wrong ones.

The worlds of names and values are small on purpose, so that expressions meet what items hold.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Json = Any

# Of the attributes that are no keys. `size` is a function's name, `date` a reserved word, and the
# last two can only be written with a placeholder.
NAMES = ("a", "b", "c", "m", "l", "s", "date", "size", "a.b", "Ω")

TEXTS = ("", "a", "b", "ab", "abc", "Z", "é", "😀", "z" * 40, "1", "null", "'quoted\"")
NUMBERS = (
    *("0", "1", "2", "-1", "10", "5", "100", "1.5", "-0", "1.0", "01", "1e2", "100e-2", "+5", "5."),
    *(".5", "0.001", "1234567890123456789", "9.9999999999999999999999999999999999999E+125"),
    *("-9.9999999999999999999999999999999999999E125", "1E-130", "-1E-130", "0e125"),
    *("12345678901234567890123456789012345678", "0.00000000000000000000000000000000000001"),
)
BINARIES = ("", "YQ==", "YWI=", "Yg==", "/w==", "AAECAw==")

BAD_NUMBERS = (
    *("", " ", "abc", "1e126", "1e-131", "NaN", "Infinity", "0x10", "1_000", "1 ", " 1", "--1"),
    *("123456789012345678901234567890123456789", "1e", "1.2.3", "1e99999999999", "0e126", "0e-131"),
    *("1e-99999999999", "-1e126", "1.23456789012345678901234567890123456789", "٣"),
)
# Whole attribute values that DynamoDB refuses, each by a rule of its own.
BAD_VALUES: tuple[Json, ...] = (
    {},
    {"X": "a"},
    {"S": "a", "N": "1"},
    {"S": 1},
    {"S": 1.5},
    {"S": True},
    {"S": ["a"]},
    {"S": {}},
    {"S": None},
    {"N": 1},
    {"N": None},
    {"B": 1},
    {"B": "a"},
    {"B": "YQ"},
    {"B": "YR=="},
    {"BOOL": "yes"},
    {"BOOL": "F"},
    {"BOOL": "perhaps"},
    {"BOOL": 1},
    {"BOOL": 1.5},
    {"BOOL": []},
    {"NULL": False},
    {"NULL": "no"},
    {"NULL": "true"},
    {"NULL": 0},
    {"SS": []},
    {"NS": []},
    {"BS": []},
    {"SS": ["a", "a"]},
    {"SS": ["b", "a", "b", "C"]},
    {"NS": ["1", "1.0"]},
    {"NS": ["1", "x"]},
    {"BS": ["Yg==", "Yg=="]},
    {"SS": "a"},
    {"SS": [1]},
    {"SS": {"a": 1}},
    {"L": {}},
    {"L": "a"},
    {"L": [{}]},
    {"L": [1]},
    {"L": [{"N": "x"}]},
    {"M": []},
    {"M": "a"},
    {"M": {"a": {}}},
    {"M": {"": {"S": "a"}}},
    {"M": {"a": {"SS": []}}},
    {"S": "a", "N": None},
    "a",
    1,
    True,
    None,
    [],
    [{"S": "a"}],
)


def sets() -> st.SearchStrategy[Json]:
    return st.one_of(
        st.lists(st.sampled_from(TEXTS[1:]), min_size=1, max_size=3, unique=True).map(
            lambda members: {"SS": members}
        ),
        st.lists(st.sampled_from(("0", "1", "2", "-1", "1.5", "1e3")), min_size=1, unique=True).map(
            lambda members: {"NS": members}
        ),
        st.lists(st.sampled_from(BINARIES[1:]), min_size=1, max_size=3, unique=True).map(
            lambda members: {"BS": members}
        ),
    )


def scalars() -> st.SearchStrategy[Json]:
    return st.one_of(
        st.sampled_from(TEXTS).map(lambda text: {"S": text}),
        st.sampled_from(NUMBERS).map(lambda text: {"N": text}),
        st.sampled_from(BINARIES).map(lambda text: {"B": text}),
        st.booleans().map(lambda flag: {"BOOL": flag}),
        st.just({"NULL": True}),
    )


def documents(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.one_of(
        st.lists(inner, max_size=3).map(lambda members: {"L": members}),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=3).map(
            lambda members: {"M": members}
        ),
    )


def values() -> st.SearchStrategy[Json]:
    """Any legal value, mostly a flat one."""
    flat = st.one_of(scalars(), sets())
    usual = st.one_of(scalars(), flat, st.recursive(flat, documents, max_leaves=5))
    # Rarely: the limit of nesting is one rule among many.
    return st.integers(1, 20).flatmap(lambda turn: deep_values() if turn == 20 else usual)


def deep_values() -> st.SearchStrategy[Json]:
    """A leaf in many lists or maps: on both sides of the nesting limit."""

    def wrap(depth: int, kind: str, leaf: Json) -> Json:
        for _ in range(depth):
            leaf = {"L": [leaf]} if kind == "L" else {"M": {"a": leaf}}
        return leaf

    depths = st.sampled_from((1, 2, 3, 4, 30, 31, 32, 33))
    return st.builds(wrap, depths, st.sampled_from("LM"), scalars())


def bad_values() -> st.SearchStrategy[Json]:
    return st.one_of(
        st.sampled_from(BAD_VALUES), st.sampled_from(BAD_NUMBERS).map(lambda text: {"N": text})
    )


def perhaps(draw: st.DrawFn, one_in: int) -> bool:
    """True once in so many draws. The plain case is the smaller one, so examples shrink to it."""
    return draw(st.integers(1, one_in)) == one_in


def perhaps_bad(good: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """A good one, but for one time in thirty."""
    return st.integers(1, 30).flatmap(lambda turn: bad_values() if turn == 30 else good)


def key_values(kind: str) -> st.SearchStrategy[Json]:
    """A legal value of a key attribute; few, so that requests meet the same items."""
    texts = {
        "S": ("a", "b", "ab", "é", "a#1"),
        "N": ("1", "2", "1.0", "-1", "10", "0"),
        "B": ("YQ==", "Yg==", "AAECAw=="),
    }[kind]
    return st.sampled_from(texts).map(lambda text: {kind: text})


def bad_key_values(kind: str) -> st.SearchStrategy[Json]:
    """What may not be a key: another type, an empty value, one that is too long."""
    others = [{"S": "a"}, {"N": "1"}, {"B": "YQ=="}, {"BOOL": True}, {"NULL": True}, {"SS": ["a"]}]
    too_long = {"S": {"S": "k" * 2049}, "B": {"B": "AAAA" * 700}}.get(kind, {"N": "1e126"})
    wrong = [value for value in others if kind not in value]
    return st.sampled_from([*wrong, {kind: ""}, too_long, {kind: None}, {}, {"L": []}])
