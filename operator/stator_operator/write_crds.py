"""Write what is generated from Python for Kubernetes: `make crds`.

In: folders, `crds/` and the chart's. Out: the CustomResourceDefinitions, in both places, and for
the chart the rules of the operator's roles and the schema of its first pool. A test compares what
is committed with what comes out here, so nobody edits the files by hand.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from stator_operator.access_rules import served_rules
from stator_operator.custom_resource import GROUP, Resource
from stator_operator.custom_resources import RESOURCES
from stator_operator.storage_pool_resource import STORAGE_POOL

HEAD = "# Written by `make crds` from operator/stator_operator: change it there.\n"
SCHEMA_FILE = "values.schema.json"
_NOT_JSON_SCHEMA = frozenset({"default", "format"})
RULES_FILE = Path("access") / "served.yaml"


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
    return _dumped(resource.definition())


def rules_text() -> str:
    """The rules of a role of a namespace that is served, or of all."""
    return _dumped(served_rules())


def write(folder: Path) -> None:
    """Write all definitions."""
    folder.mkdir(exist_ok=True)
    for resource in RESOURCES:
        (folder / file_name(resource)).write_text(text_of(resource), encoding="utf-8")


def write_chart(chart: Path) -> None:
    """Write what the chart has of them."""
    write(chart / "crds")
    (chart / RULES_FILE).parent.mkdir(exist_ok=True)
    (chart / RULES_FILE).write_text(rules_text(), encoding="utf-8")
    schema = chart / SCHEMA_FILE
    text = with_pool_schema(schema.read_text(encoding="utf-8"))
    schema.write_text(text, encoding="utf-8")


def with_pool_schema(text: str) -> str:
    """The schema of the chart's values, with that of its first pool's spec made anew.

    Helm hands an object to the API server without its strict reading, which would leave out a
    member that it does not know and say nothing: so the chart's own schema refuses it.
    """
    schema = json.loads(text)
    spec = _json_schema(STORAGE_POOL.spec.openapi())
    spec["required"].remove("zones")  # the chart finds them
    schema["properties"]["pool"]["properties"]["spec"] = spec
    return json.dumps(schema, indent=2) + "\n"


def _json_schema(openapi: Any) -> Any:
    """A schema of a definition as plain JSON Schema, strict about names; rules are left out."""
    if isinstance(openapi, list):
        return [_json_schema(each) for each in openapi]
    if not isinstance(openapi, dict):
        return openapi
    kept = {
        name: {each: _json_schema(one) for each, one in value.items()}
        if name == "properties"
        else _json_schema(value)
        for name, value in openapi.items()
        if name not in _NOT_JSON_SCHEMA and not name.startswith("x-kubernetes-")
    }
    return {**kept, "additionalProperties": False} if "properties" in kept else kept


def _dumped(made: Any) -> str:
    return HEAD + str(yaml.dump(made, Dumper=_Plain, sort_keys=False, width=100))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
    write_chart(Path(sys.argv[2]))
