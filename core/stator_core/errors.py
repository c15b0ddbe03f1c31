"""Every error that a client can be answered with: one class per DynamoDB error, one HTTP table.

Raised anywhere in the core, caught only by the doors (`gateway/http.py`, `gateway/grpc.py`), which
write `body()` with `http_status`. On the wire, as DynamoDB answers, `__type` is a prefix, a `#` and
the class name; some errors spell their text member `Message`, all others `message`.
"""

from __future__ import annotations

from typing import Any, ClassVar

SERVICE_PREFIX = "com.amazonaws.dynamodb.v20120810#"
CORAL_SERVICE_PREFIX = "com.amazon.coral.service#"
CORAL_VALIDATE_PREFIX = "com.amazon.coral.validate#"


class DynamoDBError(Exception):
    """An answer that a client receives instead of a result.

    `message` is DynamoDB's wording, or None where DynamoDB sends only the type. `members` are the
    further members of the error body (`Item`, `CancellationReasons`, `ThrottlingReasons`).
    """

    http_status: ClassVar[int] = 400
    prefix: ClassVar[str] = SERVICE_PREFIX
    message_member: ClassVar[str] = "message"

    def __init__(self, message: str | None = None, **members: Any) -> None:
        super().__init__(message)
        self.message = message
        self.members = members

    @classmethod
    def name(cls) -> str:
        """DynamoDB's name of the error, without prefix: `ValidationException`."""
        return cls.__name__

    def body(self) -> dict[str, Any]:
        """The JSON object on the wire."""
        body: dict[str, Any] = {"__type": self.prefix + self.name()}
        if self.message is not None:
            body[self.message_member] = self.message
        body.update(self.members)
        return body


class ValidationException(DynamoDBError):
    """Bad input of any kind. The core has subclasses that know which; clients know this one."""

    prefix = CORAL_VALIDATE_PREFIX

    @classmethod
    def name(cls) -> str:
        return "ValidationException"


class SerializationException(DynamoDBError):
    prefix = CORAL_SERVICE_PREFIX
    message_member = "Message"


class UnknownOperationException(DynamoDBError):
    prefix = CORAL_SERVICE_PREFIX


class MissingAuthenticationTokenException(DynamoDBError):
    prefix = CORAL_SERVICE_PREFIX


class IncompleteSignatureException(DynamoDBError):
    prefix = CORAL_SERVICE_PREFIX


class UnrecognizedClientException(DynamoDBError):
    prefix = CORAL_SERVICE_PREFIX


class InvalidSignatureException(DynamoDBError):
    prefix = CORAL_SERVICE_PREFIX


class ExpiredTokenException(DynamoDBError):
    prefix = CORAL_SERVICE_PREFIX


class AccessDeniedException(DynamoDBError):
    prefix = CORAL_SERVICE_PREFIX
    message_member = "Message"


class RequestEntityTooLargeException(DynamoDBError):
    """A body over the 16 MB limit (AWS: Service, account, and table quotas)."""

    http_status = 413
    prefix = CORAL_SERVICE_PREFIX


class ResourceNotFoundException(DynamoDBError):
    pass


class ResourceInUseException(DynamoDBError):
    pass


class LimitExceededException(DynamoDBError):
    pass


class ConditionalCheckFailedException(DynamoDBError):
    """The condition was false. Carries `Item` when the caller asked for the old item."""


class ProvisionedThroughputExceededException(DynamoDBError):
    pass


class ThrottlingException(DynamoDBError):
    pass


class RequestLimitExceeded(DynamoDBError):
    pass


class ItemCollectionSizeLimitExceededException(DynamoDBError):
    pass


class ExpiredIteratorException(DynamoDBError):
    """A shard iterator older than fifteen minutes (AWS: GetShardIterator)."""


class TrimmedDataAccessException(DynamoDBError):
    """The records asked for are older than a stream keeps them."""


class InternalServerError(DynamoDBError):
    http_status = 500


class ServiceUnavailable(DynamoDBError):
    http_status = 503
