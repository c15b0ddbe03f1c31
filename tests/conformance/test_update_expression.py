"""An UpdateExpression says what changes, and every clause reads the item as it was before.

SET, REMOVE, ADD and DELETE, each once, in any order: the grammar, what each does to documents,
lists and sets, and what is refused. AWS: Developer Guide, Update expressions.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import ItemTable, enveloped, invalid

BAD_PATH = invalid("The document path provided in the update expression is invalid for update")
BAD_OPERAND = invalid("An operand in the update expression has an incorrect data type")
NO_ATTRIBUTE = invalid(
    "The provided expression refers to an attribute that does not exist in the item"
)
TOO_MANY_DIGITS = invalid(
    "Number overflow. Attempting to store a number with magnitude larger than supported range"
)


def number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def numbers(*values: int) -> dict[str, Any]:
    return {"L": [number(value) for value in values]}


def update(
    table: ItemTable, before: dict[str, Any], expression: str, values: dict[str, Any]
) -> dict[str, Any] | None:
    """What the attributes are once an item with `before` has been updated."""
    key = table.stored(**before)
    table.update(key, expression, **_values(values))
    return table.attributes(key)


def refusal(
    table: ItemTable, before: dict[str, Any], expression: str, values: dict[str, Any] | None = None
) -> str:
    """How the update of an item with `before` is refused; nothing must have changed."""
    key = table.stored(**before)
    refused = table.refusal(
        "UpdateItem", Key=key, UpdateExpression=expression, **_values(values or {})
    )
    assert table.attributes(key) == before
    return refused


def _values(values: dict[str, Any]) -> dict[str, Any]:
    if not values:
        return {}
    return {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}}


# ------------------------------------------------------------------------------------------- SET


@pytest.mark.parametrize(
    "before, expression, values, after",
    [
        pytest.param({}, "SET a = :v", {"v": {"S": "x"}}, {"a": {"S": "x"}}, id="a value"),
        pytest.param(
            {"b": numbers(1)}, "SET a = b", {}, {"a": numbers(1), "b": numbers(1)}, id="a path"
        ),
        pytest.param(
            {"a": number(1), "b": number(2)},
            "SET a = b, b = a",
            {},
            {"a": number(2), "b": number(1)},
            id="right sides read the item before, so two attributes swap",
        ),
        pytest.param(
            {"a": number(5)}, "SET a = a + :n", {"n": number(3)}, {"a": number(8)}, id="addition"
        ),
        pytest.param(
            {"a": number(5)},
            "SET a = :n - a",
            {"n": number(3)},
            {"a": number(-2)},
            id="subtraction",
        ),
        pytest.param(
            {"a": number(5)},
            "SET a = (a - :n)",
            {"n": number(3)},
            {"a": number(2)},
            id="arithmetic in parentheses",
        ),
        pytest.param(
            {"a": {"N": "0.1"}},
            "SET a = a + :n",
            {"n": {"N": "0.2"}},
            {"a": {"N": "0.3"}},
            id="arithmetic is decimal and exact",
        ),
        pytest.param(
            {"a": number(5)},
            "SET a = if_not_exists(a, :z) + if_not_exists(b, :n)",
            {"z": number(0), "n": number(3)},
            {"a": number(8)},
            id="a sum of two functions",
        ),
        pytest.param(
            {},
            "SET a = if_not_exists(a, :v)",
            {"v": number(1)},
            {"a": number(1)},
            id="if_not_exists of a missing attribute",
        ),
        pytest.param(
            {"a": {"BOOL": False}},
            "SET a = if_not_exists(a, :v)",
            {"v": number(1)},
            {"a": {"BOOL": False}},
            id="if_not_exists of an attribute of any type",
        ),
        pytest.param(
            {"c": {"S": "x"}},
            "SET a = if_not_exists(a, if_not_exists(b, c))",
            {},
            {"a": {"S": "x"}, "c": {"S": "x"}},
            id="if_not_exists nests",
        ),
        pytest.param(
            {"l": numbers(1)},
            "SET l = list_append(l, :v)",
            {"v": numbers(2)},
            {"l": numbers(1, 2)},
            id="list_append at the end",
        ),
        pytest.param(
            {"l": numbers(1)},
            "SET l = list_append(:v, l)",
            {"v": numbers(2)},
            {"l": numbers(2, 1)},
            id="list_append at the beginning",
        ),
        pytest.param(
            {},
            "SET l = list_append(if_not_exists(l, :e), :v)",
            {"e": numbers(), "v": numbers(2)},
            {"l": numbers(2)},
            id="list_append to a list that may not be there",
        ),
        pytest.param(
            {"m": {"M": {"a": number(1)}}},
            "SET m.b = :v, m.a = :v",
            {"v": number(2)},
            {"m": {"M": {"a": number(2), "b": number(2)}}},
            id="into a map",
        ),
        pytest.param(
            {"l": numbers(1, 2)},
            "SET l[1] = :v",
            {"v": number(9)},
            {"l": numbers(1, 9)},
            id="an element of a list",
        ),
        pytest.param(
            {"l": numbers(1)},
            "SET l[7] = :b, l[3] = :a",
            {"a": number(2), "b": number(3)},
            {"l": numbers(1, 2, 3)},
            id="past the end appends without gaps, in the order of the indexes",
        ),
        pytest.param(
            {"l": {"L": [{"M": {"a": number(1)}}]}},
            "SET l[0].a = l[0].a + :v",
            {"v": number(1)},
            {"l": {"L": [{"M": {"a": number(2)}}]}},
            id="a map in a list",
        ),
    ],
)
def test_set_assigns(table, before, expression, values, after):
    assert update(table, before, expression, values) == after


@pytest.mark.parametrize(
    "before, expression, values, expected",
    [
        pytest.param({}, "SET a = b", {}, NO_ATTRIBUTE, id="a path that is not there"),
        pytest.param({}, "SET a = a + :n", {"n": number(1)}, NO_ATTRIBUTE, id="a missing summand"),
        pytest.param(
            {"a": {"S": "1"}}, "SET a = a + :n", {"n": number(1)}, BAD_OPERAND, id="a stored S in +"
        ),
        pytest.param(
            {"a": number(1)},
            "SET a = list_append(a, :v)",
            {"v": numbers(1)},
            BAD_OPERAND,
            id="a stored N in list_append",
        ),
        pytest.param({}, "SET a.b = :v", {"v": number(1)}, BAD_PATH, id="a missing parent"),
        pytest.param(
            {"a": number(1)}, "SET a.b = :v", {"v": number(1)}, BAD_PATH, id="a parent of type N"
        ),
        pytest.param(
            {"a": {"M": {}}}, "SET a[0] = :v", {"v": number(1)}, BAD_PATH, id="an index into a map"
        ),
        pytest.param(
            {"a": numbers()}, "SET a.b = :v", {"v": number(1)}, BAD_PATH, id="a name into a list"
        ),
        pytest.param(
            {"a": {"NULL": True}},
            "SET a.b = :v",
            {"v": number(1)},
            BAD_PATH,
            id="a step through NULL",
        ),
        pytest.param(
            {"a": numbers(1)},
            "SET a[1].b = :v",
            {"v": number(1)},
            BAD_PATH,
            id="a step past a list's end",
        ),
        pytest.param(
            {"a": {"N": "1" + "0" * 50}},
            "SET a = a + :n",
            {"n": number(1)},
            TOO_MANY_DIGITS,
            id="a sum of more than 38 digits",
        ),
        pytest.param(
            {"a": {"N": "9" + "0" * 125}},
            "SET a = a + :n",
            {"n": {"N": "9e125"}},
            TOO_MANY_DIGITS,
            id="a sum above the largest number",
        ),
    ],
)
def test_set_is_refused_where_the_item_does_not_fit(table, before, expression, values, expected):
    assert refusal(table, before, expression, values) == expected


@pytest.mark.parametrize(
    "expression, values, text",
    [
        pytest.param(
            "SET a = :s + :n",
            {"s": {"S": "x"}, "n": number(1)},
            "Incorrect operand type for operator or function; operator or function: +, operand "
            "type: S",
            id="a string in an addition",
        ),
        pytest.param(
            "SET a = a - :l",
            {"l": numbers()},
            "Incorrect operand type for operator or function; operator or function: -, operand "
            "type: L",
            id="a list in a subtraction",
        ),
        pytest.param(
            "SET a = list_append(a, :n)",
            {"n": number(1)},
            "Incorrect operand type for operator or function; operator or function: list_append, "
            "operand type: N",
            id="a number in list_append",
        ),
        pytest.param(
            "SET a = if_not_exists(:n, :n)",
            {"n": number(1)},
            "Operator or function requires a document path; operator or function: if_not_exists",
            id="a value where if_not_exists wants a path",
        ),
        pytest.param(
            "SET a = if_not_exists(a)",
            {},
            "Incorrect number of operands for operator or function; operator or function: "
            "if_not_exists, number of operands: 1",
            id="an operand too few",
        ),
        pytest.param(
            "SET a = list_append(a, list_append(b, c))",
            {},
            "The function is not allowed to be used this way in an expression; function: "
            "list_append",
            id="list_append in list_append",
        ),
        pytest.param(
            "SET a = nonsense(a)",
            {},
            "Invalid function name; function: nonsense",
            id="an unknown function",
        ),
        pytest.param(
            "SET a = IF_NOT_EXISTS(a, b)",
            {},
            "Invalid function name; function: IF_NOT_EXISTS",
            id="functions are case-sensitive",
        ),
        pytest.param(
            "SET a = size(b)",
            {},
            "The function is not allowed in an update expression; function: size",
            id="a function of conditions (unconfirmed)",
        ),
        pytest.param(
            "SET a = b + c + d",
            {},
            'Syntax error; token: "+", near: "c + d"',
            id="one plus or minus only",
        ),
        pytest.param(
            "SET a = if_not_exists(a, b + c)",
            {},
            'Syntax error; token: "+", near: "b + c"',
            id="no arithmetic inside a function",
        ),
        pytest.param("SET a = 1", {}, 'Syntax error; token: "1", near: "= 1"', id="no literals"),
        pytest.param("SET a", {}, 'Syntax error; token: "<EOF>", near: "a"', id="no assignment"),
        pytest.param("a = b", {}, 'Syntax error; token: "a", near: "a ="', id="no clause"),
    ],
)
def test_set_is_refused_where_it_is_wrong_by_itself(table, expression, values, text):
    expected = enveloped("Invalid UpdateExpression: " + text)

    assert refusal(table, {}, expression, values) == expected


# ---------------------------------------------------------------------------------------- REMOVE


@pytest.mark.parametrize(
    "before, expression, after",
    [
        pytest.param({"a": number(1), "b": number(2)}, "REMOVE a", {"b": number(2)}, id="one"),
        pytest.param({"b": number(2)}, "REMOVE a, b", {}, id="a missing one is ignored"),
        pytest.param(
            {"m": {"M": {"a": number(1)}}}, "REMOVE m.a", {"m": {"M": {}}}, id="maps may be empty"
        ),
        pytest.param({"l": numbers(1)}, "REMOVE l[0]", {"l": numbers()}, id="lists may be empty"),
        pytest.param({"m": {"M": {}}}, "REMOVE m.a", {"m": {"M": {}}}, id="a missing leaf"),
        pytest.param(
            {"l": numbers(1, 2, 3)},
            "REMOVE l[0], l[1]",
            {"l": numbers(3)},
            id="positions are those before the update",
        ),
        pytest.param({"l": numbers(1)}, "REMOVE l[5]", {"l": numbers(1)}, id="past the end"),
        pytest.param(
            {"l": numbers(2, 3, 4, 5, 6, 7)},
            "REMOVE l[1] SET l[3] = :v",
            {"l": numbers(2, 4, 17, 6, 7)},
            id="REMOVE and SET in one list, REMOVE first",
        ),
        pytest.param(
            {"l": numbers(2, 3, 4, 5, 6, 7)},
            "SET l[3] = :v REMOVE l[1]",
            {"l": numbers(2, 4, 17, 6, 7)},
            id="REMOVE and SET in one list, SET first",
        ),
        pytest.param(
            {"l": numbers(1)},
            "REMOVE l[9] SET l[8] = :v",
            {"l": numbers(1, 17)},
            id="a REMOVE past the end leaves the appended element alone",
        ),
    ],
)
def test_remove_takes_away(table, before, expression, after):
    values = {"v": number(17)} if ":v" in expression else {}

    assert update(table, before, expression, values) == after


@pytest.mark.parametrize(
    "before, expression",
    [
        pytest.param({}, "REMOVE a.b", id="a missing parent"),
        pytest.param({"a": number(1)}, "REMOVE a.b", id="a parent of another type"),
        pytest.param({"a": {"NULL": True}}, "REMOVE a.b", id="a step through NULL"),
        pytest.param({"a": numbers(1)}, "REMOVE a[1].b", id="a step past a list's end"),
        pytest.param({"a": {"M": {}}}, "REMOVE a[0]", id="an index into a map"),
    ],
)
def test_remove_needs_the_parents_of_its_path(table, before, expression):
    assert refusal(table, before, expression) == BAD_PATH


# -------------------------------------------------------------------------------- ADD and DELETE


@pytest.mark.parametrize(
    "before, value, after",
    [
        pytest.param({"a": number(1)}, number(2), {"a": number(3)}, id="a number"),
        pytest.param({}, number(2), {"a": number(2)}, id="a number to nothing"),
        pytest.param({"a": number(1)}, number(-1), {"a": number(0)}, id="down to zero"),
        pytest.param(
            {"a": {"SS": ["x"]}}, {"SS": ["y", "x"]}, {"a": {"SS": ["x", "y"]}}, id="a union"
        ),
        pytest.param({}, {"NS": ["2", "1"]}, {"a": {"NS": ["1", "2"]}}, id="a set to nothing"),
        pytest.param(
            {"a": {"NS": ["1"]}},
            {"NS": ["1.0", "2"]},
            {"a": {"NS": ["1", "2"]}},
            id="numbers are the same by value",
        ),
        pytest.param(
            {"a": {"BS": [b"x"]}}, {"BS": [b"a"]}, {"a": {"BS": [b"a", b"x"]}}, id="binary"
        ),
    ],
)
def test_add_adds_numbers_and_unites_sets(table, before, value, after):
    assert update(table, before, "ADD a :v", {"v": value}) == after


def test_add_reaches_into_documents(table):
    """AWS documents top-level attributes only; nested ones work."""
    before = {"m": {"M": {"l": numbers(1)}}}

    after = update(table, before, "ADD m.l[0] :v, m.n :v", {"v": number(2)})

    assert after == {"m": {"M": {"l": numbers(3), "n": number(2)}}}


@pytest.mark.parametrize(
    "before, value, after",
    [
        pytest.param(
            {"a": {"SS": ["x", "y"]}}, {"SS": ["x", "z"]}, {"a": {"SS": ["y"]}}, id="some"
        ),
        pytest.param({"a": {"SS": ["x"]}}, {"SS": ["x"]}, {}, id="the last: no attribute is left"),
        pytest.param({}, {"SS": ["x"]}, {}, id="from a missing attribute"),
        pytest.param({"a": {"NS": ["1", "2"]}}, {"NS": ["1.0"]}, {"a": {"NS": ["2"]}}, id="N"),
    ],
)
def test_delete_takes_elements_out_of_sets(table, before, value, after):
    assert update(table, before, "DELETE a :v", {"v": value}) == after


def test_a_set_emptied_in_a_list_leaves_the_list(table):
    before = {"l": {"L": [{"SS": ["x"]}, number(1)]}}

    assert update(table, before, "DELETE l[0] :v", {"v": {"SS": ["x"]}}) == {"l": numbers(1)}


@pytest.mark.parametrize("clause", ["ADD", "DELETE"])
def test_add_and_delete_at_an_index_past_the_end_leave_an_appended_element_alone(table, clause):
    after = update(
        table,
        {"l": numbers(1)},
        f"SET l[5] = :v {clause} l[6] :s",
        {"v": number(2), "s": {"SS": ["x"]}},
    )

    added = [{"SS": ["x"]}] if clause == "ADD" else []
    assert after == {"l": {"L": [*numbers(1, 2)["L"], *added]}}


@pytest.mark.parametrize("clause", ["ADD", "DELETE"])
def test_add_and_delete_need_an_attribute_of_the_same_type(table, clause):
    before = {"a": {"SS": ["1"]}}

    assert refusal(table, before, f"{clause} a :v", {"v": {"NS": ["1"]}}) == BAD_OPERAND
    assert refusal(table, before, f"{clause} a.b :v", {"v": {"NS": ["1"]}}) == BAD_PATH


@pytest.mark.parametrize(
    "clause, value, name",
    [
        ("ADD", {"S": "x"}, "STRING"),
        ("ADD", {"B": b"x"}, "Binary"),
        ("ADD", {"BOOL": True}, "BOOL"),
        ("ADD", {"NULL": True}, "NULL"),
        ("ADD", {"L": []}, "LIST"),
        ("ADD", {"M": {}}, "MAP"),
        ("DELETE", {"N": "1"}, "NUMBER"),
        ("DELETE", {"S": "x"}, "STRING"),
        ("DELETE", {"L": []}, "LIST"),
    ],
)
def test_add_and_delete_take_only_what_they_can_use(table, clause, value, name):
    """DynamoDB names the set of types for ADD in both."""
    assert refusal(table, {}, f"{clause} a :v", {"v": value}) == enveloped(
        "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: "
        f"{clause}, operand type: {name}, typeSet: ALLOWED_FOR_ADD_OPERAND"
    )


# --------------------------------------------------------------------------------- whole clauses


def test_all_four_clauses_in_any_order_and_case(table):
    before = {"a": number(1), "b": number(2), "c": number(3), "d": {"SS": ["x", "y"]}}

    after = update(
        table,
        before,
        "delete d :x Add c :n remove b seT a = :n",
        {"x": {"SS": ["x"]}, "n": number(10)},
    )

    assert after == {"a": number(10), "c": number(13), "d": {"SS": ["y"]}}


def test_clauses_do_not_see_each_other(table):
    before = {"a": number(1), "b": number(2)}

    after = update(table, before, "REMOVE a SET c = a ADD b :n", {"n": number(1)})

    assert after == {"b": number(3), "c": number(1)}


@pytest.mark.parametrize("clause", ["SET", "REMOVE", "ADD", "DELETE"])
def test_a_clause_may_stand_once(table, clause):
    action = {"SET": "{} = :v", "REMOVE": "{}", "ADD": "{} :v", "DELETE": "{} :v"}[clause]
    expression = f"{clause} {action.format('a')} {clause} {action.format('b')}"
    values = {"v": {"SS": ["x"]}} if ":v" in expression else {}

    assert refusal(table, {}, expression, values) == enveloped(
        f'Invalid UpdateExpression: The "{clause}" section can only be used once in an update '
        "expression;"
    )


@pytest.mark.parametrize(
    "expression, one, two",
    [
        pytest.param("REMOVE a, a", "[a]", "[a]", id="the same path"),
        pytest.param("SET a = :v REMOVE a", "[a]", "[a]", id="in two clauses"),
        pytest.param("SET a = :v, a.b = :v", "[a]", "[a, b]", id="a path and one inside it"),
        pytest.param("REMOVE l[1].b, l[1]", "[l, [1], b]", "[l, [1]]", id="inside a list"),
    ],
)
def test_paths_may_not_overlap(table, expression, one, two):
    values = {"v": number(1)} if ":v" in expression else {}

    assert refusal(table, {}, expression, values) == enveloped(
        "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
        f"rewrite one of these paths; path one: {one}, path two: {two}"
    )


@pytest.mark.parametrize(
    "expression, one, two",
    [
        pytest.param("REMOVE a.b, a[1]", "[a, b]", "[a, [1]]", id="in one clause"),
        pytest.param("REMOVE a.b SET a[0] = :v", "[a, b]", "[a, [0]]", id="in two clauses"),
    ],
)
def test_a_document_is_not_a_map_and_a_list_at_once(table, expression, one, two):
    values = {"v": number(1)} if ":v" in expression else {}

    assert refusal(table, {}, expression, values) == enveloped(
        "Invalid UpdateExpression: Two document paths conflict with each other; must remove or "
        f"rewrite one of these paths; path one: {one}, path two: {two}"
    )


def test_an_update_may_not_nest_the_item_too_deep(table):
    """A value of 31 levels is legal by itself, but not below other levels."""
    deep: dict[str, Any] = {"S": "leaf"}
    for _ in range(31):
        deep = {"L": [deep]}
    key = table.stored(m={"M": {}}, deep=deep)

    assert table.refusal("UpdateItem", Key=key, UpdateExpression="SET m.d = deep") == invalid(
        "Nesting Levels have exceeded supported limits"
    )
