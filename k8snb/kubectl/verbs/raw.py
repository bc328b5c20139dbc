"""`--raw`: a request to a path of one's own, and its answer as it comes."""

from __future__ import annotations

from urllib.parse import parse_qsl

from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.files import read_bytes
from k8snb.machinery.fieldorder import in_order
from k8snb.machinery.jsontext import json_text


def send_raw(call: Call, method: str) -> None:
    """Send what `-f` names (nothing for GET) to the path of `--raw` and print the answer."""
    if call.args:
        raise CommandError("arguments may not be passed when --raw is specified")
    path, _, query = call.flags.text("raw").partition("?")
    if not path.startswith("/"):
        given = call.flags.text("raw")
        raise CommandError(f'--raw must be a valid URL path: parse "{given}": invalid URI for request')
    headers: dict[str, str] = {}
    body = b""
    files = call.flags.texts("filename")
    if method != "GET" and files:
        if len(files) > 1:
            raise CommandError("--raw can only use a single local file or stdin")
        body = call.stdin.encode() if files[0] == "-" else read_bytes(files[0])
    elif method in ("POST", "PUT"):
        raise CommandError("must specify one of -f and -k")
    if method != "GET":
        headers = {"accept": "application/json, */*", "content-type": "application/json"}
    response = call.session.send(method, path, dict(parse_qsl(query, keep_blank_values=True)), headers, body, bare=True)
    if response.object is None:
        call.out(response.body.decode())
    else:
        call.out(json_text(in_order(response.object), ordered=False) + "\n")
