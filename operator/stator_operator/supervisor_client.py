"""What a reconcile asks of a pool's supervisor: JSON over HTTP, one request at a time.

In: the address of the supervisor's pod, as `supervisor_address` reads it off the pod, and what is
asked for; the supervisor's own door, in the node package, says what may be. Out: the answer's
members; `SupervisorRefused` with the reason, where it says no, `SupervisorAway` where nobody
answers. The operator asks, the supervisor never does: so storage pods need no access to the
Kubernetes API. Used by `observe.py`, `apply.py` and every reconcile that a pool answers for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from stator_operator import naming
from stator_operator.kubernetes_kinds import Object
from stator_operator.objects.supervisor import OPERATOR_PORT
from stator_operator.supervisor_tls import Contexts, Identity, IdentityRefused

ANSWER_SECONDS_MAX = 5.0
ANSWER_BYTES_MAX = 64 << 20

Members = dict[str, Any]


class SupervisorAway(Exception):
    """Nobody answered. Whether what was asked is done is open; asking again does it once."""


class SupervisorRefused(Exception):
    """The supervisor said no. `reason` is one word of its own, `message` says what to change."""

    def __init__(self, status: int, reason: str, message: str, asked: str = "") -> None:
        super().__init__(f"{asked}: {status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class SupervisorAddress:
    """Where a pool's supervisor answers, and under which name, where it proves it."""

    host: str
    name: str
    port: int = OPERATOR_PORT
    identity: Identity | None = None  # what is shown there; None: both speak plainly


def supervisor_address(
    pod: Object | None, identity: Identity | None = None
) -> SupervisorAddress | None:
    """Where the supervisor of this pod answers; None: it does not run."""
    if pod is None or "deletionTimestamp" in pod["metadata"]:
        return None
    host = pod.get("status", {}).get("podIP")
    if not host:
        return None
    metadata = pod["metadata"]
    service = naming.supervisor_name(metadata["labels"][naming.POOL_LABEL])
    return SupervisorAddress(host, f"{service}.{metadata['namespace']}.svc", identity=identity)


class Supervisors(Protocol):
    """Whoever can ask a supervisor. Tests have one of their own."""

    async def ask(
        self,
        address: SupervisorAddress,
        method: str,
        path: str,
        members: Members | None = None,
        *,
        seconds: float = ANSWER_SECONDS_MAX,
    ) -> Members:
        """The answer. Raises SupervisorRefused and SupervisorAway."""
        ...


class SupervisorClient:
    """Asks by HTTP. Made and closed by `operator_process.py`.

    `may_write`: asked before whatever changes something; see `kubernetes_api.py`.
    """

    def __init__(self, may_write: Callable[[], bool] = lambda: True) -> None:
        self._may_write = may_write
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self._contexts = Contexts()

    async def close(self) -> None:
        await self._session.close()

    async def ask(
        self,
        address: SupervisorAddress,
        method: str,
        path: str,
        members: Members | None = None,
        *,
        seconds: float = ANSWER_SECONDS_MAX,
    ) -> Members:
        """The answer. `path` begins with `/v1/`. Raises SupervisorRefused and SupervisorAway."""
        host = f"[{address.host}]" if ":" in address.host else address.host
        asked = f"{method} {path} of {address.name}"
        if method != "GET" and not self._may_write():
            raise SupervisorAway(f"{asked}: nothing was asked, another operator may be at work")
        scheme = "http" if address.identity is None else "https"
        try:
            tls = True if address.identity is None else self._contexts.of(address.identity)
            async with self._session.request(
                method,
                f"{scheme}://{host}:{address.port}{path}",
                data=None if members is None else json.dumps(members).encode(),
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=seconds),
                ssl=tls,
                server_hostname=None if address.identity is None else address.name,
            ) as answer:
                if (answer.content_length or 0) > ANSWER_BYTES_MAX:
                    raise SupervisorAway(f"{asked}: an answer of {answer.content_length} bytes")
                read = json.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, IdentityRefused) as error:
            raise SupervisorAway(f"{asked}: {error!r}") from error
        if not isinstance(read, dict):
            raise SupervisorAway(f"{asked}: the answer is no JSON object")
        if answer.status >= 400:
            reason, message = str(read.get("reason", "")), str(read.get("message", ""))
            raise SupervisorRefused(answer.status, reason, message, asked)
        return read
