"""kubectl as the tests use it: objects go in and come out as dicts.

Works with any cluster that a kubeconfig leads to. Used by every test in the folder above.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Object = dict[str, Any]

COMMAND_SECONDS = 120.0
FORWARDING = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+)")
NUMBERS = itertools.count()


class KubectlFailed(Exception):
    """kubectl ended with another code than 0. The text is what it wrote to standard error."""


class Kubectl:
    """`kubectl(...)` returns what kubectl printed; `get`, `apply` and the rest know objects."""

    def __init__(self, program: Path, kubeconfig: Path) -> None:
        self.program = program
        self.kubeconfig = kubeconfig

    def __call__(
        self, *words: str, given: str | None = None, seconds: float = COMMAND_SECONDS
    ) -> str:
        """Run it with `given` on standard input. Raises KubectlFailed."""
        command = self.command(*words)
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=seconds, check=False
        )
        if done.returncode:
            raise KubectlFailed(f"kubectl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def command(self, *words: str) -> list[str]:
        return [str(self.program), f"--kubeconfig={self.kubeconfig}", *words]

    def get(self, *words: str) -> Any:
        """`kubectl get … -o json`, read."""
        return json.loads(self("get", *words, "--output=json"))

    def get_config(self) -> Object:
        """The kubeconfig as it is, with what it embeds."""
        config: Object = json.loads(self("config", "view", "--raw", "--minify", "--output=json"))
        return config

    def items(self, *words: str) -> list[Object]:
        """The objects of a list."""
        items: list[Object] = self.get(*words)["items"]
        return items

    def apply(self, *objects: Object, namespace: str = "default", server_side: bool = False) -> str:
        """Apply objects. Raises KubectlFailed where the API server refuses one."""
        words = ["apply", f"--namespace={namespace}", "--filename=-"]
        if server_side:
            words.append("--server-side")
        return self(*words, given=json.dumps(as_list(objects)))

    def wait(self, condition: str, *words: str, seconds: float = 120.0) -> None:
        """`kubectl wait --for=…`. Raises KubectlFailed."""
        self(
            "wait", f"--for={condition}", f"--timeout={seconds:.0f}s", *words, seconds=seconds + 10
        )

    @contextlib.contextmanager
    def namespace(self, purpose: str = "test", level: str = "restricted") -> Iterator[str]:
        """A namespace of its own, with that level of pod security; deleted at the end.

        Its end is asked for and not waited for: a control plane alone has no one to finish it.
        """
        name = f"{purpose}-{next(NUMBERS)}-{secrets.token_hex(3)}"
        labels = {"pod-security.kubernetes.io/enforce": level}
        metadata = {"name": name, "labels": labels}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        try:
            yield name
        finally:
            self("delete", "namespace", name, "--wait=false", "--ignore-not-found")

    @contextlib.contextmanager
    def forward(self, target: str, port: int, namespace: str = "default") -> Iterator[int]:
        """A port of this machine that leads to `port` of a pod or a Service (`svc/name`)."""
        words = ("port-forward", f"--namespace={namespace}", target, f":{port}")
        process = subprocess.Popen(
            self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            yield self._forwarded_port(process)
        finally:
            process.kill()
            process.communicate()

    def _forwarded_port(self, process: subprocess.Popen[bytes]) -> int:
        assert process.stdout is not None
        written = b""
        deadline = time.monotonic() + 30
        os.set_blocking(process.stdout.fileno(), False)
        while time.monotonic() < deadline and process.poll() is None:
            written += process.stdout.read() or b""
            if found := FORWARDING.search(written):
                return int(found.group(1))
            time.sleep(0.02)
        raise KubectlFailed(f"port-forward: {written.decode(errors='replace')}")


def as_list(objects: Sequence[Object]) -> Object:
    """Objects as the one List that kubectl takes."""
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}
