"""DescribeLimits tells the quotas of account and table; DescribeEndpoints where this server is.

AWS: API reference, DescribeLimits, DescribeEndpoints; "Service, account, and table quotas".
"""

from __future__ import annotations

from urllib.parse import urlsplit

import blackbox


def test_the_quotas_are_those_of_a_new_account(client):
    answer = client.describe_limits()
    del answer["ResponseMetadata"]

    assert answer == {
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }


def test_the_endpoint_is_the_address_by_which_the_client_came(client, url):
    answer = client.describe_endpoints()

    assert answer["Endpoints"] == [{"Address": urlsplit(url).netloc, "CachePeriodInMinutes": 1_440}]


def test_the_address_is_that_of_the_host_header(connection):
    headers = blackbox.standard_headers("DescribeEndpoints") | {"Host": "stator.example:1234"}

    answer = connection.send("POST", "/", b"{}", headers)

    assert answer.body["Endpoints"][0]["Address"] == "stator.example:1234"


def test_both_take_no_members_and_ignore_any(connection):
    for operation in ("DescribeLimits", "DescribeEndpoints"):
        answer = connection.call(operation, {"Whatever": [1, 2]})

        assert answer.error is None
