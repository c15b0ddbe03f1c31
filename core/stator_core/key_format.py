"""The bytes of a stored key, version 1: what orders items on disk and places them in partitions.

In: key attributes of canonical items (`item.py`). Out: keys for the column families `items` and
`indexes`, and back. Called by `keys.py`, which knows what a key is to a table; nobody else builds
or reads these bytes. Golden bytes in tests/core/test_key_format.py pin every part of the layout:
DO NOT CHANGE IT, make a version 2.

    items     an item        table u32 | hash u64 | HASH | RANGE
              global entry   index u32 | hash u64 | HASH.. | RANGE.. | table HASH | table RANGE
    indexes   local entry    table u32 | hash u64 | index u32 | HASH | index RANGE | table RANGE

Integers are big-endian. `table` and `index` are identifiers that nothing else ever had: a global
index is a hidden table. `hash` is xxh3_64 over each HASH attribute's type letter and component, so
it depends on type and value only, never on the table. A component is

    S  the UTF-8 bytes, B the bytes: 00 written as 00 FF, then the terminator 00 01
    N  the order-preserving form of `number.py`, which ends itself

but the last component is not escaped and not terminated, unless it is a HASH attribute that is
hashed: all keys of one item collection share one prefix. Invariant: keys of one
collection compare, as unsigned bytes, as their RANGE values do.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from xxhash import xxh3_64_digest

from stator_core.number import order_preserving, read_order_preserving
from stator_core.table import KeyAttribute, KeyType

VERSION: Final = 1
IDENTIFIER_BYTES: Final = 4
HASH_BYTES: Final = 8
PREFIX_BYTES: Final = IDENTIFIER_BYTES + HASH_BYTES  # table and hash: where a partition is decided
IDENTIFIER_MAX: Final = 2**32 - 2  # its successor still is a key, as the end of a table
HASH_SPACE: Final = 2**64

_TERMINATOR = b"\x00\x01"
_ESCAPED_ZERO = b"\x00\xff"
_BYTES = [bytes((each,)) for each in range(256)]


def escape(content: bytes) -> bytes:
    """The component of S or B without its terminator: what all longer values begin with, too."""
    return content.replace(b"\x00", _ESCAPED_ZERO) if b"\x00" in content else content


def _string_component(content: str) -> bytes:
    encoded = content.encode()
    if b"\x00" in encoded:
        encoded = encoded.replace(b"\x00", _ESCAPED_ZERO)
    return encoded + _TERMINATOR


def _binary_component(content: str) -> bytes:
    return escape(a2b_base64(content)) + _TERMINATOR


# By type: a component that ends itself, and the plain bytes of a last component.
COMPONENT: Final[dict[KeyType, Callable[[str], bytes]]] = {
    "S": _string_component,
    "N": order_preserving,
    "B": _binary_component,
}
LAST_COMPONENT: Final[dict[KeyType, Callable[[str], bytes]]] = {
    "S": str.encode,
    "N": order_preserving,
    "B": a2b_base64,
}
_LETTER: Final[dict[KeyType, bytes]] = {"S": b"S", "N": b"N", "B": b"B"}


def successor(prefix: bytes) -> bytes:
    """The least bytes above every key that begins with `prefix`."""
    last = prefix[-1]
    if last != 0xFF:
        return prefix[:-1] + _BYTES[last + 1]
    stripped = prefix.rstrip(b"\xff")
    assert stripped, "no key follows"
    return stripped[:-1] + bytes((stripped[-1] + 1,))


def identifier_of(key: bytes) -> int:
    """The identifier that a stored key begins with: a table's or a global index's."""
    return int.from_bytes(key[:IDENTIFIER_BYTES], "big")


def hash_of(key: bytes) -> int:
    """The place in the hash space of a stored key."""
    return int.from_bytes(key[IDENTIFIER_BYTES:PREFIX_BYTES], "big")


def local_index_of(key: bytes) -> int:
    """The identifier of the local index whose entry a key of the family `indexes` is."""
    return int.from_bytes(key[PREFIX_BYTES : PREFIX_BYTES + IDENTIFIER_BYTES], "big")


def segment_bounds(segment: int, total_segments: int) -> tuple[int, int]:
    """The hashes [start, end) of one segment of a parallel Scan.

    They follow from the two numbers alone, so a segment stays what it is while tables grow and
    partitions split. The segments tile the hash space without gap or overlap.
    """
    assert 0 <= segment < total_segments
    start = -(-segment * HASH_SPACE // total_segments)
    end = -(-(segment + 1) * HASH_SPACE // total_segments)
    return start, end


def segment_of(place: int, total_segments: int) -> int:
    """The segment that a place in the hash space belongs to."""
    return place * total_segments // HASH_SPACE


@dataclass(frozen=True, slots=True)
class Layout:
    """The keys of one table or index: which attributes stand in them, in which order.

    `identifier` opens the key. `index` is the identifier of a local index, None for the others.
    `hashed` are its HASH attributes; `ordered` what follows them, down to the tie-break.
    """

    identifier: int
    hashed: tuple[KeyAttribute, ...]
    ordered: tuple[KeyAttribute, ...]
    index: int | None = None
    # `key(item)`: the stored key of an item that has all these attributes in their types.
    key: Callable[[dict[str, Any]], bytes] = field(init=False, repr=False, compare=False)
    # `collection(values)`: what all keys with these values of the HASH attributes begin with, and
    # no others.
    collection: Callable[[Sequence[dict[str, Any]]], bytes] = field(
        init=False, repr=False, compare=False
    )
    opening: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        assert 0 <= self.identifier <= IDENTIFIER_MAX
        assert self.index is None or 0 <= self.index <= IDENTIFIER_MAX
        object.__setattr__(self, "opening", self.identifier.to_bytes(IDENTIFIER_BYTES, "big"))
        object.__setattr__(self, "key", _key_encoder(self))
        object.__setattr__(self, "collection", _collection_encoder(self))

    @property
    def index_bytes(self) -> bytes:
        """What stands between hash and HASH: a local index's identifier, else nothing."""
        return b"" if self.index is None else self.index.to_bytes(IDENTIFIER_BYTES, "big")

    def component(self, position: int, content: str) -> bytes:
        """The bytes of `ordered[position]` with this content (of its declared type)."""
        table = LAST_COMPONENT if position == len(self.ordered) - 1 else COMPONENT
        return table[self.ordered[position].type](content)

    def after(self, position: int, prefix: bytes) -> bytes:
        """The least bytes above all keys whose components down to `ordered[position]` are `prefix`.

        A last component has no end of its own: only the very same key is to be passed.
        """
        return prefix + b"\x00" if position == len(self.ordered) - 1 else successor(prefix)

    def decode(self, key: bytes) -> dict[str, Any]:
        """The key attributes that a stored key holds. Raises ValueError: it is no such key."""
        opening = self.opening
        position = PREFIX_BYTES
        if key[:IDENTIFIER_BYTES] != opening or len(key) < PREFIX_BYTES:
            raise ValueError("the key is another table's")
        if self.index is not None:
            if local_index_of(key) != self.index:
                raise ValueError("the key is another index's")
            position += IDENTIFIER_BYTES
        attributes: dict[str, Any] = {}
        last = len(self.hashed) + len(self.ordered) - 1 if self.ordered else -1
        for number, attribute in enumerate(self.hashed + self.ordered):
            if number == last and attribute.type != "N":
                content, position = _content(attribute.type, key[position:]), len(key)
            else:
                content, position = _read_component(attribute.type, key, position)
            attributes[attribute.name] = {attribute.type: content}
        if position != len(key):
            raise ValueError("bytes follow the last component")
        return attributes


