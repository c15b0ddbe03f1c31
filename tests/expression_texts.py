"""What the tests of expressions share: substitutions in one line, refusals, and hostile texts.

`refusal` runs a compile function and returns the message it raises, so that a test reads as a table
of texts and messages. The strategies write texts of three kinds: any characters at all, tokens in
any order, and nearly well-formed expressions, which reach the checks behind the grammar.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from stator_core.errors import ValidationException
from stator_core.expressions.evaluate import Condition, compile_condition
from stator_core.expressions.substitutions import Layer, Substitutions
from stator_core.item import Item

NAMES = {"#a": "alpha", "#b": "beta", "#same": "alpha"}
VALUES: dict[str, Any] = {
    ":s": {"S": "text"},
    ":t": {"S": "S"},
    ":n": {"N": "5"},
    ":m": {"N": "7"},
    ":b": {"B": "YWI="},
    ":bool": {"BOOL": True},
    ":null": {"NULL": True},
    ":l": {"L": [{"N": "1"}]},
    ":map": {"M": {"x": {"S": "y"}}},
    ":ss": {"SS": ["a", "b"]},
    ":ns": {"NS": ["1", "2"]},
    ":bs": {"BS": ["YQ=="]},
}


def substitutions(
    names: dict[str, str] | None = None, values: dict[str, Any] | None = None
) -> Substitutions:
    """Checked substitutions of a request; NAMES and VALUES where nothing else is given."""
    body = {
        "ExpressionAttributeNames": dict(NAMES if names is None else names),
        "ExpressionAttributeValues": {
            placeholder: dict(value) for placeholder, value in (values or VALUES).items()
        },
    }
    return Substitutions.parse(body, Layer.NEW)


def condition(text: str, parameter: str = "ConditionExpression", **values: Any) -> Condition:
    """A condition with `values` by placeholder name without the colon."""
    given = {f":{name}": value for name, value in values.items()}
    return compile_condition(text, parameter, substitutions(values=given or None))


def matches(text: str, item: Item | None, **values: Any) -> bool:
    return condition(text, **values).matches(item)


def refusal(action: Callable[..., Any], *arguments: Any) -> str:
    """The message of the ValidationException that the action raises."""
    with pytest.raises(ValidationException) as caught:
        action(*arguments)
    assert caught.value.message is not None
    return caught.value.message


def outcome(action: Callable[..., Any], *arguments: Any) -> tuple[Any, str | None]:
    """What the action returns, or the message of its ValidationException; any other one passes."""
    try:
        return action(*arguments), None
    except ValidationException as error:
        return None, str(error.message)


FRAGMENTS = (
    *NAMES,
    *VALUES,
    *[
        "a",
        "b",
        "c",
        "pk",
        "remove",
        "status",
        "and",
        "OR",
        "nOt",
        "between",
        "IN",
        "set",
        "REMOVE",
        "add",
        "DELETE",
        "size",
        "contains",
    ],
    *["attribute_exists", "attribute_type", "begins_with", "if_not_exists", "list_append", "foo"],
    *[
        "(",
        ")",
        "[",
        "]",
        "[0]",
        "[1]",
        ".",
        ",",
        "=",
        "<>",
        "<",
        "<=",
        ">",
        ">=",
        "+",
        "-",
        "#",
        ":",
        "!",
        "_",
        "0",
        "1",
        "00",
        "99999999999",
        "é",
    ],
    " ",
    "\t",
    "\u00a0",
)

any_text = st.text(max_size=80)
token_text = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(" ".join)

_name = st.sampled_from(["a", "b", "c", "#a", "#b", "#same", "pk"])
_step = st.sampled_from([".a", ".#b", "[0]", "[1]", "[3]", ".c"])
paths = st.builds(lambda name, steps: name + "".join(steps), _name, st.lists(_step, max_size=3))
_values = st.sampled_from(sorted(VALUES))


def _calls(operands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from(
        ["size", "contains", "begins_with", "attribute_exists", "attribute_type"]
    )
    arguments = st.lists(operands, min_size=1, max_size=2).map(", ".join)
    return st.builds("{}({})".format, names, arguments)


_operands = st.recursive(
    paths | _values, lambda inner: _calls(inner) | inner.map("({})".format), max_leaves=3
)
_leaves = st.one_of(
    st.builds(
        "{} {} {}".format, _operands, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), _operands
    ),
    st.builds("{} BETWEEN {} AND {}".format, _operands, _operands, _operands),
    st.builds("{} IN ({}, {})".format, _operands, _operands, _operands),
    _calls(_operands),
)
condition_texts = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds("{} AND {}".format, inner, inner),
        st.builds("{} OR {}".format, inner, inner),
        inner.map("NOT {}".format),
        inner.map("({})".format),
    ),
    max_leaves=6,
)
_sides = st.recursive(
    paths | _values,
    lambda inner: st.one_of(
        st.builds("{} + {}".format, inner, inner),
        st.builds("{} - {}".format, inner, inner),
        st.builds("if_not_exists({}, {})".format, paths, inner),
        st.builds("list_append({}, {})".format, inner, inner),
        inner.map("({})".format),
    ),
    max_leaves=4,
)
_sections = st.one_of(
    st.lists(st.builds("{} = {}".format, paths, _sides), min_size=1, max_size=3).map(
        lambda actions: "SET " + ", ".join(actions)
    ),
    st.lists(paths, min_size=1, max_size=3).map(lambda actions: "REMOVE " + ", ".join(actions)),
    st.builds("ADD {} {}".format, paths, _values),
    st.builds("DELETE {} {}".format, paths, _values),
)
update_texts = st.lists(_sections, min_size=1, max_size=3).map(" ".join)
projection_texts = st.lists(paths, min_size=1, max_size=4).map(", ".join)

scalars = st.one_of(
    st.sampled_from(["", "text", "te", "é"]).map(lambda text: {"S": text}),
    st.sampled_from(["0", "1", "5", "-3.5"]).map(lambda number: {"N": number}),
    st.sampled_from(["", "YWI=", "YQ=="]).map(lambda content: {"B": content}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.just({"NULL": True}),
    st.just({"SS": ["a", "b"]}),
    st.just({"NS": ["1", "2"]}),
    st.just({"BS": ["YQ=="]}),
)
attribute_values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda elements: {"L": elements}),
        st.dictionaries(st.sampled_from(["a", "beta", "c"]), inner, max_size=3).map(
            lambda members: {"M": members}
        ),
    ),
    max_leaves=6,
)
items = st.dictionaries(
    st.sampled_from(["a", "b", "c", "alpha", "beta"]), attribute_values, max_size=5
)
