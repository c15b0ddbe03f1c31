"""The `aws dynamodb …` commands of public DynamoDB guides, as the guides print them.

`test_commands.py` runs them through the real AWS CLI in a shell, section by section, each section
on an empty server. `text` is the guide's own, to the letter; where the guide itself drops a brace
or a quote, or shows only the options that change, `mended` is what it means, and `flaw` says what
was missing. `answer` is what the guide promises: every member named there must be in the answer
with that value. Commands that wait for later features are in `WAITING`, with the feature's name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = Any
ANY = object()  # a member that must be there, with any value


@dataclass(frozen=True)
class Command:
    """One command, and what it answers."""

    text: str
    answer: Json = None  # None: nothing is printed
    mended: str | None = None
    flaw: str | None = None
    error: str | None = None  # what standard error must contain, for a command that must fail

    @property
    def shell(self) -> str:
        return self.mended or self.text


@dataclass(frozen=True)
class Section:
    """Commands that build on each other, and the tables they take for granted."""

    name: str
    commands: tuple[Command, ...]
    tables: tuple[dict[str, Any], ...] = ()
    items: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)


def table(name: str, *keys: str, **members: Any) -> dict[str, Any]:
    """CreateTable's members for a table that a guide describes in words; keys are strings."""
    roles = ("HASH", "RANGE")
    definitions = [*keys, *members.pop("more", ())]
    return {
        "TableName": name,
        "KeySchema": [
            {"AttributeName": key, "KeyType": role} for key, role in zip(keys, roles, strict=False)
        ],
        "AttributeDefinitions": [
            {"AttributeName": key, "AttributeType": "S"} for key in definitions
        ],
        "BillingMode": "PAY_PER_REQUEST",
    } | members


ORDER = {
    "UserID": {"S": "user1"},
    "OrderDate": {"S": "2024-11-05"},
    "OrderID": {"S": "ORD123"},
    "OrderTotal": {"N": "200"},
}
CHEAP_ORDER = ORDER | {
    "OrderDate": {"S": "2024-11-20"},
    "OrderID": {"S": "ORD124"},
    "OrderTotal": {"N": "80"},
    "PaymentStatus": {"S": "Paid"},
    "OrderStatus": {"S": "Pending"},
}
OLD_ORDER = ORDER | {
    "OrderDate": {"S": "2024-10-01"},
    "OrderID": {"S": "ORD100"},
    "PaymentStatus": {"S": "Pending"},
}
PAID_ORDER = ORDER | {"PaymentStatus": {"S": "Paid"}, "OrderStatus": {"S": "Pending"}}
USER_ORDERS = table("UserOrders", "UserID", "OrderDate")

FIRST_STEPS = Section(
    "first steps on a local server",
    (
        Command(
            "aws dynamodb list-tables --endpoint-url http://localhost:8000", {"TableNames": []}
        ),
        Command(
            r"""aws dynamodb create-table \
  --table-name Users \
  --attribute-definitions AttributeName=UserID,AttributeType=S \
  --key-schema AttributeName=UserID,KeyType=HASH \
  --provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=5 \
  --endpoint-url http://localhost:8000""",
            {
                "TableDescription": {
                    "TableName": "Users",
                    "TableStatus": "CREATING",
                    "KeySchema": [{"AttributeName": "UserID", "KeyType": "HASH"}],
                    "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
                    "ItemCount": 0,
                }
            },
        ),
        Command(
            r"""aws dynamodb put-item \
  --table-name Users \
  --item '{"UserID": {"S": "U001"}, "Name": {"S": "Vilas"}, "Skills": {"L": [{"S": "AWS"}, {"S": "Kubernetes"}]}}' \
  --endpoint-url http://localhost:8000""",  # noqa: E501
        ),
        Command(
            r"""aws dynamodb get-item \
  --table-name Users \
  --key '{"UserID": {"S": "U001"}}' \
  --endpoint-url http://localhost:8000""",
            {
                "Item": {
                    "UserID": {"S": "U001"},
                    "Name": {"S": "Vilas"},
                    "Skills": {"L": [{"S": "AWS"}, {"S": "Kubernetes"}]},
                }
            },
        ),
    ),
)

