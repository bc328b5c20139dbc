"""A refusal is an answer: whoever reads a notebook sees what was said."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from k8snb import Cluster


def test_a_notebook_shows_the_words_of_a_refusal_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.push({"cluster": Cluster(nodes=0)})
    shell.run_cell('cluster.client.get("pods", "web", "default")')
    assert capsys.readouterr().out.strip() == 'StatusError: pods "web" not found'
