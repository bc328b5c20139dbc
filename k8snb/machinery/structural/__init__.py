"""Custom resources as their definition describes them.

`schema` is the structural schema as a tree; along it values are pruned and defaulted (`shaping`), checked (`checking`)
and held against rules in CEL (`rules`, with `celtypes`). All of it is pure and works on objects as they are, without
changing them. Upstream: `apiextensions-apiserver/pkg/apiserver/schema`.
"""

from __future__ import annotations

from k8snb.machinery.structural.schema import Structural

__all__ = ["Structural"]
