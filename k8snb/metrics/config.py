"""Prometheus' configuration, as data: what to scrape, which rules to evaluate, whom to tell.

A field that Prometheus does not know is refused, as Prometheus refuses it; of what it knows and this does not need
(credentials, TLS, remote storage) the fields are accepted and have no effect.
Source: `config/config.go`; https://prometheus.io/docs/prometheus/latest/configuration/configuration/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from k8snb.metrics import rules
from k8snb.metrics.discovery import ROLES
from k8snb.metrics.labels import VALID_METRIC, VALID_NAME
from k8snb.metrics.promql.durations import milliseconds
from k8snb.metrics.promql.lexer import PromQLError
from k8snb.metrics.promql.parser import parse
from k8snb.metrics.relabel import RelabelError, Rule
from k8snb.metrics.scrape import Job

_TOP = {
    "global", "rule_files", "scrape_configs", "alerting", "remote_write", "remote_read", "storage", "tracing",
    "runtime", "scrape_config_files", "otlp",
}  # fmt: skip
_GLOBAL = {
    "scrape_interval", "scrape_timeout", "evaluation_interval", "external_labels", "query_log_file",
    "rule_query_offset", "scrape_protocols", "body_size_limit", "sample_limit", "label_limit",
    "metric_name_validation_scheme",
}  # fmt: skip
_JOB = {
    "job_name", "scrape_interval", "scrape_timeout", "metrics_path", "scheme", "params", "honor_labels",
    "honor_timestamps", "static_configs", "kubernetes_sd_configs", "relabel_configs", "metric_relabel_configs",
    "sample_limit", "label_limit", "target_limit", "body_size_limit", "authorization", "basic_auth", "tls_config",
    "bearer_token", "bearer_token_file", "follow_redirects", "enable_http2", "http_sd_configs", "file_sd_configs",
    "scrape_protocols", "fallback_scrape_protocol", "track_timestamps_staleness", "enable_compression",
}  # fmt: skip
_GROUP = {"name", "interval", "rules", "limit", "labels", "query_offset"}
_RULE = {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}


class ConfigError(ValueError):
    """A configuration that cannot be; the message is Prometheus'."""


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration. Times in milliseconds."""

    jobs: Sequence[Job] = ()
    rule_files: Sequence[str] = ()
    evaluation_interval: int = 60_000
    external_labels: Mapping[str, str] = field(default_factory=dict)
    alertmanagers: Sequence[Job] = ()
    """Where Alertmanagers are found: like jobs, but they are told instead of asked."""


def load(text: str) -> Config:
    """The configuration that a YAML text says. Raises ConfigError."""
    whole = _mapping(text)
    _known(whole, _TOP, "config.plain")
    general = whole.get("global") or {}
    _known(general, _GLOBAL, "config.plain")
    jobs = [_job(each, general) for each in whole.get("scrape_configs") or ()]
    names = [job.name for job in jobs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f'found multiple scrape configs with job name "{twice}"')
    alerting = whole.get("alerting") or {}
    return Config(
        jobs,
        tuple(whole.get("rule_files") or ()),
        _time(general, "evaluation_interval", 60_000),
        _texts(general.get("external_labels")),
        [_alertmanager(n, each) for n, each in enumerate(alerting.get("alertmanagers") or ())],
    )


def load_rules(text: str, interval: int, external: Mapping[str, str]) -> list[rules.Group]:
    """The groups of a rule file. Raises ConfigError."""
    whole = _mapping(text)
    _known(whole, {"groups"}, "rulefmt.RuleGroups")
    groups = [_group(each, interval, external) for each in whole.get("groups") or ()]
    names = [group.name for group in groups]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f'groupname: "{twice}" is repeated in the same file')
    return groups


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"yaml: {error}") from None
    if found is not None and not isinstance(found, dict):
        raise ConfigError(f"yaml: cannot unmarshal {type(found).__name__} into a configuration")
    return found or {}


def _known(config: Mapping[str, Any], names: Iterable[str], kind: str) -> None:
    unknown = next((name for name in config if name not in names), None)
    if unknown is not None:
        raise ConfigError(f"field {unknown} not found in type {kind}")


def _texts(config: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: str(text) for name, text in (config or {}).items()}


def _time(config: Mapping[str, Any], name: str, otherwise: int) -> int:
    try:
        return milliseconds(str(config[name])) if config.get(name) else otherwise
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _job(config: Mapping[str, Any], general: Mapping[str, Any]) -> Job:
    _known(config, _JOB, "config.ScrapeConfig")
    name = config.get("job_name")
    if not name:
        raise ConfigError("job_name is empty")
    interval = _time(config, "scrape_interval", _time(general, "scrape_interval", 60_000))
    timeout = _time(config, "scrape_timeout", min(interval, _time(general, "scrape_timeout", 10_000)))
    if timeout > interval:
        raise ConfigError(f'scrape timeout greater than scrape interval for scrape config with job name "{name}"')
    discovery = tuple(config.get("kubernetes_sd_configs") or ())
    for each in discovery:
        if each.get("role") not in ROLES:
            raise ConfigError(f'unknown Kubernetes SD role "{each.get("role", "")}"')
    return Job(
        name=str(name),
        interval=interval,
        timeout=timeout,
        path=config.get("metrics_path", "/metrics"),
        scheme=config.get("scheme", "http"),
        parameters=config.get("params") or {},
        token_file=_token_file(config),
        honor_labels=bool(config.get("honor_labels")),
        honor_timestamps=bool(config.get("honor_timestamps", True)),
        sample_limit=int(config.get("sample_limit", 0)),
        static=tuple(config.get("static_configs") or ()),
        kubernetes=discovery,
        relabel=_relabel(config, "relabel_configs"),
        metric_relabel=_relabel(config, "metric_relabel_configs"),
    )


def _alertmanager(place: int, config: Mapping[str, Any]) -> Job:
    prefix = str(config.get("path_prefix", "/")).rstrip("/")
    known = {name: value for name, value in config.items() if name in _JOB}
    return _job({**known, "job_name": f"alertmanager-{place}", "metrics_path": f"{prefix}/api/v2/alerts"}, {})


def _token_file(config: Mapping[str, Any]) -> str:
    authorization = config.get("authorization") or {}
    return str(authorization.get("credentials_file") or config.get("bearer_token_file") or "")


def _relabel(config: Mapping[str, Any], name: str) -> tuple[Rule, ...]:
    try:
        return tuple(Rule.of(each) for each in config.get(name) or ())
    except RelabelError as error:
        raise ConfigError(str(error)) from None


def _group(config: Mapping[str, Any], interval: int, external: Mapping[str, str]) -> rules.Group:
    _known(config, _GROUP, "rulefmt.RuleGroup")
    if not config.get("name"):
        raise ConfigError("Groupname must not be empty")
    found = [_rule(config["name"], n, each, external) for n, each in enumerate(config.get("rules") or (), 1)]
    return rules.Group(config["name"], found, _time(config, "interval", interval))


def _rule(group: str, place: int, config: Mapping[str, Any], external: Mapping[str, str]) -> rules.Rule:
    _known(config, _RULE, "rulefmt.RuleNode")
    name = str(config.get("alert") or config.get("record") or "")
    try:
        _check(config)
        expression = parse(str(config["expr"]))
    except (PromQLError, ConfigError) as error:
        what = f"could not parse expression: {error}" if isinstance(error, PromQLError) else str(error)
        raise ConfigError(f'group "{group}", rule {place}, "{name}": {what}') from None
    if "record" in config:
        return rules.RecordingRule(name, expression, _texts(config.get("labels")))
    return rules.AlertingRule(
        name,
        expression,
        _time(config, "for", 0),
        _time(config, "keep_firing_for", 0),
        _texts(config.get("labels")),
        _texts(config.get("annotations")),
        external,
    )


def _check(config: Mapping[str, Any]) -> None:
    """Refuse a rule that makes no sense, with Prometheus' words."""
    if config.get("record") and config.get("alert"):
        raise ConfigError("only one of 'record' and 'alert' must be set")
    if not config.get("record") and not config.get("alert"):
        raise ConfigError("one of 'record' or 'alert' must be set")
    if not config.get("expr"):
        raise ConfigError("field 'expr' must be set in rule")
    if config.get("record"):
        for name in ("annotations", "for", "keep_firing_for"):
            if config.get(name):
                raise ConfigError(f"invalid field '{name}' in recording rule")
        if not VALID_METRIC.fullmatch(config["record"]):
            raise ConfigError(f"invalid recording rule name: {config['record']}")
    for name in config.get("labels") or {}:
        if not VALID_NAME.fullmatch(name) or name == "__name__":
            raise ConfigError(f"invalid label name: {name}")
