"""The catalog: which tables there are, kept in the family "meta" of the item store.

    table/NAME    the descriptor as JSON (`table.to_json`), in the item format (so with checksum)
    identifiers   the next table or index identifier, 8 bytes

In: descriptors from `table_life.py`. Out: descriptors for every request (`router.py`). Invariants:
what is answered from memory is on disk; an identifier is never given twice, not even after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import orjson

from stator_core import item_format, table
from stator_core.errors import ResourceNotFoundException
from stator_core.table import Table
from stator_node.doors import ItemStore, Operation

TABLE_PREFIX = b"table/"
TABLE_END = b"table0"  # the byte after "/"
IDENTIFIERS_KEY = b"identifiers"
FIRST_IDENTIFIER = 1

# Data operations serve a table in these states (AWS: TableStatus).
SERVING = frozenset(("ACTIVE", "UPDATING"))


def read_descriptors(
    store: ItemStore,
) -> Iterator[tuple[str, Table | item_format.Damaged | ValueError]]:
    """Every stored table by name: its descriptor, or why there is none to be had."""
    for key, stored in store.cursor("meta", TABLE_PREFIX, TABLE_END):
        name = key[len(TABLE_PREFIX) :].decode("utf-8", "replace")
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
        self._serving: dict[str, Table] = {}
        for _, descriptor in read_descriptors(store):
            if not isinstance(descriptor, Table):
                raise descriptor
            self._remember(descriptor)
        stored_next = store.get_from("meta", IDENTIFIERS_KEY)
        self._next = FIRST_IDENTIFIER if stored_next is None else int.from_bytes(stored_next, "big")
        for descriptor in self.tables.values():
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
        key = TABLE_PREFIX + descriptor.name.encode()
        payload = orjson.dumps(table.to_json(descriptor))
        operations: list[Operation] = [
            ("meta", key, item_format.encode(key, payload, len(payload), 0)),
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

    def _remember(self, descriptor: Table) -> None:
        self.tables[descriptor.name] = descriptor
        if descriptor.status in SERVING:
            self._serving[descriptor.name] = descriptor
        else:
            self._serving.pop(descriptor.name, None)
