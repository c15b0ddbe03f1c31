"""`stator local`: one line when it serves, a clean end, and nothing left running."""

from __future__ import annotations

import socket

from blackbox import Connection, Start


def test_it_says_in_one_line_where_it_serves_and_what(start_stator: Start) -> None:
    server = start_stator()
    ready, hint = server.written.splitlines()[:2]
    assert ready.startswith(f"Stator is ready: {server.url} (gRPC 127.0.0.1:{server.grpc_port})")
    assert "any access key is taken" in ready
    assert server.url in hint


def test_a_stop_ends_it_with_code_0_and_frees_both_ports(start_stator: Start) -> None:
    server = start_stator()
    ports = (server.port, server.grpc_port)
    assert server.stop() == 0
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert "Traceback" not in server.written


def test_a_stop_does_not_wait_for_a_connection_that_says_nothing(start_stator: Start) -> None:
    server = start_stator()
    connection = Connection(server.url)
    assert connection.call("ListTables", {}).status == 200
    assert server.stop() == 0
    connection.close()
