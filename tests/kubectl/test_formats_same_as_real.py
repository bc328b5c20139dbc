"""YAML, JSONPath and templates without a server: both kubectls make the same of an object."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from k8snb.kubectl.printing.goyaml import yaml_text
from k8snb.machinery.jsonpath import JSONPath, JSONPathError
from tests.kubectl.real import binary

pytestmark = [
    pytest.mark.kubectl,
    pytest.mark.skipif(not binary(), reason="there is no kubectl 1.33"),
]

_PIECES = [
    *("word", "a", "b:", "#", "-", " ", "  ", "\n", "'", '"', "\\", "1", "0x1", "é", "yes", "\t", "{", "}", "[", ","),
    *("&", "*", "!", "|", ">", "%", "@", "`", "~", ":", "?", "longerword", "😀", "\x1b", ".", "_", "e5", "inf"),
    *("2020-01-02", "T10:00:00Z", "null", "0o7", "1_000"),
]


def _local(obj: object, output: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "object.json"
    file.write_text(json.dumps(obj))
    command = [binary(), "label", "--local", "-f", str(file), "-o", output, "zz=1", "--dry-run=client", "--overwrite"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("seed", range(4))
def test_yaml_is_the_same_byte_for_byte(seed: int, tmp_path: Path) -> None:
    lots = random.Random(seed)
    data = {f"k{i}": "".join(lots.choices(_PIECES, k=lots.choice([1, 2, 5, 20, 60]))) for i in range(150)}
    nested = [["a", "b"], [], {}, {"a": [1, {"b": "c d " * 40}], "x": {"y": {}}}, "text " * 30, 1.5, True, None, [[1]]]
    keys = {"v10": 1, "v9": 1, "A": 1, "_": 2, "1": 1, "10": 1, "2": 1, "x" * 130: 1, "": 3, "y": 1, "a b": 2, "k:": 4}
    meta = {"name": "x", "labels": {"zz": "1"}}
    obj = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": meta, "data": data, "lists": nested, "m": keys}
    assert yaml_text(obj) == _local(obj, "yaml", tmp_path).stdout


TEMPLATES = [
    "{.metadata.name}",
    '{.metadata}{"\\n"}',
    '{range .spec.containers[*]}{.name}:{.image}{"\\n"}{end}',
    "{.metadata.labels.a\\.b/c}",
    "{.metadata.labels['a\\.b/c']}",
    "{.spec.containers[-1:].name}",
    '{.spec.containers[?(@.name=="b")].n}',
    "{.spec.containers[?(@.n>2)].name}",
    "{.spec.containers[?(@.ports)].name}",
    "x {.nope} y",
    "{..p}",
    "{.spec.containers[0,1].name}",
    "{range .spec.containers[*]}[{range .ports[*]}{.p},{end}]{end}.",
]
BAD_TEMPLATES = [
    "{.spec.containers[5].name}",
    "{.spec.containers[x]}",
    "{end}",
    "{foo}",
    "{.spec.containers[?(@.name==3)].n}",
    "{.spec.containers[2:1]}",
    "{.kind[0]}",
    '{"unclosed}',
    "{#}",
]
CONTAINERS = [
    {"name": "a", "image": "i<1>", "ports": [{"p": 1}, {"p": 2}]},
    {"name": "b", "n": 3, "ok": True, "f": 1.5},
]
LABELS = {"a.b/c": "d", "zz": "1"}
META = {"name": "x", "labels": LABELS}
PLAIN = {"apiVersion": "v1", "kind": "Pod", "metadata": META, "spec": {"containers": CONTAINERS}}


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_jsonpath_finds_the_same(template: str, tmp_path: Path) -> None:
    assert JSONPath(template).render(PLAIN) == _local(PLAIN, f"jsonpath={template}", tmp_path).stdout


@pytest.mark.parametrize("template", BAD_TEMPLATES)
def test_a_bad_jsonpath_is_refused_in_the_same_words(template: str, tmp_path: Path) -> None:
    with pytest.raises(JSONPathError) as refused:
        JSONPath(template).render(PLAIN)
    assert str(refused.value) in _local(PLAIN, f"jsonpath={template}", tmp_path).stderr
