"""What a pod calls itself: its host name, its domain, and the `/etc/hosts` that every container of it gets.

The domain is that of the Service which `spec.subdomain` names, so that a pod of a StatefulSet knows itself by the name
under which DNS knows it. Upstream: `GeneratePodHostNameAndDomain` and `managedHostsFileContent`
(`pkg/kubelet/kubelet_pods.go`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from k8snb.typing import Object

LONGEST = 63
CLUSTER_DOMAIN = "cluster.local"
OF_THE_NODE = "# Kubernetes-managed hosts file (host network).\n127.0.0.1\tlocalhost\n"
OF_A_POD = """# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""


def short_name(pod: Object) -> str:
    """The pod's host name without its domain."""
    spec = pod["spec"]
    name: str = spec.get("hostnameOverride") or spec.get("hostname") or pod["metadata"]["name"]
    return name if len(name) <= LONGEST else name[:LONGEST].rstrip("-.")


def domain(pod: Object) -> str:
    """The pod's domain; empty if it has none."""
    spec = pod["spec"]
    if not spec.get("subdomain") or spec.get("hostnameOverride"):
        return ""
    return f"{spec['subdomain']}.{pod['metadata']['namespace']}.svc.{CLUSTER_DOMAIN}"


def hostname(pod: Object) -> str:
    """What the kernel says: the short name, unless `setHostnameAsFQDN` asks for the full one."""
    name, within = short_name(pod), domain(pod)
    return f"{name}.{within}" if within and pod["spec"].get("setHostnameAsFQDN") else name


def hosts_file(pod: Object, ip: str, node: str) -> str:
    """The pod's `/etc/hosts`, or that of its node if it shares the node's network."""
    name, within, header = short_name(pod), domain(pod), OF_A_POD
    if pod["spec"].get("hostNetwork"):
        name, within, header = node, "", OF_THE_NODE
    own = f"{name}.{within}\t{name}" if within else name
    aliases: Sequence[Object] = pod["spec"].get("hostAliases") or ()
    lines = ["\t".join([each["ip"], *(each.get("hostnames") or ())]) for each in aliases]
    added = "".join(f"{line}\n" for line in ["", "# Entries added by HostAliases.", *lines]) if lines else ""
    return f"{header}{ip}\t{own}\n{added}"


@lru_cache(maxsize=256)
def parsed(hosts: str) -> Mapping[str, tuple[str, str]]:
    """The address of each name in a hosts file, and the first name on its line; IPv4 alone."""
    found: dict[str, tuple[str, str]] = {}
    for line in hosts.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        for name in names if ":" not in address else ():
            found.setdefault(name, (address, names[0]))
    return found
