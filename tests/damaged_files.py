"""Databases on disk for tests to damage: made by real stores, killed or stopped, then bent.

Imported by tests/node and tests/faults. A store that is to be found as after a crash is made by a
process of its own that ends without closing it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

MAKE_AND_DIE = """
import os, sys
from pathlib import Path
from stator_node.storage.rocksdb import RocksItemStore
store = RocksItemStore(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    store.write([("items", b"key%05d" % number, b"value %05d " % number * 20)], sync=False)
store.sync()
os._exit(0)
"""
MAKE_SECONDS_MAX = 30.0


def crashed_database(path: Path, entries: int) -> Path:
    """A database whose `entries` are all synced and all still in its log."""
    command = [sys.executable, "-c", MAKE_AND_DIE, str(path), str(entries)]
    subprocess.run(command, check=True, timeout=MAKE_SECONDS_MAX)
    return path


def log_of(database: Path) -> Path:
    """The write-ahead log that holds something."""
    (log,) = [path for path in database.glob("*.log") if path.stat().st_size]
    return log


def manifest_of(database: Path) -> Path:
    return database / (database / "CURRENT").read_text().strip()


def copy_of(database: Path, target: Path) -> Path:
    """The same database at another place, to be damaged there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(database, target)
    return target


def flip(path: Path, offset: int, bit: int = 0) -> None:
    """Turn one bit of a file."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 1 << bit
    path.write_bytes(content)
