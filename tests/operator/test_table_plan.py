"""What is done next for a Table, and that nothing is done to what is not its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sample_table import (
    NOBODYS,
    a_table,
    an_entry,
    ending,
    observed,
    table_body,
    with_metadata,
)
from stator_operator.pool_actions import Apply
from stator_operator.table_object import FINALIZER
from stator_operator.table_plan import (
    DeletePool,
    DeleteTable,
    DeleteVolumes,
    PutTable,
    SetFinalizers,
    TablePlan,
    plan,
)

OLDER = a_table(with_metadata(table_body("older", "u-0"), creationTimestamp="2026-11-20T09:00:00Z"))
YOUNGER = a_table(
    with_metadata(table_body("newer", "u-2"), creationTimestamp="2026-11-20T11:00:00Z")
)
KEPT = table_body(deletionPolicy="Delete")
OTHERS = {"uid": "u-9", "generation": 5, "deleting": False}


def reason(planned: TablePlan) -> str:
    assert planned.waiting is not None
    return planned.waiting.reason


def test_a_table_that_is_as_it_is_wanted_needs_nothing() -> None:
    assert plan(observed()) == TablePlan()


def test_a_new_wish_is_told() -> None:
    assert plan(observed(entry=NOBODYS)) == TablePlan((PutTable(),))
    older = an_entry(object={"uid": "u-1", "generation": 2, "deleting": False})
    assert plan(observed(entry=older)) == TablePlan((PutTable(),))


def test_a_table_whose_object_is_gone_is_taken_over() -> None:
    assert plan(observed(entry=an_entry(object=OTHERS))) == TablePlan((PutTable("u-9"),))


def test_of_two_objects_with_one_table_name_the_owner_stays_or_else_the_older() -> None:
    assert plan(observed(namesakes=(OLDER,))) == TablePlan()
    planned = plan(observed(entry=NOBODYS, namesakes=(YOUNGER, OLDER)))
    assert (planned.actions, reason(planned)) == ((), "NameInUse")
    assert planned.waiting is not None
    assert "Table older has the tableName Music already" in planned.waiting.message
    assert plan(observed(entry=NOBODYS, namesakes=(YOUNGER,))) == TablePlan((PutTable(),))

    owned = an_entry(object={"uid": "u-2", "generation": 1, "deleting": False})
    assert reason(plan(observed(entry=owned, namesakes=(YOUNGER,)))) == "NameInUse"


def test_who_has_lost_the_name_keeps_no_finalizer() -> None:
    body = with_metadata(KEPT, finalizers=[FINALIZER])
    planned = plan(observed(body, entry=NOBODYS, namesakes=(OLDER,)))

    assert planned.actions == (SetFinalizers(()),)


def test_an_unknown_pool_and_an_absent_supervisor_are_told_apart() -> None:
    unknown = plan(observed(pool_uid=None, entry=None))
    assert (unknown.actions, reason(unknown)) == ((), "PoolUnknown")
    assert unknown.waiting is not None
    assert "namespace shop has no StoragePool default" in unknown.waiting.message
    away = plan(observed(entry=None))
    assert (away.actions, reason(away)) == ((), "SupervisorAway")


STORAGE = {"podsPerZone": 1, "zones": ["a", "b", "c"]}
WITH_STORAGE = table_body(pool=None, storage=STORAGE)


def test_a_table_with_storage_gets_a_pool_that_is_its_child() -> None:
    planned = plan(observed(WITH_STORAGE, pool_uid=None, entry=None))

    (apply,) = planned.actions
    assert isinstance(apply, Apply)
    assert apply.body["kind"] == "StoragePool"
    assert apply.body["metadata"]["name"] == "music"
    assert apply.body["metadata"]["ownerReferences"][0]["uid"] == "u-1"
    assert apply.body["spec"] == STORAGE
    assert reason(planned) == "PoolStarts"
    later = plan(observed(WITH_STORAGE, pool_owner="u-1", entry=NOBODYS))  # It is there now.
    assert later.actions == (apply, PutTable())


@pytest.mark.parametrize("owner", ["", "u-9"])
def test_a_pool_of_somebody_else_is_left_alone(owner: str) -> None:
    planned = plan(observed(WITH_STORAGE, pool_owner=owner))

    assert (planned.actions, reason(planned)) == ((), "NameTaken")


def test_a_pool_of_another_tables_own_takes_no_second_one() -> None:
    planned = plan(observed(pool_owner="u-9"))

    assert (planned.actions, reason(planned)) == ((), "PoolIsOwn")


OWN = ending(table_body(pool=None, storage=STORAGE, deletionPolicy="Delete"))
GONE = an_entry(description=None, object=None)


def test_storage_of_its_own_goes_after_the_items_and_before_the_object() -> None:
    assert plan(observed(OWN, pool_owner="u-1")).actions == (DeleteTable(),)
    planned = plan(observed(OWN, pool_owner="u-1", entry=GONE))
    assert planned.actions == (DeleteVolumes(), DeletePool("u-pool"))
    assert reason(planned) == "ItemsGo"
    planned = plan(observed(OWN, pool_uid=None, entry=None))
    assert planned == TablePlan((SetFinalizers(()),))


def test_storage_that_other_tables_lie_in_stays() -> None:
    planned = plan(observed(OWN, pool_owner="u-1", entry=GONE, lodgers=("Books", "Films")))

    assert (planned.actions, reason(planned)) == ((), "PoolInUse")
    assert planned.waiting is not None
    assert "holds other tables: Books, Films: delete them first" in planned.waiting.message


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_a_pool_that_never_was_its_own_is_left_alone(policy: str) -> None:
    body = ending(table_body(pool=None, storage=STORAGE, deletionPolicy=policy))

    assert plan(observed(body, pool_owner="u-9")) == TablePlan((SetFinalizers(()),))
    retained = plan(observed(ending(WITH_STORAGE), pool_owner="u-1"))
    assert retained == TablePlan((SetFinalizers(()),))


def test_an_object_that_takes_items_along_is_held_before_its_table_is_made() -> None:
    planned = plan(observed(KEPT, entry=NOBODYS))

    assert planned.actions == (SetFinalizers((FINALIZER,)), PutTable())
    changed = with_metadata(table_body(), finalizers=["of.somebody/else", FINALIZER])
    assert plan(observed(changed)).actions == (SetFinalizers(("of.somebody/else",)),)


def test_items_go_before_the_object_and_then_it_is_let_go() -> None:
    body = ending(KEPT, "of.somebody/else")
    planned = plan(observed(body))
    assert (planned.actions, reason(planned)) == ((DeleteTable(),), "ItemsGo")

    gone = an_entry(description=None, object=None)
    assert plan(observed(body, entry=gone)) == TablePlan((SetFinalizers(("of.somebody/else",)),))


def test_an_object_that_goes_while_nobody_answers_waits() -> None:
    planned = plan(observed(ending(KEPT), entry=None))

    assert (planned.actions, reason(planned)) == ((), "SupervisorAway")


def test_items_go_though_the_supervisor_has_lost_its_record_meanwhile() -> None:
    """It knows the table by what pods hold, and no object; the object knows its table's id."""
    deleted = ending(KEPT)
    entry = an_entry(object=None)
    assert plan(observed(deleted, entry=entry)).actions == (SetFinalizers(()),)

    of_another = {**deleted, "status": {"tableId": "id-0"}}
    assert plan(observed(of_another, entry=entry)).actions == (SetFinalizers(()),)
    its_own = {**deleted, "status": {"tableId": "id-1"}}
    assert plan(observed(its_own, entry=entry)).actions == (DeleteTable(),)
    assert plan(observed(its_own, entry=NOBODYS)).actions == (SetFinalizers(()),)


@pytest.mark.parametrize(
    "world",
    [
        observed(ending(table_body())),
        observed(ending(KEPT), pool_uid=None, entry=None),
        observed(ending(KEPT), entry=an_entry(object=OTHERS)),
        observed(ending(KEPT), entry=an_entry(object=None)),
    ],
    ids=["retained", "without a pool", "of another object", "never its own"],
)
def test_what_is_not_to_be_deleted_or_cannot_be_is_let_go(world: object) -> None:
    assert plan(world) == TablePlan((SetFinalizers(()),))  # type: ignore[arg-type]


def test_an_object_that_goes_and_is_not_held_needs_nothing() -> None:
    body = with_metadata(table_body(), deletionTimestamp="2026-11-20T11:00:00Z")

    assert plan(observed(body, entry=None)) == TablePlan()


def test_a_plan_is_the_same_again_after_each_of_its_actions() -> None:
    """Whoever is killed between two actions goes on with the rest."""
    world = observed(KEPT, entry=NOBODYS)
    first, *rest = plan(world).actions
    assert isinstance(first, SetFinalizers)
    after = replace(world, table=replace(world.table, finalizers=first.finalizers))
    assert list(plan(after).actions) == rest
