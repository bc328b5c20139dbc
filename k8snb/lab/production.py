"""The lab that ends the chapter "Production ready": ten faults of an application in three tiers.

Each fault is a row of a table. What must hold in the end is nearly the same for all of them: the application works,
and nothing was bought with something else (`notes`). So it does not matter how somebody repairs it.
"""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.lab import notes
from k8snb.lab.exercise import exercise
from k8snb.lab.ingress import tls_secret
from k8snb.lab.puzzles import Bench, Fault, Puzzles, kind, typed
from k8snb.lab.reading import Claims, find, pods_labelled
from k8snb.lab.verdict import Claim, check
from k8snb.typing import Object

ZONE = "topology.kubernetes.io/zone"
DRIVER = "ebs.csi.aws.com"

STORAGE_CLASS: Object = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard-ssd"},
    "provisioner": DRIVER,
    "volumeBindingMode": "WaitForFirstConsumer",
    "allowVolumeExpansion": True,
}


def certificate() -> Object:
    """The Secret with the certificate for the application's host."""
    return tls_secret("notes-tls", notes.HOST)


# -- what happens ----------------------------------------------------------------------------------------


def _again(tier: str, patch: str = "") -> tuple[str, ...]:
    """Commands that change a Deployment and then make all of its pods anew, as when every node has restarted."""
    name = f"deployment notes-{tier}"
    change = (f"patch {name} --type=json -p '[{patch}]'",) if patch else ()
    return (*change, f"scale {name} --replicas=0", f"scale {name} --replicas={notes.TIERS[tier]}")


def _in_pods(field: str, value: str) -> str:
    """A merge patch for a field of the pods that a workload makes."""
    return f'{{"spec": {{"template": {{"spec": {{"{field}": {value}}}}}}}}}'


def _replace(path: str, value: str) -> str:
    """One operation of a JSON patch on the first container of a template."""
    return f'{{"op": "replace", "path": "/spec/template/spec/containers/0/{path}", "value": {value}}}'


_STRANGE_CLAIM = """apply -f -
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: notes-data-v2}
spec:
  storageClassName: fast-ssd
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
"""
_OTHER_ADDRESS = """apply -f -
apiVersion: v1
kind: ConfigMap
metadata: {name: notes-config}
immutable: true
data: {API_URL: "http://notes-apis:8080", TITLE: Team notes}
"""
_NEW_CLAIM = '{"name": "data", "persistentVolumeClaim": {"claimName": "notes-data-v2"}}'


def _move_to_another_zone(cluster: Bench) -> None:
    """The database is to run where its disk is not."""
    claim = find(cluster, "persistentvolumeclaims", "notes-data")
    volume = find(cluster, "persistentvolumes", claim["spec"]["volumeName"], "")
    terms = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    here = terms[0]["matchExpressions"][0]["values"][0]
    zones = sorted(node["metadata"]["labels"][ZONE] for node in cluster.client.list("nodes"))
    there = next(zone for zone in zones if zone != here)
    spec = _in_pods("nodeSelector", f'{{"{ZONE}": "{there}"}}')
    cluster.kubectl(f"patch deployment notes-db -p '{spec}'")


# -- what has to hold ------------------------------------------------------------------------------------


@check
def check_notes(cluster: Bench) -> Claims:
    """The application works, and nothing was bought with something else."""
    yield from notes.works(cluster)
    yield from notes.intact(cluster)


@exercise("production/capstone", "The certificate", minutes=15)
def check_tls(cluster: Bench) -> Claims:
    """… and whoever asks is shown the certificate of the host."""
    notes.let_time_pass(cluster)
    subject = notes.ask(cluster).subject
    named = next(
        (each.get("secretName") for each in find(cluster, "ingresses", "notes")["spec"].get("tls") or ()), None
    )
    hint = _("it is {subject}; the Ingress asks for {name}").format(subject=subject, name=named or _("no TLS"))
    shown = Claim(f"CN={notes.HOST}" in subject, _("the certificate is the host's"), hint)
    yield shown
    yield from notes.works(cluster)
    yield from (claim for claim in notes.intact(cluster) if claim.sentence != shown.sentence)


