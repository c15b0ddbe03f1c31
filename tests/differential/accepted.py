"""The differences from Dynoxide that are right, each with the reason.

Kept short, and about kinds of difference, never about single examples.
Dynoxide is the nearest peer, not the truth; where it follows a capture of AWS, Stator follows too,
and what stands here are the places where its code has no capture behind it and AWS's documentation,
or the tests that other projects run against AWS itself, say otherwise.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import botocore.session

from differential.values import Json

CONTROL_PLANE = (
    *("CreateTable", "UpdateTable", "DeleteTable", "DescribeTable", "ListTables"),
    *("UpdateTimeToLive", "DescribeTimeToLive"),
)
OK = "OK"  # what `ours` and `theirs` match in an answer that is no error


@dataclass(frozen=True)
class Accepted:
    """A kind of difference. `ours` and `theirs` must both match the texts of the two answers."""

    reason: str
    ours: str = ""
    theirs: str = ""
    operations: tuple[str, ...] = ()  # none: any
    applies: Callable[[str, Json], bool] = lambda operation, request: True

    def matches(self, operation: str, request: Json, ours: Json, theirs: Json) -> bool:
        return (
            (not self.operations or operation in self.operations)
            and re.search(self.ours, text_of(ours)) is not None
            and re.search(self.theirs, text_of(theirs)) is not None
            and self.applies(operation, request)
        )


def text_of(answer: Json) -> str:
    """`ValidationException: text` of an error, `OK` of anything else."""
    if answer["status"] == 200:
        return OK
    return f"{answer['type'].split('#')[-1]}: {answer['text']}"


@functools.cache
def members_of(operation: str) -> frozenset[str]:
    """The members of the operation's input, in AWS's own model."""
    model = botocore.session.get_session().get_service_model("dynamodb")
    return frozenset(model.operation_model(operation).input_shape.members)


def has_foreign_member(operation: str, request: Json) -> bool:
    return not set(request) <= members_of(operation)


def reaches_old_layer(request: Json) -> bool:
    """Whether a number or a boolean in it sends the request to AWS's old validation layer."""
    if isinstance(request, dict):
        return any(
            (name in ("BOOL", "NULL", "Exists") and isinstance(value, str))
            or (name in ("Limit", "Segment", "TotalSegments") and value not in range(2**31 - 1))
            or reaches_old_layer(value)
            for name, value in request.items()
        )
    return isinstance(request, list) and any(reaches_old_layer(value) for value in request)


