"""TagResource, UntagResource, ListTagsOfResource, and the rules of tags everywhere.

In: a request body. Out: which table it means and the table with its tags changed, or the answer.
The shell looks the table up by `resource.table_name` after `resource.check_owner`, and raises
`resource_not_found` where there is none. TagResource and UntagResource answer with an empty body.
AWS: Tagging for DynamoDB; wordings as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stator_core.arn import ResourceArn, parse_resource_arn
from stator_core.errors import ResourceNotFoundException, ValidationException
from stator_core.limits import (
    TAG_KEY_CHARACTERS_MAX,
    TAG_VALUE_CHARACTERS_MAX,
    TAGS_PER_RESOURCE_MAX,
)
from stator_core.requests.shapes import STRING, STRING_LIST, Structure, check
from stator_core.requests.table_members import TAG_LIST
from stator_core.table import Table
from stator_core.table_status import check_changeable

Tags = tuple[tuple[str, str], ...]

TAG_RESOURCE_SHAPE = Structure("TagResourceInput", {"ResourceArn": STRING, "Tags": TAG_LIST})
UNTAG_RESOURCE_SHAPE = Structure(
    "UntagResourceInput", {"ResourceArn": STRING, "TagKeys": STRING_LIST}
)
LIST_TAGS_SHAPE = Structure("ListTagsOfResourceInput", {"ResourceArn": STRING, "NextToken": STRING})
RESERVED_PREFIX = "aws:"
_PLAIN_TEXT = re.compile(r"[a-zA-Z0-9 _.:/=+@-]*")
_PUNCTUATION = frozenset("_.:/=+@-")
_CHARACTER_CATEGORIES = frozenset("LNZ")  # letters, digits and blanks of every script


@dataclass(frozen=True, slots=True)
class TagResource:
    resource: ResourceArn
    tags: Tags

    def apply(self, table: Table) -> Table:
        """The table with the tags added or their values replaced.

        Raises ResourceInUseException by the table's state, ValidationException over fifty tags.
        """
        _check_taggable(table, self.resource)
        return table.changed(tags=_limited((dict(table.tags) | dict(self.tags)).items()))


@dataclass(frozen=True, slots=True)
class UntagResource:
    resource: ResourceArn
    tag_keys: tuple[str, ...]

    def apply(self, table: Table) -> Table:
        """The table without those tags; a key that it does not have is no error."""
        _check_taggable(table, self.resource)
        rest = tuple((key, value) for key, value in table.tags if key not in self.tag_keys)
        return table.changed(tags=rest)


@dataclass(frozen=True, slots=True)
class ListTagsOfResource:
    """All tags in one page, as DynamoDB gives them: there are at most fifty."""

    resource: ResourceArn

    def answer(self, table: Table) -> dict[str, Any]:
        if table.status == "CREATING":
            raise resource_not_found(self.resource)
        _refuse_stream(self.resource)
        return {"Tags": [{"Key": key, "Value": value} for key, value in table.tags]}


def parse_tag_resource(body: dict[str, Any]) -> TagResource:
    check(body, TAG_RESOURCE_SHAPE)
    resource = _resource(body)
    members = body.get("Tags")
    if not members:
        raise ValidationException("Atleast one Tag needs to be provided as Input.")
    return TagResource(resource, tags_of(members))


def parse_untag_resource(body: dict[str, Any]) -> UntagResource:
    check(body, UNTAG_RESOURCE_SHAPE)
    resource = _resource(body)
    keys = body.get("TagKeys")
    if not keys:
        raise ValidationException("Atleast one Tag Key needs to be provided as Input.")
    for key in keys:
        _check_key(key)
    if len(keys) > TAGS_PER_RESOURCE_MAX:
        raise _too_many()
    return UntagResource(resource, tuple(keys))


def parse_list_tags_of_resource(body: dict[str, Any]) -> ListTagsOfResource:
    """A NextToken is ignored, as DynamoDB ignores one that it did not give."""
    check(body, LIST_TAGS_SHAPE)
    return ListTagsOfResource(_resource(body))


def tags_of(members: list[dict[str, Any] | None] | None) -> Tags:
    """The tags of a request, all of them good (CreateTable takes an empty list too)."""
    tags: dict[str, str] = {}
    for member in members or ():
        key, value = (member or {}).get("Key"), (member or {}).get("Value")
        _check_key(key)
        if value is None or len(value) > TAG_VALUE_CHARACTERS_MAX or not _is_tag_text(value):
            shown = "null" if value is None else value
            raise ValidationException(f"The Tag Value provided is invalid, Value: {shown}")
        assert key is not None
        if key in tags:
            raise ValidationException(
                f"Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}"
            )
        tags[key] = value
    return _limited(tags.items())


def resource_not_found(resource: ResourceArn) -> ResourceNotFoundException:
    return ResourceNotFoundException(
        f"Requested resource not found: ResourceArn: {resource.text} not found"
    )


def _resource(body: dict[str, Any]) -> ResourceArn:
    text = body.get("ResourceArn")
    if not text:
        raise ValidationException("Invalid TableArn")
    return parse_resource_arn(text)


def _check_taggable(table: Table, resource: ResourceArn) -> None:
    if table.status == "CREATING":
        raise resource_not_found(resource)
    _refuse_stream(resource)
    check_changeable(table)


def _refuse_stream(resource: ResourceArn) -> None:
    """A stream's ARN is taken for one, but no stream has tags."""
    if resource.stream_label is not None:
        raise resource_not_found(resource)


def _check_key(key: str | None) -> None:
    if not key or len(key) > TAG_KEY_CHARACTERS_MAX or not _is_tag_text(key):
        shown = "null" if key is None else key
        raise ValidationException(f"The Tag Key provided is invalid, Key: {shown}")
    if key.lower().startswith(RESERVED_PREFIX):
        raise ValidationException(f"Tag Key cannot be prefixed with aws:, Key: {key}")


def _is_tag_text(text: str) -> bool:
    if _PLAIN_TEXT.fullmatch(text) is not None:
        return True
    return all(
        character in _PUNCTUATION or unicodedata.category(character)[0] in _CHARACTER_CATEGORIES
        for character in text
    )


def _limited(tags: Iterable[tuple[str, str]]) -> Tags:
    limited = tuple(tags)
    if len(limited) > TAGS_PER_RESOURCE_MAX:
        raise _too_many()
    return limited


def _too_many() -> ValidationException:
    return ValidationException(
        "Number of Tags exceed the current limit for the provided ResourceArn"
    )
