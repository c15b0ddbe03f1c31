"""Amazon Resource Names of tables, indexes and streams: building them and reading them back.

In: the region, the account and the names; or the text of a `ResourceArn`. Built by
`requests/create_table.py` and `table_description.py`, read by `requests/tags.py`. A TableName that
holds a table's ARN is read by `requests/constraints.py`. AWS: Service Authorization Reference,
"Resource types defined by Amazon DynamoDB".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stator_core.errors import AccessDeniedException, ValidationException

PARTITION = "aws"
PREFIX = "One or more parameter values were invalid: "
# What DynamoDB misses when an ARN ends early, by the number of colons that it has.
_MISSING_PART = {
    1: "Second colon partition not found",
    2: "Third colon vendor not found",
    3: "Fourth colon (region/namespace delimiter) not found",
    4: "Fifth colon (namespace/relative-id delimiter) not found",
}
_RESOURCE = re.compile(r"table/([a-zA-Z0-9_.-]+)(?:/(index|stream)/(.+))?")


@dataclass(frozen=True, slots=True)
class ResourceArn:
    """A table's ARN, or a stream's (`stream_label` is set)."""

    text: str
    region: str
    account: str
    table_name: str
    stream_label: str | None = None

    def check_owner(self, region: str, account: str) -> None:
        """Refuse an ARN of another region or account (as DynamoDB answers, captured 2026-10)."""
        if self.region != region:
            raise ValidationException(
                f"Invalid TableArn: Invalid ResourceArn provided as input {self.text}"
            )
        if self.account != account:
            raise AccessDeniedException("Access is denied")


def table_arn(region: str, account: str, table_name: str) -> str:
    """`arn:aws:dynamodb:<region>:<account>:table/<name>`; the account has twelve digits."""
    return f"arn:{PARTITION}:dynamodb:{region}:{account}:table/{table_name}"


def index_arn(table: str, index_name: str) -> str:
    """The ARN of an index, from its table's ARN."""
    return f"{table}/index/{index_name}"


def stream_arn(table: str, label: str) -> str:
    """The ARN of a stream, from its table's ARN."""
    return f"{table}/stream/{label}"


def kms_key_arn(table: str, key: str | None) -> str:
    """The ARN of the key that a client named, or of the account's default key.

    `key` is an ARN, an alias or a key identifier, as SSESpecification takes it.
    """
    if key is not None and key.startswith("arn:"):
        return key
    _, partition, _, region, account, _ = table.split(":", 5)
    name = "alias/aws/dynamodb" if key is None else key
    if not name.startswith("alias/"):
        name = f"key/{name}"
    return f"arn:{partition}:kms:{region}:{account}:{name}"


def parse_resource_arn(text: str) -> ResourceArn:
    """Read the ResourceArn of a tag operation.

    Raises ValidationException in DynamoDB's words (captured 2026-10; the words for an ARN that ends
    early are UNCONFIRMED). Whose ARN it is remains the caller's question: `check_owner`.
    """
    if not text.startswith("arn:"):
        raise ValidationException(f"{PREFIX}ARNs must start with 'arn:': {text}")
    parts = text.split(":", 5)
    if len(parts) < 6:
        raise ValidationException(f"{PREFIX}{_MISSING_PART[len(parts) - 1]}: {text}")
    _, _, service, region, account, resource = parts
    match = _RESOURCE.fullmatch(resource)
    if service != "dynamodb" or match is None:
        raise ValidationException(f"{PREFIX}Provided Arn is not a DynamoDB resource arn: {text}")
    table_name, kind, rest = match.groups()
    if kind == "index":
        raise ValidationException(
            f"{PREFIX}Invalid resource arn provided, only table or stream is accepted. "
            f"Provided resource arn: {text}"
        )
    return ResourceArn(text, region, account, table_name, rest if kind == "stream" else None)
