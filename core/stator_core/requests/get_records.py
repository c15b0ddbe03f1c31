"""GetRecords: the next records of a shard, up to a thousand and up to 1 MB.

In: a request body, then a page of the feed. Out: the answer with the iterator for the next call,
which is absent once a closed shard has been read to its end. AWS: API reference, GetRecords.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

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

    def answer(
        self, stream: Stream, shard: Shard, page: FeedPage, now_milliseconds: int
    ) -> dict[str, Any]:
        """The records of a page, as many as fit."""
        records: list[dict[str, Any]] = []
        size = 0
        position, whole = page.position, True
        for change in page.changes:
            shown = record(stream, shard, change)
            size += shown["dynamodb"]["SizeBytes"]
            if records and (size > GET_RECORDS_BYTES_MAX or len(records) == self.limit):
                whole = False
                break
            records.append(shown)
            position = change.stamp + 1
        more = page.more or not whole
        answer: dict[str, Any] = {"Records": records}
        if more or not page.ended:
            answer["NextShardIterator"] = replace(
                self.iterator,
                position=position,
                issued_milliseconds=now_milliseconds,
                skips=not more,
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
