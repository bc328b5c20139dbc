"""What a plugin is told and says: the environment, the document, versions, errors with the specification's numbers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cni.calls import BRIDGE, IPAM, NETNS, Machine, environment

HOST_LOCAL = {"cniVersion": "1.1.0", "name": "pods", "ipam": IPAM}


def test_add_connects_a_container_and_says_how() -> None:
    machine = Machine()
    made = machine.call("bridge", BRIDGE)
    macs = [each.pop("mac") for each in made["interfaces"]]
    assert len(set(macs)) == 3
    veth = made["interfaces"][1]["name"]
    assert made == {
        "cniVersion": "1.1.0",
        "interfaces": [
            {"name": "cni0", "mtu": 1500}, {"name": veth, "mtu": 1500}, {"name": "eth0", "mtu": 1500, "sandbox": NETNS}
        ],
        "ips": [{"interface": 2, "address": "10.9.0.2/24", "gateway": "10.9.0.1"}],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dns": {},
    }  # fmt: skip
    assert machine.routes(NETNS) == ["default 10.9.0.1 eth0", "10.9.0.0/24 eth0"]
    assert machine.routes() == ["10.9.0.0/24 cni0"]
    assert machine.host.namespaces[""].links[veth].master == "cni0"


@pytest.mark.parametrize(("version", "family"), [("0.3.1", "4"), ("0.4.0", "4"), ("1.0.0", None), ("1.1.0", None)])
def test_a_result_is_one_of_the_version_that_was_asked_for(version: str, family: str | None) -> None:
    made = Machine().call("bridge", {**BRIDGE, "cniVersion": version})
    assert (made["cniVersion"], made["ips"][0].get("version")) == (version, family)
    assert all(("mtu" in each) is (version == "1.1.0") for each in made["interfaces"])


def test_version_says_what_is_spoken() -> None:
    found = Machine().call("bridge", {"cniVersion": "1.0.0"}, "VERSION")
    assert found == {"cniVersion": "1.0.0", "supportedVersions": ["0.3.1", "0.4.0", "1.0.0", "1.1.0"]}


@pytest.mark.parametrize(
    ("config", "command", "more", "code", "message"),
    [
        ({**HOST_LOCAL, "cniVersion": "9.9.9"}, "ADD", {}, 1, "incompatible CNI versions"),
        ({**HOST_LOCAL, "cniVersion": "0.3.1"}, "CHECK", {}, 1, "config version does not allow CHECK"),
        ({**HOST_LOCAL, "cniVersion": "1.0.0"}, "STATUS", {}, 1, "config version does not allow STATUS"),
        (HOST_LOCAL, "CHECK", {"netns": "/gone"}, 3, "there is no namespace /gone"),
        (HOST_LOCAL, "ADD", {"netns": ""}, 4, "required env variables [CNI_NETNS] missing"),
        (HOST_LOCAL, "ADD", {"container": "c1/"}, 4, "invalid characters in containerID"),
        (HOST_LOCAL, "ADD", {"CNI_IFNAME": "a-very-long-name"}, 4, "interface name is too long"),
        (HOST_LOCAL, "NOPE", {}, 4, "unknown CNI_COMMAND: NOPE"),
        ('{"cniVersion', "ADD", {}, 6, "error unmarshall network config: "),
        ({"cniVersion": "1.1.0"}, "ADD", {}, 7, "missing network name"),
        ({**HOST_LOCAL, "name": "a b"}, "ADD", {}, 7, "invalid characters found in network name"),
        ({**HOST_LOCAL, "ipam": {"type": "host-local"}}, "ADD", {}, 7, "no IP ranges specified"),
        (HOST_LOCAL, "ADD", {"netns": "/gone"}, 999, 'failed to open netns "/gone"'),
    ],
)
def test_what_is_wrong_with_a_call_has_a_number(config: Any, command: str, more: Any, code: int, message: str) -> None:
    answer = Machine().answer("host-local", config, command, **more)
    found = Machine().call("host-local", config, command, **more)
    assert (answer.code, found["code"]) == (1, code)
    assert found["msg"].startswith(message)
    assert "cniVersion" in found


def test_all_that_is_missing_is_named_at_once() -> None:
    machine = Machine()
    found = machine.call("bridge", BRIDGE, CNI_CONTAINERID="", CNI_PATH="")
    assert found["msg"] == "required env variables [CNI_CONTAINERID,CNI_PATH] missing"
    assert environment()["CNI_COMMAND"] == "ADD"


def test_del_undoes_add_and_may_be_repeated_even_without_the_namespace() -> None:
    machine = Machine()
    machine.call("bridge", BRIDGE)
    for netns in (NETNS, NETNS, "/gone", ""):
        assert machine.answer("bridge", BRIDGE, "DEL", netns=netns) == ("", 0)
    assert list(machine.host.namespaces[NETNS].links) == ["lo"]
    assert list(machine.host.namespaces[""].links) == ["lo", "cni0"]
    assert machine.host.names("/var/lib/cni/networks/pods") == ["last_reserved_ip.0"]


def test_an_interface_is_not_made_twice_and_a_failed_one_leaves_nothing() -> None:
    machine = Machine("/a", "/b")
    small = {**BRIDGE, "ipam": {**IPAM, "ranges": [[{"subnet": "10.9.0.0/30"}]]}}
    machine.call("bridge", small, netns="/a")
    assert "already exists" in machine.call("bridge", small, netns="/a")["msg"]
    links = list(machine.host.namespaces[""].links)
    refused = machine.call("bridge", small, netns="/b", container="c2")
    full = "failed to allocate for range 0: no IP addresses available in range set: 10.9.0.1-10.9.0.2"
    assert (refused["code"], refused["msg"]) == (999, full)
    assert (list(machine.host.namespaces[""].links), list(machine.host.namespaces["/b"].links)) == (links, ["lo"])


def test_check_finds_what_somebody_took_away() -> None:
    machine = Machine()
    made = machine.call("bridge", BRIDGE)
    checked = {**BRIDGE, "prevResult": made}
    assert machine.answer("bridge", checked, "CHECK").code == 0
    machine.host.ip(NETNS, "link", "del", "eth0")
    assert machine.call("bridge", checked, "CHECK")["msg"].startswith("Link not found: ")
    machine.call("host-local", BRIDGE, "DEL")
    assert "Failed to find address" in machine.call("bridge", checked, "CHECK")["msg"]


def test_an_address_can_be_asked_for_by_name() -> None:
    machine = Machine("/a", "/b")
    assert machine.call("host-local", HOST_LOCAL, netns="/a", CNI_ARGS="IgnoreUnknown=1;IP=10.9.0.77")["ips"] == [
        {"address": "10.9.0.77/24", "gateway": "10.9.0.1"}
    ]
    again = machine.call("host-local", HOST_LOCAL, netns="/b", container="c2", CNI_ARGS="IP=10.9.0.77")
    assert again["msg"].endswith("requested IP address 10.9.0.77 is not available in range set 10.9.0.1-10.9.0.254")


def test_garbage_is_what_no_valid_attachment_has() -> None:
    machine = Machine("/a", "/b")
    for name, path in (("c1", "/a"), ("c2", "/b")):
        machine.call("host-local", HOST_LOCAL, netns=path, container=name)
    kept = {**HOST_LOCAL, "cni.dev/valid-attachments": [{"containerID": "c2", "ifname": "eth0"}]}
    assert machine.answer("host-local", kept, "GC") == ("", 0)
    assert machine.host.names("/var/lib/cni/networks/pods") == ["10.9.0.3", "last_reserved_ip.0"]
