"""What every action works with: the cluster, the records of releases, the engine.

Upstream: `pkg/action/action.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.errors import StatusError
from k8snb.helm.chart.chart import Chart
from k8snb.helm.cluster.objects import Objects
from k8snb.helm.cluster.readiness import Waiting
from k8snb.helm.engine.engine import Engine, RenderError
from k8snb.helm.engine.scope import Capabilities, ReleaseFacts, VersionSet, scope_of
from k8snb.helm.engine.versions import CLIENT_VERSIONS, KUBE_VERSION
from k8snb.helm.errors import HelmError
from k8snb.helm.manifests import Hook, Manifest, document, sort_manifests
from k8snb.helm.release.record import Release, stamp
from k8snb.helm.release.storage import SYSTEM_LABELS, Storage
from k8snb.helm.semver import compatible
from k8snb.helm.values import schema
from k8snb.helm.values.dependencies import prepared
from k8snb.helm.values.merging import coalesced
from k8snb.kubectl.session import Session
from k8snb.machinery.gotemplate import FunctionError, from_json
from k8snb.machinery.names import Lottery

NOTES = "NOTES.txt"
NAME_LENGTH = 53
_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a chart came to: hooks, manifests in order, notes, and the text of the manifests."""

    hooks: Sequence[Hook]
    manifests: Sequence[Manifest]
    notes: str
    text: str


class Setting:
    """The surroundings of one command. `log` takes what helm writes to its log (warnings about values and the like)."""

    def __init__(self, session: Session, lottery: Lottery, namespace: str, log: Callable[[str], None]) -> None:
        self.session = session
        self.namespace = namespace
        self.log = log
        self.lottery = lottery
        self.objects = Objects(session)
        self.waiting = Waiting(session, self.objects)
        self.storage = Storage(session, namespace, self.now)
        self._capabilities: Capabilities | None = None

    def now(self) -> float:
        """The cluster's time."""
        return self.session.clock.now()

    def stamp(self) -> str:
        """The cluster's time as records have it."""
        return stamp(self.now())

    # -- capabilities ------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """What the cluster can do."""
        if self._capabilities is None:
            version = self.session.object("GET", "/version")
            self._capabilities = Capabilities(version["gitVersion"], VersionSet(self._served()))
        return self._capabilities

    def forget_capabilities(self) -> None:
        """Ask again next time: there are new kinds."""
        self._capabilities = None

    def _served(self) -> Sequence[str]:
        resources = list(self.session.scheme)
        versions = dict.fromkeys(resource.api_version for resource in resources)
        return [*versions, *(f"{resource.api_version}/{resource.kind}" for resource in resources)]

    @staticmethod
    def offline(version: str = "", more: Sequence[str] = ()) -> Capabilities:
        """What helm believes of a cluster that it does not ask."""
        return Capabilities(version or KUBE_VERSION, VersionSet((*CLIENT_VERSIONS, *more)))

    # -- rendering ---------------------------------------------------------------------------------

    def render(self, chart: Chart, values: Mapping[str, Any], facts: ReleaseFacts, how: Rendering) -> Rendered:
        """The manifests of a chart whose dependencies have been prepared.

        Raises RenderError for what is wrong with its templates, HelmError for what is wrong with the values.
        """
        all_values = coalesced(chart, values, self.log)
        if not how.skip_schema:
            schema.check(chart, all_values)
        try:
            return self._render(chart, all_values, facts, how)
        except RenderError:
            raise
        except HelmError as error:
            raise RenderError(str(error)) from None

    def _render(self, chart: Chart, values: Mapping[str, Any], facts: ReleaseFacts, how: Rendering) -> Rendered:
        capabilities = how.capabilities
        wanted = chart.metadata.get("kubeVersion")
        scope = scope_of(chart, values, dict(facts.fields), capabilities.struct)
        version = capabilities.version
        if wanted and not compatible(wanted, version):
            raise HelmError(f"chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {version}")
        engine = Engine(self.now, self.lottery, self.lookup if how.asks else None)
        files = engine.render(chart, scope)
        notes = self._notes(chart, files, how.sub_notes)
        hooks, manifests = sort_manifests({path: text for path, text in files.items() if not path.endswith(NOTES)})
        text = "".join(document(each.path, each.file.text) for each in chart.custom_kinds() if how.custom_kinds)
        text += "".join(_shown(manifest, how.hide_secrets) for manifest in manifests)
        return Rendered(hooks, manifests, notes, text)

    def prepared(self, chart: Chart, values: Mapping[str, Any]) -> Chart:
        """The chart with those below it that the values leave on."""
        return prepared(chart, values, self.log)

    def _notes(self, chart: Chart, files: Mapping[str, str], all_of_them: bool) -> str:
        own = f"{chart.path}/templates/{NOTES}"
        found = [text for path, text in files.items() if path.endswith(NOTES) and (all_of_them or path == own)]
        return "\n".join(found)

    def lookup(self, version: str, kind: str, namespace: str, name: str) -> Any:
        """The template function: an object of the cluster, a list of them, or nothing."""
        resource = self.session.scheme.kind(version, kind)
        if resource is None:
            raise FunctionError(f"unable to get apiresource from unstructured: {version}, Kind={kind}")
        where = namespace if resource.namespaced else ""
        try:
            if name:
                found = self.session.object("GET", resource.path(where or "default" * resource.namespaced, name))
            else:
                found = self.session.collect(resource, where)
                kinds = {"apiVersion": version, "kind": kind}
                found = {**found, "items": [{**kinds, **item} for item in found["items"]]}
        except StatusError as error:
            if error.code == 404:
                return {}
            raise FunctionError(error.message) from None
        return from_json(found)

    # -- records -----------------------------------------------------------------------------------

    def record(self, release: Release) -> None:
        """Keep a revision as it is now; a failure to do so is only logged, as by helm."""
        try:
            self.storage.update(release)
        except HelmError as error:
            self.log(f"warning: Failed to update release {release.name}: {error}")


@dataclass(frozen=True, slots=True)
class Rendering:
    """How to render: for which capabilities, and with the cluster's objects at hand (`asks`) or without."""

    capabilities: Capabilities
    asks: bool = True
    custom_kinds: bool = False
    sub_notes: bool = False
    hide_secrets: bool = False
    skip_schema: bool = False


def _shown(manifest: Manifest, hide_secrets: bool) -> str:
    if hide_secrets and manifest.kind == "Secret" and manifest.version == "v1":
        return f"---\n# Source: {manifest.path}\n# HIDDEN: The Secret output has been suppressed\n"
    return document(manifest.path, manifest.text)


def check_name(name: str) -> str:
    """Why a text cannot name a release; empty if it can."""
    if not name:
        return "no name provided"
    if len(name) > NAME_LENGTH or not re.fullmatch(_NAME, name):
        return f"invalid release name, must match regex {_NAME} and the length must not be longer than {NAME_LENGTH}"
    return ""


def check_labels(labels: Mapping[str, str]) -> None:
    """Refuse labels that helm keeps for itself. Raises HelmError."""
    if set(labels) & set(SYSTEM_LABELS):
        raise HelmError(
            f"user supplied labels contains system reserved label name. System labels: [{' '.join(SYSTEM_LABELS)}]"
        )


def check_dependencies(chart: Chart) -> None:
    """Refuse a chart that lacks one that it needs. Raises HelmError."""
    have = {below.name for below in chart.dependencies}
    missing = [each["name"] for each in chart.wanted if each["name"] not in have]
    if missing:
        raise HelmError(
            "An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to "
            f"fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {', '.join(missing)}"
        )
