"""kubectl config: contexts, clusters and users of the kubeconfig. Upstream: `kubectl/pkg/cmd/config`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import OUTPUT, PRINTING, Flag
from k8snb.kubectl.generators.pairs import encoded
from k8snb.kubectl.kubeconfig import FILE
from k8snb.kubectl.plugins import PLUGIN_FLAGS, plugin_of
from k8snb.kubectl.printing.goyaml import yaml_text
from k8snb.kubectl.tabwriter import TabWriter

# -- looking -------------------------------------------------------------------------------------------


def _view(call: Call) -> None:
    if call.args:
        raise call.usage(f"unexpected arguments: [{' '.join(call.args)}]")
    config, flags = call.config, call.flags
    if flags.on("minify"):
        config = config.minified(flags.text("context"))
    shown = config.shown(raw=flags.on("raw"), flatten=flags.on("flatten"))
    printer = call.printer(ordered=False)
    call.out(yaml_text(shown) if printer is None else printer(shown))


def _current(call: Call) -> None:
    if not call.config.current:
        raise CommandError("current-context is not set")
    call.out(f"{call.config.current}\n")


def _contexts(call: Call) -> None:
    config, format = call.config, call.flags.text("output")
    if format not in ("", "name"):
        what = f"--output {format} is not available in {call.path}"
        raise CommandError(f"{what}; resetting to default output format")
    contexts = config.entries["contexts"]
    missing = [name for name in call.args if name not in contexts]
    chosen = sorted(name for name in call.args or contexts if name in contexts)
    if format == "name":
        call.out("".join(f"{name}\n" for name in chosen))
    else:
        writer = TabWriter()
        if not call.flags.on("no-headers"):
            writer.row(("CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"))
        for name in chosen:
            fields = [str(contexts[name].get(field, "")) for field in ("cluster", "user", "namespace")]
            writer.row(("*" if name == config.current else "", name, *fields))
        call.out(writer.flush())
    raise_all([CommandError(f"context {name} not found", plain=len(missing) > 1) for name in missing])


def _names(call: Call, kind: str) -> None:
    call.out("NAME\n" + "".join(f"{name}\n" for name in sorted(call.config.entries[kind])))


# -- entries -------------------------------------------------------------------------------------------


def _taken(call: Call, count: int, unexpected: str = "Unexpected args") -> list[str]:
    """The arguments, if there are as many as there have to be; otherwise the help and an error."""
    if len(call.args) != count:
        call.show_help(to_out=True)
        raise CommandError(f"{unexpected}: [{' '.join(call.args)}]")
    return call.args


def _given(call: Call, names: Sequence[str]) -> dict[str, Any]:
    """The fields that flags of the same name set."""
    return {name: call.flags.values[name] for name in names if call.flags.has(name)}


def _set_context(call: Call) -> None:
    config = call.config
    if call.flags.on("current"):
        if call.args:
            raise CommandError("you cannot specify both a context name and --current")
        if not config.current:
            raise CommandError("no current context is set")
        name = config.current
    elif not call.args:
        raise CommandError("you must specify a non-empty context name or --current")
    else:
        name = _taken(call, 1)[0]
    there = config.merge("contexts", name, _given(call, ("cluster", "user", "namespace")))
    call.out(f'Context "{name}" {"modified" if there else "created"}.\n')


def _use_context(call: Call) -> None:
    name = _taken(call, 1)[0]
    if name not in call.config.entries["contexts"]:
        raise CommandError(f'no context exists with the name: "{name}"')
    call.config.current = name
    call.out(f'Switched to context "{name}".\n')


def _rename_context(call: Call) -> None:
    old, new = _taken(call, 2)
    contexts = call.config.entries["contexts"]
    if old not in contexts:
        raise CommandError(f'cannot rename the context "{old}", it\'s not in {FILE}')
    if new in contexts:
        raise CommandError(f'cannot rename the context "{old}", the context "{new}" already exists in {FILE}')
    contexts[new] = contexts.pop(old)
    if call.config.current == old:
        call.config.current = new
    call.out(f'Context "{old}" renamed to "{new}".\n')


def _set_cluster(call: Call) -> None:
    name, flags = _taken(call, 1)[0], call.flags
    if flags.on("insecure-skip-tls-verify") and flags.text("certificate-authority"):
        raise CommandError("you cannot specify a certificate authority and insecure mode at the same time")
    if flags.on("embed-certs") and not flags.text("certificate-authority"):
        raise CommandError("you must specify a --certificate-authority to embed")
    fields = _given(call, ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url"))
    fields |= _files(call, ("certificate-authority",))
    call.config.merge("clusters", name, fields)
    call.out(f'Cluster "{name}" set.\n')


def _set_credentials(call: Call) -> None:
    name = _taken(call, 1, "unexpected args")[0]
    flags = call.flags
    if flags.has("token") and (flags.has("username") or flags.has("password")):
        why = "you cannot specify more than one authentication method at the same time"
        raise CommandError(f"{why}: --token, --username/--password")
    if flags.on("embed-certs") and not (flags.text("client-certificate") or flags.text("client-key")):
        raise CommandError("you must specify a --client-certificate or --client-key to embed")
    fields = _given(call, ("token", "username", "password"))
    if "token" in fields:
        fields |= {"username": None, "password": None}
    elif fields:
        fields["token"] = None
    fields |= plugin_of(call, call.config.entries["users"].get(name) or {})
    call.config.merge("users", name, {**fields, **_files(call, ("client-certificate", "client-key"))})
    call.out(f'User "{name}" set.\n')


def _files(call: Call, names: Sequence[str]) -> dict[str, str]:
    """Certificates and keys, by path or as they are."""
    found: dict[str, str] = {}
    for name, path in _given(call, names).items():
        if not call.flags.on("embed-certs"):
            found[name] = str(path)
            continue
        try:
            found[f"{name}-data"] = encoded(Path(path).read_bytes())
        except OSError:
            raise CommandError(f"could not stat {name} file {path}: stat {path}: no such file or directory") from None
    return found


def _delete(call: Call, kind: str, noun: str) -> None:
    if len(call.args) != 1:
        if noun == "user":
            raise call.usage("user to delete is required")
        call.show_help(to_out=True)
        return
    name, entries = call.args[0], call.config.entries[kind]
    if name not in entries:
        raise CommandError(f"cannot delete {noun} {name}, not in {FILE}")
    if kind == "contexts" and name == call.config.current:
        hint = 'use "kubectl config use-context" to select a different one'
        call.err(f"warning: this removed your active context, {hint}\n")
    del entries[name]
    call.out(f"deleted {noun} {name} from {FILE}\n")


# -- single properties ---------------------------------------------------------------------------------


def _set(call: Call) -> None:
    path, value = _taken(call, 2)
    _change(call, path, value)
    call.out(f'Property "{path}" set.\n')


def _unset(call: Call) -> None:
    path = _taken(call, 1)[0]
    _change(call, path, None)
    call.out(f'Property "{path}" unset.\n')


def _change(call: Call, path: str, value: str | None) -> None:
    """Set or take off `current-context`, `contexts.NAME` or `contexts.NAME.FIELD`."""
    kind, _, rest = path.partition(".")
    name, _, field = rest.rpartition(".")
    if kind == "current-context" and not rest:
        call.config.current = value or ""
    elif kind not in call.config.entries or not rest:
        raise CommandError(f"unable to parse {path} after [] at api.Config")
    elif value is None and rest in call.config.entries[kind]:
        del call.config.entries[kind][rest]
    elif name in call.config.entries[kind] or value is not None:
        call.config.merge(kind, name, {field: _typed(field, value)})


def _typed(field: str, value: str | None) -> Any:
    if field != "insecure-skip-tls-verify" or value is None:
        return value
    if value not in ("true", "false"):
        raise CommandError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    return value == "true"


_AS_YAML = (replace(OUTPUT, default="yaml"), *(flag for flag in PRINTING if flag is not OUTPUT))
_EMBED = Flag("embed-certs", kind="switch")
_LOOKING: tuple[Verb, ...] = (
    Verb("current-context", "Display the current-context", _current),
    Verb("get-clusters", "Display clusters defined in the kubeconfig", partial(_names, kind="clusters")),
    Verb(
        "get-contexts",
        "Describe one or many contexts",
        _contexts,
        (Flag("output", "o"), Flag("no-headers", kind="switch")),
    ),
    Verb("get-users", "Display users defined in the kubeconfig", partial(_names, kind="users")),
    Verb(
        "view",
        "Display merged kubeconfig settings or a specified kubeconfig file",
        _view,
        (
            *_AS_YAML,
            *(Flag(name, kind="switch") for name in ("minify", "raw", "flatten")),
            Flag("merge", kind="switch", default=True),
        ),
    ),
)


def _deleting(noun: str, title: str) -> Verb:
    run: Callable[[Call], None] = partial(_delete, kind=f"{noun}s", noun=noun)
    return Verb(f"delete-{noun}", f"Delete the specified {title} from the kubeconfig", run)


CONFIG = Verb(
    "config",
    "Modify kubeconfig files",
    verbs=tuple(
        sorted(
            (
                *_LOOKING,
                *(_deleting(noun, noun) for noun in ("cluster", "context", "user")),
                Verb("rename-context", "Rename a context from the kubeconfig file", _rename_context),
                Verb(
                    "set",
                    "Set an individual value in a kubeconfig file",
                    _set,
                    (Flag("set-raw-bytes", kind="switch"),),
                ),
                Verb(
                    "set-cluster",
                    "Set a cluster entry in kubeconfig",
                    _set_cluster,
                    (
                        *(Flag(name) for name in ("server", "tls-server-name", "certificate-authority", "proxy-url")),
                        Flag("insecure-skip-tls-verify", kind="switch"),
                        _EMBED,
                    ),
                ),
                Verb(
                    "set-context",
                    "Set a context entry in kubeconfig",
                    _set_context,
                    (Flag("current", kind="switch"), Flag("namespace"), Flag("cluster"), Flag("user")),
                ),
                Verb(
                    "set-credentials",
                    "Set a user entry in kubeconfig",
                    _set_credentials,
                    (
                        *(Flag(name) for name in ("token", "username", "password", "client-certificate", "client-key")),
                        *PLUGIN_FLAGS,
                        _EMBED,
                    ),
                ),
                Verb("unset", "Unset an individual value in a kubeconfig file", _unset),
                Verb("use-context", "Set the current-context in a kubeconfig file", _use_context, aliases=("use",)),
            ),
            key=lambda verb: verb.name,
        )
    ),
)
