"""From what discovery finds to series: relabelling, targets, scrapes, and what they leave when something is gone."""

from __future__ import annotations

import pytest

from k8snb.metrics import discovery
from k8snb.metrics.exposition import Exposed, ExpositionError, parsed
from k8snb.metrics.labels import labels, shown
from k8snb.metrics.relabel import RelabelError, Rule, relabelled, steps
from k8snb.metrics.scrape import Answer, Job, end, ingest, target, targets
from k8snb.metrics.tsdb import TSDB

from .loading import MINUTE, asked

ADDRESS = "__address__"
POD = {
    "metadata": {
        "name": "web-1",
        "namespace": "shop",
        "uid": "u1",
        "labels": {"app.kubernetes.io/name": "web"},
        "annotations": {"prometheus.io/scrape": "true"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "controller": True}],
    },
    "spec": {
        "nodeName": "node-1",
        "containers": [
            {
                "name": "web",
                "image": "nginx",
                "ports": [{"name": "http", "containerPort": 80}, {"containerPort": 9113}],
            },
            {"name": "log", "image": "busybox"},
        ],
    },
    "status": {
        "podIP": "10.244.1.2",
        "hostIP": "192.168.0.11",
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "web", "containerID": "containerd://1"}],
    },
}


# -- the exposition format --


def test_an_exposition_is_read_line_by_line() -> None:
    text = '# HELP up Whether.\n# TYPE up gauge\nup{job="a\\"b\\n",} 1 1500\nplain +Inf\n# free text\n\nold 0x10\n'
    found = parsed(text)
    assert found.samples == [
        Exposed(labels({"__name__": "up", "job": 'a"b\n'}), 1.0, 1500),
        Exposed(labels({"__name__": "plain"}), float("inf")),
        Exposed(labels({"__name__": "old"}), 16.0),
    ]
    assert (found.types, found.helps) == ({"up": "gauge"}, {"up": "Whether."})


@pytest.mark.parametrize("line", ["9up 1", "up{job=a} 1", "up", 'up{a="1",a="2"} 1', "up one", 'up{a="1" 1'])
def test_one_line_that_cannot_be_read_refuses_the_whole(line: str) -> None:
    with pytest.raises(ExpositionError, match="line 2: "):
        parsed(f"fine 1\n{line}\n")


# -- relabelling --


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"source_labels": ["a", "b"], "target_label": "c"}, {"a": "x", "b": "y1", "c": "x;y1"}),
        (
            {"source_labels": ["b"], "regex": r"y(\d)", "target_label": "b", "replacement": "${1}0"},
            {"a": "x", "b": "10"},
        ),
        ({"source_labels": ["b"], "regex": "nothing", "target_label": "a"}, {"a": "x", "b": "y1"}),
        ({"regex": ".*", "target_label": "a", "replacement": ""}, {"b": "y1"}),
        ({"source_labels": ["a"], "regex": "x", "action": "keep"}, {"a": "x", "b": "y1"}),
        ({"source_labels": ["a"], "regex": "x", "action": "drop"}, None),
        ({"source_labels": ["a"], "target_label": "b", "action": "keepequal"}, None),
        ({"source_labels": ["a"], "target_label": "b", "action": "dropequal"}, {"a": "x", "b": "y1"}),
        ({"regex": "(a)", "action": "labelmap", "replacement": "new_$1"}, {"a": "x", "b": "y1", "new_a": "x"}),
        ({"regex": "a", "action": "labeldrop"}, {"b": "y1"}),
        ({"regex": "a", "action": "labelkeep"}, {"a": "x"}),
        ({"source_labels": ["b"], "target_label": "b", "action": "UPPERCASE"}, {"a": "x", "b": "Y1"}),
        (
            {"source_labels": ["a"], "target_label": "shard", "modulus": 8, "action": "hashmod"},
            {"a": "x", "b": "y1", "shard": "6"},
        ),
    ],
)
def test_a_rule_does_what_its_action_says(rule: dict[str, object], expected: dict[str, str] | None) -> None:
    assert relabelled({"a": "x", "b": "y1"}, [Rule.of(rule)]) == expected


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"action": "nosuch"}, 'unknown relabel action "nosuch"'),
        ({"action": "replace"}, "relabel configuration for replace action requires 'target_label' value"),
        ({"action": "hashmod", "target_label": "a"}, "relabel configuration for hashmod requires non-zero modulus"),
        ({"source": ["a"]}, "field source not found in type relabel.plain"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, object], message: str) -> None:
    with pytest.raises(RelabelError, match=message):
        Rule.of(rule)


