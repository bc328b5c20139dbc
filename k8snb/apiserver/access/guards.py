"""The admission plugins that ask who may do what, and so come with a gate."""

from __future__ import annotations

from k8snb.apiserver.access.certificates import (
    CertificateApproval,
    CertificateRequestor,
    CertificateSigning,
    CertificateSubjectRestriction,
    ClusterTrustBundleAttest,
)
from k8snb.apiserver.access.claimed_devices import ClaimAuthors, DeviceAdministration
from k8snb.apiserver.access.escalation import Escalation
from k8snb.apiserver.access.gate import Gate
from k8snb.apiserver.access.node_restriction import NodeRestriction
from k8snb.apiserver.admission.plugin import Plugin


def guards(gate: Gate) -> tuple[Plugin, ...]:
    """The plugins, in order."""
    return (
        CertificateRequestor(),
        NodeRestriction(),
        CertificateApproval(gate.authorizer),
        CertificateSigning(gate.authorizer),
        ClusterTrustBundleAttest(gate.authorizer),
        CertificateSubjectRestriction(),
        Escalation(gate.authorizer),
        DeviceAdministration(),
        ClaimAuthors(gate.authorizer),
    )
