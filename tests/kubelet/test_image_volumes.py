"""Image volumes: pulled like the images of containers, before any of them starts."""

from __future__ import annotations

from k8snb.typing import Object

from .pods import Here, pod, sh

SLEEP = "sleep 100000"


def mounting(reference: str, policy: str = "IfNotPresent", *, used: bool = True) -> Object:
    """A pod with an image volume, which its container mounts or not."""
    mounts = [{"name": "data", "mountPath": "/data"}] if used else []
    volume = {"name": "data", "image": {"reference": reference, "pullPolicy": policy}}
    return pod(sh(SLEEP, volumeMounts=mounts), volumes=[volume])


def test_it_is_pulled_before_the_container_is() -> None:
    here = Here(mounting("nginx:1.27"))
    told = [event.partition(",")[0].partition(" in ")[0] for event in here.events()]
    assert told[:4] == [
        'Pulling: Pulling image "nginx:1.27"',
        'Pulled: Successfully pulled image "nginx:1.27"',
        'Pulling: Pulling image "busybox:1.36"',
        'Pulled: Successfully pulled image "busybox:1.36"',
    ]
    assert here.phase == "Running"
    found = here.cluster.client.list("events", "default", fields="involvedObject.name=p,reason=Pulling")
    assert [each["involvedObject"].get("fieldPath", "") for each in found] == ["", "spec.containers{main}"]


def test_one_that_is_there_is_used_and_one_that_may_not_be_pulled_is_missed() -> None:
    here = Here(mounting("busybox:1.36"))
    here.cluster.client.create("pods", {**mounting("busybox:1.36"), "metadata": {"name": "q"}}, "default")
    here.cluster.settle()
    never = Here(mounting("nginx:1.27", "Never"))
    assert never.waiting() == (
        "ErrImageNeverPull",
        'Container image "nginx:1.27" is not present with pull policy of Never',
    )


def test_one_that_cannot_be_had_keeps_those_waiting_that_mount_it() -> None:
    here = Here(mounting("nobody/knows:1"), settle=False)
    here.cluster.advance(2)
    reason, message = here.waiting()
    assert (reason, message.startswith('failed to pull and unpack image "docker.io/nobody/knows:1"')) == (
        "ErrImagePull",
        True,
    )
    here.cluster.advance(4)
    reason, message = here.waiting()
    assert (reason, message.partition(": ErrImagePull: ")[0]) == (
        "ImagePullBackOff",
        'Back-off pulling image "nobody/knows:1"',
    )


def test_one_that_nobody_mounts_keeps_nobody_waiting() -> None:
    here = Here(mounting("nobody/knows:1", used=False))
    assert here.phase == "Running"
