"""Custom resource definitions: names, establishment and the end of the objects with the definition.

Four loops that upstream runs inside the API server, under its own user: *naming* accepts the names that nobody else in
the group has, *establishing* says that the kind is served, *finalizing* deletes the objects of a definition that is
being deleted before it lets the definition go, and *registering* keeps the APIServices of custom groups. Upstream:
`apiextensions-apiserver/pkg/controller/status`, `establish` and `finalizer`, and `crdregistration` beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8snb.client.controller import Controller
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.api_services import BUCKET, api_service
from k8snb.machinery.objects import condition, is_deleting, is_true, with_condition
from k8snb.typing import Object, ObjectKey

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
LOOK_AGAIN = 5.0
"""Seconds until instances that are still there are looked at again."""


def _with(crd: Object, now: str, type: str, status: str, reason: str, message: str) -> Object:
    made = {"type": type, "status": status, "lastTransitionTime": now, "reason": reason, "message": message}
    held = crd.get("status") or {}
    return {**crd, "status": {**held, "conditions": with_condition(held.get("conditions") or (), made)}}


class _DefinitionController(Controller):
    """A loop over definitions."""

    def start(self) -> None:
        self.follow(DEFINITIONS)

    def _write(self, crd: Object) -> Object | None:
        """Write a status; None if somebody was faster and the definition comes again."""
        try:
            return self.client.update_status(DEFINITIONS, crd)
        except StatusError as error:
            if error.code in (404, 409):
                return None
            raise


class NamingController(_DefinitionController):
    """Accepts names."""

    name = "crd-naming-controller"

    def reconcile(self, key: ObjectKey) -> float | None:
        informer = self.informers.of(DEFINITIONS)
        crd = informer.get(*key)
        if crd is None:
            self._look_at_others(key.name)
            return None
        status = crd.get("status") or {}
        names, accepted = crd["spec"]["names"], status.get("acceptedNames") or {}
        if names == accepted:
            return None
        taken = self._taken(crd)
        new, conflict = _accepted(names, accepted, taken)
        now = self.clock.timestamp()
        reason, message = conflict or ("NoConflicts", "no conflicts found")
        changed = _with(crd, now, "NamesAccepted", "False" if conflict else "True", reason, message)
        if not is_true(crd, "Established"):
            if conflict:
                changed = _with(changed, now, "Established", "False", "NotAccepted", "not all names are accepted")
            else:
                text = "the initial names have been accepted"
                changed = _with(changed, now, "Established", "False", "Installing", text)
        changed = {**changed, "status": {**changed["status"], "acceptedNames": new}}
        if changed["status"] == status:
            return None
        self.compares(_("accepted names"), accepted.get("plural") or _("none"), new.get("plural") or _("none"))
        self.wants(_("accept the names of {name}"), name=key.name)
        if self._write(changed) is not None:
            self._look_at_others(key.name)
        return None

    def _taken(self, crd: Object) -> tuple[set[str], set[str]]:
        """The names of resources and of kinds that are accepted in the group."""
        resources: set[str] = set()
        kinds: set[str] = set()
        for each in self.informers.of(DEFINITIONS).list():
            if each["spec"]["group"] == crd["spec"]["group"]:
                names = (each.get("status") or {}).get("acceptedNames") or {}
                resources |= {names.get("plural", ""), names.get("singular", ""), *(names.get("shortNames") or ())}
                kinds |= {names.get("kind", ""), names.get("listKind", "")}
        return resources, kinds

    def _look_at_others(self, name: str) -> None:
        """Names may have become free, or taken."""
        group = name.partition(".")[2]
        for each in self.informers.of(DEFINITIONS).list():
            if each["spec"]["group"] == group and each["metadata"]["name"] != name:
                self.queue.add(ObjectKey("", each["metadata"]["name"]))


def _accepted(names: Object, held: Object, taken: tuple[set[str], set[str]]) -> tuple[Object, tuple[str, str] | None]:
    """The names as far as they can be had, and the last conflict, if there is one."""
    resources, kinds = taken
    new: dict[str, Any] = dict(held)
    conflict: tuple[str, str] | None = None
    for field, word, known in _fields(resources, kinds):
        wanted = names.get(field, "")
        if wanted != held.get(field, "") and wanted in known:
            conflict = (f"{word}Conflict", f'"{wanted}" is already in use')
        else:
            new[field] = wanted
        if field == "singular":
            conflict = _short_names(names, held, resources, new) or conflict
    new.pop("categories", None)
    if names.get("categories"):
        new["categories"] = names["categories"]
    return new, conflict


def _fields(resources: set[str], kinds: set[str]) -> Iterator[tuple[str, str, set[str]]]:
    yield from (("plural", "Plural", resources), ("singular", "Singular", resources))
    yield from (("kind", "Kind", kinds), ("listKind", "ListKind", kinds))


def _short_names(names: Object, held: Object, taken: set[str], new: dict[str, Any]) -> tuple[str, str] | None:
    wanted, had = names.get("shortNames") or [], held.get("shortNames") or []
    if wanted == had:
        return None
    own = {*had, held.get("plural"), held.get("singular")}
    wrong = [f'"{each}" is already in use' for each in wanted if each not in own and each in taken]
    if wrong:
        return "ShortNamesConflict", wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
    new.pop("shortNames", None)
    if wanted:
        new["shortNames"] = wanted
    return None


class EstablishingController(_DefinitionController):
    """Says that a kind is served once its names are accepted."""

    name = "crd-establishing-controller"

    def reconcile(self, key: ObjectKey) -> float | None:
        crd = self.informers.of(DEFINITIONS).get(*key)
        if crd is None or not is_true(crd, "NamesAccepted") or is_true(crd, "Established"):
            return None
        self.compares("Established", (condition(crd, "Established") or {}).get("status"), "True")
        self.wants(_("serve {name}"), name=key.name)
        text = "the initial names have been accepted"
        self._write(_with(crd, self.clock.timestamp(), "Established", "True", "InitialNamesAccepted", text))
        return None


class FinalizingController(_DefinitionController):
    """Deletes the objects of a definition that is being deleted, and then lets it go."""

    name = "crd-finalizer"

    def reconcile(self, key: ObjectKey) -> float | None:
        crd = self.informers.of(DEFINITIONS).get(*key)
        if crd is None or not is_deleting(crd) or FINALIZER not in (crd["metadata"].get("finalizers") or ()):
            return None
        held = condition(crd, "Terminating")
        if held is None or held.get("reason") == "InstanceDeletionPending":
            text = "CustomResource deletion is in progress"
            now = self.clock.timestamp()
            written = self._write(_with(crd, now, "Terminating", "True", "InstanceDeletionInProgress", text))
            if written is None:
                return None
            crd = written
        self.wants(_("delete the objects of {name}"), name=key.name)
        left = self._delete_instances(crd)
        self.compares(_("objects left"), left, 0)
        if left:
            text = f"could not confirm zero CustomResources remaining: timed out waiting for the condition, {left} left"
            self._write(_with(crd, self.clock.timestamp(), "Terminating", "True", "InstanceDeletionCheck", text))
            self.queue.add_after(key, LOOK_AGAIN, background=True)
            return None
        text = "removed all instances"
        now = self.clock.timestamp()
        done = self._write(_with(crd, now, "Terminating", "False", "InstanceDeletionCompleted", text))
        if done is not None:
            self._let_go(done)
        return None

    def _delete_instances(self, crd: Object) -> int:
        """Delete every object of the kind, in the stored version, as that needs no converter; how many are left."""
        names, group = crd["status"]["acceptedNames"], crd["spec"]["group"]
        stored = next(each["name"] for each in crd["spec"]["versions"] if each.get("storage"))
        words = (f"{names['plural']}.{stored}.{group}", crd["metadata"]["name"])
        word = next((each for each in words if self.client.scheme.find(each) is not None), "")
        if not word:
            return 0
        for obj in self.client.list(word):
            meta = obj["metadata"]
            if is_deleting(obj):
                continue
            try:
                self.client.delete(word, meta["name"], meta.get("namespace", ""))
            except StatusError as error:
                if error.code != 404:
                    raise
        return len(self.client.list(word))

    def _let_go(self, crd: Object) -> None:
        meta = crd["metadata"]
        rest = [each for each in meta.get("finalizers") or () if each != FINALIZER]
        without = {key: value for key, value in meta.items() if key != "finalizers"}
        try:
            self.client.update(DEFINITIONS, {**crd, "metadata": {**without, **({"finalizers": rest} if rest else {})}})
        except StatusError as error:
            if error.code not in (404, 409):
                raise


class RegisteringController(_DefinitionController):
    """Keeps an APIService for every group version of custom resources."""

    name = "crd-autoregister-controller"

    def reconcile(self, key: ObjectKey) -> float | None:
        group = key.name.partition(".")[2]
        served: set[str] = set()
        for each in self.informers.of(DEFINITIONS).list():
            if each["spec"]["group"] == group and is_true(each, "Established"):
                served |= {version["name"] for version in each["spec"]["versions"] if version.get("served")}
        known = {
            each["spec"]["version"]: each["metadata"]["name"]
            for each in self.client.list(BUCKET)
            if each["spec"].get("group") == group
        }
        self.compares(_("registered versions"), ", ".join(sorted(known)), ", ".join(sorted(served)))
        for version in sorted(served - known.keys()):
            self.wants(_("register version {version}"), version=version)
            made = api_service(group, version, self.clock.timestamp(), custom=True)
            self.client.update_status(BUCKET, {**self.client.create(BUCKET, made), "status": made["status"]})
        for version in sorted(known.keys() - served):
            self.wants(_("version {version} is no longer served: take it off the list"), version=version)
            self.client.delete(BUCKET, known[version])
        return None
