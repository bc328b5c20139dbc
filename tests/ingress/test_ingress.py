"""Ingresses in a cluster: which rule a request follows, what is shown of TLS, and what is said when something lacks."""

from __future__ import annotations

import pytest

from k8snb.ingress.certificates import FAKE, read
from k8snb.machinery import rsa, x509
from tests.ingress.entry import OUTSIDE, WHOAMI, Entry

HOST = "myapp.example.com"
KEY = rsa.known("example")


def certificate(*hosts: str) -> bytes:
    return x509.self_signed(KEY, x509.subject(hosts[0]), x509.Names(hosts), 1_767_225_600.0, 1_800_000_000.0)


@pytest.fixture(scope="module")
def entry() -> Entry:
    """Many Ingresses at once, each with a host of its own; what changes something makes its own cluster."""
    entry = Entry("one", "two", "three")
    entry.app("who", image=WHOAMI)
    entry.ingress(
        "paths",
        ("paths.example.com", "/", "Prefix", "one"),
        ("paths.example.com", "/api", "Prefix", "two"),
        ("paths.example.com", "/api/v2/", "Prefix", "three"),
        ("paths.example.com", "/api/v2/users", "Exact", "one"),
    )
    entry.ingress("star", ("*.example.org", "/", "Prefix", "one"), ("www.example.org", "/x", "Prefix", "two"))
    entry.ingress("any", ("", "/only", "Prefix", "three"))
    entry.ingress("secure", (HOST, "/", "Prefix", "who"), tls=[{"hosts": [HOST], "secretName": "mine"}])
    entry.secret("mine", certificate(HOST), KEY.pem)
    return entry


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/", "one"),
        ("/api", "two"),
        ("/api/", "two"),
        ("/apix", "one"),
        ("/api/v2", "three"),
        ("/api/v2/users", "one"),
        ("/api/v2/users/", "three"),
        ("/api/v2/users?x=1", "one"),
    ],
)
def test_an_exact_path_goes_before_the_longest_prefix_of_whole_elements(entry: Entry, path: str, answer: str) -> None:
    assert entry.ask("paths.example.com", path) == f"200 {answer}"


@pytest.mark.parametrize(
    ("host", "path", "answer"),
    [
        ("a.example.org", "/x", "200 one"),
        ("www.example.org", "/x", "200 two"),
        ("WWW.example.org:8080", "/x", "200 two"),
        ("www.example.org", "/y", "404 default backend - 404"),
        ("a.b.example.org", "/x", "404 default backend - 404"),
        ("example.org", "/x", "404 default backend - 404"),
        ("nobody.example.net", "/only/this", "200 three"),
        ("", "/only", "200 three"),
        ("www.example.org", "/only", "404 default backend - 404"),
    ],
)
def test_a_host_goes_before_a_wildcard_and_that_before_none(entry: Entry, host: str, path: str, answer: str) -> None:
    assert entry.ask(host, path) == answer


def test_with_a_certificate_plain_requests_are_sent_to_https(entry: Entry) -> None:
    assert entry.ask(HOST, "/a?b=c") == f"308 https://{HOST}/a?b=c"
    shown = entry.send(HOST, "/a", tls=True)
    assert (shown.status, read(shown.certificate).common_name) == (200, HOST)
    assert shown.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


def test_a_name_without_a_certificate_is_shown_the_fake_one(entry: Entry) -> None:
    for name in ("paths.example.com", "other.example.com", ""):
        assert read(entry.send("paths.example.com", tls=True, name=name).certificate).common_name == FAKE


def test_a_pod_sees_the_host_that_was_asked_for_and_who_asked(entry: Entry) -> None:
    said = entry.send(HOST, "/where?x=1", tls=True).body.splitlines()
    assert {"GET /where?x=1 HTTP/1.1", f"X-Forwarded-Host: {HOST}", "X-Forwarded-Proto: https"} <= set(said)
    assert f"Host: {HOST}" in said
    assert "X-Forwarded-Port: 443" in said


def test_plain_http_on_the_port_for_tls_is_refused(entry: Entry) -> None:
    assert entry.ask(HOST, port=entry.port("https")) == "400 The plain HTTP request was sent to HTTPS port"


def test_each_request_is_a_line_of_the_log(entry: Entry) -> None:
    entry.ask("paths.example.com", "/api")
    assert '"GET /api HTTP/1.1" 200 4 "-" "-" [default-two-80] 10.244.0.' in entry.log().splitlines()[-1]


def test_the_steps_tell_how_a_rule_was_chosen(entry: Entry) -> None:
    response = entry.send("paths.example.com", "/api/v2/users")
    assert [step.text for step in response.steps][:3] == [
        "rules for the host paths.example.com: 4",
        "of these, for the path /api/v2/users: 4",
        "an exact path goes before a prefix: 1 left",
    ]
    assert list(response.steps[-1].objects) == ["Pod/one"]


