"""The objects of a release on the server. Upstream: `pkg/kube/client.go`.

A release's objects are created kind by kind. An update compares three things, the manifest of before, the one of now,
and what the server has: for the kinds that Kubernetes knows that makes a three-way strategic merge patch, for custom
resources a merge patch from the old manifest to the new one. What is only in the old manifest is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.errors import StatusError
from k8snb.helm.errors import HelmError
from k8snb.helm.manifests import RESOURCE_POLICY
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.manifests import STDIN, read_manifests, resolve
from k8snb.kubectl.session import Session
from k8snb.kubectl.targets import Target
from k8snb.machinery.patch import three_way_merge_patch
from k8snb.machinery.patch.merge import merge_diff
from k8snb.machinery.schema import type_of
from k8snb.typing import Object

MANAGER = {"fieldManager": "helm"}
_HINT = "; if you choose to ignore these errors, turn validation off with --validate=false"


class Key(NamedTuple):
    """What makes an object the same in two manifests."""

    group: str
    kind: str
    namespace: str
    name: str


def key_of(target: Target) -> Key:
    """The key of an object."""
    return Key(target.resource.group, target.resource.kind, target.namespace, target.name)


def built(session: Session, manifest: str, namespace: str) -> list[Target]:
    """The objects in a manifest, with their kinds found on the server. Raises HelmError."""
    try:
        read = read_manifests(["-"], manifest, recursive=False) if manifest.strip() else ()
        return [resolve("", obj, session.scheme, namespace, enforced=False) for _source, obj in read]
    except CommandError as error:
        text = str(error).replace(f'"{STDIN}"', '""').replace(f"parsing {STDIN}", "parsing ").replace(_HINT, "")
        raise HelmError(text) from None


class Failures(HelmError):
    """Several objects failed (or one did), listed as helm lists them."""

    def __init__(self, errors: Sequence[str]) -> None:
        count, listed = len(errors), "\n\t".join(f"* {error}" for error in errors)
        super().__init__(f"{count} error{'s' * (count > 1)} occurred:\n\t{listed}\n\n")


def for_each(targets: Iterable[Target], work: Callable[[Target], None]) -> None:
    """Do something with every object, whatever became of the others. Raises Failures."""
    errors: list[str] = []
    for target in targets:
        try:
            work(target)
        except StatusError as error:
            errors.append(error.message)
        except HelmError as error:
            errors.append(str(error))
    if errors:
        raise Failures(errors)


class Objects:
    """The objects of releases, through one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, target: Target) -> Object | None:
        """An object as the server has it; None if it is not there."""
        try:
            return self._session.get(target)
        except StatusError as error:
            if error.code == 404:
                return None
            raise

    def create_one(self, target: Target) -> None:
        """Create an object."""
        self._session.create(target.resource, target.namespace, target.known, MANAGER)

    def create(self, targets: Sequence[Target]) -> None:
        """Create objects. Raises Failures."""
        for_each(targets, self.create_one)

    def update(
        self, originals: Sequence[Target], targets: Sequence[Target], *, force: bool = False
    ) -> tuple[list[Target], HelmError | None]:
        """Make of the objects of one manifest those of another; gives those that are new, and what went wrong."""
        before = {key_of(target): target for target in originals}
        created: list[Target] = []
        errors: list[str] = []
        for target in targets:
            live = self.get(target)
            if live is None:
                created.append(target)
                try:
                    self.create_one(target)
                except StatusError as error:
                    return created, HelmError(f"failed to create resource: {error.message}")
                continue
            original = before.get(key_of(target))
            if original is None:
                kind = target.resource.kind
                return created, HelmError(f'no {kind} with the name "{target.name}" found')
            try:
                self._change(original.known, target, live, force)
            except StatusError as error:
                verb = (
                    "failed to replace object"
                    if force
                    else f'cannot patch "{target.name}" with kind {target.resource.kind}'
                )
                errors.append(f"{verb}: {error.message}")
        if errors:
            return created, HelmError(" && ".join(errors))
        errors += self._remove(originals, {key_of(target) for target in targets})
        return created, HelmError(" && ".join(errors)) if errors else None

    def _change(self, original: Object, target: Target, live: Object, force: bool) -> None:
        if force:
            meta = {**target.known["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
            self._session.replace(target, {**target.known, "metadata": meta}, MANAGER)
            return
        patch, kind = difference(original, target.known, live)
        if patch:
            self._session.patch(target, kind, patch, MANAGER)

    def _remove(self, originals: Sequence[Target], wanted: set[Key]) -> list[str]:
        errors: list[str] = []
        for target in originals:
            if key_of(target) in wanted:
                continue
            live = self.get(target)
            if live is None or is_kept(live):
                continue
            try:
                self.delete_one(target)
            except StatusError as error:
                errors.append(f"failed to delete {target.name}: {error.message}")
        return errors

    def delete_one(self, target: Target, propagation: str = "Background") -> None:
        """Delete an object, if it is there."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        try:
            self._session.delete(target, options)
        except StatusError as error:
            if error.code != 404:
                raise

    def delete(self, targets: Sequence[Target], propagation: str = "Background") -> None:
        """Delete objects. Raises Failures."""
        for_each(targets, lambda target: self.delete_one(target, propagation))


def is_kept(obj: Object) -> bool:
    """Whether an object says that it is to stay when its release does not have it any more."""
    return ((obj.get("metadata") or {}).get("annotations") or {}).get(RESOURCE_POLICY) == "keep"


def difference(original: Object, wanted: Object, live: Object) -> tuple[Mapping[str, Any], str]:
    """The patch that an update sends, and its kind."""
    schema = type_of(wanted["apiVersion"], wanted["kind"])
    if schema is None:
        return merge_diff(original, wanted), "merge"
    return three_way_merge_patch(original, wanted, live, schema), "strategic"
