"""The table of images, and what a registry answers to a pull.

An image is known under its real name and pulls under any tag that looks like a version (`1.27`, `v3.9`,
`16-alpine3.20`) or is usual (`latest`, `stable`, `alpine` …). Everything else fails with the words that
containerd and the registry use. Adding an image is adding a row.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from k8snb.kubelet.images import nginx
from k8snb.kubelet.images.agnhost import Agnhost
from k8snb.kubelet.images.commands import COMMANDS
from k8snb.kubelet.images.etcd.member import Etcd
from k8snb.kubelet.images.etcd.tools import TOOLS as ETCD_TOOLS
from k8snb.kubelet.images.exporters import KubeStateMetrics
from k8snb.kubelet.images.notes import NotesAPI, NotesWeb
from k8snb.kubelet.images.postgres import TOOLS as POSTGRES_TOOLS
from k8snb.kubelet.images.postgres import Postgres
from k8snb.kubelet.images.program import Image, Program
from k8snb.kubelet.images.samples import Bootcamp, Collector, HelloApp, Memcached, Mongo, MySQL
from k8snb.kubelet.images.script import Script
from k8snb.kubelet.images.servers import (
    IT_WORKS,
    HpaExample,
    Httpd,
    HttpEcho,
    Pause,
    Redis,
    Whoami,
    redis_cli,
)
from k8snb.kubelet.images.tools import Perl, Stress
from k8snb.kubelet.references import Reference

_BUSYBOX = frozenset(COMMANDS) - {"curl", "bash"}
_ALPINE = _BUSYBOX
_DEBIAN = frozenset(COMMANDS) - {"wget", "ash", "nslookup", "nc", "ping", "ps", "killall", "free", "curl"}
_PATH = ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
_CURL_ENTRYPOINT = ("/curl-entrypoint.sh",)
"""Runs `curl` with the words that follow, unless the first of them is a command."""


def _unix(name: str, size: int, version: str, cmd: tuple[str, ...] = ("sh",), **row: object) -> Image:
    defaults = {"commands": _BUSYBOX, "shell": "busybox", **row}
    return Image(name, size, {}, cmd=cmd, runner=Script, version=version, **defaults)  # type: ignore[arg-type]


def _prometheus() -> type[Program]:
    from k8snb.kubelet.images.prometheus import PrometheusServer

    return PrometheusServer


def _alertmanager() -> type[Program]:
    from k8snb.kubelet.images.alertmanager import AlertmanagerServer

    return AlertmanagerServer


def _router() -> type[Program]:
    from k8snb.kubelet.images.router import IngressRouter

    return IngressRouter


ROWS: tuple[Image, ...] = (
    nginx.image(
        "docker.io/library/nginx", 72_385_000, env=(_PATH, ("NGINX_VERSION", "1.29.4")), runner=Script,
        commands=_DEBIAN | {"curl"}, shell="dash", version="1.29.4",
    ),
    nginx.image(
        "registry.k8s.io/nginx-slim", 7_880_000, runner=Script, commands=_DEBIAN, shell="dash", version="1.27.1",
        tags=frozenset({"0.8"}),
    ),
    Image(
        "docker.io/library/httpd", 45_200_000, {"httpd-foreground": Httpd, "httpd": Httpd}, cmd=("httpd-foreground",),
        runner=Script, commands=_DEBIAN, shell="dash", version="2.4.66", stop_signal="WINCH",
        files={"usr/local/apache2/htdocs/index.html": IT_WORKS},
    ),
    _unix("docker.io/library/busybox", 2_222_000, "1.37.0"),
    _unix("docker.io/library/alpine", 3_798_000, "3.23.0", ("/bin/sh",)),
    _unix("docker.io/library/debian", 48_480_000, "13.2", ("bash",), commands=_DEBIAN, shell="dash"),
    _unix("docker.io/library/ubuntu", 29_730_000, "24.04", ("/bin/bash",), commands=_DEBIAN, shell="dash"),
    _unix(
        "docker.io/curlimages/curl", 9_870_000, "8.18.0", ("curl",), commands=_ALPINE | {"curl"}, user=100,
        entrypoint=_CURL_ENTRYPOINT,
    ),
    Image(
        "docker.io/library/redis", 45_910_000, {"docker-entrypoint.sh": Redis, "redis-server": Redis},
        entrypoint=("docker-entrypoint.sh",), cmd=("redis-server",), runner=Script, commands=_DEBIAN,
        tools={"redis-cli": redis_cli}, shell="dash", version="8.4.0", working_directory="/data",
    ),
    Image(
        "docker.io/library/postgres", 161_300_000, {"docker-entrypoint.sh": Postgres, "postgres": Postgres},
        entrypoint=("docker-entrypoint.sh",), cmd=("postgres",), runner=Script, commands=_DEBIAN,
        tools=POSTGRES_TOOLS, shell="dash", version="18.1", stop_signal="INT",
    ),
    Image(
        "docker.io/library/perl", 362_100_000, {"perl": Perl}, cmd=("perl", "-de0"), runner=Script,
        commands=_DEBIAN | {"curl"}, shell="dash", version="5.42.0",
    ),
    Image(
        "docker.io/polinux/stress", 4_050_000, {"stress": Stress}, cmd=("stress",), runner=Script, commands=_ALPINE,
        shell="busybox", version="1.0.4",
    ),
    Image("docker.io/traefik/whoami", 2_900_000, {"whoami": Whoami}, entrypoint=("/whoami",), version="1.11.0"),
    Image(
        "docker.io/hashicorp/http-echo", 3_120_000, {"http-echo": HttpEcho}, entrypoint=("/http-echo",), version="1.0.0"
    ),
    Image(
        "registry.k8s.io/hpa-example", 160_600_000, {"apache2-foreground": HpaExample}, cmd=("apache2-foreground",),
        runner=Script, commands=_DEBIAN | {"curl"}, shell="dash", version="1.0",
    ),
    *(
        Image(f"{registry}/pause", 319_000, {"pause": Pause}, entrypoint=("/pause",), version="3.10.1")
        for registry in ("registry.k8s.io", "gcr.io/google_containers", "k8s.gcr.io")
    ),
    Image(
        "registry.k8s.io/e2e-test-images/agnhost", 52_680_000, {"agnhost": Agnhost}, entrypoint=("/agnhost",),
        cmd=("pause",), runner=Script, commands=_ALPINE | {"curl", "bash"}, shell="busybox", version="2.57",
    ),
    _unix("registry.k8s.io/e2e-test-images/busybox", 2_222_000, "1.29"),
    nginx.image(
        "registry.k8s.io/e2e-test-images/nginx", 6_980_000, runner=Script, commands=_ALPINE, shell="busybox",
        version="1.15",
    ),
    Image("gcr.io/google-samples/hello-app", 11_050_000, {"hello-app": HelloApp}, entrypoint=("/hello-app",)),
    Image(
        "gcr.io/google-samples/kubernetes-bootcamp", 88_590_000, {"server.js": Bootcamp}, cmd=("/server.js",),
        runner=Script, commands=_DEBIAN | {"curl"}, shell="dash",
    ),
    _unix("docker.io/nicolaka/netshoot", 204_000_000, "0.14", ("bash",), commands=_ALPINE | {"curl", "bash"}),
    _unix("registry.k8s.io/e2e-test-images/jessie-dnsutils", 112_000_000, "1.7", commands=_DEBIAN | {"nslookup"}),
    Image(
        "quay.io/fluentd_elasticsearch/fluentd", 112_800_000, {"entrypoint.sh": Collector}, cmd=("/entrypoint.sh",),
        runner=Script, commands=_DEBIAN, shell="dash", version="5.0.1",
    ),
    *(
        Image(
            f"docker.io/library/{name}", size, {"docker-entrypoint.sh": program, command: program},
            entrypoint=("docker-entrypoint.sh",), cmd=(command,), runner=Script, commands=_DEBIAN, shell="dash",
            version=version,
        )
        for name, size, program, command, version in (
            ("mysql", 237_100_000, MySQL, "mysqld", "9.5.0"),
            ("mariadb", 104_600_000, MySQL, "mariadbd", "12.1.2"),
            ("mongo", 277_300_000, Mongo, "mongod", "8.2.2"),
            ("memcached", 30_900_000, Memcached, "memcached", "1.6.40"),
        )
    ),
    *(
        Image(
            f"k8snb.dev/{name}", 21_300_000, {name: program}, entrypoint=(f"/{name}",), runner=Script, commands=_ALPINE,
            shell="busybox", version="1.0",
        )
        for name, program in (("notes-web", NotesWeb), ("notes-api", NotesAPI))
    ),
    *(
        Image(
            name, 23_500_000, {"etcd": Etcd}, cmd=("/usr/local/bin/etcd",), runner=Script, tools=ETCD_TOOLS,
            version="3.6.5",
        )
        for name in ("quay.io/coreos/etcd", "gcr.io/etcd-development/etcd")
    ),
    *(
        Image(
            name, 112_000_000, {}, {"prometheus": _prometheus}, entrypoint=("/bin/prometheus",), runner=Script,
            commands=_ALPINE, shell="busybox", version="3.8.0",
        )
        for name in ("docker.io/prom/prometheus", "quay.io/prometheus/prometheus")
    ),
    *(
        Image(
            name, 33_400_000, {}, {"alertmanager": _alertmanager}, entrypoint=("/bin/alertmanager",), runner=Script,
            commands=_ALPINE, shell="busybox", version="0.29.0",
        )
        for name in ("docker.io/prom/alertmanager", "quay.io/prometheus/alertmanager")
    ),
    Image(
        "registry.k8s.io/kube-state-metrics/kube-state-metrics", 14_300_000, {"kube-state-metrics": KubeStateMetrics},
        entrypoint=("/kube-state-metrics",), version="2.17.0",
    ),
    Image(
        "k8snb.dev/ingress-controller", 24_500_000, {}, {"ingress-controller": _router},
        entrypoint=("/ingress-controller",), version="v1.0.0",
    ),
)  # fmt: skip

IMAGES = {row.name: row for row in ROWS}


def add(image: Image) -> None:
    """Make an image of one's own known to every cluster of this process."""
    IMAGES[image.name] = image
    refusal.cache_clear()