def _collection_encoder(layout: Layout) -> Callable[[Sequence[dict[str, Any]]], bytes]:
    """`Layout.collection`, compiled."""
    opening, index_bytes = layout.opening, layout.index_bytes
    parts = [(each.type, COMPONENT[each.type], _LETTER[each.type]) for each in layout.hashed]
    if len(parts) == 1:
        ((kind, encode, letter),) = parts

        def of_one(values: Sequence[dict[str, Any]]) -> bytes:
            (value,) = values
            component = encode(value[kind])
            return opening + xxh3_64_digest(letter + component) + index_bytes + component

        return of_one

    def of_several(values: Sequence[dict[str, Any]]) -> bytes:
        components = []
        typed = []
        for (kind, encode, letter), value in zip(parts, values, strict=True):
            component = encode(value[kind])
            components.append(component)
            typed.append(letter + component)
        return opening + xxh3_64_digest(b"".join(typed)) + index_bytes + b"".join(components)

    return of_several


def _key_encoder(layout: Layout) -> Callable[[dict[str, Any]], bytes]:
    """`Layout.key`, compiled: this runs for every item of every request."""
    if len(layout.hashed) > 1:
        return _several_hashed_encoder(layout)
    opening, index_bytes = layout.opening, layout.index_bytes
    ((hash_name, hash_type),) = ((each.name, each.type) for each in layout.hashed)
    encode_hash = COMPONENT[hash_type]
    letter = _LETTER[hash_type]
    if len(layout.ordered) == 1 and layout.index is None:
        ((range_name, range_type),) = ((each.name, each.type) for each in layout.ordered)
        encode_range = LAST_COMPONENT[range_type]

        def hash_and_range_key(item: dict[str, Any]) -> bytes:
            component = encode_hash(item[hash_name][hash_type])
            place = xxh3_64_digest(letter + component)
            return opening + place + component + encode_range(item[range_name][range_type])

        return hash_and_range_key
    ordered = _ordered_encoders(layout)

    def key(item: dict[str, Any]) -> bytes:
        component = encode_hash(item[hash_name][hash_type])
        stored = opening + xxh3_64_digest(letter + component) + index_bytes + component
        for name, kind, encode in ordered:
            stored += encode(item[name][kind])
        return stored

    return key


