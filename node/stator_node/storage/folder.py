"""The data folder: who may open it and which format it has.

    FOLDER/FORMAT     one JSON line: format version, a random folder id, time of creation, checksum
    FOLDER/LOCK       locked (flock) by the process that has the folder open; holds its process id
    FOLDER/rocksdb/   the database (`rocksdb.py`)

Opened by `local.py` and `verify.py` before anything else touches the folder. Invariant: two
processes never have one folder open, and a folder of a newer format is left untouched.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import uuid
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

FORMAT_VERSION = 1
# What a folder may hold before it has a FORMAT: our own beginnings, and what a file system puts
# into its root.
OWN_NAMES = frozenset(("LOCK", "FORMAT.new", "lost+found"))


class FolderRefused(Exception):
    """The folder cannot be used as it is; the text says why and what to do."""


class DataFolder:
    """A locked data folder. Use as a context manager, or call `close`."""

    def __init__(self, path: Path, *, create: bool, now: float) -> None:
        """Lock the folder and check its format, making it first if `create`.

        Raises FolderRefused. `now` (epoch seconds) is written into a new folder.
        """
        self.path = path
        self._lock: int | None = None
        try:
            if create:
                path.mkdir(parents=True, exist_ok=True)
            elif not path.is_dir():
                raise FolderRefused(f"there is no data folder at {path}")
            self._refuse_foreign(create=create)
        except OSError as error:
            raise FolderRefused(f"cannot use {path} as data folder: {error}") from error
        self._lock = self._acquire_lock()
        try:
            self.folder_id = self._check_format(now)
        except BaseException:
            self.close()
            raise

    @property
    def database_path(self) -> Path:
        return self.path / "rocksdb"

    def close(self) -> None:
        """Give the lock back. Safe to call twice."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> DataFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _refuse_foreign(self, *, create: bool) -> None:
        """Leave a folder alone that is somebody else's, before even a lock is put there."""
        if (self.path / "FORMAT").exists():
            return
        if self.database_path.exists():
            raise FolderRefused(
                f"{self.path} holds a database but no FORMAT file; it was damaged or is not "
                "Stator's. Restore FORMAT from a copy, or choose another folder"
            )
        if not create:
            raise FolderRefused(f"{self.path} is not a Stator data folder: no FORMAT file")
        for found in sorted(self.path.iterdir()):
            if found.name not in OWN_NAMES and not found.name.startswith("."):
                raise FolderRefused(
                    f"{self.path} is not a Stator data folder and not empty (it holds "
                    f"{found.name}); choose a new or an empty folder"
                )

    def _acquire_lock(self) -> int:
        lock_path = self.path / "LOCK"
        try:
            descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderRefused(f"cannot open {lock_path}: {error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise FolderRefused(
                f"the data folder {self.path} is in use by process {holder}; "
                "stop that process or choose another folder"
            ) from None
        os.ftruncate(descriptor, 0)
        # On a full disk the lock holds all the same; only its holder's name is missing.
        with contextlib.suppress(OSError):
            os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        return descriptor

    def _check_format(self, now: float) -> str:
        path = self.path / "FORMAT"
        try:
            return _read_format(path) if path.exists() else self._write_format(path, now)
        except OSError as error:
            raise FolderRefused(f"cannot use {path}: {error}") from error

    def _write_format(self, path: Path, now: float) -> str:
        folder_id = str(uuid.uuid4())
        content = {"format": FORMAT_VERSION, "folder_id": folder_id, "created": now}
        temporary = path.with_suffix(".new")
        with temporary.open("w", encoding="ascii") as file:
            file.write(sealed(content))
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        sync_directory(self.path)
        return folder_id


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable (a rename alone is not)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sealed(content: dict[str, object]) -> str:
    """One JSON line with a checksum of itself."""
    body = json.dumps(content, sort_keys=True)
    return json.dumps({**content, "crc32": zlib.crc32(body.encode("ascii"))}) + "\n"


def unsealed(path: Path) -> dict[str, Any]:
    """What such a line says. Raises FolderRefused for a damaged one, and OSError."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
        checksum = content.pop("crc32")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FolderRefused(f"{path} is damaged: {error}") from error
    if zlib.crc32(json.dumps(content, sort_keys=True).encode("ascii")) != checksum:
        raise FolderRefused(f"{path} is damaged: its checksum does not match")
    return content


def _read_format(path: Path) -> str:
    content = unsealed(path)
    try:
        version, folder_id = content["format"], content["folder_id"]
    except KeyError as error:
        raise FolderRefused(f"{path} is damaged: {error}") from error
    if version != FORMAT_VERSION:
        raise FolderRefused(
            f"{path.parent} has format {version}; this version of Stator reads and writes format "
            f"{FORMAT_VERSION}. Use the version that wrote it, or a newer one"
        )
    assert isinstance(folder_id, str)
    return folder_id
