"""What a pod made the kubelet ask of the runtime, told as the calls were made."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.errors import StatusError
from k8snb.view.stepper import Stepper


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl("run web --image=nginx:1.29")
    cluster.settle()
    return cluster


def methods(story: Stepper) -> list[str]:
    return [f"{frame.actor.split(' ')[0]} {frame.subject}" for frame in story]


def test_a_pod_runs_by_five_calls_and_four_answers(cluster: Cluster) -> None:
    assert methods(cluster.calls("web")) == [
        "kubelet RunPodSandbox",
        "containerd RunPodSandbox",
        "kubelet ImageStatus",
        "containerd ImageStatus",
        "kubelet PullImage",
        "containerd PullImage",
        "kubelet CreateContainer",
        "containerd CreateContainer",
        "kubelet StartContainer",
    ]


def test_an_answer_comes_when_the_work_is_done(cluster: Cluster) -> None:
    times = [frame.time for frame in cluster.calls("web")]
    assert [round(time, 2) for time in times[:2]] == [0, 0.5]
    assert times == sorted(times)


def test_the_address_is_in_the_sandbox_and_the_process_in_the_container(cluster: Cluster) -> None:
    [pod] = cluster.client.list("pods", "default")
    scene = cluster.calls("web")[-1].scene
    assert scene["Sandbox/web"]["word"] == pod["status"]["podIP"]
    assert scene["Container/web"]["word"] == "running"
    assert "Image/nginx:1.29" in scene


def test_a_second_pod_finds_the_image_on_the_machine(cluster: Cluster) -> None:
    cluster.kubectl("run two --image=nginx:1.29")
    cluster.settle()
    assert "kubelet PullImage" not in methods(cluster.calls("two"))


def test_a_pod_that_is_gone_is_told_from_when_it_was_there(cluster: Cluster) -> None:
    there = cluster.revision
    cluster.kubectl("delete pod web")
    story = cluster.calls("web", revision=there)
    assert methods(story)[-3:] == ["kubelet StopContainer", "kubelet StopPodSandbox", "kubelet RemovePodSandbox"]
    assert list(story[-1].scene) == ["Node/node-1", "Image/nginx:1.29"]
    with pytest.raises(StatusError, match='pods "web" not found'):
        cluster.calls("web")


def test_a_pull_that_fails_says_why(cluster: Cluster) -> None:
    cluster.kubectl("run typo --image=ngnix:1.29")
    cluster.settle(5)
    assert any("pull access denied" in frame.error for frame in cluster.calls("typo"))


def test_the_cgroups_of_a_running_pod_name_its_container(cluster: Cluster) -> None:
    [pod] = cluster.client.list("pods", "default")
    container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
    shown = str(cluster.cgroups("web"))
    assert f"cri-containerd-{container}.scope  (container web)" in shown
    assert shown.count("cpu.max     max 100000") == 2
    assert "kubepods-besteffort.slice" in cluster.cgroups("web")._repr_html_()


def test_calls_are_first_seen_as_who_asks_whom(cluster: Cluster) -> None:
    assert cluster.calls("web").views == ("sequence", "topology", "diff", "timeline")


ORDERED = """
apiVersion: v1
kind: Pod
metadata: {name: ordered}
spec:
  initContainers:
  - {name: side, image: busybox, restartPolicy: Always, command: [sleep, infinity]}
  - {name: prepare, image: busybox, command: [sh, -c, echo ready]}
  containers:
  - {name: app, image: "nginx:1.29"}
"""


def test_an_init_container_has_ended_when_the_next_is_made_and_a_sidecar_runs_on(cluster: Cluster) -> None:
    cluster.kubectl("apply -f -", ORDERED)
    cluster.settle()
    scene = cluster.calls("ordered")[-1].scene
    words = {name: scene[f"Container/{name}"]["word"] for name in ("side", "prepare", "app")}
    assert words == {"side": "running", "prepare": "exited", "app": "running"}


def test_a_container_has_ended_when_it_is_made_again(cluster: Cluster) -> None:
    cluster.kubectl("exec web -- nginx -s stop")
    cluster.settle()
    words = [frame.scene["Container/web"]["word"] for frame in cluster.calls("web")[-3:]]
    assert words == ["exited", "created", "running"]
