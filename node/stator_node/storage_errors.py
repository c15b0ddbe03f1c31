"""What a client is told when the storage fails it, and what the log says instead.

In: an exception out of `replica.py`, `router.py` or `table_life.py`, and the tables that it may
concern. Out: the exception to answer with. A damaged item is named in the log by its table and key,
for the one who will repair it; the client hears InternalServerError and nothing of the bytes.
Invariant: wrong data is never an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import orjson

from stator_core import keys
from stator_core.errors import InternalServerError
from stator_core.item_format import Damaged
from stator_core.key_format import IDENTIFIER_BYTES
from stator_core.table import Table
from stator_node.doors import StorageDamaged, StorageFailed

logger = logging.getLogger(__name__)

DAMAGED = "The request processing has failed because a stored item is damaged."
STORAGE_FAILED = "The request processing has failed because the storage failed."
# What the storage raises and `for_client` translates.
STORAGE_ERRORS = (Damaged, StorageFailed)


class StorageTrouble(InternalServerError):
    """The storage of one replica failed a request; another replica may answer it.

    `damaged`: it holds other bytes than were written, and will do so until it is rebuilt.
    """

    def __init__(self, message: str, *, damaged: bool) -> None:
        super().__init__(message)
        self.damaged = damaged

    @classmethod
    def name(cls) -> str:
        return "InternalServerError"


def for_client(error: Exception, tables: Iterable[Table]) -> Exception:
    """InternalServerError for an error of the storage, which is logged; others as they are."""
    if isinstance(error, Damaged):
        logger.error("%s is damaged: %s; see `stator verify`", name_of(error.key, tables), error)
        return StorageTrouble(DAMAGED, damaged=True)
    if isinstance(error, StorageFailed):
        names = ", ".join(table.name for table in tables)
        logger.error("the storage failed a request%s: %s", names and f" to table {names}", error)
        return StorageTrouble(STORAGE_FAILED, damaged=isinstance(error, StorageDamaged))
    return error


def name_of(key: bytes, tables: Iterable[Table]) -> str:
    """The item or index entry under a stored key, as a person names it."""
    identifier = int.from_bytes(key[:IDENTIFIER_BYTES], "big")
    for table in tables:
        for index in (None, *table.indexes):
            place = table if index is None or not index.is_global else index
            if place.identifier != identifier:
                continue
            try:
                attributes = keys.stored_key_attributes(table, index, key)
            except ValueError:
                continue  # A key of another kind below the same identifier.
            entry = "" if index is None else f", index {index.name}"
            return f"table {table.name}{entry}, item {orjson.dumps(attributes).decode()}"
    return f"the value under key {key.hex()}"
