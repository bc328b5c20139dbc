"""Which objects a command line asks for: `pods`, `pod web`, `deploy/web svc/web`, `rs,pods`, `-l app=web`, `-f`.

`ask` reads the words and says what is to be listed, got or read from files; `found` goes and gets it.
Upstream: `cli-runtime/pkg/resource/builder.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from k8snb.errors import StatusError
from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.kustomize import build
from k8snb.kubectl.manifests import read_manifests, resolve
from k8snb.kubectl.targets import Target, target_of
from k8snb.machinery.scheme import Scheme
from k8snb.machinery.selectors import LabelSelector, SelectorError, parse
from k8snb.typing import Object, Resource

NOTHING_NAMED = """You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command line asks for: kinds to list, objects by name, or objects from files.

    `single` says that exactly one object was meant, which is then printed by itself and not in a list.
    """

    listed: Sequence[Resource] = ()
    named: Sequence[Target] = ()
    filed: Sequence[Target] = ()
    single: bool = False


@dataclass(slots=True)
class Found:
    """The objects that were asked for, and what went wrong with the others."""

    targets: list[Target] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)


# -- words ---------------------------------------------------------------------------------------------


def resource_named(scheme: Scheme, word: str) -> Resource:
    """The resource a word names; raises with the words of the real one."""
    found = scheme.find(word) or _versioned(scheme, word)
    if found is None or (word not in found.short_names and word.lower() in found.short_names):
        raise CommandError(f'the server doesn\'t have a resource type "{word.partition(".")[0]}"')
    return found


def _versioned(scheme: Scheme, word: str) -> Resource | None:
    """The resource of `hpa.v1.autoscaling`: any name, a version, a group; a version not served is passed over."""
    name, _, rest = word.partition(".")
    version, dot, group = rest.partition(".")
    found = scheme.find(f"{name}.{group}" if group else name) if dot else None
    if found is None or found.group != group:
        return None
    api_version = f"{group}/{version}" if group else version
    return scheme.kind(api_version, found.kind) or found


def pair(call: Call, word: str, default: str = "") -> Target:
    """The target of `deploy/web`, or of a bare name of the `default` kind."""
    if "/" not in word and default:
        return _named(call, resource_named(call.scheme, default), word)
    kind, name = _split(word)
    return _named(call, resource_named(call.scheme, kind), name)


def _split(word: str) -> tuple[str, str]:
    parts = word.split("/")
    if len(parts) != 2:
        raise CommandError("arguments in resource/name form may not have more than one slash")
    kind, name = parts
    if not kind or not name or "," in kind:
        raise CommandError("arguments in resource/name form must have a single resource and name")
    return kind, name


def _named(call: Call, resource: Resource, name: str) -> Target:
    if resource.namespaced and call.everywhere:
        raise CommandError("a resource cannot be retrieved by name across all namespaces")
    return Target(resource, call.namespace if resource.namespaced else "", name)


def _spread(args: Sequence[str]) -> list[str]:
    """`rs,pods web` as `rs/web pods/web`."""
    kinds = list(dict.fromkeys(args[0].split(","))) if args else []
    if len(args) < 2 or len(kinds) < 2:
        return list(args)
    return [f"{kind}/{name}" for kind in kinds for name in args[1:]]


def _kinds(scheme: Scheme, word: str) -> list[Resource]:
    found: dict[Resource, None] = {}
    for part in word.split(","):
        members = [resource for resource in scheme if part in resource.categories]
        for resource in members or [resource_named(scheme, part)]:
            found[resource] = None
    return list(found)


_MIXED = (
    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form "
    "(e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'"
)


def ask(call: Call, args: Sequence[str], *, every: bool = False, files: bool = True, selects: bool = True) -> Asked:
    """Read the words. `every` allows a kind alone to mean all of its objects.

    `selects` is False where `--selector` means something else.
    """
    selected = selects and bool(_text(call, "selector") or _text(call, "field-selector"))
    names = call.files if files and "filename" in call.flags.values else []
    if names:
        return _asked_files(call, args, names)
    words = _spread(args)
    slashes = ["/" in word for word in words]
    if any(slashes):
        if not all(slashes):
            raise CommandError(_MIXED)
        if selected:
            raise CommandError("selectors and the all flag cannot be used when passing resource/name arguments")
        return Asked(named=[pair(call, word) for word in words], single=len(words) == 1)
    if not words:
        raise CommandError("at least one resource must be specified to use a selector" if selected else NOTHING_NAMED)
    kinds = _kinds(call.scheme, words[0])
    if len(words) > 1:
        if selected:
            raise CommandError("name cannot be provided when a selector is specified")
        return Asked(named=[_named(call, kinds[0], name) for name in words[1:]], single=len(words) == 2)
    if not every and not selected:
        raise CommandError("resource(s) were provided, but no name was specified")
    return Asked(listed=kinds)


def _asked_files(call: Call, args: Sequence[str], names: Sequence[str]) -> Asked:
    if args:
        raise CommandError(
            "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"
        )
    filed = list(manifests(call))
    selector = _text(call, "selector")
    if selector:
        matches = parsed_selector(selector).matches
        filed = [each for each in filed if matches((each.known.get("metadata") or {}).get("labels") or {})]
    return Asked(filed=filed, single=len(filed) == 1)


def manifests(call: Call) -> Iterator[Target]:
    """The objects of the files of `-f` or of the folder of `-k`, each in its namespace."""
    enforced = call.flags.has("namespace")
    local = "local" in call.flags.values and call.flags.on("local")
    namespace, enforced = ("", False) if local else (call.namespace, enforced)
    for source, obj in _sources(call):
        yield resolve(source, obj, call.scheme, namespace, enforced=enforced)


def _sources(call: Call) -> Iterator[tuple[str, Object]]:
    folder = call.flags.text("kustomize") if "kustomize" in call.flags.values else ""
    if folder and call.files:
        for obj in build(folder, call.scheme, call.err):
            yield folder, obj
        return
    recursive = "recursive" in call.flags.values and call.flags.on("recursive")
    yield from read_manifests(call.files, call.stdin, recursive=recursive)


def _text(call: Call, flag: str) -> str:
    return call.flags.text(flag) if flag in call.flags.values else ""


def parsed_selector(selector: str) -> LabelSelector:
    """A selector of the command line; raises what is wrong with it."""
    try:
        return parse(selector)
    except SelectorError as error:
        raise CommandError(str(error)) from None


# -- going to get it -----------------------------------------------------------------------------------


def selection(call: Call) -> dict[str, str]:
    """The parameters of a list request."""
    query = {"labelSelector": _text(call, "selector"), "fieldSelector": _text(call, "field-selector")}
    limit = call.flags.number("chunk-size") if "chunk-size" in call.flags.values else 500
    return {**{k: v for k, v in query.items() if v}, **({"limit": str(limit)} if limit else {})}


def found(call: Call, asked: Asked, *, latest: bool = True, read: bool = True) -> Found:
    """Get what was asked for; one that fails does not keep the others back.

    `latest` reads objects from files anew from the server; `read` False leaves named objects unread.
    """
    result = Found()
    for resource in asked.listed:
        _add(result, partial(_listed, call, resource))
    for target in asked.named:
        _add(result, partial(_read, call, target, wanted=read))
    for target in asked.filed:
        _add(result, partial(_read, call, target, wanted=latest))
    return result


def _add(result: Found, get: Callable[[], list[Target]]) -> None:
    try:
        result.targets += get()
    except StatusError as error:
        result.errors.append(error)


def _listed(call: Call, resource: Resource) -> list[Target]:
    namespace = "" if call.everywhere or not resource.namespaced else call.namespace
    query = selection(call)
    try:
        items = call.session.items(resource, namespace, query)
    except StatusError as error:
        raise enhanced(error, resource, query) from None
    return [target_of(resource, item) for item in items]


def _read(call: Call, target: Target, *, wanted: bool) -> list[Target]:
    if not wanted:
        return [target]
    return [target.holding(call.session.find(target, subresource=_text(call, "subresource")))]


def enhanced(error: StatusError, resource: Resource, query: Mapping[str, str]) -> StatusError:
    """A refused list, saying what was to be listed (upstream `EnhanceListError`)."""
    if error.reason not in ("BadRequest", "NotFound"):
        return error
    labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
    what = f'"{resource.group}/{resource.version}, Resource={resource.plural}"'
    lead = f"Unable to list {what}"
    if labels or fields:
        lead = f'Unable to find {what} that match label selector "{labels}", field selector "{fields}"'
    said = StatusError(error.code, error.reason, "")
    said.status = {**error.status, "message": f"{lead}: {error.message}"}
    return said
