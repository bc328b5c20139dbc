"""kubectl kustomize: print the objects that a folder with a `kustomization.yaml` stands for."""

from __future__ import annotations

from pathlib import Path

from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import Flag
from k8snb.kubectl.kustomize import build
from k8snb.kubectl.printing.goyaml import yaml_text

_RESTRICTORS = ("LoadRestrictionsRootOnly", "LoadRestrictionsNone")


def run(call: Call) -> None:
    """Carry out `kubectl kustomize`."""
    if len(call.args) > 1:
        raise CommandError("specify one path to kustomization.yaml")
    given = call.flags.text("load-restrictor")
    if given not in _RESTRICTORS:
        raise CommandError(f"illegal flag value --load-restrictor {given}; legal values: [{' '.join(_RESTRICTORS)}]")
    objects = build(call.args[0] if call.args else ".", call.scheme, call.err)
    if not objects:
        raise CommandError("kustomization.yaml is empty")
    text = "---\n".join(yaml_text(obj) for obj in objects)
    if call.flags.text("output"):
        Path(call.flags.text("output")).write_text(text, encoding="utf-8")
    else:
        call.out(text)


KUSTOMIZE = Verb(
    "kustomize",
    "Build a kustomization target from a directory or URL",
    run,
    (
        Flag("load-restrictor", default=_RESTRICTORS[0]),
        *(Flag(name, kind="switch") for name in ("as-current-user", "enable-alpha-plugins", "enable-helm", "network")),
        *(Flag(name, kind="list") for name in ("helm-api-versions", "mount")),
        Flag("env", "e", kind="list"),
        Flag("helm-command", default="helm"),
        Flag("helm-debug", kind="switch"),
        Flag("helm-kube-version"),
        Flag("network-name", default="bridge"),
        Flag("output", "o"),
    ),
)
