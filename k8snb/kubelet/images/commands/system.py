"""Commands about the system: time, environment, processes, other shells."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from k8snb.kubelet.hostnames import parsed
from k8snb.kubelet.images.program import PID_STEP, SIGNAL_NUMBERS
from k8snb.kubelet.images.shell import builtins
from k8snb.kubelet.images.shell.expander import Leave
from k8snb.kubelet.images.shell.interpreter import Command, Invocation, Shell
from k8snb.kubelet.images.shell.streams import Run, Wait
from k8snb.kubelet.images.shell.words import Arithmetic

FOREGROUND_SECONDS = 30.0
"""A sleep longer than this is meant to keep a container alive; nobody waits for it to end."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float | None:
    """Seconds of `5`, `0.5`, `2m`; None for `infinity`. Raises ValueError."""
    if text in {"infinity", "inf"}:
        return None
    match = re.fullmatch(r"([0-9]*\.?[0-9]+)([smhd]?)", text)
    if match is None:
        raise ValueError(text)
    return float(match.group(1)) * _UNITS[match.group(2) or "s"]


def sleep(call: Invocation) -> Run:
    if len(call.argv) < 2:
        return call.fail("missing operand")
    total = 0.0
    for word in call.argv[1:]:
        try:
            seconds = duration(word)
        except ValueError:
            return call.fail(f"invalid number '{word}'")
        if seconds is None:
            yield Wait(None)
            return 0
        total += seconds
    yield Wait(total, steady=call.shell.loops > 0 or total > FOREGROUND_SECONDS)
    return 0


def date(call: Invocation) -> int:
    words = iter(call.argv[1:])
    for word in words:
        if word in {"-d", "-D", "-r", "-s"}:
            next(words, None)
        elif not word.startswith(("-", "+")) and not re.fullmatch(r"[0-9.:-]+", word):
            return call.fail(f"invalid date '{word}'")
    moment = datetime.fromtimestamp(call.process.now, UTC)
    template = next((word[1:] for word in call.argv[1:] if word.startswith("+")), "")
    if any(word.startswith("-I") for word in call.argv[1:]):
        template = "%Y-%m-%dT%H:%M:%S+00:00" if "-Is" in " ".join(call.argv) else "%Y-%m-%d"
    if not template:
        template = f"%a %b {moment.day:>2} %H:%M:%S UTC %Y"
    template = template.replace("%s", str(int(call.process.now))).replace("%N", f"{moment.microsecond * 1000:09}")
    call.streams.out(moment.strftime(template.replace("%Z", "UTC").replace("%z", "+0000")) + "\n")
    return 0


def environment(call: Invocation) -> int | Run:
    """`env` and `printenv`."""
    words = list(call.argv[1:])
    variables = call.shell.environment()
    if call.argv[0].endswith("printenv") and words:
        if words[0] not in variables:
            return 1
        call.streams.out(f"{variables[words[0]]}\n")
        return 0
    while words and "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    if words:
        return call.shell.invoke(words, call.streams, variables)
    call.streams.out("".join(f"{name}={value}\n" for name, value in variables.items()))
    return 0


def hostname(call: Invocation) -> int:
    """`hostname`: `-f` is the full name by the first line of `/etc/hosts` that has it, `-d` the domain of that."""
    name, option = call.process.hostname, next((word for word in call.argv[1:] if word.startswith("-")), "")
    full = parsed(call.process.files.read("/etc/hosts")).get(name, ("", name))[1]
    said = {"-f": full, "-d": full.partition(".")[2], "-s": name.partition(".")[0], "-i": call.process.ip}
    call.streams.out(f"{said.get(option, name)}\n")
    return 0


def identity(call: Invocation) -> int:
    user = call.process.image.user
    name = "root" if user == 0 else str(user)
    if call.argv[0].endswith("whoami"):
        call.streams.out(f"{name}\n")
    elif "-u" in call.argv:
        call.streams.out(f"{user}\n")
    else:
        call.streams.out(f"uid={user}({name}) gid={user}({name}) groups={user}({name})\n")
    return 0


def uname(call: Invocation) -> int:
    if "-a" in call.argv:
        call.streams.out(f"Linux {call.process.hostname} 6.12.0 #1 SMP x86_64 GNU/Linux\n")
    else:
        call.streams.out(
            {"-r": "6.12.0", "-m": "x86_64", "-n": call.process.hostname}.get(call.argv[-1], "Linux") + "\n"
        )
    return 0


def processes(call: Invocation) -> int:
    call.streams.out("PID   USER     TIME  COMMAND\n")
    seen = call.process.processes()
    for pid, argv in {**seen, max(seen) + PID_STEP: call.argv}.items():
        call.streams.out(f"{pid:5} root      0:00 {' '.join(argv)}\n")
    return 0


