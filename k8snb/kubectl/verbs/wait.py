"""kubectl wait: until a condition holds, an object is there or gone, or a field has a value.

Upstream: `kubectl/pkg/cmd/wait`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.errors import StatusError, not_found
from k8snb.kubectl.asking import ask, found
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import ALL, EVERY_NAMESPACE, FIELD_SELECTOR, FILES, LOCAL, PRINTING, SELECTOR, Flag
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.delete import wait_until_gone
from k8snb.kubectl.waiting import FOREVER_SECONDS, until
from k8snb.machinery.gotext import go_text
from k8snb.machinery.jsonpath import JSONPath, JSONPathError, relaxed
from k8snb.typing import Object

Check = Callable[[Object], bool]


def run(call: Call) -> None:
    """Carry out `kubectl wait`."""
    wanted = call.flags.text("for")
    seconds = call.flags.seconds("timeout")
    deadline = call.now + (FOREVER_SECONDS if seconds < 0 else seconds)
    word = wanted.lower()
    check = _check(wanted) if word not in ("delete", "create") else None
    if word == "create":
        _wait_for_creation(call, deadline)
        return
    result = found(call, ask(call, call.args, every=call.flags.on("all")))
    if word == "delete":
        result.errors = [e for e in result.errors if not (isinstance(e, StatusError) and e.code == 404)]
    elif not result.targets and not result.errors:
        raise CommandError("no matching resources found")
    for target in result.targets:
        try:
            _wait(call, target, check, deadline)
        except (StatusError, CommandError) as error:
            result.errors.append(error)
    raise_all(result.errors)


def _wait(call: Call, target: Target, check: Check | None, deadline: float) -> None:
    left = max(0.0, deadline - call.now)
    if not call.flags.seconds("timeout"):
        met = check is not None and check(target.known)
        if not met:
            raise CommandError(f"condition not met for {target.title}")
    elif check is None:
        met = wait_until_gone(call, target, target.known["metadata"]["uid"], left)
    else:
        met = until(call.session, target, _seen(check), left, _missing(target))
    if not met:
        raise CommandError(f"timed out waiting for the condition on {target.title}")
    call.done(target.known, target.full_name, "condition met")


def _seen(check: Check) -> Callable[[str, Object], bool]:
    return lambda type, obj: type != "DELETED" and check(obj)


def _missing(target: Target) -> Callable[[], bool]:
    def missing() -> bool:
        raise not_found(target.resource, target.name)

    return missing


def _wait_for_creation(call: Call, deadline: float) -> None:
    """Wait until everything asked for is there, and only then say so."""
    asked = ask(call, call.args, every=call.flags.on("all"))
    for target in asked.named:
        if not until(call.session, target, lambda type, obj: type != "DELETED", max(0.0, deadline - call.now)):
            raise CommandError("timed out waiting for the condition")

    def any_there() -> bool:
        return bool(found(call, asked).targets)

    if not asked.named and not any_there() and not call.session.wait(any_there, max(0.0, deadline - call.now)):
        raise CommandError("timed out waiting for the condition")
    for target in found(call, asked).targets:
        call.done(target.known, target.full_name, "condition met")


# -- conditions ----------------------------------------------------------------------------------------


def _check(wanted: str) -> Check:
    if wanted.startswith("condition="):
        name, equals, value = wanted.removeprefix("condition=").partition("=")
        return _condition(name, value if equals else "true")
    if wanted.startswith("jsonpath="):
        return _field(wanted.removeprefix("jsonpath="))
    raise CommandError(f'unrecognized condition: "{wanted}"')


def _condition(name: str, value: str) -> Check:
    def holds(obj: Object) -> bool:
        for each in (obj.get("status") or {}).get("conditions") or ():
            if each.get("type", "").casefold() != name.casefold():
                continue
            generation = obj["metadata"].get("generation")
            observed = each.get("observedGeneration", (obj.get("status") or {}).get("observedGeneration"))
            if generation is not None and observed is not None and observed < generation:
                return False
            return bool(each.get("status", "").casefold() == value.casefold())
        return False

    return holds


_EXAMPLE = "--for=jsonpath='{.status.readyReplicas}'"
_FORMAT = f"jsonpath wait format must be {_EXAMPLE}=3 or {_EXAMPLE}"


def _field(text: str) -> Check:
    path, equals, value = _split(text)
    try:
        field = JSONPath(relaxed(path))
    except JSONPathError as error:
        raise CommandError(str(error)) from None
    if not path:
        raise CommandError("jsonpath expression cannot be empty")
    if equals and not value:
        raise CommandError("jsonpath wait value cannot be empty")

    def holds(obj: Object) -> bool:
        found = [each for values in field.find(obj) for each in values]
        if len(found) > 1:
            raise CommandError("given jsonpath expression matches more than one value")
        if found and equals and isinstance(found[0], (Mapping, list)):
            raise CommandError("jsonpath leads to a nested object or list which is not supported")
        return bool(found) and (not equals or go_text(found[0]) == value)

    return holds


def _split(text: str) -> tuple[str, str, str]:
    """`{.a.b}=c`: the equals sign behind the braces counts, not one inside a filter."""
    end = text.rfind("}") + 1
    path, rest = (text[:end], text[end:]) if end else (text, "")
    if not end:
        path, equals, value = text.partition("=")
        return path.strip("'\""), equals, value.strip("'\"")
    if rest and not rest.lstrip("'\"").startswith("="):
        raise CommandError(_FORMAT)
    _, equals, value = rest.partition("=")
    return path.strip("'\""), equals, value.strip("'\"")


WAIT = Verb(
    "wait",
    "Experimental: Wait for a specific condition on one or many resources",
    run,
    (
        *PRINTING,
        FILES[0],
        Flag("recursive", "R", kind="switch", default=True),
        SELECTOR,
        FIELD_SELECTOR,
        EVERY_NAMESPACE,
        ALL,
        LOCAL,
        Flag("for"),
        Flag("timeout", kind="seconds", default=30.0),
    ),
)