COMPOSITE_KEYS = Section(
    "a table with a sort key",
    (
        Command(
            r"""aws dynamodb create-table \
  --table-name UserOrders \
  --attribute-definitions \
    AttributeName=UserID,AttributeType=S \
    AttributeName=OrderDate,AttributeType=S \
  --key-schema \
    AttributeName=UserID,KeyType=HASH \
    AttributeName=OrderDate,KeyType=RANGE \
  --billing-mode PAY_PER_REQUEST""",
            {
                "TableDescription": {
                    "TableName": "UserOrders",
                    "KeySchema": [
                        {"AttributeName": "UserID", "KeyType": "HASH"},
                        {"AttributeName": "OrderDate", "KeyType": "RANGE"},
                    ],
                    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
                    "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
                }
            },
        ),
    ),
)

UPDATE_KEY = """--key '{
    "UserID": {"S": "user1"}, 
    "OrderDate": {"S": "2024-11-05"}
  }'"""  # noqa: W291 as the guide has it
DELETE_KEY = """--key '{
    "UserID": {"S": "user1"},
    "OrderDate": {"S": "2024-11-05"}
  }'"""
ONLY_THE_CHANGE = "the guide shows only the options that change"

CREATE_READ_UPDATE_DELETE = Section(
    "create, read, update, delete",
    (
        Command(
            r"""aws dynamodb put-item \
  --table-name UserOrders \
  --item '{
    "UserID": {"S": "user1"},
    "OrderDate": {"S": "2024-11-05"},
    "OrderID": {"S": "ORD123"},
    "OrderTotal": {"N": "200"}
  }'"""
        ),
        Command(
            r"""aws dynamodb put-item \
  --table-name UserOrders \
  --item '{
    "UserID": {"S": "user1"},
    "OrderDate": {"S": "2024-11-05"},
    "OrderID": {"S": "ORD123"},
    "OrderTotal": {"N": "200"}
  }' \
  --condition-expression "attribute_not_exists(UserID)"
""",
            error="(ConditionalCheckFailedException) when calling the PutItem operation: "
            "The conditional request failed",
        ),
        Command(
            r"""aws dynamodb get-item \
  --table-name UserOrders \
  --key '{
    "UserID": {"S": "user1"},
    "OrderDate": {"S": "2024-11-05"}
  }'""",
            {"Item": ORDER},
        ),
        Command(
            '--projection-expression "OrderID, OrderTotal"',
            {"Item": {"OrderID": {"S": "ORD123"}, "OrderTotal": {"N": "200"}}},
            mended=f"aws dynamodb get-item --table-name UserOrders {DELETE_KEY} "
            '--projection-expression "OrderID, OrderTotal"',
            flaw=ONLY_THE_CHANGE,
        ),
        Command(
            r"""aws dynamodb update-item \
  --table-name UserOrders \
  --key '{
    "UserID": {"S": "user1"}, 
    "OrderDate": {"S": "2024-11-05"}
  ' \
  --update-expression "SET OrderTotal = :val" \
  --expression-attribute-values '":val": {"N": "250"}'""",  # noqa: W291
            mended=f"aws dynamodb update-item --table-name UserOrders {UPDATE_KEY} "
            '--update-expression "SET OrderTotal = :val" '
            """--expression-attribute-values '{":val": {"N": "250"}}'""",
            flaw="the key's last brace and the values' two",
        ),
        Command(
            """--update-expression "ADD OrderTotal :inc"
--expression-attribute-values '":inc": {"N": "50"}'""",
            {"Attributes": {"OrderTotal": {"N": "300"}}},
            mended=f"aws dynamodb update-item --table-name UserOrders {UPDATE_KEY} "
            '--update-expression "ADD OrderTotal :inc" '
            """--expression-attribute-values '{":inc": {"N": "50"}}' """
            "--return-values UPDATED_NEW",
            flaw=ONLY_THE_CHANGE,
        ),
        Command(
            """--condition-expression "PaymentStatus <> :status"
""",
            {"Attributes": ORDER | {"OrderTotal": {"N": "300"}, "PaymentStatus": {"S": "Paid"}}},
            mended=f"aws dynamodb update-item --table-name UserOrders {UPDATE_KEY} "
            '--update-expression "SET PaymentStatus = :status" '
            """--expression-attribute-values '{":status": {"S": "Paid"}}' """
            '--condition-expression "PaymentStatus <> :status" --return-values ALL_NEW',
            flaw=ONLY_THE_CHANGE,
        ),
        Command(
            """--update-expression "SET PaymentStatus = :status"
--expression-attribute-values '":status": {"S": "Paid"}'""",
            mended=f"aws dynamodb update-item --table-name UserOrders {UPDATE_KEY} "
            '--update-expression "SET PaymentStatus = :status" '
            """--expression-attribute-values '{":status": {"S": "Paid"}}' """
            '--condition-expression "PaymentStatus <> :status"',
            flaw=ONLY_THE_CHANGE,
            error="The conditional request failed",
        ),
        Command(
            """--condition-expression "OrderTotal < :max"
--expression-attribute-values '":max": {"N": "300"}'""",
            mended=f"aws dynamodb delete-item --table-name UserOrders {DELETE_KEY} "
            """--condition-expression "OrderTotal < :max" """
            """--expression-attribute-values '{":max": {"N": "300"}}'""",
            flaw=ONLY_THE_CHANGE,
            error="The conditional request failed",
        ),
        Command(
            r"""aws dynamodb delete-item \
  --table-name UserOrders \
  --key '{
    "UserID": {"S": "user1"},
    "OrderDate": {"S": "2024-11-05"}
  }'"""
        ),
        # "If no item exists, the output is empty."
        # "If the item doesn't exist, DynamoDB does nothing."
        Command(f"aws dynamodb get-item --table-name UserOrders {DELETE_KEY}"),
        Command(f"aws dynamodb delete-item --table-name UserOrders {DELETE_KEY}"),
    ),
    tables=(USER_ORDERS,),
)

