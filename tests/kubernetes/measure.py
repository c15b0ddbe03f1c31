"""`make bench-kubernetes`: the operator and a pool in a real cluster of three zones.

    make bench-kubernetes [QUICK=--quick]

Makes the cluster that these tests have, installs the chart, and measures: how long from `helm
install` to the first item; writes and strong reads a second, and the oldest thing that a strong
read saw, before and while every storage pod is replaced by a rolling change of the pool; with many
tables in the pool how long until all of them are Ready, what a look at a Table takes, how much the
operator writes when nothing changes, and its memory. Prints as it goes and, for a whole run, writes
benchmarks/results-kubernetes.md. Aims: no second below half of the middle one; no strong read that
is older than an answered write of the same client; an operator under 150 MB.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blackbox import boto3_client, wait_for
from clusters import load_average
from music_load import create_music
from report import QUIET, processor
from servers import ROOT
from testbed.chart import CHART, RELEASE, Helm
from testbed.cluster import STORAGE_CLASS, Cluster
from testbed.images import STATOR, stator_archive
from testbed.kubectl import Kubectl
from testbed.programs import program

NAMESPACE = "measured"
OWN = f"--namespace={NAMESPACE}"
POOL = "default"
REST_SECONDS = 60.0
CLIENTS = 4
READY_SECONDS = 600.0
FIGURE = re.compile(r"stator_operator_(\w+)(?:\{([^}]*)\})? (\S+)")


def values(pod_annotations: dict[str, str]) -> dict[str, Any]:
    """The chart's, for pods that have little of one machine."""
    small = {"requests": {"cpu": "20m", "memory": "64Mi"}}
    repository, _, tag = STATOR.rpartition(":")
    return {
        "image": {"repository": repository, "tag": tag},
        "operator": {"namespaces": [NAMESPACE], "podAnnotations": pod_annotations},
        "pool": {
            "spec": {
                "volume": {"size": "1Gi", "storageClassName": STORAGE_CLASS},
                "resources": small,
                "gateway": {"replicas": 1, "resources": small},
            }
        },
    }


@dataclass
class Clients:
    """Each writes a number to an item of its own and reads it back, strongly, on and on."""

    url: str
    keys: list[str]
    done: Counter[int] = field(default_factory=Counter)  # answered, by second
    errors: int = 0
    stale: int = 0

    def __post_init__(self) -> None:
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)
        ]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        client = boto3_client(self.url, *self.keys)
        name, written = {"pk": {"S": f"client-{number}"}}, 0
        for count in range(1, sys.maxsize):
            if self._ending.is_set():
                break
            try:
                client.put_item(TableName="Music", Item=name | {"n": {"N": str(count)}})
                written = count
                self.done[int(time.monotonic())] += 1
                found = client.get_item(TableName="Music", Key=name, ConsistentRead=True)
            except client.exceptions.ClientError:
                self.errors += 1
                continue
            self.done[int(time.monotonic())] += 1
            self.stale += int(found["Item"]["n"]["N"]) < written
        client.close()

    def seconds(self, begin: float, end: float) -> list[int]:
        """Answers in each whole second between two moments."""
        return [self.done[each] for each in range(int(begin) + 1, int(end))]


