"""Tables found again by what their partitions say, and when enough has been heard for that."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

from stator_core import table_status
from stator_core.catalog_rebuilding import (
    NUMBERS_MARGIN,
    PATIENCE_SECONDS,
    PATIENCE_WITH_NEW_SECONDS,
    Hearing,
    RebuiltCatalog,
    Witness,
    rebuilt,
    why_wait,
)
from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import HashRange, new_partition
from stator_core.requests import create_table
from stator_core.table import Table
from table_bodies import attributes, create_body, index

LOST_SECONDS = 600.0
ZONES = {"n1": "z1", "n2": "z2", "n3": "z3"}
WHOLE = HashRange(0, HASH_SPACE)
LEFT, RIGHT = HashRange(0, HASH_SPACE // 2), HashRange(HASH_SPACE // 2, HASH_SPACE)


def a_table(name: str = "Music", first: int = 1, **members: Any) -> Table:
    """As partitions have it: ACTIVE from the beginning."""
    request = create_table.parse(create_body(TableName=name, **members))
    made = request.table(count(first), f"id-{first}", 0.0, "us-east-1", "111122223333")
    return table_status.table_active(made)


INDEXED = a_table(
    first=5,
    AttributeDefinitions=attributes(pk="S", x="S"),
    GlobalSecondaryIndexes=[index("by-x", "x")],
)
STREAMED = a_table(
    "Log", first=9, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
)


def witnesses(
    partition_id: int,
    table: Table,
    held: HashRange = WHOLE,
    identifier: int | None = None,
    nodes: tuple[str, ...] = ("n1", "n2", "n3"),
    epoch: int = 3,
) -> list[Witness]:
    """All replicas of a partition; the first one leads."""
    descriptor = new_partition(
        partition_id, table.name, identifier or table.identifier, held, nodes
    )
    return [
        Witness(node, descriptor, table, epoch, leads=node == nodes[0], term=4, applied=17)
        for node in nodes
    ]


def heard(*replicas: Witness, **changes: Any) -> Hearing:
    """Everybody has been heard."""
    held: dict[str, frozenset[int]] = {node: frozenset() for node in ZONES}
    for each in replicas:
        held[each.node_id] = held.get(each.node_id, frozenset()) | {each.descriptor.partition_id}
    return replace(Hearing(ZONES, frozenset(ZONES), held, replicas), **changes)


def found(*replicas: Witness) -> RebuiltCatalog:
    """What is rebuilt of them, in whatever order they are listed."""
    shuffled = list(replicas)
    Random(1).shuffle(shuffled)
    catalog = rebuilt(heard(*replicas))
    assert rebuilt(heard(*shuffled)) == catalog
    return catalog


# ------------------------------------------------------------------------------- what there is


def test_tables_are_as_their_leaders_describe_them() -> None:
    older = INDEXED.changed(deletion_protection=True)
    own = witnesses(1, INDEXED)
    own[1:] = [replace(each, table=older, applied=90) for each in own[1:]]
    catalog = found(*own, *witnesses(2, INDEXED, identifier=6), *witnesses(3, STREAMED))

    assert catalog.tables == (INDEXED, STREAMED)
    assert catalog.deleted == ()
    assert catalog.left_alone == ()


def test_the_newest_description_is_the_one_that_partitions_have_been_told_last() -> None:
    changed = INDEXED.changed(tags=(("a", "b"),))
    left = witnesses(1, INDEXED, LEFT)
    right = witnesses(2, changed, RIGHT, epoch=4)

    assert found(*left, *right).tables == (changed,)


def test_who_leads_knows_better_than_who_was_told_more_often() -> None:
    left = [replace(each, leads=False) for each in witnesses(1, STREAMED, LEFT, epoch=9)]

    right = witnesses(2, INDEXED.changed(name="Log", identifier=9), RIGHT)
    assert found(*left, *right).tables == (right[0].table,)


def test_numbers_are_beyond_all_that_were_seen() -> None:
    absorbing = [replace(each, absorbed=frozenset({41})) for each in witnesses(7, INDEXED)]
    catalog = found(*absorbing)
    assert catalog.next_partition_id == 41 + NUMBERS_MARGIN
    assert catalog.next_identifier == 6 + NUMBERS_MARGIN  # of its index

    # Of what has no state yet, only the id of its partition is known.
    more = heard(*absorbing)
    more = replace(more, held={**more.held, "n2": frozenset({7, 60})})
    assert rebuilt(more).next_partition_id == 60 + NUMBERS_MARGIN


def test_a_table_on_its_way_out_goes_on_going() -> None:
    """One partition that says so is enough, and it may be one of an index."""
    leaving = INDEXED.changed(status="DELETING")
    of_index = witnesses(2, leaving, identifier=6)
    assert found(*witnesses(1, INDEXED, epoch=9), *of_index).tables == (
        INDEXED.changed(status="DELETING"),
    )
    assert found(*of_index).tables == (leaving,)


def test_a_deleted_table_whose_stream_is_read_is_known_by_its_identifier() -> None:
    deleted = table_status.table_deleted(STREAMED.changed(status="DELETING"))
    again = a_table("Log", first=20)
    catalog = found(*witnesses(1, deleted), *witnesses(2, again))

    assert catalog.tables == (again,)
    assert catalog.deleted == (deleted,)


def test_a_table_that_not_all_partitions_know_to_be_deleted_is_being_deleted() -> None:
    leaving = STREAMED.changed(status="DELETING")
    deleted = table_status.table_deleted(leaving)
    told, untold = witnesses(1, deleted, LEFT), witnesses(2, STREAMED, RIGHT)
    assert found(*told, *untold).tables == (leaving,)

    # All of them knew when another table took its name: this one has lost its leader since.
    untold = [replace(each, leads=False) for each in untold]
    again = a_table("Log", first=20)
    catalog = found(*told, *untold, *witnesses(3, again))
    assert catalog.tables == (again,)
    assert catalog.deleted == (deleted,)


def test_what_was_thrown_away_elsewhere_is_no_table() -> None:
    """A pod that was away while its table was deleted; its numbers are not given again."""
    kept = replace(witnesses(80, a_table("Gone", first=70))[2], leads=False)
    catalog = found(*witnesses(1, INDEXED), kept)

    assert catalog.tables == (INDEXED,)
    assert catalog.next_partition_id == 80 + NUMBERS_MARGIN
    assert catalog.next_identifier == 70 + NUMBERS_MARGIN
    assert catalog.left_alone == ("partition 80 was thrown away elsewhere",)


def test_two_lost_volumes_do_not_look_like_a_deletion() -> None:
    """Who has their pods by now is another node each."""
    (*_, kept) = witnesses(1, INDEXED, nodes=("n7", "n8", "n1"))

    assert found(replace(kept, leads=False)).tables == (INDEXED,)


def test_indexes_without_a_table_are_left_alone() -> None:
    catalog = found(*witnesses(2, INDEXED, identifier=6))

    assert catalog.tables == ()
    assert catalog.left_alone == ("table 5 has indexes, and no partitions of its own",)


def test_of_two_tables_of_one_name_the_later_one_counts() -> None:
    again = a_table(first=20)
    catalog = found(*witnesses(1, INDEXED), *witnesses(3, again))

    assert catalog.tables == (again,)
    assert catalog.left_alone == ("table 5 has the name of a later one: Music",)


# ------------------------------------------------------------------------------ who was heard


def why(hearing: Hearing, seconds: float = 0.0) -> str:
    return why_wait(hearing, seconds, LOST_SECONDS) or ""


def without(hearing: Hearing, *nodes: str) -> Hearing:
    """The same, while these nodes are silent."""
    held = {node: each for node, each in hearing.held.items() if node not in nodes}
    said = tuple(each for each in hearing.witnesses if each.node_id not in nodes)
    return replace(hearing, held=held, witnesses=said)


ALL = heard(*witnesses(1, INDEXED), *witnesses(2, INDEXED, identifier=6))


def test_who_has_heard_everybody_need_not_wait() -> None:
    assert why(ALL) == ""
    assert why(heard(listed=frozenset())) == ""
    assert why(Hearing({}, frozenset(), {}), 9_999.0) == "no storage pod has been heard"


def test_who_is_silent_is_waited_for_but_not_for_long() -> None:
    one_away = without(ALL, "n3")
    assert why(one_away) == "not heard yet: n3"
    assert why(one_away, PATIENCE_SECONDS) == ""
    assert why(replace(ALL, unanswered=2)) == "not heard yet: 2 addresses"
    assert why(replace(ALL, unanswered=2), PATIENCE_SECONDS) == ""


def test_who_is_only_named_by_a_partition_is_waited_for_too() -> None:
    moved = heard(*witnesses(1, INDEXED, nodes=("n1", "n2", "n9")))

    assert why(without(moved, "n9")) == "not heard yet: n9"


def test_while_no_zone_is_whole_there_may_be_a_table_that_nobody_has_told_of() -> None:
    zones = {**ZONES, "m1": "z1", "m2": "z2", "m3": "z3"}
    told = replace(ALL, zones=zones)

    assert "no zone all of whose pods were heard: m1, m2, m3" in why(told, 9_999.0)
    assert why(replace(told, held={**told.held, "m2": frozenset()}), PATIENCE_SECONDS) == ""


def test_partitions_without_a_leader_are_waited_for_until_they_count_as_lost() -> None:
    leaderless = heard(*(replace(each, leads=False) for each in ALL.witnesses))

    assert why(leaderless, 20.0) == "partitions without a leader: 1, 2"
    assert why(leaderless, LOST_SECONDS) == ""


def test_what_was_thrown_away_elsewhere_is_not_waited_for() -> None:
    kept = replace(witnesses(80, a_table("Gone", first=70))[2], leads=False)

    assert why(heard(*ALL.witnesses, kept)) == ""


def test_a_new_cluster_is_one_where_nobody_has_ever_been_told_of_another() -> None:
    new = heard(listed=frozenset())
    assert new.is_new
    assert not heard().is_new
    assert not ALL.is_new
    assert not replace(new, held={**new.held, "n2": frozenset({8})}).is_new


def test_a_new_cluster_waits_longer_for_those_who_may_hold_something() -> None:
    new = heard(listed=frozenset())
    assert why(replace(new, unanswered=1), PATIENCE_SECONDS) != ""
    assert why(replace(new, unanswered=1), PATIENCE_WITH_NEW_SECONDS) == ""
    assert "n2, n3 not yet" in why(without(new, "n2", "n3"), 9_999.0)
    two = replace(without(new, "n3"), zones={"n1": "z1", "n2": "z2"})
    assert why(two, PATIENCE_SECONDS) == "pods of 2 zones were heard, which hold nothing"
    assert why(two, PATIENCE_WITH_NEW_SECONDS) == ""
