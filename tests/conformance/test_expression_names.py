"""What all expressions share: names, placeholders, blanks, limits, and how mistakes are quoted.

Shown on the expressions of UpdateItem, DeleteItem and GetItem; the texts differ only in the name of
the parameter. AWS: Developer Guide, Expression attribute names, and Reserved words.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import FAILED_CONDITION, ItemTable, enveloped, invalid

EXPRESSION_BYTES_MAX = 4096
OPERATORS_MAX = 300
PATH_ELEMENTS_MAX = 32


def condition_refusal(table: ItemTable, condition: str, **members: Any) -> str:
    """How DeleteItem of an absent item answers this condition."""
    return table.refusal(
        "DeleteItem", Key=table.new_key(), ConditionExpression=condition, **members
    )


def projection_refusal(table: ItemTable, projection: str, **members: Any) -> str:
    return table.refusal("GetItem", Key=table.new_key(), ProjectionExpression=projection, **members)


# -------------------------------------------------------------------------------- names and paths


@pytest.mark.parametrize(
    "path", ["a", "Z9", "a_b1", "a . b", "a [ 0 ] . b", "a\t.\n b", "a[0][1].#c", "a.#_1"]
)
def test_paths_have_names_indexes_and_blanks(table, path):
    names = {"#c": "c"} if "#c" in path else {"#_1": "d"} if "#_1" in path else {}
    members = {"ExpressionAttributeNames": names} if names else {}

    assert condition_refusal(table, f"attribute_exists({path})", **members) == FAILED_CONDITION


@pytest.mark.parametrize(
    "path, token, near",
    [
        pytest.param("_a", "_", ",_a", id="an underscore first"),
        pytest.param("1a", "1", ",1a", id="a digit first"),
        pytest.param("a-b", "-", "a-b", id="a hyphen"),
        pytest.param("a.1", "1", ".1", id="a digit after a dot"),
        pytest.param("l[00]", "0", "00]", id="an index of two zeros"),
        pytest.param("a[1.0]", ".", "1.0", id="a fraction"),
        pytest.param("é", "é", ",é", id="a letter of another alphabet"),
        pytest.param("a\u00a0", "\u00a0", "a\u00a0", id="a no-break space"),
    ],
)
def test_other_names_need_a_placeholder(table, path, token, near):
    """The window goes from the token before the offending one to the one after."""
    assert projection_refusal(table, f"a.b,{path}") == invalid(
        f'Invalid ProjectionExpression: Syntax error; token: "{token}", near: "{near}"'
    )


@pytest.mark.parametrize(
    "condition, token, near",
    [
        ("a = b c = d", "c", "b c ="),
        ("a  =  = b", "=", "=  = b"),
        ("= b", "=", "= b"),
        ("a = b AND", "<EOF>", "AND"),
        ("l[00] = a", "0", "00]"),
        ("a = @b", "@", "= @b"),
        ("   ", "<EOF>", "   "),
        ("attribute_exists(", "<EOF>", "("),
        ("attribute_exists(a) x y", "x", ") x y"),
        ("attribute_exists(a,)", ")", ",)"),
        ("attribute_exists a", "a", "attribute_exists a"),
        ("a BETWEEN b", "<EOF>", "b"),
        ("a BETWEEN b OR c", "OR", "b OR c"),
        ("a = b)", ")", "b)"),
        ("a.", "<EOF>", "."),
        ("a[", "<EOF>", "["),
        ("a[1 = b", "=", "1 = b"),
        ("a[x] = b", "x", "[x]"),
        ("NOT", "<EOF>", "NOT"),
        ("AND a = b", "AND", "AND a"),
        ("a IN b", "b", "IN b"),
        ("a ! b", "!", "a ! b"),
    ],
)
def test_a_syntax_error_quotes_the_token_and_its_neighbours(table, condition, token, near):
    assert condition_refusal(table, condition) == enveloped(
        f'Invalid ConditionExpression: Syntax error; token: "{token}", near: "{near}"'
    )


@pytest.mark.parametrize(
    "update, token, near",
    [
        ("SET", "<EOF>", "SET"),
        ("SET a = b x", "x", "b x"),
        ("SET a b", "b", "a b"),
        ("ADD a", "<EOF>", "a"),
        ("REMOVE a b", "b", "a b"),
        ("SET l[007] = a", "0", "007"),
        ("REMOVE l[01]", "1", "01]"),
        ("SOME OTHER WORDS", "SOME", "SOME OTHER"),
    ],
)
def test_a_syntax_error_of_an_update_does_so_too(table, update, token, near):
    refusal = table.refusal("UpdateItem", Key=table.new_key(), UpdateExpression=update)

    assert refusal == enveloped(
        f'Invalid UpdateExpression: Syntax error; token: "{token}", near: "{near}"'
    )


@pytest.mark.parametrize("word", ["name", "Name", "NAME", "status", "aBort", "zone"])
def test_reserved_words_are_reserved_in_any_case(table, word):
    assert condition_refusal(table, f"attribute_exists(a.{word})") == enveloped(
        "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: "
        + word
    )


def test_a_placeholder_may_stand_for_a_reserved_word_or_any_text(table):
    key = table.stored(**{"name": {"N": "1"}, "with space": {"N": "2"}, "ключ": {"N": "3"}})

    item = table.get(
        key,
        ProjectionExpression="#n, #s, #k",
        ExpressionAttributeNames={"#n": "name", "#s": "with space", "#k": "ключ"},
    )

    assert item == {"name": {"N": "1"}, "with space": {"N": "2"}, "ключ": {"N": "3"}}


def test_a_dot_behind_a_placeholder_is_part_of_the_name(table):
    key = table.stored(**{"a": {"M": {"b": {"N": "1"}}}, "a.b": {"N": "2"}})

    item = table.get(key, ProjectionExpression="#p", ExpressionAttributeNames={"#p": "a.b"})

    assert item == {"a.b": {"N": "2"}}


def test_keywords_are_understood_in_any_case(table):
    key = table.stored(n={"N": "1"})

    table.update(
        key,
        "sEt m = :v",
        ConditionExpression="nOt n iN (:v) aNd n bEtWeEn :l And :v oR attribute_exists(x)",
        ExpressionAttributeValues={":v": {"N": "2"}, ":l": {"N": "0"}},
    )

    assert table.attributes(key) == {"n": {"N": "1"}, "m": {"N": "2"}}


# ----------------------------------------------------------------------------------- placeholders


def test_an_undefined_name_is_named(table):
    assert condition_refusal(table, "a = #b") == enveloped(
        "Invalid ConditionExpression: An expression attribute name used in the document path is "
        "not defined; attribute name: #b"
    )


def test_an_undefined_value_is_named(table):
    assert condition_refusal(table, "a = :b") == enveloped(
        "Invalid ConditionExpression: An expression attribute value used in expression is not "
        "defined; attribute value: :b"
    )
    refusal = table.refusal("UpdateItem", Key=table.new_key(), UpdateExpression="SET a = :b")
    assert refusal == enveloped(
        "Invalid UpdateExpression: An expression attribute value used in expression is not "
        "defined; attribute value: :b"
    )


@pytest.mark.parametrize(
    "member, given, text",
    [
        pytest.param(
            "ExpressionAttributeNames",
            {},
            "ExpressionAttributeNames must not be empty",
            id="no names",
        ),
        pytest.param(
            "ExpressionAttributeValues",
            {},
            "ExpressionAttributeValues must not be empty",
            id="no values",
        ),
        pytest.param(
            "ExpressionAttributeNames",
            {"#b": "b"},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}",
            id="an unused name",
        ),
        pytest.param(
            "ExpressionAttributeValues",
            {":b": {"N": "1"}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}",
            id="an unused value",
        ),
        pytest.param(
            "ExpressionAttributeNames",
            {"#b": ""},
            "ExpressionAttributeNames contains invalid value: Empty attribute name for key #b",
            id="an empty name",
        ),
    ],
)
def test_maps_of_placeholders_are_refused_in_the_envelope(table, member, given, text):
    members = {"Key": table.new_key(), "ConditionExpression": "a = b", member: given}

    assert table.sent_refusal("DeleteItem", **members) == enveloped(text)


@pytest.mark.parametrize(
    "operation, told",
    [("UpdateItem", enveloped), ("GetItem", invalid), ("Scan", invalid)],
)
def test_an_empty_name_is_refused_before_the_lack_of_an_expression(table, operation, told):
    members = {} if operation == "Scan" else {"Key": table.new_key()}
    refusal = table.refusal(operation, ExpressionAttributeNames={"#b": ""}, **members)

    assert refusal == told(
        "ExpressionAttributeNames contains invalid value: Empty attribute name for key #b"
    )


@pytest.mark.parametrize(
    "member, placeholder, text",
    [
        ("ExpressionAttributeNames", "b", invalid),
        ("ExpressionAttributeNames", ":b", invalid),
        ("ExpressionAttributeNames", "#", enveloped),
        ("ExpressionAttributeNames", "#a.b", enveloped),
        ("ExpressionAttributeNames", "#a b", enveloped),
        ("ExpressionAttributeNames", "#é", enveloped),
        ("ExpressionAttributeValues", "b", invalid),
        ("ExpressionAttributeValues", "#b", invalid),
        ("ExpressionAttributeValues", ":b-c", enveloped),
    ],
)
def test_a_placeholder_must_look_like_one(table, member, placeholder, text):
    """Without its sign it is refused bare, otherwise in the envelope."""
    value = "b" if member == "ExpressionAttributeNames" else {"N": "1"}
    members = {"Key": table.new_key(), "ConditionExpression": "a = b", member: {placeholder: value}}

    assert table.sent_refusal("DeleteItem", **members) == text(
        f'{member} contains invalid key: Syntax error; key: "{placeholder}"'
    )


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "DeleteItem"])
@pytest.mark.parametrize(
    "member, given",
    [
        ("ExpressionAttributeNames", {"#a": "a"}),
        ("ExpressionAttributeValues", {":a": {"N": "1"}}),
    ],
)
def test_placeholders_need_an_expression(table, operation, member, given):
    key = "Item" if operation == "PutItem" else "Key"

    refusal = table.refusal(operation, **{key: table.new_key(), member: given})

    assert refusal == enveloped(f"{member} can only be specified when using expressions")


def test_names_need_an_expression_in_reads_too(table):
    refusal = table.refusal("GetItem", Key=table.new_key(), ExpressionAttributeNames={"#a": "a"})

    assert refusal == invalid(
        "ExpressionAttributeNames can only be specified when using expressions"
    )


@pytest.mark.parametrize(
    "value, text",
    [
        pytest.param(
            {"SS": []},
            "ExpressionAttributeValues contains invalid value: One or more parameter values were "
            "invalid: An string set  may not be empty for key :v",
            id="an empty set keeps the name of its placeholder",
        ),
        pytest.param(
            {"N": "x"},
            "The parameter cannot be converted to a numeric value: x",
            id="a number loses it",
        ),
        pytest.param(
            {"SS": ["a", "a"]},
            'One or more parameter values were invalid: Input collection ["a", "a"] contains '
            "duplicates.",
            id="duplicates lose it",
        ),
    ],
)
def test_a_refused_value_may_lose_the_name_of_its_placeholder(table, value, text):
    refusal = table.sent_refusal(
        "DeleteItem",
        Key=table.new_key(),
        ConditionExpression="a = :v",
        ExpressionAttributeValues={":v": value},
    )

    assert refusal == enveloped(text)


def test_an_empty_value_names_its_placeholder_and_stays_bare(table):
    refusal = table.sent_refusal(
        "DeleteItem",
        Key=table.new_key(),
        ConditionExpression="a = :v",
        ExpressionAttributeValues={":v": {}},
    )

    assert refusal == invalid(
        "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must "
        "contain exactly one of the supported datatypes for key :v"
    )


@pytest.mark.parametrize(
    "value, text",
    [
        pytest.param(
            {"NULL": "false"},
            "One or more parameter values were invalid: Null attribute value types must have the "
            "value of true",
            id="a NULL written as a string",
        ),
        pytest.param(
            {"S": "a", "N": "x"},
            "The parameter cannot be converted to a numeric value: x",
            id="two types, one of them unreadable",
        ),
        pytest.param(
            {"S": "a", "BS": []},
            "One or more parameter values were invalid: Binary sets should not be empty",
            id="two types, one of them an empty set",
        ),
        pytest.param(
            {"S": "a", "N": "1"},
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
            "the supported datatypes",
            id="two types",
        ),
    ],
)
@pytest.mark.parametrize("operation", ["UpdateItem", "DeleteItem"])
def test_the_old_layer_names_the_placeholder_and_stays_bare(table, operation, value, text):
    """A boolean written as a string, or two types, hand the whole request to it."""
    refusal = table.sent_refusal(
        operation,
        Key=table.new_key(),
        ConditionExpression="a = :v",
        ExpressionAttributeValues={":v": value},
    )

    assert refusal == invalid(
        f"ExpressionAttributeValues contains invalid value: {text} for key :v"
    )


# ----------------------------------------------------------------------------------------- limits


def test_an_expression_has_4096_bytes_at_most(table):
    longest = "attribute_exists(a" + " " * (EXPRESSION_BYTES_MAX - 19) + ")"
    assert len(longest) == EXPRESSION_BYTES_MAX

    assert condition_refusal(table, longest) == FAILED_CONDITION
    assert condition_refusal(table, longest + " ") == enveloped(
        "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size;"
    )


@pytest.mark.parametrize(
    "operation, member, text",
    [
        ("UpdateItem", "UpdateExpression", enveloped),
        ("UpdateItem", "ConditionExpression", enveloped),
        ("GetItem", "ProjectionExpression", invalid),
    ],
)
def test_every_expression_has_the_same_limit(table, operation, member, text):
    members = {member: "a" * (EXPRESSION_BYTES_MAX + 1)}

    assert table.refusal(operation, Key=table.new_key(), **members) == text(
        f"Invalid {member}: Expression size has exceeded the maximum allowed size;"
    )


def test_an_expression_has_300_operators_at_most(table):
    """Comparisons, joining words and NOT count one each."""

    def conditions(*last: str) -> str:
        return " OR ".join(["a = b"] * 149 + list(last))

    assert condition_refusal(table, conditions("NOT a <> b")) == FAILED_CONDITION
    assert condition_refusal(table, conditions("a = b", "a = b")) == enveloped(
        "Invalid ConditionExpression: The expression contains too many operators; operator count: "
        "301"
    )


def test_a_path_has_32_elements_at_most(table):
    def path(elements: int) -> str:
        return "a" + ".b" * (elements - 1)

    assert condition_refusal(table, f"attribute_exists({path(PATH_ELEMENTS_MAX)})") == (
        FAILED_CONDITION
    )
    assert condition_refusal(
        table, f"attribute_exists({path(PATH_ELEMENTS_MAX + 1)})"
    ) == enveloped(
        "Invalid ConditionExpression: The document path has too many nesting levels; nesting "
        "levels: 33"
    )


@pytest.mark.parametrize(
    "sign, member, tail",
    [
        ("#", "ExpressionAttributeNames", " size of key: 256"),
        (":", "ExpressionAttributeValues", ""),
    ],
    ids=["name", "value"],
)
def test_placeholders_have_255_bytes_at_most(table, sign, member, tail):
    """(unconfirmed wording)"""

    def refusal(size: int) -> str:
        placeholder = sign + "n" * (size - 1)
        value = "b" if sign == "#" else {"N": "1"}
        return condition_refusal(table, f"a = {placeholder}", **{member: {placeholder: value}})

    assert refusal(255) == FAILED_CONDITION
    assert refusal(256) == enveloped(
        f"{member} contains invalid key: The expression attribute map contains a key that is too "
        f"long;{tail}"
    )


def test_deep_nesting_of_parentheses_is_refused_and_harms_nobody(table):
    hostile = "(" * 2000 + "a = b" + ")" * 2000

    assert condition_refusal(table, hostile) == enveloped(
        "Invalid ConditionExpression: The expression has redundant parentheses;"
    )
