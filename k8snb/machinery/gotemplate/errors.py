"""What can be wrong with a template, in Go's words."""

from __future__ import annotations


class TemplateError(Exception):
    """A template cannot be read or carried out."""


class ParseError(TemplateError):
    """The text is not a template: `template: web:3: unexpected "}" in operand`."""


class ExecutionError(TemplateError):
    """The template does not fit its data. `written` is what it had printed until then."""

    def __init__(self, message: str, written: str = "") -> None:
        super().__init__(message)
        self.written = written


class FunctionError(Exception):
    """A function cannot do what it was called for; the template says where and which."""