ACCEPTED: tuple[Accepted, ...] = (
    # ------------------------------------------------------ words that only Dynoxide has
    Accepted(
        "the JSON reader's or the parser's own words; AWS names the member, the operator or token",
        ours="Exception: ",
        theirs=r"Expected closing parenthesis in|at line \d+ column|missing field `|"
        r"Unexpected (operator|token) in |Unsupported KeyConditions ComparisonOperator|"
        r"Expected (attribute name|value reference)|invalid base64|expected .* (for|in) [A-Z]+ at|"
        r"unsupported operator with a value on the left|expected struct",
    ),
    Accepted(
        "AWS echoes the requests in a form that varies by host; what follows is the same",
        ours=r"at 'requestItems' failed to satisfy constraint: Map",
        theirs=r"at 'requestItems' failed to satisfy constraint: Map",
    ),
    # ------------------------------------------------------ what Dynoxide does not check
    Accepted(
        "AWS checks constant operands before it reads anything: an ordering comparison or BETWEEN "
        "takes S, N or B, attribute_type a type's name, size no scalar (ScyllaDB's tests on AWS)",
        ours="Incorrect operand type for operator or function|Invalid attribute type name found",
    ),
    Accepted(
        "AWS refuses one path on both sides of any operator, not of contains alone (dynalite)",
        ours="The first operand must be distinct from the remaining operands",
    ),
    Accepted(
        "function names are case-sensitive (Developer Guide, Condition and filter expressions)",
        ours=r"Invalid function name; function: [A-Z]",
    ),
    Accepted(
        "paths that step into one parent by name and by index conflict (dynalite's tests on AWS); "
        "Dynoxide's test of it can never be true",
        ours="Two document paths conflict with each other",
    ),
    Accepted(
        "a key attribute is a scalar: no path may step into it, in any expression (dynalite)",
        ours="Key attributes must be scalars",
    ),
    Accepted(
        "a global index answers only what it projects, also for nested paths (Developer Guide)",
        ours=r"Global secondary index \S+ does not project",
        operations=("Query", "Scan"),
    ),
    Accepted(
        "a filter on a local index may use what it projects only (dynalite's tests on AWS)",
        ours="does not project one or more filter attributes",
        operations=("Query", "Scan"),
    ),
    Accepted(
        "AttributesToGet has at least one member, IndexName three characters (API Reference)",
        ours=r"'(\S*attributesToGet|indexName)' failed to satisfy constraint",
    ),
    Accepted(
        "a member that the operation does not have is ignored, whatever its type",
        theirs="SerializationException: ",
        applies=has_foreign_member,
    ),
    Accepted(
        "a write request is one PutRequest or one DeleteRequest (API Reference, BatchWriteItem)",
        ours="Supplied AttributeValue (is empty|has more than one)",
        operations=("BatchWriteItem",),
    ),
    Accepted(
        "an undefined value is an error of its expression, also where nothing is read",
        ours=r"Invalid \w+Expression: ",
        theirs=r"^OK|ValidationException: (An expression attribute|Attribute name is a reserved)",
    ),
    Accepted(
        "the bounds of BETWEEN are compared before anything is read, and shown as AWS stores "
        "numbers: without needless digits",
        ours="The BETWEEN operator requires",
        theirs="^OK|The BETWEEN operator requires",
    ),
    Accepted(
        "a local index gives attributes that it lacks from the table (Developer Guide), and a read "
        "of it is charged to the index's arm",
        ours=OK,
        theirs=OK,
        operations=("Query", "Scan"),
        applies=lambda operation, request: request.get("IndexName") == "local",
    ),
    Accepted(
        "an index key has the length limit of any key, in a batch too",
        ours="has exceeded the (maximum )?size limit",
        theirs=OK,
        operations=("BatchWriteItem",),
    ),
    Accepted(
        "a key is shown as it is stored: a number without needless digits",
        ours=OK,
        theirs=OK,
        operations=("DeleteItem", "UpdateItem", "PutItem"),
        applies=lambda operation, request: (
            request.get("ReturnItemCollectionMetrics") == "SIZE" and '"N"' in json.dumps(request)
        ),
    ),
    Accepted(
        "a call is read by the grammar of all calls before it is judged",
        ours="KeyConditionExpression|Incorrect number of operands|not allowed to be used this way",
        theirs=r"Invalid \w+Expression: Syntax error",
    ),
    Accepted(
        "an index that is not there is not a global one either",
        ours="does not have the specified index",
        theirs="Consistent reads are not supported on global secondary indexes",
    ),
    # ------------------------------------------------------ updates
    Accepted(
        "ALL_OLD of an item that was not there is nothing (API Reference), and so is ALL_NEW if "
        "nothing was made; Dynoxide gives the key",
        ours=OK,
        theirs=OK,
        operations=("UpdateItem",),
        applies=lambda operation, request: request.get("ReturnValues") in ("ALL_OLD", "ALL_NEW"),
    ),
    Accepted(
        "a key attribute in an update is refused before the condition is evaluated",
        ours="This attribute is part of the key",
        theirs="The conditional request failed",
        operations=("UpdateItem",),
    ),
    Accepted(
        "AWS names overlapping paths in the order written (captured by Dynoxide's authors), which "
        "Dynoxide takes section by section",
        ours="Two document paths overlap",
        theirs="Two document paths overlap",
    ),
    Accepted(
        "overlapping paths are refused before operand types are looked at (dynalite)",
        ours="Two document paths overlap",
        theirs="Incorrect operand type for operator or function",
    ),
    Accepted(
        "an update that only removes creates no item (ScyllaDB's tests on AWS); Dynoxide makes one "
        "of the key alone",
        ours=OK,
        theirs=OK,
        operations=("GetItem",),
        applies=lambda operation, request: request.get("after") == "an update that only removes",
    ),
    Accepted(
        "removing below what is missing is an error in an item, not in an absent one (ScyllaDB)",
        ours=OK,
        theirs="The document path provided in the update expression is invalid for update",
        operations=("UpdateItem",),
    ),
    Accepted(
        "a function of updates in a condition, or the other way: AWS's wording is not captured",
        ours="The function is not allowed in an? (update|condition) expression",
        theirs="Invalid function name",
    ),
    Accepted(
        "arithmetic that needs more than 38 digits is an overflow (ScyllaDB's tests on AWS)",
        ours="ValidationException: Number overflow",
        theirs="Attempting to store more than 38 significant digits",
        operations=("UpdateItem",),
    ),
    Accepted(
        "an update gives an index key of another type its own message (API Reference, the reasons "
        "of TransactionCanceledException)",
        ours="The update expression attempted to update the secondary index key",
        theirs="Type mismatch for Index Key",
        operations=("UpdateItem",),
    ),
    # ------------------------------------------------------ legacy conditions
    Accepted(
        "arguments of legacy conditions: their number, types and bounds (dynalite's tests on AWS)",
        ours="cannot be used together for Attribute|is not valid for .* AttributeValue type|"
        "Invalid (number of argument|comparison operator)|must be of same type|must be used with|"
        "is not an indexable operation|"
        "The BETWEEN condition was provided a range",
    ),
    Accepted(
        "NOT_CONTAINS on a missing attribute is false (ScyllaDB's tests on AWS)",
        ours="The conditional request failed|OK",
        theirs=OK,
        applies=lambda operation, request: '"NOT_CONTAINS"' in json.dumps(request),
    ),
    # ------------------------------------------------------ tables
    Accepted(
        "which of several mistakes in a table's definition comes first is not captured",
        ours="Exception: ",
        theirs="Exception: ",
        applies=lambda operation, request: request.get("after") == "several mistakes",
    ),
    Accepted(
        "an attribute is projected once; a whole number may have a fraction of nothing",
        ours="Duplicate element in NonKeyAttributes|OK",
        theirs="^OK|floating point",
        operations=("CreateTable", "UpdateTable"),
        applies=lambda operation, request: (
            operation != "CreateTable"
            or re.search(r'"a", "a"|\d\.\d', json.dumps(request)) is not None
        ),
    ),
    Accepted(
        "an index to be deleted that is not there is called an index",
        ours="Requested resource not found: Index",
        theirs="Requested resource not found: Table",
        operations=("UpdateTable",),
    ),
    Accepted(
        "an index is created once; AWS's words begin `Attempting to create an index`",
        ours="Attempting to create an index which already exists",
        theirs="Index already exists",
        operations=("UpdateTable",),
    ),
    Accepted(
        "a table's or an index's name that is refused: AWS has two wordings, which differ by "
        "operation and over time",
        ours="'tableName'|[iI]ndexName' failed",
        theirs="TableName must be at least 3|[iI]ndexName' failed|'tableName'",
        operations=CONTROL_PLANE,
    ),
    Accepted(
        "the list of what UpdateTable can change has grown",
        ours="At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled",
        theirs="At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled",
        operations=("UpdateTable",),
    ),
    Accepted(
        "some changes go alone, and have values of their own (API Reference); Dynoxide checks "
        "neither, nor stream view types",
        ours="must be the only operation in the request|table-class|streamViewType|table IOPS",
        operations=("CreateTable", "UpdateTable"),
    ),
    Accepted(
        "Dynoxide lists some errors of members, leaves others out, or reports another rule first",
        ours="validation errors? detected",
        operations=("CreateTable", "UpdateTable"),
    ),
    Accepted(
        "attribute definitions and throughput are checked before indexes are compared; what is "
        "listed is in the order of a hash set",
        ours="AttributeDefinitions|Throughput|CapacityUnits|have the same name",
        theirs="Duplicate index name|Invalid KeySchema|are not defined in AttributeDefinitions",
        operations=("CreateTable",),
    ),
    Accepted(
        "a provisioned table and its global indexes have throughput (API Reference)",
        ours="ProvisionedThroughput|must (both )?be specified (when|for)",
        theirs=OK,
        operations=("CreateTable", "UpdateTable"),
    ),
    Accepted(
        "what was never enabled cannot be disabled (ScyllaDB's tests on AWS)",
        ours="TimeToLive is already disabled",
        theirs=OK,
        operations=("UpdateTimeToLive",),
    ),
    Accepted(
        "what contradicts itself is refused before the table is looked for",
        ours="ValidationException",
        theirs="ResourceNotFoundException: Requested resource not found: Table",
        operations=("UpdateTable",),
    ),
    Accepted(
        "an index to be updated that is not there is not found",
        ours="ResourceNotFoundException: Requested resource not found: Index",
        theirs="Action Blocked: IndexUpdate",
        operations=("UpdateTable",),
    ),
    Accepted(
        "the table's class is looked at last",
        ours="ValidationException",
        theirs="'tableClass' failed to satisfy constraint",
        operations=("CreateTable", "UpdateTable"),
    ),
    # ------------------------------------------------------ the old validation layer
    Accepted(
        "a Limit beyond 32 bits, a boolean written as text, or an update without a key is read by "
        "AWS's old layer, with its words and order (captured by Dynoxide's authors)",
        ours="Exception: ",
        theirs="Exception: ",
        applies=lambda operation, request: (
            reaches_old_layer(request) or (operation == "UpdateItem" and request.get("Key") is None)
        ),
    ),
    # ------------------------------------------------------ which of several mistakes comes first
    Accepted(
        "JSON types come before all else, in the order of the members in AWS's model",
        ours="SerializationException",
        theirs="SerializationException|ValidationException",
    ),
    Accepted(
        "constraints of members come before their values and expressions",
        ours="ailed to satisfy constraint: ",
        theirs="Supplied AttributeValue|Can not use both expression|cannot be converted to a num|"
        "Number (over|under)flow|38 significant digits|Nesting Levels|Input collection",
    ),
    Accepted(
        "which of two bad values of one item or one map comes first is the order of a hash map",
        ours="Nesting Levels have exceeded|contains invalid key",
        theirs="Number|cannot be converted to a numeric|Input collection|Supplied AttributeValue",
    ),
    Accepted(
        "ConditionalOperator comes before the values of the conditions",
        ours=r"Member must satisfy enum value set: \[ALL, OR\]|ConditionalOperator can",
        theirs="Number|Supplied AttributeValue|One or more parameter values were invalid",
    ),
    Accepted(
        "expressions come before the table and the key; KeyConditionExpression before "
        "FilterExpression, ProjectionExpression and Select; all before the pairing of segments",
        ours=r"Invalid (operator used in )?\w+Expression|"
        r"ExpressionAttribute(Names|Values) (can only|must not)",
        theirs=r"Invalid (Filter|Projection)Expression: |Cannot specify the |can be used only when|"
        "The provided key element does not match|Requested resource not found|has exceeded the |"
        "The (Total)?Segments? parameter|Key attributes must be scalars|Provided list of item keys|"
        "does not have the specified index|Condition parameter type does not match|at 'select'|"
        "Consistent reads are not supported|provided starting key is outside|"
        "Filter Expression can only contain|The provided starting key is invalid|"
        "Must specify the AttributesToGet|The query can return at most one row",
    ),
    Accepted(
        "names and values that no expression uses come right after the expressions",
        ours="unused in expressions",
        theirs="Condition parameter type does not match|Filter Expression can only contain",
    ),
    Accepted(
        "the first undefined name in the text is reported; Dynoxide goes section by section",
        ours="An expression attribute name used in the document path is not defined",
        theirs="An expression attribute name used in the document path is not defined",
        operations=("UpdateItem",),
    ),
    Accepted(
        "whether there is an expression at all comes before the values that it may use (dynalite)",
        ours="ExpressionAttribute(Names|Values) can only be specified when using expressions",
        theirs="must not be empty|contains invalid key|(are|is) null$|cannot be converted to a num|"
        "Supplied AttributeValue",
    ),
    Accepted(
        "of two mistakes in one clause the right side's is found first: it is evaluated first",
        ours="Number (over|under)flow|attempted to update the secondary index key",
        theirs="The document path provided in the update expression is invalid",
        operations=("UpdateItem",),
    ),
    Accepted(
        "another partition's start key on an index without RANGE: the wording is not captured",
        ours="The provided exclusive start key is invalid|Condition parameter type does not match|"
        "The AttributeValue for a key attribute",
        theirs="The provided starting key|The AttributeValue for a key attribute",
        operations=("Query",),
    ),
    Accepted(
        "SET, REMOVE, ADD and DELETE are names in a condition, so the offender is what follows",
        ours="Syntax error",
        theirs='Syntax error; token: "(SET|REMOVE|ADD|DELETE)"',
    ),
    Accepted(
        "the first offender from the left is reported; Dynoxide splits the whole text first",
        ours="Syntax error; token",
        theirs=r'Syntax error; token: "\d+", near: ',
    ),
    Accepted(
        "keys are checked before duplicates: a batch with both mistakes is answered by the key",
        ours="The provided key element does not match the schema",
        theirs="Provided list of item keys contains duplicates",
        operations=("BatchWriteItem",),
    ),
    Accepted(
        "an empty value of ExpressionAttributeValues is named by its key, in both layers",
        ours="ExpressionAttributeValues contains invalid value: Supplied AttributeValue",
        theirs="Supplied AttributeValue",
    ),
)


# Where Dynoxide is right. Each is to be mended, and its entry to go with the change that mends it.


def reason(operation: str, request: Json, ours: Json, theirs: Json) -> str | None:
    """Why this difference is accepted, or None."""
    for kind in ACCEPTED:
        if kind.matches(operation, request, ours, theirs):
            return kind.reason
    return None
