"""How a webhook is reached: by URL or by Service; the same for admission and for conversion.

Upstream: `apiserver/pkg/util/webhook/validation.go`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from urllib.parse import urlsplit

from k8snb.errors import FieldError, invalid_value, required
from k8snb.typing import Object


def check_client(client: Object, path: str) -> Iterator[FieldError]:
    """What is wrong with a `clientConfig`."""
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        yield required(path, "exactly one of url or service is required")
    elif url is not None:
        yield from _url(url, f"{path}.url")
    elif service is not None:
        yield from _service(service, f"{path}.service")
    bundle = client.get("caBundle")
    if bundle and not _is_pem(bundle):
        why = "unable to load root certificates: unable to parse bytes as PEM block"
        yield invalid_value(f"{path}.caBundle", bundle, why)


def _is_pem(bundle: str) -> bool:
    try:
        return b"-----BEGIN CERTIFICATE-----" in base64.b64decode(bundle)
    except (binascii.Error, ValueError):
        return False


def _url(url: str, path: str) -> Iterator[FieldError]:
    form = "; desired format: https://host[/path]"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        yield required(path, f"url must be a valid URL: {error}{form}")
        return
    if parts.scheme != "https":
        yield invalid_value(path, parts.scheme, f"'https' is the only allowed URL scheme{form}")
    if not parts.netloc:
        yield invalid_value(path, parts.netloc, f"host must be specified{form}")
    if "@" in parts.netloc:
        yield invalid_value(path, parts.netloc.partition("@")[0], "user information is not permitted in the URL")
    if parts.fragment:
        yield invalid_value(path, parts.fragment, "fragments are not permitted in the URL")
    if parts.query:
        yield invalid_value(path, parts.query, "query parameters are not permitted in the URL")


def _service(service: Object, path: str) -> Iterator[FieldError]:
    for field in ("name", "namespace"):
        if not service.get(field):
            yield required(f"{path}.{field}", f"service {field} is required")
    port = service.get("port", 443)
    if not 1 <= port <= 65535:
        yield invalid_value(f"{path}.port", port, "port is not valid: must be between 1 and 65535, inclusive")
    where = service.get("path")
    if not where or where == "/":
        return
    if not where.startswith("/"):
        yield invalid_value(f"{path}.path", where, "must start with a '/'")
    steps = (where[1:].rstrip("/") if where.endswith("/") else where[1:]).split("/")
    for index, step in enumerate(steps):
        if not step:
            yield invalid_value(f"{path}.path", where, f"segment[{index}] may not be empty")
