"""The lab of the chapter "Production ready": right repairs of a fault are accepted, wrong ones are told why."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from k8snb import Cluster, NodeSpec, helm
from k8snb.ingress import CONTROLLER
from k8snb.lab import notes, production
from k8snb.lab.puzzles import Puzzles, Ticket
from tests.book.conftest import ROOT
from tests.lab.repairs import SOLVED, Attempt, judged, verdict_of

Lab = tuple[Puzzles, Cluster]


@pytest.fixture(scope="module")
def lab() -> Lab:
    """The application as the chart installs it, with two notes."""
    cluster = Cluster([NodeSpec(f"node-{n}", labels={production.ZONE: f"zone-{n}"}) for n in (1, 2)], 5, cloud=True)
    cluster.add_driver(production.DRIVER, topology=production.ZONE)
    cluster.kubectl(f"apply -f {CONTROLLER}")
    cluster.client.create("storageclasses.storage.k8s.io", production.STORAGE_CLASS)
    cluster.client.create("secrets", production.certificate())
    values = f"--set database.password=first-one --set 'title={notes.TITLE}'"
    helm.run(cluster, f"install notes {ROOT / 'charts' / 'notes'} --wait {values}")
    for note in notes.NOTES:
        cluster.curl(f"-sk --resolve {notes.HOST}:443:{notes.address(cluster)} -d '{note}' https://{notes.HOST}/notes")
    return production.puzzles(cluster), cluster


def of(kind: str, name: str, *operations: str) -> str:
    """A JSON patch; an operation is `op path value`."""
    made = []
    for operation in operations:
        verb, path, value = [*operation.split(" ", 2), ""][:3]
        made.append(f'{{"op": "{verb}", "path": "{path}"' + (f', "value": {value}}}' if value else "}"))
    return f"patch {kind} {name} --type=json -p '[{', '.join(made)}]'\n"


def container(tier: str, verb: str, path: str, value: str = "") -> str:
    """A JSON patch of the container of a tier."""
    return of("deployment", f"notes-{tier}", f"{verb} /spec/template/spec/containers/0/{path} {value}".strip())


def service(name: str, spec: str) -> str:
    return f"patch service {name} -p '{{\"spec\": {spec}}}'\n"


def database(spec: str) -> str:
    return f'patch deployment notes-db -p \'{{"spec": {{"template": {{"spec": {spec}}}}}}}\'\n'


def claim(name: str) -> str:
    size = "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}"
    spec = f"{{{size}, storageClassName: standard-ssd}}"
    return f"apply -f -\n> {{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: {name}}}, spec: {spec}}}\n"


def zone(number: int) -> str:
    return database(f'{{"nodeSelector": {{"{production.ZONE}": "zone-{number}"}}}}')


def uses(name: str) -> str:
    return database(f'{{"volumes": [{{"name": "data", "persistentVolumeClaim": {{"claimName": "{name}"}}}}]}}')


def alias(spec: str) -> str:
    spec = f"{{{spec}, ports: [{{port: 8080, targetPort: http}}]}}"
    return f"apply -f -\n> {{apiVersion: v1, kind: Service, metadata: {{name: notes-apis}}, spec: {spec}}}\n"


def configured(url: str) -> str:
    """Another map, and pods that read it."""
    given = f"--from-literal=API_URL={url} --from-literal='TITLE={notes.TITLE}'"
    name = url.translate({ord(sign): "-" for sign in ":/."})
    named = container("web", "replace", "envFrom/0/configMapRef/name", f'"{name}"')
    return f"create configmap {name} {given}\n{named}"


ENV, PROBE = "env/2", "readinessProbe"
KEY = '{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "notes-db", "key": "password"}}}'
RIGHT_PROBE = '{"httpGet": {"path": "/ready", "port": "http"}}'
IN_PLAIN = container("api", "replace", ENV, '{"name": "DB_PASSWORD", "value": "first-one"}')
IN_CLASS = (
    "apply -f -\n> {apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx},"
    " spec: {controller: %s}}\n"
)

STORIES: Sequence[tuple[str, Sequence[Attempt]]] = [
    ("key", [
        (container("api", "add", f"{ENV}/valueFrom/secretKeyRef/optional", "true"), "CrashLoopBackOff"),
        (container("api", "replace", ENV, KEY), SOLVED),
    ]),
    ("key", [
        (IN_PLAIN, "whoever may see notes-api"),
        ("patch secret notes-db -p '{\"stringData\": {\"pass\": \"first-one\"}}'\n"
         + container("api", "replace", ENV, KEY.replace('"password"', '"pass"')), SOLVED),
    ]),
    ("key", [
        (of("deployment", "notes-api", "remove /spec/template/spec/containers/0/env/2",
            'add /spec/template/spec/containers/0/envFrom [{"secretRef": {"name": "notes-db"}}]'), "CrashLoopBackOff"),
        ("patch secret notes-db -p '{\"stringData\": {\"DB_PASSWORD\": \"first-one\"}}'\n"
         "rollout restart deployment notes-api", SOLVED),
    ]),
    ("selector", [
        ("label pods -l tier=api release=stable", "the next pod of notes-api would not be found"),
        (service("notes-api", '{"selector": {"release": null}}'), SOLVED),
    ]),
    ("selector", [
        (service("notes-api", '{"selector": {"release": null, "tier": null}}'), "notes-api"),
        (service("notes-api", '{"selector": {"release": "stable", "tier": "api"}}')
         + of("deployment", "notes-api", 'add /spec/template/metadata/labels/release "stable"'), SOLVED),
    ]),
    ("port", [
        (service("notes-web", '{"ports": [{"port": 80, "targetPort": 80}]}'), "All pods are ready. Follow the request"),
        (service("notes-web", '{"ports": [{"port": 80, "targetPort": 8080}]}'), SOLVED),
    ]),
    ("port", [
        (service("notes-web", '{"type": "LoadBalancer"}'), "The slices of notes-web list addresses, and no port"),
        (service("notes-web", '{"type": "ClusterIP"}')
         + container("web", "replace", "ports/0/name", '"https"')
         + container("web", "replace", f"{PROBE}/httpGet/port", '"https"'), SOLVED),
    ]),
    ("class", [
        (IN_CLASS % "k8s.io/ingress-nginx", "404: default backend - 404"),
        ("annotate ingress notes kubernetes.io/ingress.class=k8snb", "404: default backend - 404"),
        ("patch ingress notes -p '{\"spec\": {\"ingressClassName\": \"k8snb\"}}'", SOLVED),
    ]),
    ("class", [
        (service("notes-web", '{"type": "LoadBalancer"}') + IN_CLASS % "k8snb.dev/ingress", "open to the outside"),
        (service("notes-web", '{"type": "ClusterIP"}'), SOLVED),
    ]),
    ("config", [
        ("get services", "no such host. All pods are ready. Follow the request: Ingress, Service, port, config"),
        (alias("selector: {app: notes, tier: db}"), "every request from outside is answered: 502"),
        (alias("selector: {app: notes, tier: api}, publishNotReadyAddresses: true"), "notes-apis leads to pods"),
        (alias("selector: {app: notes, tier: api}, publishNotReadyAddresses: false"), SOLVED),
    ]),
    ("config", [
        (alias("type: ExternalName, externalName: notes-web.default.svc.cluster.local"), "timed out"),
        (alias("type: ExternalName, externalName: notes-api.default.svc.cluster.local"), SOLVED),
    ]),
    ("zone", [
        (claim("elsewhere") + uses("elsewhere"), "looks for them on the claim elsewhere"),
        (uses("notes-data") + of("deployment", "notes-db", "remove /spec/template/spec/nodeSelector"), SOLVED),
    ]),
    ("probe", [
        (container("api", "remove", PROBE), "notes-api has no readiness probe"),
        (container("api", "add", PROBE, RIGHT_PROBE), SOLVED),
    ]),
    ("probe", [
        (container("api", "replace", PROBE, '{"tcpSocket": {"port": "http"}}'), "asked something that needs no"),
        (service("notes-api", '{"publishNotReadyAddresses": true}'), "asked something that needs no"),
        (service("notes-api", '{"publishNotReadyAddresses": false}')
         + "rollout undo deployment notes-api --to-revision=1", SOLVED),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "attempts"), STORIES, ids=[name for name, _attempts in STORIES])
def test_a_repair_is_judged_by_what_it_brings_about(lab: Lab, name: str, attempts: Sequence[Attempt]) -> None:
    puzzles, cluster = lab
    assert judged(puzzles, cluster, name, attempts) == []


def test_a_healthy_application_is_a_solved_one_and_every_fault_shows_in_a_request(lab: Lab) -> None:
    puzzles, cluster = lab
    cluster.rewind(puzzles.healthy)
    assert verdict_of(production.check_notes(cluster)) == SOLVED
    assert notes.show(cluster).endswith("HTTP/1.1 200\n\nTeam notes\n- buy milk\n- call the plumber\n")


def test_the_disk_decides_where_the_database_runs(lab: Lab) -> None:
    puzzles, cluster = lab
    solved = []
    for number in (1, 2):
        puzzles.start("zone")
        cluster.kubectl(zone(number))
        solved.append(bool(puzzles.check()))
    assert sorted(solved) == [False, True]


def test_whoever_writes_the_address_of_the_api_down_has_to_do_so_again(lab: Lab) -> None:
    puzzles, cluster = lab
    pod = cluster.client.list("pods", "default", labels="app=notes,tier=api")[0]["status"]["podIP"]
    service = cluster.client.get("services", "notes-api", "default")["spec"]["clusterIP"]
    by_hand = f"addressType: IPv4, endpoints: [{{addresses: [{pod}]}}], ports: [{{name: '', port: 8080}}]"
    about = "name: notes-apis-1, labels: {kubernetes.io/service-name: notes-apis}"
    slice_ = f"{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {{{about}}}, {by_hand}}}"
    assert judged(puzzles, cluster, "config", [
        (alias("type: ClusterIP") + f"apply -f -\n> {slice_}", "notes-apis selects nothing"),
        (configured(f"http://{pod}:8080"), f"{pod} is the address of one pod"),
        (configured(f"http://{service}:8080"), SOLVED),
    ]) == []  # fmt: skip


def test_the_faults_are_listed_with_what_somebody_noticed(lab: Lab) -> None:
    lines = repr(lab[0]).splitlines()
    assert lines[0] == "10 faults"
    assert lines[1] == "key       Since the nodes were restarted last night, the page shows an error."


def test_helm_brings_back_what_the_chart_speaks_of_and_nothing_else(lab: Lab) -> None:
    puzzles, cluster = lab
    solved = {}
    for name in ("port", "selector"):
        puzzles.start(name)
        helm.run(cluster, "rollback notes 1 --wait")
        solved[name] = bool(puzzles.check())
    assert solved == {"port": True, "selector": False}


def test_in_a_ticket_sentences_go_on_in_the_next_line_and_columns_keep_their_places() -> None:
    page = Ticket("It is slow.", "$ kubectl get hpa\nNAME   TARGETS\n\ncurl: (7) <no>")._repr_html_()
    assert re.findall(r"white-space:([\w-]+)[^>]*>([^<]*)", page) == [
        ("pre-wrap", "$ kubectl get hpa"),
        ("pre", "NAME   TARGETS"),
        ("pre-wrap", ""),
        ("pre-wrap", "curl: (7) &lt;no&gt;"),
    ]