_VARIANT = (
    r"alpine[0-9.]*|slim|bookworm|bullseye|trixie|jammy|noble|perl|otel|musl|glibc|uclibc|apache|debian|ubuntu|"
    r"linux-amd64|amd64|rc[0-9]+|alpha\.?[0-9]*|beta\.?[0-9]*"
)
_VERSION = re.compile(rf"v?([0-9]+(?:\.[0-9]+)*)(?:[-_.]?(?:{_VARIANT}))*")
_USUAL = re.compile(rf"(?:latest|stable|mainline|edge|lts|{_VARIANT})(?:-(?:{_VARIANT}))*")
_LARGEST_PART = 99
"""No part of a version after the first is larger; `1.161` is a slip of the finger."""


def exists(image: Image, tag: str) -> bool:
    """Whether the repository has the tag."""
    if tag in image.tags or _USUAL.fullmatch(tag):
        return True
    match = _VERSION.fullmatch(tag)
    return match is not None and all(int(part) <= _LARGEST_PART for part in match.group(1).split(".")[1:])


@lru_cache(maxsize=1024)
def digest_of(reference: Reference) -> str:
    """The digest of the image that a reference names."""
    return reference.digest or "sha256:" + hashlib.sha256(str(reference).encode()).hexdigest()


@lru_cache(maxsize=1024)
def image_ref(reference: Reference) -> str:
    """What runtimes call an image that they have: its name and digest."""
    return f"{reference.name}@{digest_of(reference)}"


