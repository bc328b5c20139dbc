"""Text: cutting, padding, changing case, quoting. Upstream: sprig's `strings.go`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.helm.functions.numbers import to_int
from k8snb.helm.functions.values import strval, text_list
from k8snb.machinery.gotemplate import FunctionError, sprintf
from k8snb.machinery.gotemplate.values import is_list

# -- cutting -------------------------------------------------------------------------------------------


def _trunc(count: int, text: str) -> str:
    data = text.encode()
    if count < 0 and len(data) + count > 0:
        return data[count:].decode(errors="replace")
    return data[:count].decode(errors="replace") if count >= 0 else text


def _substr(start: int, end: int, text: str) -> str:
    data = text.encode()
    if start < 0:
        return data[: max(end, 0)].decode(errors="replace")
    if end < 0 or end > len(data):
        return data[start:].decode(errors="replace")
    return data[start:end].decode(errors="replace")


def _abbrev(width: int, text: str) -> str:
    return text if width < 4 or len(text) <= width else text[: width - 3] + "..."


def _abbrevboth(left: int, right: int, text: str) -> str:
    if right < 4 or (left > 0 and right < 7) or len(text) <= right:
        return text
    if left <= 4:
        return text[: right - 3] + "..."
    if left + right - 3 < len(text):
        return "..." + _abbrev(right - 3, text[left:])
    return "..." + text[len(text) - (right - 3) :]


def _split(separator: str, text: str) -> dict[str, Any]:
    return {f"_{at}": part for at, part in enumerate(_parts(separator, text))}


def _splitn(separator: str, count: int, text: str) -> dict[str, Any]:
    parts = _parts(separator, text)
    if 0 < count < len(parts):
        parts = [*parts[: count - 1], separator.join(parts[count - 1 :])]
    return {f"_{at}": part for at, part in enumerate(parts)}


def _parts(separator: str, text: str) -> list[str]:
    return text.split(separator) if separator else list(text)


def _trim_all(letters: str, text: str) -> str:
    return text.strip(letters) if letters else text


def _trim_suffix(suffix: str, text: str) -> str:
    return text.removesuffix(suffix)


def _trim_prefix(prefix: str, text: str) -> str:
    return text.removeprefix(prefix)


def _trim(text: str) -> str:
    return text.strip()


def _initials(text: str) -> str:
    return "".join(word[0] for word in text.split())


# -- laying out ----------------------------------------------------------------------------------------


def _indent(spaces: int, text: str) -> str:
    pad = " " * spaces
    return pad + text.replace("\n", "\n" + pad)


def _nindent(spaces: int, text: str) -> str:
    return "\n" + _indent(spaces, text)


def _wrap_with(width: int, separator: str, text: str) -> str:
    return _wrapped(text, width, separator, break_words=True)


def _wrap(width: int, text: str) -> str:
    return _wrapped(text, width, "\n", break_words=False)


def _wrapped(text: str, width: int, separator: str, *, break_words: bool) -> str:
    """Lines of at most `width` letters, cut at spaces; a longer word is cut or stands alone."""
    width, lines, at = max(width, 1), [], 0
    while len(text) - at > width:
        if text[at] == " ":
            at += 1
            continue
        space = text.rfind(" ", at, at + width + 1)
        if space >= at:
            lines.append(text[at:space])
            at = space + 1
        elif break_words:
            lines.append(text[at : at + width])
            at += width
        else:
            space = text.find(" ", at + width)
            if space < 0:
                break
            lines.append(text[at:space])
            at = space + 1
    return separator.join([*lines, text[at:]])


def _repeat(count: int, text: str) -> str:
    if count < 0:
        raise FunctionError("strings: negative Repeat count")
    return text * count


def _quote(*values: Any) -> str:
    return " ".join(sprintf("%q", [strval(value)]) for value in values if value is not None)


def _squote(*values: Any) -> str:
    return " ".join(f"'{sprintf('%v', [value])}'" for value in values if value is not None)


def _cat(*values: Any) -> str:
    return " ".join(sprintf("%v", [value]) for value in values if value is not None)


def _replace(old: str, new: str, text: str) -> str:
    return text.replace(old, new)


def _plural(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


def _join(separator: str, values: Any) -> str:
    return separator.join(text_list(values))


def _sort_alpha(values: Any) -> list[str]:
    return sorted(text_list(values), key=str.encode) if is_list(values) else [strval(values)]


# -- case ----------------------------------------------------------------------------------------------

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _title(text: str) -> str:
    return re.sub(r"(?:(?<=^)|(?<=[^\w]))\w", lambda match: match[0].upper(), text)


def _untitle(text: str) -> str:
    return re.sub(r"(^|\s)(\S)", lambda match: match[1] + match[2].lower(), text)


def _swapcase(text: str) -> str:
    return text.swapcase()


def _upper(text: str) -> str:
    return text.upper()


def _lower(text: str) -> str:
    return text.lower()


def _words(text: str) -> Sequence[str]:
    return [word for part in re.split(r"[\s_\-.]+", text) for word in _WORD.findall(part)]


def _snakecase(text: str) -> str:
    return "_".join(_words(text)).lower()


def _kebabcase(text: str) -> str:
    return "-".join(_words(text)).lower()


def _camelcase(text: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[\s_\-]+", text))


# -- asking --------------------------------------------------------------------------------------------


def _contains(part: str, text: str) -> bool:
    return part in text


def _has_prefix(part: str, text: str) -> bool:
    return text.startswith(part)


def _has_suffix(part: str, text: str) -> bool:
    return text.endswith(part)


def _nospace(text: str) -> str:
    return "".join(text.split())


def _atoi(text: str) -> int:
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else 0


def _to_decimal(value: Any) -> Any:
    text = strval(value)
    return to_int(str(int(text, 8)) if re.fullmatch(r"[+-]?[0-7]+", text) else 0)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abbrev": _abbrev,
    "abbrevboth": _abbrevboth,
    "atoi": _atoi,
    "camelcase": _camelcase,
    "cat": _cat,
    "contains": _contains,
    "hasPrefix": _has_prefix,
    "hasSuffix": _has_suffix,
    "hello": lambda: "Hello!",
    "indent": _indent,
    "initials": _initials,
    "join": _join,
    "kebabcase": _kebabcase,
    "lower": _lower,
    "nindent": _nindent,
    "nospace": _nospace,
    "plural": _plural,
    "quote": _quote,
    "repeat": _repeat,
    "replace": _replace,
    "snakecase": _snakecase,
    "sortAlpha": _sort_alpha,
    "split": _split,
    "splitList": lambda separator, text: _parts(separator, text),
    "splitn": _splitn,
    "squote": _squote,
    "substr": _substr,
    "swapcase": _swapcase,
    "title": _title,
    "toDecimal": _to_decimal,
    "toString": strval,
    "toStrings": text_list,
    "trim": _trim,
    "trimAll": _trim_all,
    "trimall": _trim_all,
    "trimPrefix": _trim_prefix,
    "trimSuffix": _trim_suffix,
    "trunc": _trunc,
    "untitle": _untitle,
    "upper": _upper,
    "wrap": _wrap,
    "wrapWith": _wrap_with,
}
"""By name."""
