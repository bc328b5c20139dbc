"""What it means to a controller when the API refuses a request.

Most refusals go to the work queue, which tries again later. Two are no trouble at all: something that is to be
deleted is gone already, and a namespace on its way out takes nothing new.
"""

from __future__ import annotations

from k8snb.client.client import Client
from k8snb.errors import StatusError


def namespace_is_terminating(error: StatusError) -> bool:
    """Whether the request was refused because the namespace is being deleted."""
    causes = (error.status.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


def delete(client: Client, resource: str, name: str, namespace: str = "", *, uid: str = "") -> bool:
    """Delete an object; False if it was gone already, or another one has its name by now."""
    try:
        client.delete(resource, name, namespace, uid=uid)
    except StatusError as error:
        if error.code == 404 or (uid and error.code == 409):
            return False
        raise
    return True
