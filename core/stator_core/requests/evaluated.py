"""What a write makes of an item.

Made by `evaluate` of PutItem, UpdateItem and DeleteItem, which look at the item before and touch
nothing; the partition stores the item, maintains the indexes and answers with the attributes.
"""

from __future__ import annotations

from dataclasses import dataclass

from stator_core.item import Item


@dataclass(slots=True)
class Evaluated:
    """The item after the write, and the answer's `Attributes`.

    `item` is None where the write leaves no item; `size` is the item's in bytes, 0 for none.
    `attributes` is None where the answer has no such member.
    """

    item: Item | None
    size: int
    attributes: Item | None = None
