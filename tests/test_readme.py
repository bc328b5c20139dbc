"""What the README promises to those who test with a cluster is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from k8snb import Cluster

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_test_that_the_readme_shows_passes() -> None:
    [code] = [each for each in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "pytest_plugins" in each]
    shown: dict[str, Any] = {}
    exec(code, shown)
    [test] = [each for name, each in shown.items() if name.startswith("test_")]
    test(Cluster(nodes=3, seed=1))
