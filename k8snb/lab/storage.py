"""The exercises of the chapter "Production ready": storage."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, began, exists, find, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import annotations_of, is_true
from k8snb.machinery.quantity import compare
from k8snb.machinery.volumes import capacity_of, claim_names, has_storage
from k8snb.typing import Object

_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
_CLAIMS, _VOLUMES = "persistentvolumeclaims", "persistentvolumes"


@exercise("production/storage", "Yours alone", minutes=10)
def check_archive(cluster: Reader) -> Claims:
    """A volume that was made by hand and kept for one claim, however many others would have fitted."""
    volume = find(cluster, _VOLUMES, "archive", "")
    yield Claim(volume["spec"] != {}, _("there is a PersistentVolume archive"), _("there is none"))
    size = capacity_of(volume)
    yield Claim(compare(size, "5Gi") == 0, _("it holds 5Gi"), says(_("its capacity"), size))
    claim = find(cluster, _CLAIMS, "archive")
    yield exists(claim, _("there is a claim archive"))
    asked = claim["spec"]["resources"]["requests"]["storage"]
    yield Claim(compare(asked, "1Gi") == 0, _("it asks for 1Gi"), says(_("what it asks for"), asked))
    got = claim["spec"].get("volumeName") or _("none")
    yield Claim(got == "archive", _("it is bound to the volume archive"), says(_("its volume"), got))
    free = _("until this claim came, any other could have got it: nothing on the volume says whose it is")
    yield Claim(_is_kept(cluster, volume), _("nobody else could have got that"), free)


def _is_kept(cluster: Reader, volume: Object) -> bool:
    """Whether a volume was meant for one claim before it was bound: by name, or by a class that is its own."""
    if _BY_CONTROLLER not in annotations_of(volume):
        return True
    name = volume["spec"].get("storageClassName", "")
    asking = [each for each in cluster.client.list(_CLAIMS) if each["spec"].get("storageClassName", "") == name]
    return bool(name) and len(asking) == 1


@exercise("production/storage", "Growing pains", minutes=10)
def check_ledger(cluster: Reader) -> Claims:
    """A volume that was made larger under a running pod."""
    claim = find(cluster, _CLAIMS, "ledger")
    yield exists(claim, _("the claim ledger is still there"))
    name = claim["spec"].get("volumeName", "")
    same = name == f"pvc-{claim['metadata']['uid']}"
    yield Claim(same, _("it has the volume that was made for it"), says(_("its volume"), name))
    volume = find(cluster, _VOLUMES, name, "")
    grown = compare(capacity_of(volume), "4Gi") == 0
    yield Claim(grown, _("the disk has 4Gi"), says(_("its size"), capacity_of(volume)))
    size = has_storage(claim)
    yield Claim(compare(size, "4Gi") == 0, _("so has the file system"), says(_("its size"), size))
    pod = find(cluster, "pods", "ledger")
    running = is_true(pod, "Ready") and "ledger" in claim_names(pod) if pod["spec"] else False
    yield Claim(running, _("the pod ledger runs with it"), _("it does not"))
    made, grew = began(cluster, "pods", "ledger"), began(cluster, _CLAIMS, "ledger", _is_larger)
    same_pod = made is None or grew is None or made < grew
    yield Claim(same_pod, _("… and is still the one that it was"), _("it was made again after the claim had grown"))


def _is_larger(claim: Object) -> bool:
    return compare(claim["spec"]["resources"]["requests"]["storage"], "4Gi") >= 0


@exercise("production/storage", "Before the upgrade", minutes=10)
def check_rescue(cluster: Reader) -> Claims:
    """What was kept before the upgrade, in a volume of its own, and a pod that has it."""
    claim = find(cluster, _CLAIMS, "rescued")
    yield exists(claim, _("there is a claim rescued"))
    source = claim["spec"].get("dataSource") or {}
    made_of = f"{source.get('kind', _('nothing'))} {source.get('name', '')}".strip()
    right = made_of == "VolumeSnapshot before-upgrade"
    yield Claim(right, _("it is made of the snapshot before-upgrade"), says(_("what it is made of"), made_of))
    phase = (claim.get("status") or {}).get("phase")
    waits = _("the phase is {phase}; the class waits for a pod").format(phase=phase)
    yield Claim(phase == "Bound", _("it has a volume"), waits)
    readers = [pod for pod in cluster.client.list("pods", NAMESPACE) if _reads(pod)]
    yield Claim(bool(readers), _("a pod that is Ready mounts it"), _("none does"))


def _reads(pod: Object) -> bool:
    return "rescued" in claim_names(pod) and is_true(pod, "Ready")


@exercise("production/storage", "The update that hangs", minutes=15)
def check_wiki(cluster: Reader) -> Claims:
    """A Deployment whose update waited for the disk of its old pod, and that no longer asks for two pods at once."""
    claim, wiki = find(cluster, _CLAIMS, "wiki"), find(cluster, "deployments.apps", "wiki")
    yield exists(wiki, _("there is a Deployment wiki"))
    volume = (claim["spec"] or {}).get("volumeName", "")
    its_own = bool(volume) and volume == f"pvc-{claim['metadata']['uid']}"
    kept = its_own and "wiki" in claim_names(wiki["spec"]["template"])
    yield Claim(kept, _("it has the disk that it always had"), _("its claim is another one, or none"))
    (main,) = wiki["spec"]["template"]["spec"]["containers"]
    yield Claim(main["image"] == "nginx:1.28", _("it asks for nginx:1.28"), says(_("its image"), main["image"]))
    pods = [pod for pod in cluster.client.list("pods", NAMESPACE, labels="app=wiki") if "wiki" in claim_names(pod)]
    images = [pod["spec"]["containers"][0]["image"] for pod in pods if is_true(pod, "Ready")]
    yield Claim(images == ["nginx:1.28"], _("its only pod is the new one, and Ready"), says(_("what is Ready"), images))
    surge = ((wiki["spec"].get("strategy") or {}).get("rollingUpdate") or {}).get("maxSurge", 0)
    again = _("maxSurge is {surge}: a new pod would start beside the old one").format(surge=surge)
    yield Claim(str(surge) in ("0", "0%"), _("the next update cannot hang in the same way"), again)
