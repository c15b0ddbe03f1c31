"""A cluster as pods have it: three nodes, a supervisor and gateways, each a process of its own.

Nobody is told of anybody but by names with ports (`--seeds`, `--supervisor`), as headless Services
give them. Imported by test_separate_processes.py.
"""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import blackbox
from blackbox import STATOR, Server, boto3_client, free_port

ZONES = ("zone-1", "zone-2", "zone-3")
CLUSTER_ID = "cluster-of-the-test"


class Process(Server):
    """One `stator` process; to start it is to wait until its health port says yes to `awaited`."""

    def __init__(
        self, folder: Path, *words: str, health_port: int, awaited: str = "/ready"
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.health_port = health_port
        self._awaited = awaited
        super().__init__([str(STATOR), *words, f"--health-port={health_port}"], folder)

    def figures(self) -> str:
        """What it tells of itself in numbers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/metrics") as answer:
            page: str = answer.read().decode()
            return page

    def has_ended(self) -> bool:
        """Whether it has ended by itself."""
        return self.process is None or self.process.poll() is not None

    def health(self, path: str) -> int:
        """The status of its health port's answer; 0 where nobody answers."""
        address = f"http://127.0.0.1:{self.health_port}{path}"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                status: int = answer.status
                return status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    def is_ready(self) -> bool:
        return self.health(self._awaited) == 200


class Pods:
    """The processes. What still runs at the end is killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self.ports = {zone: free_port() for zone in ZONES}
        self._later_ports = {zone: free_port() for zone in ZONES}
        self._supervisor_port = free_port()
        self.operator_port = free_port()
        self.nodes: dict[str, Process] = {}
        self._others: list[Process] = []

    @property
    def _seeds(self) -> str:
        ports = {*self.ports.values(), *self._later_ports.values()}
        return "--seeds=" + ",".join(f"localhost:{port}" for port in sorted(ports))

    def move_node(self, zone: str) -> Process:
        """The node of a zone starts again on another port, as a pod does at another address.

        Names lead there at once: whoever looks for pods by them asks at the old and new port.
        """
        self.ports[zone] = self._later_ports[zone]
        return self.start_node(zone)

    def start_node(self, zone: str, awaited: str = "/ready") -> Process:
        """The node of a zone, in its folder and on its port."""
        words = ("node", f"--folder={self._folder / zone}", f"--port={self.ports[zone]}")
        more = (f"--cluster-id={CLUSTER_ID}", f"--zone={zone}", self._seeds)
        more += (f"--fence-file={self.fence_of(zone)}",)
        node = self._process(zone, *words, *more, awaited=awaited)
        self.nodes[zone] = node
        return node

    def fence_of(self, zone: str) -> Path:
        """The file by which a person keeps the node of a zone out."""
        return self._folder / f"{zone}-fence"

    def start_supervisor(self, *more: str, awaited: str = "/ready") -> Process:
        # It would wait for those at addresses where nobody answers yet.
        seeds = "--seeds=" + ",".join(f"127.0.0.1:{port}" for port in self.ports.values())
        words = ("supervisor", f"--folder={self._folder / 'steering'}", seeds, *more)
        ports = (f"--port={self._supervisor_port}", f"--operator-port={self.operator_port}")
        words += (*ports, f"--cluster-id={CLUSTER_ID}")
        self.supervisor = self._process("supervisor", *words, awaited=awaited)
        return self.supervisor

    def pool(self) -> Any:
        """What the operator hears of the pool."""
        address = f"http://127.0.0.1:{self.operator_port}/v1/pool"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)

    def is_whole(self) -> bool:
        """Whether every partition has all its replicas, and they have everything."""
        return bool(self.pool()["partitions"]["lacking"] == 0)

    def start_gateway(self, zone: str = "") -> Process:
        """A gateway on free ports; `.port` is its HTTP port."""
        port = free_port()
        words = ("gateway", f"--port={port}", "--grpc-port=0", self._seeds)
        supervisor = f"--supervisor=localhost:{self._supervisor_port}"
        more = (supervisor, f"--cluster-id={CLUSTER_ID}", f"--zone={zone}")
        gateway = self._process(f"gateway-{next(self._numbers)}", *words, *more)
        gateway.port = port
        return gateway

    def _process(self, name: str, *words: str, awaited: str = "/ready") -> Process:
        folder = self._folder / f"{name}-log"
        process = Process(folder, *words, health_port=free_port(), awaited=awaited)
        self._others.append(process)
        process.start()
        return process

    def end(self) -> None:
        for each in self._others:
            each.kill()


def client_of(gateway: Process) -> Any:
    return boto3_client(gateway.url)


def create_music(client: Any) -> None:
    client.create_table(
        TableName="Music",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    blackbox.wait_until_active(client, "Music")


def put(client: Any, key: str) -> None:
    client.put_item(TableName="Music", Item={"pk": {"S": key}})


def has(client: Any, key: str) -> bool:
    return "Item" in client.get_item(TableName="Music", Key={"pk": {"S": key}}, ConsistentRead=True)
