"""What an expression of a policy came to, and what it says where it does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from k8snb.machinery.cel import CompileError, Environment, EvaluationError
from k8snb.machinery.cel.meter import Budget
from k8snb.typing import Object


class Verdict(NamedTuple):
    """What an expression of a policy came to. `message` is empty where all is well."""

    policy: str
    binding: str
    expression: str
    message: str
    reason: str = ""
    always: bool = False
    """Whether it refuses whatever the binding says is to be done."""


def said(rule: Object, environment: Environment, values: Mapping[str, Any], budget: Budget) -> str:
    """What a validation says when it does not hold."""
    if rule.get("messageExpression"):
        try:
            text = environment.compile(rule["messageExpression"])(values, budget)
        except (CompileError, EvaluationError):
            text = ""
        if isinstance(text, str) and text.strip() and "\n" not in text.strip():
            return text.strip()
    if rule.get("message"):
        return str(rule["message"]).strip()
    return f"failed expression: {str(rule['expression']).strip()}"
