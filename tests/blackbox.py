"""Servers as a client sees them: started, asked, stopped or killed, known only by their answers.

`conftest.py` makes fixtures of these. A `Server` is one process on loopback in a folder of its own;
it is ended by its own process id and never by name. A `Connection` sends any bytes as a request,
also what no SDK would send, and returns the answer as it came.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
STATOR = Path(sys.executable).parent / "stator"
CACHE = Path(os.environ.get("STATOR_CACHE", str(Path.home() / ".cache" / "stator")))
DYNOXIDE = Path(os.environ.get("DYNOXIDE", str(CACHE / "dynoxide-3.2.0" / "bin" / "dynoxide")))

READY = re.compile(r"Stator is ready: https?://[\w.]+:(\d+) \(gRPC [\w.]+:(\d+)\)")
READY_SECONDS = 30.0
STOP_SECONDS = 20.0
ANSWER_SECONDS = 30.0

REGION = "us-east-1"
ACCESS_KEY = "AKIASTATORTESTS00001"
SECRET = "not-a-secret/only-for-tests"
# Well formed but not valid: `stator local` without --access-keys takes it, as Dynoxide does.
AUTHORIZATION = (
    f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20260101/{REGION}/dynamodb/aws4_request, "
    "SignedHeaders=host;x-amz-date;x-amz-target, "
    "Signature=0000000000000000000000000000000000000000000000000000000000000000"
)


class ServerFailed(Exception):
    """A server ended, or did not become ready in time. The text is what it wrote."""


class Server:
    """One server process. `port` is known once `start` has returned."""

    def __init__(self, command: Sequence[str], folder: Path, port: int | None = None) -> None:
        self.command = list(command)
        self.folder = folder
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"
        self.environment: Mapping[str, str] = {}  # besides that of the test

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def written(self) -> str:
        """What the process wrote to standard output and standard error since it was started."""
        return self.log.read_text(errors="replace")

    def start(self) -> Server:
        """Start the process and wait until it is ready. Raises ServerFailed."""
        assert self.process is None
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **self.environment},
            )
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                code = self.process.returncode
                self.process = None
                raise ServerFailed(f"exit code {code}:\n{self.written}")
            if self.is_ready():
                return self
            time.sleep(0.02)
        self.kill()
        raise ServerFailed(f"not ready in {READY_SECONDS} s:\n{self.written}")

    def is_ready(self) -> bool:
        """Whether it takes connections on the port that it was given."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> int:
        """Ask it to stop (SIGTERM) and wait; returns the exit code. Kills what does not stop."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """kill -9, as a power cut does it to the process."""
        return self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.send_signal(how)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerFailed(f"did not stop in {STOP_SECONDS} s:\n{self.written}") from None


class Stator(Server):
    """`stator local` on free ports, its data in `folder/data` unless told otherwise."""

    def __init__(self, folder: Path, *options: str, data: Path | None = None) -> None:
        command = [str(STATOR), "local", "--folder", str(data or folder / "data")]
        super().__init__([*command, "--port", "0", "--grpc-port", "0", *options], folder)
        self.grpc_port = 0

    def is_ready(self) -> bool:
        if ready := READY.search(self.written):
            self.port, self.grpc_port = int(ready.group(1)), int(ready.group(2))
        return ready is not None


# What the fixture `start_stator` is: options to a running server.
Start = Callable[..., Stator]


class Dynoxide(Server):
    """The peer that the differential test compares with, in memory."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        command = [str(DYNOXIDE), "serve", "--host", "127.0.0.1", "--port", str(port)]
        super().__init__(command, folder, port)


def free_port() -> int:
    """A port that nobody listens on, and that no connection is given by chance until it is used.

    Those that the kernel gives out begin at 32768: between asking and listening, one may be taken.
    """
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def _ports() -> Iterator[int]:
    """Those below the kernel's, beginning elsewhere in each process."""
    begin = os.getpid() * 97
    return (PORTS.start + (begin + step) % len(PORTS) for step in range(10 * len(PORTS)))


PORTS = range(20_000, 32_000)
_PORTS = _ports()


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it came. `body` is the JSON, or None where there is none."""

    status: int
    headers: dict[str, str]
    text: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.text) if self.text else None

    @property
    def error(self) -> str | None:
        """The error's name without prefix, None for success."""
        if self.status == http.HTTPStatus.OK:
            return None
        body = self.body
        return body["__type"].split("#")[-1] if isinstance(body, dict) else repr(self.text)

    @property
    def message(self) -> str | None:
        """The error's text; DynamoDB spells the member with either case."""
        body = self.body
        return body.get("message", body.get("Message")) if isinstance(body, dict) else None


class Connection:
    """One keep-alive connection that sends requests no SDK has looked at."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url).netloc
        self.connection = http.client.HTTPConnection(self.address, timeout=ANSWER_SECONDS)

    def call(self, operation: str, body: Any, **headers: str) -> Answer:
        """Send `body` (bytes as they are, anything else as JSON) as this operation."""
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", "/", text, standard_headers(operation) | headers)

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """One request; a connection that the server has closed since is opened again once."""
        try:
            return self._send(method, path, body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.connection.close()
            return self._send(method, path, body, headers)

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        text = response.read()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, text)

    def close(self) -> None:
        self.connection.close()


def standard_headers(operation: str) -> dict[str, str]:
    return {
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": AUTHORIZATION,
    }


def boto3_client(
    url: str,
    access_key: str = ACCESS_KEY,
    secret: str = SECRET,
    *,
    tries: int = 1,
    verify: str | None = None,
) -> Any:
    """A low-level client, without retries unless asked for: a test wants the first answer.

    `verify`: a file of the authorities that it trusts.
    """
    settings = _boto3_settings(url, access_key, secret, tries)
    return boto3.client("dynamodb", verify=verify, **settings)


def boto3_streams(url: str, access_key: str = ACCESS_KEY, secret: str = SECRET) -> Any:
    """The client of DynamoDB Streams, which is a service of its own to SDKs."""
    return boto3.client("dynamodbstreams", **_boto3_settings(url, access_key, secret))


def boto3_resource(url: str, access_key: str = ACCESS_KEY, secret: str = SECRET) -> Any:
    """The Table and Item objects of boto3, as guides use them."""
    return boto3.resource("dynamodb", **_boto3_settings(url, access_key, secret))


def _boto3_settings(url: str, access_key: str, secret: str, tries: int = 1) -> dict[str, Any]:
    return {
        "endpoint_url": url,
        "region_name": REGION,
        "aws_access_key_id": access_key,
        "aws_secret_access_key": secret,
        "config": Config(retries={"total_max_attempts": tries}, read_timeout=ANSWER_SECONDS),
    }


def wait_for(look: Callable[[], Any], what: str, seconds: float = READY_SECONDS) -> Any:
    """Ask until there is an answer; fails the test when time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what}: not in {seconds} s")


def wait_until_active(client: Any, name: str) -> None:
    """Wait until the table and its indexes are ACTIVE."""

    def look() -> bool | None:
        table = client.describe_table(TableName=name)["Table"]
        indexes = table.get("GlobalSecondaryIndexes", [])
        statuses = {table["TableStatus"], *(index["IndexStatus"] for index in indexes)}
        return True if statuses == {"ACTIVE"} else None

    wait_for(look, f"table {name} ACTIVE")