@exercise("production/capstone", "A faster disk", minutes=15)
def check_claim(cluster: Bench) -> Claims:
    """… and what was written is on the disk that the database has now."""
    yield from notes.works(cluster)
    yield from notes.intact(cluster)


@exercise("production/capstone", "The new password", minutes=15)
def check_password(cluster: Bench) -> Claims:
    """… and the database knows the password that the Secret has."""
    yield from notes.works(cluster)
    yield from notes.intact(cluster)
    said = cluster.kubectl("exec deploy/notes-api -- sh -c 'wget -qO- localhost:8080/ready'")
    yield Claim(said.strip() == "ready", _("the API is let in with it"), said.strip())


@exercise("production/capstone", "The corrected address", minutes=15)
def check_config(cluster: Bench) -> Claims:
    """… and the running pods have the configuration that stands in the map."""
    notes.let_time_pass(cluster)
    wanted = find(cluster, "configmaps", "notes-config").get("data") or {}
    used = _api_urls(cluster)
    corrected = wanted.get("API_URL", "").rstrip("/").endswith("notes-api:8080")
    stale = corrected and any("notes-apis" in each for each in used)
    hint = _("a variable is set when a container starts, and theirs say {url}").format(url=", ".join(used))
    yield Claim(not stale, _("the pods have what the map says"), hint)
    yield from notes.works(cluster)
    yield from notes.intact(cluster)


def _api_urls(cluster: Bench) -> list[str]:
    """What the pods of the web tier say where the API is."""
    names = [pod["metadata"]["name"] for pod in pods_labelled(cluster, {"app": "notes", "tier": "web"})]
    return sorted({cluster.kubectl(f"exec {name} -- printenv API_URL").strip() for name in names})


# -- the table -------------------------------------------------------------------------------------------


_row = kind(check_notes, notes.show)


def faults() -> dict[str, Fault]:
    """The faults by name."""
    return {
        "key": _row(
            _("Since the nodes were restarted last night, the page shows an error."),
            typed(*_again("api", _replace("env/2/valueFrom/secretKeyRef/key", '"pass"'))),
        ),
        "selector": _row(
            _("A colleague tidied up labels. Nobody sees a note any more."),
            typed('patch service notes-api -p \'{"spec": {"selector": {"release": "stable"}}}\''),
        ),
        "port": _row(
            _("The page is gone, and yet all pods are Running and Ready."),
            typed('patch service notes-web -p \'{"spec": {"ports": [{"port": 80, "targetPort": "https"}]}}\''),
        ),
        "class": _row(
            _("The manifests were taken over from another cluster. Here the host is unknown."),
            typed('patch ingress notes -p \'{"spec": {"ingressClassName": "nginx"}}\''),
        ),
        "tls": _row(
            _("Browsers warn of the certificate, since it was to be renewed."),
            typed(
                'patch ingress notes --type=json -p \'[{"op": "replace", "path": "/spec/tls/0/secretName", '
                '"value": "notes-tls-2026"}]\''
            ),
            check_tls,
            notes.show_certificate,
        ),
        "claim": _row(
            _("The database was to get a faster disk. Now there is no database."),
            typed(_STRANGE_CLAIM, f"patch deployment notes-db -p '{_in_pods('volumes', f'[{_NEW_CLAIM}]')}'"),
        ),
        "zone": _row(_("The database was to move to a quieter machine. It has not arrived."), _move_to_another_zone),
        "probe": _row(
            _("Someone improved the health checks. Since then nothing is healthy."),
            typed(*_again("api", _replace("readinessProbe/httpGet/path", '"/readiness"'))),
        ),
        "password": _row(
            _("The password of the database was changed, as the rules demand twice a year."),
            typed(
                'patch secret notes-db -p \'{"stringData": {"password": "second-one"}}\'',
                *_again("api"),
            ),
            check_password,
        ),
        "config": _row(
            _("The address of the API was corrected in the configuration. It did not become better."),
            typed("delete configmap notes-config", _OTHER_ADDRESS, *_again("web")),
            check_config,
        ),
    }


def puzzles(cluster: Bench) -> Puzzles:
    """The lab, in a cluster whose application is healthy."""
    return Puzzles(cluster, faults())
