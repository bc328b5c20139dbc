"""Commands about access print the same from the real kubectl and from the built-in one."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from k8snb import Cluster
from tests.kubectl.real import binary
from tests.kubectl.two import Two

pytestmark = [
    pytest.mark.kubectl,
    pytest.mark.skipif(not binary(), reason="there is no kubectl 1.33"),
]


def signing_request(name: str, common_name: str, seconds: int = 3600) -> str:
    """A manifest that asks for a client certificate."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    alternatives = x509.SubjectAlternativeName([x509.DNSName("a.example"), x509.DNSName("b.example")])
    signed = builder.add_extension(alternatives, critical=False).sign(KEY, hashes.SHA256())
    request = base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()
    return f"""
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: {name}}}
spec:
  request: {request}
  signerName: kubernetes.io/kube-apiserver-client
  expirationSeconds: {seconds}
  usages: [client auth]
"""


KEY = ec.generate_private_key(ec.SECP256R1())

ROLES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NS, labels: {a: b}}
rules:
- {apiGroups: ["", apps], resources: [pods, deployments/scale], verbs: [list, get]}
- {apiGroups: [""], resources: [secrets], resourceNames: [a, b], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: read, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}
- {kind: ServiceAccount, name: bot, namespace: NS}
"""

READS = (
    "describe role reader",
    "describe rolebinding read",
    "describe clusterrole view",
    "describe clusterrole cluster-admin system:discovery",
    "describe clusterrolebinding system:public-info-viewer",
    "describe csr jane",
    "describe serviceaccount default",
    "get csr",
    "get role,rolebinding -o wide",
    "get clusterroles admin edit view cluster-admin -o name",
    "auth whoami",
    "auth whoami --as jane --as-group dev --as-group ops",
    "auth whoami --as jane --as-uid u1 --as-user-extra scopes=a --as-user-extra scopes=b -o yaml",
    "auth whoami -o jsonpath={.status.userInfo}",
    "auth can-i list pods --as jane",
    "auth can-i list pods --as jane -n other",
    "auth can-i get secrets/a --as jane",
    "auth can-i get secret/c --as jane",
    "auth can-i get pods --subresource=log --as jane",
    "auth can-i get deploy/x --subresource=scale --as jane",
    "auth can-i get pods -A --as jane",
    "auth can-i get nodes",
    "auth can-i get clusterroles",
    "auth can-i get foos",
    "auth can-i get foos.example.com",
    "auth can-i fly pods",
    "auth can-i * *",
    "auth can-i get /healthz --as system:anonymous",
    "auth can-i get /logs/ --as jane",
    "auth can-i fly /logs/",
    "auth can-i get pods -q --as jane -n other",
    "auth can-i",
    "auth can-i --list --as jane",
    "auth can-i --list --as jane -n other --no-headers",
    "get pods -n other --as jane",
    "create role r --verb=get --resource=pods --dry-run=client -o yaml",
    "create role r --verb=get,list --verb=get --resource=pods,deploy,rs.apps,deployments.apps/scale "
    "--dry-run=client -o yaml",
    "create role r --verb=get,* --resource=pods --resource-name=a --resource-name=b --dry-run=client -o yaml",
    "create role r --verb=fly --resource=pods --dry-run=client -o yaml",
    "create role r --resource=pods",
    "create role r --verb=get",
    "create role r --verb=get --resource=foos",
    "create role r --verb=get --resource=foos.example.com",
    "create clusterrole c --verb=impersonate --resource=users,groups,userextras.authentication.k8s.io/x "
    "--dry-run=client -o yaml",
    "create clusterrole c --verb=bind,escalate --resource=clusterroles --resource-name=a --dry-run=client -o yaml",
    "create clusterrole c --verb=impersonate --resource=pods",
    "create role r --verb=get,bind --resource=deployments.apps",
    "create role",
    "create clusterrole c --verb=get --resource=nodes --dry-run=client -o yaml",
    "create clusterrole c --verb=get --non-resource-url=/logs/* --dry-run=client -o yaml",
    "create clusterrole c --aggregation-rule=a=b --dry-run=client -o yaml",
    "create rolebinding b --clusterrole=view --user=a --user=b --group=g --serviceaccount=ns:s "
    "--dry-run=client -o yaml",
    "create rolebinding b --role=view --clusterrole=view",
    "create rolebinding b",
    "create rolebinding b --role=view --serviceaccount=x",
    "create clusterrolebinding b --clusterrole=view --group=g --dry-run=client -o yaml",
    "create clusterrolebinding b",
    "create serviceaccount s --dry-run=client -o yaml",
    "create token nobody",
    "create token default --duration=60s",
    "create token default --duration=-1s",
    "create token default --duration=1500ms",
    "create token default --bound-object-kind=Deployment --bound-object-name=x",
    "create token default --bound-object-kind=Pod",
    "create token default --bound-object-name=x",
    "create token default --bound-object-kind=Pod --bound-object-name=x",
    "create token",
    "certificate approve",
    "certificate approve nobody",
)

WRITES = (
    ("auth reconcile -f -", ROLES),
    (
        "auth reconcile -f -",
        ROLES.replace("[list, get]", "[list, watch]").replace("User, name: jane", "User, name: joe"),
    ),
    (
        "auth reconcile --remove-extra-permissions --remove-extra-subjects -f -",
        ROLES.replace("[list, get]", "[list]").replace("User, name: jane", "User, name: joe"),
    ),
    ("create role made -n NS --verb=get --resource=pods", ""),
    ("create role made -n NS --verb=get --resource=pods", ""),
    ("create rolebinding made -n NS --role=made --user=jane", ""),
    ("create serviceaccount made -n NS", ""),
    ('patch rolebinding made -n NS --type=merge -p {"roleRef":{"name":"other"}}', ""),
    ("describe rolebinding made -n NS", ""),
)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    cluster = Cluster(nodes=1, seed=1, journal=False)
    pair = Two(cluster, tmp_path_factory.mktemp("kube"))
    for namespace in ("ours", "theirs", "other"):
        pair.ours.run(f"create namespace {namespace}")
    pair.ours.run("apply -f -", ROLES.replace("NS", "default"))
    pair.ours.run("create -f -", signing_request("jane", "jane"))
    cluster.settle()
    yield pair
    pair.real.close()
    assert cluster.server.panics == []


@pytest.mark.parametrize("command", READS)
def test_a_command_that_reads_prints_the_same(two: Two, command: str) -> None:
    two.compare(command)


def test_commands_that_write_print_the_same(two: Two) -> None:
    for command, stdin in WRITES:
        two.both(command, stdin)


def test_requests_for_certificates_are_decided_alike(two: Two) -> None:
    for name in ("theirs", "ours"):
        two.ours.run("create -f -", signing_request(f"csr-{name}", "jane"))
        two.ours.run("create -f -", signing_request(f"no-{name}", "jane"))
    for command in (
        "certificate approve csr-NS",
        "certificate deny csr-NS",
        "certificate approve csr-NS",
        "certificate deny no-NS",
        "get csr csr-NS no-NS -o jsonpath={.items[*].status.conditions[*].message}",
        "describe csr no-NS",
    ):
        two.both(command)
