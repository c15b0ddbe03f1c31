"""Java's hash order: the captured messages it was found from, and what must hold of any names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stator_core.requests.java_hash_order import of_growing_set, of_sized_map


def test_captured_lists_of_definitions_come_in_their_order() -> None:
    assert of_sized_map(["pk", "sk", "a", "b", "c"]) == ["sk", "a", "b", "pk", "c"]
    assert of_sized_map(["pk", "sk"]) == ["sk", "pk"]
    assert of_sized_map(["a", "b"]) == ["a", "b"]


def test_captured_lists_of_keys_come_in_their_order() -> None:
    assert of_growing_set(["pk", "sk", "a"]) == ["a", "sk", "pk"]
    assert of_growing_set(["q"]) == ["q"]


@given(st.lists(st.text(max_size=4), max_size=40))
def test_every_name_is_listed_once(names: list[str]) -> None:
    assert sorted(of_sized_map(names)) == sorted(set(names))
    assert sorted(of_growing_set(names)) == sorted(set(names))