def test_the_steps_of_relabelling_end_where_a_rule_drops() -> None:
    rules = [
        Rule(target_label="b", replacement="2"),
        Rule(source_labels=("b",), regex="2", action="drop"),
        Rule(target_label="c"),
    ]
    assert [after for _, after in steps({"a": "1"}, rules)] == [{"a": "1", "b": "2"}, None]


# -- discovery --


def test_a_pod_is_a_target_for_each_of_its_ports() -> None:
    meta = "__meta_kubernetes_"
    first, second, third = discovery.pods(POD)
    assert first == {
        ADDRESS: "10.244.1.2:80",
        f"{meta}namespace": "shop",
        f"{meta}pod_name": "web-1",
        f"{meta}pod_ip": "10.244.1.2",
        f"{meta}pod_ready": "true",
        f"{meta}pod_phase": "Running",
        f"{meta}pod_node_name": "node-1",
        f"{meta}pod_host_ip": "192.168.0.11",
        f"{meta}pod_uid": "u1",
        f"{meta}pod_controller_kind": "ReplicaSet",
        f"{meta}pod_controller_name": "web",
        f"{meta}pod_label_app_kubernetes_io_name": "web",
        f"{meta}pod_labelpresent_app_kubernetes_io_name": "true",
        f"{meta}pod_annotation_prometheus_io_scrape": "true",
        f"{meta}pod_annotationpresent_prometheus_io_scrape": "true",
        f"{meta}pod_container_name": "web",
        f"{meta}pod_container_id": "containerd://1",
        f"{meta}pod_container_image": "nginx",
        f"{meta}pod_container_init": "false",
        f"{meta}pod_container_port_name": "http",
        f"{meta}pod_container_port_number": "80",
        f"{meta}pod_container_port_protocol": "TCP",
    }
    assert (second[ADDRESS], third[ADDRESS]) == ("10.244.1.2:9113", "10.244.1.2")
    assert third[f"{meta}pod_container_name"] == "log"


def test_an_endpoint_is_known_by_its_service_and_by_the_pod_behind_it() -> None:
    piece = {
        "metadata": {"name": "web-abc", "namespace": "shop"},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 80}],
        "endpoints": [
            {
                "addresses": ["10.244.1.2"],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "targetRef": {"kind": "Pod", "name": "web-1", "namespace": "shop"},
            }
        ],
    }
    service = {"metadata": {"name": "web", "namespace": "shop", "labels": {"team": "a"}}}
    (found,) = discovery.endpoint_slices(piece, lambda namespace, name: POD, service)
    chosen = {name.removeprefix("__meta_kubernetes_"): text for name, text in found.items()}
    assert chosen[ADDRESS] == "10.244.1.2:80"
    assert chosen["service_label_team"] == "a"
    assert chosen["endpointslice_endpoint_conditions_ready"] == "true"
    assert chosen["pod_container_port_name"] == "http"
    assert chosen["pod_node_name"] == "node-1"


# -- targets --


def test_a_target_keeps_no_label_of_discovery_that_relabelling_did_not_give_it() -> None:
    job = Job("pods", relabel=(Rule(("__meta_kubernetes_pod_name",), target_label="pod"),))
    made = target(job, next(iter(discovery.pods(POD))))
    assert made is not None
    assert (shown(made.labels), made.url) == (
        '{instance="10.244.1.2:80", job="pods", pod="web-1"}',
        "http://10.244.1.2:80/metrics",
    )


def test_relabelling_decides_about_address_path_and_parameters() -> None:
    rules = (
        Rule((ADDRESS,), target_label="__param_target"),
        Rule(target_label=ADDRESS, replacement="prober"),
        Rule(target_label="__metrics_path__", replacement="/probe"),
        Rule(target_label="__scheme__", replacement="https"),
    )
    made = target(Job("probe", relabel=rules, parameters={"module": ["http"]}), {ADDRESS: "shop.example.com"})
    assert made is not None
    assert made.url == "https://prober:443/probe?module=http&target=shop.example.com"


