"""Commands on text: they read files or standard input and write lines."""

from __future__ import annotations

import base64 as encoding
import hashlib
import re
from itertools import islice

from k8snb.kubelet.images.commands.files import split, texts
from k8snb.kubelet.images.shell.builtins import unescape
from k8snb.kubelet.images.shell.interpreter import Command, Invocation
from k8snb.kubelet.images.shell.streams import Run, Wait

MOST_LINES = 1_000_000


def pattern(text: str, *, extended: bool, fixed: bool = False, ignore_case: bool = False) -> re.Pattern[str]:
    """A POSIX regular expression as Python's: in basic ones `\\(`, `\\|`, `\\+` are the special forms."""
    if fixed:
        text = re.escape(text)
    elif not extended:
        text = re.sub(r"\\([(){}|+?])|([(){}|+?])", lambda m: m.group(1) or f"\\{m.group(2)}", text)
    for name, members in (("digit", "0-9"), ("alpha", "a-zA-Z"), ("alnum", "a-zA-Z0-9"), ("space", r"\s")):
        text = text.replace(f"[:{name}:]", members)
    return re.compile(text, re.IGNORECASE if ignore_case else 0)


def grep(call: Invocation) -> int:
    letters, words = split(call)
    if not words:
        return call.fail("usage: grep PATTERN [FILE]...", 2)
    extended = "E" in letters or call.argv[0].endswith("egrep")
    wanted = pattern(words[0], extended=extended, fixed="F" in letters, ignore_case="i" in letters)
    found, code = texts(call, words[1:])
    matched = 0
    for name, text in found:
        for number, line in enumerate(text.splitlines(), 1):
            match = wanted.search(line)
            if (match is None) != ("v" in letters):
                continue
            matched += 1
            if "q" in letters or "c" in letters:
                continue
            prefix = f"{name}:" if len(words) > 2 else ""
            shown = match.group() if "o" in letters and match else line
            call.streams.out(f"{prefix}{f'{number}:' if 'n' in letters else ''}{shown}\n")
    if "c" in letters:
        call.streams.out(f"{matched}\n")
    return 2 if code else int(matched == 0)


_SUBSTITUTE = re.compile(r"(?:(\d+|\$|/(?:[^/\\]|\\.)*/)?)s(.)(.*)", re.DOTALL)


def sed(call: Invocation) -> int:
    letters, words = split(call)
    extended = "E" in letters or "r" in letters
    if "e" in letters and "-e" not in call.argv[1:2]:
        letters = letters.replace("e", "")
    if not words:
        return call.fail("no script", 1)
    found, code = texts(call, words[1:])
    quiet = "n" in letters
    for name, text in found:
        result = "".join(_edited(line, words[0], extended, quiet) for line in text.splitlines(keepends=True))
        if "i" in letters:
            call.process.files.write(call.shell.path(name), result)
        else:
            call.streams.out(result)
    return code


def _edited(line: str, script: str, extended: bool, quiet: bool) -> str:
    body = line.rstrip("\n")
    end = line[len(body) :]
    printed = ""
    for step in script.split(";"):
        step = step.strip()
        if match := _SUBSTITUTE.fullmatch(step):
            body, again = _substituted(body, match.group(2), match.group(3), extended)
            printed += f"{body}{end}" if again else ""
        elif (match2 := re.fullmatch(r"/(.*)/([dp])", step)) and pattern(match2.group(1), extended=extended).search(
            body
        ):
            if match2.group(2) == "d":
                return printed
            printed += f"{body}{end}"
    return printed + ("" if quiet else f"{body}{end}")


