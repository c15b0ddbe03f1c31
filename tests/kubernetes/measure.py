"""`make bench-kubernetes`: the operator and a pool in a real cluster of three zones.

    make bench-kubernetes [QUICK=--quick]

Makes the cluster that these tests have, installs the chart, and measures: how long from `helm
install` to the first item; writes and strong reads a second, and the oldest thing that a strong
read saw, before and while every storage pod is replaced by a rolling change of the pool; with many
tables in the pool how long until all of them are Ready, what a look at a Table takes, how much the
operator writes when nothing changes, and its memory; the same again when each table has been cut
into several partitions, with what supervisor and storage pods take of a processor then. Prints as
it goes and, for a whole run, writes benchmarks/results-kubernetes.md. Aims: no second below half of
the middle one; no strong read that is older than an answered write of the same client; an operator
under 150 MB.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import statistics
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blackbox import wait_for
from clusters import load_average
from gateways import TABLE, Gateway, create_table
from history_doors import Boto3Door, Heard
from pools import Pool
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
REST_SECONDS = 120.0
STILL_SECONDS = 30.0  # so long nothing must have been written before a rest is measured
STILL_SECONDS_MAX = 900.0
CLIENTS = 4
READY_SECONDS = 600.0
# Run in the supervisor's pod: `stator cluster split` of every table, again and again.
SPLITS = """
from concurrent.futures import ThreadPoolExecutor
from stator_node import cli, cluster_command


def split(name):
    settings = cli.parse(["cluster", "split", name, "{folder}"])
    for _ in range(5):
        try:
            return bool(cluster_command.ask(settings))
        except cluster_command.NotDone:
            pass
    return False


names = [f"table-{{number}}" for number in range({tables})]
with ThreadPoolExecutor(8) as pool:
    print(sum(sum(pool.map(split, names)) for _ in range({times})))