def test_what_relabelling_drops_is_remembered_and_equal_targets_are_one() -> None:
    job = Job("pods", relabel=(Rule(("drop",), regex="yes", action="drop"), Rule(regex="port", action="labeldrop")))
    found = [{ADDRESS: "a:1", "port": "1"}, {ADDRESS: "a:1", "port": "2"}, {ADDRESS: "b:1", "drop": "yes"}]
    kept, dropped = targets(job, found)
    assert ([made.url for made in kept], [dict(each)[ADDRESS] for each in dropped]) == (["http://a:1/metrics"], ["b:1"])


# -- scrapes --


def _scraped(*answers: Answer, job: Job = Job("api")) -> TSDB:  # noqa: B008
    store, made = TSDB(), target(job, {ADDRESS: "a:80"})
    assert made is not None
    for minute, answer in enumerate(answers):
        ingest(store, made, answer, minute * MINUTE)
    return store


def test_a_scrape_leaves_its_samples_and_figures_about_itself() -> None:
    store = _scraped(Answer("requests_total 3\n", seconds=0.5))
    assert {shown(series.labels): series.values for series in store} == {
        'requests_total{instance="a:80", job="api"}': [3.0],
        'up{instance="a:80", job="api"}': [1.0],
        'scrape_duration_seconds{instance="a:80", job="api"}': [0.5],
        'scrape_samples_scraped{instance="a:80", job="api"}': [1.0],
        'scrape_samples_post_metric_relabeling{instance="a:80", job="api"}': [1.0],
        'scrape_series_added{instance="a:80", job="api"}': [1.0],
    }


def test_a_failed_scrape_ends_every_series_at_once_but_up() -> None:
    store = _scraped(Answer("requests_total 3\n"), Answer(error="connection refused"))
    assert asked(store, "requests_total", MINUTE) == {}
    assert asked(store, "up", MINUTE) == {'up{instance="a:80", job="api"}': 0.0}


def test_a_series_that_a_target_no_longer_tells_of_has_ended() -> None:
    store = _scraped(Answer('pods{pod="a"} 1\npods{pod="b"} 1\n'), Answer('pods{pod="b"} 1\n'))
    assert asked(store, "count(pods)", MINUTE) == {"{}": 1.0}


def test_a_target_that_is_gone_ends_what_is_known_of_its_scrapes_too() -> None:
    store, made = TSDB(), target(Job("api"), {ADDRESS: "a:80"})
    assert made is not None
    ingest(store, made, Answer("requests_total 3\n"), 0)
    end(store, made, 1000)
    assert asked(store, '{job="api"}', 1000) == {}


def test_a_label_that_sample_and_target_have_is_exported_unless_it_is_honoured() -> None:
    answer = Answer('pods{job="theirs"} 1\n')
    assert asked(_scraped(answer), "pods", 0) == {'pods{exported_job="theirs", instance="a:80", job="api"}': 1.0}
    honoured = _scraped(answer, job=Job("api", honor_labels=True))
    assert asked(honoured, "pods", 0) == {'pods{instance="a:80", job="theirs"}': 1.0}


def test_a_target_that_tells_too_much_is_not_scraped() -> None:
    """What an explosion of label values is stopped with."""
    many = Answer("".join(f'requests_total{{user="{n}"}} 1\n' for n in range(11)))
    store = _scraped(many, job=Job("api", sample_limit=10))
    assert asked(store, "up", 0) == {'up{instance="a:80", job="api"}': 0.0}
    assert asked(store, "requests_total", 0) == {}


def test_samples_can_be_dropped_after_a_scrape() -> None:
    job = Job("api", metric_relabel=(Rule(("__name__",), regex="go_.*", action="drop"),))
    store = _scraped(Answer("go_threads 7\nrequests_total 1\n"), job=job)
    assert asked(store, '{__name__=~"go_.*|requests.*"}', 0) == {'requests_total{instance="a:80", job="api"}': 1.0}


def test_a_store_forgets_what_is_older_than_its_retention() -> None:
    store = TSDB(retention=MINUTE)
    store.append(labels({"__name__": "old"}), 0, 1.0)
    store.append(labels({"__name__": "new"}), 2 * MINUTE, 1.0)
    store.truncate(2 * MINUTE)
    assert (len(store), store.label_values("__name__"), store.label_names()) == (1, ["new"], ["__name__"])


def test_a_sample_that_comes_too_late_is_refused() -> None:
    store, of = TSDB(), labels({"__name__": "x"})
    assert [store.append(of, at, 1.0) for at in (2, 1, 2, 3)] == [True, False, False, True]
