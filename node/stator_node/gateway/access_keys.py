"""Who may sign requests: access keys from a file, from the environment, or any key at all.

Read by `sigv4.py`, wired by `local.py`. A file holds either lines of `access_key_id
secret_access_key` (blank lines and `#` comments allowed) or JSON: a list of objects with AWS's
own member names `AccessKeyId`, `SecretAccessKey` and, optional, `SessionToken` and `Expiration`
(ISO 8601). A changed file is taken over while running; one that cannot be read changes nothing.
Invariant: `generation` grows whenever the set of keys changed, so caches know.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ENVIRONMENT_VARIABLE: Final = "STATOR_ACCESS_KEYS"
RELOAD_SECONDS: Final = 1.0
FILE_BYTES_MAX: Final = 16 * 1_048_576

log = logging.getLogger(__name__)


class AccessKeysRefused(Exception):
    """The file or the variable cannot be understood; the text says where, never a secret."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One key pair; temporary ones also have a token and, maybe, an end."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expiration: float | None = None  # seconds since the epoch


class AccessKeys:
    """The keys known now. Make one with `any_key`, `from_file`, `from_environment` or `load`."""

    def __init__(self, keys: Mapping[str, AccessKey] | None, path: Path | None = None) -> None:
        self.accepts_any = keys is None
        self.generation = 0
        self._keys: Mapping[str, AccessKey] = keys or {}
        self._path = path
        self._stamp = _stamp(path) if path is not None else None
        self._warned = False
        if path is not None:
            self._warn_about_permissions(path)

    @classmethod
    def any_key(cls) -> AccessKeys:
        """Every access key is taken and, as no secret is known, no signature is verified."""
        return cls(None)

    @classmethod
    def from_file(cls, path: Path) -> AccessKeys:
        """The keys of a file. Raises AccessKeysRefused."""
        return cls(_read(path), path)

    @classmethod
    def from_environment(cls, text: str) -> AccessKeys:
        """The keys of `id:secret,id2:secret2`. Raises AccessKeysRefused."""
        return cls(parse_environment(text))

    @classmethod
    def load(cls, path: Path | None, environment: Mapping[str, str]) -> AccessKeys:
        """The file if there is one, else the variable, else any key. Raises AccessKeysRefused."""
        if path is not None:
            return cls.from_file(path)
        text = environment.get(ENVIRONMENT_VARIABLE, "")
        return cls.from_environment(text) if text.strip() else cls.any_key()

    def find(self, access_key_id: str) -> AccessKey | None:
        """The key of that id, or None."""
        return self._keys.get(access_key_id)

    def reload(self) -> None:
        """Take over the file if it changed. Costs one `stat`; callers do it once a second."""
        if self._path is None:
            return
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            keys = _read(self._path)
        except AccessKeysRefused as refused:
            # A half-written file must not lock everybody out.
            log.error("access keys unchanged: %s", refused)
            return
        self._warn_about_permissions(self._path)
        self._keys = keys
        self.generation += 1
        log.info("access keys reloaded from %s: %d", self._path, len(keys))

    def _warn_about_permissions(self, path: Path) -> None:
        mode = path.stat().st_mode if path.exists() else 0
        # A group may: Kubernetes gives a pod's Secrets to the group of its volumes.
        if mode & 0o007 and not self._warned:
            self._warned = True
            log.warning("%s can be read by others (mode %o)", path, mode & 0o777)


def parse_environment(text: str) -> dict[str, AccessKey]:
    """Keys of `id:secret,id2:secret2`; a secret may hold colons. Raises AccessKeysRefused."""
    keys: dict[str, AccessKey] = {}
    for number, pair in enumerate(text.split(","), 1):
        if not pair.strip():
            continue
        access_key_id, colon, secret = pair.strip().partition(":")
        if not colon:
            raise AccessKeysRefused(f"{ENVIRONMENT_VARIABLE}, entry {number}: no colon")
        _add(keys, AccessKey(access_key_id, secret), f"{ENVIRONMENT_VARIABLE}, entry {number}")
    return keys


def parse_file(text: str, name: str) -> dict[str, AccessKey]:
    """Keys of a file's text, lines or JSON; `name` is for messages. Raises AccessKeysRefused."""
    if text.lstrip().startswith(("[", "{")):
        return _parse_json(text, name)
    keys: dict[str, AccessKey] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2:
            raise AccessKeysRefused(f"{name}, line {number}: not `access_key_id secret_access_key`")
        _add(keys, AccessKey(words[0], words[1]), f"{name}, line {number}")
    return keys


def _parse_json(text: str, name: str) -> dict[str, AccessKey]:
    try:
        entries = json.loads(text)
    except ValueError:
        raise AccessKeysRefused(f"{name}: not JSON") from None
    keys: dict[str, AccessKey] = {}
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
        where = f"{name}, entry {number}"
        if not isinstance(entry, dict):
            raise AccessKeysRefused(f"{where}: not an object")
        key = AccessKey(
            _text(entry, "AccessKeyId", where),
            _text(entry, "SecretAccessKey", where),
            _text(entry, "SessionToken", where) if entry.get("SessionToken") else None,
            _expiration(entry, where),
        )
        _add(keys, key, where)
    return keys


def _text(entry: dict[str, Any], member: str, where: str) -> str:
    value = entry.get(member)
    if not isinstance(value, str):
        raise AccessKeysRefused(f"{where}: {member} is not a string")
    return value


def _expiration(entry: dict[str, Any], where: str) -> float | None:
    if entry.get("Expiration") is None:
        return None
    try:
        moment = datetime.fromisoformat(_text(entry, "Expiration", where))
    except ValueError:
        raise AccessKeysRefused(f"{where}: Expiration is not ISO 8601") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def _add(keys: dict[str, AccessKey], key: AccessKey, where: str) -> None:
    if not key.access_key_id or not key.secret_access_key:
        raise AccessKeysRefused(f"{where}: an empty access key id or secret")
    if set(key.access_key_id) & set("/, \t\r\n"):
        raise AccessKeysRefused(f"{where}: an access key id has no slashes, commas or blanks")
    if key.access_key_id in keys:
        raise AccessKeysRefused(f"{where}: {key.access_key_id} is there twice")
    keys[key.access_key_id] = key


def _read(path: Path) -> dict[str, AccessKey]:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise AccessKeysRefused(f"{path}: over {FILE_BYTES_MAX} bytes")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise AccessKeysRefused(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AccessKeysRefused(f"{path}: not UTF-8") from None
    return parse_file(text, str(path))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    # Follows symbolic links: a mounted Kubernetes Secret changes by swapping one.
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
