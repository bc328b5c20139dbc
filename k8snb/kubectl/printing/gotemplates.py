"""`-o go-template=…` and `--template`: output as a template of one's own lays it out.

Upstream: `cli-runtime/pkg/printers/template.go`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.kubectl.errors import CommandError, Halfway
from k8snb.kubectl.files import read_file
from k8snb.machinery.gotemplate import FunctionError, TemplateError, Templates, from_json, sprintf
from k8snb.machinery.jsontext import json_text
from k8snb.typing import Object


def _exists(item: Any, *keys: Any) -> bool:
    """Whether a value has something at a path of keys and places."""
    for key in keys:
        try:
            item = item[key]
        except (LookupError, TypeError):
            return False
    return item is not None


def _base64decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        bad = next((at for at, char in enumerate(text) if not (char.isalnum() or char in "+/=")), len(text) // 4 * 4)
        raise FunctionError(f"base64 decode failed: illegal base64 data at input byte {bad}") from None


FUNCTIONS: Mapping[str, Callable[..., Any]] = {"exists": _exists, "base64decode": _base64decode}
"""What kubectl's templates know beyond Go's own functions."""


def template_printer(format: str, argument: str, *, missing: bool) -> Callable[[Object], str]:
    """The printer of a template; `missing` allows keys that an object does not have."""
    if not argument:
        raise CommandError("template format specified but no template given")
    text = read_file(argument, f"error reading --template {argument}, ") if format.endswith("file") else argument
    templates = Templates(FUNCTIONS, missing="default" if missing else "error")
    try:
        templates.add("output", text)
    except TemplateError as error:
        raise CommandError(f"error parsing template {text}, {error}") from None

    def render(obj: Object) -> str:
        try:
            return templates.render("output", from_json(obj))
        except TemplateError as error:
            raise TemplateFailure(text, obj, error) from None

    return render


class TemplateFailure(Halfway):
    """A template that does not fit an object. `printed` is what it wrote, and what helps to mend it."""

    def __init__(self, text: str, obj: Object, error: TemplateError) -> None:
        super().__init__(
            f"error executing template {sprintf('%q', [text])}: {error}",
            f"{getattr(error, 'written', '')}Error executing template: {error}. "
            "Printing more information for debugging the template:\n"
            f"\ttemplate was:\n\t\t{text}\n"
            f"\traw data was:\n\t\t{json_text(obj)}\n"
            f"\tobject given to template engine was:\n\t\t{sprintf('%+v', [from_json(obj)])}\n\n",
        )
