"""Bring the CustomResourceDefinitions of a cluster to what this image knows: `python -m`.

In: the cluster, as the pod's ServiceAccount or KUBECONFIG leads to it. Out: three server-side
applies, and a wait until the API server serves them. Run by the chart before everything else, at
install and at upgrade, since Helm itself never changes a definition. May be run at any time by
anybody: it changes nothing where nothing differs, and no object.

Exit codes: 0 done; 1 not done, with the reason.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from stator_operator.custom_resources import RESOURCES
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_connection import Connection, NoCluster
from stator_operator.kubernetes_errors import ApiError
from stator_operator.kubernetes_kinds import Object

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
LOOKS_MAX = 300


class NotServed(Exception):
    """The API server has a definition and does not serve it; the text says why."""


async def apply_crds(api: KubernetesApi) -> None:
    """Apply all definitions, and wait until they are served. Raises ApiError, NotServed."""
    for resource in RESOURCES:
        body = resource.definition()
        name = body["metadata"]["name"]
        await api.apply(body)
        for _ in range(LOOKS_MAX):
            reason = why_not_served(await api.get(body["kind"], None, name))
            if reason is None:
                break
            await asyncio.sleep(LOOK_SECONDS)
        else:
            raise NotServed(f"{name} is not served: {reason}")
        logger.info("%s is up to date", name)


def why_not_served(found: Object | None) -> str | None:
    """Why the API server does not serve a definition; None: it does."""
    if found is None:
        return "somebody has deleted it"
    conditions = {each["type"]: each for each in found.get("status", {}).get("conditions", ())}
    for wanted in ("NamesAccepted", "Established"):
        condition = conditions.get(wanted)
        if condition is None or condition["status"] != "True":
            return "not looked at yet" if condition is None else str(condition["message"])
    return None


async def _run() -> None:
    api = KubernetesApi(Connection())
    try:
        await apply_crds(api)
    finally:
        await api.close()


def main() -> int:
    """Do it. The exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        asyncio.run(_run())
    except (ApiError, NoCluster, NotServed) as error:
        print(f"stator: the definitions were not applied: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
