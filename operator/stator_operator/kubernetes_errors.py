"""What the Kubernetes API may answer instead of doing what was asked, as exceptions.

In: a status and a body, from `kubernetes_api.py`. Out: the exception that says what can be done
about it. Caught by those who ask, and in the end by `work_queue.py`, which tries again.

Kubernetes: "Kubernetes API Concepts"; the reasons are those of `metav1.Status`.
"""

from __future__ import annotations

import json
import re
from typing import Final


class ApiError(Exception):
    """The API server refused, or did not answer. `status` is its HTTP status, 0 for no answer."""

    def __init__(self, status: int, reason: str, message: str, retry_seconds: float = 0.0) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_seconds = retry_seconds  # before which it does not want to be asked again


class NotFound(ApiError):
    """404: there is no such object, or no such kind."""


class Conflict(ApiError):
    """409: it is not what it was taken for: another version, another uid, there already."""


class Gone(ApiError):
    """410: what the request goes on from is too old."""


class Refused(ApiError):
    """400, 403, 413, 422: this object will not be taken, however often it is sent."""


class RoleLacksRule(Refused):
    """403 of RBAC: the operator's role does not say that it may. The API's words say what."""


class TooManyRequests(ApiError):
    """429: later; of an eviction: a budget does not allow it now."""


class LeaseInDoubt(ApiError):
    """Nothing was asked: another operator may be at work, so this one writes no more."""


class Unavailable(ApiError):
    """The API server did not answer, or failed. Whether the request was carried out is open."""


# What the authorizer of RBAC says in each of its refusals; those of quotas and policies do not.
_BY_ROLE: Final = re.compile(r" is forbidden: User .* cannot \w+ resource ")

_ERRORS: Final[dict[int, type[ApiError]]] = {
    400: Refused,
    403: Refused,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: Refused,
    422: Refused,
    429: TooManyRequests,
}


def error_of(status: int, received: bytes, asked: str, retry_after: str) -> ApiError:
    """The exception of an answer. The API server's `Status` says why; a proxy's page does not."""
    try:
        said = json.loads(received)
        reason, message = str(said.get("reason", "")), str(said.get("message", ""))
    except (ValueError, AttributeError):
        reason, message = "", received[:200].decode(errors="replace")
    seconds = float(retry_after) if retry_after.isdecimal() else 0.0
    made = _ERRORS.get(status, Unavailable)
    if status == 403 and _BY_ROLE.search(message):
        made = RoleLacksRule
    return made(status, reason, f"{message} ({asked})", seconds)
