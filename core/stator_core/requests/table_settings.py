"""Streams, encryption, table class and resource policy of a table, as requests set them.

In: members that passed `table_members.py`. Out: what the descriptor stores, or DynamoDB's refusal
(captured 2026-10). Called by `create_table.py` and `update_table.py`; `table_description.py` shows
what is stored.
"""

from __future__ import annotations

from typing import Any

import orjson

from stator_core.arn import kms_key_arn
from stator_core.errors import ValidationException
from stator_core.limits import RESOURCE_POLICY_BYTES_MAX
from stator_core.requests.constraints import TABLE_CLASS
from stator_core.table import StreamSpecification, Table

INVALID = "One or more parameter values were invalid: "
STANDARD = "STANDARD"


def stream_at_creation(members: dict[str, Any] | None) -> StreamSpecification | None:
    """CreateTable: the stream, or None where it is not wanted."""
    if members is None:
        return None
    view_type = members.get("StreamViewType")
    if members["StreamEnabled"]:
        if view_type is None:
            raise ValidationException(
                f"{INVALID}Table is being created with a stream enabled, UpdateViewType is required"
            )
        return StreamSpecification(True, view_type)
    if view_type is not None:
        raise ValidationException(
            f"{INVALID}Table is being created with a stream disabled, UpdateViewType should not be "
            "specified"
        )
    return None


def stream_of_update(members: dict[str, Any] | None) -> StreamSpecification | None:
    """UpdateTable: the wanted change; None: none."""
    if members is None:
        return None
    view_type = members.get("StreamViewType")
    if members["StreamEnabled"] and view_type is None:
        raise ValidationException(
            f"{INVALID}If stream is being enabled then UpdateViewType is required"
        )
    if not members["StreamEnabled"] and view_type is not None:
        raise ValidationException(
            f"{INVALID}If stream is being disabled, then UpdateViewType must not be specified"
        )
    return StreamSpecification(members["StreamEnabled"], view_type)


def check_stream_changes(table: Table, wanted: StreamSpecification) -> None:
    """A stream is only enabled where there is none; its view type cannot change while it lives."""
    if wanted.enabled and table.stream is not None:
        raise ValidationException(f"Table already has an enabled stream: TableName: {table.name}")
    if not wanted.enabled and table.stream is None:
        raise ValidationException(f"Table has no stream to disable: TableName: {table.name}")


def encryption_of(members: dict[str, Any] | None) -> dict[str, Any] | None:
    """SSESpecification as it is stored; None for the key that the service owns.

    A type without `Enabled` means enabled.
    """
    if members is None:
        return None
    enabled = members.get("Enabled")
    key_type, key = members.get("SSEType"), members.get("KMSMasterKeyId")
    if enabled is False and key_type is not None:
        raise ValidationException(f"{INVALID}SSEType can not be specified if Enabled is false")
    if enabled is False and key is not None:
        raise ValidationException(
            f"{INVALID}KMSMasterKeyId can not be specified if Enabled is false"
        )
    if key_type == "AES256":
        raise ValidationException(f"{INVALID}SSEType AES256 is not supported")
    if key is not None and key_type is None:
        raise ValidationException(
            f"{INVALID}SSEType KMS is required if KMSMasterKeyId is specified"
        )
    if not enabled and key_type is None:
        return None
    stored: dict[str, Any] = {"Enabled": True, "SSEType": "KMS"}
    if key is not None:
        stored["KMSMasterKeyId"] = key
    return stored


def check_encryption_changes(table: Table, wanted: dict[str, Any] | None) -> None:
    """UpdateTable: refuse what the table has already; naming its key again is taken for a no-op."""
    if wanted is None:
        if table.sse is None:
            raise ValidationException(f"{INVALID}Table is already encrypted by default")
        return
    key = wanted.get("KMSMasterKeyId")
    if table.sse is None or key is None:
        return
    if key == kms_key_arn(table.arn, table.sse.get("KMSMasterKeyId")):
        raise ValidationException(
            f"{INVALID}Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId "
            "parameter if you want to change Master Key"
        )


def check_table_class(table_class: str | None) -> None:
    if table_class is not None and table_class not in TABLE_CLASS:
        raise ValidationException(
            "Invalid table-class parameter provided. Please try again with a valid table-class "
            f"value: [{', '.join(TABLE_CLASS)}]."
        )


def class_at_creation(table_class: str | None) -> str | None:
    """STANDARD is what a table has anyway, so DescribeTable says nothing of it."""
    check_table_class(table_class)
    return None if table_class == STANDARD else table_class


def policy_of(text: str | None) -> str | None:
    """ResourcePolicy, checked to be a JSON object; its statements are judged where it is used."""
    if text is None:
        return None
    if len(text.encode("utf-8", "surrogatepass")) > RESOURCE_POLICY_BYTES_MAX:
        raise ValidationException(
            f"{INVALID}Maximum policy size of {RESOURCE_POLICY_BYTES_MAX} bytes exceeded"
        )
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise ValidationException(
            f"{INVALID}Invalid policy document: This policy contains invalid Json"
        )
    return text
