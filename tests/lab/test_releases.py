"""The exercises of the page on helm: each verdict names the step that is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from k8snb import Cluster
from k8snb.helm import run
from k8snb.lab import releases
from k8snb.lab.verdict import Verdict

SHOP = Path(__file__).parent.parent.parent / "charts" / "shop"
SMALL = "--set cache.enabled=false --no-hooks --wait"
Typed = Callable[[str], None]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=1, seed=1)


@pytest.fixture
def helm(cluster: Cluster) -> Typed:
    def typed(command: str) -> None:
        run(cluster, command.replace("SHOP", str(SHOP)))

    return typed


def test_a_workshop_has_a_copy_of_the_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SHOP)
    copy = releases.workshop(SHOP)
    assert copy == Path("shop")
    assert (copy / "Chart.yaml").read_text() == (SHOP / "Chart.yaml").read_text()
    assert Path.cwd() not in SHOP.parents


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def test_the_books_need_their_values(cluster: Cluster, helm: Typed) -> None:
    assert missing(releases.check_books(cluster)) == "there is a release books: there is none"
    helm("install books SHOP --wait --no-hooks")
    assert missing(releases.check_books(cluster)) == "its window says Read more: the text is Welcome, revision 1"
    cluster.kubectl("delete configmap books-window")
    cluster.kubectl("create configmap books-window --from-literal=index.html='Read more, please'")
    assert missing(releases.check_books(cluster)).startswith(
        "… because its values say so: the greeting among its values"
    )
    helm("uninstall books")
    cluster.kubectl("delete configmap books-window")
    helm(f"install books SHOP {SMALL} --set 'greeting=Read more'")
    assert missing(releases.check_books(cluster)).startswith("3 pods run, all of them new and ready: ")
    helm(f"upgrade books SHOP {SMALL} --reuse-values --set replicas=3")
    assert releases.check_books(cluster)


def test_the_books_have_no_cache(cluster: Cluster, helm: Typed) -> None:
    helm("install books SHOP --wait --no-hooks --set 'greeting=Read more,replicas=3'")
    assert missing(releases.check_books(cluster)) == "it has no cache: there is a Deployment books-cache"


@pytest.mark.parametrize("repair", ["rollback news --wait", f"upgrade news SHOP {SMALL} --set replicas=2"])
def test_the_news_come_back_with_their_history(cluster: Cluster, helm: Typed, repair: str) -> None:
    helm(f"install news SHOP {SMALL}")
    helm(f"upgrade news SHOP {SMALL} --set image.tag=none --timeout 10s")
    assert missing(releases.check_news(cluster)) == "its newest revision is deployed: its status is failed"
    helm(repair)
    cluster.settle()
    assert releases.check_news(cluster)


def test_a_new_release_in_place_of_the_broken_one_is_no_repair(cluster: Cluster, helm: Typed) -> None:
    helm(f"install news SHOP {SMALL}")
    helm(f"upgrade news SHOP {SMALL} --set image.tag=none --timeout 10s")
    helm("uninstall news")
    helm(f"install news SHOP {SMALL}")
    assert missing(releases.check_news(cluster)).startswith("the failed revision is still in its history: ")


def test_a_budget_is_there_where_there_is_more_than_one_pod(cluster: Cluster, helm: Typed) -> None:
    helm(f"install kiosk SHOP {SMALL} --set replicas=3")
    helm(f"install stall SHOP {SMALL} --set replicas=1")
    assert missing(releases.check_budget(cluster)).startswith("kiosk has a PodDisruptionBudget: ")
    cluster.kubectl("create poddisruptionbudget kiosk --max-unavailable=1 --selector=app.kubernetes.io/instance=kiosk")
    assert missing(releases.check_budget(cluster)).startswith("it is part of the release: helm knows nothing of it")
    cluster.kubectl("annotate poddisruptionbudget kiosk meta.helm.sh/release-name=kiosk")
    cluster.settle()
    assert releases.check_budget(cluster)
