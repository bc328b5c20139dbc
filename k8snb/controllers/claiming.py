"""Who belongs to a controller: adopting what nobody controls and it selects, releasing what it no longer selects.

Upstream: `pkg/controller/controller_ref_manager.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8snb.client.client import Client
from k8snb.client.informer import Informer
from k8snb.controllers import owners
from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting
from k8snb.typing import Object

Belongs = Callable[[Object], bool]


def claim(
    client: Client,
    informer: Informer,
    owner: Object,
    belongs: Belongs,
    *,
    tell: Callable[..., Any],
    note: Callable[[Object], Any],
) -> list[Object]:
    """What the owner controls after that; `tell` hears what is about to be done, `note` what was written."""
    mine: list[Object] = []
    leaving = is_deleting(owner)
    resource = informer.resource
    for obj in owners.controlled(informer, owner):
        if belongs(obj):
            mine.append(obj)
        elif not leaving:
            tell(_("{name} is no longer selected: release it"), name=obj["metadata"]["name"])
            _noted(owners.release(client, resource, owner, obj), note)
    if leaving:
        return mine
    for obj in owners.orphans(informer, owner["metadata"]["namespace"]):
        if belongs(obj) and not is_deleting(obj):
            tell(_("{name} is selected and nobody controls it: adopt it"), name=obj["metadata"]["name"])
            adopted = _noted(owners.adopt(client, resource, owner, obj), note)
            mine += [adopted] if adopted is not None else []
    return mine


def _noted(obj: Object | None, note: Callable[[Object], Any]) -> Object | None:
    if obj is not None:
        note(obj)
    return obj
