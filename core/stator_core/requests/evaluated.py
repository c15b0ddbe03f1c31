"""What a write makes of an item, and whether that is small enough.

Made by `evaluate` of PutItem, UpdateItem and DeleteItem, which look at the item before and touch
nothing; the partition stores the item, maintains the indexes and answers with the attributes.
"""

from __future__ import annotations

from dataclasses import dataclass

from stator_core.indexes import size_with_local_entries
from stator_core.item import Item
from stator_core.limits import ITEM_SIZE_BYTES_MAX
from stator_core.table import Table


@dataclass(slots=True)
class Evaluated:
    """The item after the write, and the answer's `Attributes`.

    `item` is None where the write leaves no item; `size` is the item's in bytes, 0 for none.
    `attributes` is None where the answer has no such member.
    """

    item: Item | None
    size: int
    attributes: Item | None = None


def is_too_large(table: Table, item: Item, size: int) -> bool:
    """Whether an item of `size` bytes, with its entries in local indexes, is over 400 KB.

    Source: AWS: Quotas, "Item size for tables with local secondary indexes".
    """
    if size > ITEM_SIZE_BYTES_MAX:
        return True
    # An entry is no larger than its item, so most items need no second look.
    entries_max = len(table.local_indexes)
    if size * (1 + entries_max) <= ITEM_SIZE_BYTES_MAX:
        return False
    return size_with_local_entries(table, item, size) > ITEM_SIZE_BYTES_MAX
