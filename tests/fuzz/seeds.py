"""Good requests of every operation: where the fuzzers start from.

`BODIES` maps each operation to bodies that the world of `world.py` answers with success; the
tests beside it prove that, so a seed that no longer reaches an operation's depths is noticed.
"""

from __future__ import annotations

from typing import Any

from fuzz.world import ACCOUNT, FEED, ITEMS, REGION, SIMPLE_TABLE, key_schema, table_body

ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/Music"
SHARD = {name: FEED[name] for name in ("StreamArn", "ShardId")}
KEY = {"pk": {"S": "p"}, "sk": {"N": "1"}}
NAMES = {"#n": "c"}
VALUE = {":v": {"N": "1"}}
WANTED = {"ReturnConsumedCapacity": "INDEXES"}
MEASURED = {**WANTED, "ReturnItemCollectionMetrics": "SIZE"}
RICH = {
    **KEY,
    "a": {"S": "x"},
    "b": {"B": "AP8="},
    "c": {"L": [{"M": {"n": {"NULL": True}}}, {"BOOL": False}, {"N": "-1.50E3"}]},
    "s": {"SS": ["v", "u"]},
    "ns": {"NS": ["10", "9"]},
    "bs": {"BS": ["YQ==", ""]},
}

BODIES: dict[str, list[dict[str, Any]]] = {
    "PutItem": [
        {"TableName": "Music", "Item": RICH, "ReturnValues": "ALL_OLD", **MEASURED},
        {
            "TableName": "Music",
            "Item": ITEMS[0],
            "ConditionExpression": "attribute_exists(pk) AND (#n IN (:v, :w) OR size(a) < :w)",
            "ExpressionAttributeNames": NAMES,
            "ExpressionAttributeValues": {**VALUE, ":w": {"N": "7"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
        {
            "TableName": "Music",
            "Item": KEY,
            "Expected": {"c": {"Value": {"N": "3"}}, "z": {"Exists": False}},
            "ConditionalOperator": "AND",
        },
        {"TableName": "Simple", "Item": {"pk": {"S": "k"}}},
    ],
    "GetItem": [
        {
            "TableName": "Music",
            "Key": KEY,
            "ConsistentRead": True,
            "ProjectionExpression": "#n, m.n.o, c[1]",
            "ExpressionAttributeNames": {"#n": "a"},
            **WANTED,
        },
        {"TableName": ARN, "Key": KEY, "AttributesToGet": ["a", "c"]},
    ],
    "UpdateItem": [
        {
            "TableName": "Music",
            "Key": KEY,
            "UpdateExpression": "SET #n = #n + :v, d = if_not_exists(d, :v) REMOVE b ADD e :s",
            "ConditionExpression": "c BETWEEN :v AND :w",
            "ExpressionAttributeNames": NAMES,
            "ExpressionAttributeValues": {**VALUE, ":w": {"N": "9"}, ":s": {"SS": ["q"]}},
            "ReturnValues": "UPDATED_NEW",
            **MEASURED,
        },
        {
            "TableName": "Music",
            "Key": {"pk": {"S": "p"}, "sk": {"N": "2"}},
            "UpdateExpression": "SET c[0] = :v, a = :a, c[5] = :v, z = list_append(c, c)",
            "ExpressionAttributeValues": {**VALUE, ":a": {"S": "w"}},
            "ReturnValues": "ALL_NEW",
        },
        {
            "TableName": "Music",
            "Key": {"pk": {"S": "p"}, "sk": {"N": "-3.5"}},
            "UpdateExpression": "DELETE m.n.o :s SET m.k = :s",
            "ExpressionAttributeValues": {":s": {"SS": ["u"]}},
            "ReturnValues": "UPDATED_OLD",
        },
        {
            "TableName": "Music",
            "Key": KEY,
            "AttributeUpdates": {
                "c": {"Action": "ADD", "Value": {"N": "1"}},
                "b": {"Action": "DELETE"},
                "d": {"Action": "PUT", "Value": {"S": "v"}},
            },
            "Expected": {
                "c": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "1"}]},
            },
            "ReturnValues": "ALL_OLD",
        },
    ],
    "DeleteItem": [
        {
            "TableName": "Music",
            "Key": KEY,
            "ConditionExpression": "NOT begins_with(a, :p) AND attribute_type(c, :t)",
            "ExpressionAttributeValues": {":p": {"S": "zz"}, ":t": {"S": "N"}},
            "ReturnValues": "ALL_OLD",
            **MEASURED,
        },
    ],
    "Query": [
        {
            "TableName": "Music",
            "KeyConditionExpression": "pk = :p AND sk BETWEEN :v AND :w",
            "FilterExpression": "attribute_exists(#n) AND contains(a, :x)",
            "ProjectionExpression": "a, #n",
            "ExpressionAttributeNames": NAMES,
            "ExpressionAttributeValues": {
                ":p": {"S": "p"},
                ":v": {"N": "-5"},
                ":w": {"N": "5"},
                ":x": {"S": "x"},
            },
            "ScanIndexForward": False,
            "Limit": 2,
            "ExclusiveStartKey": {"pk": {"S": "p"}, "sk": {"N": "3"}},
            **WANTED,
        },
        {
            "TableName": "Music",
            "IndexName": "lean",
            "KeyConditionExpression": "pk = :p AND begins_with(b, :b)",
            "ExpressionAttributeValues": {":p": {"S": "p"}, ":b": {"B": "YQ=="}},
            "Select": "ALL_ATTRIBUTES",
            "ConsistentRead": True,
            **WANTED,
        },
        {
            "TableName": "Music",
            "IndexName": "global",
            "KeyConditions": {
                "a": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "x"}]},
                "sk": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "0"}]},
            },
            "QueryFilter": {
                "c": {"ComparisonOperator": "NOT_NULL"},
                "pk": {"ComparisonOperator": "NULL"},
            },
            "ConditionalOperator": "OR",
            "Limit": 1,
        },
        {
            "TableName": "Music",
            "KeyConditionExpression": "pk = :p",
            "ExpressionAttributeValues": {":p": {"S": "p"}},
            "Select": "COUNT",
        },
    ],
    "Scan": [
        {"TableName": "Music", "TotalSegments": 3, "Segment": 1, "Limit": 5, **WANTED},
        {
            "TableName": "Music",
            "IndexName": "global",
            "FilterExpression": "c <> :v OR size(a) >= :v",
            "ExpressionAttributeValues": VALUE,
            "ExclusiveStartKey": {"pk": {"S": "p"}, "sk": {"N": "1"}, "a": {"S": "x"}},
        },
        {
            "TableName": "Music",
            "ScanFilter": {
                "a": {"ComparisonOperator": "IN", "AttributeValueList": [{"S": "x"}, {"S": "y"}]},
            },
            "AttributesToGet": ["pk", "a"],
        },
        {"TableName": "Music", "IndexName": "local", "Limit": 1},
    ],
    "BatchGetItem": [
        {
            "RequestItems": {
                "Music": {
                    "Keys": [KEY, {"pk": {"S": "q"}, "sk": {"N": "0"}}],
                    "ProjectionExpression": "#n, a",
                    "ExpressionAttributeNames": NAMES,
                    "ConsistentRead": True,
                },
                "Simple": {"Keys": [{"pk": {"S": "k"}}]},
            },
            **WANTED,
        },
        {"RequestItems": {"Simple": {"Keys": [{"pk": {"S": "k"}}], "AttributesToGet": ["pk"]}}},
    ],
    "BatchWriteItem": [
        {
            "RequestItems": {
                "Music": [
                    {"PutRequest": {"Item": RICH}},
                    {"DeleteRequest": {"Key": {"pk": {"S": "q"}, "sk": {"N": "0"}}}},
                ],
                "Simple": [{"PutRequest": {"Item": {"pk": {"S": "k"}}}}],
            },
            **MEASURED,
        },
    ],
    "CreateTable": [
        table_body(
            "Fresh",
            Tags=[{"Key": "k", "Value": "v"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            SSESpecification={"Enabled": False},
            TableClass="STANDARD",
            DeletionProtectionEnabled=False,
        ),
        {
            **SIMPLE_TABLE,
            "TableName": "Units",
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
        },
        {
            **SIMPLE_TABLE,
            "TableName": "Bounded",
            "OnDemandThroughput": {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 10},
        },
    ],
    "UpdateTable": [
        {
            "TableName": "Simple",
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "g", "AttributeType": "N"},
            ],
            "GlobalSecondaryIndexUpdates": [
                {
                    "Create": {
                        "IndexName": "later",
                        "KeySchema": key_schema("g", "pk"),
                        "Projection": {"ProjectionType": "ALL"},
                    }
                }
            ],
        },
        {
            "TableName": "Music",
            "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "global"}}],
        },
        {
            "TableName": "Simple",
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
        },
        {"TableName": "Simple", "DeletionProtectionEnabled": True},
        {
            "TableName": "Simple",
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        },
    ],
    "DescribeTable": [{"TableName": "Music"}],
    "ListTables": [{"Limit": 1}, {"ExclusiveStartTableName": "Music"}],
    "DeleteTable": [{"TableName": "Music"}],
    "TagResource": [{"ResourceArn": ARN, "Tags": [{"Key": "k", "Value": "v"}]}],
    "UntagResource": [{"ResourceArn": ARN, "TagKeys": ["k"]}],
    "ListTagsOfResource": [{"ResourceArn": ARN}],
    "UpdateTimeToLive": [
        {
            "TableName": "Music",
            "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expires"},
        }
    ],
    "DescribeTimeToLive": [{"TableName": "Music"}],
    "ListStreams": [{}, {"TableName": "Feed", "Limit": 1}],
    "DescribeStream": [{"StreamArn": FEED["StreamArn"], "Limit": 1}],
    "GetShardIterator": [
        {**SHARD, "ShardIteratorType": "LATEST"},
        {**SHARD, "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1_799_999_999.5},
    ],
    "GetRecords": [{"ShardIterator": FEED["ShardIterator"], "Limit": 1}],
    "DescribeLimits": [{}],
    "DescribeEndpoints": [{}],
}

