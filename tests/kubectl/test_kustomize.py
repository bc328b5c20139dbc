"""Objects out of folders; `overlay.golden` is what the real kubectl makes of the overlay."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kubectl.conftest import Typed

HERE = Path(__file__).parent / "kustomize"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}], selector: {app: web}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "svc.yaml").write_text(SERVICE)
    return tmp_path


def test_an_overlay_is_what_the_real_one_makes_of_it(kubectl: Typed) -> None:
    assert kubectl(f"kustomize {HERE / 'overlay'}").text == (HERE / "overlay.golden").read_text()


def test_a_folder_is_applied_and_its_names_hold_together(kubectl: Typed) -> None:
    kubectl("create namespace shop")
    lines = kubectl(f"apply -k {HERE / 'base'} -n shop").stdout.splitlines()
    assert lines[1:4] == [
        "serviceaccount/robot created",
        "configmap/cfg-df7m745cmg created",
        "secret/sec-b287528h4m created",
    ]
    template = "get deploy web -n shop -o jsonpath={.spec.template.spec.containers[0].envFrom[*].configMapRef.name}"
    assert kubectl(template).stdout == "cfg-df7m745cmg"
    assert kubectl(f"diff -k {HERE / 'base'} -n shop").code == 0
    assert 'service "web" deleted' in kubectl(f"delete -k {HERE / 'base'} -n shop").stdout


def test_a_patch_can_select_remove_and_use_earlier_names(kubectl: Typed, folder: Path) -> None:
    overlay = folder / "overlay"
    overlay.mkdir()
    (folder / "kustomization.yaml").write_text("namePrefix: a-\nresources: [svc.yaml]\n")
    (overlay / "kustomization.yaml").write_text(
        "resources: [..]\nnameSuffix: -b\npatches:\n- patch: |-\n    apiVersion: v1\n    kind: Service\n"
        "    metadata: {name: web}\n    spec: {type: NodePort}\n"
        "- target: {kind: Service, name: web}\n  patch: '[{op: remove, path: /spec/selector}]'\n"
    )
    assert kubectl(f"kustomize {overlay}").stdout == (
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: a-web-b\nspec:\n  ports:\n  - port: 80\n  type: NodePort\n"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("foo: bar\n", 'error: invalid Kustomization: json: unknown field "foo"\n'),
        (
            "resources: [svc.yaml, svc.yaml]\n",
            "may not add resource with an already registered id: ",
        ),
        ("resources: [nope.yaml]\n", "accumulation err='accumulating resources from 'nope.yaml': evalsymlink failure"),
        ("configMapGenerator: [{name: a, literals: [x]}]\n", "invalid literal source x, expected key=value\n"),
        (
            "resources: [svc.yaml]\ncommonLabels: {a: b}\n",
            "# Warning: 'commonLabels' is deprecated.",
        ),
        (
            "resources: [svc.yaml]\npatches: [{patch: '{kind: Foo, apiVersion: v1, metadata: {name: x}}'}]\n",
            "no matches",
        ),
    ],
)
def test_what_cannot_be_built_is_said_in_the_real_ones_words(
    kubectl: Typed, folder: Path, text: str, complaint: str
) -> None:
    (folder / "kustomization.yaml").write_text(text)
    assert complaint in kubectl(f"kustomize {folder}").stderr


def test_there_must_be_a_file_that_says_what_to_do(kubectl: Typed, folder: Path) -> None:
    assert kubectl(f"apply -k {folder}").stderr == (
        "error: unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory "
        f"'{folder}'\n"
    )
