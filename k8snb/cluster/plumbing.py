"""What lies beneath pods: the interfaces to network and storage, CNI and CSI, and what was said over them.

What the reader changes here comes from outside, so it is kept in the journal. Views are imported when first asked for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from k8snb.client.client import Client
from k8snb.cluster.doing import Doing
from k8snb.cluster.machines import CNI_FILES, ROUTES
from k8snb.cluster.snapshot import Looking
from k8snb.cni.errors import CNIError
from k8snb.cni.iptext import text as iptext
from k8snb.csi.calls import Call
from k8snb.csi.driver import Driver
from k8snb.csi.stock import handle_of
from k8snb.network.fabric import Fabric
from k8snb.network.wiring import DIRECTORY, FILE, Wiring
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.view.diagram import Diagram
    from k8snb.view.plugincalls import PluginCalls
    from k8snb.view.stepper import Stepper
    from k8snb.view.storagecalls import CSICalls


class Plumbing(Doing, Looking):
    """The interfaces to network and storage."""

    client: Client
    drivers: dict[str, Driver]
    network: Fabric

    @property
    def _wiring(self) -> Wiring:
        return self.network.addresses.wiring

    # -- the network -------------------------------------------------------------------------------

    def cni_config(self, node: str, file: str = FILE) -> str:
        """What lies in `/etc/cni/net.d` of a node under that name; empty if nothing does."""
        return self._wiring.machine(node).host.read(f"{DIRECTORY}/{file}") or ""

    def configure_cni(self, node: str, config: str | Object | None, file: str = FILE) -> None:
        """Put a list of CNI plugins (JSON, or an object) into `/etc/cni/net.d` of a node; None takes the file away."""
        text = json.dumps(config, indent=2) if isinstance(config, dict) else config
        self._do("_configure_cni", node, file, text)

    def _configure_cni(self, node: str, file: str, text: str | None) -> None:
        self._wiring.configure(node, file, text)
        self._touch(CNI_FILES, node, file)

    def ip(self, node: str, command: str, pod: str = "") -> str:
        """What `ip COMMAND` prints on a node, or in the namespace of a pod at that address there: `route`, `addr` …"""
        printed: str = self._do("_ip", node, command, pod)
        return printed

    def _ip(self, node: str, command: str, address: str) -> str:
        words = command.split()
        words = words if len(words) > 1 else [*words, "show"]
        netns = self._wiring.machine(node).netns(address) if address else ""
        try:
            return iptext(words[0], self._wiring.ip(node, netns, *words))
        except CNIError as error:
            return str(error)
        finally:
            if words[0] == "route":
                self._touch(ROUTES, node, "")

    def tunnel_pods(self, tunnel: bool) -> None:
        """Let packets between nodes go through a tunnel (VXLAN), or be routed by the nodes' own network."""
        self._do("_tunnel_pods", tunnel)

    def _tunnel_pods(self, tunnel: bool) -> None:
        self._wiring.tunnel = tunnel
        self._touch(ROUTES, "", "")

    def plugin_calls(self, pod: str, *, namespace: str = "default", revision: int | None = None) -> PluginCalls:
        """What the CNI plugins of its node were told about a pod, and what they answered.

        `revision` is one at which the pod was there, if it is gone. Raises StatusError (NotFound) if it was not.
        """
        from k8snb.view.plugincalls import PluginCalls

        found, _then = self._there("pods", pod, namespace, revision)
        node = found["spec"].get("nodeName", "")
        said = self._wiring.machine(node).exchanges if node else {}
        return PluginCalls(said.get(found["metadata"]["uid"], ()))

    def _wired(self, node: str) -> Diagram:
        from k8snb.view.diagram import Diagram
        from k8snb.view.wiring import addresses_on, wiring

        here = self.client.list("pods", fields=f"spec.nodeName={node}")
        named = {pod["status"]["podIP"]: pod["metadata"]["name"] for pod in here if pod["status"].get("podIP")}
        return Diagram(wiring(self._wiring.machine(node), addresses_on(named)))

    # -- storage -----------------------------------------------------------------------------------

    def call_driver(self, driver: str, method: str, request: Object, node: str = "") -> Object:
        """Call a driver as its sidecars and kubelets do: its controller's part, or the one on a node.

        Raises CallFailed with gRPC's code if it refuses, KeyError for a field that the request does not have.
        """
        answer: Object = self._do("_call_driver", driver, method, request, node)
        return answer

    def _call_driver(self, driver: str, method: str, request: Object, node: str) -> Object:
        return self.drivers[driver].call(method, request, "you", node)

    def csi_calls(self, claim: str = "", *, namespace: str = "default", revision: int | None = None) -> CSICalls:
        """What storage drivers were asked about the volume of a claim (`pvc/data`), or without one everything.

        `revision` is one at which the claim was there, if it is gone. Raises StatusError (NotFound) if it was not.
        """
        from k8snb.view.storagecalls import CSICalls

        if claim:
            return CSICalls(self._about(claim, namespace, revision))
        logs = [call for driver in self.drivers.values() for call in driver.log]
        return CSICalls(sorted(logs, key=lambda call: call.at))

    def mounting(
        self, claim: str, *, title: str = "", namespace: str = "default", revision: int | None = None
    ) -> Stepper:
        """The same about one claim as a story: from the claim to the mount, and back."""
        from k8snb.view.storagecalls import mounting

        return mounting(self._about(claim, namespace, revision), claim.rpartition("/")[2], self.revision, title)

    def _about(self, claim: str, namespace: str, revision: int | None) -> list[Call]:
        """The calls about the volume of a claim."""
        found, then = self._there("persistentvolumeclaims", claim, namespace, revision)
        volume = then.get("persistentvolumes", found["spec"].get("volumeName") or "-")
        made = f"pvc-{found['metadata']['uid']}"
        names = {made, handle_of("vol", made), ((volume or {}).get("spec", {}).get("csi") or {}).get("volumeHandle")}
        return [call for driver in self.drivers.values() for call in driver.log if call.about in names]
