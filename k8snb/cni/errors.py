"""What goes wrong between a runtime and a plugin: the specification's numbers, and errors that carry them."""

from __future__ import annotations

import json

INCOMPATIBLE_VERSION = 1
UNSUPPORTED_FIELD = 2
UNKNOWN_CONTAINER = 3
INVALID_ENVIRONMENT = 4
IO_FAILURE = 5
DECODING_FAILURE = 6
INVALID_CONFIG = 7
TRY_AGAIN_LATER = 11
NOT_AVAILABLE = 50
LIMITED_CONNECTIVITY = 51
INTERNAL = 999
"""What plugins say that have no number of their own; the specification leaves those from 100 on to them."""


class CNIError(Exception):
    """A plugin cannot do what it was asked for; `code` is the specification's."""

    def __init__(self, code: int, message: str, details: str = "") -> None:
        super().__init__(f"{message}; {details}" if details else message)
        self.code = code
        self.message = message
        self.details = details

    def document(self, version: str) -> str:
        """The error as a plugin writes it to its standard output."""
        more = {"details": self.details} if self.details else {}
        return json.dumps({"cniVersion": version, "code": self.code, "msg": self.message, **more}, indent=4)


def of_document(text: str, plugin: str) -> CNIError:
    """The error that a plugin wrote, or one that says that it wrote none."""
    try:
        found = json.loads(text)
        return CNIError(int(found["code"]), str(found["msg"]), str(found.get("details", "")))
    except (ValueError, KeyError, TypeError):
        return CNIError(INTERNAL, f"netplugin failed with no error message: {plugin}")