# -- classes ------------------------------------------------------------------------------------------


def test_only_ingresses_of_its_classes_are_served_and_said_so() -> None:
    entry = Entry("one")
    entry.ingress("wrong", ("wrong.example.com", "/", "Prefix", "one"), ingressClassName="nginx")
    entry.ingress("none", ("none.example.com", "/", "Prefix", "one"), ingressClassName=None)
    older = {"kubernetes.io/ingress.class": "k8snb"}
    entry.ingress("old", ("old.example.com", "/", "Prefix", "one"), ingressClassName=None, annotations=older)
    asked = {host: entry.ask(f"{host}.example.com") for host in ("wrong", "none", "old")}
    assert asked == {"wrong": "404 default backend - 404", "none": "404 default backend - 404", "old": "200 one"}
    assert [entry.events(name) for name in ("wrong", "none", "old")] == [[], [], ["Sync: Scheduled for sync"]]
    assert 'Ignoring ingress "default/wrong": class "nginx" is not for this controller' in entry.log()


def test_who_names_no_class_gets_the_default_one() -> None:
    entry = Entry("one")
    default = {"metadata": {"annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}}
    entry.client.patch("ingressclasses", "k8snb", default)
    made = entry.ingress("way", ("a.example.com", "/", "Prefix", "one"), ingressClassName=None)
    assert (made["spec"]["ingressClassName"], entry.ask("a.example.com")) == ("k8snb", "200 one")


def test_an_ingress_whose_class_is_made_later_is_served_then() -> None:
    entry = Entry("one")
    entry.client.delete("ingressclasses", "k8snb")
    entry.ingress("way", ("a.example.com", "/", "Prefix", "one"))
    before = entry.ask("a.example.com")
    made = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "k8snb"}}
    entry.client.create("ingressclasses", {**made, "spec": {"controller": "k8snb.dev/ingress"}})
    entry.cluster.settle()
    assert (before, entry.ask("a.example.com")) == ("404 default backend - 404", "200 one")


# -- what lacks ---------------------------------------------------------------------------------------


def test_a_service_that_is_missing_or_has_no_such_port_or_no_pods_is_a_503_and_a_line_of_the_log() -> None:
    entry = Entry("one")
    entry.ingress(
        "way",
        ("missing.example.com", "/", "Prefix", "nowhere"),
        ("port.example.com", "/", "Prefix", "one", 8080),
        ("name.example.com", "/", "Prefix", "one", "web"),
        ("empty.example.com", "/", "Prefix", "empty"),
    )
    spec = {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}
    empty = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "empty"}, "spec": spec}
    entry.client.create("services", empty, "default")
    entry.cluster.settle()
    asked = [entry.ask(f"{host}.example.com") for host in ("missing", "port", "empty", "name")]
    assert asked == ["503 Service Temporarily Unavailable"] * 3 + ["200 one"]
    log = entry.log()
    assert 'Error obtaining Endpoints for Service "default/nowhere": no object matching key' in log
    assert 'Service "default/one" has no port 8080' in log
    assert 'Service "default/empty" does not have any active Endpoint.' in log


def test_a_pod_that_does_not_listen_is_a_502() -> None:
    entry = Entry("one")
    ports = [{"name": "web", "port": 80, "targetPort": 81}]
    entry.client.patch("services", "one", {"spec": {"ports": ports}}, "default")
    entry.ingress("way", ("a.example.com", "/", "Prefix", "one"))
    assert entry.ask("a.example.com") == "502 Bad Gateway"


def test_a_secret_that_is_missing_or_for_another_host_leaves_the_fake_certificate() -> None:
    entry = Entry("one")
    tls = [{"hosts": [HOST], "secretName": "mine"}]
    entry.ingress("way", (HOST, "/", "Prefix", "one"), tls=tls)
    shown = [read(entry.send(HOST, tls=True).certificate).common_name]
    entry.secret("mine", certificate("other.example.com"), KEY.pem)
    shown.append(read(entry.send(HOST, tls=True).certificate).common_name)
    entry.client.delete("secrets", "mine", "default")
    entry.secret("mine", certificate("*.example.com"), KEY.pem)
    shown.append(read(entry.send(HOST, tls=True).certificate).common_name)
    assert shown == [FAKE, FAKE, "*.example.com"]
    log = entry.log()
    assert 'Error getting SSL certificate "default/mine": local SSL certificate default/mine was not found.' in log
    assert f'SSL certificate "default/mine" is valid for other.example.com, not for "{HOST}"' in log


