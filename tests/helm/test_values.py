"""Where values come from and how they meet: charts, charts below them, files and flags."""

from __future__ import annotations

import pytest

from k8snb.helm.chart.loading import load
from k8snb.helm.values.dependencies import prepared
from k8snb.helm.values.merging import Values, coalesced
from k8snb.helm.yamltext import from_yaml
from tests.helm.conftest import Typed, Written, config_map

MOBY = {
    "values.yaml": "back: exists\nbottom: exists\nname: moby\nnested: {boat: true}\nscope: moby\ntop: nope\n",
    "charts/pequod/Chart.yaml": "apiVersion: v2\nname: pequod\nversion: 1.0.0\n",
    "charts/pequod/values.yaml": "name: pequod\nscope: pequod\n",
    "charts/pequod/charts/ahab/Chart.yaml": "apiVersion: v2\nname: ahab\nversion: 1.0.0\n",
    "charts/pequod/charts/ahab/values.yaml": "scope: ahab\nname: ahab\nboat: true\nnested: {foo: false, bar: true}\n",
    "charts/spouter/Chart.yaml": "apiVersion: v2\nname: spouter\nversion: 1.0.0\n",
}
GIVEN = """
top: yup
bottom: null
back: ""
nested: {boat: null}
global: {name: Ishmael, nested: {boat: true}}
pequod:
  global: {name: Stinky, harpooner: Tashtego, nested: {boat: false, sail: true}}
  ahab: {scope: whale, boat: null, nested: {foo: true, bar: null}}
"""


def test_values_meet_as_helm_lets_them_meet(chart: Written) -> None:
    found = coalesced(load(chart(MOBY, name="moby")), from_yaml(GIVEN))
    ishmael = {"name": "Ishmael", "nested": {"boat": True}}
    below = {"name": "Ishmael", "harpooner": "Tashtego", "nested": {"boat": True, "sail": True}}
    ahab = {"scope": "whale", "name": "ahab", "nested": {"foo": True}, "global": below}
    assert found == {
        "top": "yup",
        "back": "",
        "name": "moby",
        "nested": {},
        "scope": "moby",
        "global": ishmael,
        "pequod": {"name": "pequod", "scope": "pequod", "global": below, "ahab": ahab},
        "spouter": {"global": ishmael},
    }


def test_what_does_not_fit_together_is_told_and_left(chart: Written) -> None:
    told: list[str] = []
    folder = chart({"values.yaml": "a: {b: 1}\nc: {d: 1}\ne: 2\n"})
    found = coalesced(load(folder), from_yaml("a: {b: {x: 1}}\nc: {d: 2}\ne: {f: 1}\n"), told.append)
    assert found == {"a": {"b": {"x": 1.0}}, "c": {"d": 2.0}, "e": {"f": 1.0}}
    assert told == [
        "warning: destination for web.a.b is a table. Ignoring non-table value (1)",
        "warning: skipped value for web.e: Not a table.",
    ]


BELOW = {
    "charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 2.0.1\n",
    "charts/cache/values.yaml": "port: 6379\nexports: {data: {port: 6379}}\nsize: {memory: 1}\n",
    "charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
}
DEPENDENCIES = """dependencies:
- {name: cache, version: ~2.0, condition: cache.enabled, tags: [back]}
- {name: db, version: 1.x.x, tags: [back]}"""


@pytest.mark.parametrize(
    ("given", "on"),
    [
        ("", ["cache", "db"]),
        ("cache: {enabled: false}", ["db"]),
        ("tags: {back: false}", []),
        ("tags: {back: false}\ncache: {enabled: true}", ["cache"]),
    ],
)
def test_conditions_and_tags_switch_charts_off(chart: Written, given: str, on: list[str]) -> None:
    ready = prepared(load(chart(BELOW, DEPENDENCIES)), from_yaml(given) or {}, lambda _: None)
    assert [below.name for below in ready.dependencies] == on


