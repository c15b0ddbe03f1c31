"""Writing into an item without changing the item before."""

from __future__ import annotations

import copy

import pytest

from expression_texts import refusal
from stator_core.expressions.document import INVALID_PATH, Document, check_parent, order

BEFORE = {
    "a": {"M": {"b": {"L": [{"S": "zero"}, {"S": "one"}]}, "c": {"M": {}}}},
    "d": {"M": {"x": {"S": "kept"}}},
    "s": {"S": "text"},
    "n": {"NULL": True},
}
NEW = {"S": "new"}


def test_only_the_containers_along_a_path_are_copied() -> None:
    before = copy.deepcopy(BEFORE)
    document = Document(before)

    document.write(("a", "b", 0), NEW)
    document.write(("a", "y"), NEW)
    after = document.item

    assert before == BEFORE
    assert after["a"]["M"]["b"] == {"L": [NEW, {"S": "one"}]}
    assert after["a"]["M"]["y"] is NEW
    assert after["d"] is before["d"]
    assert after["a"]["M"]["c"] is before["a"]["M"]["c"]


def test_a_container_is_copied_once_per_document() -> None:
    document = Document(BEFORE)
    document.write(("a", "x"), NEW)
    first = document.item["a"]["M"]
    document.write(("a", "y"), NEW)

    assert document.item["a"]["M"] is first


def test_a_write_at_or_past_the_end_of_a_list_appends() -> None:
    document = Document(BEFORE)
    document.write(("a", "b", 2), NEW)
    document.write(("a", "b", 9), {"S": "last"})

    assert document.item["a"]["M"]["b"]["L"] == [{"S": "zero"}, {"S": "one"}, NEW, {"S": "last"}]


def test_removals_take_out_members_and_elements() -> None:
    before = copy.deepcopy(BEFORE)
    document = Document(before)
    document.remove(("a", "b", 0))
    document.remove(("a", "c"))
    document.remove(("s",))

    assert before == BEFORE
    assert document.item["a"] == {"M": {"b": {"L": [{"S": "one"}]}}}
    assert "s" not in document.item


@pytest.mark.parametrize(
    "path",
    [("x", "y"), ("s", "y"), ("s", 0), ("a", 0), ("a", "b", "y"), ("n", "y"), ("n", 0),
     ("a", "b", 2, "y"), ("a", "z", "y"), ("x", 0)],
)  # fmt: skip
def test_a_path_without_its_parent_is_invalid(path) -> None:
    assert refusal(Document(BEFORE).write, path, NEW) == INVALID_PATH
    assert refusal(check_parent, BEFORE, path) == INVALID_PATH


def test_a_parent_of_the_right_kind_is_enough() -> None:
    for path in [("x",), ("a", "z"), ("a", "b", 7), ("a", "c", "y")]:
        check_parent(BEFORE, path)


def test_paths_order_by_elements_and_indexes_by_number() -> None:
    paths = [("l", 10), ("l", 2, "x"), ("l", 2, "a"), ("a", "z"), ("a",)]

    assert sorted(paths, key=order) == [
        ("a",), ("a", "z"), ("l", 2, "a"), ("l", 2, "x"), ("l", 10),
    ]  # fmt: skip
