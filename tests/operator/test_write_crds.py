"""The committed files are what Python makes of the resources."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stator_operator.custom_resource import Resource
from stator_operator.custom_resources import RESOURCES
from stator_operator.table_resource import TABLE
from stator_operator.write_crds import (
    RULES_FILE,
    SCHEMA_FILE,
    file_name,
    rules_text,
    text_of,
    with_pool_schema,
    write,
)

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "stator"
FOLDERS = (ROOT / "crds", CHART / "crds")


@pytest.mark.parametrize("folder", FOLDERS, ids=["crds", "chart"])
@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.kind)
def test_the_committed_file_is_what_is_generated(resource: Resource, folder: Path) -> None:
    committed = (folder / file_name(resource)).read_text(encoding="utf-8")

    assert committed == text_of(resource), "run `make crds`"


@pytest.mark.parametrize("folder", FOLDERS, ids=["crds", "chart"])
def test_no_other_file_lies_there(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {file_name(each) for each in RESOURCES}


def test_the_charts_rules_are_the_operators() -> None:
    committed = (CHART / RULES_FILE).read_text(encoding="utf-8")

    assert committed == rules_text(), "run `make crds`"


def test_the_charts_schema_knows_every_member_of_a_pool() -> None:
    committed = (CHART / SCHEMA_FILE).read_text(encoding="utf-8")

    assert committed == with_pool_schema(committed), "run `make crds`"


def test_all_are_written(tmp_path: Path) -> None:
    write(tmp_path / "crds")

    assert {path.name for path in (tmp_path / "crds").iterdir()} == {
        path.name for path in FOLDERS[0].iterdir()
    }


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.kind)
def test_what_is_written_reads_as_what_was_meant(resource: Resource) -> None:
    assert yaml.safe_load(text_of(resource)) == resource.definition()


def test_a_letter_that_yaml_takes_for_a_truth_stands_in_quotes() -> None:
    """N is false to Kubernetes' reader, and then no attribute is a number."""
    text = text_of(TABLE)

    assert "- 'N'\n" in text
    assert "- N\n" not in text
