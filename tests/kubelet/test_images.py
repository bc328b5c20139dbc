"""Images are known under their real names, and registries refuse in their own words."""

from __future__ import annotations

import pytest

from k8snb.kubelet.images.table import ROWS, refusal
from k8snb.kubelet.images.tools import digits_of_pi
from k8snb.kubelet.references import InvalidReference, parse
from k8snb.kubelet.runtime import LogOptions, RuntimeRefused
from k8snb.packet import HTTPRequest, NetworkError
from tests.kubelet.world import World, log


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27-alpine", "docker.io/library/nginx:1.27-alpine"),
        ("curlimages/curl", "docker.io/curlimages/curl:latest"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        (f"busybox@sha256:{'0' * 64}", f"docker.io/library/busybox@sha256:{'0' * 64}"),
    ],
)
def test_a_short_name_stands_for_a_full_reference(text: str, full: str) -> None:
    assert str(parse(text)) == full


@pytest.mark.parametrize("registry", ["registry.k8s.io", "gcr.io/google_containers", "k8s.gcr.io"])
def test_pause_is_pulled_from_its_registry_and_from_the_ones_before(registry: str) -> None:
    assert refusal(parse(f"{registry}/pause")) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nginx::", "invalid reference format"),
        ("nginx:", "invalid reference format"),
        ("Nginx", "invalid reference format: repository name (library/Nginx) must be lowercase"),
        ("a b", "invalid reference format"),
    ],
)
def test_a_malformed_reference_is_refused_in_upstreams_words(text: str, why: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse(text)
    assert str(caught.value) == f'couldn\'t parse image name "{text}": {why}'


@pytest.mark.parametrize(
    "text",
    ["nginx", "nginx:1.14.2", "nginx:1.27-alpine", "nginx:mainline-alpine3.20-slim", "busybox:1.28",
     "postgres:16-bookworm", "redis:7.2.4-alpine", "perl:5.34.0", "registry.k8s.io/nginx-slim:0.24",
     "registry.k8s.io/hpa-example",
     "registry.k8s.io/e2e-test-images/agnhost:2.53", "traefik/whoami:v1.10", "alpine:edge"],
)  # fmt: skip
def test_a_known_image_pulls_under_every_usual_tag(text: str) -> None:
    assert refusal(parse(text)) == ""


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("nginx:nosuch", "docker.io/library/nginx:nosuch: not found"),
        ("nginx:1.161", "docker.io/library/nginx:1.161: not found"),
        ("registry.k8s.io/nosuch:1", "registry.k8s.io/nosuch:1: not found"),
        (
            "nosuch/image",
            "pull access denied, repository does not exist or may require authorization: "
            "server message: insufficient_scope: authorization failed",
        ),
        ("example.invalid/x:1", "dial tcp: lookup example.invalid: no such host"),
    ],
)
def test_anything_else_fails_as_a_real_registry_lets_it_fail(text: str, end: str) -> None:
    full = str(parse(text))
    said = refusal(parse(text))
    assert said.startswith(f'failed to pull and unpack image "{full}": failed to resolve reference "{full}": ')
    assert said.endswith(end)


def test_every_row_can_be_pulled_and_run() -> None:
    world = World()
    for row in ROWS:
        reference = parse(row.name)
        assert world.runtime.pull_image(reference).error == ""
        container = world.run(row.name)
        assert container.state in {"running", "exited"}, row.name


def test_every_server_heeds_its_stop_signal() -> None:
    for asked in (False, True):
        world = World()
        servers = [row.name for row in ROWS if row.name != "docker.io/polinux/stress"]
        running = [c for c in map(world.run, servers) if c.state == "running"]
        for container in running:
            if asked:
                container.awake()
            world.runtime.stop_container(container, 30)
        world.pass_time(1)
        assert [c.config.name for c in running if c.state == "running"] == []


def get(ip: str, path: str = "/", port: int = 80) -> HTTPRequest:
    return HTTPRequest("GET", ip, port, path, {"user-agent": "curl/8.11.1"}, source="10.244.0.9")


