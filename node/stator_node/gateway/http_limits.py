"""Every limit of the HTTP door, with its unit: what one client may cost the others.

Read by `http.py` (connections, sweep) and `http_connection.py` (bytes, queues, seconds). What
DynamoDB itself states comes from `stator_core.limits`; the rest is ours. The relations stand in
`HttpLimits.__post_init__`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stator_core import limits

# Bytes are parsed in slices of this size, so a pipelining client is stopped soon after its queue is
# full. No slice is larger than a header block may be: `HttpConnection.on_headers_complete` counts
# only those that came in several.
PARSE_SLICE_BYTES: Final = 16 * 1024

# What a waiting request costs beside its body: its headers and the objects that hold them.
QUEUED_REQUEST_BYTES: Final = 2_048

# Answers below this size gain nothing from gzip: they fit into one packet either way.
GZIP_ANSWER_BYTES_MIN: Final = 1_400
# From this size on gzip runs in a thread (zlib lets go of the GIL); below, it costs a millisecond.
GZIP_IN_THREAD_BYTES: Final = 64 * 1024
# The fastest level: the answer waits for it.
GZIP_LEVEL: Final = 1

# A body over this size, or a compressed one, is parsed only after its signature was verified, so
# that a stranger cannot make the door build large objects. DynamoDB parses first; the order shows
# only in which of two errors such a request gets. A smaller body has too few tokens to be counted.
VERIFY_FIRST_BODY_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one door and one connection may hold, and for how long."""

    # AWS: "Service, account, and table quotas". Also the bound on inflated bodies.
    body_bytes_max: int = limits.REQUEST_BYTES_MAX
    # Strings, objects, lists and commas of a body: what it costs to parse and check. A legal item
    # of the smallest values that are not empty has 820,000 (a list of `{"N":"0"}`: 2 bytes each of
    # its 400 KB); 16 MB of empty strings would have seven million, and hold everybody for seconds.
    body_tokens_max: int = 850_000
    # The same where the request carries no items: keys, conditions, names.
    body_without_items_tokens_max: int = 100_000
    # As DynamoDB answers: 400 for a header block or a request line over about 16 KB.
    header_bytes_max: int = PARSE_SLICE_BYTES

    connections_max: int = 10_000
    pipelined_requests_max: int = 32  # waiting behind an unfinished one, per connection
    # Over all connections: partly received requests, waiting requests, bytes not parsed yet.
    held_bytes_max: int = 256 * 1_048_576
    # Bytes of answers that the kernel has not taken yet; over it the connection is not read.
    write_buffer_bytes_max: int = 256 * 1024

    idle_seconds_max: float = 300.0  # between an answer and the next request
    header_seconds_max: float = 10.0  # from a request's first byte to the end of its headers
    body_seconds_max: float = 60.0  # from a request's first byte to its last
    unread_answer_seconds_max: float = 30.0  # over the write buffer bound
    # A refused client may still be sending; closing at once would reset the answer away.
    linger_seconds_max: float = 5.0
    linger_bytes_max: int = 64 * 1_048_576
    sweep_seconds: float = 1.0  # all times above are checked this often

    def __post_init__(self) -> None:
        assert 0 < self.header_bytes_max <= self.body_bytes_max <= self.held_bytes_max
        assert self.header_bytes_max >= PARSE_SLICE_BYTES
        assert self.body_tokens_max >= VERIFY_FIRST_BODY_BYTES
        assert self.connections_max > 0
        assert self.pipelined_requests_max > 0
        assert self.sweep_seconds > 0
        assert self.header_seconds_max <= self.body_seconds_max
