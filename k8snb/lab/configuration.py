"""The exercises of the chapter "Production ready": configuration."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, began, exists, find, log_of, pods_labelled, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import annotations_of, controller_of, is_true
from k8snb.typing import Object

_REVISION = "deployment.kubernetes.io/revision"
_DIRECTORY = "/etc/db"


@exercise("production/configuration", "Only what it needs", minutes=10)
def check_reader(cluster: Reader) -> Claims:
    """A pod that takes a whole map as variables, and one key of a secret as a file that only its owner reads."""
    pod = find(cluster, "pods", "reader")
    yield exists(pod, _("there is a Pod reader"))
    main = pod["spec"]["containers"][0]
    wanted = {f"CFG_{key}" for key in find(cluster, "configmaps", "app-config").get("data") or ()}
    names = {name for name in _variables(cluster, main) if name.startswith("CFG_")}
    every = _("it has a variable for every key of app-config, with CFG_ in front")
    yield Claim(bool(wanted) and names == wanted, every, says(_("what begins with CFG_"), sorted(names)))
    mounts = [each for each in main.get("volumeMounts") or () if f"{each['mountPath']}/".startswith(f"{_DIRECTORY}/")]
    yield Claim(bool(mounts), _("something is mounted at /etc/db"), _("nothing is"))
    files = {path: mode for mount in mounts for path, mode in _mounted(pod, mount)}
    only = _("there is one file in it, password")
    yield Claim(list(files) == ["password"], only, says(_("the files"), sorted(files)))
    modes = [f"{mode:04o}" for mode in files.values()]
    yield Claim(modes == ["0400"], _("only its owner may read it"), says(_("its mode"), modes))
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), says(_("the phase"), pod["status"].get("phase")))


def _variables(cluster: Reader, container: Object) -> Iterator[str]:
    """The variables that come from the map `app-config`."""
    for source in container.get("envFrom") or ():
        if (source.get("configMapRef") or {}).get("name") == "app-config":
            yield from (source.get("prefix", "") + key for key in find(cluster, "configmaps", "app-config")["data"])
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("configMapKeyRef") or {}
        if reference.get("name") == "app-config":
            yield variable["name"]


def _mounted(pod: Object, mount: Object) -> Iterator[tuple[str, int]]:
    """What a mount puts into `/etc/db`: all files of its volume, or by `subPath` one of them."""
    there, part = mount["mountPath"].rstrip("/"), mount.get("subPath", "").strip("/")
    for path, mode in _files(pod, mount["name"]):
        if not part or path == part or path.startswith(f"{part}/"):
            inside = path.removeprefix(part).strip("/")
            yield f"{there}/{inside}".rstrip("/").removeprefix(f"{_DIRECTORY}/"), mode


def _files(pod: Object, name: str) -> Iterator[tuple[str, int]]:
    """Files that a volume has of the secret `db-credentials`, with their permissions."""
    volume = next(each for each in pod["spec"].get("volumes") or () if each["name"] == name)
    projected = volume.get("projected") or {}
    sources = [each["secret"] for each in projected.get("sources") or () if "secret" in each]
    for secret in [*sources, *([volume["secret"]] if "secret" in volume else [])]:
        mode = projected.get("defaultMode", secret.get("defaultMode", 0o644))
        if "db-credentials" in (secret.get("secretName"), secret.get("name")):
            items = secret.get("items") or [{"path": "password"}, {"path": "username"}]
            yield from ((item["path"], item.get("mode", mode)) for item in items)


@exercise("production/configuration", "Late", minutes=10)
def check_late(cluster: Reader) -> Claims:
    """A pod that waits for a key, which was given to it without touching it."""
    pod = find(cluster, "pods", "late")
    yield exists(pod, _("the Pod late is still there"))
    reference = pod["spec"]["containers"][0]["env"][0].get("valueFrom", {}).get("configMapKeyRef", {})
    same = (reference.get("name"), reference.get("key")) == ("greetings", "word")
    yield Claim(same, _("it asks for what it always asked for"), _("the Pod is another one"))
    state = pod["status"]["containerStatuses"][0]["state"]
    waits = (state.get("waiting") or {}).get("message", _("it waits"))
    yield Claim("running" in state, _("its container runs"), waits)
    has = "word" in (find(cluster, "configmaps", "greetings").get("data") or {})
    yield Claim(has, _("greetings has the key that it waited for"), _("it runs without it, so it is another Pod"))
    came = began(cluster, "configmaps", "greetings", lambda each: "word" in (each.get("data") or {}))
    made = began(cluster, "pods", "late")
    older = came is None or made is None or made < came
    yield Claim(older, _("it was there before the key came"), _("it was made again: nobody touches a pod that waits"))


@exercise("production/configuration", "In versions", minutes=10)
def check_versions(cluster: Reader) -> Claims:
    """Configuration in versions: a new map, a rollout to it, and the old one kept for the way back."""
    old, new = find(cluster, "configmaps", "web-v1"), find(cluster, "configmaps", "web-v2")
    kept = (old.get("data") or {}).get("colour") == "blue"
    yield Claim(kept, _("web-v1 is there and says blue"), _("it is gone, or says something else"))
    yield exists(new, _("there is a ConfigMap web-v2"))
    colour = (new.get("data") or {}).get("colour")
    yield Claim(colour == "green", _("it says green"), says("colour", colour))
    yield Claim(bool(new.get("immutable")), _("it is immutable"), _("anybody can still change it"))
    web = find(cluster, "deployments.apps", "web")
    pods = pods_labelled(cluster, web["spec"]["selector"]["matchLabels"], NAMESPACE)
    used = sorted({name for pod in pods for name in _maps(pod)})
    yield Claim(used == ["web-v2"], _("every pod of web reads web-v2, and no other"), says(_("what they read"), used))
    ready = sum(is_true(pod, "Ready") for pod in pods)
    yield Claim(ready == 2, _("two pods are Ready"), says(_("their number"), ready))
    sets = [each for each in cluster.client.list("replicasets.apps", NAMESPACE) if _is_of(each, web)]
    sets.sort(key=lambda each: int(annotations_of(each).get(_REVISION, "0")))
    before = [name for each in sets[-2:-1] for name in _maps(each["spec"]["template"])]
    back = _("rollout undo would bring blue back")
    yield Claim(before == ["web-v1"], back, says(_("what the revision before reads"), before))


def _is_of(obj: Object, owner: Object) -> bool:
    return bool((controller_of(obj) or {}).get("uid") == owner["metadata"]["uid"])


def _maps(pod: Object) -> Iterator[str]:
    """The config maps that a pod's containers and volumes refer to."""
    for container in pod["spec"]["containers"]:
        for source in container.get("envFrom") or ():
            yield from (source[ref]["name"] for ref in ("configMapRef",) if ref in source)
        for variable in container.get("env") or ():
            reference = (variable.get("valueFrom") or {}).get("configMapKeyRef")
            yield from [reference["name"]] if reference else []
    for volume in pod["spec"].get("volumes") or ():
        if "configMap" in volume:
            yield volume["configMap"]["name"]