BETWEEN_DATES = r"""aws dynamodb query \
  --table-name UserOrders \
  --key-condition-expression "UserID = :uid AND OrderDate BETWEEN :start AND :end" \
  --expression-attribute-values '{
    ":uid": {"S": "user1"}, 
    ":start": {"S": "2024-11-01"}, 
    ":end": {"S": "2024-11-10"}
  }'"""  # noqa: W291
OVER_A_HUNDRED = r"""aws dynamodb query \
  --table-name UserOrders \
  --key-condition-expression "UserID = :uid" \
  --filter-expression "OrderTotal > :amount" \
  --expression-attribute-values '{
    ":uid": {"S": "user1"}, 
    ":amount": {"N": "100"}
  }'"""  # noqa: W291

QUERY_AND_SCAN = Section(
    "query and scan",
    (
        Command(
            r"""aws dynamodb query \
  --table-name UserOrders \
  --key-condition-expression "UserID = :uid" \
  --expression-attribute-values '":{":uid": {"S": "user1"}}'""",
            {"Items": [OLD_ORDER, PAID_ORDER, CHEAP_ORDER], "Count": 3, "ScannedCount": 3},
            mended=r"""aws dynamodb query \
  --table-name UserOrders \
  --key-condition-expression "UserID = :uid" \
  --expression-attribute-values '{":uid": {"S": "user1"}}'""",
            flaw='the values begin with `":{` instead of `{`',
        ),
        Command(BETWEEN_DATES, {"Items": [PAID_ORDER], "Count": 1, "ScannedCount": 1}),
        Command(
            '--projection-expression "OrderID, OrderTotal"',
            {"Items": [{"OrderID": {"S": "ORD123"}, "OrderTotal": {"N": "200"}}], "Count": 1},
            mended=BETWEEN_DATES + ' --projection-expression "OrderID, OrderTotal"',
            flaw=ONLY_THE_CHANGE,
        ),
        Command(OVER_A_HUNDRED, {"Items": [OLD_ORDER, PAID_ORDER], "Count": 2, "ScannedCount": 3}),
        Command(
            """--filter-expression "OrderTotal > :amount AND PaymentStatus = :status"
--expression-attribute-values '{
  ":amount": {"N": "100"}, 
  ":status": {"S": "Paid"}
}'""",  # noqa: W291
            {"Items": [PAID_ORDER], "Count": 1, "ScannedCount": 3},
            mended=r"""aws dynamodb query \
  --table-name UserOrders \
  --key-condition-expression "UserID = :uid" \
  --filter-expression "OrderTotal > :amount AND PaymentStatus = :status" \
  --expression-attribute-values '{
  ":uid": {"S": "user1"},
  ":amount": {"N": "100"},
  ":status": {"S": "Paid"}
}'""",
            flaw=ONLY_THE_CHANGE,
        ),
        Command(
            r"""aws dynamodb query \
  --table-name UserOrders \
  --key-condition-expression "UserID = :uid AND OrderDate BETWEEN :start AND :end" \
  --filter-expression "OrderTotal > :amount AND PaymentStatus = :status" \
  --projection-expression "OrderID, OrderDate, OrderTotal" \
  --expression-attribute-values '{
    ":uid": {"S": "user1"}, 
    ":start": {"S": "2024-11-01"}, 
    ":end": {"S": "2024-11-30"}, 
    ":amount": {"N": "100"}, 
    ":status": {"S": "Paid"}
  }'""",  # noqa: W291
            {
                "Items": [
                    {
                        "OrderID": {"S": "ORD123"},
                        "OrderDate": {"S": "2024-11-05"},
                        "OrderTotal": {"N": "200"},
                    }
                ],
                "Count": 1,
                "ScannedCount": 2,
            },
        ),
        Command(
            r"""aws dynamodb scan \
  --table-name UserOrders \
  --filter-expression "OrderTotal > :amount" \
  --expression-attribute-values '{
    ":amount": {"N": "100"}
  }'""",
            {"Count": 2, "ScannedCount": 3},
        ),
    ),
    tables=(USER_ORDERS,),
    items={"UserOrders": (ORDER, PAID_ORDER, CHEAP_ORDER, OLD_ORDER)},
)

