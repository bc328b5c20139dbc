"""kubectl describe: one page for each object. Upstream: `kubectl/pkg/cmd/describe/describe.go`."""

from __future__ import annotations

from k8snb.errors import StatusError
from k8snb.kubectl.asking import Asked, Found, ask, found, resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.describe.events import describe_events
from k8snb.kubectl.describe.table import describer_of
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import CHUNKS, EVERY_NAMESPACE, FILES, SELECTOR, Flag
from k8snb.kubectl.targets import Target, target_of
from k8snb.kubectl.verbs.get import SUGGESTION


def run(call: Call) -> None:
    """Carry out `kubectl describe`."""
    if not call.args and not call.files:
        raise CommandError(f"You must specify the type of resource to describe. {SUGGESTION}")
    asked = ask(call, call.args, every=True)
    result = found(call, asked)
    if _only_missing(asked, result):
        _describe_by_prefix(call, asked.named[0], result)
        return
    pages = [_page(call, target) for target in result.targets]
    call.out("\n\n".join(pages))
    if not pages and not result.errors:
        call.err("No resources found\n" if call.everywhere else f"No resources found in {call.namespace} namespace.\n")
    raise_all(list({str(error): error for error in result.errors}.values()))


def _page(call: Call, target: Target) -> str:
    describing = Describing(call.session, call.flags.on("show-events"))
    describer_of(target.resource)(describing, target.known)
    return describing.page.text


def _only_missing(asked: Asked, result: Found) -> bool:
    if len(asked.named) != 1 or len(result.errors) != 1:
        return False
    error = result.errors[0]
    return isinstance(error, StatusError) and error.code == 404


def _describe_by_prefix(call: Call, target: Target, result: Found) -> None:
    """Nothing has that name: describe everything whose name begins with it."""
    if "/" not in call.args[0]:
        listed = call.session.items(target.resource, target.namespace, {"limit": "500"})
        matching = [item for item in listed if item["metadata"]["name"].startswith(target.name)]
        if matching:
            for item in matching:
                call.out(_page(call, target_of(target.resource, item)) + "\n")
            return
    if target.resource.kind == "Pod" and call.flags.on("show-events") and _describe_remains(call, target, result):
        return
    raise_all(result.errors)


def _describe_remains(call: Call, target: Target, result: Found) -> bool:
    """A pod that is gone may have left events."""
    selector = f"involvedObject.name={target.name},involvedObject.namespace={target.namespace}"
    query = {"fieldSelector": selector, "limit": "500"}
    events = call.session.items(resource_named(call.scheme, "events"), target.namespace, query)
    if not events or "/" not in call.args[0]:
        return False
    describing = Describing(call.session)
    describing.page.line(f"Pod '{target.name}': error '{result.errors[0]}', but found events.")
    describe_events(describing.page, events, call.now)
    call.out(describing.page.text)
    return True


DESCRIBE = Verb(
    "describe",
    "Show details of a specific resource or group of resources",
    run,
    (*FILES, SELECTOR, EVERY_NAMESPACE, CHUNKS, Flag("show-events", kind="switch", default=True)),
)