class Measured:
    """The cluster with the chart in it. What is measured is said at once and kept for the page."""

    def __init__(self, cluster: Cluster, home: Path) -> None:
        self.kubectl: Kubectl = cluster.kubectl
        self.helm = Helm(program("helm"), home, cluster.kubeconfig)
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        print(line, flush=True)
        self.lines.append(f"- {line}")

    def install(self) -> float:
        """Helm's part; seconds."""
        began = time.monotonic()
        words = ("upgrade", "--install", RELEASE, str(CHART), OWN, "--wait", "--timeout=5m")
        self.helm(*words, values=values({}))
        return time.monotonic() - began

    def keys(self) -> list[str]:
        secret = self.kubectl.get("secret", f"{POOL}-access-keys", OWN)
        text = base64.b64decode(secret["data"]["access-keys"]).decode()
        return next(line.split() for line in text.splitlines() if not line.startswith("#"))

    def first_item(self) -> None:
        began = time.monotonic()
        installed = self.install()
        wait_for(self._has_keys, "access keys", READY_SECONDS)
        self.kubectl("rollout", "status", f"deployment/{POOL}-gateway", OWN, "--timeout=300s",
                     seconds=310)  # fmt: skip
        with self.kubectl.forward(f"svc/{POOL}-gateway", 8000, NAMESPACE) as port:
            client = boto3_client(f"http://127.0.0.1:{port}", *self.keys())
            create_music(client)
            client.put_item(TableName="Music", Item={"pk": {"S": "first"}})
            client.close()
        self.say(
            f"`helm install` ends after {installed:.0f} s, the first item is in a table "
            f"{time.monotonic() - began:.0f} s after it began"
        )

    def _has_keys(self) -> bool | None:
        names = {each["metadata"]["name"] for each in self.kubectl.items("secrets", OWN)}
        return f"{POOL}-access-keys" in names or None

    def rolling(self, seconds: float) -> None:
        """Every storage pod is replaced, one after the other, under load."""
        self.kubectl.wait("condition=Ready", f"storagepool/{POOL}", OWN, seconds=READY_SECONDS)
        address = self.kubectl.get("service", f"{POOL}-gateway", OWN)["spec"]["clusterIP"]
        before = self._storage_pods()
        with Clients(f"http://{address}:8000", self.keys()) as clients:
            time.sleep(3.0)
            quiet = time.monotonic()
            time.sleep(seconds)
            changed = time.monotonic()
            patch = {"spec": {"resources": {"requests": {"cpu": "25m", "memory": "64Mi"}}}}
            self.kubectl("patch", "storagepool", POOL, OWN, "--type=merge",
                         f"--patch={json.dumps(patch)}")  # fmt: skip
            wait_for(
                lambda: True if not before & self._storage_pods() else None,
                "every storage pod is another",
                READY_SECONDS,
            )
            self.kubectl.wait("condition=Ready", f"storagepool/{POOL}", OWN, seconds=READY_SECONDS)
            ended = time.monotonic()
        plain, rolled = clients.seconds(quiet, changed), clients.seconds(changed, ended)
        middle = statistics.median(plain)
        self.say(
            f"{CLIENTS} clients, writes and strong reads: {middle:.0f} a second in the middle "
            f"second at rest, the worst one x{min(plain) / middle:.2f}"
        )
        below = sum(each < middle / 2 for each in rolled)
        self.say(
            f"while all storage pods are replaced, in {ended - changed:.0f} s: the middle second "
            f"x{statistics.median(rolled) / middle:.2f}, the worst one "
            f"x{min(rolled) / middle:.2f}, {below} of {len(rolled)} below half; "
            f"{clients.errors} errors, {clients.stale} strong reads older than the client's last "
            "answered write"
        )

    def _storage_pods(self) -> set[str]:
        selector = f"--selector=stator.dev/pool={POOL},app.kubernetes.io/component=storage"
        return {each["metadata"]["uid"] for each in self.kubectl.items("pods", selector, OWN)}

    def many_tables(self, count: int) -> None:
        began = time.monotonic()
        self.kubectl.apply(*(table(number) for number in range(count)), namespace=NAMESPACE)
        wait_for(lambda: self._ready_tables() >= count or None, "all tables are Ready", 1_800)
        self.say(f"{count} Tables applied at once are Ready after {time.monotonic() - began:.0f} s")
        time.sleep(REST_SECONDS / 4)  # What follows from the last of them.
        before, began = self._figures(), time.monotonic()
        time.sleep(REST_SECONDS)
        after, minutes = self._figures(), (time.monotonic() - began) / 60
        writes = after["api_writes_total"] - before["api_writes_total"]
        looks = after["reconcile_seconds_count"] - before["reconcile_seconds_count"]
        spent = after["reconcile_seconds_sum"] - before["reconcile_seconds_sum"]
        self.say(
            f"at rest with {count} tables: {writes / minutes:.1f} writes to the Kubernetes API a "
            f"minute, {looks / minutes:.0f} looks a minute of {1000 * spent / max(looks, 1):.1f} ms"
        )
        self.say(f"the operator's memory then: {self._memory() / 2**20:.0f} MB")

    def _ready_tables(self) -> int:
        return sum(
            any(
                each["type"] == "Ready" and each["status"] == "True"
                for each in table.get("status", {}).get("conditions", [])
            )
            for table in self.kubectl.items("tables.stator.dev", OWN)
        )

    def _operator_pod(self) -> str:
        selector = "--selector=app.kubernetes.io/component=operator"
        (pod,) = self.kubectl.items("pods", selector, OWN)
        name: str = pod["metadata"]["name"]
        return name

    def _figures(self) -> dict[str, float]:
        """The operator's figures, each summed up over its labels."""
        found: dict[str, float] = {}
        with (
            self.kubectl.forward(f"pod/{self._operator_pod()}", 8080, NAMESPACE) as port,
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer,
        ):
            for name, _, figure in FIGURE.findall(answer.read().decode()):
                found[name] = found.get(name, 0.0) + float(figure)
        return found

    def _memory(self) -> int:
        words = ("exec", self._operator_pod(), OWN, "--", "cat", "/proc/1/status")
        for line in self.kubectl(*words).splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1_024
        raise AssertionError("no figure of the operator's memory")


def table(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "stator.dev/v1alpha1",
        "kind": "Table",
        "metadata": {"name": f"table-{number}"},
        "spec": {
            "tableName": f"table-{number}",
            "pool": POOL,
            "attributeDefinitions": [{"attributeName": "pk", "attributeType": "S"}],
            "keySchema": [{"attributeName": "pk", "keyType": "HASH"}],
        },
    }


def markdown(lines: list[str], load_before: float) -> str:
    quiet = "" if load_before <= QUIET else " It was not quiet: read ratios, not figures."
    return "\n".join(
        [
            "# The operator and a pool in a cluster",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, {processor()}.",
            f"Load {load_before:.2f} before it.{quiet}",
            "The cluster is that of tests/kubernetes: three nodes, the control plane, all pods and",
            "the clients share this one machine. `make bench-kubernetes` measures it again.",
            "",
            *lines,
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="The operator and a pool in a real cluster")
    parser.add_argument("--quick", action="store_true", help="few tables, printed only")
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0, help="of load at rest")
    options = parser.parse_args()
    if options.quick:
        options.tables, options.seconds = 10, 8.0
    load_before = load_average()
    with tempfile.TemporaryDirectory(prefix="stator-bench-kubernetes-") as name:
        folder = Path(name)
        cluster = Cluster(folder / "cluster")
        cluster.start()
        try:
            stator_archive(folder / "stator.tar")
            cluster.load(folder / "stator.tar")
            with cluster.entered():
                cluster.kubectl("create", "namespace", NAMESPACE)
                measured = Measured(cluster, folder)
                measured.first_item()
                measured.rolling(options.seconds)
                measured.many_tables(options.tables)
        finally:
            cluster.end()
    page = markdown(measured.lines, load_before)
    print("\n" + page)
    if not options.quick:
        (ROOT / "benchmarks" / "results-kubernetes.md").write_text(page)


if __name__ == "__main__":
    main()
