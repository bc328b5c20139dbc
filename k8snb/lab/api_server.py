"""The exercises of the page on the API server. Requests are tried as dry runs: checks change nothing."""

from __future__ import annotations

from typing import Any

import orjson

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find
from k8snb.lab.rights import Somebody
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import labels_of
from k8snb.wire import Response

_DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
_TEAM = "team"
_TRUST = "kube-root-ca.crt"
_PUBLISHER = "system:serviceaccount:kube-system:root-ca-cert-publisher"


def _try(cluster: Reader, method: str, path: str, body: Any, user: str = "") -> Response:
    """What the API server would say, to somebody else if a user is named."""
    headers = {"content-type": "application/json"} | ({"impersonate-user": user} if user else {})
    return cluster.client.request(method, path, {"dryRun": "All"}, headers, orjson.dumps(body))


def _said(response: Response) -> str:
    return str((response.object or {}).get("message", "")) or _("accepted")


def _deployment(replicas: int) -> Any:
    labels = {"app": "probe"}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pods}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe"}, "spec": spec}


@exercise("architecture/api-server", "Not too many", minutes=15)
def check_replicas(cluster: Reader) -> Claims:
    """A policy that holds whichever way the number of replicas is written."""
    few, many = (_try(cluster, "POST", _DEPLOYMENTS, _deployment(number)) for number in (5, 6))
    by_policy = many.code >= 400 and "ValidatingAdmissionPolicy" in _said(many)
    yield Claim(by_policy, _("a policy refuses a Deployment with six replicas"), _said(many))
    yield Claim(few.code == 201, _("one with five is accepted"), _said(few))
    yield exists(find(cluster, "deployments.apps", "web"), _("the Deployment web is still there"))
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web", "namespace": NAMESPACE}}
    scaled = _try(cluster, "PUT", f"{_DEPLOYMENTS}/web/scale", {**scale, "spec": {"replicas": 6}})
    yield Claim(scaled.code >= 400, _("and nobody gets six by scaling it"), _said(scaled))


@exercise("architecture/api-server", "Only the logs", minutes=5)
def check_logs(cluster: Reader) -> Claims:
    """Somebody who may read logs, and nothing else."""

    tim = Somebody(cluster, "tim")
    yield Claim(tim.may("get", "pods/log"), _("tim may read the logs of pods in default"), _("he may not"))
    elsewhere = tim.may("get", "pods/log", "kube-system")
    yield Claim(not elsewhere, _("… and of no other namespace"), _("he may in kube-system"))
    more = [verb for verb in ("get", "list", "delete") if tim.may(verb, "pods")]
    yield Claim(not more, _("he may not read or delete the pods themselves"), ", ".join(more))
    yield Claim(not tim.may("create", "pods/exec"), _("nor run anything in them"), _("he may create pods/exec"))


@exercise("architecture/api-server", "Spare the system", minutes=10)
def check_spared(cluster: Reader) -> Claims:
    """A webhook that is asked about the pods of the users, and not about those of the system."""
    found = find(cluster, "mutatingwebhookconfigurations.admissionregistration.k8s.io", "team-labels", "")
    yield exists(found, _("the webhook is still configured"))
    spec = {"containers": [{"name": "web", "image": "nginx:1.27"}], "automountServiceAccountToken": False}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec}
    own, system = (_try(cluster, "POST", f"/api/v1/namespaces/{name}/pods", pod) for name in (NAMESPACE, "kube-system"))
    yield Claim(own.code == 201, _("a pod in default is accepted"), _said(own))
    yield Claim(_TEAM in labels_of(own.object or {"metadata": {}}), _("… and labelled"), _("it has no label team"))
    yield Claim(system.code == 201, _("a pod in kube-system is accepted"), _said(system))
    labelled = _TEAM in labels_of(system.object or {"metadata": {}})
    yield Claim(not labelled, _("… and left as it is"), _("it has the label team: the webhook was asked"))


def _config_map(cluster: Reader, name: str, namespace: str, user: str = "", **metadata: Any) -> Response:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}
    return _try(cluster, "POST", f"/api/v1/namespaces/{namespace}/configmaps", body, user)


@exercise("architecture/api-server", "The new namespace", minutes=15)
def check_publisher(cluster: Reader) -> Claims:
    """A rule for people that does not stand in the way of the cluster."""
    fresh = find(cluster, "namespaces", "fresh", "")
    yield Claim(fresh["metadata"] != {}, _("there is a namespace fresh"), _("there is none"))
    given = find(cluster, "configmaps", _TRUST, "fresh")
    waits = _("who makes it elsewhere, and what does the API server answer them?")
    yield Claim(given["metadata"] != {}, _("it has its ConfigMap kube-root-ca.crt"), waits)
    again = _config_map(cluster, _TRUST, "kube-public", _PUBLISHER)
    refused = _("what the controller hears: {said}").format(said=_said(again))
    yield Claim(again.code in (201, 409), _("… and so would the next namespace"), refused)
    for namespace in (NAMESPACE, "fresh"):
        nobodys = _config_map(cluster, "probe", namespace)
        sentence = _("people cannot make one without an owner in {name}").format(name=namespace)
        yield Claim(nobodys.code >= 400, sentence, _said(nobodys))
    owned = _config_map(cluster, "probe", NAMESPACE, labels={"owner": "ann"})
    yield Claim(owned.code == 201, _("one with an owner is accepted"), _said(owned))
