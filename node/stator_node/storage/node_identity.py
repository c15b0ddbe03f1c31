"""Whose volume a storage pod has: the cluster, the zone and the node that its data is of.

    FOLDER/NODE   one JSON line: format version, cluster id, zone, node id, checksum

In: what a pod was told that it is, from `node_process.py`, before it looks at any data. Out:
nothing, or FolderRefused with what to do. A node is known by what lies on its volume and not by the
pod that has it: two volumes that were exchanged bring their nodes along. Invariant: what is of
another cluster, or of another zone, is left as it is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from stator_node.storage.folder import FolderRefused, sealed, sync_directory, unsealed

FILE_NAME = "NODE"
IDENTITY_VERSION = 1


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """`node_id` is the folder's own id: see `folder.py`."""

    cluster_id: str
    zone: str
    node_id: str


def take(path: Path, identity: NodeIdentity) -> None:
    """Take a folder for this node, or see that it is its. Raises FolderRefused.

    A folder that says nothing yet is new, or of a version that did not say it.
    """
    found = read(path)
    if found is None:
        _write(path, identity)
        return
    if found.node_id != identity.node_id:
        raise FolderRefused(
            f"{path} is put together of two: FORMAT is of node {identity.node_id}, {FILE_NAME} of"
            f" node {found.node_id}; restore both from one copy, or choose another folder"
        )
    if found.cluster_id != identity.cluster_id:
        raise FolderRefused(
            f"{path} is of cluster {found.cluster_id}, and this is cluster {identity.cluster_id}:"
            " its data is left alone; give the pod another volume, or this volume its own cluster"
        )
    if found.zone != identity.zone:
        raise FolderRefused(
            f"{path} is of zone {found.zone}, and this is zone {identity.zone}: two replicas of one"
            " partition could meet here; give the pod another volume, or bring this one back"
        )


def read(path: Path) -> NodeIdentity | None:
    """Whose folder it is; None: it does not say. Raises FolderRefused."""
    file = path / FILE_NAME
    try:
        if not file.exists():
            return None
        content = unsealed(file)
    except OSError as error:
        raise FolderRefused(f"cannot use {file}: {error}") from error
    if content.get("version") != IDENTITY_VERSION:
        raise FolderRefused(f"{file} is of a newer version of Stator; use that version")
    return NodeIdentity(content["cluster_id"], content["zone"], content["node_id"])


def _write(path: Path, identity: NodeIdentity) -> None:
    content: dict[str, object] = {
        "version": IDENTITY_VERSION,
        "cluster_id": identity.cluster_id,
        "zone": identity.zone,
        "node_id": identity.node_id,
    }
    temporary = path / f"{FILE_NAME}.new"
    try:
        with temporary.open("w", encoding="ascii") as file:
            file.write(sealed(content))
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path / FILE_NAME)
        sync_directory(path)
    except OSError as error:
        raise FolderRefused(f"cannot write {path / FILE_NAME}: {error}") from error
