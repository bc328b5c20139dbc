"""A list of plugins, as a runtime calls it: one after the other, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8snb.cni.errors import CNIError
from k8snb.cni.plugins.portmap import chain_of
from k8snb.cni.runtime import Attachment, FailedPlugin, Runtime, read_list
from tests.cni.calls import LIST, NETNS, Machine

PORTS = {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "TCP"}], "bandwidth": {"ingressRate": 1}}
POD = Attachment("c1", NETNS, capabilities=PORTS)


def runtime(machine: Machine, network: Any = LIST) -> Runtime:
    return Runtime(machine.host, read_list(json.dumps(network)))


def test_each_plugin_gets_the_result_of_the_one_before_and_the_last_has_the_last_word() -> None:
    machine = Machine()
    made = runtime(machine)
    result = made.add(POD)
    assert [(each.plugin, each.command) for each in made.exchanges] == [
        ("bridge", "ADD"), ("portmap", "ADD"), ("tuning", "ADD")
    ]  # fmt: skip
    given = [json.loads(each.stdin) for each in made.exchanges]
    assert ["prevResult" in each for each in given] == [False, True, True]
    assert given[2]["prevResult"] == json.loads(made.exchanges[1].stdout)
    assert result["interfaces"][2]["mtu"] == 1400
    assert machine.host.namespaces[NETNS].sysctls == {"net.core.somaxconn": "500"}


def test_only_a_plugin_with_the_capability_hears_what_the_runtime_knows() -> None:
    made = runtime(Machine())
    made.add(POD)
    told = [json.loads(each.stdin).get("runtimeConfig") for each in made.exchanges]
    assert told == [None, {"portMappings": PORTS["portMappings"]}, None]


def test_a_port_of_the_machine_leads_to_the_container_until_that_goes() -> None:
    machine = Machine()
    made = runtime(machine)
    made.add(POD)
    chain = chain_of("pods", "c1")
    assert machine.host.filter.chains("nat")[chain][-1] == (
        "-p", "tcp", "--dport", "8080", "-j", "DNAT", "--to-destination", "10.9.0.2:80"
    )  # fmt: skip
    made.delete(POD)
    left = machine.host.filter.chains("nat")
    assert (chain in left, left["CNI-HOSTPORT-DNAT"]) == (False, [])
    assert [each.plugin for each in made.exchanges[3:]] == ["tuning", "portmap", "bridge"]
    made.delete(POD)
    assert machine.host.files.keys() == {"/var/lib/cni/networks/pods/last_reserved_ip.0"}


def test_check_status_and_gc_ask_every_plugin() -> None:
    machine = Machine()
    made = runtime(machine)
    made.add(POD)
    made.check(POD)
    made.status()
    made.collect([])
    commands = [each.command for each in made.exchanges[3:]]
    assert commands == ["CHECK"] * 3 + ["STATUS"] * 3 + ["GC"] * 3
    machine.host.ip(NETNS, "link", "set", "eth0", "mtu", "1500")
    with pytest.raises(FailedPlugin, match=r'plugin type="bridge" failed \(check\)'):
        made.check(POD)


def test_an_older_list_is_not_asked_what_it_does_not_know() -> None:
    made = runtime(Machine(), {**LIST, "cniVersion": "0.4.0"})
    made.add(POD)
    made.status()
    made.collect([])
    assert len(made.exchanges) == 3


def test_a_plugin_that_is_not_there_is_named() -> None:
    made = runtime(Machine(), {"cniVersion": "1.1.0", "name": "n", "plugins": [{"type": "calico"}]})
    told = 'plugin type="calico" failed (add): failed to find plugin "calico" in path [/opt/cni/bin]'
    with pytest.raises(FailedPlugin) as failed:
        made.add(POD)
    assert str(failed.value) == told


NO_TYPE = '{"name": "n", "cniVersion": "1.1.0", "plugins": [{}]}'
NO_PLUGINS = '{"name": "n", "cniVersion": "1.1.0", "plugins": []}'
NO_SUCH_VERSION = '{"name": "n", "cniVersion": "7.0.0", "type": "bridge"}'


@pytest.mark.parametrize("text", ["{", "[]", '{"plugins": [{"type": "bridge"}]}', NO_PLUGINS, NO_TYPE, NO_SUCH_VERSION])
def test_a_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CNIError):
        read_list(text)


def test_a_single_plugin_is_a_list_of_one() -> None:
    assert read_list('{"name": "n", "cniVersion": "1.0.0", "type": "loopback"}')["plugins"][0]["type"] == "loopback"
