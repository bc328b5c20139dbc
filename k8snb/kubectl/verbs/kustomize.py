"""kubectl kustomize: print the objects that a folder with a `kustomization.yaml` stands for."""

from __future__ import annotations

from pathlib import Path

from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import Flag
from k8snb.kubectl.kustomize import build
from k8snb.kubectl.printing.goyaml import yaml_text


def run(call: Call) -> None:
    """Carry out `kubectl kustomize`."""
    if len(call.args) > 1:
        raise CommandError("specify one path to kustomization.yaml")
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
        Flag("load-restrictor", default="LoadRestrictionsRootOnly"),
        Flag("output", "o"),
    ),
)
