"""The application of the labs that end a chapter (`charts/notes`), and what is claimed of it.

Three tiers: `notes-web` shows notes, `notes-api` reads and writes them, `notes-db` keeps them. `works` asks as somebody
outside would, and says in which tier to look; `intact` holds that nothing was bought with something else: no probe, no
certificate and no note is missing, and what was repaired stays so when its pods are made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from k8snb.i18n import _
from k8snb.lab.puzzles import Bench
from k8snb.lab.reading import NAMESPACE, Claims, find, listed, pods_labelled, says, slices
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import condition, is_true, labels_of
from k8snb.typing import Object

HOST, TITLE = "notes.example.com", "Team notes"
NOTES = ("buy milk", "call the plumber")
TIERS = {"db": 1, "api": 2, "web": 2}
"""The tiers from the back to the front, and how many pods each has at least."""

IMAGES = {"db": "postgres", "api": "k8snb.dev/notes-api", "web": "k8snb.dev/notes-web"}
REQUESTS = 6
PATIENCE = 60.0
_OPEN = ("LoadBalancer", "NodePort")
"""Services of these types are reached from outside."""

PROBES = 15.0
"""Seconds after which every probe has asked again."""

DEPLOYMENTS, SETS = "deployments.apps", "statefulsets.apps"


def is_address(host: str) -> bool:
    """Whether it is an address and no name."""
    return bool(host) and host.replace(".", "").isdigit()


# -- asking ----------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What somebody outside gets: a status (`000` without an answer), a text, and whose certificate was shown."""

    status: str
    body: str
    subject: str = ""


def address(cluster: Reader) -> str:
    """Where DNS leads those who look for the host."""
    service = cluster.client.find("services", "ingress-controller", "ingress") or {"status": {}}
    points = (service["status"].get("loadBalancer") or {}).get("ingress") or [{}]
    return str(points[0].get("ip", ""))


def ask(cluster: Bench, path: str = "/", *, scheme: str = "https") -> Answer:
    """A request from outside."""
    port = 443 if scheme == "https" else 80
    there = f"--resolve {HOST}:{port}:{address(cluster)}"
    words = f"-sSv -k {there} -w '<%{{http_code}}>' -m 10 {scheme}://{HOST}{path}"
    lines = cluster.curl(words).splitlines(keepends=True)
    subject = next((line.partition("subject: ")[2].strip() for line in lines if "subject: " in line), "")
    body, _mark, status = "".join(line for line in lines if line[:2] not in ("* ", "> ", "< ", "*\n")).rpartition("<")
    return Answer(status.strip(">\n"), body, subject)


def show(cluster: Bench) -> str:
    """A request from outside as a line of curl and what it prints, the status first."""
    answer = ask(cluster)
    said = f"HTTP/1.1 {answer.status}\n\n{answer.body}" if answer.status != "000" else answer.body
    return f"$ curl -ki https://{HOST}/\n{said}"


def show_certificate(cluster: Bench) -> str:
    """Whose certificate somebody outside is shown."""
    return f"$ curl -kv https://{HOST}/\n* Server certificate:\n*  subject: {ask(cluster).subject}"


# -- it works --------------------------------------------------------------------------------------------


def let_time_pass(cluster: Bench) -> None:
    """Wait until all is done that will be done, and every probe has asked again."""
    cluster.settle(PATIENCE)
    cluster.advance(PROBES)


def works(cluster: Bench) -> Claims:
    """Whoever asks from outside gets the title and every note, over TLS, each time."""
    let_time_pass(cluster)
    answers = [ask(cluster) for _number in range(REQUESTS)]
    bad = next((each for each in answers if each.status != "200"), None)
    every = _("every request from outside is answered")
    yield Claim(bad is None, every, _complaint(cluster, bad) if bad is not None else "")
    titles = sorted({each.body.partition("\n")[0] for each in answers})
    yield Claim(titles == [TITLE], _("the page has its title"), says(_("the title"), titles))
    gone = [note for note in NOTES if not all(f"- {note}\n" in each.body for each in answers)]
    yield Claim(not gone, _("all notes are there"), f"{says(_('missing'), gone)}; {_whereabouts(cluster)}")


def _complaint(cluster: Reader, answer: Answer) -> str:
    """What came back, and in which tier to look."""
    said = (answer.body.strip() or _("no answer")).partition("\n")[0]
    return f"{answer.status}: {said}. {_clue(cluster)}"


