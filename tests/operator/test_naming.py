"""Names: labels of DNS, the same every time, and never one for two."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_operator.naming import (
    FENCED_ANNOTATION,
    POOL_NAME_CHARACTERS_MAX,
    STATEFUL_SET_NAME_CHARACTERS_MAX,
    gateway_name,
    is_asked,
    labels,
    selector,
    stateful_set_name,
    storage_service_name,
    supervisor_name,
    table_object_names,
)

DNS_LABEL = re.compile("[a-z]([-a-z0-9]*[a-z0-9])?")

pools = st.from_regex(r"[a-z]([-a-z0-9]{0,28}[a-z0-9])?", fullmatch=True)
plain_zones = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
any_zones = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", fullmatch=True)
zones = st.one_of(
    plain_zones,
    any_zones,
    st.sampled_from(["storage", "gateway", "supervisor", "a", "A", "europe-west1-b"]),
)


@given(pools, zones)
def test_a_stateful_set_has_a_name_that_kubernetes_takes(pool: str, zone: str) -> None:
    name = stateful_set_name(pool, zone)

    assert DNS_LABEL.fullmatch(name)
    assert len(name) <= STATEFUL_SET_NAME_CHARACTERS_MAX
    assert name not in (gateway_name(pool), storage_service_name(pool), supervisor_name(pool))


@given(pools, st.sets(zones, min_size=2, max_size=9))
def test_zones_of_a_pool_never_share_a_name(pool: str, several: set[str]) -> None:
    assert len({stateful_set_name(pool, zone) for zone in several}) == len(several)


def test_usual_zones_stand_in_names_as_they_are() -> None:
    assert stateful_set_name("default", "europe-west1-b") == "default-europe-west1-b"


@pytest.mark.parametrize("zone", ["Rack_1", "rack.1", "z" * 63])
def test_other_zones_are_still_recognised(zone: str) -> None:
    name = stateful_set_name("default", zone)

    assert name.startswith(f"default-{zone[:4].lower()}")


def test_a_zone_cannot_take_the_name_of_another_ones_digest() -> None:
    digested = stateful_set_name("default", "A")
    lookalike = digested.removeprefix("default-")

    assert stateful_set_name("default", lookalike) != digested


def test_services_leave_room_within_a_dns_label() -> None:
    pool = "p" * POOL_NAME_CHARACTERS_MAX

    assert len(gateway_name(pool)) <= 63
    assert len(storage_service_name(pool)) <= 63


def test_selectors_are_among_the_labels() -> None:
    assert selector("default", "storage").items() <= labels("default", "storage").items()


def test_an_annotation_asks_by_any_value_but_false() -> None:
    asked = FENCED_ANNOTATION
    assert is_asked({asked: "true"}, asked)
    assert is_asked({asked: "disk is being looked at"}, asked)
    assert not is_asked({asked: "false"}, asked)
    assert not is_asked({asked: ""}, asked)
    assert not is_asked({}, asked)


table_names = st.from_regex(r"[A-Za-z0-9_.-]{3,255}", fullmatch=True)
OBJECT_NAME = re.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@given(table_names)
def test_a_clients_table_has_an_object_name_that_kubernetes_takes(table: str) -> None:
    for name in table_object_names(table):
        assert OBJECT_NAME.fullmatch(name)
        assert len(name) <= 63


@given(table_names, table_names)
def test_two_tables_never_share_an_object_name(one: str, other: str) -> None:
    if one != other:
        assert table_object_names(one)[1] != table_object_names(other)[1]


def test_a_table_is_found_under_its_own_name_where_that_is_one() -> None:
    assert table_object_names("music-2")[0] == "music-2"
    assert table_object_names("Music.of_All-Times")[0].startswith("music-of-all-times-")
    assert re.fullmatch("[0-9a-f]{16}", table_object_names("___")[0])
    for table in ("music", "Music", "___"):
        assert table_object_names(table)[1] != table
