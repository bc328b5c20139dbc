"""What containers and pods ask for: names of resources, amounts, and requests within limits.

Upstream: `validateResourceRequirements` and its neighbours in `pkg/apis/core/validation/validation.go`,
`component-helpers/resource` for the sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from k8snb.apiserver.registry import checks
from k8snb.errors import FieldError, duplicate, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import formats, quantity
from k8snb.typing import Object

Findings = Iterator[FieldError]
Amounts = Mapping[str, str]
NameRule = Callable[[str, str], Sequence[FieldError]]

_RESIZABLE = ("cpu", "memory")
_RESIZE_POLICIES = ("NotRequired", "RestartContainer")


def validate_requirements(
    requirements: Object, path: str, claims: Sequence[str] = (), name_rule: NameRule = checks.container_resource_name
) -> Findings:
    """`limits`, `requests` and `claims`; `claims` are the names of the pod's resource claims."""
    limits: Amounts = requirements.get("limits") or {}
    requests: Amounts = requirements.get("requests") or {}
    for name, amount in limits.items():
        yield from _validate_amount(name, str(amount), f"{path}.limits[{name}]", name_rule)
    for name, amount in requests.items():
        yield from _validate_amount(name, str(amount), f"{path}.requests[{name}]", name_rule)
        yield from _validate_within(name, str(amount), limits.get(name), path)
    asked = {*limits, *requests}
    if any(map(checks.is_huge_pages, asked)) and not asked & {"cpu", "memory"}:
        yield field_forbidden(path, "HugePages require cpu or memory")
    yield from _validate_claims(requirements.get("claims") or (), claims, f"{path}.claims")


def _validate_amount(name: str, amount: str, path: str, name_rule: NameRule) -> Findings:
    yield from name_rule(path, name)
    yield from checks.resource_quantity(path, name, amount)
    if checks.is_huge_pages(name) and not _is_multiple(amount, name.removeprefix("hugepages-")):
        yield invalid_value(path, amount, f"{amount} is not positive integer multiple of {name}")


def _is_multiple(amount: str, page: str) -> bool:
    try:
        size = quantity.parse(page).nano
    except quantity.QuantityError:
        return False
    return size > 0 and quantity.parse(amount).nano % size == 0


def _validate_within(name: str, request: str, limit: str | None, path: str) -> Findings:
    at = f"{path}.requests"
    if limit is None:
        if not checks.is_overcommit_allowed(name):
            yield required(f"{path}.limits", "Limit must be set for non overcommitable resources")
        return
    order = quantity.compare(request, str(limit))
    if order and not checks.is_overcommit_allowed(name):
        yield invalid_value(at, request, f"must be equal to {name} limit of {limit}")
    elif order > 0:
        yield invalid_value(at, request, f"must be less than or equal to {name} limit of {limit}")


def _validate_claims(references: Sequence[Object], claims: Sequence[str], path: str) -> Findings:
    seen: set[str] = set()
    for index, reference in enumerate(references):
        at = f"{path}[{index}]"
        name, request = reference.get("name") or "", reference.get("request") or ""
        if not name:
            yield required(at)
            continue
        key = f"{name}/{request}" if request else name
        if request:
            yield from checks.each(f"{at}.request", request, formats.dns_label(request))
        if name in seen or key in seen or (not request and any(s.startswith(f"{name}/") for s in seen)):
            yield duplicate(at, name if name in seen or not request else key)
        seen.add(key)
        if name not in claims:
            listed = f": {', '.join(sorted(claims))}" if claims else " which is empty"
            detail = f"must be one of the names in pod.spec.resourceClaims{listed}"
            yield FieldError("FieldValueNotFound", at, name, detail)


def validate_resize_policy(policies: Sequence[Object], path: str, restart_policy: str) -> Findings:
    """What a change of CPU or memory in place does to the container."""
    seen: set[str] = set()
    for index, policy in enumerate(policies):
        name, action = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        if name in seen:
            yield duplicate(f"{path}[{index}]", name)
        seen.add(name)
        yield from checks.one_of(path, name, _RESIZABLE)
        yield from checks.one_of(path, action, _RESIZE_POLICIES)
        if restart_policy == "Never" and action != "NotRequired":
            yield invalid_value(path, action, "must be 'NotRequired' when `restartPolicy` is 'Never'")


def validate_pod_resources(spec: Object, path: str) -> Findings:
    """The pod's own `resources`: at least what its containers ask for together."""
    resources = spec.get("resources")
    if resources is None:
        return
    if resources.get("claims") is not None:
        yield field_forbidden(f"{path}.claims", "claims cannot be set for Resources at pod-level")
    yield from validate_requirements(resources, path, (), _pod_resource_name)
    yield from _validate_sums(spec, resources, path)


def _pod_resource_name(path: str, name: str) -> Sequence[FieldError]:
    found = checks.qualified_name(path, name)
    if found or is_pod_level(name):
        return found
    return [not_supported(path, name, ("cpu", "hugepages-", "memory"))]


def is_pod_level(name: str) -> bool:
    """Whether the resource can be asked for by a pod as a whole."""
    return name in _RESIZABLE or checks.is_huge_pages(name)


def _validate_sums(spec: Object, resources: Object, path: str) -> Findings:
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for name, total in sum_of_containers(spec, "requests").items():
        own = str(requests.get(name, "0"))
        if quantity.compare(total, own) > 0:
            detail = f"must be greater than or equal to aggregate container requests of {total}"
            yield invalid_value(f"{path}.requests[{name}]", own, detail)
    for index, container in enumerate(spec.get("containers") or ()):
        for name, limit in ((container.get("resources") or {}).get("limits") or {}).items():
            if name in limits and quantity.compare(limit, limits[name]) > 0:
                at = f"{path}.containers[{index}][{name}].limits"
                yield invalid_value(at, limit, f"must be less than or equal to pod limits of {limits[name]}")


def sum_of_containers(spec: Object, kind: str) -> dict[str, str]:
    """What the pod needs at its peak: its containers and sidecars together, or an init container with the
    sidecars before it, whichever is more. `kind` is `requests` or `limits`."""
    together: dict[str, str] = {}
    for container in spec.get("containers") or ():
        _add(together, _asked(container, kind))
    sidecars: dict[str, str] = {}
    peak: dict[str, str] = {}
    for container in spec.get("initContainers") or ():
        alone = dict(sidecars)
        _add(alone, _asked(container, kind))
        if container.get("restartPolicy") == "Always":
            _add(together, _asked(container, kind))
            sidecars = alone
        _raise(peak, alone)
    _raise(together, peak)
    return together


def _asked(container: Object, kind: str) -> Amounts:
    amounts: Amounts = (container.get("resources") or {}).get(kind) or {}
    return amounts


def _add(total: dict[str, str], amounts: Amounts) -> None:
    for name, amount in amounts.items():
        total[name] = quantity.add(total[name], amount) if name in total else amount


def _raise(total: dict[str, str], amounts: Amounts) -> None:
    for name, amount in amounts.items():
        if name not in total or quantity.compare(amount, total[name]) > 0:
            total[name] = amount
