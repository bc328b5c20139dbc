"""An operator for EtcdClusters, with kopf: founds them, heals, upgrades one member at a time, resizes and backs up.

    kopf run --namespace default etcd_operator.py

Every few seconds it looks at what there is (`look`), compares that with what is wanted (`decide`), and takes one step
(`act`). It remembers nothing: what it has to know is in the cluster, so it can be killed between any two requests.
"""

import re
from itertools import chain
from typing import NamedTuple

import aiohttp
import kopf

CLUSTERS = ("etcd.example.com", "v1", "etcdclusters")
IMAGE = "quay.io/coreos/etcd:v"
DATA = "/var/run/etcd/data"
RESTORE = "-restore-"
LOOK_SECONDS = 5
PATIENCE_SECONDS = 300


# -- the way to the API ----------------------------------------------------------------------------


@kopf.on.login()
async def login(memo, **kwargs):
    """Log in as the pod's account, or as the kubeconfig says; handlers use the same session as kopf."""
    info = kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)
    connector = aiohttp.TCPConnector(ssl=info.as_ssl_context())
    memo.api = aiohttp.ClientSession(info.server, connector=connector, headers=info.as_http_headers())
    return kopf.AiohttpSession(server=info.server, aiohttp_session=memo.api)


class Place:
    """Where one EtcdCluster lives: its namespace in the API, and its members behind the API's proxy."""

    def __init__(self, api, namespace, name):
        self.api, self.namespace, self.name = api, namespace, name
        self.core, self.batch = (f"/{each}/namespaces/{namespace}" for each in ("api/v1", "apis/batch/v1"))

    async def ask(self, method, path, body=None, kind="application/json"):
        """Send a request; None if what it is about is not there, or is there already."""
        async with self.api.request(method, path, json=body, headers={"Content-Type": kind}) as answer:
            if answer.status in (404, 409):
                return None
            answer.raise_for_status()
            return await answer.json()

    async def children(self, path):
        """The objects of a kind that belong to the cluster, by name."""
        found = await self.ask("GET", f"{path}?labelSelector=etcd%3D{self.name}")
        return {each["metadata"]["name"]: each for each in found["items"]}

    async def etcd(self, pods, verb, **body):
        """Ask etcd itself, through whichever member answers; None if none does."""
        for pod in pods:
            try:
                return await self.ask("POST", f"{self.core}/pods/{pod}:2379/proxy/v3/{verb}", body)
            except aiohttp.ClientResponseError:
                continue
        return None

    def peer(self, member):
        """Where the other members reach a member."""
        return f"http://{member}.{self.name}.{self.namespace}.svc:2380"


# -- observe ---------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """What there is: pods, disks, Jobs that are done and not, and what etcd says of its members (name to number)."""

    pods: dict
    disks: dict
    backups: list
    restoring: bool
    members: dict | None
    leader: str


async def look(place):
    """Read everything anew."""
    pods = await place.children(f"{place.core}/pods")
    disks = await place.children(f"{place.core}/persistentvolumeclaims")
    jobs = await place.children(f"{place.batch}/jobs")
    done = {name: bool(job.get("status", {}).get("succeeded")) for name, job in jobs.items()}
    restoring = any(RESTORE in name and not done[name] for name in done)
    found = pods, disks, [name for name in done if done[name] and RESTORE not in name], restoring
    listed = await place.etcd([name for name in pods if is_ready(pods[name])], "cluster/member/list")
    if listed is None:
        return Seen(*found, None, "")
    members = {re.split("[/.]", each["peerURLs"][0])[2]: each["ID"] for each in listed["members"]}
    status = await place.etcd([name for name in pods if is_ready(pods[name])], "maintenance/status")
    return Seen(*found, members, next((m for m in members if members[m] == status["leader"]), ""))


def is_ready(pod):
    """Whether a member serves, in the version that its pod is to have."""
    status = pod.get("status", {})
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ()))
    return ready and status["containerStatuses"][0]["image"] == image_of(pod)