def test_what_nothing_else_is_for_goes_to_the_default_backend() -> None:
    entry = Entry("one", "two")
    entry.ingress("rest", defaultBackend={"service": {"name": "two", "port": {"number": 80}}})
    entry.ingress("way", ("a.example.com", "/x", "Prefix", "one"))
    asked = [entry.ask(*where) for where in (("a.example.com", "/x"), ("a.example.com", "/y"), ("b.example.com", "/x"))]
    assert asked == ["200 one", "200 two", "200 two"]


def test_a_controller_that_may_read_nothing_is_not_ready_until_it_may() -> None:
    entry = Entry("one")
    binding = entry.client.get("clusterrolebindings", "ingress-controller")
    entry.client.delete("clusterrolebindings", "ingress-controller")
    entry.cluster.kubectl("rollout restart deploy/ingress-controller -n ingress")
    entry.cluster.advance(20)
    newest = max(entry.client.list("pods", "ingress"), key=lambda pod: pod["metadata"]["creationTimestamp"])
    name = newest["metadata"]["name"]
    refused = 'services is forbidden: User "system:serviceaccount:ingress:ingress-controller" cannot'
    assert refused in entry.cluster.kubectl(f"logs -n ingress {name}")
    before = entry.client.get("pods", name, "ingress")["status"]["containerStatuses"][0]["ready"]
    meta = {"name": "ingress-controller"}
    entry.client.create("clusterrolebindings", {**binding, "metadata": meta})
    entry.cluster.advance(20)
    after = entry.client.get("pods", name, "ingress")["status"]["containerStatuses"][0]["ready"]
    assert (before, after) == (False, True)


# -- statuses -----------------------------------------------------------------------------------------


def test_an_ingress_has_the_address_of_the_controllers_service_and_loses_it_with_it() -> None:
    entry = Entry("one")
    entry.ingress("way", ("a.example.com", "/", "Prefix", "one"))
    before = entry.client.get("ingresses", "way", "default")["status"]
    balancer = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7", "ipMode": "VIP"}]}}}
    entry.client.patch("services", "ingress-controller", balancer, "ingress", subresource="status")
    entry.cluster.settle()
    after = entry.client.get("ingresses", "way", "default")["status"]
    entry.client.patch("services", "ingress-controller", {"spec": {"type": "ClusterIP"}}, "ingress")
    entry.cluster.settle()
    inside = entry.client.get("services", "ingress-controller", "ingress")["spec"]["clusterIP"]
    assert before == {"loadBalancer": {}}
    assert after == {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
    assert entry.client.get("ingresses", "way", "default")["status"] == {"loadBalancer": {"ingress": [{"ip": inside}]}}


# -- annotations --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "path", "answer"),
    [
        ({"rewrite-target": "/"}, "/", "GET / HTTP/1.1"),
        ({"rewrite-target": "/$2", "path": "/app(/|$)(.*)"}, "/app/a/b?c=d", "GET /a/b?c=d HTTP/1.1"),
        ({"rewrite-target": "/$2", "path": "/app(/|$)(.*)"}, "/app", "GET / HTTP/1.1"),
        ({"upstream-vhost": "inner.example.com"}, "/", "Host: inner.example.com"),
        ({"x-forwarded-prefix": "/app"}, "/", "X-Forwarded-Prefix: /app"),
        ({"force-ssl-redirect": "true"}, "/a", "308 https://a.example.com/a"),
        ({"permanent-redirect": "https://new.example.com"}, "/a", "301 https://new.example.com"),
        ({"temporal-redirect": "https://new.example.com"}, "/a", "302 https://new.example.com"),
        (
            {"permanent-redirect": "https://x.example.com", "permanent-redirect-code": "308"},
            "/",
            "308 https://x.example.com",
        ),
        ({"app-root": "/home"}, "/", "302 http://a.example.com/home"),
        ({"allowlist-source-range": "192.0.2.0/24"}, "/", "403 Forbidden"),
        ({"whitelist-source-range": "172.18.0.0/16, 203.0.113.0/24"}, "/", "GET / HTTP/1.1"),
    ],
)
def test_annotations(entry: Entry, said: dict[str, str], path: str, answer: str) -> None:
    pattern = said.pop("path", "/")
    kind = "ImplementationSpecific" if "(" in pattern else "Prefix"
    annotations = {f"ingress.k8snb.dev/{name}": value for name, value in said.items()}
    entry.ingress("annotated", ("a.example.com", pattern, kind, "who"), annotations=annotations)
    asked, body = entry.ask("a.example.com", path), entry.send("a.example.com", path).body
    entry.client.delete("ingresses", "annotated", "default")
    entry.cluster.settle()
    assert answer in (asked, *body.splitlines())


