"""A client's change comes into the object; what others have changed there meanwhile stays."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stator_operator.spec_merging import spec_patch
from table_specs import define, index, with_indexes

Spec = dict[str, Any]
TEAM, COST = {"key": "team", "value": "records"}, {"key": "cost", "value": "9"}


def patched(spec: Spec, patch: Spec) -> Spec:
    """The spec after the API server has taken the patch (RFC 7386, of the first level)."""
    made = {**spec, **patch}
    return {name: value for name, value in made.items() if value is not None}


def changed(spec: Spec, **members: Any) -> Spec:
    return patched(copy.deepcopy(spec), members)


def test_a_change_is_brought_in_and_the_rest_is_not_touched() -> None:
    before = with_indexes()
    after = changed(before, streamSpecification=None, deletionProtectionEnabled=None)

    assert spec_patch(before, before, after) == {
        "deletionProtectionEnabled": None,
        "streamSpecification": None,
    }
    assert spec_patch(after, before, after) == {}


def test_an_index_of_a_client_comes_beside_one_that_was_just_wanted() -> None:
    before = with_indexes()
    spec = copy.deepcopy(before)
    define(spec, "Genre")
    spec["globalSecondaryIndexes"].append(index("ByGenre", ("Genre", "HASH")))
    after = copy.deepcopy(before)
    define(after, "Mood")
    after["globalSecondaryIndexes"].append(index("ByMood", ("Mood", "HASH")))

    made = patched(spec, spec_patch(spec, before, after))

    names = [each["indexName"] for each in made["globalSecondaryIndexes"]]
    assert names == ["ByLabel", "ByGenre", "ByMood"]
    defined = [each["attributeName"] for each in made["attributeDefinitions"]]
    assert defined == ["Artist", "Song", "Year", "Label", "Genre", "Mood"]


def test_an_index_that_goes_takes_its_definitions_along_unless_others_need_them() -> None:
    before = with_indexes()
    after = changed(before, globalSecondaryIndexes=None)
    after["attributeDefinitions"] = [
        each for each in after["attributeDefinitions"] if each["attributeName"] != "Label"
    ]

    made = patched(before, spec_patch(before, before, after))
    assert "globalSecondaryIndexes" not in made
    assert [each["attributeName"] for each in made["attributeDefinitions"]] == [
        "Artist",
        "Song",
        "Year",
    ]

    spec = copy.deepcopy(before)
    spec["globalSecondaryIndexes"].append(index("Other", ("Label", "HASH")))
    made = patched(spec, spec_patch(spec, before, after))
    assert [each["indexName"] for each in made["globalSecondaryIndexes"]] == ["Other"]
    assert made["attributeDefinitions"] == before["attributeDefinitions"]


def test_tags_are_merged_by_their_keys() -> None:
    before = with_indexes()
    spec = changed(before, tags=[TEAM, COST])
    after = changed(before, tags=[TEAM | {"value": "films"}])

    assert spec_patch(spec, before, after) == {"tags": [TEAM | {"value": "films"}, COST]}
    assert spec_patch(spec, before, changed(before, tags=None)) == {"tags": [COST]}
    assert spec_patch(before, before, changed(before, tags=None)) == {"tags": None}


tags = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12"))


def listed(values: dict[str, str]) -> Spec:
    """A spec with these tags; none at all is no member, as `spec_of_body` says it."""
    of_tags = [{"key": key, "value": value} for key, value in values.items()]
    return changed(with_indexes(), tags=of_tags or None)


def told(spec: Spec) -> dict[str, str]:
    return {each["key"]: each["value"] for each in spec.get("tags", ())}


@given(tags, tags, tags)
def test_whatever_is_there_the_clients_change_holds_and_nothing_else_changes(
    present: dict[str, str], before: dict[str, str], after: dict[str, str]
) -> None:
    spec = listed(present)
    made = told(patched(spec, spec_patch(spec, listed(before), listed(after))))

    for key in "abcd":
        is_clients = before.get(key) != after.get(key)
        assert made.get(key) == (after if is_clients else present).get(key)
    again = listed(made)
    assert spec_patch(again, listed(before), listed(after)) == {}
