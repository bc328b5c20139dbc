"""The exercises of the page on service accounts."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from k8snb.apiserver.access.examining import contents
from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, pods_labelled, says
from k8snb.lab.rights import Somebody
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import is_true
from k8snb.typing import Object

_READING, _WRITING = ("get", "list", "watch"), ("create", "update", "patch", "delete")
_OTHERS = ("configmaps", "services", "endpoints", "deployments.apps", "pods/log", "secrets")
_BINDINGS = ("rolebindings.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io")


def _tokens(pod: Object) -> Iterator[tuple[str, Object]]:
    """The tokens that a pod's containers find in their files: where, and what was asked for."""
    sources = {
        volume["name"]: [s["serviceAccountToken"] for s in volume["projected"]["sources"] if "serviceAccountToken" in s]
        for volume in pod["spec"].get("volumes") or ()
        if "projected" in volume
    }
    for container in pod["spec"].get("containers") or ():
        for mount in container.get("volumeMounts") or ():
            for source in sources.get(mount["name"], ()):
                yield f"{mount['mountPath'].rstrip('/')}/{source['path']}", source


def _for_the_api(source: Object) -> bool:
    return not source.get("audience") or source["audience"].startswith("https://kubernetes.default.svc")


# -- 1 -------------------------------------------------------------------------------------------------------


@exercise("ecosystem/service-account", "Silence", minutes=5)
def check_silent(cluster: Reader) -> Claims:
    """Pods that have no token, and neighbours that go on having theirs."""
    web = find(cluster, "deployments.apps", "web")
    yield exists(web, _("the Deployment web is still there"))
    pods = pods_labelled(cluster, web["spec"]["selector"]["matchLabels"])
    ready = [pod for pod in pods if is_true(pod, "Ready")]
    yield Claim(len(ready) == 1, _("its pod is Ready"), says(_("their number"), len(ready)))
    default = find(cluster, "serviceaccounts", "default")
    others = _("whoever runs as default still gets a token")
    spared = default.get("automountServiceAccountToken") is not False
    yield Claim(spared, others, _("the account default has it switched off, for every pod that names no other account"))
    having = [pod for pod in pods if list(_tokens(pod))]
    names = ", ".join(pod["metadata"]["name"] for pod in having)
    yield Claim(not having, _("none of its pods has a token"), _why_there(cluster, having) or names)


def _why_there(cluster: Reader, pods: list[Object]) -> str:
    for pod in pods:
        account = find(cluster, "serviceaccounts", pod["spec"].get("serviceAccountName", ""))
        if pod["spec"].get("automountServiceAccountToken") is True:
            return _("the pod's own word, automountServiceAccountToken: true, counts more than its account's")
        if account.get("automountServiceAccountToken") is False:
            return _("its account has it switched off, but a pod keeps the volumes that it was made with")
    return ""


# -- 2 -------------------------------------------------------------------------------------------------------


@exercise("ecosystem/service-account", "The watcher", minutes=10)
def check_watcher(cluster: Reader) -> Claims:
    """An account of its own for a program, with the rights that it needs and no others."""
    yield exists(find(cluster, "serviceaccounts", "watcher"), _("there is a ServiceAccount watcher"))
    pod = find(cluster, "pods", "watcher")
    yield exists(pod, _("there is a Pod watcher"))
    runs = pod["spec"].get("serviceAccountName")
    yield Claim(runs == "watcher", _("it runs as the account watcher"), says("serviceAccountName", runs))
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), says(_("the phase"), pod["status"].get("phase")))
    watcher = Somebody.account(cluster, "watcher")
    missing = [verb for verb in _READING if not watcher.may(verb, "pods")]
    why = _misnamed(cluster) or _("not yet: {verbs}").format(verbs=", ".join(missing))
    yield Claim(not missing, _("it may get, list and watch the pods of default"), why)
    elsewhere = watcher.among(_READING, ("pods",), "kube-system")
    hint = _("in kube-system, too: a ClusterRoleBinding grants in every namespace")
    yield Claim(not elsewhere, _("… and of no other namespace"), hint)
    more = watcher.among(_READING, _OTHERS)
    large = _("it may also {these}: is the role larger than the task?").format(these=", ".join(more[:3]))
    yield Claim(not more, _("it may read nothing else here"), large)
    changes = watcher.among(_WRITING, ("pods", "pods/exec", "serviceaccounts/token", *_OTHERS))
    yield Claim(not changes, _("it may change nothing"), ", ".join(changes[:3]))
    default = Somebody.account(cluster, "default")
    gained = _("the account default may do it as well: whom does the binding name?")
    yield Claim(not default.may("list", "pods"), _("and nobody else has got these rights by the way"), gained)


