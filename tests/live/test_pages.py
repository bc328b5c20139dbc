"""Every page of the book on a live cluster: what can run there runs, what cannot is said, and nothing stays behind.

The quick setting runs two pages. The long one (`K8SNB_PROPERTIES=long`) runs all of them as a stranger, and all once
more as somebody who may do everything and has said yes to everything, so that there is much to clean up.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from k8snb.client.client import Client
from k8snb.clock import stopwatch
from k8snb.typing import Object
from tests.book.conftest import ROOT
from tests.live.conftest import admin_of
from tests.live.pages import Ran, run

LONG = os.environ.get("K8SNB_PROPERTIES") == "long"
QUICK = ("first-app/labels",)
PAGES = sorted(str(path.relative_to(ROOT / "chapters").with_suffix("")) for path in ROOT.glob("chapters/*/*.ipynb"))
PASSING = {"events", "events.events.k8s.io", "leases.coordination.k8s.io", "volumeattachments.storage.k8s.io"}
"""What comes and goes in any cluster."""
SECONDS = 60.0


def dump(client: Client) -> dict[str, Object]:
    """Every object of a cluster that lasts, without what its parts keep writing about it."""
    rows = {row.group_resource: row for row in client.scheme if "list" in row.verbs and row.group != "metrics.k8s.io"}
    return {
        f"{resource}/{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}": _lasting(obj)
        for resource in rows
        if resource not in PASSING
        for obj in client.list(resource)
    }


def _lasting(obj: Object) -> Object:
    meta = {name: obj["metadata"].get(name) for name in ("uid", "labels", "annotations", "finalizers", "generation")}
    taints = (obj.get("spec") or {}).get("taints")
    if taints:  # on a loaded machine a node is late, and the cluster says so for a while
        lasting = [each for each in taints if not each["key"].startswith("node.kubernetes.io/")]
        rest = {name: each for name, each in obj["spec"].items() if name != "taints"}
        obj = {**obj, "spec": {**rest, **({"taints": lasting} if lasting else {})}}
    return {**{name: obj[name] for name in obj if name not in ("metadata", "status", "count")}, "metadata": meta}


def becomes(client: Client, before: Mapping[str, Object]) -> list[str]:
    """What is not as it was, once the cluster has had time to end what was deleted."""
    deadline = stopwatch() + SECONDS
    while True:
        now = dump(client)
        different = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
        if not different or stopwatch() > deadline:
            return different
        threading.Event().wait(0.3)


def expected(ran: Ran) -> bool:
    """Whether whatever was left out has been said in the words for it."""
    said = ("needs the embedded cluster: ", "left out: ", "the cluster refuses: ", "create ", "patch ", "delete ")
    return not ran.errors and all(note.startswith(said) or "K8SNB_ALLOW" in note for note in ran.notes)


@pytest.mark.parametrize("page", PAGES if LONG else QUICK)
def test_a_page_runs_where_a_stranger_may_do_little(lab: Path, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = admin_of(lab)
    before = dump(admin)
    monkeypatch.setenv("KUBECONFIG", str(lab.with_name("stranger")))
    monkeypatch.setenv("K8SNB_PATIENCE", "1.5" if LONG else "0.5")
    ran = run(ROOT / "chapters" / f"{page}.ipynb")
    assert expected(ran), ran.errors
    assert "Solved." in ran.printed or page not in QUICK
    assert becomes(admin, before) == []


@pytest.mark.skipif(not LONG, reason="the long setting")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_was_told_yes_to_everything_is_cleaned_up_after(
    lab: Path, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = admin_of(lab)
    before = dump(admin)
    monkeypatch.setenv("KUBECONFIG", str(lab))
    monkeypatch.setenv("K8SNB_ALLOW", "all")
    monkeypatch.setenv("K8SNB_PATIENCE", "1.5" if LONG else "0.5")
    ran = run(ROOT / "chapters" / f"{page}.ipynb")
    assert expected(ran), ran.errors
    assert becomes(admin, before) == []
