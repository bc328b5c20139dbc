"""How the API server calls webhooks: functions of this process, and pods behind a Service.

A webhook that is referred to by a Service is reached over the cluster's network, from where the API server stands. One
with a URL is a function that was registered under it, or a server outside, if somebody can reach it (`remote`). Errors
read as those of upstream's client. Upstream: `apiserver/pkg/util/webhook`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from k8snb.apiserver.admission.plugin import Reader
from k8snb.apiserver.admission.surroundings import CallError
from k8snb.network.fabric import Fabric
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError
from k8snb.typing import Object

Function = Callable[[dict[str, Any]], Object]
"""A webhook in this process: the review that is asked → the review with its response."""

Remote = Callable[[str, bytes, bytes, float], bytes]
"""(URL, caBundle, body, seconds) → the body of the answer. Raises OSError or ValueError."""

_ERRNO = {"refused": "connect: connection refused", "unreachable": "connect: no route to host"}


class WebhookCalls:
    """Calls webhooks for one cluster; `functions` are those of this process, by URL."""

    def __init__(self, reader: Reader, network: Fabric, source: str, functions: Mapping[str, Function]) -> None:
        self._reader = reader
        self._network = network
        self._source = source
        self._functions = functions
        self.remote: Remote | None = None

    def __call__(self, client: Object, review: Object, seconds: float) -> Object:
        """What the webhook answers. Raises CallError."""
        url = _url(client)
        shown = f'failed to call webhook: Post "{url}?timeout={seconds:.0f}s"'
        function = self._functions.get(url) or self._functions.get(url.replace(":443/", "/"))
        body = orjson.dumps(review)
        try:
            if function is not None:
                answer = orjson.dumps(function(orjson.loads(body)))
            elif client.get("service"):
                answer = self._over_network(client["service"], body, seconds)
            else:
                answer = self._outside(client, url, body, seconds)
        except CallError:
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
        if not self._has_endpoints(namespace, name):
            raise _Failure(f'no endpoints available for service "{name}"')
        address, port = found["spec"].get("clusterIP", ""), int(service.get("port") or 443)
        path = f"{_path(service)}?timeout={seconds:.0f}s"
        headers = {"content-type": "application/json"}
        request = HTTPRequest("POST", address, port, path, headers, body.decode(), "https", self._source)
        try:
            response = self._network.request(request)
        except NetworkError as error:
            if error.kind not in _ERRNO:
                raise _Failure("context deadline exceeded") from None
            raise _Failure(f"dial tcp {address}:{port}: {_ERRNO[error.kind]}") from None
        if response.seconds > seconds:
            raise _Failure("context deadline exceeded")
        return _content(response)

    def _has_endpoints(self, namespace: str, name: str) -> bool:
        for each in self._reader.list("endpointslices.discovery.k8s.io", namespace):
            if (each["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == name:
                for endpoint in each.get("endpoints") or ():
                    if (endpoint.get("conditions") or {}).get("ready"):
                        return True
        return False

    def _outside(self, client: Object, url: str, body: bytes, seconds: float) -> bytes:
        if self.remote is None:
            host = urlsplit(url).hostname or ""
            raise _Failure(f"dial tcp: lookup {host}: no such host")
        return self.remote(url, str(client.get("caBundle") or "").encode(), body, seconds)


class _Failure(Exception):
    """A call that did not come about; the message is that of Go's HTTP client."""


def _content(response: HTTPResponse) -> bytes:
    if response.status == 404:
        raise CallError("failed to call webhook: the server could not find the requested resource")
    if response.status >= 300:
        said = response.body.strip()
        why = f'an error on the server ("{said}") has prevented the request from succeeding'
        raise CallError(f"failed to call webhook: {why}")
    return response.body.encode()


def _url(client: Object) -> str:
    service = client.get("service")
    if not service:
        return str(client.get("url") or "")
    return f"https://{service['name']}.{service['namespace']}.svc:{service.get('port') or 443}{_path(service)}"


def _path(service: Object) -> str:
    path = str(service.get("path") or "")
    return path if path.startswith("/") else f"/{path}"