def _misnamed(cluster: Reader) -> str:
    """A binding that names the account as if it were a user, or in another namespace."""
    for resource in _BINDINGS:
        for bound in cluster.client.list(resource):
            for subject in bound.get("subjects") or ():
                if subject["name"] != "watcher":
                    continue
                if subject["kind"] != "ServiceAccount":
                    told = _(
                        "the binding names the {kind} watcher, who is somebody else: an account is of the kind {own}"
                    )
                    return told.format(kind=subject["kind"], own="ServiceAccount")
                if subject.get("namespace") != NAMESPACE:
                    return _("the binding names an account in {name}").format(name=subject.get("namespace"))
    return ""


# -- 3 -------------------------------------------------------------------------------------------------------


@exercise("ecosystem/service-account", "The courier", minutes=10)
def check_courier(cluster: Reader) -> Claims:
    """A pod with a token for somebody else than the API server, and with none for that."""
    pod = find(cluster, "pods", "courier")
    yield exists(pod, _("there is a Pod courier"))
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), says(_("the phase"), pod["status"].get("phase")))
    found, path = dict(_tokens(pod)), "/var/run/secrets/vault/token"
    there = _("there is a token in {path}").format(path=path)
    yield Claim(path in found, there, says(_("tokens"), list(found)))
    audience = found[path].get("audience", "")
    meant = _("without an audience it is meant for the API server, and vault could then act as the pod")
    other = says("audience", audience) if audience else meant
    yield Claim(audience == "vault", _("it is meant for vault"), other)
    seconds = found[path].get("expirationSeconds", 3600)
    yield Claim(seconds == 900, _("it lasts a quarter of an hour"), says("expirationSeconds", seconds))
    api = [where for where, source in found.items() if _for_the_api(source)]
    hint = _("it still has {paths}").format(paths=", ".join(api))
    yield Claim(not api, _("it has no token for the API"), hint)


# -- 4 -------------------------------------------------------------------------------------------------------


@exercise("ecosystem/service-account", "Locked out", minutes=10)
def check_reporter(cluster: Reader) -> Claims:
    """A program that was locked out because nobody renewed its token."""
    deployment = find(cluster, "deployments.apps", "reporter")
    yield exists(deployment, _("the Deployment reporter is still there"))
    pods = [pod for pod in pods_labelled(cluster, {"app": "reporter"}) if is_true(pod, "Ready")]
    yield Claim(len(pods) == 1, _("its pod is Ready"), says(_("their number"), len(pods)))
    answers = _log(cluster, pods[0]["metadata"]["name"]).split()
    last = answers[-1] if answers else _("none")
    yield Claim(last == "200", _("its last request was answered with 200"), says(_("the last answer"), last))
    runs = pods[0]["spec"].get("serviceAccountName")
    yield Claim(runs == "reporter", _("it is the account reporter"), says("serviceAccountName", runs))
    ends = _until(cluster, pods[0])
    hint = _("the Secret holds a token that expires, and nobody renews it: the next time is only a matter of time")
    yield Claim(not ends, _("and so it stays: its token is renewed, or does not expire"), hint)
    reporter = Somebody.account(cluster, "reporter")
    more = reporter.among(("delete", "create"), ("pods",)) + reporter.among(("list",), ("secrets",))
    yield Claim(not more, _("it may do no more than before"), ", ".join(more))


def _until(cluster: Reader, pod: Object) -> bool:
    """Whether the pod reads a token from a Secret that expires there."""
    for volume in pod["spec"].get("volumes") or ():
        name = (volume.get("secret") or {}).get("secretName", "")
        text = (find(cluster, "secrets", name).get("data") or {}).get("token", "") if name else ""
        claims: Any = contents(base64.b64decode(text).decode())[1]
        if "exp" in claims:
            return True
    return False


def _log(cluster: Reader, pod: str) -> str:
    response = cluster.client.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/log", {"tailLines": "5"})
    return bytes(response.body).decode() if response.code == 200 else ""
