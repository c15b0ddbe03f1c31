"""DescribeLimits and DescribeEndpoints: two operations that take nothing.

In: a request body, of which nothing is read. Out: the answer. AWS: API reference, DescribeLimits
and DescribeEndpoints.
"""

from __future__ import annotations

from typing import Any

from stator_core.limits import (
    ACCOUNT_READ_UNITS_MAX,
    ACCOUNT_WRITE_UNITS_MAX,
    TABLE_READ_UNITS_MAX,
    TABLE_WRITE_UNITS_MAX,
)

ENDPOINT_CACHE_MINUTES = 1_440


def describe_limits() -> dict[str, Any]:
    """The default quotas of an account and of a table, in units per second."""
    return {
        "AccountMaxReadCapacityUnits": ACCOUNT_READ_UNITS_MAX,
        "AccountMaxWriteCapacityUnits": ACCOUNT_WRITE_UNITS_MAX,
        "TableMaxReadCapacityUnits": TABLE_READ_UNITS_MAX,
        "TableMaxWriteCapacityUnits": TABLE_WRITE_UNITS_MAX,
    }


def describe_endpoints(address: str) -> dict[str, Any]:
    """`address`: the host and port by which the client reached this server (its Host header)."""
    return {"Endpoints": [{"Address": address, "CachePeriodInMinutes": ENDPOINT_CACHE_MINUTES}]}
