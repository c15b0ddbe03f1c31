"""The doors to everything outside the core: Protocols with a real and an in-memory twin each.

`Executor` stands between the two front doors (`gateway/http.py`, `gateway/grpc.py`) and the router;
`ItemStore` between the replica and the disk (`storage/rocksdb.py`, `memory.py`); `Clock` between
everybody and time (`clock.py`, `memory.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from stator_node.pending import Pending

Family = Literal["items", "indexes", "changes", "expiries", "meta", "log"]
FAMILIES: tuple[Family, ...] = ("items", "indexes", "changes", "expiries", "meta", "log")

# (family, key, value); value None deletes the key.
Operation = tuple[Family, bytes, bytes | None]


class StorageFailed(Exception):
    """The disk or the database refused; the text is theirs."""


class StorageDamaged(StorageFailed):
    """What the disk holds is not what was written there: a checksum of the database is wrong."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request: the access key, and the account and Region that it acts in.

    `endpoint` is the host and port by which the client reached this server; a door need tell it
    for DescribeEndpoints only.
    """

    access_key: str
    account: str
    region: str
    endpoint: str = ""


class Executor(Protocol):
    """Answers DynamoDB operations. `router.Router` is the product's."""

    @property
    def operations(self) -> frozenset[str]:
        """The names of the operations it knows."""

    def execute(
        self, operation: str, body: dict[str, Any], caller: Caller
    ) -> bytes | Pending[bytes]:
        """The JSON answer, at once or later. Raises (or fails with) DynamoDBError."""


class Clock(Protocol):
    """Wall time and monotonic time, in seconds."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""


class Cursor(Protocol):
    """A walk over the entries of a range in key order, or against it, as they were at its start."""

    def take(self, count: int) -> list[tuple[bytes, bytes]]:
        """The next entries; fewer than `count` only at the end. Raises StorageFailed."""

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """The entries one by one. Raises StorageFailed."""


class ItemStore(Protocol):
    """Ordered bytes in families, atomic batches, explicit durability."""

    get: Callable[[bytes], bytes | None]  # of the family "items": the hot path's point read

    def get_from(self, family: Family, key: bytes) -> bytes | None: ...

    def cursor(
        self, family: Family, start: bytes, end: bytes, *, reverse: bool = False
    ) -> Cursor: ...

    def write(self, operations: Sequence[Operation], *, sync: bool) -> None: ...

    def delete_range(self, family: Family, start: bytes, end: bytes) -> None: ...

    def sync(self) -> None: ...

    def reopen(self) -> None: ...

    def close(self) -> None: ...
