"""Webhook configurations: defaults and validation.

Upstream: `pkg/apis/admissionregistration/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from k8snb.apiserver.admission.environments import conditions_environment
from k8snb.apiserver.registry.admission_rules import check_conditions, check_rules, default_client, default_rules
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.apiserver.registry.webhook_clients import check_client
from k8snb.errors import FieldError, duplicate, invalid_value, not_supported, required
from k8snb.machinery.formats import dns_subdomain
from k8snb.machinery.names import Lottery
from k8snb.machinery.validation import validate_label_selector
from k8snb.typing import Object

_DEFAULTS: Object = {
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "timeoutSeconds": 10,
}
_REVIEWS = ("v1", "v1beta1")
_SIDE_EFFECTS = ("None", "NoneOnDryRun")


class WebhookConfigurationStrategy(Strategy):
    """The rules of both kinds of configuration; only mutating webhooks may be called again."""

    def __init__(self, *, mutating: bool) -> None:
        self._defaults = {**_DEFAULTS, "reinvocationPolicy": "Never"} if mutating else _DEFAULTS
        self._mutating = mutating

    def default(self, obj: Object) -> Object:
        if not obj.get("webhooks"):
            return obj
        return {**obj, "webhooks": [self._defaulted(each) for each in obj["webhooks"]]}

    def _defaulted(self, webhook: Object) -> Object:
        made = {**self._defaults, **webhook, "rules": default_rules(webhook.get("rules"))}
        return {**made, "clientConfig": default_client(webhook.get("clientConfig") or {})}

    def validate(self, obj: Object) -> list[FieldError]:
        found: list[FieldError] = []
        names: set[str] = set()
        for index, webhook in enumerate(obj.get("webhooks") or ()):
            path, name = f"webhooks[{index}]", webhook.get("name") or ""
            found += _webhook(webhook, path)
            if self._mutating and webhook["reinvocationPolicy"] not in ("Never", "IfNeeded"):
                words = ("IfNeeded", "Never")
                found.append(not_supported(f"{path}.reinvocationPolicy", webhook["reinvocationPolicy"], words))
            if name in names:
                found.append(duplicate(f"{path}.name", name))
            names.add(name)
        return found


def _webhook(webhook: Object, path: str) -> Iterator[FieldError]:
    yield from _name(webhook.get("name") or "", f"{path}.name")
    yield from _versions(webhook.get("admissionReviewVersions") or [], f"{path}.admissionReviewVersions")
    yield from check_rules(webhook.get("rules") or (), f"{path}.rules")
    for field, words in (("failurePolicy", ("Fail", "Ignore")), ("matchPolicy", ("Equivalent", "Exact"))):
        if webhook[field] not in words:
            yield not_supported(f"{path}.{field}", webhook[field], words)
    effects = webhook.get("sideEffects")
    if effects is None:
        yield required(f"{path}.sideEffects", f"must specify one of {', '.join(_SIDE_EFFECTS)}")
    elif effects not in _SIDE_EFFECTS:
        yield not_supported(f"{path}.sideEffects", effects, _SIDE_EFFECTS)
    if not 1 <= webhook["timeoutSeconds"] <= 30:
        why = "the timeout value must be between 1 and 30 seconds"
        yield invalid_value(f"{path}.timeoutSeconds", webhook["timeoutSeconds"], why)
    for field in ("namespaceSelector", "objectSelector"):
        yield from validate_label_selector(webhook.get(field) or {}, f"{path}.{field}")
    yield from check_client(webhook["clientConfig"], f"{path}.clientConfig")
    conditions = webhook.get("matchConditions") or ()
    yield from check_conditions(conditions, f"{path}.matchConditions", conditions_environment())


def _name(name: str, path: str) -> Iterator[FieldError]:
    if not name:
        yield required(path)
    elif wrong := dns_subdomain(name):
        yield invalid_value(path, name, ",".join(wrong))
    elif name.count(".") < 2:
        yield invalid_value(path, name, "should be a domain with at least three segments separated by dots")


def _versions(versions: list[str], path: str) -> Iterator[FieldError]:
    listed = ", ".join(_REVIEWS)
    if not versions:
        yield required(path, f"must specify one of {listed}")
    elif not set(versions) & set(_REVIEWS):
        yield invalid_value(path, versions, f"must include at least one of {listed}")
    for index, each in enumerate(versions):
        if each in versions[:index]:
            yield invalid_value(f"{path}[{index}]", each, "duplicate version")


_GROUP = "admissionregistration.k8s.io"
STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    f"mutatingwebhookconfigurations.{_GROUP}": lambda _: WebhookConfigurationStrategy(mutating=True),
    f"validatingwebhookconfigurations.{_GROUP}": lambda _: WebhookConfigurationStrategy(mutating=False),
}
