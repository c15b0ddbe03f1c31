"""What a write changes in the secondary indexes of its table.

In: a table and an item before and after one write (None: there is none). Out: a list of
IndexChange, at most one for each index, which the partition writes in the same batch as the item.
Called by the partition for each write to a table with indexes, and by the backfill of a new index
(before is None). What an entry holds besides its keys is the index's projection.

Pure: the changes follow from the two items alone, so a replay makes the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from stator_core.item import Item, item_size
from stator_core.keys import can_be_indexed, entry_key
from stator_core.table import Index, Table


@dataclass(slots=True)
class IndexChange:
    """One index's share of one write. Sizes are DynamoDB's, in bytes; 0 where there is no entry.

    An entry whose key changes is removed under `removed_key` and put under `put_key`; one whose key
    stays is only put. `entry` is the very object `after` where the index projects ALL, so its JSON
    need not be made twice.
    """

    index: Index
    removed_key: bytes | None
    put_key: bytes | None
    entry: Item | None
    entry_size: int
    old_entry_size: int

    @property
    def key_changed(self) -> bool:
        """Whether there was an entry, is one still, and its key is another."""
        return self.removed_key is not None and self.put_key is not None


def index_changes(table: Table, before: Item | None, after: Item | None) -> list[IndexChange]:
    """The entries to remove and to put when an item of the table changes from before to after.

    An item that lacks a key attribute of an index, or has it in another type, has no entry there;
    an entry that stays the same makes no change.
    Source: AWS: Using Global Secondary Indexes, "Data synchronization", "Sparse indexes".
    """
    changes = []
    for index in table.indexes:
        if index.status == "DELETING":
            continue  # Its entries are being deleted; nobody reads them.
        change = index_change(table, index, before, after)
        if change is not None:
            changes.append(change)
    return changes


def index_change(
    table: Table, index: Index, before: Item | None, after: Item | None
) -> IndexChange | None:
    """The change of one index, or None."""
    schema = index.key_schema
    had = before is not None and can_be_indexed(schema, before)
    has = after is not None and can_be_indexed(schema, after)
    old_entry = projected(table, index, before) if had and before is not None else None
    entry = projected(table, index, after) if has and after is not None else None
    if old_entry == entry:
        return None  # The keys are part of the entry: equal entries have equal keys.
    old_key = None if old_entry is None else entry_key(table, index, old_entry)
    put_key = None if entry is None else entry_key(table, index, entry)
    return IndexChange(
        index=index,
        removed_key=None if old_key == put_key else old_key,
        put_key=put_key,
        entry=entry,
        entry_size=0 if entry is None else item_size(entry),
        old_entry_size=0 if old_entry is None else item_size(old_entry),
    )


def projected(table: Table, index: Index, item: Item) -> Item:
    """The attributes of an item that its entry in an index holds.

    Source: AWS: Projection: index and table keys always; INCLUDE adds the attributes it names.
    """
    projection = index.projection
    if projection.type == "ALL":
        return item
    names = (*index.key_schema.names, *table.key_names, *projection.non_key_attributes)
    return {name: item[name] for name in names if name in item}


def size_with_local_entries(table: Table, item: Item, size: int) -> int:
    """What the 400 KB limit is held against: an item's bytes and its entries in local indexes.

    Source: AWS: Local Secondary Indexes, "Item collection size limit", item size quota.
    """
    for index in table.local_indexes:
        if can_be_indexed(index.key_schema, item):
            size += item_size(projected(table, index, item))
    return size