def _substituted(body: str, delimiter: str, rest: str, extended: bool) -> tuple[str, bool]:
    pieces = re.split(rf"(?<!\\){re.escape(delimiter)}", rest)
    old, new, flags = (*pieces, "", "", "")[:3]
    replacement = re.sub(
        r"\\(\d)|(?<!\\)&", lambda m: rf"\g<{m.group(1) or 0}>", new.replace(f"\\{delimiter}", delimiter)
    )
    wanted = pattern(old.replace(f"\\{delimiter}", delimiter), extended=extended, ignore_case="i" in flags)
    result, count = wanted.subn(replacement, body, count=0 if "g" in flags else 1)
    return result, "p" in flags and count > 0


def word_count(call: Invocation) -> int:
    letters, names = split(call)
    found, code = texts(call, names)
    for name, text in found:
        counts = {"l": text.count("\n"), "w": len(text.split()), "c": len(text.encode())}
        shown = " ".join(str(counts[letter]) for letter in "lwc" if not letters or letter in letters)
        call.streams.out(f"{shown}{f' {name}' if names else ''}\n")
    return code


def sort(call: Invocation) -> int:
    letters, names = split(call)
    found, code = texts(call, names)
    lines = [line for _, text in found for line in text.splitlines()]
    numeric = (
        (lambda line: (float(m.group()) if (m := re.match(r"\s*-?[0-9.]+", line)) else 0.0, line))
        if "n" in letters
        else None
    )
    lines.sort(key=numeric, reverse="r" in letters)
    if "u" in letters:
        lines = list(dict.fromkeys(lines))
    call.streams.out("".join(f"{line}\n" for line in lines))
    return code


def unique(call: Invocation) -> int:
    letters, names = split(call)
    found, code = texts(call, names)
    groups: list[list[str]] = []
    for line in "".join(text for _, text in found).splitlines():
        if groups and groups[-1][0] == line:
            groups[-1].append(line)
        else:
            groups.append([line])
    for group in groups:
        call.streams.out(f"{len(group):>7} {group[0]}\n" if "c" in letters else f"{group[0]}\n")
    return code


def translate(call: Invocation) -> int:
    letters, words = split(call)
    text = call.streams.input.read()
    source = _characters(words[0]) if words else ""
    if "d" in letters:
        call.streams.out("".join(c for c in text if c not in source))
        return 0
    target = _characters(words[1]) if len(words) > 1 else ""
    table = {ord(c): target[min(i, len(target) - 1)] for i, c in enumerate(source)} if target else {}
    call.streams.out(text.translate(table))
    return 0


def _characters(text: str) -> str:
    text = unescape(text)
    for name, members in (
        ("upper", "A-Z"),
        ("lower", "a-z"),
        ("digit", "0-9"),
        ("space", " \t\n\r"),
        ("alnum", "0-9A-Za-z"),
    ):
        text = text.replace(f"[:{name}:]", members)
    return re.sub(r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m.group(1)), ord(m.group(2)) + 1))), text)


def cut(call: Invocation) -> int:
    delimiter, fields, names = "\t", "1", []
    words = list(call.argv[1:])
    by_character = False
    while words:
        word = words.pop(0)
        if word[:2] in {"-d", "-f", "-c"}:
            value = word[2:] or (words.pop(0) if words else "")
            if word[1] == "d":
                delimiter = value
            else:
                fields, by_character = value, word[1] == "c"
        else:
            names.append(word)
    found, code = texts(call, names)
    for line in "".join(text for _, text in found).splitlines():
        pieces = list(line) if by_character else line.split(delimiter)
        chosen = [pieces[i - 1] for i in _numbers(fields, len(pieces))] if len(pieces) > 1 or by_character else pieces
        call.streams.out(("" if by_character else delimiter).join(chosen) + "\n")
    return code


def _numbers(text: str, count: int) -> list[int]:
    found: list[int] = []
    for piece in text.split(","):
        first, dash, last = piece.partition("-")
        start = int(first or 1)
        stop = (int(last) if last else count) if dash else start
        found += range(start, min(stop, count) + 1)
    return found


