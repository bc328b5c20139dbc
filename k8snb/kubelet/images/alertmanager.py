"""The program of Alertmanager's image: it takes alerts and silences, and tells receivers over the pods' network.

A webhook is really called. Of the other ways (e-mail, Slack, PagerDuty …) the log says that somebody was told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import yaml

from k8snb.kubelet.images import web
from k8snb.kubelet.images.daemon import Daemon, compact, failure
from k8snb.kubelet.images.program import Process
from k8snb.metrics import alertmanager as alerting
from k8snb.metrics import api
from k8snb.metrics.labels import Matcher, labels, shown
from k8snb.metrics.server import stamp
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

_JSON = "application/json"


class AlertmanagerServer(Daemon):
    """The executable `/bin/alertmanager`."""

    name = "Alertmanager"
    port = 9093
    file = "/etc/alertmanager/alertmanager.yml"

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._manager: alerting.Alertmanager | None = None
        self._receivers: dict[str, Mapping[str, Any]] = {}
        self._awake: int | None = None

    def configure(self, text: str) -> None:
        config = yaml.safe_load(text) or {}
        manager = alerting.configured(config)
        if self._manager is not None:
            manager.silences = self._manager.silences
            manager.receive(list(self._manager.alerts.values()), self.now)
        self._manager = manager
        self._receivers = {each["name"]: each for each in config.get("receivers") or ()}

    def tick(self) -> None:
        assert self._manager is not None
        self._awake = None
        for notification in self._manager.due(self.now):
            self._deliver(notification)
        self._plan()

    def _plan(self) -> None:
        """Wake for the next group, unless something earlier will."""
        assert self._manager is not None
        due = self._manager.next_due()
        if due is not None and (self._awake is None or due < self._awake):
            self._awake = due
            self.later(due)

    def _deliver(self, notification: alerting.Notification) -> None:
        receiver = self._receivers[notification.receiver]
        for kind, configs in receiver.items():
            for config in configs if kind.endswith("_configs") else ():
                if kind == "webhook_configs":
                    self._post(config["url"], notification)
                else:
                    self._told(notification, kind.removesuffix("_configs"))

    def _told(self, notification: alerting.Notification, way: str) -> None:
        count = len(notification.firing) + len(notification.resolved)
        self.say("INFO", "Notify success", receiver=notification.receiver, integration=way, alerts=str(count))

    def _post(self, url: str, notification: alerting.Notification) -> None:
        body = compact(payload(notification))
        try:
            response = self.send("POST", url, body, {"content-type": _JSON, "user-agent": "Alertmanager"})
            error = "" if response.status < 300 else f"unexpected status code {response.status}: {url}"
        except NetworkError as problem:
            parts = urlsplit(url)
            error = failure(problem, parts.hostname or "", parts.port or 80)
        if error:
            self.say("WARN", "Notify attempt failed", receiver=notification.receiver, integration="webhook", err=error)
        else:
            self._told(notification, "webhook")

    def answer(self, path: str, request: HTTPRequest) -> HTTPResponse:
        handlers = {
            ("POST", "/api/v2/alerts"): self._receive,
            ("GET", "/api/v2/alerts"): self._alerts,
            ("POST", "/api/v2/silences"): self._silence,
            ("GET", "/api/v2/silences"): self._silences,
        }
        handler = handlers.get((request.method, path))
        if handler is None:
            return web.text("404 page not found\n", 404)
        try:
            found = handler(json.loads(request.body) if request.body else None)
        except (ValueError, KeyError, TypeError) as error:
            return web.text(compact(str(error)), 400, kind=_JSON)
        return web.text(compact(found) if found is not None else "", kind=_JSON)

    def _receive(self, body: Any) -> None:
        assert self._manager is not None
        received = [
            alerting.Received(
                labels(each["labels"]),
                labels(each.get("annotations") or {}),
                api.moment(each["startsAt"]) if each.get("startsAt") else self.now,
                api.moment(each["endsAt"]) if each.get("endsAt") else self.now + 300_000,
            )
            for each in body
        ]
        self._manager.receive(received, self.now)
        self._plan()

    def _alerts(self, body: Any) -> Any:
        assert self._manager is not None
        now = self.now
        return [
            {
                **_told(alert),
                "status": {"state": "suppressed" if self._manager.muted(alert, now) else "active"},
                "receivers": [{"name": each.receiver} for each in self._manager.route.matching(alert.labels)],
            }
            for alert in self._manager.alerts.values()
            if not alert.resolved(now)
        ]

    def _silence(self, body: Any) -> Any:
        assert self._manager is not None
        matchers = tuple(_matcher(each) for each in body["matchers"])
        if not matchers:
            raise ValueError("invalid silence: at least one matcher required")
        starts, ends = api.moment(body["startsAt"]), api.moment(body["endsAt"])
        silence = alerting.Silence(matchers, starts, ends, body.get("comment", ""), body.get("createdBy", ""))
        self._manager.silences.append(silence)
        return {"silenceID": _identity(len(self._manager.silences))}

    def _silences(self, body: Any) -> Any:
        assert self._manager is not None
        return [
            {
                "id": _identity(place),
                "comment": each.comment,
                "createdBy": each.created_by,
                "startsAt": stamp(each.starts),
                "endsAt": stamp(each.ends),
                "matchers": [str(matcher) for matcher in each.matchers],
                "status": {"state": "active" if each.starts <= self.now < each.ends else "expired"},
            }
            for place, each in enumerate(self._manager.silences, 1)
        ]


def _identity(place: int) -> str:
    return f"00000000-0000-4000-8000-{place:012d}"


def _matcher(given: Mapping[str, Any]) -> Matcher:
    operator = ("=" if given.get("isEqual", True) else "!") + ("~" if given.get("isRegex") else "")
    return alerting.matcher(f'{given["name"]}{operator if operator != "!" else "!="}"{given["value"]}"')


def _told(alert: alerting.Received) -> dict[str, Any]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": stamp(alert.starts),
        "endsAt": stamp(alert.ends),
    }


def payload(notification: alerting.Notification) -> Mapping[str, Any]:
    """What a webhook receives. Source: `notify/webhook/webhook.go`, `template/template.go` of Alertmanager."""
    alerts = [
        {"status": status, **_told(alert)}
        for status, found in (("firing", notification.firing), ("resolved", notification.resolved))
        for alert in found
    ]
    return {
        "version": "4",
        "groupKey": f"{{}}:{shown(notification.group)}",
        "status": notification.status,
        "receiver": notification.receiver,
        "groupLabels": dict(notification.group),
        "commonLabels": _common(alerts, "labels"),
        "commonAnnotations": _common(alerts, "annotations"),
        "truncatedAlerts": 0,
        "alerts": alerts,
    }


def _common(alerts: Sequence[Mapping[str, Any]], field: str) -> dict[str, str]:
    first = alerts[0][field]
    return {name: text for name, text in first.items() if all(each[field].get(name) == text for each in alerts)}
