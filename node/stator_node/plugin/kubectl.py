"""`kubectl` as the plugin uses it: objects, logs, and commands in pods.

In: words. Out: JSON or text. The plugin has no client of its own for the Kubernetes API: it may do
what the person's `kubectl` may, and nothing more. Invariant: no Secret is ever asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

COMMAND_SECONDS = 60.0
# What Secrets are called where kinds are named; a report must not hold one by mistake.
_SECRETS = frozenset({"secret", "secrets", "all"})


class KubectlFailed(Exception):
    """kubectl could not be run, or said no; the text is for the person who asked."""


class Kubectl:
    """kubectl with the options that say which cluster and namespace is meant."""

    def __init__(self, options: tuple[str, ...], program: str | None = None) -> None:
        self._program = program or os.environ.get("KUBECTL", "kubectl")
        self._options = options

    def __call__(self, *words: str) -> str:
        """What it prints. Raises KubectlFailed."""
        command = [self._program, *self._options, *words]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
            )
        except OSError as error:
            raise KubectlFailed(f"{self._program} cannot be run: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise KubectlFailed(f"kubectl {words[0]} did not end in time") from None
        if done.returncode:
            raise KubectlFailed(done.stderr.strip() or f"kubectl {words[0]} failed")
        return done.stdout

    def items(self, kinds: str, *words: str) -> list[dict[str, Any]]:
        """The objects of these kinds, `kind,kind`. Raises KubectlFailed."""
        assert not _SECRETS & set(kinds.split(","))
        listed = json.loads(self("get", kinds, *words, "--output=json"))
        items: list[dict[str, Any]] = listed["items"]
        return items

    def execute(self, pod: str, container: str, *command: str) -> str:
        """What a command in a container prints. Raises KubectlFailed."""
        return self("exec", pod, f"--container={container}", "--", *command)

    def namespace(self) -> str:
        """The namespace that is meant."""
        for option in self._options:
            if option.startswith("--namespace="):
                return option.partition("=")[2]
        shown = self("config", "view", "--minify", "--output=jsonpath={..namespace}")
        return shown.strip() or "default"
