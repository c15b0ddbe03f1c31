"""Both servers, one pair for each test worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import blackbox
from differential.compare import Pair


@pytest.fixture(scope="session")
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Stator (or what --url points to) and Dynoxide. `make peers` builds Dynoxide."""
    if not blackbox.DYNOXIDE.exists():
        pytest.fail(f"{blackbox.DYNOXIDE} is not there: `make peers` builds it")
    servers: list[blackbox.Server] = [blackbox.Dynoxide(tmp_path_factory.mktemp("dynoxide"))]
    url = request.config.getoption("--url")
    if url is None:
        folder = tmp_path_factory.mktemp("stator")
        servers.append(blackbox.Stator(folder, "--table-delay-seconds", "0"))
    for server in servers:
        server.start()
    connections = blackbox.Connection(url or servers[-1].url), blackbox.Connection(servers[0].url)
    yield Pair(*connections)
    for connection in connections:
        connection.close()
    for server in servers:
        server.stop()