INDEXES = Section(
    "secondary indexes",
    (
        Command(
            r"""aws dynamodb query \
  --table-name UserOrders \
  --index-name UserPaymentStatusIndex \
  --key-condition-expression "UserID = :uid AND PaymentStatus = :status" \
  --expression-attribute-values '{
    ":uid": {"S": "user1"}, 
    ":status": {"S": "Pending"} 
  }'""",  # noqa: W291
            {"Items": [OLD_ORDER], "Count": 1},
        ),
        Command(
            r"""aws dynamodb update-table \
  --table-name UserOrders \
  --attribute-definitions \
    AttributeName=OrderStatus,AttributeType=S \
    AttributeName=OrderDate,AttributeType=S \
  --global-secondary-index-updates '[
    {
      "Create": {
        "IndexName": "OrderStatusIndex",
        "KeySchema": [
          {"AttributeName": "OrderStatus", "KeyType": "HASH"},
          {"AttributeName": "OrderDate", "KeyType": "RANGE"}
        ],
        "Projection": {"ProjectionType": "ALL"}
      }
    }
  ]'""",
            {
                "TableDescription": {
                    "TableStatus": "UPDATING",
                    "GlobalSecondaryIndexes": [
                        {"IndexName": "OrderStatusIndex", "IndexStatus": "CREATING"}
                    ],
                }
            },
        ),
        Command(
            r"""aws dynamodb query \
  --table-name UserOrders \
  --index-name OrderStatusIndex \
  --key-condition-expression "OrderStatus = :status" \
  --expression-attribute-values '{
    ":status": {"S": "Pending"}
  }'""",
            {"Items": [PAID_ORDER, CHEAP_ORDER], "Count": 2},
        ),
    ),
    tables=(
        table(
            "UserOrders",
            "UserID",
            "OrderDate",
            more=("PaymentStatus",),
            LocalSecondaryIndexes=[
                {
                    "IndexName": "UserPaymentStatusIndex",
                    "KeySchema": [
                        {"AttributeName": "UserID", "KeyType": "HASH"},
                        {"AttributeName": "PaymentStatus", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        ),
    ),
    items={"UserOrders": (PAID_ORDER, CHEAP_ORDER, OLD_ORDER)},
)

SINGLE_TABLE = Section(
    "one table for many kinds of things",
    (
        Command(
            r"""aws dynamodb query \
  --table-name AppTable \
  --key-condition-expression "PK = :pk" \
  --expression-attribute-values '{":pk":{"S":"user#1"}}'""",
            {
                "Items": [
                    {"PK": {"S": "user#1"}, "SK": {"S": "ADDRESS#HOME"}},
                    {"PK": {"S": "user#1"}, "SK": {"S": "ORDER#123"}},
                    {"PK": {"S": "user#1"}, "SK": {"S": "ORDER#456"}},
                    {"PK": {"S": "user#1"}, "SK": {"S": "PROFILE#INFO"}},
                ],
                "Count": 4,
            },
        ),
    ),
    tables=(table("AppTable", "PK", "SK"),),
    items={
        "AppTable": tuple(
            {"PK": {"S": user}, "SK": {"S": sort}}
            for user in ("user#1", "user#2")
            for sort in ("PROFILE#INFO", "ORDER#123", "ORDER#456", "ADDRESS#HOME")
        )
    },
)

TABLE_SETTINGS = Section(
    "streams, expiry, encryption and billing as settings",
    (
        Command(
            r"""aws dynamodb update-table \
  --table-name Orders \
  --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES""",
            {
                "TableDescription": {
                    "StreamSpecification": {
                        "StreamEnabled": True,
                        "StreamViewType": "NEW_AND_OLD_IMAGES",
                    },
                    "LatestStreamArn": ANY,
                }
            },
        ),
        Command(
            r"""aws dynamodb update-time-to-live \
  --table-name SessionTable \
  --time-to-live-specification "Enabled=true, AttributeName=expireAt"
""",
            {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expireAt"}},
        ),
        Command(
            r"""aws dynamodb create-table \
  --table-name SecureTable \
  --sse-specification Enabled=true,SSEType=KMS,KMSMasterKeyId=arn:aws:kms:us-east-2:123456789012:key/abcd-1
""",  # noqa: E501
            {"TableDescription": {"TableName": "SecureTable", "TableStatus": "CREATING"}},
            mended="aws dynamodb create-table --table-name SecureTable "
            "--sse-specification Enabled=true,SSEType=KMS,"
            "KMSMasterKeyId=arn:aws:kms:us-east-2:123456789012:key/abcd-1 "
            "--attribute-definitions AttributeName=id,AttributeType=S "
            "--key-schema AttributeName=id,KeyType=HASH --billing-mode PAY_PER_REQUEST",
            flaw="the keys, which CreateTable requires",
        ),
        Command(
            r"""aws dynamodb update-table \
--table-name Orders \
--billing-mode PAY_PER_REQUEST
""",
            {"TableDescription": {"BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}},
        ),
    ),
    tables=(
        table(
            "Orders",
            "OrderId",
            BillingMode="PROVISIONED",
            ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
        ),
        table("SessionTable", "ItemID"),
    ),
)

ORDERS_TABLE = Section(
    "a table to export later",
    (
        Command(
            r"""aws dynamodb create-table \
--table-name OrdersTable \
--attribute-definitions \
  AttributeName=OrderId,AttributeType=S \
--key-schema \
  AttributeName=OrderId,KeyType=HASH \
--billing-mode PAY_PER_REQUEST
""",
            {"TableDescription": {"TableName": "OrdersTable"}},
        ),
        Command(
            r"""aws dynamodb put-item \
--table-name OrdersTable \
--item '{"OrderId": {"S": "ORD1001"}, "UserId": {"S": "U001"}, "Total": {"N": "450"}, "Date": {"S": "2025-01-01T00:00:00Z"}}
""",  # noqa: E501
            mended=r"""aws dynamodb put-item \
--table-name OrdersTable \
--item '{"OrderId": {"S": "ORD1001"}, "UserId": {"S": "U001"}, "Total": {"N": "450"}, "Date": {"S": "2025-01-01T00:00:00Z"}}'
""",  # noqa: E501
            flaw="the closing quote",
        ),
        Command(
            r"""aws dynamodb put-item \
--table-name OrdersTable \
--item '{"OrderId": {"S": "ORD1002"}, "UserId": {"S": "U002"}, "Total": {"N": "999"}, "Date": {"S": "2025-01-02T00:00:00Z"}'}
""",  # noqa: E501
            mended=r"""aws dynamodb put-item \
--table-name OrdersTable \
--item '{"OrderId": {"S": "ORD1002"}, "UserId": {"S": "U002"}, "Total": {"N": "999"}, "Date": {"S": "2025-01-02T00:00:00Z"}}'
""",  # noqa: E501
            flaw="the last brace and the closing quote stand in the wrong order",
        ),
        Command("aws dynamodb list-tables", {"TableNames": ["OrdersTable"]}),
        Command(
            "aws dynamodb scan --table-name OrdersTable_Restore --select COUNT",
            {"Count": 2, "ScannedCount": 2},
            mended="aws dynamodb scan --table-name OrdersTable --select COUNT",
            flaw="the restored table waits for import; the count is taken of the original",
        ),
    ),
)

CHANGE_CAPTURE = Section(
    "change capture and expiry",
    (
        Command(
            r"""aws dynamodb create-table \
--table-name OrdersCDC \
--attribute-definitions AttributeName=OrderId,AttributeType=S \
--key-schema AttributeName=OrderId,KeyType=HASH \
--billing-mode PAY_PER_REQUEST \
--stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES
""",
            {
                "TableDescription": {
                    "TableName": "OrdersCDC",
                    "StreamSpecification": {
                        "StreamEnabled": True,
                        "StreamViewType": "NEW_AND_OLD_IMAGES",
                    },
                }
            },
        ),
        Command(
            'aws dynamodb describe-table --table-name OrdersCDC --query "Table.LatestStreamArn"',
            ANY,
        ),
        Command(
            r"""aws dynamodb update-time-to-live \
--table-name OrdersCDC \
--time-to-live-specification "Enabled=true, AttributeName=expiresAt"
""",
            {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expiresAt"}},
        ),
        Command(
            "aws dynamodb describe-time-to-live --table-name OrdersCDC",
            {"TimeToLiveDescription": {"TimeToLiveStatus": ANY, "AttributeName": "expiresAt"}},
        ),
        Command(
            r"""# Expires in 1 hour
EXPIRY=$(($(date +%s) + 3600))

aws dynamodb put-item \
--table-name OrdersCDC \
--item '{"OrderId":{"S":"ORD2001"}, "UserId":{"S":"U002"}, "Total":{"N":"999"}, "expiresAt":{"N":"'${EXPIRY}'"}}
""",  # noqa: E501
            mended=r"""EXPIRY=$(($(date +%s) + 3600))

aws dynamodb put-item \
--table-name OrdersCDC \
--item '{"OrderId":{"S":"ORD2001"}, "UserId":{"S":"U002"}, "Total":{"N":"999"}, "expiresAt":{"N":"'${EXPIRY}'"}}'
""",  # noqa: E501
            flaw="the closing quote",
        ),
    ),
)

CONSISTENCY = Section(
    "weak and strong reads; a table to replicate later",
    (
        Command(
            r"""aws dynamodb get-item \
  --table-name Orders \
  --key '{"OrderId": {"S": "ORD1001"}}'
""",
            {"Item": {"OrderId": {"S": "ORD1001"}}},
        ),
        Command(
            r"""aws dynamodb get-item \
  --table-name Orders \
  --key '{"OrderId": {"S": "ORD1001"}}' \
  --consistent-read
""",
            {"Item": {"OrderId": {"S": "ORD1001"}}},
        ),
        Command(
            r"""aws dynamodb create-table \
--table-name OrdersGlobal \
--attribute-definitions AttributeName=OrderId,AttributeType=S \
--key-schema AttributeName=OrderId,KeyType=HASH \
--billing-mode PAY_PER_REQUEST \
--region us-east-2
""",
            {"TableDescription": {"TableName": "OrdersGlobal"}},
        ),
        Command(
            r"""aws dynamodb put-item \
--table-name OrdersGlobal \
--item '{"OrderId":{"S":"ORD5001"}, "UserId":{"S":"U100"}, "Total":{"N":"450"} }' \
--region us-east-2
"""
        ),
    ),
    tables=(table("Orders", "OrderId"),),
    items={"Orders": ({"OrderId": {"S": "ORD1001"}},)},
)

SECTIONS = (
    FIRST_STEPS,
    COMPOSITE_KEYS,
    CREATE_READ_UPDATE_DELETE,
    QUERY_AND_SCAN,
    INDEXES,
    SINGLE_TABLE,
    TABLE_SETTINGS,
    ORDERS_TABLE,
    CHANGE_CAPTURE,
    CONSISTENCY,
)

# The guides' other commands, by the feature that they wait for.
WAITING: dict[str, tuple[str, ...]] = {
    "continuous backups": (
        "update-continuous-backups",
        "describe-continuous-backups",
        "restore-table-to-point-in-time",
    ),
    "export and import": (
        "export-table-to-point-in-time",
        "list-exports",
        "import-table",
        "describe-import",
    ),
    "global tables": (
        "update-table --replica-updates",
        "describe-table --query Table.Replicas",
        "get-item --region ap-south-1 (what was written in us-east-2)",
        "create-table --replication-group --global-table-replication-mode",
        "create-global-table",
    ),
}
