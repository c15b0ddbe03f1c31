"""A pretended Kubernetes API on a port of loopback: objects, versions, watches, and bad days.

It keeps what it is given by kind, namespace and name; knows versions, generations, uids and their
preconditions, statuses apart from specs, server-side apply as a merge of members, evictions, watch
streams and pages of lists. It knows no schema and no owner of a field: that is for the real API
server in tests/kubernetes. `answers` and `happens` make the bad days; `writes` is what was asked.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import kopf
from aiohttp import web

from stator_operator.kubernetes_api import MERGE_PATCH, METADATA
from stator_operator.kubernetes_connection import Connection
from stator_operator.kubernetes_kinds import KINDS, Kind

Object = dict[str, Any]
Name = tuple[str, str, str]  # plural, namespace, name

PAGE = 3  # of a list, so that there are several
# What kopf looks for besides, though it is told to use none of it.
KNOWN = (
    *KINDS.values(),
    Kind("Namespace", "v1", "namespaces"),
    Kind("Event", "v1", "events"),
    Kind("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: what it was for. `part`: the subresource."""

    method: str
    plural: str
    namespace: str
    name: str
    part: str
    token: str = ""  # what the asker showed
    sent: Object = field(default_factory=dict, compare=False)
    is_of_metadata: bool = False  # whether nothing else of the object is asked for

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    @property
    def is_of_work(self) -> bool:
        """Whether it is one of the writes that a reconcile makes."""
        return self.is_write and self.plural != "leases"


