"""Write the CustomResourceDefinitions to `crds/`: `make crds`, or `python -m` with the folder.

A test compares what is committed with what comes out here, so nobody edits the files by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from stator_operator.custom_resource import GROUP, Resource
from stator_operator.partition_resource import PARTITION
from stator_operator.storage_pool_resource import STORAGE_POOL
from stator_operator.table_resource import TABLE

RESOURCES = (TABLE, STORAGE_POOL, PARTITION)
HEAD = "# Written by `make crds` from operator/stator_operator: change it there.\n"


# To Kubernetes' reader of YAML these are true and false, to Python's they are letters.
LETTERS_OF_TRUTH = frozenset("yYnN")


class _Plain(yaml.SafeDumper):
    """Every list and map in full, where it stands: no anchors for what is said twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "'" if text in LETTERS_OF_TRUTH else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Plain.add_representer(str, _text)


def file_name(resource: Resource) -> str:
    return f"{GROUP}_{resource.plural}.yaml"


def text_of(resource: Resource) -> str:
    """The file of a resource."""
    dumped = yaml.dump(resource.definition(), Dumper=_Plain, sort_keys=False, width=100)
    return HEAD + str(dumped)


def write(folder: Path) -> None:
    """Write all of them."""
    folder.mkdir(exist_ok=True)
    for resource in RESOURCES:
        (folder / file_name(resource)).write_text(text_of(resource), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
