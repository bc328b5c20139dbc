"""The plugins as programs: called by a runtime as the specification says, in real namespaces where the machine allows.

Where Debian's plugins are installed, both are called with the same words and compared, also taking turns on one bridge.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from k8snb.cni.linux import Linux, install
from k8snb.cni.plugins import PLUGINS
from k8snb.cni.protocol import run
from k8snb.cni.runtime import Attachment, Runtime, read_list
from tests.cni.calls import BRIDGE, IPAM

DEBIAN = Path("/usr/lib/cni")
needs_debian = pytest.mark.skipif(not (DEBIAN / "host-local").exists(), reason="Debian's plugins are not installed")


def _may_unshare() -> bool:
    if not all(map(shutil.which, ("unshare", "ip", "nsenter"))):
        return False
    test = ["unshare", "-rnm", "sh", "-c", "mount -t tmpfs t /run && ip netns add t"]
    return subprocess.run(test, capture_output=True, check=False).returncode == 0


needs_namespaces = pytest.mark.skipif(not _may_unshare(), reason="no network namespaces on this machine")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bin")
    install(directory)
    return directory


def ask(directory: Path, plugin: str, command: str, config: Any, container: str = "c1") -> tuple[Any, int]:
    """Run a plugin as a runtime does; without a directory ours, in this process."""
    names = {"CNI_CONTAINERID": container, "CNI_NETNS": "/proc/self/ns/net", "CNI_IFNAME": "eth0"}
    whole = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "CNI_COMMAND": command, "CNI_PATH": str(directory), **names}
    text = json.dumps(config)
    if not directory.name:
        answer = run(PLUGINS[plugin], whole, text, Linux())
        return (json.loads(answer.stdout) if answer.stdout else None), answer.code
    done = subprocess.run([directory / plugin], input=text, env=whole, capture_output=True, text=True, check=False)
    return (json.loads(done.stdout) if done.stdout else None), done.returncode


def test_a_runtime_calls_the_programs_and_gets_an_address(programs: Path, tmp_path: Path) -> None:
    plugin = {"type": "host-local", "ipam": {**IPAM, "dataDir": str(tmp_path)}}
    made = Runtime(
        Linux(),
        read_list(json.dumps({"name": "n", "cniVersion": "1.1.0", "plugins": [plugin]})),
        str(programs),
        str(tmp_path),
    )
    pod = Attachment("c1", "/proc/self/ns/net")
    assert made.add(pod)["ips"] == [{"address": "10.9.0.2/24", "gateway": "10.9.0.1"}]
    assert (tmp_path / "n" / "10.9.0.2").read_bytes() == b"c1\r\neth0"


@needs_debian
def test_our_host_local_and_the_real_one_say_the_same(tmp_path: Path) -> None:
    ranges = [[{"subnet": "10.9.0.0/29", "rangeStart": "10.9.0.3", "rangeEnd": "10.9.0.4"}]]
    wrong: list[Any] = [
        {"cniVersion": "1.0.0"},
        {"cniVersion": "1.0.0", "name": "a b"},
        {"cniVersion": "1.0.0", "name": "n"},
    ]
    said: list[list[Any]] = []
    for number, directory in enumerate((Path(), DEBIAN)):
        ipam = {"type": "host-local", "ranges": ranges, "dataDir": str(tmp_path / str(number))}
        config = {"cniVersion": "1.0.0", "name": "n", "ipam": ipam}
        steps = [("ADD", "a"), ("ADD", "b"), ("ADD", "c"), ("DEL", "a"), ("ADD", "c"), ("CHECK", "c"), ("DEL", "x")]
        answers = [ask(directory, "host-local", command, config, name) for command, name in steps]
        answers += [ask(directory, "host-local", "ADD", each) for each in wrong[:2]]
        said.append([(_plain(document), code) for document, code in answers])
        files = {
            each.name: each.read_bytes() for each in (tmp_path / str(number) / "n").iterdir() if each.name != "lock"
        }
        said[-1].append(files)
    assert said[0] == said[1]


def _plain(document: Any) -> Any:
    """An answer without what the specification wants in an error and the real one leaves out."""
    return {k: v for k, v in document.items() if "code" not in document or k != "cniVersion"} if document else document


SCRIPT = """
set -e
mount -t tmpfs t /run; mkdir -p /run/netns; ip link set lo up; ip netns add x; ip netns add y
call() {{ CNI_PATH=$1 CNI_COMMAND=$2 CNI_CONTAINERID=$3 CNI_NETNS=/run/netns/$4 CNI_IFNAME=eth0 $1/bridge < {config}; }}
call {first} ADD c1 x > {out}/x; call {second} ADD c2 y > {out}/y
ip netns exec x ip -j route > {out}/route; ip netns exec x ip -j addr show eth0 > {out}/addr
call {first} DEL c1 x; call {first} DEL c1 x
ls /run/hl/pods > {out}/left; ip -br link | wc -l > {out}/links
"""


def bridged(tmp_path: Path, first: Path, second: Path) -> dict[str, Any]:
    """Connect two namespaces and disconnect one, in a machine of their own."""
    config = tmp_path / "config"
    config.write_text(json.dumps({**BRIDGE, "cniVersion": "1.0.0", "ipam": {**IPAM, "dataDir": "/run/hl"}}))
    script = SCRIPT.format(config=config, out=tmp_path, first=first, second=second)
    subprocess.run(["unshare", "-rnm", "sh", "-c", script], check=True, capture_output=True)
    return {name: (tmp_path / name).read_text() for name in ("x", "y", "route", "addr", "left", "links")}


@needs_namespaces
def test_a_real_namespace_gets_an_interface_an_address_and_routes(programs: Path, tmp_path: Path) -> None:
    second = DEBIAN if (DEBIAN / "bridge").exists() else programs
    found = bridged(tmp_path, programs, second)
    said, addresses = json.loads(found["x"]), json.loads(found["addr"])
    assert said["ips"] == [{"interface": 2, "address": "10.9.0.2/24", "gateway": "10.9.0.1"}]
    assert [each["name"] for each in said["interfaces"]][::2] == ["cni0", "eth0"]
    assert addresses[0]["address"] == said["interfaces"][2]["mac"]
    routes = [(each["dst"], each.get("gateway")) for each in json.loads(found["route"])]
    assert routes == [("default", "10.9.0.1"), ("10.9.0.0/24", None)]
    assert json.loads(found["y"])["ips"][0]["address"] == "10.9.0.3/24"
    assert ("10.9.0.2" in found["left"], "10.9.0.3" in found["left"], found["links"].strip()) == (False, True, "3")
