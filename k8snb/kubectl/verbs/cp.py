"""kubectl cp: files into a container and out of it, in an archive that `tar` packs and unpacks there.

Upstream: `kubectl/pkg/cmd/cp`.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from k8snb.kubectl.asking import resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.executing import Outcome, execute
from k8snb.kubectl.flags import Flag
from k8snb.kubectl.podpicking import default_container
from k8snb.kubectl.targets import Target

Run = Callable[[list[str], bytes | None], Outcome]
"""Runs a command in the container."""


class _Spec(NamedTuple):
    """One side: a path, in a pod if there is one."""

    namespace: str
    pod: str
    path: str


def run(call: Call) -> None:
    """Carry out `kubectl cp`."""
    if len(call.args) != 2:
        raise CommandError("source and destination are required")
    source, target = (_spec(word) for word in call.args)
    if source.pod and target.pod:
        raise CommandError("one of src or dest must be a local file specification")
    if not source.path or not target.path:
        raise CommandError("filepath can not be empty")
    if source.pod:
        _download(_runner(call, source), source.path, target.path, call)
    elif target.pod:
        if not Path(source.path).exists():
            raise CommandError(f"{source.path} doesn't exist in local filesystem")
        _upload(_runner(call, target), Path(source.path), target.path)
    else:
        raise CommandError("one of src or dest must be a remote file specification")


def _spec(word: str) -> _Spec:
    where, colon, path = word.partition(":")
    if not colon:
        return _Spec("", "", word)
    if not where or where.count("/") > 1:
        raise CommandError("filespec must match the canonical format: [[namespace/]pod:]file/path")
    namespace, _, pod = where.rpartition("/")
    return _Spec(namespace, pod, path)


def _runner(call: Call, spec: _Spec) -> Run:
    pod = Target(resource_named(call.scheme, "pods"), spec.namespace or call.namespace, spec.pod)
    found = pod.holding(call.session.find(pod))
    container = call.flags.text("container") or default_container(call, found.known)
    return lambda command, stdin: execute(call, found, container, command, stdin)


# -- into the container --------------------------------------------------------------------------------


def _upload(run: Run, source: Path, target: str) -> None:
    path = target.rstrip("/") or "/"
    if target.endswith("/") or run(["test", "-d", path], None).code == 0:
        path = posixpath.join(path, source.name)
    outcome = run(["tar", "-xmf", "-", "-C", posixpath.dirname(path) or "."], _packed(source, posixpath.basename(path)))
    if outcome.code:
        raise CommandError(f"{outcome.stderr}command terminated with exit code {outcome.code}", outcome.code)


def _packed(source: Path, name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in (source, *sorted(source.rglob("*"))) if source.is_dir() else (source,):
            if not (path.is_file() or path.is_dir()):
                continue
            entry = tarfile.TarInfo(posixpath.join(name, *path.relative_to(source).parts))
            content = b"" if path.is_dir() else path.read_bytes()
            entry.type, entry.mode = (tarfile.DIRTYPE, 0o755) if path.is_dir() else (tarfile.REGTYPE, 0o644)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


# -- out of the container ------------------------------------------------------------------------------


def _download(run: Run, source: str, target: str, call: Call) -> None:
    outcome = run(["tar", "cf", "-", source], None)
    call.out(outcome.stderr)  # that is where the real one lets it out
    prefix = posixpath.normpath(source).lstrip("/")
    destination = Path(target)
    if destination.is_dir():
        destination = destination / posixpath.basename(prefix)
    with tarfile.open(fileobj=io.BytesIO(outcome.stdout.encode()), mode="r:") as archive:
        for entry in archive:
            inner = posixpath.relpath(posixpath.normpath(entry.name), prefix)
            if inner.startswith(".."):
                raise CommandError(f"tar contents corrupted: {entry.name}")
            path = destination if inner == "." else destination / inner
            if entry.isdir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            content = archive.extractfile(entry)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read() if content is not None else b"")


CP = Verb(
    "cp",
    "Copy files and directories to and from containers",
    run,
    (
        Flag("container", "c"),
        Flag("no-preserve", kind="switch"),
        Flag("retries", kind="number"),
    ),
)
