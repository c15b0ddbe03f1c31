"""A file that is replaced, written to or gone is seen without being read."""

from __future__ import annotations

import os
from pathlib import Path

from stator_node.gateway.door_files import DoorFiles


def test_a_change_of_either_file_is_seen(tmp_path: Path) -> None:
    files = DoorFiles(tmp_path / "tls.crt", tmp_path / "tls.key")
    seen = [files.signature()]
    files.certificate.write_bytes(b"one")
    seen.append(files.signature())
    files.key.write_bytes(b"one")
    seen.append(files.signature())
    # As long and as old as the one before, but another file.
    other = tmp_path / "other"
    other.write_bytes(b"two")
    state = files.key.stat()
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(files.key)
    seen.append(files.signature())

    assert len(set(seen)) == len(seen)
    assert files.signature() == seen[-1]


def test_a_link_that_is_swapped_is_a_change(tmp_path: Path) -> None:
    """So a kubelet replaces all files of a Secret at once."""
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        for file in ("tls.crt", "tls.key"):
            (tmp_path / name / file).write_bytes(name.encode())
    data = tmp_path / "data"
    data.symlink_to("before")
    files = DoorFiles(data / "tls.crt", data / "tls.key")
    before = files.signature()

    data.unlink()
    data.symlink_to("after")

    assert files.signature() != before
