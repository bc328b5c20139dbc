"""The kernel takes the rules, and its own tools print them as the proxy's do. Only where a machine can try that:

with `iptables` and `nft`, and the right to make a network namespace of one's own.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest

from k8snb.cni.filter import Filter
from k8snb.cni.plugins.portmap import forward
from k8snb.network.rules import iptables_proxier, nftables_proxier
from k8snb.network.rules.hostports import Mapped, beside
from k8snb.network.rules.hostports_nft import table
from k8snb.network.rules.iptables import Tables
from k8snb.network.rules.ports import ServicePort
from tests.network.rules.made import PLACE, RANGE, ports

APART = ["unshare", "--user", "--map-root-user", "--net"]


def can(tool: str) -> bool:
    if shutil.which(tool) is None or shutil.which("unshare") is None:
        return False
    return subprocess.run([*APART, tool, "--version"], capture_output=True, check=False).returncode == 0


def run(script: str, text: str) -> str:
    done = subprocess.run([*APART, "sh", "-ec", script], input=text, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.stdout


EVERYTHING: list[ServicePort] = [
    *ports("ns1/svc1", "172.30.0.41", "10.180.0.1", "10.180.0.2", "10.180.0.3", sessionAffinity="ClientIP"),
    *ports(
        "ns2/svc2",
        "172.30.0.42",
        "10.180.0.4@test-node",
        "10.180.0.5",
        node_port=3001,
        balancers=["1.2.3.4", "5.6.7.8"],
        externalIPs=["192.168.99.22"],
        externalTrafficPolicy="Local",
        healthCheckNodePort=30000,
        loadBalancerSourceRanges=["192.168.0.0/24", "203.0.113.0/25"],
    ),
    *ports("ns3/svc3", "172.30.0.43", "10.180.0.6", internalTrafficPolicy="Local"),
    *ports("ns4/svc4", "172.30.0.44", node_port=3002),
]


@pytest.mark.skipif(not can("iptables"), reason="no iptables here")
def test_iptables_prints_what_it_was_given_as_the_proxy_does() -> None:
    made = iptables_proxier.tables(EVERYTHING, PLACE)
    assert run("iptables-restore; iptables-save | grep -v '^#'", made.saved) == made.saved
    own = run("iptables-restore --noflush; iptables-save", made.restored).splitlines()
    assert {line for line in own if line.startswith("-A")} == {
        line for line in made.saved.splitlines() if line.startswith("-A KUBE")
    }


class Told(Filter):
    """A packet filter that keeps what it was told, as command lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def iptables(self, *words: str) -> None:
        super().iptables(*words)
        if "-C" not in words:
            self.lines.append(shlex.join(("iptables", *words)))


@pytest.mark.skipif(not can("iptables"), reason="no iptables here")
def test_iptables_prints_what_portmap_has_told_it_as_it_is_shown_here() -> None:
    filter, ports = Told(), [{"hostPort": port, "containerPort": 80, "protocol": "TCP"} for port in (8080, 8443)]
    forward(filter, "pods", "c1", [*ports, {"hostPort": 53, "containerPort": 53, "protocol": "UDP"}], "10.244.0.7/24")
    forward(filter, "pods", "c2", [{"hostPort": 81, "containerPort": 8, "hostIP": "192.0.2.1"}], "10.244.0.8/24")
    script = "\n".join((*filter.lines, "iptables-save -t nat | grep -v '^#'"))
    assert run(script, "") == beside(Tables(), filter).saved.partition("COMMIT\n")[2]


@pytest.mark.skipif(not can("nft"), reason="no nft here")
def test_nft_prints_what_it_was_given_as_the_proxy_does() -> None:
    made = nftables_proxier.table(EVERYTHING, PLACE, RANGE)
    printed = run("nft -f -; nft list ruleset", made.listed)
    assert plain(printed) == plain(made.listed)
    transaction = "".join(f"{line}\n" for line in made.added)
    assert plain(run("nft -f -; nft list ruleset", transaction)) == plain(made.listed)


@pytest.mark.skipif(not can("nft"), reason="no nft here")
def test_nft_prints_ports_of_the_machine_as_they_are_shown_here() -> None:
    mappings = [{"hostPort": 8080, "containerPort": 80}, {"hostPort": 53, "containerPort": 5, "protocol": "udp"}]
    at = {"hostPort": 81, "containerPort": 8, "hostIP": "192.0.2.1"}
    made = table([Mapped("c1", "10.244.0.7", mappings), Mapped("c2", "10.244.0.8", [at])])
    assert plain(run("nft -f -; nft list ruleset", made.listed)) == plain(made.listed)
    transaction = "".join(f"{line}\n" for line in made.added)
    assert plain(run("nft -f -; nft list ruleset", transaction)) == plain(made.listed)


def plain(text: str) -> list[str]:
    """The lines, with the entries of each map in an order of ours: `nft` has one of its own."""
    lines = [line.strip().removeprefix("elements = { ").rstrip(" ,}") for line in text.splitlines()]
    blocks = "\n".join(lines).split("\n\n")
    return sorted("\n".join(sorted(block.split("\n")) if " : verdict" in block else [block]) for block in blocks)
