"""Tables and values that several tests of the core build: plain builders, hypothesis strategies.

Imported by tests/core as `sample_values`. Values come out in DynamoDB JSON as a client may send it;
pass them through `item.validate_value` for the canonical form.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from hypothesis import strategies as st

from stator_core.table import Index, IndexProjection, KeyAttribute, KeySchema, KeyType, Table

TABLE_IDENTIFIER = 7


def schema(hash_types: str, range_types: str = "", names: str = "hr") -> KeySchema:
    """A key schema by type letters: `schema("S", "N")` has the attributes `h` and `r`."""
    hash_name, range_name = names[: len(names) // 2], names[len(names) // 2 :]
    return KeySchema(
        _attributes(hash_name, hash_types),
        _attributes(range_name, range_types),
    )


def _attributes(name: str, types: str) -> tuple[KeyAttribute, ...]:
    kinds: dict[str, KeyType] = {"S": "S", "N": "N", "B": "B"}
    if len(types) == 1:
        return (KeyAttribute(name, kinds[types]),)
    return tuple(KeyAttribute(f"{name}{at}", kinds[kind]) for at, kind in enumerate(types))


def table(hash_type: str = "S", range_type: str = "", *indexes: Index) -> Table:
    """A table with the key `h` (and `r`), and these indexes."""
    return Table(
        name="T",
        identifier=TABLE_IDENTIFIER,
        table_id="6b1f1e43-0000-4000-8000-000000000001",
        arn="arn:aws:dynamodb:eu-west-1:000000000000:table/T",
        key_schema=schema(hash_type, range_type),
        attribute_definitions=(),
        created=0.0,
        status="ACTIVE",
        local_indexes=tuple(index for index in indexes if not index.is_global),
        global_indexes=tuple(index for index in indexes if index.is_global),
    )


def global_index(
    key_schema: KeySchema,
    projection: IndexProjection | None = None,
    *,
    name: str = "g",
    identifier: int = 20,
) -> Index:
    return Index(name, "GLOBAL", identifier, key_schema, projection or IndexProjection("ALL"))


def local_index(
    key_schema: KeySchema,
    projection: IndexProjection | None = None,
    *,
    name: str = "l",
    identifier: int = 30,
) -> Index:
    return Index(name, "LOCAL", identifier, key_schema, projection or IndexProjection("ALL"))


def base64(content: bytes) -> str:
    return b64encode(content).decode()


# Texts with what key encodings trip over: zero bytes, prefixes of each other, four-byte characters.
texts = st.one_of(
    st.text(alphabet="ab\x00\x01\xff\U0001f600", max_size=6),
    st.text(max_size=12),
)
binaries = st.one_of(
    st.lists(st.sampled_from([0, 1, 2, 254, 255]), max_size=6).map(bytes),
    st.binary(max_size=12),
)


@st.composite
def number_texts(draw: st.DrawFn) -> str:
    """A number within DynamoDB's range, written in any of the ways that DynamoDB reads."""
    digits = draw(st.text(alphabet="0123456789", min_size=1, max_size=38))
    point = draw(st.integers(0, len(digits)))
    exponent = draw(st.integers(-90, 85))
    sign = draw(st.sampled_from(["", "-", "+"]))
    mantissa = digits[:point] + draw(st.sampled_from([".", ""])) + digits[point:]
    zeros = draw(st.sampled_from(["", "0", "000"]))
    return f"{sign}{zeros}{mantissa}" + draw(st.sampled_from(["", f"e{exponent}", f"E{exponent}"]))


def key_contents(kind: str) -> st.SearchStrategy[str]:
    """The content of a key attribute of a type; not empty."""
    if kind == "S":
        return texts.filter(bool)
    if kind == "B":
        return binaries.filter(bool).map(base64)
    return number_texts()


def _distinct(elements: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(elements, min_size=1, max_size=4, unique=True)


_scalars = st.one_of(
    texts.map(lambda text: {"S": text}),
    number_texts().map(lambda text: {"N": text}),
    binaries.map(lambda content: {"B": base64(content)}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.just({"NULL": True}),
    _distinct(texts).map(lambda members: {"SS": members}),
    _distinct(st.integers(-1000, 1000).map(str)).map(lambda members: {"NS": members}),
    _distinct(binaries.map(base64)).map(lambda members: {"BS": members}),
)
values: st.SearchStrategy[dict[str, Any]] = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda members: {"L": members}),
        st.dictionaries(texts.filter(bool), inner, max_size=3).map(lambda members: {"M": members}),
    ),
    max_leaves=6,
)
items = st.dictionaries(texts.filter(bool), values, max_size=4)
