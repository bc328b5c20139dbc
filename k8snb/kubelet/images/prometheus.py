"""The program of Prometheus' image: it listens, reads its files, and lets `k8snb.metrics` decide.

It follows what it discovers with informers, as the account of its pod, and reaches targets over the pods' network; so a
missing permission, a network policy or a wrong port look as they do in a real cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from k8snb.client.controller import Context
from k8snb.client.informer import Informer
from k8snb.errors import StatusError
from k8snb.kubelet.images import web
from k8snb.kubelet.images.daemon import Daemon, compact, failure, option
from k8snb.kubelet.images.program import Process
from k8snb.machinery import selectors
from k8snb.metrics import api, discovery
from k8snb.metrics.config import Config, ConfigError, load, load_rules
from k8snb.metrics.http_sd import groups
from k8snb.metrics.promql.durations import milliseconds
from k8snb.metrics.rules import Group
from k8snb.metrics.scrape import Answer, Job, Target, targets
from k8snb.metrics.server import Prometheus
from k8snb.metrics.tsdb import TSDB
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError
from k8snb.typing import Object

RETRY_SECONDS = 5.0
_NAMESPACE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
_JSON = "application/json"


class PrometheusServer(Daemon):
    """The executable `/bin/prometheus`."""

    name = "Prometheus Server"
    port = 9090
    file = "/etc/prometheus/prometheus.yml"

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        retention = option(process.argv, "storage.tsdb.retention.time", "15d")
        self._store = TSDB(milliseconds(retention))
        self._context: Context | None = None
        self._informers: dict[str, Informer] = {}
        self._refused: dict[str, float] = {}
        self._server: Prometheus | None = None

    # -- configuration --

    def configure(self, text: str) -> None:
        config = load(text)
        groups = list(self._groups(config))
        self._server = Prometheus(config, groups, self, self._store, before=self._server)
        self._server.discover(self.now)

    def _groups(self, config: Config) -> Iterable[Group]:
        folder = option(self.process.argv, self.file_option, self.file).rpartition("/")[0]
        for pattern in config.rule_files:
            path = pattern if pattern.startswith("/") else f"{folder}/{pattern}"
            for file in self._files(path):
                try:
                    yield from load_rules(
                        self.process.files.read(file), config.evaluation_interval, config.external_labels
                    )
                except ConfigError as error:
                    raise ConfigError(f"loading groups failed: {file}: {error}") from None

    def _files(self, pattern: str) -> list[str]:
        folder, _, name = pattern.rpartition("/")
        if "*" not in name:
            return [pattern] if self.process.files.is_file(pattern) else []
        head, _, tail = name.partition("*")
        if not self.process.files.is_directory(folder):
            return []
        names = self.process.files.list(folder)
        found = (each for each in names if each.startswith(head) and each.endswith(tail) and not each.startswith(".."))
        return [f"{folder}/{each}" for each in sorted(found)]

    def tick(self) -> None:
        if self._server is not None:
            self.later(self._server.tick(self.now))

    # -- the world --

    def found(self, job: Job) -> Iterable[Mapping[str, str]]:
        """What service discovery finds for a job."""
        for config in job.kubernetes:
            yield from self._discovered(config)

    def _discovered(self, config: Mapping[str, Any]) -> Iterable[Mapping[str, str]]:
        role = config["role"]
        informer = self._informer(discovery.ROLES[role])
        if informer is None:
            return
        selector = next((each.get("label", "") for each in config.get("selectors") or () if each["role"] == role), "")
        matches = selectors.parse(selector).matches if selector else lambda _: True
        for namespace in self._namespaces(config):
            for obj in informer.list(namespace):
                if matches(obj["metadata"].get("labels") or {}):
                    yield from self._of(role, obj)

    def _namespaces(self, config: Mapping[str, Any]) -> Sequence[str]:
        wanted = config.get("namespaces") or {}
        names = list(wanted.get("names") or ())
        if wanted.get("own_namespace") and self.process.files.is_file(_NAMESPACE):
            names.append(self.process.files.read(_NAMESPACE).strip())
        return names or [""]

    def _of(self, role: str, obj: Object) -> Iterable[Mapping[str, str]]:
        match role:
            case "node":
                return discovery.nodes(obj)
            case "pod":
                return discovery.pods(obj)
            case "service":
                return discovery.services(obj)
            case "ingress":
                return discovery.ingresses(obj)
            case "endpoints":
                return discovery.endpoints(obj, self._pod, self._service(obj, obj["metadata"]["name"]))
        name = (obj["metadata"].get("labels") or {}).get("kubernetes.io/service-name", "")
        return discovery.endpoint_slices(obj, self._pod, self._service(obj, name))

    def _pod(self, namespace: str, name: str) -> Object | None:
        informer = self._informer("pods")
        return informer.get(namespace, name) if informer is not None else None

    def _service(self, obj: Object, name: str) -> Object | None:
        informer = self._informer("services")
        return informer.get(obj["metadata"]["namespace"], name) if informer is not None else None

    def _informer(self, resource: str) -> Informer | None:
        """What is known of a resource; None while it may not be read."""
        if resource in self._informers or self.process.now < self._refused.get(resource, 0.0):
            return self._informers.get(resource)
        try:
            self._context = self._context or self.process.cluster()
            self._informers[resource] = self._context.informers.of(resource)
        except StatusError as refusal:
            self.say("ERROR", "Failed to watch", err=refusal.message)
            self._refused[resource] = self.process.now + RETRY_SECONDS
        except NetworkError:
            self.say("ERROR", "Cannot create service discovery", err="no token is mounted", type="kubernetes")
            self._refused[resource] = self.process.now + RETRY_SECONDS
        return self._informers.get(resource)

    def fetch(self, target: Target) -> Answer:
        """Ask a target, with what its job says to show."""
        headers = {"user-agent": f"Prometheus/{self.process.version}", "accept": "text/plain;version=0.0.4"}
        if target.job.token_file and self.process.files.is_file(target.job.token_file):
            headers["authorization"] = f"Bearer {self.process.files.read(target.job.token_file).strip()}"
        parts = urlsplit(target.url)
        try:
            response = self.send("GET", target.url, headers=headers)
        except NetworkError as error:
            why = failure(error, parts.hostname or "", parts.port or 80)
            return Answer(error=f'Get "{target.url}": {why}', seconds=min(error.seconds, target.timeout / 1000))
        if response.seconds * 1000 > target.timeout:
            return Answer(error=f'Get "{target.url}": context deadline exceeded', seconds=target.timeout / 1000)
        if response.status != HTTPStatus.OK:
            status = f"{response.status} {HTTPStatus(response.status).phrase}"
            return Answer(error=f"server returned HTTP status {status}", seconds=response.seconds)
        return Answer(response.body, seconds=response.seconds)

    def notify(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Tell every Alertmanager."""
        assert self._server is not None
        for job in self._server.config.alertmanagers:
            found, _dropped = targets(job, [*job.found(), *self.found(job)])
            for each in found:
                try:
                    response = self.send("POST", each.url, compact(alerts), {"content-type": _JSON})
                    error = "" if response.status == HTTPStatus.OK else f"bad response status {response.status}"
                except NetworkError as problem:
                    error = failure(problem, urlsplit(each.url).hostname or "", urlsplit(each.url).port or 80)
                if error:
                    self.say("ERROR", "Error sending alerts", alertmanager=each.url, count=str(len(alerts)), err=error)

    # -- answers --

    def _told_outside(self, server: str) -> HTTPResponse:
        """The targets for a Prometheus that reaches the cluster at `server`."""
        assert self._server is not None
        informer = self._informer("pods")
        pods = (
            {each.get("status", {}).get("podIP", ""): each["metadata"] for each in informer.list()} if informer else {}
        )

        def owner(host: str) -> tuple[str, str, str] | None:
            meta = pods.get(host)
            return ("pods", meta["namespace"], meta["name"]) if meta else _service(host)

        found = [each for job in self._server.targets.values() for each in job]
        return web.text(compact(groups(found, server, owner)), kind=_JSON)

    def answer(self, path: str, request: HTTPRequest) -> HTTPResponse:
        assert self._server is not None
        if path == "/metrics":
            return web.text(_own_metrics(self._server))
        given = parse_qs(request.path.partition("?")[2], keep_blank_values=True)
        if path == "/http_sd":
            return self._told_outside(given.get("server", [""])[0])
        if not path.startswith("/api/v1/"):
            return web.text("404 page not found\n", 404)
        if request.method == "POST":
            given |= parse_qs(request.body, keep_blank_values=True)
        status, body = api.answer(self._server, path.removeprefix("/api/v1/"), given, self.now)
        return web.text(body if isinstance(body, str) else compact(body), status, kind=_JSON)


def _service(host: str) -> tuple[str, str, str] | None:
    """The Service that a name in the cluster means: `web.shop.svc`; None for the API server's own."""
    name, _, rest = host.partition(".")
    namespace = rest.partition(".")[0]
    return ("services", namespace, name) if namespace and (name, namespace) != ("kubernetes", "default") else None


def _own_metrics(server: Prometheus) -> str:
    figures = {
        "prometheus_tsdb_head_series": ("gauge", len(server.store)),
        "prometheus_target_scrape_pools_total": ("counter", len(server.targets)),
        "prometheus_rule_group_rules": ("gauge", sum(len(group.rules) for group in server.groups)),
    }
    return "".join(f"# TYPE {name} {kind}\n{name} {number}\n" for name, (kind, number) in figures.items())
