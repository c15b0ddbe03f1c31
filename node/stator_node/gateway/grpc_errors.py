"""DynamoDB's errors as gRPC statuses, and back.

`grpc.py` packs what the core raised into a status code, a text and a serialized google.rpc.Status;
`client.py` unpacks them into the same exception. What must hold: every error class has a row in
STATUS_OF, and a packed error is never larger than the asker can receive, since gRPC carries it as a
header and breaks the call when a header is too large.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from stator_core import errors
from stator_core.errors import DynamoDBError
from stator_node.gateway.generated.stator.v1 import data_pb2
from stator_node.gateway.grpc_convert import JSON, PYTHON

DOMAIN = "dynamodb.stator.dev"  # of google.rpc.ErrorInfo: whose `reason` it is
STATUS_DETAILS = "grpc-status-details-bin"  # the trailing metadata that gRPC keeps for rich errors
ERROR_BYTES_MAX = "x-stator-error-bytes-max"  # request metadata: how large a detail I can receive

# gRPC's own limit for all headers of an answer is 8 KB in C, Java and Python; the text travels a
# second time beside the details, with every non-ASCII byte spelled as three.
TEXT_BYTES_MAX = 512
DETAIL_BYTES_DEFAULT = 4_096
# What a client may ask for: the largest item, 400 KB, which as a message is at most 4.5 times as
# large (a map of small values; see client.py).
DETAIL_BYTES_CEILING = 2_097_152

Code = grpc.StatusCode

# FAILED_PRECONDITION means: do not repeat this before the world has changed. That is what a false
# condition or a table in another state says. ABORTED would invite generic clients to repeat it.
# RESOURCE_EXHAUSTED and UNAVAILABLE say: repeat it, later.
STATUS_OF: dict[type[DynamoDBError], grpc.StatusCode] = {
    errors.ValidationException: Code.INVALID_ARGUMENT,
    errors.SerializationException: Code.INVALID_ARGUMENT,
    errors.UnknownOperationException: Code.UNIMPLEMENTED,
    errors.MissingAuthenticationTokenException: Code.UNAUTHENTICATED,
    errors.IncompleteSignatureException: Code.UNAUTHENTICATED,
    errors.UnrecognizedClientException: Code.UNAUTHENTICATED,
    errors.InvalidSignatureException: Code.UNAUTHENTICATED,
    errors.ExpiredTokenException: Code.UNAUTHENTICATED,
    errors.AccessDeniedException: Code.PERMISSION_DENIED,
    errors.RequestEntityTooLargeException: Code.RESOURCE_EXHAUSTED,  # as gRPC itself answers
    errors.ResourceNotFoundException: Code.NOT_FOUND,
    # Not ALREADY_EXISTS: DynamoDB says it as well of a table that is being created or deleted.
    errors.ResourceInUseException: Code.FAILED_PRECONDITION,
    errors.LimitExceededException: Code.RESOURCE_EXHAUSTED,
    errors.ConditionalCheckFailedException: Code.FAILED_PRECONDITION,
    errors.ProvisionedThroughputExceededException: Code.RESOURCE_EXHAUSTED,
    errors.ThrottlingException: Code.RESOURCE_EXHAUSTED,
    errors.RequestLimitExceeded: Code.RESOURCE_EXHAUSTED,
    # Repeating cannot help: the item collection has its 10 GB.
    errors.ItemCollectionSizeLimitExceededException: Code.FAILED_PRECONDITION,
    # The position is behind: a new iterator is needed, not another try.
    errors.ExpiredIteratorException: Code.FAILED_PRECONDITION,
    errors.TrimmedDataAccessException: Code.OUT_OF_RANGE,
    errors.InternalServerError: Code.INTERNAL,
    errors.ServiceUnavailable: Code.UNAVAILABLE,
}
CLASS_OF = {cls.name(): cls for cls in STATUS_OF}

# An answer without details comes from gRPC itself: a proxy, a full server, a broken connection.
CLASS_OF_BARE_STATUS: dict[grpc.StatusCode, type[DynamoDBError]] = {
    Code.UNAVAILABLE: errors.ServiceUnavailable,
    Code.CANCELLED: errors.ServiceUnavailable,  # a stopping server broke the call off
    # Not a throttle's error: this one does not promise that nothing was done.
    Code.RESOURCE_EXHAUSTED: errors.ServiceUnavailable,
    Code.UNIMPLEMENTED: errors.UnknownOperationException,
    Code.UNAUTHENTICATED: errors.UnrecognizedClientException,
    Code.PERMISSION_DENIED: errors.AccessDeniedException,
    Code.INVALID_ARGUMENT: errors.ValidationException,
}


def status_of(error: DynamoDBError) -> grpc.StatusCode:
    """The row of the error's class, or of the class it refines."""
    for cls in type(error).__mro__:
        if cls in STATUS_OF:
            return STATUS_OF[cls]
    return Code.UNKNOWN