def image_of(pod):
    """The image that the member is to run."""
    return pod["spec"]["containers"][0]["image"]


# -- diff ------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """One thing to do, to whom, and why."""

    verb: str
    member: str
    why: str


def decide(name, spec, founded, seen):
    """The most urgent step from what there is to what is wanted; None if both are the same."""
    disks = [disk for disk, claim in seen.disks.items() if "deletionTimestamp" not in claim["metadata"]]
    free = next(f"{name}-{n}" for n in range(99) if f"{name}-{n}" not in {*seen.disks, *seen.pods})
    if seen.restoring:
        return Step("wait", "", "a backup is being restored")
    if not disks and not seen.pods:
        return begin(free, spec, founded, seen)
    return next(chain(heal(disks, seen), upgrade(spec, seen), resize(free, disks, spec)), None)


def begin(free, spec, founded, seen):
    """There is nothing: a new cluster, or one that has lost everything?"""
    if founded and not seen.backups:
        return Step("wait", "", "all disks are lost, and there is no backup")
    return Step("restore" if founded or "restore" in spec else "found", free, "there is no member")


def heal(disks, seen):
    """A member is its disk: pods are replaced, members without a disk are forgotten; nothing else is done meanwhile."""
    for member in disks:
        if member not in seen.pods:
            yield Step("start", member, f"{member} has a disk and no pod")
    if seen.members is None:
        yield Step("wait", "", "no member answers")
        return
    for member in seen.members:
        if member not in disks:
            yield Step("forget", member, f"{member} has lost its disk")
    for member in disks:
        if member not in seen.members:
            yield Step("clear", member, f"{member} is no member any more")
    for member, pod in seen.pods.items():
        if not is_ready(pod):
            yield Step("wait", member, f"{member} is not ready")


def upgrade(spec, seen):
    """One member at a time, the leader last."""
    for member in sorted(seen.pods, key=lambda each: (each == seen.leader, each)):
        running = image_of(seen.pods[member]).removeprefix(IMAGE)
        if running != spec["version"]:
            yield Step("upgrade", member, f"{member} runs {running}")


def resize(free, disks, spec):
    """One member at a time, too."""
    if len(disks) < spec["size"]:
        yield Step("add", free, f"{len(disks)} of {spec['size']} members are there")
    if len(disks) > spec["size"]:
        yield Step("clear", disks[-1], f"{len(disks)} members are there, {spec['size']} are wanted")


# -- act -------------------------------------------------------------------------------------------


async def act(place, step, spec, seen):
    """Take the step."""
    others = [name for name in seen.pods if name != step.member and is_ready(seen.pods[name])]
    if step.verb in ("forget", "clear"):
        await take_out(place, step.member, (seen.members or {}).get(step.member), others)
    elif step.verb == "upgrade":
        change = {"spec": {"containers": [{"name": "etcd", "image": IMAGE + spec["version"]}]}}
        kind = "application/strategic-merge-patch+json"
        await place.ask("PATCH", f"{place.core}/pods/{step.member}", change, kind)
    elif step.verb == "add":
        if await place.etcd(others, "cluster/member/add", peerURLs=[place.peer(step.member)]) is not None:
            await put_in(place, step, spec, seen)
    elif step.verb == "restore":
        await bring_back(place, step.member, spec, seen)
    elif step.verb != "wait":
        await put_in(place, step, spec, seen)


async def take_out(place, member, number, others):
    """First out of etcd, then out of the cluster: pod and disk."""
    if number and await place.etcd(others, "cluster/member/remove", ID=number) is None:
        return
    await place.ask("DELETE", f"{place.core}/pods/{member}")
    await place.ask("DELETE", f"{place.core}/persistentvolumeclaims/{member}")


async def put_in(place, step, spec, seen):
    """A pod for a member, and what it needs and is not there yet."""
    first = step.verb == "found"
    if step.verb != "start":
        await prepare(place, step.member, spec)
    members = {step.member} if first else {*(seen.members or seen.disks), step.member}
    pod = member_pod(place, step.member, spec, "new" if first else "existing", sorted(members))
    await place.ask("POST", f"{place.core}/pods", child(place, pod))


