"""Certificates are asked for, approved by those who may, and signed by the cluster's authority."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from k8snb.apiserver.access.certificates import ClusterTrustBundleAttest
from k8snb.apiserver.admission.plugin import Attributes
from k8snb.cluster.cluster import ADMIN, Cluster
from k8snb.errors import StatusError
from k8snb.machinery import der, rsa, x509
from k8snb.typing import Object, Resource
from k8snb.wire import User

from .world import JANE, World, binding, role

CLIENT, KUBELET = "kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client-kubelet"
KEY = rsa.known("service accounts")
CSRS = "certificatesigningrequests"
CERTIFICATE = x509.self_signed(KEY, x509.subject("jane"), x509.Names(), 0, 1e9)


def pem(common_name: str, *organizations: str) -> str:
    """A request for a certificate, signed with its key."""
    info = der.sequence(der.integer(0), x509.subject(common_name, organizations), KEY.info, der.value(0xA0, b""))
    algorithm = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null())
    return base64.b64encode(
        der.pem("CERTIFICATE REQUEST", der.sequence(info, algorithm, der.bits(KEY.sign(info))))
    ).decode()


def csr(name: str = "jane", request: str = "", signer: str = CLIENT, **spec: Any) -> Object:
    wanted = {"request": request or pem("jane", "dev"), "signerName": signer, "usages": ["client auth"], **spec}
    meta = {"name": name}
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": meta,
        "spec": wanted,
    }


def approved(obj: Object, type: str = "Approved") -> Object:
    condition = {"type": type, "status": "True", "reason": "Tested", "message": "yes"}
    return {**obj, "status": {"conditions": [condition]}}


def asking() -> World:
    """A world in which Jane may ask for certificates and decide on them, but not for every signer."""
    rule = {
        "verbs": ["*"],
        "apiGroups": ["certificates.k8s.io"],
        "resources": [CSRS, f"{CSRS}/approval", f"{CSRS}/status"],
    }
    return World(role("csr", rule), binding("csr", "ClusterRole/csr", "User/jane"))


def refusal(world: World, obj: Object, user: User = ADMIN) -> str:
    with pytest.raises(StatusError) as refused:
        world.client(user).create(CSRS, obj)
    return refused.value.message


def test_who_asks_is_written_by_the_server() -> None:
    stored = asking().client(JANE).create(CSRS, csr(username="root", groups=["system:masters"]))
    assert {key: stored["spec"][key] for key in ("username", "groups")} == {
        "username": "jane",
        "groups": list(JANE.groups),
    }


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            {"request": base64.b64encode(b"x").decode()},
            'spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST',
        ),
        ({"usages": []}, "spec.usages: Required value"),
        ({"signer": ""}, "spec.signerName: Required value"),
        (
            {"signer": "nowhere"},
            'spec.signerName: Invalid value: "nowhere": must be a fully qualified domain and path of the form '
            "'example.com/signer-name'",
        ),
        (
            {"expirationSeconds": 60},
            "spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 600 seconds (10 minutes)",
        ),
    ],
)
def test_a_request_is_well_formed(spec: Any, told: str) -> None:
    lead = 'CertificateSigningRequest.certificates.k8s.io "jane" is invalid'
    assert refusal(World(), csr(**spec)) == f"{lead}: {told}"


def test_nobody_asks_to_be_master() -> None:
    told = f"use of {CLIENT} signer with system:masters group is not allowed"
    named = 'certificatesigningrequests.certificates.k8s.io "jane" is forbidden'
    assert refusal(World(), csr(request=pem("root", "system:masters"))) == f"{named}: {told}"


def test_who_approves_needs_the_signers_leave() -> None:
    world = asking()
    stored = world.client(JANE).create(CSRS, csr())
    with pytest.raises(StatusError) as refused:
        world.client(JANE).update(CSRS, approved(stored), subresource="approval")
    told = f'user not permitted to approve requests with signerName "{CLIENT}"'
    assert refused.value.message == f'certificatesigningrequests.certificates.k8s.io "jane" is forbidden: {told}'
    rule = {"verbs": ["approve"], "apiGroups": ["certificates.k8s.io"], "resources": ["signers"]}
    world.add(
        role("approver", {**rule, "resourceNames": ["kubernetes.io/*"]}),
        binding("a", "ClusterRole/approver", "User/jane"),
    )
    done = world.client(JANE).update(CSRS, approved(stored), subresource="approval")
    (condition,) = done["status"]["conditions"]
    assert (condition["type"], condition["lastTransitionTime"]) == ("Approved", "2026-01-01T00:00:00Z")


def test_who_signs_needs_the_signers_leave() -> None:
    world = asking()
    stored = world.admin.update(CSRS, approved(world.admin.create(CSRS, csr())), subresource="approval")
    signed = {**stored, "status": {**stored["status"], "certificate": base64.b64encode(CERTIFICATE).decode()}}
    with pytest.raises(StatusError) as refused:
        world.client(JANE).update_status(CSRS, signed)
    told = f'user not permitted to sign requests with signerName "{CLIENT}"'
    assert refused.value.message == f'certificatesigningrequests.certificates.k8s.io "jane" is forbidden: {told}'
    rule = {"verbs": ["sign"], "apiGroups": ["certificates.k8s.io"], "resources": ["signers"]}
    world.add(role("signer", {**rule, "resourceNames": [CLIENT]}), binding("s", "ClusterRole/signer", "User/jane"))
    assert world.client(JANE).update_status(CSRS, signed)["status"]["certificate"]


def test_what_is_asked_for_and_decided_does_not_change() -> None:
    world = World()
    stored = world.admin.create(CSRS, csr())
    decided = world.admin.update(CSRS, approved(stored), subresource="approval")
    changed = {**decided, "spec": {**decided["spec"], "signerName": KUBELET}, "status": {}}
    assert world.admin.update(CSRS, changed)["spec"]["signerName"] == CLIENT
    with pytest.raises(StatusError) as refused:
        world.admin.update(CSRS, {**decided, "status": {}}, subresource="approval")
    assert refused.value.message.endswith('updates may not remove a condition of type "Approved"')


def status(cluster: Cluster, name: str) -> Any:
    cluster.settle()
    return cluster.client.get(CSRS, name).get("status") or {}


def test_an_approved_request_is_signed_for_as_long_as_it_asks() -> None:
    cluster = Cluster(nodes=0)
    stored = cluster.client.create(CSRS, csr(expirationSeconds=3600))
    before = status(cluster, "jane")
    cluster.client.update(CSRS, approved(stored), subresource="approval")
    block = der.from_pem(base64.b64decode(status(cluster, "jane")["certificate"]))
    assert block is not None
    found = x509.read_certificate(block[1])
    assert (before, found.common_name, found.organizations) == ({}, "jane", ["dev"])
    assert round(found.not_after - found.not_before) == 3600 + 300


def test_what_the_signer_does_not_sign_has_failed() -> None:
    cluster = Cluster(nodes=0)
    stored = cluster.client.create(CSRS, csr(usages=["server auth"]))
    cluster.client.update(CSRS, approved(stored), subresource="approval")
    conditions = {each["type"]: each["reason"] for each in status(cluster, "jane")["conditions"]}
    assert conditions == {"Approved": "Tested", "Failed": "SignerValidationFailure"}


def test_a_kubelet_gets_its_certificate_by_itself_if_it_may() -> None:
    cluster = Cluster(nodes=0)
    node = User("system:node:node-9", ("system:nodes", "system:authenticated"))
    wanted = csr("kubelet", pem("system:node:node-9", "system:nodes"), KUBELET)
    bound = binding(
        "nodes",
        "ClusterRole/system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        "Group/system:nodes",
    )
    cluster.client.create("clusterrolebindings", bound)
    cluster._context.act_as(node.name, *node.groups).client.create(CSRS, wanted)
    found = status(cluster, "kubelet")
    told = "Auto approving self kubelet client certificate after SubjectAccessReview."
    assert ([each["message"] for each in found["conditions"]], "certificate" in found) == ([told], True)


@pytest.mark.parametrize(("user", "signer", "allowed"), [("a", "", True), ("a", "x/y", False), ("signer", "x/y", True)])
def test_who_vouches_for_a_signer_needs_leave_to(user: str, signer: str, allowed: bool) -> None:
    rule = {
        "verbs": ["attest"],
        "apiGroups": ["certificates.k8s.io"],
        "resources": ["signers"],
        "resourceNames": ["x/y"],
    }
    world = World(role("attester", rule), binding("attesters", "ClusterRole/attester", "User/signer"))
    kind = "ClusterTrustBundle"  # its API is off by default
    row = Resource("certificates.k8s.io", "v1beta1", kind, "clustertrustbundles", "clustertrustbundle", False)
    bundle = {"metadata": {"name": "b"}, "spec": {"signerName": signer, "trustBundle": ""}}
    asked = Attributes("CREATE", row, "", "b", "", bundle, None, User(user), False)
    plugin, reader = ClusterTrustBundleAttest(world.authorizer), world.server.admission.reader
    assert plugin.concerns(row, "", "CREATE")
    if allowed:
        plugin.validate(asked, reader)
        return
    with pytest.raises(StatusError, match='user not permitted to attest for signerName "x/y"'):
        plugin.validate(asked, reader)