def _clue(cluster: Reader) -> str:
    """The tier furthest back that is not as it should be, and how it looks."""
    for tier, wanted in TIERS.items():
        found = pods_labelled(cluster, {"app": "notes", "tier": tier})
        if sum(is_true(pod, "Ready") for pod in found) < wanted and found:
            return waiting_in(cluster, tier)
        if not found:
            return _("There is no pod of notes-{tier}: what do its owner's events say?").format(tier=tier)
        if not listed(cluster, services_of(cluster, tier)[0]):
            return _("The pods of notes-{tier} are ready, and its Service lists none.").format(tier=tier)
    if not listed(cluster, "ingress-controller", "ingress"):
        return _("The way in has no ready pod: look into the namespace ingress.")
    ports = [port for found in slices(cluster, "notes-web") for port in found.get("ports") or () if port.get("port")]
    if not ports:
        return _("The slices of notes-web list addresses, and no port.")
    return _("All pods are ready. Follow the request: Ingress, Service, port, configuration.")


def waiting_in(cluster: Reader, tier: str) -> str:
    """What the newest pod of a tier that is not ready waits for; empty if all are."""
    found = pods_labelled(cluster, {"app": "notes", "tier": tier})
    found.sort(key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)
    why = next((_waits_for(pod) for pod in found if not is_true(pod, "Ready")), "")
    return _("A pod of notes-{tier} is not ready: {why}").format(tier=tier, why=why) if why else ""


def _waits_for(pod: Object) -> str:
    """What keeps a pod from being ready, in one line."""
    scheduled = condition(pod, "PodScheduled") or {}
    if scheduled.get("status") == "False":
        return str(scheduled.get("message", "")).partition(". no new claims")[0].partition(" preemption:")[0]
    for each in pod["status"].get("containerStatuses") or ():
        waiting = (each.get("state") or {}).get("waiting") or {}
        if waiting and waiting.get("reason") != "ContainerCreating":
            return ": ".join(str(waiting[key]) for key in ("reason", "message") if key in waiting)
        if (each.get("state") or {}).get("running"):
            return _("it runs, and its readiness probe fails")
    return str(pod["status"].get("message") or _("its container is being created; what do its events say?"))


def data_volume(cluster: Reader) -> Object:
    """The volume that a database pod mounts for its data, as the pod says it; empty if there is none."""
    for pod in pods_labelled(cluster, {"app": "notes", "tier": "db"}):
        mounts = [m for each in pod["spec"]["containers"] for m in each.get("volumeMounts") or ()]
        name = next((mount["name"] for mount in mounts if mount["mountPath"].startswith("/var/lib/postgresql")), "")
        return next((each for each in pod["spec"].get("volumes") or () if each["name"] == name), {})
    return {}


def _whereabouts(cluster: Reader) -> str:
    """Where the database that answers keeps its data."""
    volume = data_volume(cluster)
    claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
    if claim:
        return _("the database looks for them on the claim {name}").format(name=claim)
    return _("the database keeps its data in a folder that goes with its pod")


# -- and nothing else is broken --------------------------------------------------------------------------


def intact(cluster: Bench) -> Claims:
    """Nothing was bought with something else."""
    for sentence, wrong in (
        (_("every tier is there and runs its program"), _is_there),
        (_("… with all of its pods, ready, and as its template says"), _is_complete),
        (_("… which are asked whether they are ready"), _is_probed),
        (_("every Service selects what its tier makes, and nobody else"), _is_selected),
        (_("the password stands in a Secret, and nowhere else"), _is_secret),
    ):
        hint = next((each for tier in TIERS for each in wrong(cluster, tier)), "")
        yield Claim(not hint, sentence, hint)
    claimed = "persistentVolumeClaim" in data_volume(cluster)
    yield Claim(claimed, _("the notes are on a volume that outlives the pod"), _whereabouts(cluster))
    yield from _is_guarded(cluster)


def owner_of(cluster: Reader, tier: str) -> Object:
    """The Deployment or StatefulSet of a tier."""
    deployment = find(cluster, DEPLOYMENTS, f"notes-{tier}")
    return deployment if deployment["spec"] else find(cluster, SETS, f"notes-{tier}")


def services_of(cluster: Reader, tier: str) -> list[str]:
    """The Services of a tier: its own, and by which it is found. The database has only that which the API names."""
    if tier == "db":
        return [_named(cluster, told(cluster, "api", "DB_HOST"))]
    found = urlsplit(told(cluster, "web", "API_URL")).hostname if tier == "api" else None
    return list(dict.fromkeys([f"notes-{tier}", *([_named(cluster, found)] if found else ())]))


def _named(cluster: Reader, host: str) -> str:
    """The Service that a host names. An address stays one, unless it is that of a Service."""
    if is_address(host):
        return next((each["metadata"]["name"] for each in _services(cluster) if _address_of(each) == host), host)
    member, _dot, domain = host.partition(".")
    name = domain.partition(".")[0] if member.startswith("notes-db-") and domain else member
    alias = str(find(cluster, "services", name)["spec"].get("externalName", "")) if name else ""
    return alias.partition(".")[0] or name


def _address_of(service: Object) -> str:
    return str(service["spec"].get("clusterIP", ""))


