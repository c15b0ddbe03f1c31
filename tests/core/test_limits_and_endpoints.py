"""DescribeLimits and DescribeEndpoints: the quotas, and where the client already is."""

from __future__ import annotations

from stator_core.requests.limits_and_endpoints import describe_endpoints, describe_limits


def test_the_default_quotas_are_those_of_an_account() -> None:
    """23.3"""
    assert describe_limits() == {
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }


def test_the_endpoint_is_the_one_that_was_asked() -> None:
    assert describe_endpoints("localhost:8000") == {
        "Endpoints": [{"Address": "localhost:8000", "CachePeriodInMinutes": 1_440}]
    }
