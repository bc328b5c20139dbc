"""What pages call `default` is the notebook's own namespace, wherever an object names it."""

from __future__ import annotations

from k8snb.live.territory import Territory
from k8snb.typing import Object


def client(namespace: str) -> Object:
    return {"clientConfig": {"service": {"name": "hook", "namespace": namespace}}}


def test_bindings_and_webhooks_mean_what_is_at_home() -> None:
    there = Territory("s", "k8snb-s")
    subjects = [{"kind": "ServiceAccount", "name": "a", "namespace": "default"}, {"kind": "User", "name": "b"}]
    spec = {"conversion": {"strategy": "Webhook", "webhook": client("default")}, "group": "example.com"}
    outside = {"clientConfig": {"url": "https://hooks.example.com"}}
    webhooks = [client("default"), client("partner"), outside]
    assert there.moved({"metadata": {"namespace": "default"}, "subjects": subjects}) == {
        "metadata": {"namespace": "k8snb-s"},
        "subjects": [{**subjects[0], "namespace": "k8snb-s"}, subjects[1]],
    }
    assert there.moved({"spec": spec}) == {
        "spec": {**spec, "conversion": {"strategy": "Webhook", "webhook": client("k8snb-s")}}
    }
    assert there.moved({"webhooks": webhooks}) == {"webhooks": [client("k8snb-s"), client("partner"), outside]}
