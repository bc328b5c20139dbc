"""What the API has acknowledged is there, whatever befell members of etcd.

In seeded attacks they crash, lose disks, are cut off from each other and replaced, and the process of all of them ends
and another one goes on with its file, while somebody writes. `K8SNB_PROPERTIES=long` makes 2,000 runs.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from k8snb import Cluster
from k8snb.errors import StatusError
from k8snb.etcd.errors import EtcdError
from k8snb.machinery.names import Lottery

RUNS = 2_000 if os.environ.get("K8SNB_PROPERTIES") == "long" else 8
STEPS = 30
GONE = ""


class Attack:
    """One run: what was written, what of it may be there, and what goes wrong meanwhile."""

    def __init__(self, seed: int, path: Path) -> None:
        self.lottery = Lottery(seed)
        self.path = path if seed % 3 else None
        members = (3, 5, 3, 1)[seed % 4]
        self.cluster = Cluster(nodes=0, seed=seed, etcd_members=members, trace=0, path=self.path)
        self.possible: dict[str, set[str]] = {f"c{number}": {GONE} for number in range(3)}
        self.leases: dict[str, str] = {}
        """Leases that were granted and not revoked, and the key that was put with each."""

    def below(self, limit: int) -> int:
        return self.lottery.below(limit)

    def write(self) -> None:
        """Create, change or delete something; what is refused by etcd may have happened."""
        name, client = f"c{self.below(3)}", self.cluster.client
        value = GONE if not self.below(4) else str(self.lottery.below(10**6))
        try:
            if GONE not in self.possible[name] and value != GONE:
                client.patch("configmaps", name, {"data": {"value": value}}, "default")
            elif value == GONE:
                client.delete("configmaps", name, "default")
            else:
                client.create("configmaps", {"metadata": {"name": name}, "data": {"value": value}}, "default")
            self.possible[name] = {value}
        except StatusError as error:
            if error.code >= 500:
                self.possible[name] |= {value}

    def lease(self) -> None:
        """Promise to delete a key much later, or think better of it."""
        etcdctl = self.cluster.etcdctl
        if self.leases and not self.below(3):
            number, key = self.leases.popitem()
            if not etcdctl(f"lease revoke {number}").endswith("revoked\n"):
                self.leases[number] = key
            return
        said = etcdctl("lease grant 100000").split()
        if said[0] == "lease":
            key = f"/leased/{said[1]}"
            if etcdctl(f"put {key} 1 --lease={said[1]}") == "OK\n":
                self.leases[said[1]] = key

    def disturb(self) -> None:
        """One thing that goes wrong, or is set right."""
        cluster, etcd = self.cluster, self.cluster.etcd
        names = etcd.members
        name = names[self.below(len(names))]
        act = self.below(8 if self.path is None else 9)
        if act <= 1:
            cluster.stop(name)
        elif act <= 3:
            self.revive()
        elif act == 4:
            etcd.partition([each for each in names if self.below(2)] + ["kube-apiserver"] * self.below(2))
        elif act == 5:
            etcd.heal()
        elif act == 6 and self.is_whole() and len(names) > 1:
            self.replace(name)
        elif act == 8:
            self.reopen()
        elif self.is_whole():
            cluster.etcdctl(f"move-leader {name}")

    def reopen(self) -> None:
        """The process is gone, and another one has its file."""
        before = self.cluster.etcd.admin.ensemble.votes()
        self.cluster = Cluster(path=self.path, trace=0)
        votes = self.cluster.etcd.admin.ensemble.votes()
        assert all(votes[name] == vote or votes[name][0] > vote[0] for name, vote in before.items())

    def revive(self) -> None:
        for each in self.cluster.etcd.members:
            self.cluster.start(each)

    def is_whole(self) -> bool:
        self.cluster.settle()
        etcd = self.cluster.etcd
        return (
            self.cluster.agrees() and len({etcd.facts(name) and etcd.admin.digest(name) for name in etcd.members}) == 1
        )

    def replace(self, name: str) -> None:
        """A disk is lost, and the member is replaced as an operator does it."""
        self.cluster.etcd.lose_disk(name)
        for command in (f"member remove {name}", f"member add {name} --peer-urls=https://{name}:2380"):
            assert not self.cluster.etcdctl(command).startswith("Error"), command
        self.cluster.start(name)

    def run(self) -> None:
        for _ in range(STEPS):
            if not self.below(3):
                self.disturb()
            self.write()
            if not self.below(6):
                self.lease()
        self.cluster.etcd.heal()
        self.revive()
        self.cluster.settle()
        self.cluster.client.create("configmaps", {"metadata": {"name": "last"}}, "default")
        self.cluster.settle()

    def shown(self) -> dict[str, str]:
        found = {
            obj["metadata"]["name"]: obj["data"]["value"]
            for obj in self.cluster.client.list("configmaps", "default")
            if "value" in obj.get("data", {})
        }
        return {name: found.get(name, GONE) for name in self.possible}


@pytest.mark.parametrize("part", range(4))
def test_nothing_that_was_acknowledged_is_lost(part: int, tmp_path: Path) -> None:
    for seed in range(part, RUNS, 4):
        attack = Attack(seed, tmp_path / f"{seed}.db")
        attack.run()
        etcd = attack.cluster.etcd
        assert all(value in attack.possible[name] for name, value in attack.shown().items()), f"seed {seed}"
        assert len({etcd.admin.digest(name) for name in etcd.members}) == 1, f"seed {seed}"
        keys = attack.cluster.etcdctl("get /leased/ --prefix --keys-only").split()
        assert set(keys) >= set(attack.leases.values()), f"seed {seed}"
        leases = {frozenset(etcd.keyspace(name).leases.items()) for name in etcd.members}
        promised = {int(number, 16) for number in attack.leases}
        assert [promised <= dict(each).keys() for each in leases] == [True], f"seed {seed}"
        assert {etcd.keyspace(name).revision for name in etcd.members} == {attack.cluster.revision}, f"seed {seed}"
        attack.cluster.close()


def test_the_ways_in_which_etcd_refuses_are_known() -> None:
    with pytest.raises(EtcdError, match="member not found"):
        Cluster(nodes=0, etcd_members=1).etcd.facts("etcd-7")
