"""What is wrong with a peer, said once in the log and not at every attempt.

Called by `links.py` and `server.py`: peers try again every second or two, and a pod of another
cluster would fill the disk. Invariant: what is remembered is bounded; beyond that nothing is said.
"""

from __future__ import annotations

import logging
import ssl

logger = logging.getLogger(__name__)

REMEMBERED_MAX = 1_000
ABSENT_SECONDS = 10.0


class Complaints:
    """Says each reason once for each peer, and again after the peer has been well."""

    def __init__(self) -> None:
        self._said: dict[str, set[str]] = {}
        self._absent: dict[str, float] = {}  # by peer: since when, in monotonic seconds
        self._count = 0

    def say(self, peer: str, reason: str) -> None:
        """Log that something is wrong with a peer."""
        reasons = self._said.setdefault(peer, set())
        if reason in reasons or self._count >= REMEMBERED_MAX:
            return
        reasons.add(reason)
        self._count += 1
        logger.error("%s: %s", peer, reason)

    def absent(self, peer: str, reason: str, now: float) -> None:
        """Nobody listens at a peer's address: said when it lasts, since processes start again.

        `now` is monotonic, in seconds.
        """
        if len(self._absent) >= REMEMBERED_MAX and peer not in self._absent:
            return
        if now - self._absent.setdefault(peer, now) >= ABSENT_SECONDS:
            self.say(peer, reason)

    def well(self, peer: str) -> None:
        """The peer is as it should be."""
        self._count -= len(self._said.pop(peer, ()))
        self._absent.pop(peer, None)


def say_failed_handshakes(context: ssl.SSLContext, complaints: Complaints) -> None:
    """Complain of every TLS handshake that fails under `context`, on either side.

    Event loops drop such connections without a word to the log, and without the alert that would
    tell the other side why. Here the alert leaves first: the handshake seems to want more, and ends
    when the other side, which now knows, hangs up, or by its timeout.
    """

    class Handshake(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                peer = self.server_hostname or "somebody"
                complaints.say(peer, f"the TLS handshake failed: {error}")
                if "ALERT" in (error.reason or ""):
                    raise  # The other side knows: it has said so.
                raise ssl.SSLWantReadError from error

    context.sslobject_class = Handshake
