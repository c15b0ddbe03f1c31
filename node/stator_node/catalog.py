"""The catalog: which tables there are, kept in the family "meta" of the item store.

    table/NAME           the descriptor as JSON (`table.to_json`), in the item format
    deleted/IDENTIFIER   the same of a deleted table whose stream can still be read (in a cluster)
    identifiers          the next table or index identifier, 8 bytes

In: descriptors from `table_life.py`. Out: descriptors for every request (`router.py`). Invariants:
what is answered from memory is on disk; an identifier is never given twice, not even after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import orjson

from stator_core import item_format, table
from stator_core.errors import ResourceNotFoundException
from stator_core.table import Table
from stator_node.doors import ItemStore, Operation

TABLE_PREFIX = b"table/"
TABLE_END = b"table0"  # the byte after "/"
DELETED_PREFIX = b"deleted/"
DELETED_END = b"deleted0"
IDENTIFIERS_KEY = b"identifiers"
FIRST_IDENTIFIER = 1

# Data operations serve a table in these states (AWS: TableStatus).
SERVING = frozenset(("ACTIVE", "UPDATING"))


def read_descriptors(
    store: ItemStore,
) -> Iterator[tuple[str, Table | item_format.Damaged | ValueError]]:
    """Every stored table by name: its descriptor, or why there is none to be had."""
    return _read(store, TABLE_PREFIX, TABLE_END)


def _read(
    store: ItemStore, prefix: bytes, end: bytes
) -> Iterator[tuple[str, Table | item_format.Damaged | ValueError]]:
    for key, stored in store.cursor("meta", prefix, end):
        name = key[len(prefix) :].decode("utf-8", "replace")
        try:
            payload = item_format.payload_of(key, stored)
            yield name, table.from_json(orjson.loads(payload))
        except (item_format.Damaged, ValueError) as error:
            yield name, error
        except (AttributeError, KeyError, TypeError) as error:
            yield name, ValueError(f"no table descriptor: {error!r}")


class Feeds(Protocol):
    """What else follows from a descriptor: `local_streams.LocalStreams`, in one process."""

    def described(self, descriptor: Table) -> tuple[list[Operation], Callable[[], None]]:
        """What is to be stored with a descriptor, and what to call once it is."""


class Catalog:
    """All tables by name. One per process."""

    def __init__(self, store: ItemStore) -> None:
        """Read the catalog. Raises ValueError or item_format.Damaged where it cannot be trusted."""
        self._store = store
        self.feeds: Feeds | None = None
        self.tables: dict[str, Table] = {}
        self.deleted: dict[int, Table] = {}  # by identifier
        self._serving: dict[str, Table] = {}
        for _, descriptor in read_descriptors(store):
            if not isinstance(descriptor, Table):
                raise descriptor
            self._remember(descriptor)
        for _, descriptor in _read(store, DELETED_PREFIX, DELETED_END):
            if not isinstance(descriptor, Table):
                raise descriptor
            self.deleted[descriptor.identifier] = descriptor
        stored_next = store.get_from("meta", IDENTIFIERS_KEY)
        self._next = FIRST_IDENTIFIER if stored_next is None else int.from_bytes(stored_next, "big")
        for descriptor in (*self.tables.values(), *self.deleted.values()):
            # Beyond what is stored under IDENTIFIERS_KEY: keys of two tables must never mix.
            used = descriptor.identifier, *(index.identifier for index in descriptor.indexes)
            self._next = max(self._next, *(identifier + 1 for identifier in used))

    def serving(self, name: str) -> Table:
        """The table that item requests of this name or ARN reach.

        Raises ResourceNotFoundException, also for a table being created or deleted.
        """
        found = self._serving.get(name)
        if found is None:
            if name.startswith("arn:"):
                found = self._serving.get(name.rpartition("/")[2])
                if found is not None and found.arn == name:
                    return found
            raise ResourceNotFoundException("Requested resource not found")
        return found

    def identifiers(self) -> Iterator[int]:
        """Fresh identifiers, durable once the `save` that uses them returns."""
        while True:
            identifier = self._next
            self._next += 1
            yield identifier

    def save(self, descriptor: Table) -> None:
        """Make a descriptor durable and current. Raises StorageFailed.

        Synced in place: table operations are rare, and the order of states is the loop's own.
        """
        operations: list[Operation] = [
            _stored(TABLE_PREFIX + descriptor.name.encode(), descriptor),
            ("meta", IDENTIFIERS_KEY, self._next.to_bytes(8, "big")),
        ]
        if self.feeds is None:
            self._store.write(operations, sync=True)
        else:
            beside, stored = self.feeds.described(descriptor)
            self._store.write([*operations, *beside], sync=True)
            stored()
        self._remember(descriptor)

    def remove(self, name: str) -> None:
        """Forget a table durably. Its items must be gone already. Raises StorageFailed."""
        self._store.write([("meta", TABLE_PREFIX + name.encode(), None)], sync=True)
        del self.tables[name]
        self._serving.pop(name, None)

    def save_deleted(self, descriptor: Table) -> None:
        """Keep a table on record without its name, or its next state. Raises StorageFailed."""
        operations = [_stored(_deleted_key(descriptor), descriptor)]
        named = self.tables.get(descriptor.name)
        is_named = named is not None and named.identifier == descriptor.identifier
        if is_named:
            operations.append(("meta", TABLE_PREFIX + descriptor.name.encode(), None))
        self._store.write(operations, sync=True)
        self.deleted[descriptor.identifier] = descriptor
        if is_named:
            del self.tables[descriptor.name]
            self._serving.pop(descriptor.name, None)

    def remove_deleted(self, descriptor: Table) -> None:
        """Nothing of it is left anywhere. Raises StorageFailed."""
        self._store.write([("meta", _deleted_key(descriptor), None)], sync=True)
        del self.deleted[descriptor.identifier]

    @staticmethod
    def begun(
        tables: Iterable[Table], deleted: Iterable[Table], next_identifier: int
    ) -> list[Operation]:
        """What makes an empty store a catalog of these."""
        return [
            *(_stored(TABLE_PREFIX + each.name.encode(), each) for each in tables),
            *(_stored(_deleted_key(each), each) for each in deleted),
            ("meta", IDENTIFIERS_KEY, next_identifier.to_bytes(8, "big")),
        ]

    @staticmethod
    def is_begun(store: ItemStore) -> bool:
        """Whether there is a catalog in a store, or was once."""
        return store.get_from("meta", IDENTIFIERS_KEY) is not None

    def _remember(self, descriptor: Table) -> None:
        self.tables[descriptor.name] = descriptor
        if descriptor.status in SERVING:
            self._serving[descriptor.name] = descriptor
        else:
            self._serving.pop(descriptor.name, None)


def _stored(key: bytes, descriptor: Table) -> Operation:
    payload = orjson.dumps(table.to_json(descriptor))
    return "meta", key, item_format.encode(key, payload, len(payload), 0)


def _deleted_key(descriptor: Table) -> bytes:
    return DELETED_PREFIX + str(descriptor.identifier).encode()
