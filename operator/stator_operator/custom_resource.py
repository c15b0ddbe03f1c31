"""A custom resource: its names, columns, subresources and schema, as a CustomResourceDefinition.

In: a `Resource` of `table_resource.py`, `storage_pool_resource.py` or `partition_resource.py`. Out:
the object that `python -m stator_operator.write_crds` writes to `crds/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from stator_operator.schema import Rule, Structure

GROUP = "stator.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "stator"  # `kubectl get stator` lists them all


@dataclass(frozen=True, slots=True)
class Column:
    """What `kubectl get` prints. `wide`: with `-o wide` only."""

    name: str
    path: str
    type: Literal["string", "integer", "date"] = "string"
    wide: bool = False

    def openapi(self) -> dict[str, Any]:
        column = {"name": self.name, "type": self.type, "jsonPath": self.path}
        return {**column, "priority": 1} if self.wide else column


@dataclass(frozen=True, slots=True)
class Scale:
    """Where `kubectl scale` and autoscalers find numbers and pods."""

    wanted: str
    present: str
    selector: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object. `rules` see the whole object: its name too."""

    kind: str
    plural: str
    short_name: str
    description: str
    spec: Structure
    status: Structure
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()
    scale: Scale | None = None
    rules: tuple[Rule, ...] = ()

    def definition(self) -> dict[str, Any]:
        """The CustomResourceDefinition."""
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": f"{self.plural}.{GROUP}",
                # Without it `helm uninstall` would take every object of this kind along.
                "annotations": {"helm.sh/resource-policy": "keep"},
            },
            "spec": {
                "group": GROUP,
                "scope": "Namespaced",
                "names": {
                    "kind": self.kind,
                    "listKind": f"{self.kind}List",
                    "plural": self.plural,
                    "singular": self.kind.lower(),
                    "shortNames": [self.short_name],
                    "categories": [CATEGORY],
                },
                "versions": [self._version()],
            },
        }

    def _version(self) -> dict[str, Any]:
        subresources: dict[str, Any] = {"status": {}}
        if self.scale is not None:
            subresources["scale"] = {
                "specReplicasPath": self.scale.wanted,
                "statusReplicasPath": self.scale.present,
                "labelSelectorPath": self.scale.selector,
            }
        age = Column("Age", ".metadata.creationTimestamp", "date")
        version: dict[str, Any] = {
            "name": VERSION,
            "served": True,
            "storage": True,
            "subresources": subresources,
            "additionalPrinterColumns": [each.openapi() for each in (*self.columns, age)],
            "schema": {"openAPIV3Schema": self._schema()},
        }
        if self.selectable:
            version["selectableFields"] = [{"jsonPath": path} for path in self.selectable]
        return version

    def _schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {
            "type": "object",
            "description": self.description,
            "required": ["spec"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object"},
                "spec": self.spec.openapi(),
                "status": self.status.openapi(),
            },
        }
        if self.rules:
            schema["x-kubernetes-validations"] = [rule.openapi() for rule in self.rules]
        return schema


def condition(about: str, member: str) -> str:
    """The path of a member of the condition about this."""
    return f'.status.conditions[?(@.type=="{about}")].{member}'
