"""A ConditionExpression is asked of the item as it is; if it is false, nothing is written.

Comparisons, BETWEEN, IN, the six functions and how AND, OR and NOT join them: what each says of
stored values of every type, and which conditions are refused whatever is stored.
AWS: Developer Guide, Condition and filter expressions, operators, and functions.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import FAILED_CONDITION, ItemTable, enveloped, invalid

ITEM: dict[str, Any] = {
    "s": {"S": "hello"},
    "n": {"N": "5"},
    "b": {"B": b"\x00\x01\xff"},
    "t": {"BOOL": True},
    "z": {"NULL": True},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "bs": {"BS": [b"x", b"y"]},
    "l": {"L": [{"N": "1"}, {"S": "two"}, {"L": [{"N": "3"}]}, {"SS": ["a", "b"]}]},
    "m": {"M": {"x": {"N": "1"}, "y": {"SS": ["a", "b"]}, "deep": {"M": {"k": {"S": "v"}}}}},
    "five": {"N": "5.0"},
    "jo": {"S": "jo"},
    "uni": {"S": "é\U0001d11e"},
}


@pytest.fixture(scope="module")
def key(table: ItemTable) -> dict[str, Any]:
    """The key of one item that no test changes."""
    return table.stored(**ITEM)


def holds(table: ItemTable, key: dict[str, Any], condition: str, values: dict[str, Any]) -> bool:
    """Whether the item meets the condition: an update that changes nothing is allowed."""
    try:
        table.call("UpdateItem", Key=key, ConditionExpression=condition, **_values(values))
    except table.client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def refusal(table: ItemTable, condition: str, values: dict[str, Any] | None = None) -> str:
    """How the condition is refused by itself: there is no item to ask."""
    return table.refusal(
        "DeleteItem",
        Key=table.new_key(),
        ConditionExpression=condition,
        **_values(values or {}),
    )


def _values(values: dict[str, Any]) -> dict[str, Any]:
    if not values:
        return {}
    return {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}}


def string(text: str) -> dict[str, str]:
    return {"S": text}


def number(value: str) -> dict[str, str]:
    return {"N": value}


# ----------------------------------------------------------------------------------- comparisons


@pytest.mark.parametrize(
    "attribute, equal, different",
    [
        ("s", {"S": "hello"}, {"S": "hellO"}),
        ("n", {"N": "5.00"}, {"S": "5"}),
        ("b", {"B": b"\x00\x01\xff"}, {"B": b"\x00\x01"}),
        ("t", {"BOOL": True}, {"BOOL": False}),
        ("z", {"NULL": True}, {"BOOL": True}),
        ("ss", {"SS": ["b", "a"]}, {"SS": ["a"]}),
        ("ns", {"NS": ["2.0", "1"]}, {"SS": ["1", "2"]}),
        ("bs", {"BS": [b"y", b"x"]}, {"BS": [b"x", b"z"]}),
        ("l", {"L": [*ITEM["l"]["L"][:3], {"SS": ["b", "a"]}]}, {"L": ITEM["l"]["L"][:3]}),
        (
            "m",
            {"M": ITEM["m"]["M"] | {"y": {"SS": ["b", "a"]}}},
            {"M": ITEM["m"]["M"] | {"x": {"N": "2"}}},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_equality_is_deep_typed_and_blind_to_the_order_of_sets(
    table, key, attribute, equal, different
):
    assert holds(table, key, f"{attribute} = :v", {"v": equal})
    assert not holds(table, key, f"{attribute} <> :v", {"v": equal})
    assert not holds(table, key, f"{attribute} = :v", {"v": different})
    assert holds(table, key, f"{attribute} <> :v", {"v": different})


def test_lists_are_ordered(table, key):
    assert not holds(table, key, "l = :v", {"v": {"L": ITEM["l"]["L"][::-1]}})


def test_two_attributes_are_compared_with_each_other(table, key):
    assert holds(table, key, "n = five", {})
    assert holds(table, key, "n >= five AND NOT n < five", {})
    assert holds(table, key, "m.y = l[3]", {})


def test_a_missing_attribute_is_unequal_to_everything_even_to_another_missing_one(table, key):
    value = {"v": number("1")}

    assert holds(table, key, "gone <> :v", value)
    assert holds(table, key, "gone <> absent", {})
    assert not holds(table, key, "gone = absent", {})
    for operator in ("=", "<", "<=", ">", ">="):
        assert not holds(table, key, f"gone {operator} :v", value)
        assert not holds(table, key, f":v {operator} gone", value)


@pytest.mark.parametrize(
    "attribute, less, same, more",
    [
        ("s", string("hell"), string("hello"), string("hello!")),
        ("n", number("4.9"), number("5"), number("10")),
        ("b", {"B": b"\x00\x01"}, {"B": b"\x00\x01\xff"}, {"B": b"\x01"}),
        ("uni", string("e\uffff"), string("é\U0001d11e"), string("\ufffe")),
    ],
    ids=["string", "number", "binary by unsigned bytes", "text by its UTF-8 bytes"],
)
def test_strings_numbers_and_binary_are_ordered(table, key, attribute, less, same, more):
    answers = {
        operator: [
            holds(table, key, f"{attribute} {operator} :v", {"v": value})
            for value in (less, same, more)
        ]
        for operator in ("<", "<=", ">", ">=")
    }

    assert answers == {
        "<": [False, False, True],
        "<=": [False, True, True],
        ">": [True, False, False],
        ">=": [True, True, False],
    }


def test_text_is_ordered_by_bytes_and_not_by_utf_16(table):
    """U+FFFE sorts after U+1D11E in UTF-16, before it in UTF-8."""
    key = table.stored(high={"S": "\U0001d11e"})

    assert holds(table, key, "high > :v", {"v": string("\ufffe")})


def test_a_stored_value_of_another_type_is_neither_less_nor_more(table, key):
    for operator in ("<", "<=", ">", ">="):
        assert not holds(table, key, f"n {operator} :v", {"v": string("5")})
        assert not holds(table, key, f"t {operator} :v", {"v": number("1")})


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
@pytest.mark.parametrize(
    "value, kind",
    [
        ({"BOOL": True}, "BOOL"),
        ({"NULL": True}, "NULL"),
        ({"SS": ["a"]}, "SS"),
        ({"L": []}, "L"),
        ({"M": {}}, "M"),
    ],
    ids=["BOOL", "NULL", "SS", "L", "M"],
)
def test_values_without_an_order_are_refused(table, operator, value, kind):
    assert refusal(table, f"a {operator} :v", {"v": value}) == enveloped(
        "Invalid ConditionExpression: Incorrect operand type for operator or function; operator "
        f"or function: {operator}, operand type: {kind}"
    )


# --------------------------------------------------------------------------------- BETWEEN and IN


def test_between_includes_its_bounds(table, key):
    assert holds(table, key, "n BETWEEN :l AND :h", {"l": number("5"), "h": number("6")})
    assert holds(table, key, "n BETWEEN :l AND :h", {"l": number("4"), "h": number("5")})
    assert holds(table, key, "s between :l and :h", {"l": string("h"), "h": string("i")})
    assert not holds(table, key, "n BETWEEN :l AND :h", {"l": number("6"), "h": number("7")})


def test_between_is_false_where_stored_values_do_not_fit(table, key):
    assert not holds(table, key, "s BETWEEN :l AND :h", {"l": number("1"), "h": number("9")})
    assert not holds(table, key, "n BETWEEN s AND :h", {"h": number("9")})
    assert not holds(table, key, "gone BETWEEN n AND five", {})
    assert holds(table, key, ":v BETWEEN m.x AND n", {"v": number("3")})


def test_between_refuses_bounds_of_two_types(table):
    values = {"l": string("a"), "h": number("1")}

    assert refusal(table, "a BETWEEN :l AND :h", values) == enveloped(
        "Invalid ConditionExpression: The BETWEEN operator requires same data type for lower and "
        "upper bounds; lower bound operand: AttributeValue: {S:a}, upper bound operand: "
        "AttributeValue: {N:1}"
    )


def test_between_refuses_bounds_in_the_wrong_order(table):
    values = {"l": string("b"), "h": string("a")}

    assert refusal(table, "a BETWEEN :l AND :h", values) == enveloped(
        "Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than "
        "or equal to lower bound; lower bound operand: AttributeValue: {S:b}, upper bound operand: "
        "AttributeValue: {S:a}"
    )


def test_between_refuses_values_without_an_order(table):
    values = {"l": {"BOOL": True}, "h": {"BOOL": True}}

    assert refusal(table, "a BETWEEN :l AND :h", values) == enveloped(
        "Invalid ConditionExpression: Incorrect operand type for operator or function; operator "
        "or function: BETWEEN, operand type: BOOL"
    )


def test_in_compares_as_equality_does(table, key):
    assert holds(table, key, "n IN (:a, :b)", {"a": string("5"), "b": number("5.0")})
    assert holds(table, key, "ss in (:a)", {"a": {"SS": ["b", "a"]}})
    assert holds(table, key, "n IN (s, five)", {})
    assert not holds(table, key, "n IN (:a)", {"a": string("5")})
    assert not holds(table, key, "gone IN (:a)", {"a": number("1")})


def test_in_takes_a_hundred_operands(table, key):
    values = {f"v{i}": number(str(i)) for i in range(100)}
    operands = ", ".join(f":{name}" for name in values)

    assert holds(table, key, f"n IN ({operands})", values)


def test_in_refuses_more_than_a_hundred_operands(table):
    """(unconfirmed wording)"""
    values = {f"v{i}": number(str(i)) for i in range(101)}
    operands = ", ".join(f":{name}" for name in values)

    assert refusal(table, f"a IN ({operands})", values) == enveloped(
        "Invalid ConditionExpression: The IN operator is provided with too many operands; number "
        "of operands: 101"
    )


# ------------------------------------------------------------------------------------- functions


@pytest.mark.parametrize("path", ["s", "z", "m.deep.k", "l[2][0]", "l[3]"])
def test_an_attribute_exists_even_if_it_is_null(table, key, path):
    assert holds(table, key, f"attribute_exists({path})", {})
    assert not holds(table, key, f"attribute_not_exists({path})", {})


@pytest.mark.parametrize("path", ["gone", "m.gone", "l[4]", "l[2][1]", "s.a", "n[0]", "m[0]"])
def test_what_a_path_does_not_reach_does_not_exist(table, key, path):
    assert holds(table, key, f"attribute_not_exists({path})", {})
    assert not holds(table, key, f"attribute_exists({path})", {})


@pytest.mark.parametrize("function", ["attribute_exists", "attribute_not_exists"])
def test_existence_is_asked_of_paths_only(table, function):
    assert refusal(table, f"{function}(:v)", {"v": string("a")}) == enveloped(
        "Invalid ConditionExpression: Operator or function requires a document path; operator or "
        f"function: {function}"
    )


@pytest.mark.parametrize(
    "attribute, kind",
    [
        ("s", "S"),
        ("n", "N"),
        ("b", "B"),
        ("t", "BOOL"),
        ("z", "NULL"),
        ("ss", "SS"),
        ("ns", "NS"),
        ("bs", "BS"),
        ("l", "L"),
        ("m", "M"),
    ],
)
def test_attribute_type_knows_every_type(table, key, attribute, kind):
    other = "S" if kind != "S" else "N"

    assert holds(table, key, f"attribute_type({attribute}, :t)", {"t": string(kind)})
    assert not holds(table, key, f"attribute_type({attribute}, :t)", {"t": string(other)})
    assert not holds(table, key, "attribute_type(gone, :t)", {"t": string(kind)})


def test_attribute_type_refuses_a_type_that_does_not_exist(table):
    assert refusal(table, "attribute_type(a, :t)", {"t": string("STRING")}) == enveloped(
        "Invalid ConditionExpression: Invalid attribute type name found; type: STRING, valid "
        "types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
    )


@pytest.mark.parametrize(
    "condition, values, kind",
    [
        pytest.param("attribute_type(a, :t)", {"t": number("1")}, "N", id="a number"),
        pytest.param("begins_with(a, :t)", {"t": number("1")}, "N", id="begins_with a number"),
        pytest.param("begins_with(a, :t)", {"t": {"SS": ["a"]}}, "SS", id="begins_with a set"),
        pytest.param("begins_with(:t, a)", {"t": number("1")}, "N", id="a number begins_with"),
        pytest.param("size(:t) > :t", {"t": number("1")}, "N", id="size of a number"),
        pytest.param("size(:t) > :t", {"t": {"BOOL": True}}, "BOOL", id="size of a boolean"),
    ],
)
def test_functions_refuse_values_that_they_cannot_use(table, condition, values, kind):
    function = condition.split("(")[0]

    assert refusal(table, condition, values) == enveloped(
        "Invalid ConditionExpression: Incorrect operand type for operator or function; operator "
        f"or function: {function}, operand type: {kind}"
    )


def test_begins_with_looks_at_strings_and_binary(table, key):
    assert holds(table, key, "begins_with(s, :p)", {"p": string("hel")})
    assert holds(table, key, "begins_with(s, :p)", {"p": string("")})
    assert holds(table, key, "begins_with(b, :p)", {"p": {"B": b"\x00"}})
    assert not holds(table, key, "begins_with(s, :p)", {"p": string("ello")})
    assert not holds(table, key, "begins_with(b, :p)", {"p": string("\x00")})
    assert not holds(table, key, "begins_with(n, :p)", {"p": string("5")})
    assert not holds(table, key, "begins_with(gone, :p)", {"p": string("5")})
    assert not holds(table, key, "begins_with(s, n)", {})


@pytest.mark.parametrize(
    "condition, values, answer",
    [
        ("contains(s, :v)", {"v": string("ell")}, True),
        ("contains(s, :v)", {"v": string("elo")}, False),
        ("contains(b, :v)", {"v": {"B": b"\x01\xff"}}, True),
        ("contains(ss, :v)", {"v": string("a")}, True),
        ("contains(ss, :v)", {"v": string("ab")}, False),
        ("contains(ns, :v)", {"v": number("1.0")}, True),
        ("contains(ns, :v)", {"v": string("1")}, False),
        ("contains(bs, :v)", {"v": {"B": b"x"}}, True),
        ("contains(l, :v)", {"v": number("1")}, True),
        ("contains(l, :v)", {"v": {"L": [{"N": "3"}]}}, True),
        ("contains(l, :v)", {"v": {"SS": ["b", "a"]}}, True),
        ("contains(l, :v)", {"v": number("3")}, False),
        ("contains(m, :v)", {"v": string("x")}, False),
        ("contains(n, :v)", {"v": number("5")}, False),
        ("contains(gone, :v)", {"v": string("x")}, False),
        ("contains(:v, jo)", {"v": string("mojo")}, True),
        ("contains(s, gone)", {}, False),
    ],
)
def test_contains_finds_parts_and_elements(table, key, condition, values, answer):
    assert holds(table, key, condition, values) is answer


@pytest.mark.parametrize(
    "attribute, size",
    [("s", 5), ("b", 3), ("ss", 2), ("ns", 2), ("bs", 2), ("l", 4), ("m", 3), ("m.deep", 1)],
)
def test_size_counts_what_a_value_is_made_of(table, key, attribute, size):
    assert holds(table, key, f"size({attribute}) = :n", {"n": number(str(size))})
    assert holds(table, key, f":n < size({attribute})", {"n": number(str(size - 1))})


def test_size_of_text_counts_utf_16_units(table, key):
    """One for é, two for a character outside the first 65,536."""
    assert holds(table, key, "size(uni) = :n", {"n": number("3")})


@pytest.mark.parametrize("attribute", ["n", "t", "z", "gone"])
def test_what_has_no_size_meets_no_condition_about_it(table, key, attribute):
    for operator in ("=", "<", ">"):
        assert not holds(table, key, f"size({attribute}) {operator} :n", {"n": number("1")})


def test_sizes_stand_in_between_and_in(table, key):
    values = {"a": number("4"), "b": number("6")}

    assert holds(table, key, "size(s) BETWEEN :a AND :b", values)
    assert holds(table, key, "n IN (:a, size(s), :b)", values)


# --------------------------------------------------------------------------------- joining words


@pytest.mark.parametrize(
    "condition, answer",
    [
        ("n = :five OR n = :no AND n = :no", True),
        ("(n = :five OR n = :no) AND n = :no", False),
        ("NOT n = :no AND n = :five", True),
        ("NOT n = :five OR n = :no", False),
        ("NOT (n = :five OR n = :no)", False),
        ("not not n = :five and n <> :no", True),
        ("(n = :five) AND n <> :no", True),
    ],
)
def test_not_binds_closer_than_and_and_and_than_or(table, key, condition, answer):
    values = {"five": number("5"), "no": number("0")}

    assert holds(table, key, condition, values) is answer


def test_a_condition_of_an_absent_item_finds_no_attribute(table):
    key = table.new_key()

    table.put(key, ConditionExpression="attribute_not_exists(pk)")

    assert table.refusal("PutItem", Item=key, ConditionExpression="attribute_not_exists(pk)") == (
        FAILED_CONDITION
    )


# ------------------------------------------------------------------------- what is no condition


@pytest.mark.parametrize(
    "condition, text",
    [
        pytest.param("a", 'Syntax error; token: "<EOF>", near: "a"', id="a bare operand"),
        pytest.param("a = ", 'Syntax error; token: "<EOF>", near: "="', id="half a comparison"),
        pytest.param("a = 1", 'Syntax error; token: "1", near: "= 1"', id="a literal"),
        pytest.param('a = "x"', 'Syntax error; token: """, near: "= "x"', id="a quoted text"),
        pytest.param("a + b = c", 'Syntax error; token: "+", near: "a + b"', id="arithmetic"),
        pytest.param("a == b", 'Syntax error; token: "=", near: "== b"', id="another ="),
        pytest.param("a != b", 'Syntax error; token: "!", near: "a !="', id="another <>"),
        pytest.param("a IN ()", 'Syntax error; token: ")", near: "()"', id="an empty IN"),
        pytest.param(
            "a IN b", 'Syntax error; token: "b", near: "IN b"', id="IN without parentheses"
        ),
        pytest.param("(a = b", 'Syntax error; token: "<EOF>", near: "b"', id="an open parenthesis"),
        pytest.param(
            "((a = b))", "The expression has redundant parentheses;", id="double parentheses"
        ),
        pytest.param(
            "size(a)",
            "The function is not allowed to be used this way in an expression; function: size",
            id="a size that is not compared",
        ),
        pytest.param(
            "attribute_exists(a) = b",
            "The function is not allowed to be used this way in an expression; function: "
            "attribute_exists",
            id="existence that is compared",
        ),
        pytest.param(
            "if_not_exists(a, b) = c",
            "The function is not allowed in a condition expression; function: if_not_exists",
            id="a function of updates (unconfirmed)",
        ),
        pytest.param("exists(a)", "Invalid function name; function: exists", id="unknown function"),
        pytest.param(
            "ATTRIBUTE_EXISTS(a)",
            "Invalid function name; function: ATTRIBUTE_EXISTS",
            id="functions are case-sensitive",
        ),
        pytest.param(
            "attribute_exists(a, b)",
            "Incorrect number of operands for operator or function; operator or function: "
            "attribute_exists, number of operands: 2",
            id="too many operands",
        ),
        pytest.param(
            "begins_with(a)",
            "Incorrect number of operands for operator or function; operator or function: "
            "begins_with, number of operands: 1",
            id="too few operands",
        ),
        pytest.param(
            "a = a",
            "The first operand must be distinct from the remaining operands for this operator or "
            "function; operator: =, first operand: [a]",
            id="a path compared with itself",
        ),
        pytest.param(
            "contains(a.b[1], a.b[1])",
            "The first operand must be distinct from the remaining operands for this operator or "
            "function; operator: contains, first operand: [a, b, [1]]",
            id="a path that contains itself",
        ),
        pytest.param(
            "a BETWEEN b AND a",
            "The first operand must be distinct from the remaining operands for this operator or "
            "function; operator: BETWEEN, first operand: [a]",
            id="a path between itself",
        ),
        pytest.param(
            "a IN (b, a)",
            "The first operand must be distinct from the remaining operands for this operator or "
            "function; operator: IN, first operand: [a]",
            id="a path in itself",
        ),
    ],
)
def test_what_is_no_condition_is_refused_before_anything_is_read(table, condition, text):
    assert refusal(table, condition) == enveloped("Invalid ConditionExpression: " + text)


