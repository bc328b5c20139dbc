"""CEL, the Common Expression Language, as Kubernetes speaks it.

A text becomes a syntax tree (`syntax`, with `macros`), is checked against the types of its variables (`checker`) and
turned into closures (`evaluator`); `environment` brings the three together, `library` holds what can be called. Rules
of custom resources, admission policies and match conditions all come here.
"""

from __future__ import annotations

from k8snb.machinery.cel.environment import Environment, Program
from k8snb.machinery.cel.nodes import CompileError
from k8snb.machinery.cel.types import Struct, Type
from k8snb.machinery.cel.values import EvaluationError

__all__ = ["CompileError", "Environment", "EvaluationError", "Program", "Struct", "Type"]
