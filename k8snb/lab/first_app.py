"""The exercises of the chapter "First app": Pod and Deployment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, log_of, says, versions
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import annotations_of, controller_of, is_true
from k8snb.typing import Object

HTML = "/usr/share/nginx/html"
_REVISION = "deployment.kubernetes.io/revision"


class Typed(Reader, Protocol):
    """A cluster that can be asked with kubectl."""

    def kubectl(self, command: str) -> str: ...


# -- pods ------------------------------------------------------------------------------------------------


@exercise("first-app/pod", "A pod that is done", minutes=5)
def check_greeter(cluster: Reader) -> Claims:
    """A pod that says something and is done."""
    pod = find(cluster, "pods", "greeter")
    yield exists(pod, _("there is a Pod greeter"))
    yield Claim(_phase(pod) != "Pending", _("its container has run"), _not_yet(pod))
    yield Claim(_restarts(pod) == 0, _("the container ran once"), _restarted(pod))
    yield Claim(_phase(pod) == "Succeeded", _("its phase is Succeeded"), says(_("the phase"), _phase(pod)))
    said = log_of(cluster, "greeter")
    yield Claim(bool(said), _("it has left a line in its log"), _("kubectl logs greeter is empty"))


@exercise("first-app/pod", "A helper that does not outstay", minutes=10)
def check_report(cluster: Reader) -> Claims:
    """A pod whose helper does not keep it from finishing."""
    pod = find(cluster, "pods", "report")
    spec = pod["spec"]
    yield exists(pod, _("there is a Pod report"))
    mains = [each["name"] for each in spec.get("containers") or ()]
    yield Claim(mains == ["report"], _("report is its only ordinary container"), _are(mains))
    helper = _named(spec.get("initContainers"), "shipper")
    yield Claim(bool(helper), _("shipper is an init container"), _("no entry of initContainers has this name"))
    policy = str(helper.get("restartPolicy", _("absent")))
    yield Claim(policy == "Always", _("… and its own restartPolicy makes it a sidecar"), says("restartPolicy", policy))
    words = " ".join([*(helper.get("command") or ()), *(helper.get("args") or ())])
    yield Claim("42" not in words, _("it does not know the total before"), says(_("its command"), words))
    yield Claim(_phase(pod) == "Succeeded", _("the pod finishes: its phase is Succeeded"), _not_done(pod))
    shipped = "total: 42" in log_of(cluster, "report", "shipper")
    yield Claim(shipped, _("the helper has shipped the report"), _("kubectl logs report -c shipper has no total"))


@exercise("first-app/pod", "Surgery", minutes=5)
def check_patient(cluster: Reader) -> Claims:
    """A pod that is repaired where it stands."""
    pod = find(cluster, "pods", "patient")
    yield exists(pod, _("the Pod patient is still there"))
    image = _image(pod)
    yield Claim(image.startswith("nginx"), _("its image exists"), says("image", image))
    changed = pod["metadata"].get("generation", 1) > 1
    yield Claim(changed, _("it was repaired, not replaced"), _("this is a new Pod: its generation is 1"))
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), _not_yet(pod))


@exercise("first-app/pod", "Set the table first", minutes=10)
def check_site(cluster: Typed) -> Claims:
    """A web server that finds its page when it starts."""
    pod = find(cluster, "pods", "site")
    spec = pod["spec"]
    yield exists(pod, _("there is a Pod site"))
    mains = [each["name"] for each in spec.get("containers") or ()]
    image = _image(pod)
    yield Claim(len(mains) == 1 and image.startswith("nginx"), _("nginx is its only ordinary container"), _are(mains))
    helpers = pod["status"].get("initContainerStatuses") or []
    none = _("it has no init container: whatever else writes the page may come too late")
    yield Claim(bool(helpers), _("something runs before nginx"), none)
    ended = [each for each in helpers if (each["state"].get("terminated") or {}).get("exitCode") == 0]
    runs = _("an init container has not ended well; nginx waits for it (kubectl describe pod site)")
    yield Claim(len(ended) == len(helpers), _("… and has ended before it"), runs)
    written = _written(spec.get("initContainers")) & _read(spec["containers"][0])
    apart = _("they share no volume that the one can write to and nginx has at {place}").format(place=HTML)
    yield Claim(bool(written), _("… with the page in its hands"), apart)
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), _not_yet(pod))
    body = cluster.kubectl(f"exec site -c {mains[0]} -- curl -s localhost").strip()
    seen = _("it serves {text}: what is in index.html?")
    yield Claim(body == "open", _("nginx serves the page: open"), seen.format(text=repr(body[:40])))


# -- deployments -----------------------------------------------------------------------------------------


@exercise("first-app/deployment", "Nobody is missing", minutes=10)
def check_frontend(cluster: Reader) -> Claims:
    """A rollout during which nobody misses a pod."""
    deployment = find(cluster, "deployments.apps", "frontend")
    spec = deployment["spec"]
    yield exists(deployment, _("there is a Deployment frontend"))
    yield Claim(spec.get("replicas") == 4, _("it wants four replicas"), says("replicas", spec.get("replicas")))
    limits = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    unavailable, surge = str(limits.get("maxUnavailable")), str(limits.get("maxSurge"))
    yield Claim(unavailable in ("0", "0%"), _("no pod may be missing"), says("maxUnavailable", unavailable))
    yield Claim(surge in ("1", "25%"), _("one pod may be too many"), says("maxSurge", surge))
    images = [_image(each) for each in _replica_sets(cluster, "frontend")]
    yield Claim("nginx:1.27" in images, _("it has run nginx:1.27"), _saw(images))
    yield Claim("nginx:1.28" in images, _("it has been updated to nginx:1.28"), _saw(images))
    yield _changed_under(cluster, "frontend", "nginx:1.28", _keeps_all)
    yield from _complete(deployment, "nginx:1.28")


@exercise("first-app/deployment", "Further back", minutes=5)
def check_shop(cluster: Reader) -> Claims:
    """A rollback to a certain revision."""
    deployment = find(cluster, "deployments.apps", "shop")
    yield exists(deployment, _("the Deployment shop is still there"))
    image = _image(deployment)
    yield Claim(image == "nginx:1.26", _("it asks for the first image, nginx:1.26"), says("image", image))
    yield _wants(deployment, 2)
    revision = int(annotations_of(deployment).get(_REVISION, "0"))
    forward = _("going back makes a new revision; this one is {revision}").format(revision=revision)
    yield Claim(revision > 3, _("the history has gone on: this is revision 4 or later"), forward)
    yield from _complete(deployment, "nginx:1.26")


@exercise("first-app/deployment", "Never two at once", minutes=10)
def check_ledger(cluster: Reader) -> Claims:
    """A Deployment whose versions never run side by side."""
    deployment = find(cluster, "deployments.apps", "ledger")
    yield exists(deployment, _("the Deployment ledger is still there"))
    strategy = (deployment["spec"].get("strategy") or {}).get("type")
    yield Claim(strategy == "Recreate", _("its strategy is Recreate"), says("strategy.type", strategy))
    image = _image(deployment)
    yield Claim(image == "redis:8", _("it asks for redis:8"), says("image", image))
    yield _changed_under(cluster, "ledger", "redis:8", lambda strategy: strategy.get("type") == "Recreate")
    yield _wants(deployment, 1)
    yield from _complete(deployment, "redis:8")


@exercise("first-app/deployment", "Two changes, one rollout", minutes=10)
def check_catalog(cluster: Reader) -> Claims:
    """An image and a variable that reach the pods together."""
    deployment = find(cluster, "deployments.apps", "catalog")
    yield exists(deployment, _("the Deployment catalog is still there"))
    yield _wants(deployment, 2)
    paused = bool(deployment["spec"].get("paused"))
    yield Claim(not paused, _("its rollouts are not paused"), _("it is paused: nothing reaches the pods"))
    image = _image(deployment)
    yield Claim(image == "nginx:1.28", _("it asks for nginx:1.28"), says("image", image))
    env = {each["name"]: each.get("value") for each in _first_container(deployment).get("env") or ()}
    yield Claim(env.get("MODE") == "fast", _("… and for MODE=fast"), says("MODE", env.get("MODE", _("absent"))))
    revision = annotations_of(deployment).get(_REVISION, "0")
    apart = _("this is revision {number}: each change of the template has made pods of its own").format(number=revision)
    yield Claim(revision == "2", _("there has been one rollout, and no other"), apart)
    yield from _complete(deployment, "nginx:1.28")


def _wants(deployment: Object, replicas: int) -> Claim:
    """As many pods are wanted as before: with none, every rollout is through."""
    found = deployment["spec"].get("replicas")
    sentence = _("the number of pods it wants is as before: {count}").format(count=replicas)
    return Claim(found == replicas, sentence, says("replicas", found))


def _changed_under(cluster: Reader, name: str, image: str, right: Callable[[Object], bool]) -> Claim:
    """The strategy was as wanted from when the template got its image on, as far as the past is known."""
    past = versions(cluster, "deployments.apps", name)
    turns = [at for at in range(1, len(past)) if _image(past[at]) == image != _image(past[at - 1])]
    strategies = [each["spec"].get("strategy") or {} for each in past[turns[-1] :]] if turns else []
    late = _("it was set when the update to {image} had begun: that one went the old way").format(image=image)
    return Claim(all(map(right, strategies)), _("… and was before the update began"), late)


def _keeps_all(strategy: Object) -> bool:
    limits = strategy.get("rollingUpdate") or {}
    return str(limits.get("maxUnavailable")) in ("0", "0%") and str(limits.get("maxSurge")) in ("1", "25%")


def _complete(deployment: Object, image: str) -> Claims:
    """The rollout is through: every pod is of the newest template, and available."""
    wanted, status = deployment["spec"].get("replicas"), deployment["status"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    seen = _("of {wanted} pods {updated} are updated and {available} available, {old} are old").format(
        wanted=wanted, updated=counts[1], available=counts[2], old=counts[0] - counts[1]
    )
    sentence = _("all its pods run {image} and are available").format(image=image)
    yield Claim(counts == [wanted] * 3, sentence, seen)


# -- reading -----------------------------------------------------------------------------------------------


def _replica_sets(cluster: Reader, deployment: str) -> list[Object]:
    found = cluster.client.list("replicasets.apps", NAMESPACE)
    return [each for each in found if (controller_of(each) or {}).get("name") == deployment]


def _phase(pod: Object) -> str:
    return str(pod["status"].get("phase", ""))


def _restarts(pod: Object) -> int:
    return sum(each["restartCount"] for each in pod["status"].get("containerStatuses") or ())


def _first_container(obj: Object) -> Object:
    spec = obj["spec"].get("template", obj)["spec"]
    found: Object = (spec.get("containers") or [{}])[0]
    return found


def _image(obj: Object) -> str:
    """The image of the first container, without the registry that everybody means."""
    return str(_first_container(obj).get("image", "")).removeprefix("docker.io/").removeprefix("library/")


def _written(containers: Any) -> set[str]:
    """The volumes to which containers can write."""
    mounts = [each for found in containers or () for each in found.get("volumeMounts") or ()]
    return {each["name"] for each in mounts if not each.get("readOnly")}


def _read(container: Object) -> set[str]:
    """The volumes that nginx has where it reads its pages."""
    page = f"{HTML}/index.html/"
    mounts = container.get("volumeMounts") or ()
    return {each["name"] for each in mounts if page.startswith(f"{each['mountPath'].rstrip('/')}/")}


def _named(containers: Any, name: str) -> Object:
    return next((each for each in containers or () if each["name"] == name), {})


# -- words -------------------------------------------------------------------------------------------------


def _are(containers: list[str]) -> str:
    return _("its ordinary containers are {names}").format(names=", ".join(containers))


def _saw(images: list[str]) -> str:
    return _("its ReplicaSets have {images}").format(images=", ".join(sorted(images)) or _("no image"))


def _not_yet(pod: Object) -> str:
    """Why the pod does not run: the reason that its container gives, or that time has not passed."""
    waiting = [each["state"].get("waiting") for each in pod["status"].get("containerStatuses") or ()]
    reasons = [each["reason"] for each in waiting if each]
    seen = says(_("the reason"), reasons[0] if reasons else _phase(pod))
    return _("{seen}; have you let time pass, with cluster.settle()?").format(seen=seen)


def _restarted(pod: Object) -> str:
    policy = pod["spec"].get("restartPolicy")
    return _("it was restarted {count} times, because restartPolicy is {policy}").format(
        count=_restarts(pod), policy=policy
    )


def _not_done(pod: Object) -> str:
    running = [each["name"] for each in pod["status"].get("containerStatuses") or () if "running" in each["state"]]
    if not running:
        return says(_("the phase"), _phase(pod))
    return _("{containers} still runs; have you let time pass, with cluster.settle()?").format(
        containers=", ".join(running)
    )
