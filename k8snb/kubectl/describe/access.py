"""The pages of access: roles, their bindings, and requests for certificates."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from k8snb.apiserver.printing.access import signing_status
from k8snb.apiserver.printing.durations import human_duration
from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.describe.writer import Page, long_time
from k8snb.kubectl.rules import columns, compact
from k8snb.machinery.x509 import read_request
from k8snb.typing import Object


def describe_role(describing: Describing, obj: Object) -> None:
    """A Role or ClusterRole: its rules, those on one resource together."""
    page = describing.page
    page.line(f"Name:\t{obj['metadata']['name']}")
    describing.marks(obj)
    page.line("PolicyRule:")
    page.line("Resources\tNon-Resource URLs\tResource Names\tVerbs", 1)
    page.line("---------\t-----------------\t--------------\t-----", 1)
    for rule in compact(obj.get("rules") or ()):
        page.line("\t".join(columns(rule)), 1)


def describe_role_binding(describing: Describing, obj: Object) -> None:
    """A RoleBinding or ClusterRoleBinding: which role, and for whom."""
    page, role = describing.page, obj.get("roleRef") or {}
    page.line(f"Name:\t{obj['metadata']['name']}")
    describing.marks(obj)
    page.line("Role:")
    page.line(f"Kind:\t{role.get('kind', '')}", 1)
    page.line(f"Name:\t{role.get('name', '')}", 1)
    page.line("Subjects:")
    page.line("Kind\tName\tNamespace", 1)
    page.line("----\t----\t---------", 1)
    for subject in obj.get("subjects") or ():
        page.line("\t".join(subject.get(field, "") for field in ("kind", "name", "namespace")), 1)


def describe_signing_request(describing: Describing, obj: Object) -> None:
    """A CertificateSigningRequest, with what it asks for."""
    page, spec = describing.page, obj["spec"]
    page.line(f"Name:\t{obj['metadata']['name']}")
    describing.marks(obj)
    page.line(f"CreationTimestamp:\t{long_time(obj['metadata'].get('creationTimestamp'))}")
    page.line(f"Requesting User:\t{spec.get('username', '')}")
    if spec.get("signerName"):
        page.line(f"Signer:\t{spec['signerName']}")
    if spec.get("expirationSeconds") is not None:
        page.line(f"Requested Duration:\t{human_duration(spec['expirationSeconds'])}")
    page.line(f"Status:\t{signing_status(obj.get('status') or {})}")
    asked = read_request(base64.b64decode(spec["request"]))
    page.line("Subject:")
    page.line(f"\tCommon Name:\t{asked.common_name}")
    page.line("\tSerial Number:\t")
    _listed(page, "Organization", asked.organizations)
    names = asked.names
    if names.dns or names.emails or names.uris or names.addresses:
        page.line("Subject Alternative Names:")
        _listed(page, "DNS Names", names.dns)
        _listed(page, "Email Addresses", names.emails)
        _listed(page, "URIs", names.uris)
        _listed(page, "IP Addresses", names.addresses)
    describing.events(obj)


def _listed(page: Page, title: str, values: Sequence[str]) -> None:
    for index, value in enumerate(values):
        page.line(f"\t{title}:\t{value}" if not index else f"\t\t{value}")