def _several_hashed_encoder(layout: Layout) -> Callable[[dict[str, Any]], bytes]:
    names = [attribute.name for attribute in layout.hashed]
    ordered = _ordered_encoders(layout)
    collection = _collection_encoder(layout)

    def key(item: dict[str, Any]) -> bytes:
        stored = collection([item[name] for name in names])
        for name, kind, encode in ordered:
            stored += encode(item[name][kind])
        return stored

    return key


def _ordered_encoders(layout: Layout) -> list[tuple[str, KeyType, Callable[[str], bytes]]]:
    """Name, type and encoder of what follows the HASH attributes; the last one ends the key."""
    last = len(layout.ordered) - 1
    return [
        (each.name, each.type, (LAST_COMPONENT if at == last else COMPONENT)[each.type])
        for at, each in enumerate(layout.ordered)
    ]


def _content(kind: KeyType, raw: bytes) -> str:
    return raw.decode() if kind == "S" else b2a_base64(raw, newline=False).decode()


def _read_component(kind: KeyType, key: bytes, start: int) -> tuple[str, int]:
    """The content of the component that begins at `start`, and the position after it."""
    if kind == "N":
        return read_order_preserving(key, start)
    position = start
    while True:
        position = key.index(b"\x00", position)  # A ValueError: the terminator is missing.
        mark = key[position : position + 2]
        if mark == _TERMINATOR:
            escaped = key[start:position]
            return _content(kind, escaped.replace(_ESCAPED_ZERO, b"\x00")), position + 2
        if mark != _ESCAPED_ZERO:
            raise ValueError("a zero byte that is neither escaped nor a terminator")
        position += 2
