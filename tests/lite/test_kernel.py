"""A page in the kernel of the edition for browsers, run by Node.js without a browser. `make lite` first."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lite.pages import LITE, ONE, built, kept, said


@built
@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js on this machine")
def test_a_page_says_in_the_kernel_of_the_browser_what_it_says_on_the_page() -> None:
    command = ["node", Path(__file__).with_name("kernel.mjs"), LITE, ONE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [said(cell) for cell in json.loads(done.stdout)["cells"]] == kept(ONE)
