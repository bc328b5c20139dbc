"""Volumes of a pod: each has a name and exactly one source, and each source has its own rules.

The order of the table is the order in which upstream looks at the sources, so of two the same one counts as
the second. Upstream: `ValidateVolumes` and `validateVolumeSource` in
`pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from k8snb.apiserver.registry.checks import each
from k8snb.apiserver.registry.environment import VOLUME_FIELDS, validate_field, validate_resource_field
from k8snb.apiserver.registry.file_paths import descending, file_mode, not_reserved, without_backsteps
from k8snb.apiserver.registry.volume_claims import validate_claim_template
from k8snb.errors import FieldError, duplicate, field_forbidden, invalid_value, not_supported, required, too_long
from k8snb.machinery import formats, quantity
from k8snb.typing import Object

Findings = Iterator[FieldError]
SourceRule = Callable[[Object, str], Findings]

_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_MORE_THAN_ONE = "may not specify more than 1 volume type"
_CONFLICT = "conflicting duplicate paths"
_MIN_TOKEN_SECONDS = 600
_MAX_TOKEN_SECONDS = 1 << 32
_MAX_DRIVER = 63


def validate_volumes(volumes: Sequence[Object], path: str) -> tuple[dict[str, Object], list[FieldError]]:
    """The pod's sound volumes by name, and what is wrong with the others."""
    sound: dict[str, Object] = {}
    found: list[FieldError] = []
    for index, volume in enumerate(volumes):
        name = volume.get("name") or ""
        errors = list(_validate_volume(volume, name, f"{path}[{index}]"))
        if name in sound:
            errors.append(duplicate(f"{path}[{index}].name", name))
        if not errors:
            sound[name] = volume
        found += errors
    return sound, found


def _validate_volume(volume: Object, name: str, path: str) -> Findings:
    given = [source for source in _SOURCES if volume.get(source) is not None]
    for position, source in enumerate(given):
        at = f"{path}.{_MISNAMED.get(source, source) if position == 0 else source}"
        if position:
            yield field_forbidden(at, _MORE_THAN_ONE)
        else:
            yield from _SOURCES[source](volume[source], at)
    if not given:
        yield required(path, "must specify a volume type")
    yield from each(f"{path}.name", name, formats.dns_label(name)) if name else [required(f"{path}.name")]


def _needs(*names: str) -> SourceRule:
    """A source that only has to name what it is made of."""

    def rule(source: Object, path: str) -> Findings:
        for name in names:
            if not source.get(name):
                yield required(f"{path}.{name}")

    return rule


def _empty_dir(source: Object, path: str) -> Findings:
    limit = source.get("sizeLimit")
    if limit is not None and quantity.parse(str(limit)).nano < 0:
        yield field_forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _host_path(source: Object, path: str) -> Findings:
    if not source.get("path"):
        yield required(f"{path}.path")
        return
    yield from without_backsteps(source["path"], f"{path}.path")
    kind = source.get("type")
    if kind is not None and kind not in _HOST_PATH_TYPES:
        yield not_supported(f"{path}.type", kind, _HOST_PATH_TYPES)


def _git_repo(source: Object, path: str) -> Findings:
    if not source.get("repository"):
        yield required(f"{path}.repository")
    yield from descending(source.get("directory") or "", f"{path}.directory")


def _nfs(source: Object, path: str) -> Findings:
    yield from _needs("server", "path")(source, path)
    place = source.get("path") or ""
    if not place.startswith("/"):
        yield invalid_value(f"{path}.path", place, "must be an absolute path")


def _files_of(name_field: str) -> SourceRule:
    """A Secret or ConfigMap whose keys become files."""

    def rule(source: Object, path: str) -> Findings:
        if not source.get(name_field):
            yield required(f"{path}.{name_field}")
        yield from file_mode(source.get("defaultMode"), f"{path}.defaultMode")
        for index, item in enumerate(source.get("items") or ()):
            yield from _key_to_path(item, f"{path}.items[{index}]")

    return rule


def _key_to_path(item: Object, path: str) -> Findings:
    yield from _needs("key", "path")(item, path)
    yield from not_reserved(item.get("path") or "", f"{path}.path")
    yield from file_mode(item.get("mode"), f"{path}.mode")


def _downward_api(source: Object, path: str) -> Findings:
    yield from file_mode(source.get("defaultMode"), f"{path}.defaultMode")
    for item in source.get("items") or ():
        yield from _downward_file(item, path)


def _downward_file(item: Object, path: str) -> Findings:
    field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
    if not item.get("path"):
        yield required(f"{path}.path")
    yield from not_reserved(item.get("path") or "", f"{path}.path")
    if field is not None:
        yield from validate_field(field, f"{path}.fieldRef", VOLUME_FIELDS)
        if resource is not None:
            text = "fieldRef and resourceFieldRef can not be specified simultaneously"
            yield invalid_value(path, "resource", text)
    elif resource is not None:
        yield from validate_resource_field(resource, f"{path}.resourceFieldRef", needs_container=True)
    else:
        yield required(path, "one of fieldRef and resourceFieldRef is required")
    yield from file_mode(item.get("mode"), f"{path}.mode")


