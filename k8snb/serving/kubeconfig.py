"""The kubeconfig of a served cluster: what is in it, and a file for it that nobody else can read."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import yaml

from k8snb.i18n import _

_OURS = "current-context: k8snb\n"
"""How every kubeconfig ends that this module writes."""


class CannotServe(Exception):
    """Why the cluster cannot be served, in a sentence for the reader."""


def write_kubeconfig(path: Path, text: str) -> None:
    """Write a kubeconfig that nobody else can read, all of it or nothing: one who is killed leaves no half of it.

    Raises CannotServe where there is a file that an earlier run did not leave: a kubeconfig of other clusters is
    precious, and this one is removed when the run ends.
    """
    part = path.with_name(f".{path.name}.k8snb")
    try:
        if path.exists() and not path.read_text(errors="replace").endswith(_OURS):
            raise CannotServe(_("{path} exists and is not ours; name another file with --kubeconfig").format(path=path))
        part.unlink(missing_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        part.replace(path)
    except OSError as error:
        raise CannotServe(_("cannot write {path}: {why}").format(path=path, why=error.strerror)) from None


def kubeconfig(server: str, ca: bytes, token: str, certificate: tuple[bytes, bytes] | None = None) -> str:
    """The kubeconfig by which any client finds the cluster and is let in, with a certificate and its key or a token."""
    name = "k8snb"
    user = {"token": token}
    if certificate is not None:
        chain, key = (base64.b64encode(each).decode() for each in certificate)
        user = {"client-certificate-data": chain, "client-key-data": key}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {"server": server, "certificate-authority-data": base64.b64encode(ca).decode()},
            }
        ],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "admin"}}],
        "current-context": name,
    }
    return yaml.safe_dump(config, sort_keys=False)