"""
FIGURE = re.compile(r"^stator_operator_(\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)


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

    gateway: Gateway
    done: Counter[int] = field(default_factory=Counter)  # answered, by second
    errors: Counter[str] = field(default_factory=Counter)
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
        door = Boto3Door(f"http://{self.gateway.http}", self.gateway.key)
        key, written = {"pk": {"S": f"client-{number}"}}, 0
        for count in itertools.count(1):
            if self._ending.is_set():
                break
            item = key | {"n": {"N": str(count)}}
            if self._answered(door.ask("PutItem", {"TableName": TABLE, "Item": item})):
                written = count
            if not written:
                continue
            body = {"TableName": TABLE, "Key": key, "ConsistentRead": True}
            found = door.ask("GetItem", body)
            if self._answered(found):
                self.stale += int(found.body["Item"]["n"]["N"]) < written
        door.close()

    def _answered(self, heard: Heard) -> bool:
        if heard.outcome != "ok":
            self.errors[heard.error] += 1
            return False
        self.done[int(time.monotonic())] += 1
        return True

    def seconds(self, begin: float, end: float) -> list[int]:
        """Answers in each whole second between two moments."""
        return [self.done[each] for each in range(int(begin) + 1, int(end))]


class Measured:
    """The cluster with the chart in it. What is measured is said at once and kept for the page."""

    def __init__(self, cluster: Cluster, home: Path) -> None:
        self.cluster = cluster
        self.kubectl: Kubectl = cluster.kubectl
        self.helm = Helm(program("helm"), home, cluster.kubeconfig)
        self.pool = Pool(cluster, NAMESPACE, POOL)
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

    def first_item(self) -> None:
        began = time.monotonic()
        installed = self.install()
        wait_for(self._has_gateway, "a gateway and its access keys", READY_SECONDS)
        with self.pool.client() as client:
            create_table(client)
            client.put_item(TableName=TABLE, Item={"pk": {"S": "first"}})
        self.say(
            f"`helm install` ends after {installed:.0f} s, the first item is in a table "
            f"{time.monotonic() - began:.0f} s after it began"
        )

    def _has_gateway(self) -> bool | None:
        secrets = {each["metadata"]["name"] for each in self.kubectl.items("secrets", OWN)}
        deployments = {each["metadata"]["name"] for each in self.kubectl.items("deployments", OWN)}
        return (f"{POOL}-access-keys" in secrets and f"{POOL}-gateway" in deployments) or None

    def rolling(self, seconds: float) -> None:
        """Every storage pod is replaced, one after the other, under load."""
        self.pool.wait_until_well()
        before = self._storage_pods()
        with self.pool.gateway() as gateway, Clients(gateway) as clients:
            time.sleep(3.0)
            quiet = time.monotonic()
            time.sleep(seconds)
            changed = time.monotonic()
            self.pool.change(resources={"requests": {"cpu": "25m", "memory": "64Mi"}})
            wait_for(
                lambda: True if not before & self._storage_pods() else None,
                "every storage pod is another",
                READY_SECONDS,
            )
            self.pool.wait_until_well()
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
            f"{_counts(clients.errors)}, {clients.stale} strong reads older than the client's last "
            "answered write"
        )

    def _storage_pods(self) -> set[str]:
        return {each["metadata"]["uid"] for each in self.pool.storage("pods").values()}

    def many_tables(self, count: int) -> None:
        began = time.monotonic()
        self.kubectl.apply(*(table(number) for number in range(count)), namespace=NAMESPACE)
        wait_for(lambda: self._ready_tables() >= count or None, "all tables are Ready", 1_800)
        self.say(f"{count} Tables applied at once are Ready after {time.monotonic() - began:.0f} s")
        wait_for(lambda: self._published() >= count or None, "partitions as objects", 1_800)
        self._at_rest(f"{count} tables")

    def _at_rest(self, what: str) -> None:
        """What the operator does, and what everybody takes, when nothing happens."""
        self._wait_until_still(what)
        before, began = self._figures(), time.monotonic()
        used = {name: self._processor_seconds(name) for name in self._pods()}
        time.sleep(REST_SECONDS)
        after, seconds = self._figures(), time.monotonic() - began
        minutes = seconds / 60
        writes = after["api_writes_total"] - before["api_writes_total"]
        looks = after["reconcile_seconds_count"] - before["reconcile_seconds_count"]
        spent = after["reconcile_seconds_sum"] - before["reconcile_seconds_sum"]
        self.say(
            f"at rest with {what}: {writes / minutes:.1f} writes to the Kubernetes API a minute, "
            f"{looks / minutes:.0f} looks a minute of {1000 * spent / max(looks, 1):.1f} ms"
        )
        shares = {
            name: (self._processor_seconds(name) - before_it) / seconds
            for name, before_it in used.items()
        }
        taken = "; ".join(
            f"{name} {shares[name]:.1%}, {self._memory(name) / 2**20:.0f} MB" for name in shares
        )
        self.say(f"of one processor, and memory, then: {taken}")

    def _wait_until_still(self, what: str) -> None:
        """Until what follows from the last change has been written."""
        began = time.monotonic()
        written = self._figures()["api_writes_total"]
        while time.monotonic() - began < STILL_SECONDS_MAX:
            time.sleep(STILL_SECONDS)
            now = self._figures()["api_writes_total"]
            if now == written:
                break
            written = now
        seconds = time.monotonic() - began - STILL_SECONDS
        self.say(f"with {what} the operator writes nothing any more {seconds:.0f} s later")

    def many_partitions(self, tables: int, each: int) -> None:
        """Cut every table into so many."""
        began = time.monotonic()
        supervisor = self._pods()["supervisor"]
        (container,) = self.kubectl.get("pod", supervisor, OWN)["spec"]["containers"]
        told = (*container.get("command", ()), *container.get("args", ()))
        folder = next(word for word in told if word.startswith("--folder="))
        asked = SPLITS.format(tables=tables, times=each - 1, folder=folder)
        words = ("exec", supervisor, OWN, "--", "python3", "-c", asked)
        done = int(self.kubectl(*words, seconds=READY_SECONDS * 3).splitlines()[-1])
        self.say(f"{done} splits, asked for one table beside the other: {_since(began)}")
        self.pool.wait_until_well()
        total = self._published()
        wanted = tables * each
        wait_for(lambda: self._published() >= wanted or None, "partitions as objects", 1_800)
        self.say(f"{self._published()} Partition objects ({total} at the end of the splits)")
        self._at_rest(f"{tables} tables of {each} partitions")

    def _published(self) -> int:
        return len(self.kubectl.items("partitions.stator.dev", OWN))

    def _pods(self) -> dict[str, str]:
        """One pod of each kind: its name by what it is."""
        found = {}
        for component in ("operator", "supervisor", "storage", "gateway"):
            selector = f"--selector=app.kubernetes.io/component={component}"
            for each in self.kubectl.items("pods", selector, OWN)[:1]:
                found[component] = each["metadata"]["name"]
        return found

    def _processor_seconds(self, component: str) -> float:
        words = ("exec", self._pods()[component], OWN, "--", "cat", "/proc/1/stat")
        numbers = self.kubectl(*words).rpartition(")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")

    def _ready_tables(self) -> int:
        return sum(
            any(
                each["type"] == "Ready" and each["status"] == "True"
                for each in table.get("status", {}).get("conditions", [])
            )
            for table in self.kubectl.items("tables.stator.dev", OWN)
        )

    def _figures(self) -> dict[str, float]:
        """The operator's figures, each summed up over its labels."""
        found: dict[str, float] = {}
        with (
            self.kubectl.forward(f"pod/{self._pods()['operator']}", 8080, NAMESPACE) as port,
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer,
        ):
            for name, _, figure in FIGURE.findall(answer.read().decode()):
                found[name] = found.get(name, 0.0) + float(figure)
        return found

    def _memory(self, component: str) -> int:
        words = ("exec", self._pods()[component], OWN, "--", "cat", "/proc/1/status")
        for line in self.kubectl(*words).splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1_024
        raise AssertionError(f"no figure of the memory of the {component}")


def _counts(errors: Counter[str]) -> str:
    return ", ".join(f"{count} x {error}" for error, count in errors.items()) or "no error"


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


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
    parser.add_argument("--partitions", type=int, default=10, help="of each table")
    parser.add_argument("--seconds", type=float, default=20.0, help="of load at rest")
    options = parser.parse_args()
    if options.quick:
        options.tables, options.partitions, options.seconds = 10, 3, 8.0
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
                measured.many_partitions(options.tables, options.partitions)
        finally:
            cluster.end()
    page = markdown(measured.lines, load_before)
    print("\n" + page)
    if not options.quick:
        (ROOT / "benchmarks" / "results-kubernetes.md").write_text(page)


if __name__ == "__main__":
    main()