@dataclass
class PretendedApi:
    """The API server. `answers`: what it says to a request instead of doing it, or None."""

    answers: Callable[[Asked], web.Response | None] = lambda _: None
    happens: Callable[[Asked], None] = lambda _: None  # after a write was carried out
    known: tuple[str, ...] = tuple(kind.name for kind in KNOWN)  # which kinds it has
    objects: dict[Name, Object] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    log: list[tuple[str, Object]] = field(default_factory=list)  # what watches tell, in order
    is_mute: bool = False  # watches stay open and tell nothing
    oldest: int = 0  # the version before which nothing can be gone on from
    streams: set[asyncio.Task[Any]] = field(default_factory=set)
    versions: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    port: int = 0
    tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> PretendedApi:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut_watches()
        await self._runner.cleanup()

    def connection(self) -> Connection:
        return Connection(lambda: kopf.ConnectionInfo(server=f"http://127.0.0.1:{self.port}"))

    @property
    def writes(self) -> list[Asked]:
        return [each for each in self.asked if each.is_of_work]

    # What tests and Kubernetes' own controllers do.

    def put(self, body: Object) -> Object:
        """Have this object; its generation grows where its spec changes."""
        name = _name_of(body)
        before = self.objects.get(name)
        body = copy.deepcopy(body)
        metadata = body["metadata"]
        version = next(self.versions)
        metadata["resourceVersion"] = str(version)
        if before is None:
            metadata.setdefault("uid", f"uid-{version}")
            metadata["generation"] = 1
        else:
            changed = before.get("spec") != body.get("spec")
            metadata.setdefault("uid", before["metadata"]["uid"])
            metadata["generation"] = before["metadata"]["generation"] + changed
        self.objects[name] = body
        self.log.append(("ADDED" if before is None else "MODIFIED", body))
        return body

    def remove(self, plural: str, namespace: str, name: str) -> None:
        body = self.objects.pop((plural, namespace, name))
        body["metadata"]["resourceVersion"] = str(next(self.versions))
        self.log.append(("DELETED", body))

    def of(self, kind: str) -> list[Object]:
        return [body for body in self.objects.values() if body["kind"] == kind]

    def cut_watches(self) -> None:
        """Every stream ends in the middle, as when a connection breaks."""
        for task in self.streams:
            task.cancel()

    # What it answers.

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        root, rest = (parts[:2], parts[2:]) if parts[0] == "api" else (parts[:3], parts[3:])
        if not rest or parts == ["apis"]:
            return _discovery(parts, self.known)
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        plural, name, part = (*rest, "", "")[:3]
        kind = next(k for k in KINDS.values() if k.path(None) == "/" + "/".join([*root, plural]))
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        sent = json.loads(await request.read() or b"{}")
        only = METADATA in request.headers["Accept"]
        asked = Asked(request.method, plural, namespace, name, part, token, sent, only)
        self.asked.append(asked)
        said = self.answers(asked)
        if said is not None:
            return said
        answer = await self._answer(request, asked, kind)
        if asked.is_write:
            self.happens(asked)
        return answer

    async def _answer(self, request: web.Request, asked: Asked, kind: Kind) -> web.StreamResponse:
        name = (asked.plural, asked.namespace, asked.name)
        sent = asked.sent
        match asked.method, asked.part:
            case "GET", _ if asked.name:
                found = self.objects.get(name)
                if found is None:
                    return refusal(404, "NotFound")
                return web.json_response(_of_metadata(found) if asked.is_of_metadata else found)
            case "GET", _ if request.query.get("watch"):
                return await self._watch(request, asked, kind)
            case "GET", _:
                return self._list(request, asked, kind)
            case "POST", "eviction":
                return self._delete(name, sent["deleteOptions"]["preconditions"]["uid"])
            case "POST", _:
                name = (asked.plural, asked.namespace, sent["metadata"]["name"])
                if name in self.objects:
                    return refusal(409, "AlreadyExists")
                return web.json_response(self.put(sent))
            case "PUT", _:
                present = self.objects.get(name)
                version = sent["metadata"]["resourceVersion"]
                if present is None or present["metadata"]["resourceVersion"] != version:
                    return refusal(409, "Conflict")
                return web.json_response(self.put(sent))
            case "DELETE", _:
                return self._delete(name, sent["preconditions"]["uid"])
            case _:
                if request.content_type == MERGE_PATCH and name not in self.objects:
                    return refusal(404, "NotFound")
                return self._patch(name, asked.part, sent)

    def _patch(self, name: Name, part: str, sent: Object) -> web.Response:
        present = self.objects.get(name)
        if present is None and part:
            return refusal(404, "NotFound")
        uid = sent.get("metadata", {}).get("uid")
        version = sent.get("metadata", {}).get("resourceVersion")
        if present is not None and uid not in (None, present["metadata"]["uid"]):
            return refusal(409, "Conflict")
        if present is not None and version not in (None, present["metadata"]["resourceVersion"]):
            return refusal(409, "Conflict")
        if part == "status":
            assert present is not None
            made = {**present, "status": sent["status"]}
        else:
            made = merged(present or {}, sent)
        changed = made if made == present else self.put(made)
        if "deletionTimestamp" in changed["metadata"] and not changed["metadata"].get("finalizers"):
            self.remove(*name)
        return web.json_response(changed)

    def _delete(self, name: Name, uid: str) -> web.Response:
        found = self.objects.get(name)
        if found is None:
            return refusal(404, "NotFound")
        if found["metadata"]["uid"] != uid:
            return refusal(409, "Conflict")
        if found["metadata"].get("finalizers"):
            ending = {**found["metadata"], "deletionTimestamp": "2026-11-20T12:00:00Z"}
            return web.json_response(self.put({**found, "metadata": ending}))
        self.remove(*name)
        return web.json_response(found)

    def _matches(self, request: web.Request, asked: Asked, body: Object) -> bool:
        labels = body["metadata"].get("labels", {})
        wanted = dict(
            pair.split("=") for pair in request.query.get("labelSelector", "").split(",") if pair
        )
        namespace = body["metadata"]["namespace"]
        field, _, value = request.query.get("fieldSelector", "").partition("=")
        if field and _at(body, field) != value:
            return False
        return asked.namespace in ("", namespace) and wanted.items() <= labels.items()

    def _list(self, request: web.Request, asked: Asked, kind: Kind) -> web.Response:
        found = [
            body
            for (plural, _, _), body in sorted(self.objects.items())
            if plural == asked.plural and self._matches(request, asked, body)
        ]
        begin = int(request.query.get("continue", "0"))
        more = begin + PAGE < len(found) and "limit" in request.query
        end = begin + PAGE if more else len(found)
        items = [
            {name: value for name, value in body.items() if name not in ("kind", "apiVersion")}
            for body in found[begin:end]
        ]
        metadata = {"resourceVersion": str(next(self.versions))}
        if more:
            metadata["continue"] = str(end)
        head = {"kind": f"{kind.name}List", "apiVersion": kind.api_version}
        return web.json_response({**head, "metadata": metadata, "items": items})

    async def _watch(self, request: web.Request, asked: Asked, kind: Kind) -> web.StreamResponse:
        """What has happened since a version, and goes on happening."""
        stream = web.StreamResponse()
        await stream.prepare(request)
        since = int(request.query.get("resourceVersion", "0"))
        if since < self.oldest:
            gone = {"kind": "Status", "apiVersion": "v1", "code": 410, "reason": "Expired"}
            await stream.write(json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n")
            return stream
        task = asyncio.current_task()
        assert task is not None
        self.streams.add(task)
        told = 0
        try:
            while True:
                for type_, body in [] if self.is_mute else self.log[told:]:
                    is_new = int(body["metadata"]["resourceVersion"]) > since
                    if is_new and body["kind"] == kind.name:
                        if self._matches(request, asked, body):
                            line = json.dumps({"type": type_, "object": body})
                            await stream.write(line.encode() + b"\n")
                told = told if self.is_mute else len(self.log)
                await asyncio.sleep(0.005)
        finally:
            self.streams.discard(task)


def refusal(
    status: int, reason: str, message: str = "as asked for", **headers: str
) -> web.Response:
    """An answer as the API server refuses by."""
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status}
    return web.json_response(
        {**said, "reason": reason, "message": message}, status=status, headers=headers
    )


