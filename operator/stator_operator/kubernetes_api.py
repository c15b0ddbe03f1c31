"""The Kubernetes API: one request for each call, objects as dicts, refusals as exceptions.

In: kinds, names and objects, from those who look and those who write (`observe.py`, `apply.py` and
the others of the contract in `pyproject.toml`), never from a planner. Out: requests, and what the
API server answered. Nothing is tried again here: what may be done again, and when, the caller
knows. Every call but `create` may be made twice with the effect of one.

Why aiohttp, which kopf brings, and not the `kubernetes` package: docs/decisions, "The operator".
Kubernetes: "Kubernetes API Concepts", "Server-Side Apply", "API-initiated Eviction".
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Final

import aiohttp

from stator_operator.kubernetes_connection import Connection
from stator_operator.kubernetes_errors import (
    Conflict,
    Gone,
    LeaseInDoubt,
    NotFound,
    Unavailable,
    error_of,
)
from stator_operator.kubernetes_kinds import KINDS, Kind, Object, kind_of

FIELD_MANAGER: Final = "stator-operator"
# Of a status another manager: its fields are not children's, and each owns what it wrote.
STATUS_FIELD_MANAGER: Final = "stator-operator-status"
REQUEST_SECONDS_MAX = 30.0
LIST_PAGE = 500
# A list that is too old to be continued is begun again; one that is always too old is given up.
LISTS_BEGUN_MAX = 3
APPLY_PATCH: Final = "application/apply-patch+yaml"  # JSON is YAML
MERGE_PATCH: Final = "application/merge-patch+json"
JSON: Final = "application/json"
METADATA: Final = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class KubernetesApi:
    """The API of one cluster. Made and closed by `operator_process.py`.

    `may_write`: asked before each write. A process that was frozen and wakes is kept by it from
    doing what it was about to do, while its successor is at work.
    """

    def __init__(
        self, connection: Connection, may_write: Callable[[], bool] = lambda: True
    ) -> None:
        self._connection = connection
        self._may_write = may_write
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS_MAX),
            trust_env=True,
        )

    async def close(self) -> None:
        await self._session.close()

    async def get(self, kind: str, namespace: str | None, name: str) -> Object | None:
        """The object; None where there is none of that name. Raises ApiError.

        `namespace` None: of a kind that stands in none.
        """
        try:
            return await self._ask("GET", KINDS[kind].path(namespace, name))
        except NotFound:
            return None

    async def metadata(self, kind: str, namespace: str | None, name: str) -> Object | None:
        """An object's metadata: the API server sends nothing else of it. None: there is none.

        Raises ApiError.
        """
        path = KINDS[kind].path(namespace, name)
        try:
            found = await self._ask("GET", path, accept=METADATA)
        except NotFound:
            return None
        metadata: Object = found["metadata"]
        return metadata

    async def items(
        self, kind: str, namespace: str | None, labels: str = "", fields: str = ""
    ) -> list[Object]:
        """All objects with these labels and fields, as they were at one moment. Raises ApiError."""
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        query = {name: value for name, value in selectors.items() if value}
        for _ in range(LISTS_BEGUN_MAX - 1):
            try:
                return [each async for each in self._pages(KINDS[kind], namespace, query)]
            except Gone:
                continue
        return [each async for each in self._pages(KINDS[kind], namespace, query)]

    async def _pages(
        self, kind: Kind, namespace: str | None, selectors: dict[str, str]
    ) -> AsyncIterator[Object]:
        query = {"limit": str(LIST_PAGE), **selectors}
        while True:
            page = await self._ask("GET", kind.path(namespace), query)
            for item in page["items"]:
                # An item of a list does not say what it is: its list does.
                yield {"apiVersion": kind.api_version, "kind": kind.name, **item}
            following = page["metadata"].get("continue")
            if not following:
                return
            query["continue"] = following

    async def apply(self, body: Object) -> Object:
        """Have the object be like this in all that `body` says. What it is then.

        Raises ApiError; where the body says its uid or version, Conflict if it has another.
        """
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._ask("PATCH", _path(body), query, body, APPLY_PATCH)

    async def apply_status(self, body: Object) -> Object:
        """Have the object's status be the body's, if there is the object still. Raises ApiError.

        `metadata.uid` must be in the body, so that a status does not go to another object of the
        same name, nor make one.
        """
        assert "uid" in body["metadata"]
        query = {"fieldManager": STATUS_FIELD_MANAGER, "force": "true"}
        return await self._ask("PATCH", f"{_path(body)}/status", query, body, APPLY_PATCH)

    async def merge(self, kind: str, namespace: str, name: str, patch: Object) -> Object:
        """Change these members of an object (RFC 7386). Raises ApiError."""
        query = {"fieldManager": FIELD_MANAGER}
        path = KINDS[kind].path(namespace, name)
        return await self._ask("PATCH", path, query, patch, MERGE_PATCH)

    async def create(self, body: Object) -> Object:
        """Make the object. Raises Conflict where there is one of that name, and ApiError."""
        metadata = body["metadata"]
        path = kind_of(body).path(metadata["namespace"])
        return await self._ask("POST", path, {"fieldManager": FIELD_MANAGER}, body)

    async def replace(self, body: Object) -> Object:
        """Have the object be exactly this. Raises Conflict if it has another version by now."""
        assert "resourceVersion" in body["metadata"]
        return await self._ask("PUT", _path(body), {"fieldManager": FIELD_MANAGER}, body)

    async def delete(
        self,
        kind: str,
        namespace: str,
        name: str,
        uid: str,
        *,
        orphan: bool = False,
        at_once: bool = False,
    ) -> None:
        """Delete this very object. None of that uid: it is done.

        `orphan`: its children stay. `at_once`: a pod goes though nobody has ended it. Raises
        ApiError.
        """
        options: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Orphan" if orphan else "Background",
        }
        if at_once:
            options["gracePeriodSeconds"] = 0
        try:
            await self._ask("DELETE", KINDS[kind].path(namespace, name), {}, options)
        except (NotFound, Conflict):
            return

    async def evict(self, namespace: str, name: str, uid: str) -> None:
        """Have this very pod go, as far as budgets allow it. None of that uid: it has gone.

        Raises TooManyRequests where a budget does not allow it now, and ApiError.
        """
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        path = f"{KINDS['Pod'].path(namespace, name)}/eviction"
        try:
            await self._ask("POST", path, {}, body)
        except (NotFound, Conflict):
            return

    async def knows(self, kind: str) -> bool:
        """Whether the API server has this kind, so its definition too. Raises ApiError."""
        wanted = KINDS[kind]
        try:
            found = await self._ask("GET", f"/apis/{wanted.api_version}")
        except NotFound:
            return False
        return any(each["name"] == wanted.plural for each in found["resources"])

    async def _ask(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Object | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Object:
        """The answer's JSON. Raises ApiError."""
        if method != "GET" and not self._may_write():
            raise LeaseInDoubt(0, "LeaseInDoubt", f"{method} {path}")
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept, "Content-Type": content_type, **self._connection.headers()}
        try:
            async with self._session.request(
                method,
                self._connection.address + path,
                params=query,
                data=sent,
                headers=headers,
                ssl=self._connection.tls,
            ) as answer:
                received = await answer.read()
                retry_after = answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
                self._connection.refused()
            raise Unavailable(0, "NoAnswer", f"{method} {path}: {error!r}") from error
        if answer.status == 401:
            self._connection.refused()
        if answer.status >= 400:
            raise error_of(answer.status, received, f"{method} {path}", retry_after)
        try:
            read: Object = json.loads(received)
        except ValueError as error:
            raise Unavailable(answer.status, "NotJson", f"{method} {path}") from error
        return read


def _path(body: Object) -> str:
    metadata = body["metadata"]
    return kind_of(body).path(metadata.get("namespace"), metadata["name"])
