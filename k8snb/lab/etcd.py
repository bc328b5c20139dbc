"""The exercises of the chapter "Architecture": etcd."""

from __future__ import annotations

from typing import Protocol

from k8snb.client.client import Client
from k8snb.etcd.admin import Admin
from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, says
from k8snb.lab.verdict import Claim

FILE = "mine.db"


class Members(Protocol):
    """A cluster whose etcd has members."""

    @property
    def client(self) -> Client: ...
    @property
    def admin(self) -> Admin | None: ...


def _members(cluster: Members) -> Admin:
    assert cluster.admin is not None
    return cluster.admin


@exercise("architecture/etcd", "Five instead of three", minutes=10)
def check_five(cluster: Members) -> Claims:
    """Five members that vote, run, and have the same."""
    admin = _members(cluster)
    names = admin.names()
    yield Claim(len(names) == 5, _("five members belong to the cluster"), says(_("their names"), names))
    learners = [name for name in names if admin.is_learner(name)]
    yield Claim(not learners, _("all of them vote"), says(_("without a vote"), learners))
    idle = [name for name in names if admin.facts(name) is None]
    yield Claim(not idle, _("all of them run"), says(_("not running"), idle))
    hashes = {admin.digest(name) for name in names}
    yield Claim(len(hashes) == 1, _("and have the same keys at the same revisions"), _("let some time pass"))


@exercise("architecture/etcd", "A backup of your own", minutes=10)
def check_restored(cluster: Members) -> Claims:
    """A Deployment that was lost is back from a snapshot, and no revision is given twice."""
    admin = _members(cluster)
    found = admin.snapshots.get(FILE)
    there = _("there is a snapshot {file}").format(file=FILE)
    yield Claim(found is not None, there, _("etcdctl snapshot save saves one"))
    assert found is not None
    lost = "/registry/deployments/default/web"
    yield Claim(lost in found.keys, _("the Deployment web is in it"), _("it was deleted before the snapshot was saved"))
    restored = admin.restored == FILE
    yield Claim(restored, _("the members were founded anew from it"), _("etcdutl snapshot restore does that"))
    web = find(cluster, "deployments.apps", "web")
    yield exists(web, _("the Deployment web is there"))
    store = admin.ensemble.store
    ahead = store.compacted > found.revision
    yield Claim(ahead, _("and everybody who watched is told to list again"), _("revisions are given a second time"))


@exercise("architecture/etcd", "A disk is lost", minutes=10)
def check_replaced(cluster: Members) -> Claims:
    """A member that lost its disk was replaced by a new one of its name."""
    admin = _members(cluster)
    names = admin.names()
    yield Claim("etcd-2" in names, _("etcd-2 belongs to the cluster"), says(_("the members"), names))
    others = "etcd-1" in names and "etcd-3" in names
    yield Claim(others, _("… beside those that were well"), says(_("the members are now"), names))
    idle = [name for name in names if admin.facts(name) is None]
    yield Claim(not idle, _("all of them run"), says(_("not running"), idle))
    learners = [name for name in names if admin.is_learner(name)]
    yield Claim(not learners, _("all of them vote"), says(_("without a vote"), learners))
    another = admin.real("etcd-2") != "etcd-2"  # a restored one is the first of its name again
    lost = _("all were founded anew: what was written after the snapshot is lost")
    yield Claim(another, _("etcd-2 has another number; the others went on"), lost)
    hashes = {admin.digest(name) for name in names}
    yield Claim(len(hashes) == 1, _("and have the same keys at the same revisions"), _("let some time pass"))


QUOTA, FULL = 256 << 10, 0.8
"""What a file may have, and the part of it that leaves no room worth the name."""


@exercise("architecture/etcd", "No room left", minutes=10)
def check_room(cluster: Members) -> Claims:
    """Old versions are forgotten, files rewritten, and the alarm is lifted, in this order."""
    admin = _members(cluster)
    yield exists(find(cluster, "configmaps", "diary"), _("the ConfigMap diary is there"))
    yield exists(find(cluster, "deployments.apps", "web"), _("the Deployment web is there"))
    quota = admin.alarms.quota
    yield Claim(quota == QUOTA, _("the quota is 256 KiB"), says(_("the quota in bytes"), quota))
    found = [each for each in map(admin.facts, admin.names()) if each is not None]
    used = [each.name for each in found if each.in_use > FULL * QUOTA]
    yield Claim(not used, _("what the members keep is well below it"), says(_("full of what it keeps"), used))
    large = [each.name for each in found if each.size > FULL * QUOTA]
    yield Claim(not large, _("their files are, too"), says(_("full of holes"), large))
    alarms = admin.alarms.active()
    yield Claim(not alarms, _("no alarm is raised"), _("nobody has lifted it since there is room"))