def test_nginx_serves_its_welcome_page_and_logs_the_access() -> None:
    world = World()
    container = world.run("nginx:1.27")
    assert container.process is None, "nothing runs until somebody asks"
    response = world.network.request(get(container.sandbox.ip))
    assert response.status == 200
    assert "Welcome to nginx!" in response.body
    assert response.headers["server"] == "nginx/1.27"
    lines = log(container).splitlines()
    assert lines[0].startswith("/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty")
    assert lines[-1] == '10.244.0.9 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.11.1" "-"'


def test_a_lazy_server_logs_its_start_when_it_started() -> None:
    world = World()
    container = world.run("nginx")
    world.pass_time(60)
    text = world.runtime.logs(container, LogOptions(timestamps=True, tail=1))
    assert text == "2026-01-01T00:00:00.000000000Z 2026/01/01 00:00:00 [notice] 1#1: start worker process 29\n"


def test_a_missing_page_is_nginxs_own_404() -> None:
    world = World()
    response = world.network.request(get(world.run("nginx:1.14.2").sandbox.ip, "/nosuch"))
    assert response.status == 404
    assert "<center>nginx/1.14.2</center>" in response.body


def test_nobody_listens_on_another_port() -> None:
    world = World()
    with pytest.raises(NetworkError) as caught:
        world.network.request(get(world.run("nginx").sandbox.ip, port=9999))
    assert caught.value.kind == "refused"


def test_two_servers_in_a_pod_cannot_have_the_same_port() -> None:
    world = World()
    sandbox = world.sandbox()
    world.run("nginx", sandbox=sandbox).awake()
    second = world.run("nginx", sandbox=sandbox)
    assert (second.state, second.exit_code) == ("exited", 1)
    assert "bind() to 0.0.0.0:80 failed (98: Address already in use)" in log(second)


def test_containers_of_a_pod_meet_on_localhost() -> None:
    world = World()
    sandbox = world.sandbox()
    world.run("hashicorp/http-echo", args=["-text=hi", "-listen=:5678"], sandbox=sandbox)
    client = world.run("busybox", "sleep", "infinity", sandbox=sandbox)
    assert world.exec(client, "wget", "-qO-", "localhost:5678").stdout == "hi\n"


