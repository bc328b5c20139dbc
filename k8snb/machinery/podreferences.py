"""Which Secrets and ConfigMaps a pod uses: in volumes, projections, variables and to pull its images.

Upstream: `pkg/api/v1/pod/util.go` (`VisitPodSecretNames`, `VisitPodConfigmapNames`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8snb.typing import Object

_NONE: Mapping[str, Any] = {}


def secret_names(pod: Object) -> set[str]:
    """The names of the Secrets; an empty one may be among them."""
    names = {(source.get("secret") or _NONE).get(field, "") for source, field in _sources(pod)}
    names |= {each.get("name", "") for each in pod["spec"].get("imagePullSecrets") or ()}
    return names | set(_from_environment(pod, "secret"))


def config_map_names(pod: Object) -> set[str]:
    """The names of the ConfigMaps; an empty one may be among them."""
    names = {(source.get("configMap") or _NONE).get("name", "") for source, _ in _sources(pod)}
    return names | set(_from_environment(pod, "configMap"))


def _sources(pod: Object) -> Iterator[tuple[Object, str]]:
    """What the volumes of a pod take from objects, and the field that names the object."""
    for volume in pod["spec"].get("volumes") or ():
        yield volume, "secretName"
        for source in (volume.get("projected") or _NONE).get("sources") or ():
            yield source, "name"


def _from_environment(pod: Object, kind: str) -> Iterator[str]:
    spec = pod["spec"]
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(field) or ():
            for source in container.get("envFrom") or ():
                yield (source.get(f"{kind}Ref") or _NONE).get("name", "")
            for variable in container.get("env") or ():
                yield ((variable.get("valueFrom") or _NONE).get(f"{kind}KeyRef") or _NONE).get("name", "")
