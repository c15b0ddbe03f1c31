"""`kind-config.yaml` at the root: kind itself takes it, and its workers stand in three zones.

kind reads a configuration strictly before it asks for Docker, so it is run where there is none.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "kind-config.yaml"
ZONE = "topology.kubernetes.io/zone"


def complaint(kind: Path, config: str, home: Path) -> str:
    """What kind says to a configuration on a machine without Docker."""
    done = subprocess.run(
        [kind, "create", "cluster", "--config=-"],
        input=config,
        env={"PATH": "/nowhere", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


def test_kind_takes_the_configuration(kind: Path, tmp_path: Path) -> None:
    assert "docker" in complaint(kind, CONFIG.read_text(), tmp_path)


def test_kind_would_have_refused_a_word_that_it_does_not_know(kind: Path, tmp_path: Path) -> None:
    wrong = CONFIG.read_text().replace("labels:", "lables:")

    assert "field lables not found in type v1alpha4.Node" in complaint(kind, wrong, tmp_path)


def test_there_is_a_worker_in_each_of_three_zones() -> None:
    nodes = yaml.safe_load(CONFIG.read_text())["nodes"]

    assert [node["role"] for node in nodes] == ["control-plane", *["worker"] * 3]
    zones = [node["labels"][ZONE] for node in nodes if node["role"] == "worker"]
    assert zones == ["zone-1", "zone-2", "zone-3"]
