"""An operator as its authors would write it with kopf: every CronTab gets a pod, a report and a goodbye."""

# mypy: ignore-errors

from __future__ import annotations

import time

import kopf
from lightkube import Client
from lightkube.resources.core_v1 import Pod

CRONTABS = ("stable.example.com", "v1", "crontabs")


@kopf.on.login()
def login(**kwargs: object) -> kopf.ConnectionInfo | None:
    return kopf.login_with_kubeconfig(**kwargs)


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: object) -> None:
    settings.posting.level = 30
    settings.peering.standalone = True
    settings.persistence.finalizer = "stable.example.com/operator"
    settings.persistence.progress_storage = kopf.StatusProgressStorage()
    memo.client = Client()


@kopf.on.create(*CRONTABS)
def created(name: str, spec: kopf.Spec, retry: int, memo: kopf.Memo, **_: object) -> dict[str, object]:
    if retry == 0:
        raise kopf.TemporaryError("not yet", delay=0.1)
    container = {"name": "main", "image": spec["image"], "command": ["sleep", "3600"]}
    pod = {"metadata": {"name": name}, "spec": {"containers": [container]}}
    kopf.adopt(pod)
    kopf.label(pod, {"of": name})
    memo.client.create(Pod.from_dict(pod))
    return {"pod": name, "tries": retry + 1}


@kopf.on.update(*CRONTABS, field="spec.image")
def changed(name: str, old: str, new: str, body: kopf.Body, memo: kopf.Memo, **_: object) -> str:
    memo.client.patch(Pod, name, {"spec": {"containers": [{"name": "main", "image": new}]}})
    kopf.warn(body, reason="Changed", message=f"{old} became {new}")
    return new


@kopf.on.resume(*CRONTABS)
def resumed(**_: object) -> bool:
    return True


@kopf.timer(*CRONTABS, interval=0.2)
def ticked(patch: kopf.Patch, status: kopf.Status, **_: object) -> None:
    if status.get("ticks", 0) < 3:
        patch.status["ticks"] = status.get("ticks", 0) + 1


@kopf.daemon(*CRONTABS, cancellation_timeout=2.0)
def attended(name: str, stopped: kopf.DaemonStopped, body: kopf.Body, **_: object) -> None:
    while not stopped:
        time.sleep(0.05)
    if body.metadata.deletion_timestamp:
        kopf.warn(body, reason="Stopped", message=f"left {name} alone")


@kopf.on.delete(*CRONTABS)
def deleted(name: str, body: kopf.Body, **_: object) -> None:
    kopf.warn(body, reason="Farewell", message=f"goodbye {name}")


@kopf.on.event("pods", labels={"of": kopf.PRESENT})
def noticed(type: str | None, meta: kopf.Meta, status: kopf.Status, memo: kopf.Memo, **_: object) -> None:
    if type != "DELETED" and status.get("phase") == "Running" and "seen" not in meta.annotations:
        memo.client.patch(Pod, meta.name, {"metadata": {"annotations": {"seen": "yes"}}})
