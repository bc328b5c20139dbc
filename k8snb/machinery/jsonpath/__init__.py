"""JSONPath templates: text with expressions in braces.

`parser` turns a template into nodes, `evaluator` walks an object along them. It is the dialect of client-go,
which differs from other JSONPaths: `range` and `end`, quoted text inside braces, results of one expression
separated by spaces, and no error for a field that is missing.

Upstream: `client-go/util/jsonpath`.
"""

from k8snb.machinery.jsonpath.evaluator import JSONPath
from k8snb.machinery.jsonpath.parser import JSONPathError, relaxed

__all__ = ["JSONPath", "JSONPathError", "relaxed"]
