"""Who may do what: bindings, certificates, admission."""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.printing.columns import (
    AGE,
    NAME,
    NONE,
    UNSET,
    Column,
    Printer,
    age,
    dig,
    name_of,
    selector_text,
    wide,
)
from k8snb.apiserver.printing.durations import human_duration
from k8snb.typing import Object


def _binding(obj: Object, now: float) -> list[Any]:
    role = obj.get("roleRef") or {}
    subjects = obj.get("subjects") or ()
    return [
        name_of(obj),
        f"{role.get('kind', '')}/{role.get('name', '')}",
        age(obj, now),
        *(", ".join(_subjects(subjects, kind)) for kind in ("User", "Group", "ServiceAccount")),
    ]


def _subjects(subjects: Any, kind: str) -> list[str]:
    chosen = [subject for subject in subjects if subject.get("kind") == kind]
    return [f"{s['namespace']}/{s['name']}" if s.get("namespace") else s.get("name", "") for s in chosen]


def _signing_request(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    return [
        name_of(obj),
        age(obj, now),
        spec.get("signerName") or NONE,
        spec.get("username", ""),
        NONE if seconds is None else human_duration(seconds),
        signing_status(obj.get("status") or {}),
    ]


def signing_status(status: Object) -> str:
    """`Approved,Issued`"""
    types = {c["type"] for c in status.get("conditions") or ()}
    decision = "Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"
    failed = ",Failed" if "Failed" in types else ""
    return decision + failed + (",Issued" if status.get("certificate") else "")


def _trust_bundle(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), dig(obj, "spec", "signerName") or NONE]


def _webhooks(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), len(obj.get("webhooks") or ()), age(obj, now)]


def _param_kind(obj: Object) -> str:
    kind = dig(obj, "spec", "paramKind")
    return UNSET if kind is None else f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}"


def _validating_policy(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), len(dig(obj, "spec", "validations", default=())), _param_kind(obj), age(obj, now)]


def _mutating_policy(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), len(dig(obj, "spec", "mutations", default=())), _param_kind(obj), age(obj, now)]


