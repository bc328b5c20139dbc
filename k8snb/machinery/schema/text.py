"""JSON and YAML texts as Go's libraries read them: same values, same complaints.

Python's readers are used for what they are good at; where they refuse, `gojson` finds the words that Go has
for it. Both readers say which fields an object holds twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from typing import Any

import orjson
import yaml

from k8snb.machinery.schema.gojson import complaint

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_EXPANDED = 1_000_000
"""How many values a YAML document may stand for by repeating itself."""

_SLOW: Any = object()
_CONTAINERS = (dict, list)
_FAR_COLON = re.compile(rb'"\s+:')
_LONG_NUMBER = re.compile(rb"[0-9]{16}")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Repeating(dict[str, Any]):
    """An object whose text gave some field more than once."""

    repeated: tuple[str, ...]


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    repeating = _Repeating(found)
    repeating.repeated = tuple(dict.fromkeys(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return repeating


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_no_constant)


def _plainly_read(body: bytes) -> Any:
    """The value in a text of which it is plain to see that no field is given twice; `_SLOW` for any other.

    Without a backslash, a quote and a colon side by side end a key and nothing else: there are as many as keys were
    written, unless some key has its colon further away. What is hard to read is left to the careful reader.
    """
    if b"\\" in body or _FAR_COLON.search(body) or _LONG_NUMBER.search(body):
        return _SLOW
    try:
        value = orjson.loads(body)
    except ValueError:
        return _SLOW
    return value if _keys(value) == body.count(b'":') else _SLOW


def _keys(value: Any) -> int:
    """How many keys all objects in a value have together."""
    if type(value) is dict:
        return len(value) + sum([_keys(item) for item in value.values() if type(item) in _CONTAINERS])
    if type(value) is list:
        return sum([_keys(item) for item in value if type(item) in _CONTAINERS])
    return 0


def parse_json(body: bytes | str) -> tuple[Any, list[str]]:
    """The value, and a problem such as `duplicate field "spec.replicas"` for every field given twice.

    Raises ValueError with the message of Go's decoder.
    """
    if isinstance(body, bytes) and (value := _plainly_read(body)) is not _SLOW:
        return value, []
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("exceeded max depth") from None
    except ValueError:
        raise ValueError(complaint(text)) from None
    if "\\u" in text:
        value = _whole(value)
    problems: list[str] = []
    if _repeats(value):
        value = _plain(value, "", problems)
    return value, problems


def _repeats(value: Any) -> bool:
    if type(value) is _Repeating:
        return True
    if isinstance(value, dict):
        return any(map(_repeats, value.values()))
    return isinstance(value, list) and any(map(_repeats, value))


def _plain(value: Any, path: str, problems: list[str]) -> Any:
    """The value without the marks; what they say goes to `problems`."""
    if isinstance(value, list):
        return [_plain(item, f"{path}[{index}]", problems) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    lead = f"{path}." if path else ""
    plain = {key: _plain(item, f"{lead}{key}", problems) for key, item in value.items()}
    if isinstance(value, _Repeating):
        problems += [f'duplicate field "{lead}{key}"' for key in value.repeated]
    return plain


def _whole(value: Any) -> Any:
    """The value with half surrogate pairs replaced, which no text may hold."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if not isinstance(value, dict):
        return value
    if type(value) is _Repeating:
        whole = _Repeating({_whole(key): _whole(item) for key, item in value.items()})
        whole.repeated = value.repeated
        return whole
    return {_whole(key): _whole(item) for key, item in value.items()}