async def bring_back(place, member, spec, seen):
    """A disk with what the last backup holds; its pod is started when the Job is done."""
    last = {**spec["backup"], "file": f"{max(seen.backups)}.db"} if seen.backups else spec["restore"]
    await prepare(place, member, spec)
    await place.ask("POST", f"{place.batch}/jobs", child(place, restore_job(place, member, spec, last)))


async def prepare(place, member, spec):
    """What a member needs before its pod: the Services, unless they are there, and a disk."""
    for service in services(place):
        await place.ask("POST", f"{place.core}/services", child(place, service))
    await place.ask("POST", f"{place.core}/persistentvolumeclaims", child(place, disk(member, spec)))


def child(place, obj):
    """An object of the cluster: with its label, and owned by it, so that it goes when its owner goes."""
    kopf.label(obj, {"etcd": place.name})
    kopf.adopt(obj)
    return obj


def services(place):
    """A name for every member, and one for all that are ready."""
    port = {"name": "client", "port": 2379}
    peers = {"clusterIP": "None", "publishNotReadyAddresses": True, "ports": [{"name": "peer", "port": 2380}]}
    chosen = {"selector": {"etcd": place.name, "role": "member"}}
    yield {"metadata": {"name": place.name}, "spec": {**peers, **chosen}}
    yield {"metadata": {"name": f"{place.name}-client"}, "spec": {"ports": [port], **chosen}}


def disk(name, spec):
    """A member's disk."""
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": spec["storage"]}}}
    return {"metadata": {"name": name}, "spec": wanted}


def member_pod(place, name, spec, state, members):
    """A member's pod, which is told of the others and finds its data on its disk."""
    command = [
        "etcd",
        "--listen-peer-urls=http://0.0.0.0:2380",
        "--listen-client-urls=http://0.0.0.0:2379",
        f"--advertise-client-urls={place.peer(name).replace('2380', '2379')}",
        f"--initial-cluster-state={state}",
        *identity(place, name, members),
    ]
    probe = {"httpGet": {"path": "/health", "port": 2379}, "periodSeconds": 5, "failureThreshold": 1}
    body = running("etcd", spec, command, data=name)
    body["containers"][0]["readinessProbe"] = probe
    body |= {"hostname": name, "subdomain": place.name}
    return {"metadata": {"name": name, "labels": {"role": "member"}}, "spec": body}


def backup_job(place, name, spec):
    """A Job that saves a snapshot as a file of its own name."""
    endpoint = f"--endpoints=http://{place.name}-client:2379"
    command = ["etcdctl", endpoint, "snapshot", "save", f"/backups/{name}.db"]
    return job(name, running("backup", spec, command, backups=spec["backup"]["claim"]))


def restore_job(place, member, spec, source):
    """A Job that makes of a snapshot the data of a first member."""
    command = ["etcdutl", "snapshot", "restore", f"/backups/{source['file']}", *identity(place, member, [member])]
    number = re.sub(r"\W", "", source["file"])
    return job(f"{member}{RESTORE}{number}", running("restore", spec, command, data=member, backups=source["claim"]))


def identity(place, name, members):
    """Who a member is, where its data are, and who the others are."""
    yield f"--name={name}"
    yield f"--data-dir={DATA}"
    yield f"--initial-advertise-peer-urls={place.peer(name)}"
    yield f"--initial-cluster={','.join(f'{each}={place.peer(each)}' for each in members)}"


def running(name, spec, command, **claims):
    """A pod's specification: one container of etcd's image, with these claims as volumes."""
    paths = {"data": DATA.rpartition("/")[0], "backups": "/backups"}
    mounts = [{"name": volume, "mountPath": paths[volume]} for volume in claims]
    volumes = [{"name": volume, "persistentVolumeClaim": {"claimName": claim}} for volume, claim in claims.items()]
    container = {"name": name, "image": IMAGE + spec["version"], "command": command, "volumeMounts": mounts}
    return {"containers": [container], "volumes": volumes}


