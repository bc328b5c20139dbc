"""The magics of a notebook: `%kubectl`, `%%kubectl`, `%%apply` and `%curl`.

    %load_ext k8snb

    %kubectl get pods -o wide
    %etcdctl get /registry/pods/ --prefix --keys-only

    %%kubectl                          %%apply
    create namespace shop              apiVersion: v1
    get namespaces                     kind: Pod …

A cell is no shell, but it has what commands mostly need: one command a line, quotes, `#` for remarks, `\\` at the end
of a line that goes on in the next, `<<END` for what a command reads, and `| kubectl` for a command that reads what
another one printed. There are no other pipes, redirections or `&&`;
`-o jsonpath`, `-o go-template` and `-l` choose what is shown. `%%kubectl edit deploy/web` takes the edit from the cell.

They ask the cluster that was made last, or that `k8snb.use(cluster)` chose. What a command prints is written as
plain text, errors too: a command that fails stops nothing. In a line, `{name}` stands for the notebook's variable
of that name. `%curl` asks from a machine outside the cluster, which knows its Services only by the addresses that they
have for the outside; `--resolve HOST:PORT:ADDRESS` says where a host is.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from k8snb.current import current
from k8snb.errors import Absent
from k8snb.i18n import _
from k8snb.kubectl.command import run
from k8snb.kubectl.output import Output

_VARIABLE = re.compile(r"\{([A-Za-z_]\w*)\}")
_TEMPLATE_WORDS = frozenset(("range", "end"))
_SHELL = frozenset(("|", "||", "&", "&&", ";", ">", ">>", "<", "2>&1", "|&"))
_HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1\s*$")


_PIPE = re.compile(r" \| (kubectl|helm) ")
Run = Callable[[Any, str, str], Output]
"""Runs a command line against a cluster, with what it reads."""


_PROGRAMS: dict[str, Run] = {}


class Command(NamedTuple):
    """One line of a cell, and what it reads."""

    line: str
    stdin: str = ""


def register(ipython: Any) -> None:
    """Give a notebook the magics."""
    from IPython.core.magic import no_var_expand

    add_magic(ipython, "kubectl", run)

    @no_var_expand  # type: ignore[untyped-decorator, unused-ignore]
    def apply(line: str, cell: str) -> None:
        _show(Command(f"apply -f - {filled(line, ipython.user_ns)}", cell), "kubectl")

    @no_var_expand  # type: ignore[untyped-decorator, unused-ignore]
    def etcdctl(line: str, cell: str = "") -> None:
        cluster = current()
        asked = filled(line, ipython.user_ns)
        sys.stdout.write(cluster.etcdctl(asked, cell) if cluster is not None else _no_cluster())

    ipython.register_magic_function(etcdctl, "line_cell", "etcdctl")

    @no_var_expand  # type: ignore[untyped-decorator, unused-ignore]
    def curl(line: str) -> None:
        cluster = current()
        sys.stdout.write(cluster.curl(filled(line, ipython.user_ns)) if cluster is not None else _no_cluster())

    ipython.register_magic_function(curl, "line", "curl")
    ipython.register_magic_function(apply, "cell", "apply")


def add_magic(ipython: Any, name: str, runs: Run) -> None:
    """Give a notebook the line and the cell magic of a program that asks a cluster."""
    from IPython.core.magic import no_var_expand

    _PROGRAMS[name] = runs

    @no_var_expand  # type: ignore[untyped-decorator, unused-ignore]
    def magic(line: str, cell: str | None = None) -> None:
        if cell is None:
            _show(Command(filled(line, ipython.user_ns)), name)
        elif _wants_input(line):
            _show(Command(filled(line, ipython.user_ns), cell), name)
        else:
            for command in commands(cell, name):
                filled_in = command._replace(line=filled(f"{command.line} {line}".strip(), ipython.user_ns))
                sys.stdout.write(f"$ {name} {filled_in.line}\n")
                _show(filled_in, name)

    ipython.register_magic_function(magic, "line_cell", name)


def _show(command: Command, name: str) -> None:
    cluster = current()
    if cluster is None:
        sys.stdout.write(_no_cluster())
        return
    parts = [name, *_PIPE.split(command.line)]
    pairs = list(zip(parts[::2], parts[1::2], strict=True))
    sign = next(filter(None, (shell_sign(line) for _program, line in pairs)), "")
    if sign:
        hint = _("this is no shell and knows no {sign}: write one command a line, and let <<END say what it reads")
        sys.stdout.write(f"error: {hint.format(sign=sign)}\n")
        return
    stdin = command.stdin
    for program, line in pairs[:-1]:
        output = _PROGRAMS[program](cluster, line, stdin)
        sys.stdout.write(output.stderr)
        stdin = output.stdout
    program, line = pairs[-1]
    sys.stdout.write(_PROGRAMS[program](cluster, line, stdin).text)


def _no_cluster() -> str:
    return _("there is no cluster yet: make one with Cluster(), or choose one with k8snb.use()") + "\n"


def shell_sign(line: str) -> str:
    """The first word of a line that only a shell would understand (`|`, `>`, `&&`); empty if there is none."""
    try:
        words = shlex.split(line)
    except ValueError:
        return ""
    before = words[: words.index("--")] if "--" in words else words
    return next((word for word in before if word in _SHELL), "")


def _wants_input(line: str) -> bool:
    """Whether the cell below a line is what the command reads: it is, if the line names a command."""
    try:
        words = shlex.split(line)
    except ValueError:
        return True
    return any(not word.startswith("-") for word in words[:1])


def filled(line: str, variables: Mapping[str, Any]) -> str:
    """The line with `{name}` replaced by the variable's value, where there is one that is text or a number."""

    def value(match: re.Match[str]) -> str:
        found = variables.get(match[1])
        if isinstance(found, Absent):
            found.refuse()
        known = isinstance(found, (str, int)) and match[1] not in _TEMPLATE_WORDS
        return str(found) if known else match[0]

    return _VARIABLE.sub(value, line)


def commands(cell: str, name: str = "kubectl") -> Iterator[Command]:
    """The commands of a cell, one a line; `\\` goes on in the next, `<<END` reads on to `END`, `#` says why."""
    lines = iter(cell.splitlines())
    for line in lines:
        text = line.strip()
        while text.endswith("\\"):
            text = text[:-1].rstrip() + " " + next(lines, "").strip()
        if not text or text.startswith("#"):
            continue
        text = text.removeprefix(f"{name} ").strip()
        here = _HERE.search(text)
        if here is None:
            yield Command(text)
        else:
            yield Command(text[: here.start()].rstrip(), "".join(_until(lines, here[2])))


def _until(lines: Iterator[str], end: str) -> Iterator[str]:
    for line in lines:
        if line.strip() == end:
            return
        yield f"{line}\n"