def _policy_binding(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    reference = spec.get("paramRef") or {}
    shown = UNSET
    if reference.get("name"):
        shown = f"{reference.get('namespace') or '*'}/{reference['name']}"
    elif "selector" in reference:
        shown = selector_text(reference["selector"])
    return [name_of(obj), spec.get("policyName", ""), shown, age(obj, now)]


def _flow_schema(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    conditions = {c["type"]: c["status"] for c in dig(obj, "status", "conditions", default=())}
    return [
        name_of(obj),
        dig(spec, "priorityLevelConfiguration", "name", default=""),
        spec.get("matchingPrecedence", 0),
        dig(spec, "distinguisherMethod", "type", default=NONE),
        age(obj, now),
        conditions.get("Dangling", "?"),
    ]


def _precedence(obj: Object) -> tuple[int, str]:
    return dig(obj, "spec", "matchingPrecedence", default=0), name_of(obj)


def _priority_level(obj: Object, now: float) -> list[Any]:
    limited = dig(obj, "spec", "limited")
    queuing = dig(limited, "limitResponse", "queuing")
    return [
        name_of(obj),
        dig(obj, "spec", "type", default=""),
        dig(limited, "nominalConcurrencyShares", default=NONE),
        *(dig(queuing, field, default=NONE) for field in ("queues", "handSize", "queueLengthLimit")),
        age(obj, now),
    ]


def _bindings(kind: str, noun: str) -> Printer:
    return Printer(
        (
            NAME,
            Column("Role", doc=(f"api.rbac.v1.{kind}", "roleRef")),
            AGE,
            *(wide(Column(title, f"{title} in the {noun}")) for title in ("Users", "Groups", "ServiceAccounts")),
        ),
        _binding,
    )


_WEBHOOKS = Printer(
    (
        NAME,
        Column(
            "Webhooks", "Webhooks indicates the number of webhooks registered in this configuration", type="integer"
        ),
        AGE,
    ),
    _webhooks,
)


def _api_service(obj: Object, now: float) -> list[Any]:
    service = dig(obj, "spec", "service")
    shown = f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"
    found = next(
        (each for each in dig(obj, "status", "conditions", default=()) if each.get("type") == "Available"), None
    )
    state = "Unknown" if found is None else str(found.get("status", ""))
    if found is not None and state != "True":
        state = f"{state} ({found.get('reason', '')})"
    return [name_of(obj), shown, state, age(obj, now)]


_PARAM_KIND = Column("ParamKind", "ParamKind specifies the kind of resources used to parameterize this policy")
_POLICY_BINDINGS = Printer(
    (
        NAME,
        Column("PolicyName", "PolicyName indicates the policy definition which the policy binding binded to"),
        Column("ParamRef", "ParamRef indicates the param resource which sets the configration param"),
        AGE,
    ),
    _policy_binding,
)
_CSR = "api.certificates.v1.CertificateSigningRequest"
_ADMISSION, _RBAC, _FLOW = "admissionregistration.k8s.io", "rbac.authorization.k8s.io", "flowcontrol.apiserver.k8s.io"
_QUEUING = "api.flowcontrol.v1.QueuingConfiguration"

PRINTERS: dict[tuple[str, str], Printer] = {
    (_RBAC, "RoleBinding"): _bindings("RoleBinding", "roleBinding"),
    (_RBAC, "ClusterRoleBinding"): _bindings("ClusterRoleBinding", "clusterRoleBinding"),
    ("certificates.k8s.io", "CertificateSigningRequest"): Printer(
        (
            NAME,
            AGE,
            Column("SignerName", doc=(f"{_CSR}Spec", "signerName")),
            Column("Requestor", doc=(f"{_CSR}Spec", "request")),
            Column("RequestedDuration", doc=(f"{_CSR}Spec", "expirationSeconds")),
            Column("Condition", doc=(f"{_CSR}Status", "conditions")),
        ),
        _signing_request,
    ),
    ("certificates.k8s.io", "ClusterTrustBundle"): Printer(
        (NAME, Column("SignerName", doc=("api.certificates.v1beta1.ClusterTrustBundleSpec", "signerName"))),
        _trust_bundle,
    ),
    ("apiregistration.k8s.io", "APIService"): Printer(
        (
            NAME,
            Column("Service", "The reference to the service that hosts this API endpoint."),
            Column("Available", "Whether this service is available."),
            AGE,
        ),
        _api_service,
    ),
    (_ADMISSION, "MutatingWebhookConfiguration"): _WEBHOOKS,
    (_ADMISSION, "ValidatingWebhookConfiguration"): _WEBHOOKS,
    (_ADMISSION, "ValidatingAdmissionPolicy"): Printer(
        (
            NAME,
            Column(
                "Validations",
                "Validations indicates the number of validation rules defined in this configuration",
                type="integer",
            ),
            _PARAM_KIND,
            AGE,
        ),
        _validating_policy,
    ),
    (_ADMISSION, "MutatingAdmissionPolicy"): Printer(
        (
            NAME,
            Column(
                "Mutations",
                "Mutation indicates the number of mutations rules defined in this configuration",
                type="integer",
            ),
            _PARAM_KIND,
            AGE,
        ),
        _mutating_policy,
    ),
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): _POLICY_BINDINGS,
    (_ADMISSION, "MutatingAdmissionPolicyBinding"): _POLICY_BINDINGS,
    (_FLOW, "FlowSchema"): Printer(
        (
            NAME,
            Column("PriorityLevel", doc=("api.flowcontrol.v1.PriorityLevelConfigurationReference", "name")),
            Column("MatchingPrecedence", doc=("api.flowcontrol.v1.FlowSchemaSpec", "matchingPrecedence")),
            Column("DistinguisherMethod", doc=("api.flowcontrol.v1.FlowSchemaSpec", "distinguisherMethod")),
            AGE,
            Column("MissingPL", "references a broken or non-existent PriorityLevelConfiguration"),
        ),
        _flow_schema,
        _precedence,
    ),
    (_FLOW, "PriorityLevelConfiguration"): Printer(
        (
            NAME,
            Column("Type", doc=("api.flowcontrol.v1.PriorityLevelConfigurationSpec", "type")),
            Column(
                "NominalConcurrencyShares",
                doc=("api.flowcontrol.v1.LimitedPriorityLevelConfiguration", "nominalConcurrencyShares"),
            ),
            Column("Queues", doc=(_QUEUING, "queues")),
            Column("HandSize", doc=(_QUEUING, "handSize")),
            Column("QueueLengthLimit", doc=(_QUEUING, "queueLengthLimit")),
            AGE,
        ),
        _priority_level,
    ),
}
