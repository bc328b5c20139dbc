"""The exercises of the page on StatefulSets."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, says, slices
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import controller_of, is_deleting, is_true

CANARY = "busybox:1.36"


@exercise("workloads/statefulset", "A canary", minutes=10)
def check_canary(cluster: Reader) -> Claims:
    """A new version that only the last member of a set runs."""
    db = find(cluster, "statefulsets.apps", "db")
    yield exists(db, _("the StatefulSet db is still there"))
    image = db["spec"]["template"]["spec"]["containers"][0]["image"]
    yield Claim(image == CANARY, _("its template asks for {image}").format(image=CANARY), says("image", image))
    replicas = db["spec"].get("replicas")
    yield Claim(replicas == 3, _("it has three members"), says("replicas", replicas))
    update = db["spec"].get("updateStrategy") or {}
    least = (update.get("rollingUpdate") or {}).get("partition", 0)
    held = update.get("type") == "OnDelete" or least == 2
    yield Claim(held, _("its update stops at member 2"), says("partition", least))
    pods = [find(cluster, "pods", f"db-{number}") for number in range(3)]
    ready = [pod["metadata"].get("name") for pod in pods if is_true(pod, "Ready")]
    yield Claim(len(ready) == 3, _("all three are ready"), says(_("ready"), ready))
    images = [pod["spec"]["containers"][0]["image"] for pod in pods]
    yield Claim(images[2] == CANARY, _("db-2 runs it"), says(_("its image"), images[2]))
    yield Claim(CANARY not in images[:2], _("… and the others do not yet"), says(_("their images"), images[:2]))


@exercise("workloads/statefulset", "Leave nothing behind", minutes=10)
def check_tidy(cluster: Reader) -> Claims:
    """A set that has shrunk and left no claims behind."""
    web = find(cluster, "statefulsets.apps", "web")
    yield exists(web, _("the StatefulSet web is still there"))
    policy = (web["spec"].get("persistentVolumeClaimRetentionPolicy") or {}).get("whenScaled")
    yield Claim(policy == "Delete", _("it clears up after members that go"), says("whenScaled", policy))
    replicas = web["spec"].get("replicas")
    yield Claim(replicas == 1, _("it has one member"), says("replicas", replicas))
    first = find(cluster, "pods", "web-0")
    yield Claim(is_true(first, "Ready"), _("web-0 is ready"), says(_("the phase"), first["status"].get("phase")))
    claims = [each for each in cluster.client.list("persistentvolumeclaims", NAMESPACE) if not is_deleting(each)]
    names = [each["metadata"]["name"] for each in claims if each["metadata"]["name"].startswith("www-web-")]
    yield Claim("www-web-0" in names, _("its claim is still there"), says(_("the claims"), names))
    yield Claim(names == ["www-web-0"], _("… and no other of the set"), says(_("the claims"), names))


@exercise("workloads/statefulset", "Nobody of that name", minutes=10)
def check_names(cluster: Reader) -> Claims:
    """A Service that gives each member its name."""
    cache = find(cluster, "statefulsets.apps", "cache")
    yield exists(cache, _("the StatefulSet cache is still there"))
    name = cache["spec"].get("serviceName")
    yield Claim(name == "cache", _("it names the Service cache"), says("serviceName", name))
    service = find(cluster, "services", "cache")
    yield exists(service, _("there is a Service cache"))
    address = service["spec"].get("clusterIP")
    yield Claim(address == "None", _("it is headless"), says("clusterIP", address))
    points = [each for found in slices(cluster, "cache") for each in found.get("endpoints") or ()]
    hosts = sorted(each["hostname"] for each in points if each.get("hostname"))
    yield Claim(hosts == ["cache-0", "cache-1"], _("it gives a name to both members"), says(_("its names"), hosts))


@exercise("workloads/statefulset", "Under other management", minutes=15)
def check_parallel(cluster: Reader) -> Claims:
    """Pods that have outlived their set and belong to its successor, which may do more at once."""
    cache = find(cluster, "statefulsets.apps", "cache")
    yield exists(cache, _("there is a StatefulSet cache"))
    policy = cache["spec"].get("podManagementPolicy")
    yield Claim(policy == "Parallel", _("it starts all members at once"), says("podManagementPolicy", policy))
    replicas = cache["spec"].get("replicas")
    yield Claim(replicas == 2, _("it has two members"), says("replicas", replicas))
    pods = [find(cluster, "pods", f"cache-{number}") for number in range(2)]
    theirs = [(controller_of(pod) or {}).get("uid") for pod in pods]
    mine = theirs == [cache["metadata"]["uid"]] * 2
    yield Claim(mine, _("they belong to it"), _("whose pods does its selector match, and with which labels?"))
    born = cache["metadata"]["creationTimestamp"]
    young = [pod["metadata"]["name"] for pod in pods if pod["metadata"]["creationTimestamp"] >= born]
    yield Claim(not young, _("they have been running all the time"), says(_("younger than the set"), young))
