"""Where else the book starts: what Binder, Colab and a dev container begin with is there, as they take it."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

from jsonschema import Draft201909Validator

from tests.book.conftest import ROOT

HERE = Path(__file__).parent
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_dev_container_is_written_as_its_schema_wants_it() -> None:
    schema = json.loads((HERE / "devcontainer.schema.json").read_text())
    assert [error.message for error in Draft201909Validator(schema).iter_errors(CONTAINER)] == []


def test_the_dev_container_makes_the_environment_that_make_makes() -> None:
    target = CONTAINER["updateContentCommand"].removeprefix("make ")
    assert f"{target}:" in MAKEFILE
    assert set(map(str, CONTAINER["forwardPorts"])) == set(CONTAINER["portsAttributes"])
    for port in CONTAINER["portsAttributes"].values():
        command = re.search(r"make (\w+)", port["label"])
        assert command
        assert f"{command[1]}:" in MAKEFILE


def test_binder_installs_what_everybody_else_installs() -> None:
    # Beside a folder `.binder`, repo2docker reads nothing at the root, and installs after it has copied the repository.
    nested = (ROOT / ".binder" / "requirements.txt").read_text().removeprefix("-r ").strip()
    assert (ROOT / ".binder" / nested).resolve() == (ROOT / "requirements.txt").resolve()
    assert (ROOT / "requirements.txt").read_text().splitlines()[-1] == "-e ."
    assert (ROOT / ".binder" / "runtime.txt").read_text() == "python-3.11\n"


def imports() -> set[str]:
    """The packages that cells of pages import."""
    pages = (json.loads(page.read_text())["cells"] for page in ROOT.glob("chapters/*/*.ipynb"))
    code = ("".join(cell["source"]) for cells in pages for cell in cells if cell["cell_type"] == "code")
    return {found for text in code for found in re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)}


def test_in_colab_everything_is_installed_that_a_page_imports() -> None:
    guide, readme = (ROOT / "chapters" / "reference" / "workshops.md").read_text(), (ROOT / "README.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = set(re.findall(r'"book\[([\w,]+)\]"', guide + readme))
    assert len(extras) == 1
    wanted = [each for name in extras.pop().split(",") for each in project["optional-dependencies"][name]]
    installed = {re.split(r"[<>=]", each)[0].lower() for each in wanted} | {"k8snb", *sys.stdlib_module_names}
    assert {name for name in imports() if name.lower() not in installed} == set()
    assert "ipython>=7.34" in wanted  # Colab breaks without its own one


def test_every_place_has_a_python_that_the_package_takes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    image = (ROOT / "workshop" / "Dockerfile").read_text()
    found = re.findall(r"python:(3\.\d+)", CONTAINER["image"] + image)
    assert found == ["3.12", "3.11"]


SCHEMAS = Path(sys.prefix, "share/jupyter/lab/schemas")


def test_settings_of_the_image_are_settings_of_jupyterlab() -> None:
    settings = json.loads((ROOT / "workshop" / "overrides.json").read_text())
    for plugin, values in settings.items():
        schema = json.loads(SCHEMAS.joinpath(*plugin.split(":")).with_suffix(".json").read_text())
        assert [error.message for error in Draft201909Validator(schema).iter_errors(values)] == []
