"""How a container gets its image: what is there is used, the rest is pulled, and who refuses is left alone for a while.

Upstream: `pkg/kubelet/images/image_manager.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.kubelet.backoff import Backoff

if TYPE_CHECKING:
    from k8snb.kubelet.container import ContainerUnit

RESYNC_SECONDS = 12.5
"""How often a pod with trouble is looked at again (upstream: 10 s, up to half as much more)."""

RELIST_SECONDS = 1.0
"""How long it takes until the kubelet acts on what happened to a container (upstream: its relist period)."""


def ensure(unit: ContainerUnit) -> None:
    """Use the image that is there, or find out why it cannot be had."""
    plan, images = unit.plan, unit.worker.images
    trouble = images.trouble(plan) if images is not None else None
    if trouble is not None:
        unit.reason, unit.message = trouble
        unit.fire("image refused")
    elif plan.image_error:
        unit.message = f'Failed to apply default image tag "{plan.image}": {plan.image_error}'
        unit.tell("Warning", "InspectFailed", unit.message)
        unit.reason = "InvalidImageName"
        unit.fire("image refused")
    elif plan.pull_policy != "Always" and unit.host.runtime.image_status(plan.config.reference):
        unit.tell("Normal", "Pulled", plan.present)
        unit.fire("image present")
    elif plan.pull_policy == "Never":
        unit.message = f'Container image "{plan.image}" is not present with pull policy of Never'
        unit.tell("Warning", "ErrImageNeverPull", unit.message)
        unit.reason = "ErrImageNeverPull"
        unit.fire("image refused")
    else:
        unit.fire("image absent")


def back_off(unit: ContainerUnit) -> None:
    """The registry refused: wait twice as long each time."""
    pull = unit.pulling
    assert pull is not None
    unit.image_error, unit.pulling = pull.error, None
    unit.tell("Warning", "Failed", f'Failed to pull image "{unit.plan.image}": {pull.error}')
    unit.tell("Warning", "Failed", "Error: ErrImagePull")
    unit.reason, unit.message = "ErrImagePull", pull.error
    unit.image_backoff = unit.image_backoff or Backoff()
    unit.image_backoff.next(unit.host.clock.now())
    unit.later(RELIST_SECONDS, "resync", background=True)
    unit.later(unit.image_backoff.delay, "retry", background=True)


def report(unit: ContainerUnit) -> None:
    """Say that it is still backing off."""
    said = f'Back-off pulling image "{unit.plan.image}"'
    unit.tell("Normal", "BackOff", said)
    unit.tell("Warning", "Failed", "Error: ImagePullBackOff")
    unit.reason, unit.message = "ImagePullBackOff", f"{said}: ErrImagePull: {unit.image_error}"
    unit.later(RESYNC_SECONDS, "resync", background=True)