def job(name, body):
    """A Job that is tried again until it succeeds."""
    return {"metadata": {"name": name}, "spec": {"template": {"spec": {**body, "restartPolicy": "OnFailure"}}}}


# -- when kopf calls ------------------------------------------------------------------------------


@kopf.timer(*CLUSTERS, interval=LOOK_SECONDS, backoff=LOOK_SECONDS)
async def reconcile(memo, namespace, name, spec, status, patch, logger, **_):
    """Observe, diff, act: whatever has happened since the last time."""
    place = Place(memo.api, namespace, name)
    seen = await look(place)
    step = decide(name, spec, "members" in status, seen)
    report(patch, status, place, spec, seen, step)
    if step is not None:
        compared = {"pods": (len(seen.pods), spec["size"]), "disks": (len(seen.disks), spec["size"])}
        compared["version"] = version_of(seen), spec["version"]
        observed = {"members": ", ".join(seen.members or ()), "leader": seen.leader, "backups": len(seen.backups)}
        told = {"observed": observed, "compared": compared}
        logger.info(f"{step.why}: {step.verb} {step.member}".rstrip(), extra=told)
        await act(place, step, spec, seen)


def version_of(seen):
    """The oldest version that runs."""
    found = [image_of(pod).removeprefix(IMAGE) for pod in seen.pods.values() if is_ready(pod)]
    return min(found, key=lambda each: [int(part) for part in each.split(".")], default="")


def report(patch, status, place, spec, seen, step):
    """Say in the status how it is, if that has changed."""
    ready = sum(map(is_ready, seen.pods.values()))
    well = step is None and ready == spec["size"]
    condition = {"type": "Ready", "status": str(well), "reason": "AsWanted" if well else step.verb.capitalize()}
    condition["message"] = "" if well else step.why
    now = {"readyMembers": ready, "version": version_of(seen), "selector": f"etcd={place.name},role=member"}
    now |= {"size": len(seen.disks), "conditions": [condition], "backups": len(seen.backups)}
    now |= {"members": seen.members} if seen.members is not None else {}
    for key, value in now.items():
        if status.get(key) != value:
            patch.status[key] = value


@kopf.on.update(*CLUSTERS, field="spec.version")
async def told(body, old, new, **_):
    """Say in an event that an upgrade has begun."""
    kopf.info(body, reason="Upgrading", message=f"from {old} to {new}, one member after the other")


@kopf.daemon(*CLUSTERS, when=lambda spec, **_: "backup" in spec, cancellation_timeout=1)
async def back_up(memo, namespace, name, spec, stopped, logger, **_):
    """Save a snapshot every so many seconds."""
    place = Place(memo.api, namespace, name)
    while not await stopped.wait(spec["backup"]["everySeconds"]):
        number = 1 + len(await place.children(f"{place.batch}/jobs"))
        logger.info(f"backup {number}")
        saving = backup_job(place, f"{name}-{number:03}", spec)
        await place.ask("POST", f"{place.batch}/jobs", child(place, saving))


@kopf.on.delete(*CLUSTERS, when=lambda spec, **_: "backup" in spec, timeout=PATIENCE_SECONDS)
async def last_backup(memo, namespace, name, spec, logger, **_):
    """Save a last snapshot before everything goes; the finalizer holds the object until then."""
    place = Place(memo.api, namespace, name)
    path = f"{place.batch}/jobs/{name}-last"
    saving = await place.ask("GET", path)
    if saving is None:
        logger.info("one last backup")
        await place.ask("POST", f"{place.batch}/jobs", child(place, backup_job(place, f"{name}-last", spec)))
    elif saving.get("status", {}).get("succeeded"):
        return
    raise kopf.TemporaryError("the last backup is not finished", delay=LOOK_SECONDS)