def version_of(image: Image, tag: str) -> str:
    """The version that a tag names; the newest known one if it names none."""
    match = _VERSION.fullmatch(tag)
    return match.group(1) if match else image.version


@lru_cache(maxsize=1024)
def refusal(reference: Reference) -> str:
    """Why a registry does not give the image; empty if it does."""
    image = IMAGES.get(reference.name)
    if image is not None and (reference.digest or exists(image, reference.tag)):
        return ""
    resolve = f'failed to pull and unpack image "{reference}": failed to resolve reference "{reference}": '
    if image is not None or reference.registry in {"registry.k8s.io", "mcr.microsoft.com"}:
        return f"{resolve}{reference}: not found"
    if reference.registry == "docker.io":
        return resolve + (
            "pull access denied, repository does not exist or may require authorization: "
            "server message: insufficient_scope: authorization failed"
        )
    if reference.registry in {"ghcr.io", "gcr.io", "quay.io", "public.ecr.aws"}:
        scope = f"repository%3A{reference.repository.replace('/', '%2F')}%3Apull&service={reference.registry}"
        token = f"https://{reference.registry}/token?scope={scope}"
        refused = f"unexpected status from GET request to {token}: 403 Forbidden"
        return f"{resolve}failed to authorize: failed to fetch anonymous token: {refused}"
    host = reference.registry.partition(":")[0]
    head = f"https://{reference.registry}/v2/{reference.repository}/manifests/{reference.tag or reference.digest}"
    return f'{resolve}failed to do request: Head "{head}": dial tcp: lookup {host}: no such host'


def command_line(image: Image, command: tuple[str, ...], args: tuple[str, ...]) -> tuple[str, ...]:
    """What runs: a container's `command` replaces the image's entrypoint and `cmd`, its `args` the `cmd`."""
    if command:
        return (*command, *args)
    words = args or image.cmd
    if image.entrypoint != _CURL_ENTRYPOINT:
        return (*image.entrypoint, *words)
    return ("curl", *words) if words[0].startswith("-") or "." in words[0] else words
