"""Tables for the differential test: key types, local and global indexes, projections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from differential.values import Json, bad_key_values, key_values, perhaps, perhaps_bad, values

KINDS = ("S", "N", "B")


@dataclass(frozen=True)
class IndexShape:
    """One index: (name, type) of its HASH and RANGE attributes, and its projection."""

    name: str
    hash: tuple[str, str]
    range: tuple[str, str] | None
    projection: tuple[str, ...]  # ("ALL",), ("KEYS_ONLY",) or ("INCLUDE", name, ...)
    is_global: bool

    def definition(self) -> Json:
        keys = [{"AttributeName": self.hash[0], "KeyType": "HASH"}]
        if self.range:
            keys.append({"AttributeName": self.range[0], "KeyType": "RANGE"})
        projection: Json = {"ProjectionType": self.projection[0]}
        if self.projection[1:]:
            projection["NonKeyAttributes"] = list(self.projection[1:])
        return {"IndexName": self.name, "KeySchema": keys, "Projection": projection}


@dataclass(frozen=True)
class Shape:
    """One table: the types of its keys and its indexes."""

    hash_kind: str
    range_kind: str | None
    indexes: tuple[IndexShape, ...]

    @property
    def keys(self) -> dict[str, str]:
        """Name to type of the key attributes."""
        return {"pk": self.hash_kind} | ({"sk": self.range_kind} if self.range_kind else {})

    @property
    def index_keys(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for index in self.indexes:
            for key in (index.hash, index.range):
                if key and key[0] not in self.keys:
                    found[key[0]] = key[1]
        return found

    def create_table(self, name: str) -> Json:
        schema = [{"AttributeName": "pk", "KeyType": "HASH"}]
        if self.range_kind:
            schema.append({"AttributeName": "sk", "KeyType": "RANGE"})
        definitions = (self.keys | self.index_keys).items()
        body: Json = {
            "TableName": name,
            "KeySchema": schema,
            "AttributeDefinitions": [
                {"AttributeName": key, "AttributeType": kind} for key, kind in definitions
            ],
            "BillingMode": "PAY_PER_REQUEST",
        }
        for member, is_global in (
            ("LocalSecondaryIndexes", False),
            ("GlobalSecondaryIndexes", True),
        ):
            chosen = [i.definition() for i in self.indexes if i.is_global == is_global]
            if chosen:
                body[member] = chosen
        return body


def projections() -> st.SearchStrategy[tuple[str, ...]]:
    return st.sampled_from((("ALL",), ("KEYS_ONLY",), ("INCLUDE", "a"), ("INCLUDE", "b", "m")))


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Any table; half of them have indexes."""
    hash_kind = draw(st.sampled_from(KINDS))
    range_kind = draw(st.sampled_from((None, *KINDS)))
    # An index key attribute has one type in all indexes.
    kinds = {name: draw(st.sampled_from(KINDS)) for name in ("g", "h")}
    indexes: list[IndexShape] = []
    if range_kind and draw(st.booleans()):
        chosen = draw(projections())
        indexes.append(IndexShape("local", ("pk", hash_kind), ("g", kinds["g"]), chosen, False))
    if draw(st.booleans()):
        chosen = draw(projections())
        sort = draw(st.sampled_from((None, ("h", kinds["h"]), ("pk", hash_kind))))
        indexes.append(IndexShape("global", ("g", kinds["g"]), sort, chosen, True))
    return Shape(hash_kind, range_kind, tuple(indexes))


def keys(shape: Shape) -> st.SearchStrategy[Json]:
    """A right key, sometimes a wrong one."""

    @st.composite
    def build(draw: st.DrawFn) -> Json:
        key = {name: draw(key_values(kind)) for name, kind in shape.keys.items()}
        if perhaps(draw, 40):
            key.pop(draw(st.sampled_from(sorted(key))))
        elif perhaps(draw, 40):
            key["extra"] = {"S": "a"}
        elif perhaps(draw, 40):
            name = draw(st.sampled_from(sorted(key)))
            key[name] = draw(bad_key_values(shape.keys[name]))
        return key

    return build()


def items(shape: Shape, mistakes: bool = True) -> st.SearchStrategy[Json]:
    """A whole item; with mistakes, sometimes one that is refused."""

    @st.composite
    def build(draw: st.DrawFn) -> Json:
        item: dict[str, Any] = {}
        for name, kind in shape.keys.items():
            item[name] = draw(key_values(kind))
        for name, kind in shape.index_keys.items():
            if not perhaps(draw, 4):
                item[name] = draw(key_values(kind))
        for name in draw(st.lists(st.sampled_from("abcmls"), max_size=4, unique=True)):
            item[name] = draw(perhaps_bad(values()) if mistakes else values_without_depth())
        if mistakes and perhaps(draw, 30):
            name = draw(st.sampled_from(sorted(shape.keys | shape.index_keys)))
            kind = (shape.keys | shape.index_keys)[name]
            item[name] = draw(bad_key_values(kind))
        if mistakes and perhaps(draw, 40):
            item.pop(draw(st.sampled_from(sorted(item))))
        return item

    return build()


def values_without_depth() -> st.SearchStrategy[Json]:
    """Values that every server takes: what the other requests of a test then work on."""
    from differential.values import documents, scalars, sets

    flat = st.one_of(scalars(), sets())
    return st.one_of(scalars(), flat, st.recursive(flat, documents, max_leaves=5))
