"""The operator's roles name what it may do, one by one."""

from __future__ import annotations

from stator_operator.access_rules import own_rules, served_rules
from stator_operator.kubernetes_kinds import KINDS
from stator_operator.observe import CHILD_KINDS

RULES = [*served_rules(), *own_rules("stator-operator")]


def test_no_rule_is_for_all_of_anything() -> None:
    words = [word for rule in RULES for words in rule.values() for word in words]

    assert "get" in words
    assert "*" not in words


def test_what_is_watched_may_be_watched() -> None:
    for name in ("StoragePool", "Table", *CHILD_KINDS):
        kind = KINDS[name]
        verbs = {
            verb
            for rule in served_rules()
            if kind.group in rule["apiGroups"] and kind.plural in rule["resources"]
            for verb in rule["verbs"]
        }
        assert verbs >= {"get", "list", "watch"}, name


def test_of_leases_one_alone_may_be_changed() -> None:
    (change,) = [rule for rule in own_rules("this") if "update" in rule["verbs"]]

    assert change["resourceNames"] == ["this"]


def test_secrets_are_neither_listed_nor_watched_nor_deleted() -> None:
    (rule,) = [rule for rule in RULES if "secrets" in rule["resources"]]

    assert rule["verbs"] == ["get", "create", "patch"]


def test_pods_may_be_annotated_and_never_made() -> None:
    (rule,) = [rule for rule in RULES if "pods" in rule["resources"]]

    assert rule["verbs"] == ["get", "list", "watch", "patch", "delete"]