def merged(present: Object, sent: Object) -> Object:
    """The object with the members that were sent; lists are replaced, a null takes away."""
    made = copy.deepcopy(present)
    for name, value in sent.items():
        if value is None:
            made.pop(name, None)
            continue
        both = isinstance(value, dict) and isinstance(made.get(name), dict)
        made[name] = merged(made[name], value) if both else copy.deepcopy(value)
    return made


def _of_metadata(body: Object) -> Object:
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {**head, "metadata": body["metadata"]}


def _at(body: Object, path: str) -> Any:
    """The member at a path such as `spec.pool`."""
    found: Any = body
    for name in path.split("."):
        found = found.get(name, {})
    return found


def _name_of(body: Object) -> Name:
    metadata = body["metadata"]
    return KINDS[body["kind"]].plural, metadata["namespace"], metadata["name"]


def _discovery(parts: list[str], known: tuple[str, ...]) -> web.Response:
    """What kopf asks first: which groups, versions and resources there are."""
    groups: dict[str, set[str]] = {}
    for kind in KNOWN:
        if kind.name not in known:
            continue
        groups.setdefault(kind.group, set()).add(kind.version)
    if parts == ["api"]:
        return web.json_response({"versions": ["v1"]})
    if parts == ["apis"]:
        named = [
            {
                "name": group,
                "versions": [{"groupVersion": f"{group}/{v}", "version": v} for v in versions],
                "preferredVersion": {"version": min(versions)},
            }
            for group, versions in sorted(groups.items())
            if group
        ]
        return web.json_response({"groups": named})
    version = "/".join(parts[1:])
    verbs = ["get", "list", "watch", "create", "patch", "update", "delete"]
    resources = [
        {"name": k.plural, "kind": k.name, "singularName": "", "namespaced": True, "verbs": verbs}
        for k in KNOWN
        if k.api_version == version and k.name in known
    ]
    if not resources:
        return refusal(404, "NotFound")
    return web.json_response({"groupVersion": version, "resources": resources})