def told(cluster: Reader, tier: str, variable: str) -> str:
    """What the template of a tier says in a variable, itself or with a ConfigMap; empty for none."""
    owner = owner_of(cluster, tier)
    container = container_of(owner) if owner["spec"] else {}
    for each in container.get("env") or ():
        if each["name"] == variable:
            source = (each.get("valueFrom") or {}).get("configMapKeyRef") or {}
            return _kept(cluster, source).get(source["key"], "") if source else str(each.get("value", ""))
    for each in reversed(container.get("envFrom") or ()):
        found = _kept(cluster, each.get("configMapRef") or {})
        if (key := variable.removeprefix(each.get("prefix", ""))) in found:
            return found[key]
    return ""


def _kept(cluster: Reader, source: Object) -> Mapping[str, str]:
    """The data of the ConfigMap that a reference names."""
    return (find(cluster, "configmaps", source["name"]).get("data") if source else None) or {}


def container_of(owner: Object) -> Object:
    """The first container of what a workload makes."""
    found: Object = owner["spec"]["template"]["spec"]["containers"][0]
    return found


def _is_there(cluster: Reader, tier: str) -> Iterator[str]:
    owner = owner_of(cluster, tier)
    if not owner["spec"]:
        yield _("notes-{tier} is gone").format(tier=tier)
        return
    image = container_of(owner)["image"].partition(":")[0]
    if image != IMAGES[tier]:
        yield _("notes-{tier} runs {image}").format(tier=tier, image=image)


def _is_complete(cluster: Reader, tier: str) -> Iterator[str]:
    owner, wanted = owner_of(cluster, tier), TIERS[tier]
    status = owner.get("status") or {}
    counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas")]
    if counts != [owner["spec"].get("replicas", 1)] * 3:
        found = says(_("pods, up to date, ready"), counts)
        older = _("They are of an older revision: what keeps the newer one from them?")
        yield f"notes-{tier}: {found}. {waiting_in(cluster, tier) or older}"
    elif counts[0] < wanted:
        yield _("notes-{tier} had {wanted} pods, and has {count}").format(tier=tier, wanted=wanted, count=counts[0])


def _is_probed(cluster: Reader, tier: str) -> Iterator[str]:
    probe = container_of(owner_of(cluster, tier)).get("readinessProbe") or {}
    if not probe:
        words = _("notes-{tier} has no readiness probe: a pod that cannot answer gets requests all the same")
        yield words.format(tier=tier)
    elif tier == "api" and (probe.get("httpGet") or {}).get("path") != "/ready":
        yield _("notes-api is asked something that needs no database, so it is ready without one")


def _is_selected(cluster: Reader, tier: str) -> Iterator[str]:
    for name in services_of(cluster, tier):
        yield from _selects(cluster, tier, name)


def _selects(cluster: Reader, tier: str, name: str) -> Iterator[str]:
    service = find(cluster, "services", name)
    if is_address(name):
        yield _("{name} is the address of one pod, and goes with it").format(name=name)
        return
    if not service["spec"]:
        yield _("there is no Service {name}").format(name=name)
        return
    selector: Mapping[str, str] = service["spec"].get("selector") or {}
    if not selector:
        yield _("the Service {name} selects nothing: its addresses are those of pods that go").format(name=name)
        return
    if not selector.items() <= labels_of(owner_of(cluster, tier)["spec"]["template"]).items():
        yield _("the next pod of {name} would not be found: its template has other labels").format(name=name)
    others = {labels_of(pod).get("tier", "") for pod in pods_labelled(cluster, selector)} - {tier}
    if others:
        yield f"{name}: {says(_('also selected'), sorted(others))}"
    if service["spec"].get("publishNotReadyAddresses"):
        yield _("the Service {name} leads to pods that are not ready, too").format(name=name)


def _is_secret(cluster: Reader, tier: str) -> Iterator[str]:
    variables = {"api": "DB_PASSWORD", "db": "POSTGRES_PASSWORD"}
    if tier in variables:
        env = container_of(owner_of(cluster, tier)).get("env") or ()
        value: Object = next((each for each in env if each["name"] == variables[tier]), {})
        if value.get("value") or "configMapKeyRef" in (value.get("valueFrom") or {}):
            yield _("whoever may see notes-{tier} can read it").format(tier=tier)


def _is_guarded(cluster: Bench) -> Claims:
    """The way in is the Ingress, with a certificate for the host."""
    subject = ask(cluster).subject
    yield Claim(HOST in subject, _("the certificate is the host's"), says(_("its subject"), subject or _("none")))
    plain = ask(cluster, scheme="http").status
    yield Claim(plain == "308", _("who asks without TLS is sent to TLS"), says(_("the status"), plain))
    open_ones = [each["metadata"]["name"] for each in _services(cluster) if each["spec"]["type"] in _OPEN]
    yield Claim(not open_ones, _("there is no other way in"), says(_("open to the outside"), open_ones))


def _services(cluster: Reader) -> Iterator[Object]:
    yield from cluster.client.list("services", NAMESPACE)
