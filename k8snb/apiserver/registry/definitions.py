"""CustomResourceDefinitions: defaults and validation.

Where every version says the same of a part (its schema, columns, subresources, selectable fields), upstream's internal
form says it once for all, and messages have that path: `spec.validation.openAPIV3Schema…`. Upstream:
`apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go`, `conversion.go` and `validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from k8snb.apiserver.registry.definition_schemas import check_schema
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.apiserver.registry.webhook_clients import check_client
from k8snb.errors import FieldError, duplicate, field_forbidden, invalid_value, not_supported, required, too_many
from k8snb.machinery.formats import dns1035_label, dns_subdomain
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import is_true
from k8snb.machinery.structural import Structural
from k8snb.machinery.structural.paths import find_path
from k8snb.machinery.structural.shown import versions_struct
from k8snb.machinery.validation import IMMUTABLE
from k8snb.typing import Object

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
_HOISTED = ("schema", "subresources", "additionalPrinterColumns", "selectableFields")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_REVIEWS = ("v1", "v1beta1")
_APPROVED = "api-approved.kubernetes.io"
MAX_SELECTABLE = 8


class DefinitionStrategy(Strategy):
    """The rules of CustomResourceDefinitions."""

    def default(self, obj: Object) -> Object:
        spec = obj.get("spec") or {}
        names: dict[str, Any] = dict(spec.get("names") or {})
        if not names.get("singular") and names.get("kind"):
            names["singular"] = names["kind"].lower()
        if not names.get("listKind") and names.get("kind"):
            names["listKind"] = f"{names['kind']}List"
        conversion = _defaulted_conversion(spec.get("conversion") or {"strategy": "None"})
        return {**obj, "spec": {**spec, "names": names, "conversion": conversion}}

    def prepare_create(self, obj: Object) -> Object:
        names = {"kind": "", "plural": ""}
        return {**obj, "status": {"conditions": None, "acceptedNames": names, "storedVersions": _stored(obj, ())}}

    def prepare_update(self, new: Object, old: Object) -> Object:
        new = super().prepare_update(new, old)
        status = new.get("status") or {}
        stored = _stored(new, status.get("storedVersions") or ())
        return (
            new if stored == status.get("storedVersions") else {**new, "status": {**status, "storedVersions": stored}}
        )

    def before_deletion(self, obj: Object) -> Object:
        """Its objects go first: a finalizer stands for them."""
        meta = obj["metadata"]
        if "deletionTimestamp" in meta:
            return obj
        finalizers = list(meta.get("finalizers") or ())
        if FINALIZER not in finalizers:
            finalizers.append(FINALIZER)
        return {**obj, "metadata": {**meta, "finalizers": finalizers}}

    # -- validation --------------------------------------------------------------------------------

    def validate(self, obj: Object) -> list[FieldError]:
        found: list[FieldError] = []
        spec = obj["spec"]
        name, wanted = obj["metadata"].get("name", ""), f"{spec['names'].get('plural', '')}.{spec.get('group', '')}"
        if name != wanted:
            found.append(invalid_value("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
        return [*found, *_spec(spec), *_approval(obj)]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        found: list[FieldError] = []
        spec, before = new["spec"], old["spec"]
        pairs = [("group", spec.get("group", ""), before.get("group", ""))]
        pairs += [("names.plural", spec["names"].get("plural", ""), before["names"].get("plural", ""))]
        if is_true(old, "Established"):
            pairs = [
                ("scope", spec.get("scope", ""), before.get("scope", "")),
                ("names.kind", spec["names"].get("kind", ""), before["names"].get("kind", "")),
                *pairs,
            ]
        found += [invalid_value(f"spec.{field}", value, IMMUTABLE) for field, value, was in pairs if value != was]
        return [*found, *_stored_versions(new)]

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return _stored_versions(new)


def _stored(obj: Object, stored: Sequence[str]) -> list[str]:
    versions = [v["name"] for v in obj["spec"].get("versions") or () if v.get("storage") and v.get("name")]
    return [*stored, *(each for each in versions if each not in stored)]


def _defaulted_conversion(conversion: Object) -> Object:
    webhook = conversion.get("webhook") or {}
    client = webhook.get("clientConfig") or {}
    service = client.get("service")
    if not service or service.get("port"):
        return conversion
    return {**conversion, "webhook": {**webhook, "clientConfig": {**client, "service": {**service, "port": 443}}}}


def _stored_versions(obj: Object) -> list[FieldError]:
    path, found = "status.storedVersions", []
    stored = (obj.get("status") or {}).get("storedVersions") or []
    if not stored:
        return [invalid_value(path, stored, "must have at least one stored version")]
    versions = obj["spec"].get("versions") or ()
    missing = [name for v in versions if v.get("storage") and (name := v.get("name", "")) not in stored]
    found += [invalid_value(path, stored, f"must have the storage version {name}") for name in missing]
    named = {version.get("name", "") for version in versions}
    for index, each in enumerate(stored):
        if each not in named:
            why = (
                f"missing from spec.versions; {each} was previously a storage version, and must remain in spec.versions"
                f" until a storage migration ensures no data remains persisted in {each} and removes {each} from "
                "status.storedVersions"
            )
            found.append(invalid_value(f"{path}[{index}]", each, why))
    return found


def _approval(obj: Object) -> Iterator[FieldError]:
    group = obj["spec"].get("group", "")
    if not group.endswith((".k8s.io", ".kubernetes.io")) and group not in ("k8s.io", "kubernetes.io"):
        return
    text = (obj["metadata"].get("annotations") or {}).get(_APPROVED, "")
    where = f"metadata.annotations[{_APPROVED}]"
    if not text:
        see = "see https://github.com/kubernetes/enhancements/pull/1111"
        yield required(where, f'protected groups must have approval annotation "{_APPROVED}", {see}')
    elif not text.startswith(("unapproved", "http://", "https://")):
        why = (
            f'protected groups must have approval annotation "{_APPROVED}" with either a URL or a reason starting with'
        )
        yield invalid_value(
            where, text, f'{why} "unapproved", see https://github.com/kubernetes/enhancements/pull/1111'
        )


# -- spec ----------------------------------------------------------------------------------------------


def hoisted(versions: Sequence[Object]) -> frozenset[str]:
    """The parts that every version has alike."""
    first = versions[0] if versions else {}
    return frozenset(key for key in _HOISTED if all(each.get(key) == first.get(key) for each in versions))


def _spec(spec: Object) -> Iterator[FieldError]:
    group, versions = spec.get("group", ""), spec.get("versions") or []
    if not group:
        yield required("spec.group")
    elif wrong := dns_subdomain(group):
        yield invalid_value("spec.group", group, ",".join(wrong))
    elif "." not in group:
        yield invalid_value("spec.group", group, "should be a domain with at least one dot")
    if not spec.get("scope"):
        yield required("spec.scope")
    elif spec["scope"] not in ("Cluster", "Namespaced"):
        yield not_supported("spec.scope", spec["scope"], ("Cluster", "Namespaced"))
    for index, version in enumerate(versions):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            yield required(f"spec.versions[{index}].schema.openAPIV3Schema")
    alike = hoisted(versions)
    for index, version in enumerate(versions):
        yield from _version(version, f"spec.versions[{index}]", alike)
    yield from _all_versions(versions, alike)
    yield from _required_names(spec["names"])
    yield from check_names(spec["names"], "spec.names")
    if versions:
        yield from _parts(versions[0], "spec", {"schema": "validation"}, lambda part: part in alike)
    if spec.get("preserveUnknownFields"):
        why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        yield invalid_value("spec.preserveUnknownFields", True, why)
    yield from _conversion(spec.get("conversion") or {})


def _version(version: Object, path: str, alike: frozenset[str]) -> Iterator[FieldError]:
    if wrong := dns1035_label(version.get("name", "")):
        yield invalid_value(f"{path}.name", version.get("name", ""), ",".join(wrong))
    warning = version.get("deprecationWarning")
    if warning is not None:
        for why in _warning(version, warning):
            yield invalid_value(f"{path}.deprecationWarning", warning, why)
    yield from _parts(version, path, {"schema": "schema"}, lambda part: part not in alike)


def _warning(version: Object, text: str) -> Iterator[str]:
    if not version.get("deprecated"):
        yield "can only be set for deprecated versions"
        return
    if len(text) > 256:
        yield "must be <= 256 characters long"
    if not text:
        yield "must not be an empty string"
    for index, character in enumerate(text):
        if not character.isprintable():
            lead = "must only contain printable UTF-8 characters"
            yield f"{lead}; non-printable character found at index {index}"
            return


def _all_versions(versions: Sequence[Object], alike: frozenset[str]) -> Iterator[FieldError]:
    names = [version.get("name", "") for version in versions]
    if len(set(names)) < len(names):
        yield invalid_value("spec.versions", versions_struct(versions, alike), "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        why = "must have exactly one version marked as storage version"
        yield invalid_value("spec.versions", versions_struct(versions, alike), why)
    if names and (wrong := dns1035_label(names[0])):
        yield invalid_value("spec.version", names[0], ",".join(wrong))


def _required_names(names: Object) -> Iterator[FieldError]:
    for field in ("plural", "singular", "kind", "listKind"):
        if not names.get(field):
            yield required(f"spec.names.{field}")


def check_names(names: Object, path: str) -> Iterator[FieldError]:
    """What is wrong with the names of a kind."""
    for field in ("plural", "singular"):
        text = names.get(field) or ""
        if text and (wrong := dns1035_label(text)):
            yield invalid_value(f"{path}.{field}", text, ",".join(wrong))
    for field in ("kind", "listKind"):
        text = names.get(field) or ""
        if text and (wrong := dns1035_label(text.lower())):
            why = f"may have mixed case, but should otherwise match: {','.join(wrong)}"
            yield invalid_value(f"{path}.{field}", text, why)
    yield from _labels(names.get("shortNames") or (), f"{path}.shortNames")
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        yield invalid_value(f"{path}.listKind", names["listKind"], "kind and listKind may not be the same")
    yield from _labels(names.get("categories") or (), f"{path}.categories")


def _labels(words: Sequence[str], path: str) -> Iterator[FieldError]:
    for index, word in enumerate(words):
        if wrong := dns1035_label(word):
            yield invalid_value(f"{path}[{index}]", word, ",".join(wrong))


# -- the parts of a version ----------------------------------------------------------------------------


def _parts(version: Object, path: str, words: Mapping[str, str], here: Callable[[str], bool]) -> Iterator[FieldError]:
    """What is wrong with the parts that are to be looked at here."""
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    subresources = version.get("subresources") or {}
    if schema and here("schema"):
        where = f"{path}.{words['schema']}.openAPIV3Schema"
        yield from check_schema(schema, where, status=subresources.get("status") is not None)
    if here("subresources") and subresources.get("scale") is not None:
        yield from _scale(subresources["scale"], f"{path}.subresources.scale")
    if here("additionalPrinterColumns"):
        for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
            yield from _column(column, f"{path}.additionalPrinterColumns[{index}]")
    if here("selectableFields") and version.get("selectableFields"):
        yield from _selectable(version["selectableFields"], schema, f"{path}.selectableFields")


def _scale(scale: Object, path: str) -> Iterator[FieldError]:
    for field, root in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        text = scale.get(field) or ""
        if not text:
            yield required(f"{path}.{field}")
        elif wrong := _simple_path(text):
            yield invalid_value(f"{path}.{field}", text, wrong)
        elif not text.startswith(root):
            yield invalid_value(f"{path}.{field}", text, f"should be a json path under {root[:-1]}")
    if text := scale.get("labelSelectorPath") or "":
        if wrong := _simple_path(text):
            yield invalid_value(f"{path}.labelSelectorPath", text, wrong)
        elif not text.startswith((".spec.", ".status.")):
            yield invalid_value(
                f"{path}.labelSelectorPath", text, "should be a json path under either .spec or .status"
            )


def _simple_path(text: str) -> str:
    return "" if text.startswith(".") else "must be a simple json path starting with ."


def _column(column: Object, path: str) -> Iterator[FieldError]:
    if not column.get("name"):
        yield required(f"{path}.name")
    type, format = column.get("type") or "", column.get("format") or ""
    types = f"must be one of {','.join(_COLUMN_TYPES)}"
    if not type:
        yield required(f"{path}.type", types)
    elif type not in _COLUMN_TYPES:
        yield invalid_value(f"{path}.type", type, types)
    if format and format not in _COLUMN_FORMATS:
        yield invalid_value(f"{path}.format", format, f"must be one of {','.join(_COLUMN_FORMATS)}")
    where = column.get("jsonPath") or ""
    if not where:
        yield required(f"{path}.JSONPath")
    elif wrong := _simple_path(where):
        yield invalid_value(f"{path}.JSONPath", where, wrong)


def _selectable(fields: Sequence[Object], schema: Object, path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, each in enumerate(fields):
        where, given = f"{path}[{index}].jsonPath", each.get("jsonPath") or ""
        if not given:
            yield required(where)
            continue
        found = find_path(given, Structural(schema), arrays=False)
        if isinstance(found, str):
            yield invalid_value(where, given, f"is an invalid path: {found}")
            continue
        if given.lstrip(".").partition(".")[0] == "metadata":
            yield invalid_value(where, given, "must not point to fields in metadata")
        if found.type not in ("string", "boolean", "integer"):
            why = "must point to a field of type string, boolean or integer."
            yield invalid_value(where, given, f"{why} Enum string fields and strings with formats are allowed.")
        if given in seen:
            yield duplicate(where, given)
        seen.add(given)
    if len(seen) > MAX_SELECTABLE:
        yield too_many(path, len(seen), MAX_SELECTABLE)


# -- conversion ----------------------------------------------------------------------------------------


def _conversion(conversion: Object) -> Iterator[FieldError]:
    path, strategy = "spec.conversion", conversion.get("strategy") or ""
    webhook = conversion.get("webhook") or {}
    client, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    if not strategy:
        yield required(f"{path}.strategy")
    elif strategy not in ("None", "Webhook"):
        yield not_supported(f"{path}.strategy", strategy, ("None", "Webhook"))
    if strategy != "Webhook":
        why = "should not be set when strategy is not set to Webhook"
        if client is not None:
            yield field_forbidden(f"{path}.webhookClientConfig", why)
        if versions:
            yield field_forbidden(f"{path}.conversionReviewVersions", why)
        return
    where = f"{path}.webhookClientConfig"
    if client is None:
        yield required(where, "required when strategy is set to Webhook")
    else:
        yield from check_client(client, where)
    yield from _review_versions(versions, f"{path}.conversionReviewVersions")


def _review_versions(versions: Sequence[str], path: str) -> Iterator[FieldError]:
    if not versions:
        yield required(path)
        return
    for index, each in enumerate(versions):
        if each in versions[:index]:
            yield invalid_value(f"{path}[{index}]", each, "duplicate version")
            continue
        for wrong in dns1035_label(each):
            yield invalid_value(f"{path}[{index}]", each, wrong)
    if not set(versions) & set(_REVIEWS):
        yield invalid_value(path, list(versions), f"must include at least one of {', '.join(_REVIEWS)}")


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "customresourcedefinitions.apiextensions.k8s.io": lambda _: DefinitionStrategy(),
}
