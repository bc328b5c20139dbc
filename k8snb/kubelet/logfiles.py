"""The logs of a node's containers as files in its `/var/log`, where collectors of logs look for them.

Each container has `pods/<namespace>_<pod>_<uid>/<container>/<restarts>.log`, and under `containers` a second name for
it. A line is a time, a stream, `F` for a full line, and what was written. Made when somebody looks. Upstream:
`pkg/kubelet/kuberuntime/legacy.go` and `logs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from k8snb.kubelet.images.filesystem import Files

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

DIRECTORY = "/var/log"


def files(kubelet: Kubelet) -> Files:
    """The files below `/var/log`."""
    return dict(_files(kubelet))


def _files(kubelet: Kubelet) -> Iterator[tuple[str, str]]:
    for worker in kubelet.workers.values():
        meta = worker.pod["metadata"]
        for unit in worker.units:
            container = unit.container
            if container is None or not container.started_at:
                continue
            text = kubelet.runtime.log_file(container)
            name, namespace, part = meta["name"], meta["namespace"], unit.plan.name
            yield f"pods/{namespace}_{name}_{meta['uid']}/{part}/{container.attempt}.log", text
            yield f"containers/{name}_{namespace}_{part}-{container.id}.log", text
