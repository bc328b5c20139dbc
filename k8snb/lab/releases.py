"""The exercises of the chapter "Production ready": helm."""

from __future__ import annotations

import atexit
import base64
import gzip
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, NOTHING, Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.typing import Object

Record = dict[str, Any]


def workshop(chart: str | Path) -> Path:
    """A copy of a chart to change at will; its folder becomes the working directory and goes when the program ends."""
    folder = Path(tempfile.mkdtemp(prefix="k8snb-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy = shutil.copytree(chart, folder / Path(chart).name)
    os.chdir(folder)
    return copy.relative_to(folder)


def records(cluster: Reader, name: str) -> list[Record]:
    """The revisions of a release, the oldest first, read out of their Secrets."""
    secrets = cluster.client.list("secrets", NAMESPACE, labels=f"owner=helm,name={name}")
    found = [json.loads(gzip.decompress(base64.b64decode(_text(secret)))) for secret in secrets]
    return sorted(found, key=lambda record: int(record["version"]))


def _text(secret: Object) -> bytes:
    return base64.b64decode(secret["data"]["release"])


def _is_deployed(cluster: Reader, name: str) -> Claims:
    """The newest revision of the release is deployed."""
    found = records(cluster, name)
    yield Claim(bool(found), _("there is a release {name}").format(name=name), _("there is none"))
    status = found[-1]["info"]["status"]
    yield Claim(status == "deployed", _("its newest revision is deployed"), says(_("its status"), status))


def _is_complete(deployment: Object, replicas: int) -> Claims:
    """All pods of a deployment are of the newest template and ready."""
    status = deployment.get("status") or {}
    counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas")]
    every = _("{count} pods run, all of them new and ready").format(count=replicas)
    yield Claim(counts == [replicas] * 3, every, says(_("pods, new ones, ready ones"), counts))


@exercise("production/helm", "Another shop", minutes=5)
def check_books(cluster: Reader) -> Claims:
    """A release of the shop with values of its own, and without the chart below."""
    yield from _is_deployed(cluster, "books")
    record = records(cluster, "books")[-1]
    chart = record["chart"]["metadata"]["name"]
    yield Claim(chart == "shop", _("it is of the chart shop"), says(_("its chart"), chart))
    window = find(cluster, "configmaps", "books-window")
    text = (window.get("data") or {}).get("index.html", "")
    greets = _("its window says Read more")
    yield Claim(text.startswith("Read more,"), greets, says(_("the text"), text.strip()))
    given = (record.get("config") or {}).get("greeting")
    by_values = _("… because its values say so")
    yield Claim(given == "Read more", by_values, says(_("the greeting among its values"), given))
    yield from _is_complete(find(cluster, "deployments.apps", "books"), 3)
    cache = find(cluster, "deployments.apps", "books-cache")
    yield Claim(cache is NOTHING, _("it has no cache"), _("there is a Deployment books-cache"))


@exercise("production/helm", "Bring the news back", minutes=5)
def check_news(cluster: Reader) -> Claims:
    """A release that was brought back from a failed upgrade, with its history."""
    yield from _is_deployed(cluster, "news")
    statuses = [record["info"]["status"] for record in records(cluster, "news")]
    kept = _("the failed revision is still in its history")
    yield Claim("failed" in statuses, kept, says(_("the statuses"), statuses))
    yield from _is_complete(find(cluster, "deployments.apps", "news"), 2)
    images = _images(cluster, "news")
    yield Claim(images == ["nginx:1.27"], _("they run nginx:1.27"), says(_("their image"), images))


@exercise("production/helm", "A template of your own", minutes=15)
def check_budget(cluster: Reader) -> Claims:
    """A template that makes an object only where the values call for one."""
    for name in ("kiosk", "stall"):
        yield from _is_deployed(cluster, name)
    budget = find(cluster, "poddisruptionbudgets.policy", "kiosk")
    yield exists(budget, _("kiosk has a PodDisruptionBudget"))
    record = records(cluster, "kiosk")[-1]
    part = _("it is part of the release")
    made = "kind: PodDisruptionBudget" in record["manifest"]
    yield Claim(made, part, _("helm knows nothing of it: it is not in the chart"))
    allowed = budget["spec"].get("maxUnavailable")
    yield Claim(allowed == 1, _("one pod may be missing"), says("maxUnavailable", allowed))
    expected = (budget.get("status") or {}).get("expectedPods", 0)
    yield Claim(expected == 3, _("it counts the three pods of kiosk"), says(_("the pods it counts"), expected))
    other = find(cluster, "poddisruptionbudgets.policy", "stall")
    yield Claim(other is NOTHING, _("stall, with one replica, has none"), _("there is one"))
    texts = [base64.b64decode(each["data"]).decode() for each in record["chart"]["templates"]]
    asks = [text for text in texts if "PodDisruptionBudget" in text and "replicas" in text]
    blind = _("it does not ask for the replicas: another release of the chart would have the wrong one")
    yield Claim(bool(asks), _("the template looks at the number of replicas"), blind)


@exercise("production/helm", "What the upgrade forgot", minutes=10)
def check_fair(cluster: Reader) -> Claims:
    """The values that an upgrade has forgotten are given again, and what it brought is kept."""
    yield from _is_deployed(cluster, "fair")
    found = records(cluster, "fair")
    kept = _("a revision has followed the upgrade, in the same release")
    yield Claim(len(found) >= 3, kept, says(_("the number of its revisions"), len(found)))
    config = found[-1].get("config") or {}
    for path, wanted in _OF_FAIR.items():
        value = _given(config, path)
        claim = _("among its values {path} is {value}").format(path=path, value=wanted)
        yield Claim(value == wanted, claim, says(path, value or _("not given")))
    images = _images(cluster, "fair")
    yield Claim(images == ["nginx:1.28"], _("its pods run nginx:1.28"), says(_("their image"), images))
    yield from _is_complete(find(cluster, "deployments.apps", "fair"), 3)


_OF_FAIR = {"image.tag": "1.28", "replicas": "3", "greeting": "Fair prices", "cache.enabled": "false"}


def _given(config: Record, path: str) -> str:
    """A value among those that a release was given, as YAML writes it; empty if it is not among them."""
    found: Any = config
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return "" if found is None else str(found).lower() if isinstance(found, bool) else str(found)


def _images(cluster: Reader, name: str) -> list[str]:
    """What the pods of a release of the shop run."""
    pods = pods_labelled(cluster, {"app.kubernetes.io/instance": name, "app.kubernetes.io/name": "shop"})
    return sorted({pod["spec"]["containers"][0]["image"] for pod in pods})
