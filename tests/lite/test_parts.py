"""What the edition for browsers is made of, before it is built."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.book.conftest import ROOT
from tools.book import launching
from tools.lite import contents, site, wheels
from tools.lite.wheels import Package


def _ours() -> Any:
    spec = importlib.util.spec_from_file_location("json_in_a_browser", ROOT / "lite" / "orjson" / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ours = _ours()
_scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.sampled_from([0.5, float("nan")])
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


@given(_values, st.sampled_from(["", "INDENT_2", "SORT_KEYS", "APPEND_NEWLINE"]))
def test_json_in_a_browser_has_the_same_bytes(value: Any, option: str) -> None:
    options = [getattr(module, f"OPT_{option}") if option else None for module in (ours, orjson)]
    written = ours.dumps(value, option=options[0])
    assert written == orjson.dumps(value, option=options[1])
    assert ours.loads(written) == orjson.loads(written)


@pytest.mark.parametrize("text", ["", "NaN", "[1,]", "{", b"\xff", '{"a" 1}'])
def test_json_in_a_browser_refuses_the_same_texts(text: str | bytes) -> None:
    for module in (ours, orjson):
        with pytest.raises(module.JSONDecodeError):
            module.loads(text)


@pytest.mark.parametrize("value", [{1: "a"}, {"a": {2: 1}}, "\ud800", object()])
def test_json_in_a_browser_refuses_the_same_values(value: Any) -> None:
    for module in (ours, orjson):
        with pytest.raises(TypeError):
            module.dumps(value)


def test_a_browser_gets_what_pages_import_and_nothing_that_only_other_machines_need() -> None:
    names = {wheels.canonicalize_name(package.name) for package in wheels.closure(wheels.ROOTS)}
    assert {"k8snb", "kubernetes-validate", "pyyaml", "anywidget", "graphviz", "kopf", "ipython"} <= names
    assert {"orjson", "pygraphviz", "jsonschema", "pexpect", "widgetsnbextension"} & names == set()


def test_what_a_package_needs_is_asked_for_the_browser() -> None:
    asked = [
        "One-Two>=1",
        'colorama; sys_platform == "win32"',
        'extra-only; extra == "x"',
        "tool; python_version<'3.14'",
    ]
    assert wheels.needs("any", asked) == ("one-two",)


def test_a_wheel_is_the_same_whenever_it_is_made() -> None:
    package = Package(
        "some-name", "1", (), {"some/__init__.py": b"", "single.py": b"", "x.dist-info/METADATA": b"Name: x\n"}
    )
    assert package.wheel() == package.wheel()
    assert (package.file_name, package.imports) == ("some_name-1-py3-none-any.whl", ("single", "some"))


def test_a_notebook_asks_nobody_for_a_kernel_and_folds_its_solutions() -> None:
    cells = [nbformat.v4.new_code_cell("1"), nbformat.v4.new_code_cell("2", metadata={"tags": ["hide-cell"]})]
    notebook = contents.for_browser(nbformat.v4.new_notebook(cells=cells), "chapters/a/b", {})
    assert notebook.metadata.kernelspec["name"] == "python"
    assert [cell.metadata.get("jupyter", {}) for cell in notebook.cells] == [{}, contents.FOLDED]


def test_notebooks_have_the_order_of_the_book_and_links_lead_from_one_to_another() -> None:
    where = launching.places(ROOT)
    assert list(where.values()) == sorted(where.values())
    assert where["chapters/production/storage"] == "chapters/2-production/02-storage.ipynb"
    text = "[a](service) [b](../production/storage.ipynb#x) [c](../reference/live) [d](https://e.org) [f](#g) `[h](i)`"
    cells = [nbformat.v4.new_markdown_cell(text)]
    notebook = contents.for_browser(nbformat.v4.new_notebook(cells=cells), "chapters/first-app/pod", where)
    assert notebook.cells[0].source == (
        "[a](06-service.ipynb) [b](../2-production/02-storage.ipynb) c [d](https://e.org) [f](#g) `[h](i)`"
    )


def test_the_table_of_contents_has_every_notebook() -> None:
    where = launching.places(ROOT)
    written = contents.table(ROOT, where, dict.fromkeys(where, "Title"))
    assert re.findall(r"\[Title\]\((.*)\)", written) == list(where.values())


def test_a_page_that_needs_the_official_client_is_not_in_it() -> None:
    assert "chapters/reference/testing" not in launching.places(ROOT)
    assert all((ROOT / f"{page}.ipynb").exists() for page in launching.APART)


def test_a_row_leads_to_the_notebook_of_its_page_and_from_other_pages_to_the_contents() -> None:
    book = "https://github.com/someone/book"
    leads = [
        re.findall(r'href="([^"]*)"', launching.row(page, place, repository, "main"))
        for page, place, repository in [
            ("chapters/first-app/pod", "chapters/1-first-app/01-pod.ipynb", book),
            ("intro", None, ""),
        ]
    ]
    assert [(len(found), found[0]) for found in leads] == [
        (4, "../../lite/lab/index.html?path=chapters/1-first-app/01-pod.ipynb"),
        (1, "lite/lab/index.html?path=Contents.md"),
    ]


def test_what_is_kept_follows_from_the_bytes_and_leaves_out_what_a_page_may_not_load(tmp_path: Any) -> None:
    for name in ("build/1.js", "extensions/2.js", "files/a.ipynb", "index.html", "icon-1.png", site.WORKER):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    before = site.kept(tmp_path)
    assert json.loads(before.splitlines()[1].removeprefix("const FILES = ").rstrip(";")) == [
        "files/a.ipynb",
        "index.html",
    ]
    (tmp_path / "build/1.js").write_text("1")
    assert site.kept(tmp_path).splitlines()[0] != before.splitlines()[0]


def test_a_page_runs_from_its_repository_where_that_is_known() -> None:
    page = "chapters/first-app/pod"
    assert launching.links(page, "", "main") == []
    assert dict(launching.links(page, "https://github.com/someone/book", "main")) == {
        "Binder": "https://mybinder.org/v2/gh/someone/book/main?urlpath=lab/tree/chapters/first-app/pod.ipynb",
        "Colab": "https://colab.research.google.com/github/someone/book/blob/main/chapters/first-app/pod.ipynb",
        "Dev container": "https://codespaces.new/someone/book?ref=main",
    }
    assert [name for name, _ in launching.links(page, "https://git.example.org/someone/book.git", "main")] == ["Binder"]


def test_a_page_says_that_it_runs_in_the_browser_once_it_does(tmp_path: Any) -> None:
    script = tmp_path / launching.SCRIPT
    script.parent.mkdir()
    script.write_text((ROOT / launching.SCRIPT).read_text())
    launching.mark(tmp_path)
    assert launching.UNSET in script.read_text()
    (tmp_path / "lite").mkdir()
    (tmp_path / "lite" / "index.html").write_text("")
    launching.mark(tmp_path)
    assert launching.SET in script.read_text()


def test_the_edition_is_pinned() -> None:
    orders = [(ROOT / "lite" / name).read_text() for name in ("requirements.txt", "browser.txt", "npm.txt")]
    lines = [line for order in orders for line in order.splitlines() if line and not line.startswith("#")]
    assert all("==" in line or "@" in line[1:] for line in lines)
    assert json.loads((ROOT / "lite" / "jupyter-lite.json").read_text())["jupyter-lite-schema-version"] == 0


def test_run_all_goes_on_after_a_cell_that_is_meant_to_fail(tmp_path: Path) -> None:
    folder = tmp_path / site.KERNEL
    folder.mkdir(parents=True)
    reply = "async executeRequest(e){let t=await this.x.execute(e);return t.execution_count=this.executionCount"
    (folder / "1.js").write_text(f"class K{{{reply},t}}}}")
    site.go_on_after_meant_errors(tmp_path)
    forgiving = '"error"===t.status&&!1===e.stop_on_error&&(t.status="ok")'
    assert (folder / "1.js").read_text() == f"class K{{{reply},{forgiving},t}}}}"
    with pytest.raises(LookupError):
        site.go_on_after_meant_errors(tmp_path)


def test_files_of_json_are_given_out_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / site.DRIVE
    folder.mkdir(parents=True)
    asked = r'||h.hasFormat(i,"json")||(null==a?void 0:a.indexOf("json"))!==-1||e.match(/\.(ipynb|[^/]*json[^/]*)$/)'
    then = '){let e=await r.text();n={...n,content:JSON.parse(e)}}else if(h.hasFormat(i,"text"))'
    (folder / "1.js").write_text(f'if("notebook"===n.type{asked}{then}')
    site.leave_json_as_it_is(tmp_path)
    assert (folder / "1.js").read_text() == f'if("notebook"===n.type{then}'
    with pytest.raises(LookupError):
        site.leave_json_as_it_is(tmp_path)
