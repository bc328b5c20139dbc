"""An autoscaler at work, as a chart and number by number."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.view.chart import Chart, Moment
from k8snb.view.panels import Panels
from k8snb.view.shaping import Shaping
from tests.book.conftest import ROOT


def scaled() -> Cluster:
    made = Cluster(nodes=2, seed=1)
    for name in ("php-apache", "hpa"):
        made.kubectl(f"apply -f {ROOT / 'manifests' / 'workloads' / name}.yaml")
    made.advance(60)
    return made


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return scaled()


@pytest.fixture(scope="module")
def quiet(cluster: Cluster) -> int:
    return cluster.revision


@pytest.fixture(scope="module")
def loaded(cluster: Cluster, quiet: int) -> Cluster:
    cluster.load("php-apache", 2)
    cluster.advance(60)
    return cluster


CHART = """\
HorizontalPodAutoscaler php-apache
       time  clients  CPU %  pods
     +0.0 s        0      0     1
     +1.7 s        2      0     1
    +15.0 s        2     60     2
    +30.0 s        2    104     2
    +45.0 s        2     74     3
+1 min 00 s        2     60     3
target: 50
at most: 10
at least: 1"""


def test_a_chart_holds_load_use_and_pods_side_by_side(loaded: Cluster, quiet: int) -> None:
    assert str(loaded.chart("hpa/php-apache", since=quiet)) == CHART


EVALUATION = """\
current 2
php-apache-75c77cb94-64z5n 188m of 200m, php-apache-75c77cb94-pcf2d 108m of 200m
utilization 296m in all, 74 % of the requests
ratio 74 % / 50 % = 1.48
tolerance 0.9 to 1.1: 1.48 is outside
asks for ceil(1.48 × 2) = 3
stabilized 3
limited 3, least 1, most 10
wanted 3"""


def test_an_evaluation_is_told_number_by_number(loaded: Cluster) -> None:
    told = str(loaded.evaluation("hpa/php-apache")).splitlines()
    assert "\n".join(line.split("observe  ")[1] for line in told if "observe" in line) == EVALUATION


def test_the_evaluation_is_seen_beside_the_pods_that_it_is_about(loaded: Cluster) -> None:
    told = loaded.evaluation("hpa/php-apache")
    assert told.views == ("topology",)
    kinds = {name.partition("/")[0] for frame in told.frames for name in frame.scene}
    assert sorted(kinds) == ["Deployment", "Node", "Pod", "ReplicaSet"]
    assert not any("load-" in name for frame in told.frames for name in frame.scene)


def test_pictures_have_a_scale_each(loaded: Cluster) -> None:
    page = loaded.chart("hpa/php-apache")._repr_mimebundle_()["text/html"]
    assert page.count('<svg role="img"') == 3


def test_where_nobody_asked_anything_there_is_no_picture_of_the_load() -> None:
    calm = scaled().chart("hpa/php-apache")._repr_mimebundle_()["text/html"]
    assert calm.count('<svg role="img"') == 2


def test_there_is_nothing_to_tell_before_the_first_look() -> None:
    with pytest.raises(ValueError, match="web has not been evaluated yet"):
        Cluster(nodes=1, seed=1).evaluation("hpa/web")
    with pytest.raises(ValueError, match="there is no HorizontalPodAutoscaler web"):
        Cluster(nodes=1, seed=1).chart("hpa/web")


def test_a_load_is_a_deployment_like_any_other(loaded: Cluster) -> None:
    later = loaded.fork()
    later.load("php-apache", 0)
    later.settle()
    assert later.client.get("deployments.apps", "load-php-apache", "default")["spec"]["replicas"] == 0


def test_with_a_kernel_the_reader_goes_on_with_a_slider(loaded: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("K8SNB_STATIC")
    asked: list[int] = []

    def turn(clients: int) -> Panels:
        asked.append(clients)
        return Panels("x", [Chart("clients", [Moment(0, {"clients": clients})])])

    shaping = Shaping(turn, (1, 2))
    bundle = shaping._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in (bundle[0] if isinstance(bundle, tuple) else bundle)
    picture, controls = shaping._box().children
    controls.children[0].value = 7
    controls.children[1].click()
    assert asked == [1, 2, 7]
    assert "clients from 7 to 7" in picture.value
