"""The rules by which a pod and its containers move from state to state, as tables.

The pod worker and its containers look up what to do here, and the book draws its figure of a pod's life from
the same rows. A row says: in this state, when this happens, go to that state and do this; `why` says it in a
sentence, which is translated when somebody reads it. What is not in a table does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Transition(NamedTuple):
    """One row of a table. `action` names the method that carries it out."""

    state: str
    event: str
    to: str
    action: str
    why: str


POD: tuple[Transition, ...] = (
    Transition("New", "seen", "New", "admit", "The kubelet sees a pod bound to its node."),
    Transition("New", "admitted", "Preparing", "prepare", "The node has room for it."),
    Transition("New", "rejected", "Finished", "reject", "The node has no room for it."),
    Transition("Preparing", "retry", "Preparing", "prepare", "Try again to mount volumes and make the sandbox."),
    Transition("Preparing", "sandbox ready", "Running", "begin", "The pod has an address; containers may start."),
    Transition("Running", "container changed", "Running", "progress", "A container started, ended or was refused."),
    Transition("Running", "refresh", "Running", "refresh_volumes", "Volumes follow the objects they come from."),
    Transition("Running", "all ended", "Finished", "finish", "Every container has ended for good."),
    Transition("Running", "stopping", "Terminating", "terminate", "The pod is deleted or out of time."),
    Transition("Preparing", "stopping", "Terminating", "terminate", "The pod is deleted before it ran."),
    Transition("New", "stopping", "Terminating", "terminate", "The pod is deleted before it was admitted."),
    Transition("Terminating", "stopping", "Terminating", "terminate", "The grace period is shortened."),
    Transition("Terminating", "container changed", "Terminating", "terminated", "A container has ended."),
    Transition("Terminating", "all ended", "Finished", "finish", "No container is left."),
    Transition("Finished", "stopping", "Gone", "remove", "Nothing is left to stop: the object may go."),
    Transition("Gone", "stopping", "Gone", "remove", "The API refused; ask again."),
)

CONTAINER: tuple[Transition, ...] = (
    Transition("Waiting", "start", "Waiting", "ensure_image", "It is this container's turn."),
    Transition("Waiting", "image absent", "Pulling", "pull", "The image is not on the node, or must be asked for."),
    Transition("Waiting", "image present", "Configuring", "configure", "The image is on the node."),
    Transition("Waiting", "image refused", "Refused", "wait_for_image", "The image cannot be had."),
    Transition("Pulling", "pulled", "Waiting", "arrived", "The registry has answered with the image."),
    Transition("Pulling", "pull failed", "Refused", "back_off_pulling", "The registry refused."),
    Transition("Refused", "resync", "Refused", "report_image", "Still backing off from the registry."),
    Transition("Refused", "retry", "Waiting", "start", "The back-off is over."),
    Transition("Configuring", "incomplete", "Misconfigured", "wait_for_config", "The environment refers to nothing."),
    Transition("Misconfigured", "retry", "Waiting", "start", "Look again."),
    Transition("Configuring", "complete", "Starting", "create", "Everything the container needs is there."),
    Transition("Starting", "created", "Starting", "launch", "The runtime starts its process."),
    Transition("Starting", "launched", "Running", "begin", "The process runs and the postStart hook is done."),
    Transition("Starting", "start failed", "Exited", "exited", "The process could not be run."),
    Transition("Starting", "exited", "Exited", "exited", "The process has ended."),
    Transition("Starting", "stop", "Stopping", "stop", "The pod is being stopped."),
    Transition("Running", "exited", "Exited", "exited", "The process has ended."),
    Transition("Running", "unhealthy", "Stopping", "kill", "A probe failed too often, or the spec changed."),
    Transition("Running", "stop", "Stopping", "stop", "The pod is being stopped."),
    Transition("Stopping", "signal", "Stopping", "send_signal", "The preStop hook is done."),
    Transition("Stopping", "stop", "Stopping", "stop", "The grace period is shortened."),
    Transition("Stopping", "exited", "Exited", "exited", "The process has ended."),
    Transition("Exited", "restart", "Exited", "restart", "The restart policy asks for another run."),
    Transition("Exited", "back off", "BackOff", "report_backoff", "It has failed too often in a row."),
    Transition("Exited", "again", "Waiting", "again", "It may run again at once."),
    Transition("BackOff", "resync", "BackOff", "report_backoff", "Still backing off."),
    Transition("BackOff", "retry", "Waiting", "again", "The back-off is over."),
)

Table = Mapping[tuple[str, str], Transition]
POD_TABLE: Table = {(row.state, row.event): row for row in POD}
CONTAINER_TABLE: Table = {(row.state, row.event): row for row in CONTAINER}


class Step(NamedTuple):
    """A row as it is carried out: the state to go to, the method, and the sentence."""

    to: str
    act: Callable[[Any], None]
    why: str


def steps(table: Table, owner: type) -> Mapping[tuple[str, str], Step]:
    """The rows of a table with the methods of the class whose actions they name."""
    return {key: Step(row.to, getattr(owner, row.action), row.why) for key, row in table.items()}


def walk(table: Table, state: str, *way: tuple[str, str]) -> Transition:
    """The last row of a way through a table, given as events and actions; LookupError where the table goes another."""
    row = None
    for event, action in way:
        row = table[state, event]
        if row.action != action:
            raise LookupError(f"in state {state}, when {event}, the table does {row.action} and not {action}")
        state = row.to
    assert row is not None
    return row
