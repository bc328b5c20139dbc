"""What an API server answers when etcd does not.

A write that etcd has not committed after its own time-out is an error of etcd's, passed on with code 500 and no
reason; the API server's etcd client does not repeat it, for it may have happened. A read is repeated until the time of
the whole request is over; then the filter for that answers, with a `Status` that bears no kind.

Source: etcd `api/v3rpc/rpctypes/error.go`, `server/config` (`ReqTimeout`), `client/v3/retry_interceptor.go`; apiserver
`pkg/server/filters/timeout.go`.
"""

from __future__ import annotations

from k8snb.errors import StatusError

WRITE_SECONDS = 7.0
"""How long etcd waits for a write to be committed: 5 s, and twice the time in which a leader is elected."""
READ_SECONDS = 60.0
"""How long an API server works on a request (`--request-timeout`)."""

_CONNECTION = (
    'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: '
    'dial tcp 127.0.0.1:2379: connect: connection refused"'
)


def timed_out() -> StatusError:
    """A write that was not committed in time."""
    return StatusError(500, "", "etcdserver: request timed out")


def leader_lost() -> StatusError:
    """A write whose leader went away before it was committed, and another one leads now."""
    return StatusError(500, "", "etcdserver: request timed out, possibly due to previous leader failure")


def refused() -> StatusError:
    """A write, and nobody there to take it."""
    return StatusError(500, "", _CONNECTION)


def no_space() -> StatusError:
    """A write for which there is no room, or while nobody has disarmed the alarm about that."""
    return StatusError(500, "", "etcdserver: mvcc: database space exceeded")


def unanswered() -> StatusError:
    """A read that nobody could answer in all the time that a request has."""
    error = StatusError(504, "Timeout", "Timeout: request did not complete within the allotted timeout", {})
    error.status = {key: value for key, value in error.status.items() if key not in ("kind", "apiVersion")}
    return error


def overtaken() -> StatusError:
    """A write whose object was changed by one that had been given up already."""
    message = "the object has been modified; please apply your changes to the latest version and try again"
    return StatusError(409, "Conflict", f"Operation cannot be fulfilled: {message}")


class EtcdError(Exception):
    """What etcd answers to those who ask it themselves (`etcdctl`)."""