def tee(call: Invocation) -> int:
    letters, names = split(call)
    text = call.streams.input.read()
    for name in names:
        call.process.files.write(call.shell.path(name), text, append="a" in letters)
    call.streams.out(text)
    return 0


def awk(call: Invocation) -> int:
    """`awk '{print $N, …}'` with `-F`: the one-liners that manifests carry."""
    words = list(call.argv[1:])
    separator: str | None = None
    if words and words[0].startswith("-F"):
        first = words.pop(0)
        separator = first[2:] or (words.pop(0) if words else None)
    program = words.pop(0) if words else ""
    match = re.fullmatch(r"\s*(?:/(.*)/)?\s*\{\s*print\s*(.*?);?\s*\}\s*", program)
    if match is None:
        return call.fail("only '[/pattern/] {print …}' is understood here", 2)
    found, code = texts(call, words)
    for number, line in enumerate("".join(text for _, text in found).splitlines(), 1):
        if match.group(1) and not pattern(match.group(1), extended=True).search(line):
            continue
        call.streams.out(_printed(line, number, separator, match.group(2)) + "\n")
    return code


def _printed(line: str, number: int, separator: str | None, expression: str) -> str:
    fields = line.split(separator)

    def value(term: str) -> str:
        if term.startswith('"'):
            return unescape(term.strip('"'))
        if term == "$NF":
            return fields[-1] if fields else ""
        if term in {"$0", ""}:
            return line
        if term in {"NR", "NF"}:
            return str(number if term == "NR" else len(fields))
        index = int(term[1:]) if term[1:].isdigit() else 0
        return fields[index - 1] if 0 < index <= len(fields) else ""

    groups = [re.findall(r'"[^"]*"|\$?\w+', group) for group in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', expression)]
    return " ".join("".join(value(term) for term in group) if group else line for group in groups)


def sequence(call: Invocation) -> int:
    numbers = [int(word) for word in call.argv[1:] if re.fullmatch(r"-?[0-9]+", word)]
    first, step, last = (
        (1, 1, *numbers) if len(numbers) == 1 else (numbers[0], 1, numbers[1]) if len(numbers) == 2 else numbers
    )
    numbers = list(islice(range(first, last + (1 if step > 0 else -1), step), MOST_LINES))
    call.streams.out("".join(f"{n}\n" for n in numbers))
    return 0


def yes(call: Invocation) -> Run:
    text = f"{' '.join(call.argv[1:]) or 'y'}\n"
    while True:
        call.streams.out(text)
        yield Wait(1.0, steady=True, busy=True)


def base64(call: Invocation) -> int:
    letters, names = split(call)
    found, code = texts(call, names)
    for _, text in found:
        if "d" in letters:
            call.streams.out(encoding.b64decode(text).decode(errors="replace"))
        else:
            call.streams.out(encoding.b64encode(text.encode()).decode() + "\n")
    return code


def digest(call: Invocation) -> int:
    """`md5sum`, `sha256sum`."""
    _, names = split(call)
    found, code = texts(call, names)
    kind = call.argv[0].rpartition("/")[2].removesuffix("sum")
    for name, text in found:
        call.streams.out(f"{hashlib.new(kind, text.encode(), usedforsecurity=False).hexdigest()}  {name}\n")
    return code


def arguments(call: Invocation) -> Run:
    """`xargs`: a command with the words of standard input as further arguments."""
    words = [word for word in call.argv[1:] if word not in {"-r", "-t"}]
    return (yield from call.shell.invoke([*(words or ["echo"]), *call.streams.input.read().split()], call.streams))


COMMANDS: dict[str, Command] = {
    "awk": awk, "base64": base64, "cut": cut, "egrep": grep, "grep": grep, "md5sum": digest, "sed": sed,
    "seq": sequence, "sha256sum": digest, "sort": sort, "tee": tee, "tr": translate, "uniq": unique,
    "wc": word_count, "xargs": arguments, "yes": yes,
}  # fmt: skip