def test_curl_and_wget_complain_in_their_own_words() -> None:
    world = World()
    web = world.run("nginx").sandbox.ip
    world.network.names["web"] = web
    busybox, curl = world.run("busybox", "sleep", "infinity"), world.run("curlimages/curl", "sleep", "infinity")
    assert world.exec(busybox, "wget", "-qO-", "nosuch").stderr == "wget: bad address 'nosuch'\n"
    refused = world.exec(busybox, "wget", "-qO-", "web:81").stderr
    assert refused == f"wget: can't connect to remote host ({web}): Connection refused\n"
    assert (
        world.exec(busybox, "wget", "-qO-", "web/x").stderr == "wget: server returned error: HTTP/1.1 404 Not Found\n"
    )
    timed_out = world.exec(busybox, "wget", "-T", "3", "-qO-", "10.9.9.9")
    assert (timed_out.stderr, timed_out.seconds) == ("wget: download timed out\n", 3.0)
    assert world.exec(curl, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://web/").stdout == "200"
    missing = world.exec(curl, "curl", "nosuch")
    assert (missing.stderr, missing.exit_code) == ("curl: (6) Could not resolve host: nosuch\n", 6)


def test_an_image_has_only_the_commands_it_has() -> None:
    world = World()
    with pytest.raises(RuntimeRefused, match=r'exec: "curl": executable file not found in \$PATH'):
        world.exec(world.run("busybox", "sleep", "infinity"), "curl", "x")
    with pytest.raises(RuntimeRefused, match='exec: "/bin/no": stat /bin/no: no such file or directory: unknown'):
        world.exec(world.run("busybox", "sleep", "infinity"), "/bin/no")
    with pytest.raises(RuntimeRefused, match='exec: "sh"'):
        world.exec(world.run("registry.k8s.io/pause:3.10"), "sh")


def test_a_command_that_is_not_in_the_image_cannot_be_started() -> None:
    with pytest.raises(RuntimeRefused, match=r'error during container init: exec: "nosuch": executable file not found'):
        World().run("nginx", "nosuch")


def test_stress_hears_no_signal_and_is_killed_when_its_grace_is_over() -> None:
    world = World()
    container = world.run("polinux/stress", "stress", "--vm", "1")
    world.runtime.stop_container(container, 30)
    world.pass_time(29)
    assert container.state == "running"
    world.pass_time(1)
    assert (container.exit_code, container.reason) == (137, "Error")


def test_too_little_memory_is_a_kill() -> None:
    container = World().run("polinux/stress", "stress", "--vm", "1", "--vm-bytes", "250M", memory=100 * 1024**2)
    assert (container.exit_code, container.reason) == (137, "OOMKilled")


def test_perl_computes_pi() -> None:
    world = World()
    container = world.run("perl:5.34.0", "perl", "-Mbignum=bpi", "-wle", "print bpi(2000)")
    world.pass_time(5)
    text = log(container).strip()
    assert (container.exit_code, len(text), text[:12], text[-8:]) == (0, 2001, "3.1415926535", digits_of_pi(2000)[-8:])
    assert digits_of_pi(50) == "3.1415926535897932384626433832795028841971693993751"


def test_postgres_wants_a_password() -> None:
    world = World()
    refused = world.run("postgres:16")
    assert (refused.state, refused.exit_code) == ("exited", 1)
    assert log(refused).startswith("Error: Database is uninitialized and superuser password is not specified.")
    served = world.run("postgres:16", env={"POSTGRES_PASSWORD": "x"})
    assert world.exec(served, "pg_isready").stdout == "/var/run/postgresql:5432 - accepting connections\n"


def test_redis_keeps_what_it_is_told() -> None:
    world = World()
    redis = world.run("redis:7")
    assert world.exec(redis, "redis-cli", "set", "key", "value").stdout == "OK\n"
    assert world.exec(redis, "redis-cli", "get", "key").stdout == "value\n"


def test_agnhost_answers_as_upstreams_test_image() -> None:
    world = World()
    container = world.run("registry.k8s.io/e2e-test-images/agnhost:2.53", args=["netexec", "--http-port=80"])
    ip = container.sandbox.ip
    assert world.network.request(get(ip, "/hostname")).body == "pod-1"
    assert world.network.request(get(ip, "/echo?msg=hello")).body == "hello"
    assert world.network.request(get(ip, "/shell?cmd=echo+x")).body == '{"output":"x\\n"}'


def test_a_kill_from_inside_ends_a_program_that_handles_it() -> None:
    world = World()
    container = world.run("nginx")
    world.exec(container, "sh", "-c", "kill 1")
    world.pass_time(1)
    assert (container.state, container.exit_code) == ("exited", 0)


def test_nginx_follows_its_configuration() -> None:
    world = World()
    from k8snb.kubelet.images.filesystem import Mount, Volume

    text = (
        'server { listen 8080; location /hi { return 200 "hello\\n"; } location / { proxy_pass http://backend:5678; } }'
    )
    volume = Volume({"default.conf": text})
    backend = world.run("hashicorp/http-echo", args=["-text", "from the backend"])
    world.network.names["backend"] = backend.sandbox.ip
    ip = world.run("nginx", mounts=[Mount("/etc/nginx/conf.d", volume)]).sandbox.ip
    assert world.network.request(get(ip, "/hi", 8080)).body == "hello\n"
    assert world.network.request(get(ip, "/", 8080)).body == "from the backend\n"


def test_every_call_of_the_runtime_can_be_seen() -> None:
    world = World()
    world.runtime.pull_image(parse("nginx"))
    world.run("nginx")
    assert [call.method for call in world.calls.calls] == [
        "PullImage",
        "RunPodSandbox",
        "CreateContainer",
        "StartContainer",
    ]
