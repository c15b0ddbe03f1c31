"""All custom resources, in the order in which they are listed, written and applied."""

from __future__ import annotations

from stator_operator.partition_resource import PARTITION
from stator_operator.storage_pool_resource import STORAGE_POOL
from stator_operator.table_resource import TABLE

RESOURCES = (TABLE, STORAGE_POOL, PARTITION)
