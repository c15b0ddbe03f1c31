"""The Kubernetes API by the standard library alone: one request at a time, JSON in and out.

For what must be quick or runs in a loop: is the API server ready, and volumes.py. Tests use
kubectl.py.
"""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any

REQUEST_SECONDS = 10.0
MERGE_PATCH = "application/merge-patch+json"


class Refused(Exception):
    """An answer of 400 or more. The text is the API server's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """An API server, spoken to as the administrator whose certificate lies in `certificates`."""

    def __init__(self, certificates: Path, address: str, port: int) -> None:
        self._address = address
        self._port = port
        self._context = ssl.create_default_context(cafile=str(certificates / "authority.crt"))
        self._context.load_cert_chain(certificates / "admin.crt", certificates / "admin.key")

    def is_ready(self) -> bool:
        try:
            return self._ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def request(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> Any:
        """The answer's JSON. Raises Refused, and OSError where nobody answers."""
        status, answer = self._ask(method, path, body, kind)
        read = json.loads(answer)
        if status >= 400:
            raise Refused(status, read.get("message", ""))
        return read

    def _ask(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection(
            self._address, self._port, timeout=REQUEST_SECONDS, context=self._context
        )
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as broken:
            raise ConnectionError(repr(broken)) from broken
        finally:
            connection.close()
