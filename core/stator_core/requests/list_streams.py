"""ListStreams: the streams of the caller's tables, or of one, in pages of up to a hundred.

In: a request body, then the streams. Out: one page. A stream that was disabled, or whose table is
gone, is listed as long as it has records. AWS: API reference, ListStreams.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stator_core.limits import LIST_STREAMS_LIMIT_MAX
from stator_core.requests.constraints import Violations
from stator_core.requests.shapes import INTEGER, STRING, Structure, check
from stator_core.requests.stream_members import (
    check_stream_arn,
    collect_limit,
    collect_stream_arn,
)
from stator_core.requests.table_members import collect_name
from stator_core.stream import Stream

SHAPE = Structure(
    "ListStreamsInput",
    {"TableName": STRING, "Limit": INTEGER, "ExclusiveStartStreamArn": STRING},
)


@dataclass(frozen=True, slots=True)
class ListStreams:
    table_name: str | None
    limit: int
    exclusive_start_stream_arn: str | None

    def answer(self, streams: Iterable[Stream]) -> dict[str, Any]:
        """One page of the streams, in the order of their ARNs; the start need not exist."""
        start = self.exclusive_start_stream_arn
        found = sorted(
            (
                stream
                for stream in streams
                if self.table_name in (None, stream.table.name)
                and (start is None or stream.arn > start)
            ),
            key=lambda stream: stream.arn,
        )
        page: dict[str, Any] = {
            "Streams": [
                {
                    "StreamArn": stream.arn,
                    "TableName": stream.table.name,
                    "StreamLabel": stream.label,
                }
                for stream in found[: self.limit]
            ]
        }
        if len(found) > self.limit:
            page["LastEvaluatedStreamArn"] = found[self.limit - 1].arn
        return page


def parse(body: dict[str, Any]) -> ListStreams:
    check(body, SHAPE)
    violations = Violations()
    name, start = body.get("TableName"), body.get("ExclusiveStartStreamArn")
    if name is not None:
        collect_name(violations, "tableName", name)
    limit = body.get("Limit")
    collect_limit(violations, limit, LIST_STREAMS_LIMIT_MAX)
    collect_stream_arn(violations, "exclusiveStartStreamArn", start)
    violations.raise_any()
    if start is not None:
        check_stream_arn(start)
    return ListStreams(name, LIST_STREAMS_LIMIT_MAX if limit is None else limit, start)
