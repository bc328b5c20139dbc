"""MutatingAdmissionWebhook and ValidatingAdmissionWebhook: programs elsewhere that are asked about writes.

A webhook gets an AdmissionReview and answers yes or no, perhaps with a JSON patch and warnings. One that cannot be
reached refuses or is passed over, as its `failurePolicy` says. Upstream: `apiserver/pkg/admission/plugin/webhook`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import orjson

from k8snb.apiserver.admission.configured import Configured, Rounds
from k8snb.apiserver.admission.environments import conditions_environment
from k8snb.apiserver.admission.matching import Match, conditions_hold, match_of, shown, values_of
from k8snb.apiserver.admission.plugin import Attributes, Reader
from k8snb.apiserver.admission.surroundings import CallError, kind_below, request_of
from k8snb.errors import StatusError, bad_request, forbidden, internal
from k8snb.machinery.cel import CompileError, Program
from k8snb.machinery.patch import json_patch
from k8snb.typing import Object, Resource

_GROUP = "admissionregistration.k8s.io"


class Webhook(NamedTuple):
    """One webhook of a configuration, compiled."""

    raw: Object
    match: Match
    conditions: tuple[Program, ...]
    configuration: str
    """The object that it is in."""

    @property
    def name(self) -> str:
        return str(self.raw["name"])

    def mutation(self, **more: Any) -> str:
        """What it did, as the audit log says it."""
        return orjson.dumps({"configuration": self.configuration, "webhook": self.name, **more}).decode()


class _Webhooks(Configured[Webhook]):
    """What both kinds of webhook have in common: whom to ask, and how."""

    audits: ClassVar[str]
    """What annotations in the audit log are named after."""

    def compiled(self) -> list[Webhook]:
        configurations = sorted(self.surroundings.list(self.sources[0]), key=lambda each: str(each["metadata"]["name"]))
        return [_webhook(each, config) for config in configurations for each in config.get("webhooks") or ()]

    def match_of(self, entry: Webhook) -> Match:
        return entry.match

    def row(self, webhook: Webhook, attributes: Attributes, reader: Reader) -> Resource | None:
        """The row under which a webhook is asked about a request; None if it is not. Raises StatusError."""
        row = webhook.match.met(attributes, reader, self.surroundings)
        if row is None:
            return None
        if webhook.conditions:
            hold, failure = conditions_hold(webhook.conditions, values_of(attributes, row, self.surroundings))
            if failure is not None and webhook.raw.get("failurePolicy") != "Ignore":
                raise forbidden(attributes.resource, attributes.name, str(failure))
            if not hold:
                return None
        return row

    def ask(self, webhook: Webhook, row: Resource, attributes: Attributes, reader: Reader, mark: str) -> Object | None:
        """What a webhook answers; None where it failed and that does not matter. Raises StatusError if it says no.

        `mark` is its place among the others, in the words of the audit log.
        """
        if attributes.dry_run and webhook.raw.get("sideEffects") not in ("None", "NoneOnDryRun"):
            raise bad_request(f'admission webhook "{webhook.name}" does not support dry run')
        try:
            response = self._called(webhook, row, attributes)
        except CallError as error:
            self.failed(webhook, error)
            attributes.annotate(f"failed-open.{self.audits}/{mark}", webhook.name)
            return None
        for key, value in (response.get("auditAnnotations") or {}).items():
            attributes.annotate(f"{webhook.name}/{key}", str(value))
        for text in response.get("warnings") or ():
            reader.warn(str(text))
        if not response.get("allowed"):
            raise _refusal(webhook.name, response.get("status") or {})
        return response

    def failed(self, webhook: Webhook, error: CallError) -> None:
        """A webhook could not be asked, or made no sense. Raises StatusError where that matters."""
        if webhook.raw.get("failurePolicy") != "Ignore":
            raise internal(f'failed calling webhook "{webhook.name}": {error}') from None

    def _called(self, webhook: Webhook, row: Resource, attributes: Attributes) -> Object:
        around = self.surroundings
        uid = around.uid()
        request = {
            "uid": uid,
            **request_of(attributes, row),
            "object": shown(attributes.object, row, attributes, around),
            "oldObject": shown(attributes.old, row, attributes, around),
        }
        review = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}
        answer = around.call(webhook.raw["clientConfig"], review, float(webhook.raw.get("timeoutSeconds", 10)))
        return _verified(answer, uid, mutating=isinstance(self, MutatingAdmissionWebhook))


def _webhook(raw: Object, configuration: Object) -> Webhook:
    conditions = []
    for each in raw.get("matchConditions") or ():
        try:
            conditions.append(conditions_environment().compile(each["expression"]))
        except CompileError:
            continue
    match, name = match_of(raw, raw.get("rules") or ()), str(configuration["metadata"]["name"])
    return Webhook(raw, match, tuple(conditions), name)


def _verified(answer: Any, uid: str, *, mutating: bool) -> Object:
    """The response in a review. Raises CallError where it is none."""
    if not isinstance(answer, Mapping) or answer.get("kind") != "AdmissionReview":
        kind = answer.get("kind", "") if isinstance(answer, Mapping) else ""
        version = answer.get("apiVersion", "") if isinstance(answer, Mapping) else ""
        wanted = "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview"
        raise CallError(f"received invalid webhook response: {wanted}, got {version}, Kind={kind}")
    response = answer.get("response")
    if not isinstance(response, Mapping):
        raise CallError("received invalid webhook response: webhook response was absent")
    if response.get("uid") != uid:
        told = response.get("uid", "")
        raise CallError(f'received invalid webhook response: expected response.uid="{uid}", got "{told}"')
    patch, kind = response.get("patch"), response.get("patchType")
    why = ""
    if not mutating and (patch or kind is not None):
        why = f"validating webhook may not return response.{'patch' if patch else 'patchType'}"
    elif patch and kind is None:
        why = "webhook returned response.patch but not response.patchType"
    elif not patch and kind is not None:
        why = "webhook returned response.patchType but not response.patch"
    elif kind == "":
        why = 'webhook returned invalid response.patchType of ""'
    if why:
        raise CallError(f"received invalid webhook response: {why}")
    return response


def _refusal(name: str, status: Object) -> StatusError:
    """The refusal of a webhook, with what it says of it."""
    lead = f'admission webhook "{name}" denied the request'
    code = int(status.get("code") or 0)
    said = status.get("message") or status.get("reason")
    message = f"{lead}: {said}" if said else f"{lead} without explanation"
    return StatusError(code if code >= 400 else 400, str(status.get("reason") or ""), message, status.get("details"))


class MutatingAdmissionWebhook(_Webhooks):
    """Upstream: `webhook/mutating/dispatcher.go`."""

    name = "MutatingAdmissionWebhook"
    audits = "mutation.webhook.admission.k8s.io"
    sources = (f"mutatingwebhookconfigurations.{_GROUP}",)

    def round(self, attributes: Attributes, reader: Reader, rounds: Rounds[Webhook]) -> Object | None:
        for number, webhook in rounds.begin(attributes.object):
            row = self.row(webhook, attributes, reader)
            if row is None:
                continue
            mark, before = f"round_{int(rounds.second)}_index_{number}", attributes.object
            mutated = False
            try:
                changed = self._asked(webhook, row, attributes, reader, mark)
                mutated = changed is not before and changed != before
            finally:
                if attributes.notes is not None:
                    attributes.annotate(f"{self.audits}/{mark}", webhook.mutation(mutated=mutated))
            if attributes.notes is not None:
                attributes.notes.remark(webhook.name, before, changed)
            if mutated:
                attributes = attributes._replace(object=changed)
                rounds.changed()
            rounds.asked(number, webhook.raw.get("reinvocationPolicy"))
        rounds.end(attributes.object)
        return attributes.object

    def _asked(
        self, webhook: Webhook, row: Resource, attributes: Attributes, reader: Reader, mark: str
    ) -> Object | None:
        """The object as a webhook leaves it."""
        response = self.ask(webhook, row, attributes, reader, mark)
        if response is None or not response.get("patch"):
            return attributes.object
        try:
            patch = _decoded(response)
        except CallError as error:
            self.failed(webhook, error)
            return attributes.object
        obj = shown(attributes.object, row, attributes, self.surroundings)
        if not patch:
            return attributes.object
        if obj is None:
            why = "attempted to modify the object, which is not supported for this operation"
            raise internal(f'admission webhook "{webhook.name}" {why}')
        try:
            changed = json_patch(obj, patch)
            if kind_below(row, attributes.subresource) is None:
                changed = self.surroundings.decode(row, changed)
        except (ValueError, StatusError) as error:
            raise internal(str(error)) from None
        if attributes.notes is not None:
            told = webhook.mutation(patch=patch, patchType="JSONPatch")
            attributes.notes.annotate(f"patch.webhook.admission.k8s.io/{mark}", told, "Request")
        same = row is attributes.resource or kind_below(row, attributes.subresource) is not None
        return changed if same else self.surroundings.convert(attributes.resource, changed)


def _decoded(response: Object) -> Any:
    """The patch in a response. Raises CallError."""
    if response["patchType"] != "JSONPatch":
        raise CallError(f'unsupported patch type "{response["patchType"]}"')
    try:
        return orjson.loads(base64.b64decode(response["patch"]))
    except (ValueError, binascii.Error) as error:
        raise CallError(f"received undecodable patch in webhook response: {error}") from None


class ValidatingAdmissionWebhook(_Webhooks):
    """Upstream: `webhook/validating/dispatcher.go`."""

    name = "ValidatingAdmissionWebhook"
    audits = "validating.webhook.admission.k8s.io"
    sources = (f"validatingwebhookconfigurations.{_GROUP}",)

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        for number, webhook in enumerate(self.entries):
            row = self.row(webhook, attributes, reader)
            if row is None:
                continue
            self.ask(webhook, row, attributes, reader, f"round_0_index_{number}")
            if attributes.notes is not None:
                attributes.notes.remark(webhook.name, None, None)