@exercise("production/configuration", "One byte too many", minutes=10)
def check_byte(cluster: Reader) -> Claims:
    """A password with the line feed of `echo`, and programs that took it as a variable when they began."""
    wanted, given = (_password(cluster, name) for name in ("db-credentials", "db-login"))
    yield Claim(bool(given), _("there is a Secret db-login with a password"), _("it is gone"))
    differs = _("one has {given} bytes, the other {wanted}").format(given=len(given), wanted=len(wanted))
    yield Claim(given == wanted, _("it is the password of db-credentials, byte for byte"), differs)
    client = find(cluster, "deployments.apps", "client")
    yield exists(client, _("there is a Deployment client"))
    (main,) = client["spec"]["template"]["spec"]["containers"]
    names = [(each.get("valueFrom") or {}).get("secretKeyRef", {}).get("name") for each in main.get("env") or ()]
    yield Claim(names == ["db-login"], _("its password still comes from db-login"), _("it comes from elsewhere"))
    pods = pods_labelled(cluster, client["spec"]["selector"]["matchLabels"])
    yield Claim(len(pods) == 2, _("it has its two pods"), says(_("their number"), len(pods)))
    took = sorted({log_of(cluster, pod["metadata"]["name"]).strip() for pod in pods})
    right = took == [_took(wanted)]
    yield Claim(right, _("every pod began with the right password"), says(_("what their logs say"), took))


def _password(cluster: Reader, secret: str) -> bytes:
    return b64decode((find(cluster, "secrets", secret).get("data") or {}).get("password", ""))


def _took(password: bytes) -> str:
    return f"password of {len(password)} bytes"
