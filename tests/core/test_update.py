"""Updates applied to items.

Sources: AWS Developer Guide, "Using update expressions in DynamoDB"; what happens to lists, to
missing parents and to absent items as it was captured on DynamoDB.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from expression_texts import (
    any_text,
    items,
    outcome,
    refusal,
    substitutions,
    token_text,
    update_texts,
)
from stator_core.errors import ValidationException
from stator_core.expressions.document import INVALID_PATH
from stator_core.expressions.substitutions import Layer, Substitutions
from stator_core.expressions.update import MISSING_ATTRIBUTE, Update, compile_update
from stator_core.expressions.update_values import INCORRECT_TYPE, TOO_DEEP
from stator_core.item import Item

KEY: Item = {"pk": {"S": "k"}}


def numbers(*values: int) -> dict[str, Any]:
    return {"L": [{"N": str(value)} for value in values]}


def update(text: str, **values: Any) -> Update:
    given = {f":{name}": value for name, value in values.items()}
    return compile_update(text, substitutions(values=given or None))


def applied(text: str, before: Item | None, **values: Any) -> Item | None:
    """The attributes after, without the key; `before` must stay as it was."""
    given = None if before is None else {**KEY, **before}
    original = copy.deepcopy(given)
    after = update(text, **values).apply(given, KEY)
    assert given == original
    if after is None:
        return None
    assert after["pk"] == KEY["pk"]
    return {name: value for name, value in after.items() if name != "pk"}


def refused(text: str, before: Item | None, **values: Any) -> str:
    return refusal(lambda: applied(text, before, **values))


ONE, TWO = {"N": "1"}, {"N": "2"}


@pytest.mark.parametrize(
    "text, before, expected",
    [
        ("SET a = :v", {}, {"a": ONE}),
        ("SET a = :v", {"a": {"S": "x"}, "b": TWO}, {"a": ONE, "b": TWO}),
        ("SET a = b", {"b": TWO}, {"a": TWO, "b": TWO}),
        ("SET a = b, b = a", {"a": ONE, "b": TWO}, {"a": TWO, "b": ONE}),
        ("SET a = a + :v", {"a": {"N": "41"}}, {"a": {"N": "42"}}),
        ("SET a = :v - a", {"a": {"N": "41"}}, {"a": {"N": "-40"}}),
        ("SET a = b + :v, b = a + :v", {"a": ONE, "b": ONE}, {"a": TWO, "b": TWO}),
        ("SET a = if_not_exists(a, :v)", {}, {"a": ONE}),
        ("SET a = if_not_exists(a, :v)", {"a": {"NULL": True}}, {"a": {"NULL": True}}),
        ("SET a = if_not_exists(a, :v) + :v", {}, {"a": TWO}),
        ("SET a = if_not_exists(b, c)", {"c": TWO}, {"a": TWO, "c": TWO}),
        ("SET a = if_not_exists(b, c)", {"b": ONE}, {"a": ONE, "b": ONE}),
        ("SET a.x = :v", {"a": {"M": {"y": TWO}}}, {"a": {"M": {"y": TWO, "x": ONE}}}),
        ("SET a[1] = :v", {"a": numbers(5, 6)}, {"a": numbers(5, 1)}),
        ("SET a[9] = :v", {"a": numbers(5)}, {"a": numbers(5, 1)}),
        ("SET a[0] = :v", {"a": {"L": []}}, {"a": numbers(1)}),
        ("REMOVE a", {"a": ONE, "b": TWO}, {"b": TWO}),
        ("REMOVE a", {"b": TWO}, {"b": TWO}),
        ("REMOVE a.x, b", {"a": {"M": {"x": ONE}}}, {"a": {"M": {}}}),
        ("REMOVE a[0], a[1]", {"a": numbers(5, 6, 7)}, {"a": numbers(7)}),
        ("REMOVE a[1], a[0], a[9]", {"a": numbers(5, 6)}, {"a": {"L": []}}),
        ("ADD a :v", {}, {"a": ONE}),
        ("ADD a :v", {"a": {"N": "-1"}}, {"a": {"N": "0"}}),
        ("ADD a.x :v", {"a": {"M": {}}}, {"a": {"M": {"x": ONE}}}),
        ("ADD a[5] :v", {"a": numbers(7)}, {"a": numbers(7, 1)}),
    ],
)
def test_an_update_makes_of_an_item(text, before, expected) -> None:
    assert applied(text, before, v=ONE) == expected


def test_sets_grow_and_shrink_and_are_never_left_empty() -> None:
    ab = {"SS": ["a", "b"]}

    assert applied("ADD s :v", {}, v=ab) == {"s": ab}
    assert applied("ADD s :v", {"s": {"SS": ["b", "c"]}}, v=ab) == {"s": {"SS": ["a", "b", "c"]}}
    assert applied("DELETE s :v", {"s": {"SS": ["b", "c"]}}, v=ab) == {"s": {"SS": ["c"]}}
    assert applied("DELETE s :v", {"s": ab}, v=ab) == {}
    assert applied("DELETE s :v", {}, v=ab) == {}
    assert applied("DELETE l[0] :v", {"l": {"L": [ab, ONE]}}, v=ab) == {"l": {"L": [ONE]}}
    assert applied("DELETE l[7] :v", {"l": {"L": [ONE]}}, v=ab) == {"l": {"L": [ONE]}}


def test_lists_are_appended_in_either_order() -> None:
    assert applied("SET a = list_append(a, :v)", {"a": numbers(1)}, v=numbers(2)) == {
        "a": numbers(1, 2)
    }
    assert applied("SET a = list_append(:v, a)", {"a": numbers(1)}, v=numbers(2)) == {
        "a": numbers(2, 1)
    }
    assert applied("SET a = list_append(if_not_exists(a, :v), :v)", {}, v=numbers(2)) == {
        "a": numbers(2, 2)
    }


@pytest.mark.parametrize(
    "text, before, expected",
    [
        # Positions are those of the list before, whatever the order of clauses.
        ("REMOVE l[1] SET l[3] = :v", [2, 3, 4, 5, 6, 7], [2, 4, 1, 6, 7]),
        ("SET l[3] = :v REMOVE l[1]", [2, 3, 4, 5, 6, 7], [2, 4, 1, 6, 7]),
        # Appends land in index order without gaps.
        ("SET l[9] = :v, l[5] = :w", [8], [8, 2, 1]),
        ("SET l[9] = :v REMOVE l[0]", [8, 9], [9, 1]),
        ("SET l[9] = :v ADD l[4] :w", [8], [8, 2, 1]),
        # What the list did not reach stays out of reach of the other clauses.
        ("SET l[2] = :v REMOVE l[3]", [8], [8, 1]),
        ("SET l[1] = :v REMOVE l[5]", [8], [8, 1]),
    ],
)
def test_list_positions_mean_what_they_meant_before(text, before, expected) -> None:
    after = applied(text, {"l": numbers(*before)}, v=ONE, w=TWO)

    assert after == {"l": numbers(*expected)}


def test_delete_does_not_see_an_element_that_is_just_being_appended() -> None:
    both = {"SS": ["a"]}

    assert applied("SET l[1] = :v DELETE l[2] :w", {"l": numbers(8)}, v=both, w=both) == {
        "l": {"L": [{"N": "8"}, both]}
    }


@pytest.mark.parametrize(
    "text",
    ["SET a.b = :v", "SET a[0] = :v", "SET s.b = :v", "SET s[0] = :v", "SET l.x = :v",
     "SET m[0] = :v", "SET l[5].x = :v", "SET n.x = :v", "REMOVE a.b", "REMOVE s.x", "REMOVE l.x",
     "REMOVE m[0]", "REMOVE l[5].x", "ADD a.b :v", "ADD l[3].x :v", "SET l[1] = :v, l[2].x = :v"],
)  # fmt: skip
def test_a_path_without_its_parent_is_invalid(text) -> None:
    before = {
        "s": {"S": "x"}, "l": numbers(1), "m": {"M": {}}, "n": {"NULL": True},
    }  # fmt: skip

    assert refused(text, before, v=ONE) == INVALID_PATH


def test_delete_below_a_missing_parent_is_invalid_too() -> None:
    assert refused("DELETE a.b :v", {"a": {"S": "x"}}, v={"SS": ["a"]}) == INVALID_PATH


@pytest.mark.parametrize("text", ["SET a = b", "SET a = b + :v", "SET a = list_append(b, c)"])
def test_an_operand_must_exist(text) -> None:
    assert refused(text, {"c": numbers(1)}, v=ONE) == MISSING_ATTRIBUTE


@pytest.mark.parametrize(
    "text",
    ["SET a = s + :v", "SET a = :v - l", "SET a = list_append(s, l)", "ADD s :v",
     "SET a = if_not_exists(s, :v) + :v"],
)  # fmt: skip
def test_a_stored_operand_must_have_the_right_type(text) -> None:
    assert refused(text, {"s": {"S": "x"}, "l": numbers(1)}, v=ONE) == INCORRECT_TYPE


def test_a_type_that_add_cannot_work_on_is_reported_before_all_else() -> None:
    assert refused("SET x.y = :v, a = b ADD s :v", {"s": {"S": "x"}}, v=ONE) == INCORRECT_TYPE


def test_a_sum_beyond_38_digits_is_refused() -> None:
    assert "Number overflow" in refused("SET a = a + :v", {"a": {"N": "1" + "0" * 40}}, v=ONE)


def test_an_absent_item_is_made_unless_the_update_only_takes_away() -> None:
    assert applied("SET a = :v", None, v=ONE) == {"a": ONE}
    assert applied("ADD a :v", None, v=ONE) == {"a": ONE}
    assert applied("SET a = :v REMOVE b.c", None, v=ONE) == {"a": ONE}
    assert applied("REMOVE a", None) is None
    assert applied("REMOVE a.b", None) is None
    assert applied("DELETE a :v", None, v={"SS": ["a"]}) is None
    assert refused("SET a.b = :v", None, v=ONE) == INVALID_PATH
    assert refused("SET a = pk", None, v=ONE) == MISSING_ATTRIBUTE


def test_the_item_before_is_shared_where_no_path_went_through() -> None:
    before = {**KEY, "a": {"M": {"x": {"M": {}}, "y": {"M": {}}}}, "b": {"M": {}}}
    after = update("SET a.x.z = :v", v=ONE).apply(before, KEY)

    assert after is not None
    assert after["b"] is before["b"]
    assert after["a"]["M"]["y"] is before["a"]["M"]["y"]
    assert "z" not in before["a"]["M"]["x"]["M"]


def test_an_update_may_be_applied_again() -> None:
    increment = update("SET n = n + :v ADD s :s", v=ONE, s={"SS": ["x"]})

    for start in ("1", "5"):
        after = increment.apply({**KEY, "n": {"N": start}, "s": {"SS": ["a"]}}, KEY)
        assert after is not None
        assert (after["n"], after["s"]) == ({"N": str(int(start) + 1)}, {"SS": ["a", "x"]})


def test_a_value_may_not_be_written_too_deep() -> None:
    value: dict[str, Any] = {"S": "leaf"}
    for _ in range(31):
        value = {"L": [value]}

    assert applied("SET a = :v", {}, v=value) == {"a": value}
    assert refused("SET m.a = :v", {"m": {"M": {}}}, v=value) == TOO_DEEP


def test_keys_may_not_be_updated() -> None:
    for text in (
        "SET pk = :v",
        "REMOVE pk",
        "ADD pk :v",
        "SET pk.x = :v",
        "SET a = :v, pk[0] = :v",
    ):
        assert refusal(update(text, v=ONE).check_keys, ("pk", "sk")) == (
            "One or more parameter values were invalid: "
            "Cannot update attribute pk. This attribute is part of the key"
        )
    update("SET a = pk", v=ONE).check_keys(("pk",))


def test_an_update_knows_the_attributes_it_reaches_into() -> None:
    assert update("SET a = b.c + :v, d[0] = e REMOVE f.g", v=ONE).nested_names == {"b", "d", "f"}


BEFORE: Item = {
    **KEY,
    "a": {"M": {"x": {"S": "old"}, "y": {"S": "kept"}}},
    "l": numbers(0, 1, 2, 3),
    "n": {"N": "5"},
}


@pytest.mark.parametrize(
    "text, old, new",
    [
        ("SET n = :v", {"n": {"N": "5"}}, {"n": ONE}),
        ("SET z = :v", {}, {"z": ONE}),
        ("REMOVE n", {"n": {"N": "5"}}, {}),
        ("SET a.x = :v", {"a": {"M": {"x": {"S": "old"}}}}, {"a": {"M": {"x": ONE}}}),
        (
            "SET a.z = :v REMOVE a.x",
            {"a": {"M": {"x": {"S": "old"}}}},
            {"a": {"M": {"z": ONE}}},
        ),
        ("SET l[1] = :v, l[3] = :v", {"l": numbers(1, 3)}, {"l": numbers(1, 1)}),
        # An element appended past the end is not looked for where it went.
        ("SET l[7] = :w", {}, {}),
        ("SET l[4] = :w", {}, {"l": numbers(2)}),
        # What has moved up to a removed index is there.
        ("REMOVE l[0]", {"l": numbers(0)}, {"l": numbers(1)}),
        ("REMOVE l[3]", {"l": numbers(3)}, {}),
        ("REMOVE l[1], l[9]", {"l": numbers(1)}, {"l": numbers(2)}),
    ],
)
def test_updated_old_and_new_are_the_named_parts(text, old, new) -> None:
    """The list cases are DynamoDB's own oddities, seen there by Alternator's authors."""
    made = update(text, v=ONE, w=TWO)
    after = made.apply(BEFORE, KEY)

    assert after is not None
    assert made.updated(BEFORE) == old
    assert made.updated(after) == new


def test_an_absent_item_has_nothing_old() -> None:
    made = update("SET n = :v", v=ONE)
    after = made.apply(None, KEY)

    assert after is not None
    assert made.updated(None) == {}
    assert made.updated(after) == {"n": ONE}


def test_a_repeated_text_is_checked_against_the_values_of_each_request() -> None:
    text = "ADD #n :v"
    compile_update(text, Substitutions({"#n": "n"}, {":v": ONE}))

    assert "operand type: STRING" in refusal(
        compile_update, text, Substitutions({"#n": "n"}, {":v": {"S": "x"}})
    )
    assert "attribute value: :v" in refusal(compile_update, text, Substitutions({"#n": "n"}, {}))
    assert "attribute name: #n" in refusal(compile_update, text, Substitutions({}, {":v": ONE}))


def test_use_of_placeholders_is_noted() -> None:
    given = Substitutions({"#n": "n", "#m": "m"}, {":v": ONE})
    compile_update("SET #n.#m = :v", given)

    given.check_all_used(Layer.NEW)


@given(any_text | token_text)
def test_whatever_the_text_the_answer_is_an_update_or_a_validation_exception(text) -> None:
    made, message = outcome(compile_update, text, substitutions())

    assert made is not None or message.startswith("Invalid UpdateExpression: ")


@given(update_texts, items)
def test_whatever_the_item_it_is_updated_or_refused_and_never_changed(text, attributes) -> None:
    before = {**KEY, **attributes}
    original = copy.deepcopy(before)
    try:
        made = compile_update(text, substitutions())
        made.request_charge()
        after = made.apply(before, KEY)
    except ValidationException:
        assert before == original
        return
    assert before == original
    assert after is not None
    assert made.apply(before, KEY) == after
    assert made.updated(before).keys() <= before.keys()
    assert made.updated(after).keys() <= after.keys()
