"""A client with a certificate that the cluster signed is whom the certificate names."""

from __future__ import annotations

import asyncio
import base64
import ssl
from pathlib import Path

import orjson
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from k8snb import Cluster
from k8snb.apiserver.access.authentication import certificate_user
from k8snb.apiserver.listener import listen
from k8snb.clock import WallClock
from k8snb.cluster.cluster import ADMIN
from k8snb.serving.credentials import FreshKeys
from k8snb.serving.kubeconfig import kubeconfig
from k8snb.serving.served import Served

PEM = serialization.Encoding.PEM


class DayAhead(WallClock):
    """The time of a cluster that has been served fast for a while."""

    def now(self) -> float:
        return super().now() + 86_400


def requested(key: ec.EllipticCurvePrivateKey) -> str:
    names = [(NameOID.COMMON_NAME, "jane"), (NameOID.ORGANIZATION_NAME, "dev")]
    subject = x509.Name([x509.NameAttribute(kind, text) for kind, text in names])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return base64.b64encode(request.public_bytes(PEM)).decode()


def signed(cluster: Cluster, key: ec.EllipticCurvePrivateKey) -> bytes:
    """A certificate from the cluster's own signer."""
    spec = {"request": requested(key), "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}
    made = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "jane"}}
    stored = cluster.client.create("certificatesigningrequests", {**made, "spec": spec})
    status = {"conditions": [{"type": "Approved", "status": "True", "reason": "Tested"}]}
    cluster.client.update("certificatesigningrequests", {**stored, "status": status}, subresource="approval")
    while cluster.loop.turn():
        pass
    found = cluster.client.get("certificatesigningrequests", "jane")
    return base64.b64decode(found["status"]["certificate"])


async def whoami(cluster: Cluster, keys: FreshKeys, context: ssl.SSLContext) -> dict[str, object]:
    server = await listen(Served(cluster, "secret"), 0, keys.context())
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    writer.write(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    server.close()
    info: dict[str, object] = orjson.loads(answer.partition(b"\r\n\r\n")[2])["status"]["userInfo"]
    return info


@pytest.mark.parametrize("clock", [WallClock, DayAhead])
def test_a_client_certificate_says_who_one_is_also_ahead_of_time(tmp_path: Path, clock: type[WallClock]) -> None:
    keys, key = FreshKeys(), ec.generate_private_key(ec.SECP256R1())
    cluster = Cluster(nodes=0, clock=clock(), journal=False, keys=keys)
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "jane.pem").write_bytes(signed(cluster, key) + private)
    context = ssl.create_default_context(cadata=keys.certificate.decode())
    context.load_cert_chain(tmp_path / "jane.pem")
    info = asyncio.run(whoami(cluster, keys, context))
    extra = info.pop("extra")
    assert info == {"username": "jane", "groups": ["dev", "system:authenticated"]}
    assert isinstance(extra, dict)
    assert extra["authentication.kubernetes.io/credential-id"][0].startswith("X509SHA256=")


def test_the_certificate_of_a_kubeconfig_is_the_administrator() -> None:
    keys = FreshKeys()
    certificate, key = keys.client(ADMIN)
    text = kubeconfig("https://127.0.0.1:1", keys.certificate, "", (certificate, key))
    user = yaml.safe_load(text)["users"][0]["user"]
    assert [base64.b64decode(user[f"client-{each}-data"]) for each in ("certificate", "key")] == [certificate, key]
    known = certificate_user(ssl.PEM_cert_to_DER_cert(certificate.decode()))
    assert (known.name, known.groups) == (ADMIN.name, ADMIN.groups)