def kill(call: Invocation) -> int:
    """`kill`, and `killall`/`pkill`, which mean the main process when they name it."""
    name, targets = "TERM", []
    words = list(call.argv[1:])
    while words:
        word = words.pop(0)
        if word in {"-s", "-signal"} and words:
            name = words.pop(0)
        elif word.startswith("-") and word != "--":
            name = word[1:]
        else:
            targets.append(word)
    name = name.removeprefix("SIG").upper()
    name = next((known for known, number in SIGNAL_NUMBERS.items() if str(number) == name), name)
    code = 0
    for target in targets:
        by_name = not call.argv[0].endswith("/kill") and call.argv[0] != "kill"
        pid = _number(call, target, by_name=by_name)
        if name != "0" and not call.process.kill(pid, name):
            code = call.fail(f"can't kill pid {target}: No such process")
    return code


def _number(call: Invocation, target: str, *, by_name: bool) -> int:
    """The number of the process that is meant; -1 for none."""
    found = [pid for pid, argv in call.process.processes().items() if by_name and target in " ".join(argv)]
    return found[0] if found else int(target) if target.isdigit() else -1


def cpus(call: Invocation) -> int:
    call.streams.out("8\n")
    return 0


def expression(call: Invocation) -> int:
    words = list(call.argv[1:])
    if len(words) == 3 and words[1] in {"=", "!=", "<", ">", "<=", ">="}:
        left, operator, right = words
        comparisons: dict[str, Callable[[str, str], bool]] = {
            "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: float(a) < float(b),
            ">": lambda a, b: float(a) > float(b), "<=": lambda a, b: float(a) <= float(b),
            ">=": lambda a, b: float(a) >= float(b),
        }  # fmt: skip
        result = int(comparisons[operator](left, right))
    else:
        result = Arithmetic(" ".join(words), {}).value()
    call.streams.out(f"{result}\n")
    return int(result == 0)


def shell(call: Invocation) -> Run:
    """`sh`, `ash`, `bash`: a shell of its own, with `-c text`, a script file, or standard input."""
    words = list(call.argv[1:])
    inner = Shell(call.process, call.shell.commands, call.shell.builtins, [call.argv[0]])
    inner.variables, inner.exported = call.shell.environment(), dict(call.shell.exported)
    inner.directory, inner.loops = call.shell.directory, call.shell.loops
    text: str | None = None
    while words and words[0][:1] in {"-", "+"}:
        flags = words.pop(0)
        inner.options.update(dict.fromkeys(c for c in flags[1:] if c in "eux"))
        if flags in {"-o"} and words:
            words.pop(0)
        if "c" in flags and not flags.startswith("--"):
            text = words.pop(0) if words else ""
            if words:
                inner.arguments = words
            break
    else:
        if words:
            inner.arguments = words
            text = call.process.files.read(inner.path(words[0]))
    if text is None and call.process.interactive:
        yield Wait(None)
    call.shell.innermost = inner
    try:
        return (yield from inner.script(text if text is not None else call.streams.input.read(), call.streams))
    finally:
        call.shell.innermost = None


def timeout(call: Invocation) -> Run:
    """Run a command, but not for longer than a time; exit status 124 (busybox: 143) when it took too long."""
    words = [word for word in call.argv[1:] if word not in {"-t", "-s", "TERM", "KILL"}]
    limit = duration(words[0]) if words else None
    left = limit if limit is not None else float("inf")
    running = call.shell.invoke(words[1:], call.streams)
    while True:
        try:
            wait = next(running)
        except StopIteration as stop:
            return int(stop.value)
        except Leave as leave:
            return leave.value
        if wait.seconds is None or wait.seconds > left:
            yield Wait(left if left != float("inf") else None, wait.steady)
            return 143 if call.process.image.shell == "busybox" else 124
        left -= wait.seconds
        yield wait


def free_space(call: Invocation) -> int:
    call.streams.out("Filesystem           1K-blocks      Used Available Use% Mounted on\n")
    call.streams.out("overlay              103080888   9120580  88681044   9% /\n")
    return 0


def shown(call: Invocation) -> int:
    """`free`: memory in KiB."""
    total = (call.process.memory_limit or 32 * 1024**3) // 1024
    call.streams.out("              total        used        free      shared  buff/cache   available\n")
    call.streams.out(
        f"Mem:       {total:>8} {total // 8:>11} {total // 2:>11}           0 {total // 4:>11} {total // 2:>11}\n"
    )
    return 0


def temporary(call: Invocation) -> int:
    path = f"/tmp/tmp.{len(call.process.files.layer.files):06}"
    call.process.files.write(path, "")
    call.streams.out(f"{path}\n")
    return 0


COMMANDS: dict[str, Command] = {
    "[": builtins.test, "ash": shell, "bash": shell, "clear": builtins.nothing, "date": date, "df": free_space,
    "echo": builtins.echo, "env": environment, "expr": expression, "false": builtins.false, "free": shown,
    "hostname": hostname, "id": identity, "kill": kill, "killall": kill, "mktemp": temporary, "nproc": cpus,
    "pkill": kill, "printenv": environment, "printf": builtins.printf, "ps": processes, "pwd": builtins.print_directory,
    "sh": shell, "sleep": sleep, "stty": builtins.nothing, "test": builtins.test, "timeout": timeout,
    "true": builtins.nothing, "uname": uname, "whoami": identity,
}  # fmt: skip
