"""A client's change of a table, brought into the spec of its object, beside what others changed.

In: the spec as it is, and the table before and after the client's request, as specs. Out: a merge
patch (RFC 7386) of the spec. Called by `ask_plan.py`. Invariants: what the client did not change is
left as it is, element by element where elements have names; a definition that no key needs any more
goes, one that a key needs stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Spec = dict[str, Any]

# The lists whose elements have names, and the member that is the name.
_NAMED = {"globalSecondaryIndexes": "indexName", "tags": "key"}
_DEFINITIONS = "attributeDefinitions"


def spec_patch(spec: Spec, before: Spec, after: Spec) -> Spec:
    """What to change of `spec` for the step from `before` to `after`; empty: nothing."""
    patch: Spec = {}
    for name in sorted({*before, *after} - {_DEFINITIONS}):
        if before.get(name) == after.get(name):
            continue
        if name in _NAMED:
            merged = _merged(_NAMED[name], *(each.get(name, []) for each in (spec, before, after)))
            wanted: Any = merged or None
        else:
            wanted = after.get(name)
        if wanted != spec.get(name):
            patch[name] = wanted
    definitions = _definitions({**spec, **patch}, after)
    if definitions != spec[_DEFINITIONS]:
        patch[_DEFINITIONS] = definitions
    return patch


def _merged(name: str, present: list[Spec], before: list[Spec], after: list[Spec]) -> list[Spec]:
    """The present elements, with the client's ones taken away, changed and added."""
    old = {each[name]: each for each in before}
    new = {each[name]: each for each in after}
    kept = []
    for each in present:
        known = each[name]
        if known in old and known not in new:
            continue
        changed = known in new and new[known] != old.get(known)
        kept.append(new[known] if changed else each)
    there = {each[name] for each in kept}
    added = [each for known, each in new.items() if known not in there and each != old.get(known)]
    return kept + added


def _definitions(spec: Spec, after: Spec) -> list[Spec]:
    """The definitions that the keys of `spec` need: its own ones first."""
    used = set(_key_attributes(spec))
    known = {each["attributeName"]: each for each in spec[_DEFINITIONS]}
    for each in after[_DEFINITIONS]:
        known.setdefault(each["attributeName"], each)
    return [each for name, each in known.items() if name in used]


def _key_attributes(spec: Spec) -> Iterator[str]:
    keys = [spec["keySchema"]]
    for indexes in ("localSecondaryIndexes", "globalSecondaryIndexes"):
        keys += [each["keySchema"] for each in spec.get(indexes) or ()]
    for key in keys:
        for attribute in key:
            yield attribute["attributeName"]