class YAMLLoader(_Loader):  # type: ignore[misc]
    """YAML with the scalars that `sigs.k8s.io/yaml` knows: no dates, no base-60 numbers, every key a string."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012
    repeated: list[str]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping whose keys are texts; keys given twice are noted."""
        own = {id(key) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"}
        self.flatten_mapping(node)
        found: dict[Hashable, Any] = {}
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = _key(self.construct_object(key_node, deep=True))
            if key in seen and id(key_node) in own:
                line = key_node.start_mark.line + 1
                self.repeated.append(f'  line {line}: key "{key}" already set in map')
            if id(key_node) in own:
                seen.add(key)
            found[key] = self.construct_object(value_node, deep=True)
        return found


def _key(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        raise yaml.constructor.ConstructorError(None, None, f"invalid map key: {value}", None)
    return "null" if value is None else str(value)


def _mapping(loader: YAMLLoader, node: yaml.MappingNode) -> Any:
    return loader.construct_mapping(node)


def _sequence(loader: YAMLLoader, node: yaml.SequenceNode) -> list[Any]:
    return [loader.construct_object(item, deep=True) for item in node.value]


_TRUE = {"y", "yes", "true", "on"}


def _bool(loader: YAMLLoader, node: yaml.ScalarNode) -> bool:
    return str(loader.construct_scalar(node)).lower() in _TRUE


def _int(loader: YAMLLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-").lower()
    for prefix, base in (("0x", 16), ("0b", 2), ("0o", 8)):
        if digits.startswith(prefix):
            return sign * int(digits[2:], base)
    octal = len(digits) > 1 and digits.startswith("0") and not set(digits) & set("89")
    return sign * int(digits, 8 if octal else 10)


def _float(loader: YAMLLoader, node: yaml.ScalarNode) -> float:
    """A number that is whole becomes an integer, as on the way through Go's JSON."""
    text = str(loader.construct_scalar(node)).replace("_", "").lower()
    if text.endswith((".inf", ".nan")):
        raise yaml.constructor.ConstructorError(None, None, f"json: unsupported value: {text}", None)
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def _string(loader: YAMLLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


def _resolve(tag: str, pattern: str, first: str) -> None:
    compiled = re.compile(f"(?:{pattern})\\Z")
    for character in first:
        entry = (f"tag:yaml.org,2002:{tag}", compiled)
        YAMLLoader.yaml_implicit_resolvers.setdefault(character, []).append(entry)


_WORDS = "true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|y|Y|n|N"
_resolve("merge", "<<", "<")
_resolve("null", "~|null|Null|NULL|", "~nN")
YAMLLoader.yaml_implicit_resolvers[""] = [("tag:yaml.org,2002:null", re.compile(r"\Z"))]
_resolve("bool", _WORDS, "tTfFyYnNoO")
_resolve("int", r"[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[bB][01_]+|[-+]?0o[0-7_]+|[-+]?[0-9][0-9_]*", "-+0123456789")
_resolve("float", r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789")
_resolve("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.")
for _tag, _constructor in (("map", _mapping), ("seq", _sequence), ("bool", _bool), ("int", _int), ("float", _float)):
    YAMLLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _constructor)
for _tag in ("str", "timestamp", "binary"):
    YAMLLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _string)


def parse_yaml(body: bytes | str) -> tuple[Any, list[str]]:
    """The value of a text with one YAML document, and what Go's strict reader says of keys given twice.

    Raises ValueError with the message of `sigs.k8s.io/yaml`.
    """
    documents = parse_yaml_documents(body)
    return documents[0] if documents else (None, [])


def parse_yaml_documents(body: bytes | str) -> list[tuple[Any, list[str]]]:
    """Every document of a text. Raises ValueError with the message of `sigs.k8s.io/yaml`."""
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    try:
        loader = YAMLLoader(text)
        documents: list[tuple[Any, list[str]]] = []
        while loader.check_data():
            loader.repeated = []
            value = loader.get_data()
            if "*" in text and _expanded(value, {}) > MAX_EXPANDED:
                raise ValueError("yaml: document contains excessive aliasing")
            problem = "yaml: unmarshal errors:\n" + "\n".join(loader.repeated)
            documents.append((value, [problem] if loader.repeated else []))
        return documents
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"yaml: {_yaml_complaint(error)}") from None


def _expanded(value: Any, known: dict[int, int]) -> int:
    """How many values there are when every alias is written out."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in known:
        items = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_expanded(item, known) for item in items)
    return known[id(value)]


def _yaml_complaint(error: Exception) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return "control characters are not allowed"
    if not isinstance(error, yaml.MarkedYAMLError):
        return "exceeded max depth"
    marks = (error.context_mark, error.problem_mark)
    line = next((mark.line for mark in marks if mark is not None and mark.line), 0)
    line += bool(line) and isinstance(error, yaml.scanner.ScannerError)  # the scanner has not counted the line yet
    return f"line {line}: {error.problem}" if line else str(error.problem)
