"""`stator drain`: have the storage pod in which it runs hand over what it leads.

What a preStop hook runs, before the pod is told to end. In: settings of the command line, from
`__main__.py`. It asks the pod's own health port (`health.py`) and waits. Returns 0, or 1 with the
reason on standard error: a pod that cannot be drained is ended all the same, and its peers elect.
"""

from __future__ import annotations

import http.client
import sys

from stator_node.cli import DrainSettings

DRAIN_SECONDS_MAX = 30.0


def run(settings: DrainSettings) -> int:
    """Ask, wait, and say how it went by the exit code."""
    connection = http.client.HTTPConnection(
        "localhost", settings.health_port, timeout=DRAIN_SECONDS_MAX
    )
    try:
        connection.request("POST", "/drain")
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        print(
            f"stator: the pod on health port {settings.health_port} cannot be drained: {error}",
            file=sys.stderr,
        )
        return 1
    finally:
        connection.close()
    if answer.status != 200:
        print(f"stator: the pod refuses to be drained: {text}", file=sys.stderr)
        return 1
    return 0