def test_no_redirect_where_the_annotation_says_so(entry: Entry) -> None:
    tls = [{"hosts": ["b.example.com"], "secretName": "mine"}]
    no = {"ingress.k8snb.dev/ssl-redirect": "false"}
    entry.ingress("plain", ("b.example.com", "/", "Prefix", "one"), tls=tls, annotations=no)
    assert entry.ask("b.example.com") == "200 one"


def test_a_canary_takes_its_share_and_whoever_asks_for_it() -> None:
    entry = Entry("main", "new")
    entry.ingress("main", ("a.example.com", "/", "Prefix", "main"))
    said = {"canary": "true", "canary-weight": "25", "canary-by-header": "X-Canary"}
    annotations = {f"ingress.k8snb.dev/{name}": value for name, value in said.items()}
    entry.ingress("new", ("a.example.com", "/", "Prefix", "new"), annotations=annotations)
    lots = [entry.ask("a.example.com") for _ in range(200)]
    assert 30 <= lots.count("200 new") <= 70
    assert {entry.ask("a.example.com", headers={"X-Canary": "always"}) for _ in range(9)} == {"200 new"}
    assert {entry.ask("a.example.com", headers={"X-Canary": "never"}) for _ in range(9)} == {"200 main"}


# -- the outside --------------------------------------------------------------------------------------


def test_somebody_outside_can_use_curl(entry: Entry) -> None:
    port, secure = entry.port(), entry.port("https")
    curl = entry.cluster.curl
    assert curl(f"-s -H 'Host: paths.example.com' http://172.18.0.2:{port}/api") == "two\n"
    there = f"--resolve {HOST}:{secure}:172.18.0.2"
    assert curl(f"{there} https://{HOST}:{secure}/").startswith("curl: (60) SSL certificate problem: self-signed")
    assert curl(f"-sk -o /dev/null -w '%{{http_code}}' {there} https://{HOST}:{secure}/") == "200"
    shown = "'%{http_code} %{num_redirects} %{url_effective}'"
    followed = curl(f"-skL -w {shown} --resolve {HOST}:{port}:172.18.0.2 http://{HOST}:{port}/x")
    assert followed == f"000 1 https://{HOST}/x"
    assert curl("http://one/") == "curl: (6) Could not resolve host: one\n"
    assert entry.cluster.visitor.ip == OUTSIDE


def test_curl_says_what_a_server_shows_of_itself(entry: Entry) -> None:
    secure = entry.port("https")
    said = entry.cluster.curl(f"-skv --resolve {HOST}:{secure}:172.18.0.2 https://{HOST}:{secure}/health").splitlines()
    assert said == [
        f"* Added {HOST}:{secure}:172.18.0.2 to DNS cache",
        f"*   Trying 172.18.0.2:{secure}...",
        f"* Connected to {HOST} (172.18.0.2) port {secure}",
        "* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / x25519 / RSASSA-PSS",
        "* Server certificate:",
        f"*  subject: CN={HOST}",
        "*  start date: Jan  1 00:00:00 2026 GMT",
        "*  expire date: Jan 15 08:00:00 2027 GMT",
        f"*  issuer: CN={HOST}",
        "*  SSL certificate verify result: self-signed certificate (18), continuing anyway.",
        "> GET /health HTTP/1.1",
        f"> Host: {HOST}:{secure}",
        "> User-Agent: curl/8.11.1",
        "> Accept: */*",
        "> ",
        "< HTTP/1.1 200 OK",
        "< Strict-Transport-Security: max-age=31536000; includeSubDomains",
        "< ",
        f"* Connection #0 to host {HOST} left intact",
    ]


def test_curl_believes_a_certificate_that_it_was_given(entry: Entry) -> None:
    secure = entry.port("https")
    entry.cluster.visitor.files.write("/ca.crt", certificate(HOST, "extra.example.com").decode())
    there = f"-s --cacert /ca.crt --resolve {HOST}:{secure}:172.18.0.2 --resolve other:{secure}:172.18.0.2"
    assert entry.cluster.curl(f"{there} -o /dev/null -w '%{{http_code}}' https://{HOST}:{secure}/") == "200"
    assert "(60) SSL certificate problem: self-signed" in entry.cluster.curl(f"-S {there} https://other:{secure}/")


def test_a_request_from_outside_happens_again_in_a_fork(entry: Entry) -> None:
    entry = Entry("one")
    entry.ingress("way", ("a.example.com", "/", "Prefix", "one"))
    entry.cluster.curl(f"-s -H 'Host: a.example.com' http://172.18.0.2:{entry.port()}/")
    assert entry.cluster.fork().kubectl("logs -n ingress deploy/ingress-controller") == entry.log()
