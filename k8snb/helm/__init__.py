"""helm, built in: charts become releases in a cluster of this process, without a socket or a process of its own.

It follows helm 3.19: charts render the same, releases are kept in the same Secrets, commands print the same. What
needs a network (OCI registries, repositories over HTTP) is left out; a repository is a folder.

    from k8snb.helm import run

    print(run(cluster, "install web ./web --set replicaCount=3"))
"""

from __future__ import annotations

from k8snb.helm.command import run

__all__ = ["run"]
