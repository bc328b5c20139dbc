"""Services in one line, and how their rules refuse them."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import StatusError
from k8snb.typing import Object
from tests.apiserver.registry.writing import create, made, strategy, update, update_refusals

PORT = {"port": 80}


def services(seed: int = 1) -> Strategy:
    return strategy("services", seed)


def service(name: str = "web", *, ports: Any = (PORT,), selector: Any = None, **spec: Any) -> dict[str, Any]:
    selector = {"app": name} if selector is None else selector
    return made("Service", name, spec={"selector": selector, "ports": [dict(port) for port in ports], **spec})


def refused(rules: Strategy, obj: Object) -> str:
    with pytest.raises(StatusError) as caught:
        create(rules, obj)
    return caught.value.message


def spec_of(obj: Object, *names: str) -> list[Any]:
    return [obj["spec"].get(name) for name in names]


def changed(rules: Strategy, old: Object, **spec: Any) -> Object:
    new = {name: value for name, value in {**old["spec"], **spec}.items() if value is not None}
    return update(rules, old, spec=new)


def change_refusals(rules: Strategy, old: Object, **spec: Any) -> list[str]:
    new = {name: value for name, value in {**old["spec"], **spec}.items() if value is not None}
    return update_refusals(rules, old, spec=new)
