"""Reviews: questions about access, asked by creating an object and answered in its status; nothing is stored.

Upstream: `pkg/registry/authorization` and `pkg/registry/authentication`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.apiserver import body
from k8snb.apiserver.access.authentication import Authenticator
from k8snb.apiserver.access.authorizer import Authorizer
from k8snb.apiserver.access.rules import Access, Decision
from k8snb.apiserver.kinds import Kind
from k8snb.clock import Clock
from k8snb.errors import FieldError, bad_request, invalid, invalid_value
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response, User

Handler = Callable[[Kind, RequestInfo, Request], Response]
_NONE: Mapping[str, Any] = {}
_ANYBODY = User("system:anonymous", ("system:unauthenticated",))


class Reviews:
    """The handlers of the review kinds. Where nobody authorizes, everything is allowed."""

    def __init__(self, authorizer: Authorizer | None, authenticator: Authenticator, clock: Clock) -> None:
        self._authorizer = authorizer
        self._authenticator = authenticator
        self._clock = clock

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Which resource each handler is for."""
        return {
            "subjectaccessreviews.authorization.k8s.io": self.subject,
            "localsubjectaccessreviews.authorization.k8s.io": self.local,
            "selfsubjectaccessreviews.authorization.k8s.io": self.own,
            "selfsubjectrulesreviews.authorization.k8s.io": self.rules,
            "selfsubjectreviews.authentication.k8s.io": self.whoami,
            "tokenreviews.authentication.k8s.io": self.token,
        }

    # -- may somebody do something -----------------------------------------------------------------

    def subject(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """May that user do that?"""
        review = _decoded(kind, request)
        _check(kind, [*_metadata(review), *_spec_errors(review), *_subject_errors(review)])
        return self._answer(review, _user_of(review["spec"]))

    def local(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """May that user do that in this namespace?"""
        review = _decoded(kind, request)
        meta = review.get("metadata") or _NONE
        if meta.get("namespace", info.namespace) != info.namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        review = {**review, "metadata": {**meta, "namespace": info.namespace}}
        spec, errors = review.get("spec") or _NONE, [*_spec_errors(review), *_subject_errors(review)]
        if meta.keys() - {"namespace", "managedFields", "creationTimestamp"}:
            errors.append(invalid_value("metadata", review["metadata"], "must be empty except for namespace"))
        asked = spec.get("resourceAttributes")
        if asked is not None and asked.get("namespace", "") != info.namespace:
            field = "spec.resourceAttributes.namespace"
            errors.append(invalid_value(field, asked.get("namespace", ""), "must match metadata.namespace"))
        if spec.get("nonResourceAttributes") is not None:
            why = "disallowed on this kind of request"
            errors.append(invalid_value("spec.nonResourceAttributes", spec["nonResourceAttributes"], why))
        _check(kind, errors)
        return self._answer(review, _user_of(spec))

    def own(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """May I do that?"""
        review = _decoded(kind, request)
        _check(kind, [*_metadata(review), *_spec_errors(review)])
        return self._answer(review, request.user or _ANYBODY)

    def _answer(self, review: Object, user: User) -> Response:
        decision = Decision(True)
        if self._authorizer is not None:
            decision = self._authorizer.decide(user, _access(review["spec"]))
        status: dict[str, Any] = {"allowed": decision.allowed}
        if decision.reason:
            status["reason"] = decision.reason
        return Response(201, {**review, "metadata": review.get("metadata") or {}, "status": status})

    def rules(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """What may I do in that namespace?"""
        review = _decoded(kind, request)
        namespace = (review.get("spec") or _NONE).get("namespace", "")
        if not namespace:
            raise bad_request("no namespace on request")
        rules: Sequence[Object] = ()
        errors: Sequence[str] = ()
        user = request.user or _ANYBODY
        if self._authorizer is not None:
            rules, errors = self._authorizer.rbac.rules_for(user, namespace)
        status: dict[str, Any] = {
            "resourceRules": [rule for rule in rules if rule.get("resources")],
            "nonResourceRules": [rule for rule in rules if rule.get("nonResourceURLs")],
            "incomplete": False,
        }
        if "system:nodes" in user.groups:
            status["incomplete"] = True
            errors = ["node authorizer does not support user rule resolution", *errors]
        if errors:
            status["evaluationError"] = ", ".join(errors)
        return Response(201, {**review, "metadata": {}, "spec": {}, "status": status})

    # -- who is somebody ---------------------------------------------------------------------------

    def whoami(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Who am I?"""
        review = _decoded(kind, request)
        meta = {"creationTimestamp": self._clock.timestamp()}
        status = {"userInfo": (request.user or _ANYBODY).info}
        return Response(201, {**review, "metadata": meta, "status": status})

    def token(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Whose token is this?"""
        review = _decoded(kind, request)
        spec = review.get("spec") or _NONE
        if not spec.get("token"):
            raise bad_request("token is required for TokenReview in authentication")
        found = self._authenticator.token(spec["token"], spec.get("audiences") or ())
        status: dict[str, Any] = {"user": {}}
        if found.user is not None:
            status = {"authenticated": True, "user": found.user.info, "audiences": list(found.audiences)}
        elif found.error:
            status["error"] = found.error
        answer = {**review, "metadata": review.get("metadata") or {}, "status": status}
        return Response(201, answer, warnings=found.warnings)


# -- questions -----------------------------------------------------------------------------------------


def _decoded(kind: Kind, request: Request) -> Object:
    resource = kind.resource
    return body.decode(request, resource.api_version, resource.kind).object


def _check(kind: Kind, errors: Sequence[FieldError]) -> None:
    if errors:
        raise invalid(kind.resource, "", errors)


def _metadata(review: Object) -> list[FieldError]:
    meta = review.get("metadata") or _NONE
    given = meta.keys() - {"managedFields", "creationTimestamp"}
    return [invalid_value("metadata", dict(meta), "must be empty")] if given else []


def _spec_errors(review: Object) -> list[FieldError]:
    spec = review.get("spec") or _NONE
    asked, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if asked is not None and path is not None:
        why = "cannot be specified in combination with resourceAttributes"
        return [invalid_value("spec.nonResourceAttributes", path, why)]
    if asked is None and path is None:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [invalid_value("spec.resourceAttributes", None, why)]
    return []


def _subject_errors(review: Object) -> list[FieldError]:
    spec = review.get("spec") or _NONE
    if spec.get("user") or spec.get("groups"):
        return []
    return [invalid_value("spec.user", "", "at least one of user or group must be specified")]


def _user_of(spec: Object) -> User:
    extra = {key.lower(): tuple(values) for key, values in (spec.get("extra") or _NONE).items()}
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), extra)


def _access(spec: Object) -> Access:
    asked = spec.get("resourceAttributes")
    if asked is None:
        path = spec["nonResourceAttributes"]
        return Access(path.get("verb", ""), path=path.get("path", ""))
    given = {name: asked.get(name, "") for name in ("verb", "group", "resource", "subresource", "namespace", "name")}
    return Access(**given, version=asked.get("version") or "*", fields=_fields(asked.get("fieldSelector") or _NONE))


def _fields(selector: Object) -> str:
    if selector.get("rawSelector"):
        return str(selector["rawSelector"])
    terms = selector.get("requirements") or ()
    single = [term for term in terms if term.get("operator") == "In" and len(term.get("values") or ()) == 1]
    return ",".join(f"{term['key']}={term['values'][0]}" for term in single)