def pack(
    error: DynamoDBError, operation: str, bytes_max: int
) -> tuple[grpc.StatusCode, str, bytes]:
    """The status code, its text, and the google.rpc.Status that tells the rest.

    `bytes_max` bounds the details. Items that do not fit are left out, and the detail says so.
    """
    code = status_of(error)
    text = _cut(error.message or error.name(), TEXT_BYTES_MAX)
    info = error_details_pb2.ErrorInfo(
        reason=error.name(),
        domain=DOMAIN,
        metadata={"operation": operation, "httpStatus": str(error.http_status)},
    )
    # gRPC's helpers compare the code and the text with the call's own and refuse a difference.
    status = status_pb2.Status(code=code.value[0], message=text)
    status.details.add().Pack(info)
    status.details.add().Pack(_detail(error, bytes_max))
    return code, text, status.SerializeToString()


def _detail(error: DynamoDBError, bytes_max: int) -> Any:
    detail = data_pb2.DynamoDBErrorDetail(type=error.prefix + error.name())
    if error.message is not None:
        detail.message = error.message
    members = error.members
    JSON.into_message(
        detail,
        {
            "item": members.get("Item"),
            "cancellationReasons": members.get("CancellationReasons"),
            # ThrottlingException alone spells it with a small letter.
            "throttlingReasons": members.get("ThrottlingReasons", members.get("throttlingReasons")),
        },
    )
    if detail.ByteSize() > bytes_max:
        for holder in (detail, *detail.cancellation_reasons):
            if holder.HasField("item"):
                holder.ClearField("item")
                detail.items_omitted = True
        detail.message = _cut(detail.message, bytes_max // 2)
    return detail


def unpack(code: grpc.StatusCode, text: str, status_bytes: bytes | None) -> DynamoDBError:
    """The exception that `pack` was given, items in Python's representation.

    A status without DynamoDB's details becomes the nearest DynamoDB error.
    """
    info, detail = error_details_pb2.ErrorInfo(), data_pb2.DynamoDBErrorDetail()
    for packed in status_pb2.Status.FromString(status_bytes or b"").details:
        packed.Unpack(info)  # Unpack leaves a message of another type alone.
        packed.Unpack(detail)
    if info.domain != DOMAIN:
        return CLASS_OF_BARE_STATUS.get(code, errors.InternalServerError)(text)
    return _class_of(info.reason)(
        detail.message if detail.HasField("message") else None, **_members_of(detail)
    )


def _members_of(detail: Any) -> dict[str, Any]:
    told = PYTHON.from_message(detail)
    spellings = {
        "item": "Item",
        "cancellationReasons": "CancellationReasons",
        "throttlingReasons": "ThrottlingReasons",
    }
    return {spellings[name]: value for name, value in told.items() if name in spellings}


def _class_of(reason: str) -> type[DynamoDBError]:
    """The class of that name; one made on the spot for an error newer than this client."""
    return CLASS_OF.get(reason) or type(reason, (DynamoDBError,), {})


def _cut(text: str, bytes_max: int) -> str:
    """The text, or its beginning with an ellipsis, in at most so many bytes of UTF-8."""
    encoded = text.encode()
    if len(encoded) <= bytes_max:
        return text
    return encoded[: bytes_max - 3].decode(errors="ignore") + "…"
