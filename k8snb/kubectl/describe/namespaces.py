"""The pages of namespaces, and of what limits them."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.errors import StatusError
from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.describe.writer import Page, long_time
from k8snb.machinery.quantity import of_value as text_of_value
from k8snb.machinery.quantity import parse, value
from k8snb.typing import Object

_HEAD = ("Type", "Resource", "Min", "Max", "Default Request", "Default Limit", "Max Limit/Request Ratio")
_SCOPES = {
    "Terminating": "Matches all pods that have an active deadline. These pods have a limited lifespan on a node "
    "before being actively terminated by the system.",
    "NotTerminating": "Matches all pods that do not have an active deadline. These pods usually include long running "
    "pods whose container command is not expected to terminate.",
    "BestEffort": "Matches all pods that do not have resource requirements set. These pods have a best effort "
    "quality of service.",
    "NotBestEffort": "Matches all pods that have at least one resource requirement set. These pods have a burstable "
    "or guaranteed quality of service.",
}


def describe_namespace(describing: Describing, obj: Object) -> None:
    """A namespace, with its quotas and limit ranges."""
    page, name, status = describing.page, obj["metadata"]["name"], obj.get("status") or {}
    page.line(f"Name:\t{name}")
    describing.marks(obj)
    page.line(f"Status:\t{status.get('phase', '')}")
    conditions = status.get("conditions") or ()
    if conditions:
        page.line("Conditions:")
        page.line("Type\tStatus\tLastTransitionTime\tReason\tMessage", 1)
        page.line("----\t------\t------------------\t------\t-------", 1)
    for each in conditions:
        cells = (each["type"], each["status"], long_time(each.get("lastTransitionTime")))
        page.line("\t".join((*cells, each.get("reason", ""), each.get("message", ""))), 1)
    page.line()
    _quotas(page, _within(describing, "resourcequotas", name))
    page.line()
    _ranges(page, _within(describing, "limitranges", name))


def _within(describing: Describing, word: str, namespace: str) -> Sequence[Object]:
    resource = describing.session.scheme.find(word)
    if resource is None:
        return []
    try:
        return describing.session.items(resource, namespace, {"limit": "500"})
    except StatusError:
        return []


def _quotas(page: Page, quotas: Sequence[Object]) -> None:
    page.line("Resource Quotas" if quotas else "No resource quota.")
    for quota in sorted(quotas, key=lambda quota: quota["metadata"]["name"]):
        page.line(f"Name:\t{quota['metadata']['name']}", 1)
        _scopes(page, quota, 1, "")
        page.line("Resource\tUsed\tHard", 1)
        page.line("--------\t---\t---", 1)
        status = quota.get("status") or {}
        used = status.get("used") or {}
        for name, hard in sorted((status.get("hard") or {}).items()):
            page.line(f"{name}\t{used.get(name, '0')}\t{hard}", 1)


def _scopes(page: Page, quota: Object, level: int, lead: str) -> None:
    scopes = sorted(quota["spec"].get("scopes") or ())
    if scopes:
        page.line(f"Scopes:\t{', '.join(scopes)}", level)
    for scope in scopes:
        if scope in _SCOPES:
            page.line(f"{lead}* {_SCOPES[scope]}", level)


def describe_quota(describing: Describing, obj: Object) -> None:
    """A resource quota."""
    page, status = describing.page, obj.get("status") or {}
    describing.head(obj)
    _scopes(page, obj, 0, " ")
    page.line("Resource\tUsed\tHard")
    page.line("--------\t----\t----")
    used = status.get("used") or {}
    for name, hard in sorted((status.get("hard") or {}).items()):
        page.line(f"{name}\t{_in_notation_of(used.get(name, '0'), hard)}\t{hard}")


def _in_notation_of(text: str, model: str) -> str:
    format = parse(model).format
    return text if parse(text).format == format else text_of_value(value(text), format)


def _ranges(page: Page, ranges: Sequence[Object]) -> None:
    if not ranges:
        page.line("No LimitRange resource.")
        return
    page.line("Resource Limits\n " + "\t".join(_HEAD))
    page.line(" " + "\t".join("-" * len(title) for title in _HEAD))
    for each in ranges:
        _limits(page, each, " ")


def _limits(page: Page, limit_range: Object, lead: str) -> None:
    fields = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")
    for limit in limit_range["spec"].get("limits") or ():
        amounts = [limit.get(field) or {} for field in fields]
        for name in sorted({name for amount in amounts for name in amount}):
            cells = [amount.get(name, "-") for amount in amounts]
            page.line("\t".join((f"{lead}{limit['type']}", name, *cells)))


def describe_limit_range(describing: Describing, obj: Object) -> None:
    """A limit range."""
    page = describing.page
    describing.head(obj)
    page.line("\t".join(_HEAD))
    page.line("\t".join("-" * len(title) for title in _HEAD))
    _limits(page, obj, "")