def test_keys_have_no_inside(table):
    assert refusal(table, "attribute_exists(pk.a)") == invalid(
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
        "allowed: Key: pk"
    )


# ------------------------------------------------------------------------------- when it is false


def test_a_false_condition_tells_only_that(table):
    key = table.stored(a=number("1"))

    answer = table.send("DeleteItem", Key=key, ConditionExpression="attribute_not_exists(a)")

    assert answer.status == 400
    assert answer.body == {
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
    }


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "DeleteItem"])
def test_a_false_condition_returns_the_item_if_asked(table, operation):
    key = table.stored(a=number("1"))
    members = {
        "ConditionExpression": "attribute_not_exists(a)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "Item" if operation == "PutItem" else "Key": key,
    }

    answer = table.send(operation, **members)

    assert answer.error == "ConditionalCheckFailedException"
    assert answer.body["Item"] == key | {"a": number("1")}
    assert (
        "Item"
        not in table.send(
            operation, **members | {"ReturnValuesOnConditionCheckFailure": "NONE"}
        ).body
    )


def test_there_is_no_item_to_return_where_there_was_none(table):
    answer = table.send(
        "DeleteItem",
        Key=table.new_key(),
        ConditionExpression="attribute_exists(a)",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )

    assert answer.error == "ConditionalCheckFailedException"
    assert "Item" not in answer.body
