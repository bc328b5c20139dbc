"""Flow control's own objects: kept as upstream's bootstrap keeps them, and FlowSchemas told whether their level exists.

The API server brings back what is missing of the mandatory and the suggested objects once a minute. The spec of a
mandatory one is always its own; that of a suggested one only while `apf.kubernetes.io/autoupdate-spec` says so, or,
where the annotation says nothing, while nobody has changed the spec. An object that carries the annotation as true
and is none of them is removed. Here somebody looks at the next full minute after a change, and not otherwise.

Upstream: `pkg/registry/flowcontrol/ensurer`, `pkg/registry/flowcontrol/rest/storage_flowcontrol.go` and
`apiserver/pkg/util/flowcontrol/apf_controller.go` (`syncFlowSchemaStatus`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from k8snb.apiserver.registry.flow_control import PriorityLevelStrategy
from k8snb.apiserver.registry.flow_defaults import MANDATORY_SCHEMAS, dangling_condition, levels, schemas
from k8snb.client.controller import Controller
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.objects import condition, key_of, revision_of, with_condition
from k8snb.typing import Object, ObjectKey

SCHEMAS = "flowschemas.flowcontrol.apiserver.k8s.io"
LEVELS = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"
PERIOD_SECONDS = 60.0
AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec"
MANDATORY = frozenset(MANDATORY_SCHEMAS)
"""The names of the mandatory objects, which are the same of both kinds."""

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


class FlowControlKeeper(Controller):
    """Keeps the mandatory and the suggested objects. A key is the name of a resource."""

    name = "priority-and-fairness-config-producer"

    def start(self) -> None:
        rules = PriorityLevelStrategy()
        self._wanted: Mapping[str, Mapping[str, Object]] = {
            SCHEMAS: {each["metadata"]["name"]: each for each in schemas()},
            LEVELS: {each["metadata"]["name"]: rules.default(each) for each in levels()},
        }
        for resource in self._wanted:
            self.informers.of(resource).on_change(partial(self._later, resource))

    def _later(self, resource: str, old: Object | None, new: Object | None) -> None:
        if old is None and new is not None and new["metadata"]["resourceVersion"] == "1":
            return  # of a new cluster: they are in order already
        rest = PERIOD_SECONDS - self.clock.now() % PERIOD_SECONDS
        self.queue.add_after(ObjectKey("", resource), rest, background=True)

    def reconcile(self, key: ObjectKey) -> float | None:
        resource = key.name
        wanted = self._wanted[resource]
        found = {each["metadata"]["name"]: each for each in self.informers.of(resource).list()}
        for name, own in wanted.items():
            if name not in found:
                self.compares(name, _("none"), _("there"))
                self.wants(_("{name} is missing: bring it back"), name=name)
                self.client.create(resource, own)
            elif (new := updated(found[name], own)) is not None:
                self.compares(name, _("changed"), _("as suggested"))
                self.wants(_("{name} is not as it should be: put it right"), name=name)
                self.client.update(resource, new)
        for name, obj in found.items():
            if name not in wanted and _says(obj) is True:
                self.compares(name, _("there"), _("none"))
                self.wants(_("{name} is no longer suggested: remove it"), name=name)
                self.client.delete(resource, name)
        return None


def updated(current: Object, own: Object) -> Object | None:
    """The object with the spec and the annotation that it should have; None where it has them."""
    said, meta = _says(current), current["metadata"]
    fresh = meta.get("generation", 1) == 1 if said is None else said
    follows = meta["name"] in MANDATORY or fresh
    spec = own["spec"] if follows and not _same_spec(own, current) else current["spec"]
    if said == follows and spec is current["spec"]:
        return None
    annotations = {**(meta.get("annotations") or {}), AUTO_UPDATE: "true" if follows else "false"}
    return {**current, "metadata": {**meta, "annotations": annotations}, "spec": spec}


def _same_spec(own: Object, current: Object) -> bool:
    """Whether a spec is the object's own; how much the level `exempt` takes and lends is left to whoever sets it."""
    if "exempt" in current["spec"] and own["metadata"]["name"] == "exempt":
        return bool(current["spec"]["type"] == own["spec"]["type"])
    return bool(current["spec"] == own["spec"])


def _says(obj: Object) -> bool | None:
    """What the annotation says; None where it says nothing."""
    value = (obj["metadata"].get("annotations") or {}).get(AUTO_UPDATE, "")
    return True if value in _TRUE else False if value in _FALSE else None


class FlowSchemaStatusController(Controller):
    """Tells each FlowSchema whether its priority level exists."""

    name = "priority-and-fairness-config-consumer"

    def start(self) -> None:
        self.informers.of(SCHEMAS).on_change(self._schema_changed)
        self.informers.of(LEVELS).on_change(self._level_changed)

    def _schema_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and new["metadata"]["resourceVersion"] != "1":
            self.queue.add(key_of(new), revision_of(new))

    def _level_changed(self, old: Object | None, new: Object | None) -> None:
        if (old is None) == (new is None) or (new or old or {})["metadata"]["resourceVersion"] == "1":
            return
        changed = new if new is not None else old
        assert changed is not None
        for schema in self.informers.of(SCHEMAS).list():
            if schema["spec"]["priorityLevelConfiguration"]["name"] == changed["metadata"]["name"]:
                self.queue.add(key_of(schema), revision_of(changed))

    def reconcile(self, key: ObjectKey) -> float | None:
        schema = self.informers.of(SCHEMAS).get(*key)
        if schema is None:
            return None
        level = schema["spec"]["priorityLevelConfiguration"]["name"]
        exists = level in MANDATORY or self.informers.of(LEVELS).get("", level) is not None
        now = dangling_condition(level, self.clock.timestamp(), exists=exists)
        before = condition(schema, "Dangling") or {}
        if all(before.get(name) == now[name] for name in ("status", "reason", "message")):
            return None
        if before.get("status") == now["status"]:
            now = {**now, "lastTransitionTime": before["lastTransitionTime"]}
        self.compares("Dangling", before.get("status"), now["status"])
        self.wants(_("say whether the priority level {level} is there"), level=level)
        status = schema.get("status") or {}
        conditions = with_condition(status.get("conditions") or (), now)
        try:
            self.client.update_status(SCHEMAS, {**schema, "status": {**status, "conditions": conditions}})
        except StatusError as error:
            if error.code not in (404, 409):
                raise
        return None
