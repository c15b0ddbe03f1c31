"""Volumes that know their zone and can grow: what a cloud's CSI driver does, as one small process.

Started by cluster.py: `python volumes.py CERTIFICATES ADDRESS PORT FOLDER`. A claim of a class with
our provisioner gets a folder below FOLDER, as a volume that only nodes of one zone may use, or one
node alone, as the class says: that which the scheduler chose for the first pod. A released volume
of the policy Delete goes with its folder; a claim that asks for more gets it. Nobody holds a volume
to its size.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # started by its path, so that its own folder is where it would look
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from testbed.api import MERGE_PATCH, Api, Refused

PROVISIONER = "stator.dev/zonal-test-volumes"
ZONE = "topology.kubernetes.io/zone"
MACHINE = "kubernetes.io/hostname"
BOUND_TO = "boundTo"  # a class's parameter: the label of nodes that a volume stays with
LOOK_SECONDS = 0.4
CORE = "/api/v1"

Object = dict[str, Any]


def storage_class(name: str, *, default: bool = True, bound_to: str = ZONE) -> Object:
    """A class of such volumes; with `MACHINE`, of those that are lost with theirs."""
    default_class = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": default_class},
        "provisioner": PROVISIONER,
        "parameters": {BOUND_TO: bound_to},
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
        "reclaimPolicy": "Delete",
    }


class Volumes:
    """Looks at all claims and volumes again and again; a round may be broken off anywhere."""

    def __init__(self, api: Api, folder: Path) -> None:
        self._api = api
        self._folder = folder

    def look(self) -> None:
        """One round. Raises Refused, OSError."""
        classes = {
            found["metadata"]["name"]: found
            for found in self._list("/apis/storage.k8s.io/v1/storageclasses")
            if found["provisioner"] == PROVISIONER
        }
        volumes = {
            found["metadata"]["name"]: found
            for found in self._list(f"{CORE}/persistentvolumes")
            if found["spec"].get("storageClassName") in classes
        }
        for claim in self._list(f"{CORE}/persistentvolumeclaims"):
            of_class = classes.get(claim["spec"].get("storageClassName", ""))
            if of_class and "deletionTimestamp" not in claim["metadata"]:
                self._serve(claim, of_class, volumes)
        for volume in volumes.values():
            self._reclaim(volume)

    def _list(self, path: str) -> list[Object]:
        items: list[Object] = self._api.request("GET", path)["items"]
        return items

    def _serve(self, claim: Object, of_class: Object, volumes: dict[str, Object]) -> None:
        name = f"claim-{claim['metadata']['uid']}"
        wanted = claim["spec"]["resources"]["requests"]["storage"]
        annotations = claim["metadata"].get("annotations", {})
        node = annotations.get("volume.kubernetes.io/selected-node")
        if "volumeName" not in claim["spec"]:
            if node and name not in volumes:
                self._provide(name, claim, of_class, node)
            return
        has = claim["status"].get("capacity", {}).get("storage")
        if claim["status"].get("phase") == "Bound" and has != wanted:
            self._grow(claim, wanted)

    def _provide(self, name: str, claim: Object, of_class: Object, node: str) -> None:
        label = of_class["parameters"][BOUND_TO]
        value = self._api.request("GET", f"{CORE}/nodes/{node}")["metadata"]["labels"][label]
        place = self._folder / name
        place.mkdir(exist_ok=True)
        in_place = {"key": label, "operator": "In", "values": [value]}
        metadata = claim["metadata"]
        reference = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            **{key: metadata[key] for key in ("name", "namespace", "uid")},
        }
        provided_by = {"pv.kubernetes.io/provisioned-by": PROVISIONER}
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name, "annotations": provided_by},
            "spec": {
                "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
                "accessModes": claim["spec"]["accessModes"],
                "persistentVolumeReclaimPolicy": of_class["reclaimPolicy"],
                "storageClassName": of_class["metadata"]["name"],
                "claimRef": reference,
                # Not hostPath: the kubelet gives a volume of this kind to the pod's fsGroup.
                "local": {"path": str(place)},
                "nodeAffinity": {
                    "required": {"nodeSelectorTerms": [{"matchExpressions": [in_place]}]}
                },
            },
        }
        self._api.request("POST", f"{CORE}/persistentvolumes", volume)

    def _grow(self, claim: Object, wanted: str) -> None:
        capacity = {"capacity": {"storage": wanted}}
        volume = f"{CORE}/persistentvolumes/{claim['spec']['volumeName']}"
        self._api.request("PATCH", volume, {"spec": capacity}, MERGE_PATCH)
        at = f"namespaces/{claim['metadata']['namespace']}/persistentvolumeclaims"
        status = f"{CORE}/{at}/{claim['metadata']['name']}/status"
        self._api.request("PATCH", status, {"status": capacity}, MERGE_PATCH)

    def _reclaim(self, volume: Object) -> None:
        metadata = volume["metadata"]
        if volume["status"].get("phase") != "Released" or "deletionTimestamp" in metadata:
            return
        if volume["spec"]["persistentVolumeReclaimPolicy"] != "Delete":
            return
        place = Path(volume["spec"]["local"]["path"])
        if place.parent == self._folder and place.exists():
            shutil.rmtree(place)
        self._api.request("DELETE", f"{CORE}/persistentvolumes/{metadata['name']}")


def main() -> None:
    """Look until killed; an API server that is away ends nothing."""
    certificates, address, port, folder = sys.argv[1:]
    volumes = Volumes(Api(Path(certificates), address, int(port)), Path(folder))
    while True:
        try:
            volumes.look()
        except (Refused, OSError) as failure:
            print(failure, flush=True)
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
