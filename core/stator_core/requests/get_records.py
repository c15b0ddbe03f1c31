"""GetRecords: the next records of a shard, up to a thousand and up to 1 MB.

In: a request body, then a page of the feed. Out: the answer with the iterator for the next call,
which is absent once a closed shard has been read to its end. AWS: API reference, GetRecords.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from stator_core.change_format import Change
from stator_core.limits import (
    GET_RECORDS_BYTES_MAX,
    GET_RECORDS_LIMIT_MAX,
    SHARD_ITERATOR_CHARACTERS_MAX,
)
from stator_core.requests.constraints import Violations
from stator_core.requests.shapes import INTEGER, STRING, Structure, check
from stator_core.requests.stream_members import collect_length, collect_limit
from stator_core.stream import ShardIterator, Stream, read_iterator, record
from stator_core.stream_shards import Shard

# A few milliseconds of the loop; the next page comes after what waits meanwhile.
PAGE_RECORDS: Final = 200
SHAPE = Structure("GetRecordsInput", {"ShardIterator": STRING, "Limit": INTEGER})


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Changes of a shard from `position` on, in order, as its holder has them durably.

    `more`: others of the shard come behind them. `ended`: the shard is closed and none will come
    but these.
    """

    position: int
    changes: Sequence[Change]
    more: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class GetRecords:
    iterator: ShardIterator
    limit: int


class RecordsAnswer:
    """The answer as it grows: page after page is taken, until it is `complete`."""

    def __init__(self, request: GetRecords, stream: Stream, shard: Shard, position: int) -> None:
        """`position` is the least stamp wanted, as far as it is still there."""
        self._request = request
        self._stream = stream
        self._shard = shard
        self.position = position  # of the next page
        self._records: list[dict[str, Any]] = []
        self._size = 0
        self._more = True
        self._ended = False
        self.complete = False

    @property
    def wanted(self) -> int:
        """How many changes the next page should have: so many are made into records at once."""
        return min(PAGE_RECORDS, self._request.limit - len(self._records))

    def take(self, page: FeedPage) -> None:
        """Show the changes of a page that begins at `position`, as many as fit."""
        assert page.position == self.position
        assert not self.complete
        self._more, self._ended = page.more, page.ended
        for change in page.changes:
            shown = record(self._stream, self._shard, change)
            self._size += shown["dynamodb"]["SizeBytes"]
            is_full = len(self._records) == self._request.limit
            if self._records and (is_full or self._size > GET_RECORDS_BYTES_MAX):
                self._more = self.complete = True
                return
            self._records.append(shown)
            self.position = change.stamp + 1
        self.complete = not self._more or len(self._records) == self._request.limit

    def answer(self, now_milliseconds: int) -> dict[str, Any]:
        answer: dict[str, Any] = {"Records": self._records}
        if self._more or not self._ended:
            answer["NextShardIterator"] = replace(
                self._request.iterator,
                position=self.position,
                issued_milliseconds=now_milliseconds,
                skips=not self._more,
            ).encode()
        return answer


def parse(body: dict[str, Any]) -> GetRecords:
    check(body, SHAPE)
    violations = Violations()
    text, limit = body.get("ShardIterator"), body.get("Limit")
    violations.require("shardIterator", text)
    collect_length(violations, "shardIterator", text, 1, SHARD_ITERATOR_CHARACTERS_MAX)
    collect_limit(violations, limit, GET_RECORDS_LIMIT_MAX)
    violations.raise_any()
    assert text is not None
    return GetRecords(read_iterator(text), GET_RECORDS_LIMIT_MAX if limit is None else limit)
