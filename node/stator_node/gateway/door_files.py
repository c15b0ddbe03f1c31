"""The files of the certificate that clients are shown, as the command line names them.

Apart from `door_certificate.py`, which reads them: a command line is read without gRPC.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DoorFiles:
    """PEM files: a certificate with what leads to its authority, and its key."""

    certificate: Path
    key: Path

    def signature(self) -> tuple[object, ...]:
        """Differs whenever a file has been replaced or written to."""
        states: list[object] = []
        for path in (self.certificate, self.key):
            try:
                found = path.stat()
            except OSError as error:
                states.append(type(error).__name__)
            else:
                states.append((found.st_ino, found.st_size, found.st_mtime_ns))
        return tuple(states)
