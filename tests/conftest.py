"""Fixtures for every folder: servers, clients, tables of one's own, and hypothesis' settings.

`--url` points the tests that ask for `url`, `client`, `resource` or `connection` at any server that
speaks DynamoDB; without it each test worker starts one `stator local` in a temporary folder.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import blackbox

# Examples are the same on every run, so that a failure is the change's own. To look for new ones:
# HYPOTHESIS_PROFILE=search EXAMPLES=1000 make test
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    print_blob=True,
    max_examples=int(os.environ.get("EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("search", settings.get_profile("repeatable"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

CreateTable = Callable[..., str]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--url", help="test the server at this address instead of one of our own")


@pytest.fixture(scope="session")
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server under test."""
    given = request.config.getoption("--url")
    if given:
        yield given
        return
    server = blackbox.Stator(tmp_path_factory.mktemp("stator")).start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[Any]:
    """A boto3 client of the server under test, without retries."""
    made = blackbox.boto3_client(url)
    yield made
    made.close()


@pytest.fixture(scope="session")
def streams(url: str) -> Iterator[Any]:
    """A boto3 client of DynamoDB Streams on the server under test."""
    made = blackbox.boto3_streams(url)
    yield made
    made.close()


@pytest.fixture(scope="session")
def resource(url: str) -> Iterator[Any]:
    """A boto3 resource of the server under test."""
    made = blackbox.boto3_resource(url)
    yield made
    made.meta.client.close()


@pytest.fixture(scope="session")
def connection(url: str) -> Iterator[blackbox.Connection]:
    """A connection that sends what no SDK would send."""
    opened = blackbox.Connection(url)
    yield opened
    opened.close()


@pytest.fixture
def start_stator(tmp_path: Path) -> Iterator[blackbox.Start]:
    """Start `stator local` with these options, as often as a test likes.

    Without `data=` all of them use the one folder of the test, so a second start after a stop or a
    kill finds what the first one wrote. What still runs at the end of the test is killed.
    """
    started: list[blackbox.Stator] = []

    def start(*options: str, data: Path | None = None) -> blackbox.Stator:
        folder = tmp_path / f"server-{len(started)}"
        folder.mkdir()
        server = blackbox.Stator(folder, *options, data=data or tmp_path / "data")
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.kill()


numbers = itertools.count()


@pytest.fixture
def create_table(client: Any) -> Iterator[CreateTable]:
    """Create a table and wait until it is ACTIVE; it is deleted after the test.

    `create_table()` has the HASH key `pk` (S); `create_table(range_key="N")` a RANGE key `sk` too.
    Further keyword arguments are CreateTable's own members.
    """
    created: list[str] = []

    def create(hash_key: str = "S", range_key: str | None = None, **members: Any) -> str:
        name = f"table.{os.getpid()}.{next(numbers)}"
        keys = [("pk", hash_key, "HASH")] + ([("sk", range_key, "RANGE")] if range_key else [])
        defaults = {
            "TableName": name,
            "KeySchema": [{"AttributeName": key, "KeyType": role} for key, _, role in keys],
            "AttributeDefinitions": [
                {"AttributeName": key, "AttributeType": kind} for key, kind, _ in keys
            ],
            "BillingMode": "PAY_PER_REQUEST",
        }
        extra_definitions = members.pop("MoreAttributeDefinitions", [])
        defaults["AttributeDefinitions"] = defaults["AttributeDefinitions"] + extra_definitions
        client.create_table(**defaults | members)
        created.append(name)
        blackbox.wait_until_active(client, name)
        return name

    yield create
    for name in created:
        delete_table(client, name)


def delete_table(client: Any, name: str) -> None:
    """Delete a table if the test has not; protection is taken off first."""
    try:
        if client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
            client.update_table(TableName=name, DeletionProtectionEnabled=False)
            blackbox.wait_until_active(client, name)
        client.delete_table(TableName=name)
    except client.exceptions.ResourceNotFoundException:
        return
    except client.exceptions.ResourceInUseException:
        return  # Already on its way out, or left in the middle of a change on purpose.
