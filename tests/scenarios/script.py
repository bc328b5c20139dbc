"""Stories as scripts with their whole trace: what was typed, what was printed, and what each controller did then.

A scenario is a text. Lines that begin with `#` say what it is about; `follow:` names the components whose work is
written down, `nodes:` how many machines there are, `cloud: yes` that there is one. Then come commands, each on a line
that begins with `$`, what it reads on lines that begin with `|`, and below it everything that came of it:

    $ kubectl COMMAND      what the built-in kubectl prints
    $ settle, advance S    let time pass
    $ add, stop, start N   a machine
    $ load SERVICE N       so many clients
    $ curl WORDS           what somebody outside is told
    $ install WHAT         `ingress` or `gateway-api`
    $ driver NAME          a storage driver, with snapshots

Every reconcile that wrote something is a paragraph: when (in seconds since the start), who, about which object, and
why; then each request, with the fields that it changed, and each event. `python -m tests.scenarios` writes all anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from k8snb import Cluster
from k8snb.clock import EPOCH
from k8snb.ingress import CONTROLLER, GATEWAY_API
from k8snb.trace import Sent, Span
from k8snb.typing import Object
from k8snb.view.changes import changes

HERE = Path(__file__).parent
READING = ("get", "list", "watch", "")
PARTS = {"ingress": CONTROLLER, "gateway-api": GATEWAY_API}
STATUS_ONLY = "bring its status up to date"
_MOST_CHANGES = 8


@dataclass
class Step:
    """One command, and what it reads."""

    command: str
    stdin: list[str] = field(default_factory=list)


@dataclass
class Scenario:
    """The script in a text: its head as it stands, what it follows, and its steps."""

    head: list[str]
    follow: Sequence[str]
    nodes: int
    cloud: bool
    steps: list[Step]


def parse(text: str) -> Scenario:
    """The script without what came of it."""
    head: list[str] = []
    steps: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:]))
        elif not steps:
            head.append(line)
        elif line.startswith("| "):
            steps[-1].stdin.append(line[2:])
    settings = dict(line.split(": ", 1) for line in head if re.match(r"(follow|nodes|cloud): ", line))
    return Scenario(head, settings["follow"].split(", "), int(settings.get("nodes", "2")), "cloud" in settings, steps)


def play(text: str) -> str:
    """The text as it has to be: the same script, and what comes of it now."""
    scenario = parse(text)
    cluster = Cluster(nodes=scenario.nodes, seed=1, cloud=scenario.cloud)
    lines = list(scenario.head)
    for step in scenario.steps:
        last = cluster.trace.spans[-1].number if cluster.trace.spans else 0
        printed = _run(cluster, step)
        lines += [f"$ {step.command}", *(f"| {line}" for line in step.stdin)]
        lines += [line.rstrip() for line in printed.splitlines()]
        spans = [span for span in cluster.trace.spans if span.number > last and span.component in scenario.follow]
        for span in spans:
            lines += _told(cluster, span)
        lines.append("")
    return "\n".join(lines)


def _run(cluster: Cluster, step: Step) -> str:
    verb, _space, rest = step.command.partition(" ")
    words = rest.split()
    if verb == "kubectl":
        return cluster.kubectl(rest, "\n".join(step.stdin) + "\n" if step.stdin else "")
    if verb == "curl":
        return cluster.curl(rest)
    if verb == "install":
        cluster.kubectl(f"apply -f {PARTS[rest]}")
    elif verb == "settle":
        cluster.settle(float(words[0]) if words else 60.0)
    elif verb == "advance":
        cluster.advance(float(words[0]))
    elif verb == "driver":
        cluster.add_driver(rest, snapshots=True)
    elif verb == "load":
        cluster.load(words[0], int(words[1]))
    else:
        {"add": cluster.add_node, "stop": cluster.stop_kubelet, "start": cluster.start_kubelet}[verb](words[0])
    return ""


def _told(cluster: Cluster, span: Span) -> Iterator[str]:
    said = [line for sent in span.requests for line in _request(cluster, sent)]
    if not said and not span.error:
        return
    why = "; ".join(part for part in span.wanted.split("; ") if part != STATUS_ONLY)
    head = f"{span.time - EPOCH:7.1f}  {span.component} {span.key.name}"
    yield f"{head}: {why}" if why else head
    yield from (f"           {line}" for line in said)
    if span.error:
        yield f"           error: {span.error}"


def _request(cluster: Cluster, sent: Sent) -> Iterator[str]:
    info = sent.request.info
    if info is None or info.resource is None or info.verb in READING:
        return
    if info.resource.plural == "events":
        event = cluster.at(sent.revision).get("events", info.name, info.namespace) if sent.code < 300 else None
        if event is not None:
            yield f"says {event['reason']}: {event['message']}"
        return
    verb = f"{info.verb} {info.subresource}".strip()
    if sent.code >= 300:
        yield f"{verb} {info.resource.kind} {info.name} → {sent.code}".replace("  ", " ")
        return
    for name, old, new in _written(cluster, sent):
        changed = [str(each) for each in changes(old, new) if not each.path.startswith("metadata.deletion")]
        if info.subresource != "status" or not changed:
            yield f"{verb} {info.resource.kind} {name}"
        else:
            yield f"update status {info.resource.kind} {name}"
        yield from (f"  {line}" for line in changed[:_MOST_CHANGES])
        if len(changed) > _MOST_CHANGES:
            yield f"  … and {len(changed) - _MOST_CHANGES} more"


def _written(cluster: Cluster, sent: Sent) -> Iterator[tuple[str, Object | None, Object | None]]:
    """The objects that a request changed, as they were and as they are; nothing if it changed none."""
    info = sent.request.info
    assert info is not None
    assert info.resource is not None
    resource, namespace = info.resource.group_resource, info.namespace
    then, now = cluster.at(sent.revision - 1), cluster.at(sent.revision)
    if info.name:
        pairs = [(info.name, then.get(resource, info.name, namespace), now.get(resource, info.name, namespace))]
    else:
        before = {obj["metadata"]["name"]: obj for obj in then.list(resource, namespace)}
        after = {obj["metadata"]["name"]: obj for obj in now.list(resource, namespace)}
        names = dict.fromkeys([*before, *after])
        pairs = [(name, before.get(name), after.get(name)) for name in names]
    yield from ((name, old, new) for name, old, new in pairs if old is not new)
