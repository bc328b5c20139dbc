"""Validation that is the same for every kind: metadata, labels, selectors.

Every function returns the findings as field errors; an empty list means all is well.

Upstream: `apimachinery/pkg/api/validation/objectmeta.go` and `pkg/apis/meta/v1/validation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from k8snb.errors import FieldError, field_forbidden, invalid_value, required, too_long
from k8snb.machinery.formats import NAME_RULES, dns_label, label_value, qualified_name, size
from k8snb.typing import Object

MAX_ANNOTATION_BYTES = 256 * 1024
MAX_MANAGER = 128
IMMUTABLE = "field is immutable"
NOT_NEGATIVE = "must be greater than or equal to 0"
FINALIZER_ORPHAN = "orphan"
FINALIZER_FOREGROUND = "foregroundDeletion"

_FROZEN: tuple[tuple[str, Any], ...] = (
    ("name", ""),
    ("namespace", ""),
    ("uid", ""),
    ("creationTimestamp", None),
    ("deletionTimestamp", None),
    ("deletionGracePeriodSeconds", None),
)
"""What an update may not change, with the value that absence means."""


def validate_metadata(meta: Object, *, name_rule: str, namespaced: bool, path: str = "metadata") -> list[FieldError]:
    """The metadata of an object that is being created, its name already generated.

    `name_rule` is one of `formats.NAME_RULES`.
    """
    found: list[FieldError] = []
    if (prefix := meta.get("generateName")) and not _is_good_prefix(prefix, name_rule):
        found += validate_generate_name(prefix, name_rule, f"{path}.generateName")
    if name := meta.get("name"):
        if NAME_RULES[name_rule](name):
            found += validate_name(name, name_rule, f"{path}.name")
    else:
        found.append(required(f"{path}.name", "name or generateName is required"))
    namespace = meta.get("namespace", "")
    if dns_label(namespace) if namespaced else namespace:
        found += _validate_namespace(namespace, namespaced, f"{path}.namespace")
    if meta.get("generation", 0) < 0:
        found.append(invalid_value(f"{path}.generation", meta["generation"], NOT_NEGATIVE))
    found += _validate_common(meta, _NOTHING, path)
    if names := meta.get("finalizers"):
        found += validate_finalizers(names, f"{path}.finalizers")
    return found


def validate_metadata_update(new: Object, old: Object, *, path: str = "metadata") -> list[FieldError]:
    """The metadata of an update, against what is stored (and was valid when it was)."""
    found: list[FieldError] = []
    if "deletionTimestamp" in old:
        found += _validate_no_new_finalizers(new, old, f"{path}.finalizers")
    if not new.get("resourceVersion"):
        found.append(invalid_value(f"{path}.resourceVersion", "", "must be specified for an update"))
    if new is old:
        return found
    if new.get("generation", 0) < old.get("generation", 0):
        found.append(invalid_value(f"{path}.generation", new.get("generation", 0), "must not be decremented"))
    for field, absent in _FROZEN:
        value, before = new.get(field, absent), old.get(field, absent)
        if value is not before and value != before:
            found.append(invalid_value(f"{path}.{field}", value, IMMUTABLE))
    return found + _validate_common(new, old, path)


_NOTHING: Object = {}


@lru_cache(maxsize=4096)
def _is_good_prefix(prefix: str, rule: str) -> bool:
    return not validate_generate_name(prefix, rule, "")


def _validate_common(meta: Object, old: Object, path: str) -> list[FieldError]:
    """What create and update check alike; a part that is shared with the old object has been checked before."""
    found: list[FieldError] = []
    if (labels := meta.get("labels")) and labels is not old.get("labels"):
        found += validate_labels(labels, f"{path}.labels")
    if (annotations := meta.get("annotations")) and annotations is not old.get("annotations"):
        found += validate_annotations(annotations, f"{path}.annotations")
    if (owners := meta.get("ownerReferences")) and owners is not old.get("ownerReferences"):
        found += validate_owners(owners, f"{path}.ownerReferences")
    if (managed := meta.get("managedFields")) and managed is not old.get("managedFields"):
        found += _validate_managed_fields(managed, f"{path}.managedFields")
    return found


def _validate_namespace(namespace: str, namespaced: bool, path: str) -> list[FieldError]:
    if not namespaced:
        return [field_forbidden(path, "not allowed on this type")] if namespace else []
    if not namespace:
        return [required(path)]
    return [invalid_value(path, namespace, message) for message in dns_label(namespace)]


def validate_name(text: str, rule: str, path: str) -> list[FieldError]:
    """A name by one of `NAME_RULES`."""
    return [invalid_value(path, text, message) for message in NAME_RULES[rule](text)]


def validate_generate_name(prefix: str, rule: str, path: str) -> list[FieldError]:
    """A prefix that a name will be made from; a dash at its end is fine."""
    masked = prefix[:-2] + "a" if rule != "path-segment" and prefix.endswith("-") and len(prefix) > 1 else prefix
    return [invalid_value(path, prefix, message) for message in NAME_RULES[rule](masked)]


def validate_label_name(key: str, path: str) -> list[FieldError]:
    """A label key, or anything with the same shape."""
    return [invalid_value(path, key, message) for message in qualified_name(key)]


def validate_labels(labels: Mapping[str, str], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for key, text in labels.items():
        if bad := qualified_name(key):
            found += [invalid_value(path, key, message) for message in bad]
        if bad := label_value(text):
            found += [invalid_value(path, text, message) for message in bad]
    return found


def validate_annotations(annotations: Mapping[str, str], path: str) -> list[FieldError]:
    """Keys are qualified names in any case; keys and values together are limited to 256 KiB."""
    found: list[FieldError] = []
    total = 0
    for key, text in annotations.items():
        if bad := qualified_name(key.lower()):
            found += [invalid_value(path, key, message) for message in bad]
        total += size(key) + size(text)
    if total > MAX_ANNOTATION_BYTES:
        found.append(too_long(path, "", MAX_ANNOTATION_BYTES))
    return found


def validate_label_selector(selector: Object, path: str) -> list[FieldError]:
    """A `LabelSelector` object as it stands in a spec."""
    found = validate_labels(selector.get("matchLabels") or {}, f"{path}.matchLabels")
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        found += _validate_expression(expression, f"{path}.matchExpressions[{index}]")
    return found


def _validate_expression(expression: Object, path: str) -> list[FieldError]:
    operator, values = expression.get("operator", ""), expression.get("values") or ()
    found: list[FieldError] = []
    if operator in ("In", "NotIn"):
        if not values:
            found.append(required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            found.append(field_forbidden(f"{path}.values", text))
    else:
        found.append(invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    found += validate_label_name(expression.get("key", ""), f"{path}.key")
    for index, text in enumerate(values):
        found += [invalid_value(f"{path}.values[{index}]", text, m) for m in label_value(text)]
    return found


def validate_owners(owners: Sequence[Object], path: str) -> list[FieldError]:
    """Owner references: complete, no Events, and at most one controller."""
    found: list[FieldError] = []
    controller = ""
    for owner in owners:
        found += _validate_owner(owner, path)
        if not owner.get("controller"):
            continue
        this = f"{owner.get('kind', '')}/{owner.get('name', '')}"
        if controller:
            text = 'Only one reference can have Controller set to true. Found "true" in references for'
            found.append(invalid_value(path, owners, f"{text} {controller} and {this}"))
        controller = controller or this
    return found


def _validate_owner(owner: Object, path: str) -> list[FieldError]:
    version, kind = owner.get("apiVersion", ""), owner.get("kind", "")
    if version and kind and version[-1] != "/" and kind != "Event" and owner.get("name") and owner.get("uid"):
        return []
    found: list[FieldError] = []
    if not version.rpartition("/")[2]:
        found.append(invalid_value(f"{path}.apiVersion", version, "version must not be empty"))
    missing = [field for field in ("kind", "name", "uid") if not owner.get(field)]
    found += [invalid_value(f"{path}.{field}", "", "must not be empty") for field in missing]
    if (version, kind) == ("v1", "Event"):
        found.append(invalid_value(path, owner, "/v1, Kind=Event is disallowed from being an owner"))
    return found


def validate_finalizers(finalizers: Sequence[str], path: str) -> list[FieldError]:
    """Finalizer names, and not both ways of deleting dependents."""
    found = [invalid_value(path, name, message) for name in finalizers for message in qualified_name(name)]
    if FINALIZER_ORPHAN in finalizers and FINALIZER_FOREGROUND in finalizers:
        text = f"finalizer {FINALIZER_ORPHAN} and {FINALIZER_FOREGROUND} cannot be both set"
        found.append(invalid_value(path, finalizers, text))
    return found


def _validate_no_new_finalizers(new: Object, old: Object, path: str) -> list[FieldError]:
    had = old.get("finalizers") or ()
    extra = sorted({name for name in new.get("finalizers") or () if name not in had})
    if not extra:
        return []
    listed = ", ".join(f'"{name}"' for name in extra)
    text = "no new finalizers can be added if the object is being deleted, found new finalizers"
    return [field_forbidden(path, f"{text} []string{{{listed}}}")]


def _validate_managed_fields(entries: Sequence[Object], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for index, entry in enumerate(entries):
        here = f"{path}[{index}]"
        if entry.get("operation") not in ("Apply", "Update"):
            text = "must be `Apply` or `Update`"
            found.append(invalid_value(f"{here}.operation", entry.get("operation", ""), text))
        if entry.get("fieldsType", "") not in ("", "FieldsV1"):
            found.append(invalid_value(f"{here}.fieldsType", entry["fieldsType"], "must be `FieldsV1`"))
        found += validate_field_manager(entry.get("manager", ""), f"{here}.manager")
    return found


def validate_field_manager(manager: str, path: str) -> list[FieldError]:
    """The name of a field manager: printable and at most 128 bytes."""
    found = [too_long(path, manager, MAX_MANAGER)] if size(manager) > MAX_MANAGER else []
    for position, character in enumerate(manager):
        if not character.isprintable():
            text = f"invalid character U+{ord(character):04X} (at position {position})"
            found.append(invalid_value(path, manager, text))
    return found
