"""An operator as its authors would write it with kopf: it looks after ConfigMaps that are labelled `kopf`."""

# mypy: ignore-errors

from __future__ import annotations

import kopf

OURS = {"kopf": kopf.PRESENT}


@kopf.on.login()
def login(**kwargs: object) -> kopf.ConnectionInfo | None:
    return kopf.login_with_kubeconfig(**kwargs)


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: object) -> None:
    settings.posting.level = 30
    settings.peering.standalone = True


@kopf.on.create("configmaps", labels=OURS)
def created(name: str, patch: kopf.Patch, **_: object) -> None:
    patch.setdefault("data", {})["greeting"] = f"hello {name}"


@kopf.on.update("configmaps", labels=OURS, field="data.wish")
def wished(new: str, patch: kopf.Patch, **_: object) -> None:
    patch.setdefault("data", {})["granted"] = new


@kopf.timer("configmaps", labels=OURS, interval=0.3)
def ticked(body: kopf.Body, patch: kopf.Patch, **_: object) -> None:
    ticks = int(body.get("data", {}).get("ticks", "0"))
    if ticks < 3:
        patch.setdefault("data", {})["ticks"] = str(ticks + 1)


@kopf.on.delete("configmaps", labels=OURS)
def deleted(name: str, body: kopf.Body, **_: object) -> None:
    kopf.warn(body, reason="Farewell", message=f"goodbye {name}")
