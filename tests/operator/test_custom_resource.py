"""Resources as Kubernetes wants them: names, columns, subresources, bounds everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from resource_changes import CHANGES, NEW
from stator_operator.custom_resource import Resource
from stator_operator.custom_resources import RESOURCES
from table_specs import REFUSED


def version_of(resource: Resource) -> dict[str, Any]:
    (version,) = resource.definition()["spec"]["versions"]
    assert isinstance(version, dict)
    return version


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema and all below it."""
    yield path, schema
    for name, each in schema.get("properties", {}).items():
        yield from nodes(each, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


def present(schema: dict[str, Any], path: str) -> bool:
    """Whether a plain path, `.status.pods`, names a field of the schema."""
    for name in path.removeprefix(".").split("."):
        if name not in schema.get("properties", {}):
            return False
        schema = schema["properties"][name]
    return True


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.kind)
def test_everything_is_bounded_and_described(resource: Resource) -> None:
    schema = version_of(resource)["schema"]["openAPIV3Schema"]
    for part in ("spec", "status"):
        for path, each in nodes(schema["properties"][part], part):
            assert each["description"].endswith("."), path
            if each["type"] == "string":
                assert "maxLength" in each or "enum" in each or "format" in each, path
            if each["type"] == "array":
                assert "maxItems" in each, path


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.kind)
def test_columns_subresources_and_selectors_name_fields_that_are_there(resource: Resource) -> None:
    version = version_of(resource)
    schema = version["schema"]["openAPIV3Schema"]
    paths = [column["jsonPath"] for column in version["additionalPrinterColumns"]]
    paths += [each["jsonPath"] for each in version.get("selectableFields", ())]
    paths += version["subresources"].get("scale", {}).values()
    for path in paths:
        if not path.startswith(".metadata") and "?" not in path:
            assert present(schema, path), path


def test_names_short_names_and_category() -> None:
    names = [each.definition()["spec"]["names"] for each in RESOURCES]

    assert [each["shortNames"] for each in names] == [["tbl"], ["spool"], ["part"]]
    assert all(each["categories"] == ["stator"] for each in names)
    assert [each.definition()["metadata"]["name"] for each in RESOURCES] == [
        "tables.stator.dev",
        "storagepools.stator.dev",
        "partitions.stator.dev",
    ]


def test_an_uninstalled_chart_takes_no_object_along() -> None:
    for resource in RESOURCES:
        annotations = resource.definition()["metadata"]["annotations"]

        assert annotations["helm.sh/resource-policy"] == "keep"


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.kind)
def test_the_newest_generation_and_conditions_are_in_the_status(resource: Resource) -> None:
    status = resource.status.fields

    assert "conditions" in status
    assert resource.kind == "Partition" or "observedGeneration" in status


def test_every_rule_is_met_by_an_object_that_it_refuses() -> None:
    """The objects themselves are shown to an API server by tests/kubernetes."""
    refusals = [each.words for each in REFUSED]
    refusals += [each.words for each in (*NEW, *CHANGES) if each.words is not None]
    unmet = {
        rule["message"]
        for resource in RESOURCES
        for _, schema in nodes(version_of(resource)["schema"]["openAPIV3Schema"])
        for rule in schema.get("x-kubernetes-validations", ())
        if not any(words in rule["message"] for words in refusals)
    }

    assert unmet == set()