def _projected(source: Object, path: str) -> Findings:
    yield from file_mode(source.get("defaultMode"), f"{path}.defaultMode")
    taken: set[str] = set()
    for index, part in enumerate(source.get("sources") or ()):
        at = f"{path}.sources[{index}]"
        for kind in ("secret", "configMap"):
            if part.get(kind) is not None:
                yield from _projected_keys(part[kind], f"{at}.{kind}", path, taken)
        if part.get("downwardAPI") is not None:
            yield from _projected_fields(part["downwardAPI"], f"{at}.downwardAPI", path, taken)
        if part.get("serviceAccountToken") is not None:
            yield from _projected_token(part["serviceAccountToken"], f"{at}.serviceAccountToken", path)
        if part.get("clusterTrustBundle") is not None:
            yield from _projected_bundle(part["clusterTrustBundle"], f"{at}.clusterTrustBundle")
        if sum(1 for value in part.values() if value is not None) > 1:
            yield field_forbidden(at, "may not specify more than 1 volume type per source")


def _projected_keys(source: Object, path: str, volume: str, taken: set[str]) -> Findings:
    if not source.get("name"):
        yield required(f"{path}.name")
    for index, item in enumerate(source.get("items") or ()):
        yield from _key_to_path(item, f"{path}.items[{index}]")
        if item.get("path") in taken:
            yield invalid_value(volume, source.get("name") or "", _CONFLICT)
        taken.add(item.get("path") or "")


def _projected_fields(source: Object, path: str, volume: str, taken: set[str]) -> Findings:
    for item in source.get("items") or ():
        yield from _downward_file(item, path)
        if item.get("path") in taken:
            yield invalid_value(volume, item["path"], _CONFLICT)
        taken.add(item.get("path") or "")


def _projected_token(token: Object, path: str, volume: str) -> Findings:
    seconds = token.get("expirationSeconds") or 0
    at = f"{path}.expirationSeconds"
    if seconds < _MIN_TOKEN_SECONDS:
        yield invalid_value(at, seconds, "may not specify a duration less than 10 minutes")
    if seconds > _MAX_TOKEN_SECONDS:
        yield invalid_value(at, seconds, "may not specify a duration larger than 2^32 seconds")
    if not token.get("path"):
        yield required(f"{volume}.path")
    else:
        yield from not_reserved(token["path"], f"{volume}.path")


def _projected_bundle(bundle: Object, path: str) -> Findings:
    name, signer = bundle.get("name"), bundle.get("signerName")
    if name is not None and signer is not None:
        yield invalid_value(path, bundle, "only one of name and signerName may be used")
    elif name is None and signer is None:
        yield required(path, "either name or signerName must be specified")
    yield from _needs("path")(bundle, path)
    yield from not_reserved(bundle.get("path") or "", f"{path}.path")


def _csi(source: Object, path: str) -> Findings:
    driver = source.get("driver") or ""
    at = f"{path}.driver"
    if not driver:
        yield required(at)
    if len(driver) > _MAX_DRIVER:
        yield too_long(at, driver, _MAX_DRIVER)
    yield from each(at, driver, formats.dns_subdomain(driver.lower()))
    secret = source.get("nodePublishSecretRef")
    if secret is not None and not secret.get("name"):
        yield required(f"{path}.nodePublishSecretRef.name")


def _ephemeral(source: Object, path: str) -> Findings:
    at = f"{path}.volumeClaimTemplate"
    if source.get("volumeClaimTemplate") is None:
        yield required(at)
    else:
        yield from validate_claim_template(source["volumeClaimTemplate"], at)


def _image(source: Object, path: str) -> Findings:
    policy = source.get("pullPolicy") or ""
    if not source.get("reference"):
        yield required(f"{path}.reference")
    if not policy:
        yield required(f"{path}.pullPolicy")
    elif policy not in ("Always", "IfNotPresent", "Never"):
        yield not_supported(f"{path}.pullPolicy", policy, ("Always", "IfNotPresent", "Never"))


def _fc(source: Object, path: str) -> Findings:
    if not source.get("targetWWNs") and not source.get("wwids"):
        yield required(f"{path}.targetWWNs", "must specify either targetWWNs or wwids, but not both")


_SOURCES: Mapping[str, SourceRule] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "gitRepo": _git_repo,
    "gcePersistentDisk": _needs("pdName"),
    "awsElasticBlockStore": _needs("volumeID"),
    "secret": _files_of("secretName"),
    "nfs": _nfs,
    "iscsi": _needs("targetPortal", "iqn"),
    "glusterfs": _needs("endpoints", "path"),
    "flocker": lambda source, path: iter(()),
    "persistentVolumeClaim": _needs("claimName"),
    "rbd": _needs("monitors", "image"),
    "cinder": _needs("volumeID"),
    "cephfs": _needs("monitors"),
    "quobyte": _needs("registry", "volume"),
    "downwardAPI": _downward_api,
    "fc": _fc,
    "flexVolume": _needs("driver"),
    "configMap": _files_of("name"),
    "azureFile": _needs("secretName", "shareName"),
    "vsphereVolume": _needs("volumePath"),
    "photonPersistentDisk": _needs("pdID"),
    "portworxVolume": _needs("volumeID"),
    "azureDisk": _needs("diskName", "diskURI"),
    "storageos": _needs("volumeName"),
    "projected": _projected,
    "scaleIO": _needs("gateway", "system", "volumeName"),
    "csi": _csi,
    "ephemeral": _ephemeral,
    "image": _image,
}
_MISNAMED = {"gcePersistentDisk": "persistentDisk"}
"""Where upstream's path is not the field's name."""
