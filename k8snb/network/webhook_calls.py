"""How the API server calls webhooks: functions of this process, and pods behind a Service.

A webhook that is referred to by a Service is reached over the cluster's network, from where the API server stands. One
with a URL is a function that was registered under it, or a server outside, if somebody can reach it (`remote`). Errors
read as those of upstream's client. Upstream: `apiserver/pkg/util/webhook`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import orjson

from k8snb.apiserver.admission.plugin import Reader
from k8snb.apiserver.admission.surroundings import CallError, Overtaken
from k8snb.apiserver.backends import backend_of
from k8snb.errors import StatusError
from k8snb.network.fabric import Fabric
from k8snb.network.posting import JSON, LATE, Posting, dialled
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError
from k8snb.typing import Object

_REFUSALS = {
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    406: "the server was unable to respond with a content type that the client supports",
    409: "the server reported a conflict",
    415: "the body of the request was in an unknown format",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}
"""What client-go makes of answers without a Status (`errors.NewGenericServerResponse`)."""


class WebhookCalls:
    """Calls webhooks for one cluster, by `posting` and over its network."""

    def __init__(self, reader: Reader, network: Fabric, source: str, posting: Posting) -> None:
        self._reader = reader
        self._network = network
        self._source = source
        self._posting = posting

    def __call__(self, client: Object, review: Object, seconds: float) -> Object:
        """What the webhook answers. Raises CallError."""
        url = _url(client)
        shown = f'failed to call webhook: Post "{url}?timeout={seconds:.0f}s"'
        function = self._posting.function(url)
        body = orjson.dumps(review)
        try:
            if function is not None:
                answer = orjson.dumps(function(orjson.loads(body)))
            elif client.get("service"):
                answer = self._over_network(client["service"], body, seconds)
            else:
                answer = self._outside(client, url, body, seconds, review)
        except (CallError, Overtaken):
            raise
        except _Failure as error:
            raise CallError(f"{shown}: {error}") from None
        except Exception as error:
            raise CallError(f"{shown}: {error}") from error
        try:
            found: Object = orjson.loads(answer)
        except ValueError:
            raise CallError("failed to call webhook: couldn't get version/kind; json parse error") from None
        return found

    def _over_network(self, service: Object, body: bytes, seconds: float) -> bytes:
        name, namespace = service["name"], service["namespace"]
        found = self._reader.get("services", namespace, name)
        if found is None:
            raise _Failure(f'service "{name}" not found')
        try:
            backend = backend_of(found, str(service.get("port") or 443), self._reader.list)
        except StatusError as error:
            raise _Failure(error.message) from None
        path = f"{_path(service)}?timeout={seconds:.0f}s"
        headers = {**JSON, "host": f"{name}.{namespace}.svc"}
        address, port = backend.address, backend.port
        request = HTTPRequest("POST", address, port, path, headers, body.decode(), "https", self._source)
        try:
            response = self._network.request(request)
        except NetworkError as error:
            raise _Failure(dialled(error, address, port)) from None
        if response.seconds > seconds:
            raise _Failure(LATE)
        return _content(response)

    def _outside(self, client: Object, url: str, body: bytes, seconds: float, review: Object) -> bytes:
        remote = self._posting.remote
        if remote is None:
            host = urlsplit(url).hostname or ""
            raise _Failure(f"dial tcp: lookup {host}: no such host")
        before = self._version(review)
        response = remote(f"{url}?timeout={seconds:.0f}s", str(client.get("caBundle") or "").encode(), body, seconds)
        if self._version(review) != before:
            raise Overtaken
        return _content(response)

    def _version(self, review: Object) -> str:
        """The version of the object that a review is about; empty where there is none."""
        request = review["request"]
        asked = request.get("resource")
        if asked is None:
            return ""
        word = f"{asked['resource']}.{asked['group']}" if asked["group"] else asked["resource"]
        found = self._reader.get(word, request.get("namespace", ""), request.get("name", ""))
        return str(found["metadata"]["resourceVersion"]) if found is not None else ""


class _Failure(Exception):
    """A call that did not come about; the message is that of Go's HTTP client."""


def _content(response: HTTPResponse) -> bytes:
    """The body of an answer. Raises CallError where the answer is a refusal."""
    status, said = response.status, response.body.strip()
    if 200 <= status <= 206:
        return response.body.encode()
    if status in _REFUSALS:
        why = _REFUSALS[status]
    elif status == 403:
        why = f"forbidden: {said}"
    elif status >= 500:
        shown = orjson.dumps(said or "unknown").decode()
        why = f"an error on the server ({shown}) has prevented the request from succeeding"
    else:
        why = f"the server responded with the status code {status} but did not return more information"
    raise CallError(f"failed to call webhook: {why}")


def _url(client: Object) -> str:
    service = client.get("service")
    if not service:
        return str(client.get("url") or "")
    return f"https://{service['name']}.{service['namespace']}.svc:{service.get('port') or 443}{_path(service)}"


def _path(service: Object) -> str:
    path = str(service.get("path") or "")
    return path if path.startswith("/") else f"/{path}"
