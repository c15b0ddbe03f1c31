"""Whose an object is: what somebody else made under a name of ours is left alone. Pure.

In: what is to be applied and what has those names now. Out: what may be applied, and the reasons
why the rest may not, which a pool's status and Events say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stator_operator import naming
from stator_operator.kubernetes_kinds import Object
from stator_operator.pool_actions import Action, Apply, Waiting
from stator_operator.pool_reading import controller, is_same_owner
from stator_operator.pool_secrets import Create


def is_foreign(wanted: Object, present: Object) -> bool:
    """Whether what is there is not what was wanted earlier, nor may become it.

    Ours has the labels of ours, and no owner or the wanted one: a child whose pool was deleted
    without it, or is being deleted after it, is taken over by a pool of the same name.
    """
    owner, wanted_owner = controller(present), controller(wanted)
    if owner is not None:
        return wanted_owner is None or not is_same_owner(owner, wanted_owner)
    labels = present["metadata"].get("labels", {})
    ours = wanted["metadata"]["labels"]
    return any(
        labels.get(name) != ours[name]
        for name in (naming.NAME_LABEL, naming.POOL_LABEL, naming.COMPONENT_LABEL)
    )


def separate(
    actions: Iterable[Action | Create], present: Mapping[tuple[str, str], Object]
) -> tuple[list[Action | Create], list[Waiting]]:
    """The actions that may be carried out, and why the others may not."""
    allowed: list[Action | Create] = []
    waiting: list[Waiting] = []
    for action in actions:
        if isinstance(action, Apply):
            kind, name = action.body["kind"], action.body["metadata"]["name"]
            found = present.get((kind, name))
            if found is not None and is_foreign(action.body, found):
                waiting.append(_taken(kind, name))
                continue
        allowed.append(action)
    return allowed, waiting


def _taken(kind: str, name: str) -> Waiting:
    return Waiting(
        "NameTaken",
        f"{kind} {name} belongs to somebody else and is left alone: rename this pool, or delete"
        f" the {kind}",
    )
