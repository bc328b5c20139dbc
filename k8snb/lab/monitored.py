"""The exercises of the page on Prometheus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.metrics.labels import Labels, labels, value
from k8snb.metrics.promql.engine import Engine
from k8snb.metrics.promql.parser import parse
from k8snb.metrics.tsdb import TSDB

Told = Sequence[Mapping[str, Any]]


class Answers(Protocol):
    """What a Prometheus and its Alertmanager are asked."""

    def active(self) -> Told: ...

    def evaluated(self) -> Told: ...

    def notified(self) -> Told: ...

    def values(self, text: str) -> Mapping[Labels, float]: ...


class Watched(Reader, Protocol):
    """A cluster with a Prometheus."""

    def monitoring(self) -> Answers: ...


@exercise("ecosystem/prometheus", "A queue that nobody watches", minutes=10)
def check_queue(cluster: Watched) -> Claims:
    """A Deployment that nobody scrapes becomes a target."""
    yield exists(find(cluster, "deployments.apps", "queue"), _("the Deployment queue is still there"))
    known = [each for each in cluster.monitoring().active() if each["labels"].get("app") == "queue"]
    hint = _("pods are kept by their annotations; the template of queue has to have them")
    yield Claim(bool(known), _("its pods are targets"), hint)
    wrong = [each for each in known if each["health"] != "up"]
    why = wrong[0]["lastError"] if wrong else ""
    yield Claim(
        not wrong, _("all of them can be scraped"), why or says(_("health"), [each["health"] for each in wrong])
    )
    wanted = find(cluster, "deployments.apps", "queue")["spec"]["replicas"]
    yield Claim(len(known) == wanted, _("and none is missing"), says(_("targets"), len(known)))


@exercise("ecosystem/prometheus", "The share of errors", minutes=10)
def check_errors(cluster: Watched) -> Claims:
    """A recording rule for the share of failed requests."""
    name = "app:http_errors:ratio1m"
    rules = {rule["name"]: rule for rule in cluster.monitoring().evaluated()}
    hint = _("a file in the ConfigMap prometheus-rules, and a reload; does monitoring.reload() say what is wrong?")
    yield Claim(name in rules, _("there is a rule {name}").format(name=name), hint)
    yield Claim(not rules[name]["lastError"], _("it can be evaluated"), rules[name]["lastError"])
    ours = 'sum by (app) (rate(http_requests_total{code=~"5.."}[1m])) / sum by (app) (rate(http_requests_total[1m]))'
    mine, right = cluster.monitoring().values(name), cluster.monitoring().values(ours)
    yield Claim(bool(mine), _("it has results"), _("does the expression answer anything? a counter needs two samples"))
    apps = {dict(of).get("app") for of in mine}
    yield Claim(
        apps == {dict(of).get("app") for of in right}, _("one for each app"), says("app", sorted(map(str, apps)))
    )
    found = _imagined(str(rules[name]["query"]))
    seen = _("tried with 3 failures among 93 requests, it says {number:.3g}").format(number=found.get("busy", 0))
    near = all(abs(found.get(app, 0) - share) < 0.01 for app, share in SHARES.items())
    yield Claim(near, _("the share of failed requests (5xx) in all requests"), seen)


@exercise("ecosystem/prometheus", "Not tonight", minutes=5)
def check_silence(cluster: Watched) -> Claims:
    """One alert is silenced, and no other."""
    alerts = cluster.monitoring().notified()
    names = {each["labels"]["alertname"]: each["status"]["state"] for each in alerts}
    yield Claim("CrashLooping" in names, _("CrashLooping still fires"), _("the crasher has to go on crashing"))
    hint = _("a silence in Alertmanager whose matchers fit the alert and whose time has begun")
    yield Claim(names["CrashLooping"] == "suppressed", _("nobody is told of it"), hint)
    others = [each for each in alerts if each["labels"]["alertname"] != "CrashLooping"]
    loud = all(each["status"]["state"] == "active" for each in others)
    yield Claim(loud, _("of other alerts people are told as before"), _("the matchers fit too much"))


@exercise("ecosystem/prometheus", "The alert that never rings", minutes=15)
def check_failing(cluster: Watched) -> Claims:
    """An alert that looks for the wrong answers, and waits too long."""
    rule = next((each for each in cluster.monitoring().evaluated() if each["name"] == "Failing"), None)
    hint = _("look into the ConfigMap prometheus-rules; does monitoring.reload() say what is wrong?")
    yield Claim(rule is not None, _("there is an alert Failing"), hint)
    assert rule is not None
    yield Claim(not rule["lastError"], _("it can be evaluated"), rule["lastError"])
    seconds = rule.get("duration", 0)
    yield Claim(seconds == 60, _("it waits for a minute"), says(_("its wait in seconds"), f"{seconds:g}"))
    named = sorted(_imagined(str(rule["query"])))
    tried = says(_("tried with apps of known rates, it names"), named)
    yield Claim(named == ["broken"], _("more than one failed request (5xx) in two seconds, whatever their code"), tried)
    apps = sorted(each["labels"].get("app", _("none")) for each in rule.get("alerts") or ())
    what = _("its expression answers for the app shop, and for no other")
    yield Claim(apps == ["shop"], what, says(_("the label app of what it answers"), apps))
    yield Claim(rule["state"] == "firing", _("it fires"), says(_("its state"), rule["state"]))
    told = [each for each in cluster.monitoring().notified() if each["labels"]["alertname"] == "Failing"]
    loud = any(each["status"]["state"] == "active" for each in told)
    yield Claim(loud, _("Alertmanager tells of it"), _("it does not know of it, or keeps it back"))


IMAGINED = {
    ("broken", "500"): 0.3,
    ("broken", "503"): 0.3,
    ("busy", "200"): 9.0,
    ("busy", "502"): 0.3,
    ("asked", "404"): 9.0,
}
"""Apps with requests a second by code: a past for a rule, as of `promtool test rules`."""
SHARES = {"broken": 1.0, "busy": 0.3 / 9.3, "asked": 0.0}
"""Which share of their requests fails."""


def _imagined(expression: str) -> dict[str, float]:
    """What an expression says of each of the imagined apps."""
    store = TSDB()
    for time in range(0, 900, 15):
        for (app, code), rate in IMAGINED.items():
            of = {"__name__": "http_requests_total", "app": app, "code": code, "instance": "10.244.0.2:8080"}
            store.append(labels(of), time * 1000, rate * time)
    found = Engine(store).vector(parse(expression), 885_000)
    return {value(of, "app") or _("no app"): number for of, number in found}