def test_a_chart_can_be_there_twice_under_two_names(chart: Written) -> None:
    twice = "- {name: cache, version: 2.x, alias: a}\n- {name: cache, version: 2.x, alias: b}\n"
    more = f"dependencies:\n{twice}- {{name: db, version: '*'}}"
    ready = prepared(load(chart(BELOW, more)), {}, lambda _: None)
    assert [below.name for below in ready.dependencies] == ["a", "b", "db"]
    assert coalesced(ready, {"a": {"port": 1}})["a"]["port"] == 1


def test_a_chart_imports_values_from_below(chart: Written) -> None:
    imports = "[data, {child: size, parent: mine.size}]"
    more = f"dependencies:\n- {{name: cache, version: 2.x, import-values: {imports}}}\n- {{name: db, version: 1.x}}"
    ready = prepared(load(chart(BELOW, more)), {}, lambda _: None)
    values: Values = coalesced(ready, {})
    assert (values["port"], values["mine"]) == (6379.0, {"size": {"memory": 1.0}})


def test_the_last_flag_outranks_files_and_files_the_chart(chart: Written, helm: Typed) -> None:
    files = {
        "values.yaml": "a: chart\nb: chart\nc: chart\nd: chart\n",
        "one.yaml": "b: one\nc: one\nd: one\n",
        "two.yaml": "c: two\nd: two\n",
        "text": "from a file\n",
        "templates/cm.yaml": config_map("all: {{ toJson .Values | quote }}"),
    }
    folder = chart(files)
    command = f"template {folder} -f web/one.yaml -f web/two.yaml --set d=set --set-string n=1 --set-file t=web/text"
    data = helm(f"{command} --set-json 'j={{\"k\":[1]}}' --set-literal 'l={{a,b}}'").stdout
    assert data.splitlines()[-1] == (
        r'  all: "{\"a\":\"chart\",\"b\":\"one\",\"c\":\"two\",\"d\":\"set\",\"j\":{\"k\":[1]},\"l\":\"{a,b}\",'
        r'\"n\":\"1\",\"t\":\"from a file\\n\"}"'
    )


def test_a_values_file_that_is_no_yaml_is_refused_with_its_line(chart: Written, helm: Typed) -> None:
    folder = chart({"bad.yaml": "a: 1\nb: [\n"})
    assert helm(f"template {folder} -f web/bad.yaml").stderr == (
        "Error: failed to parse web/bad.yaml: cannot unmarshal yaml document: error converting YAML to JSON: "
        "yaml: line 2: did not find expected node content\n"
    )
    assert helm(f"template {folder} -f none.yaml").stderr == "Error: open none.yaml: no such file or directory\n"


SCHEMA = """{"$schema": "https://json-schema.org/draft-07/schema#", "type": "object", "required": ["name", "port"],
"properties": {"port": {"type": "integer", "minimum": 1}, "image": {"$ref": "#/definitions/image"},
"kind": {"enum": ["a", "b"]}, "hosts": {"type": "array", "items": {"type": "string", "pattern": "^[a-z.]+$"}}},
"definitions": {"image": {"type": "object", "additionalProperties": false,
"properties": {"tag": {"type": "string"}}}}}"""


def test_a_schema_is_held_against_the_values(chart: Written, helm: Typed) -> None:
    folder = chart({"values.schema.json": SCHEMA, "values.yaml": "port: 0\n"})
    command = f"install w {folder} --set image.tag=1 --set image.x=1 --set kind=c --set hosts[0]=a.b --set hosts[1]=A"
    assert helm(command).stderr == (
        "Error: INSTALLATION FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\n"
        "web:\n"
        "- at '': missing property 'name'\n"
        "- at '/hosts/1': 'A' does not match pattern '^[a-z.]+$'\n"
        "- at '/image': validation failed\n"
        "  - at '/image/tag': got number, want string\n"
        "  - at '/image': additional properties 'x' not allowed\n"
        "- at '/kind': value must be one of 'a', 'b'\n"
        "- at '/port': minimum: got 0, want 1\n\n"
    )
    assert helm(f"template {folder} --skip-schema-validation").code == 0
