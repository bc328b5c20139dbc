"""The magics `%helm` and `%%helm`: a line is a command; a cell is commands, one a line, or what one command reads.

%helm install web ./web --set replicaCount=3

%%helm upgrade web ./web -f -
replicaCount: 2
"""

from __future__ import annotations

from typing import Any

from k8snb.helm.command import run
from k8snb.kubectl.magic import add_magic


def register(ipython: Any) -> None:
    """Give a notebook the magics."""
    add_magic(ipython, "helm", run)
