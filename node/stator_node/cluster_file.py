"""`cluster.json`: where the supervisor of a machine's cluster listens, and who its pods were.

In: what `local_zones.py` knows, written whenever it changes, in one step. Out: the same for
`stator cluster` (`cluster_command.py`), which finds the supervisor by it, and for the next start,
which knows by it whose folder was emptied meanwhile. Invariant: a reader sees one whole version.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stator_node.transport.tls_files import TlsFiles

FILE_NAME = "cluster.json"


class ClusterFileRefused(Exception):
    """There is no such file, or nobody can read it; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A process of the cluster: what it calls itself, and where it listens."""

    name: str
    host: str
    port: int


@dataclass(slots=True)
class ClusterFile:
    """What the file says. `nodes` has the pod of each zone."""

    cluster_id: str
    supervisor: Place
    nodes: dict[str, Place] = field(default_factory=dict)
    tls: TlsFiles | None = None  # whoever speaks to them needs a certificate, too


def write(control: Path, content: ClusterFile) -> None:
    """Put the file into the folder `control`. Raises OSError."""
    temporary = control / f"{FILE_NAME}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(content), file, indent=2, default=str)
        file.write("\n")
    temporary.replace(control / FILE_NAME)


def read(control: Path) -> ClusterFile:
    """Read the file of the folder `control`. Raises ClusterFileRefused."""
    path = control / FILE_NAME
    try:
        members = json.loads(path.read_text(encoding="utf-8"))
        return ClusterFile(
            str(members["cluster_id"]),
            _place(members["supervisor"]),
            {str(zone): _place(place) for zone, place in members["nodes"].items()},
            _tls(members.get("tls")),
        )
    except FileNotFoundError:
        raise ClusterFileRefused(
            f"there is no {path}: `stator local --zones 3` writes it when it serves"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClusterFileRefused(f"{path} cannot be read: {error!r}") from None


def _tls(members: dict[str, str] | None) -> TlsFiles | None:
    if members is None:
        return None
    certificate, key, authority = (
        Path(members[name]) for name in ("certificate", "key", "authority")
    )
    return TlsFiles(certificate, key, authority, members.get("peer_name"))


def _place(members: dict[str, object]) -> Place:
    port = members["port"]
    if not isinstance(port, int):
        raise ValueError(f"no port: {port!r}")
    return Place(str(members["name"]), str(members["host"]), port)