SEQUENCES: list[list[list[Any]]] = [
    [[operation, body]] for operation, bodies in BODIES.items() for body in bodies
] + [
    [["PutItem", BODIES["PutItem"][0]], ["UpdateItem", BODIES["UpdateItem"][0]]],
    [["UpdateTable", BODIES["UpdateTable"][0]], ["PutItem", BODIES["PutItem"][3]]],
    [["DeleteTable", {"TableName": "Music"}], ["GetItem", BODIES["GetItem"][0]]],
]

CONDITIONS = (
    "#n = :v",
    "attribute_not_exists(pk)",
    "a IN (:v, :w) AND NOT (size(c) >= :v OR contains(c[0].m, :w))",
    "begins_with(a, :w) OR c BETWEEN :v AND :v",
    "attribute_type(#n.#o[3], :t) and attribute_exists(m.n.o)",
)
KEY_CONDITIONS = ("pk = :p", "pk = :p AND sk > :v", "pk=:p and begins_with(a, :w)")
UPDATES = (
    "SET c = c + :v, m.n = if_not_exists(m.n, :v) REMOVE c[0], a",
    "ADD s :s, c :v DELETE ss :s",
    "SET #n[1] = list_append(#n, :l) - :v",
)
PROJECTIONS = ("a, #n.#o, c[0], m.n.o[12]", "pk")
