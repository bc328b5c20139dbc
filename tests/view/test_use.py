"""A story shows what pods used whenever somebody measured it, added up by app and beside what they request."""

from __future__ import annotations

from typing import Any

from k8snb import Cluster
from k8snb.view.frames import Used
from tests.view import tape as make
from tests.view.tape import Tape

MI = 2**20


def asking(pod: Any, cpu: str, memory: str) -> Any:
    container = {**pod["spec"]["containers"][0], "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    return {**pod, "spec": {"containers": [container]}}


def test_measurements_are_added_up_by_app_and_told_with_the_frame_that_follows() -> None:
    tape = Tape()
    app = make.deployment()
    tape.write("create", app)
    owner = make.replica_set(app, "7d", 1, 2)
    tape.write("create", owner)
    for name in ("web-7d-a", "web-7d-b"):
        tape.write("create", asking(make.pod(name, owner), "200m", "64Mi"))
        tape.trace.measures("default", name, 5, MI)  # at the moment of the first frames
    tape.time = 10.0
    tape.trace.measures("default", "web-7d-a", 100, 20 * MI)
    tape.trace.measures("default", "web-7d-b", 300, 30 * MI)
    tape.trace.measures("elsewhere", "web-7d-b", 999, 999 * MI)
    tape.trace.measures("default", "unknown", 999, 999 * MI)
    tape.time = 12.0
    tape.write("update", {**app, "status": {"replicas": 2}})
    [*_, last] = tape.story()
    assert last.used == [Used(10.0, "Deployment/web", 2, 400, 400, 50 * MI, 128 * MI)]
    assert last.used[0].sentence == "Deployment web: CPU 400m of 400m requested, memory 50Mi of 128Mi requested"


def test_what_requests_nothing_is_only_said_to_use_it() -> None:
    assert Used(0.0, "Pod/a", 1, 1500, 0, MI, 0).sentence == "Pod a: CPU 1500m, memory 1Mi"


def test_a_story_shows_what_top_has_seen() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl("run web --image=nginx")
    cluster.advance(60)
    cluster.kubectl("top pods")
    cluster.kubectl("label pod web seen=yes")
    frame = cluster.stepper()[-1]
    assert [(used.app, used.cpu, used.memory > 0) for used in frame.used] == [("Pod/web", 1, True)]
    assert cluster.stepper().document()["frames"][-1]["used"] == [list(frame.used[0]._replace(time=60.005))]
