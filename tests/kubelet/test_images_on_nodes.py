"""Images that can not be had, and configuration that is not there."""

from __future__ import annotations

from itertools import pairwise

from tests.kubelet.pods import Here, container, pod, sh


def test_a_missing_tag_is_pulled_again_and_again() -> None:
    here = Here(pod(container("main", "nginx:nosuch")))
    assert here.phase == "Pending"
    error = (
        'failed to pull and unpack image "docker.io/library/nginx:nosuch": failed to resolve reference '
        '"docker.io/library/nginx:nosuch": docker.io/library/nginx:nosuch: not found'
    )
    assert here.waiting() == ("ErrImagePull", error)
    here.cluster.advance(2)
    assert here.waiting() == ("ImagePullBackOff", f'Back-off pulling image "nginx:nosuch": ErrImagePull: {error}')
    assert here.events()[:5] == [
        'Pulling: Pulling image "nginx:nosuch"',
        f'Failed: Failed to pull image "nginx:nosuch": {error}',
        "Failed: Error: ErrImagePull",
        'BackOff: Back-off pulling image "nginx:nosuch"',
        "Failed: Error: ImagePullBackOff",
    ]
    here.cluster.advance(600)
    pulls = [call.time for call in here.cluster.pool.calls.calls if call.method == "PullImage"]
    assert [round(b - a) for a, b in pairwise(pulls)] == [11, 21, 41, 81, 161], "10 s, 20 s, … after each refusal"


def test_a_corrected_image_is_pulled_without_delay() -> None:
    here = Here(pod(container("main", "nginx:nosuch")))
    here.cluster.advance(100)
    patch = {"spec": {"containers": [{"name": "main", "image": "nginx:1.27"}]}}
    here.cluster.client.patch("pods", "p", patch, "default", kind="strategic")
    here.cluster.settle()
    assert here.phase == "Running"
    assert here.status()["restartCount"] == 0


def test_an_image_that_must_not_be_pulled_is_waited_for() -> None:
    here = Here(pod(container("main", "nginx", imagePullPolicy="Never")))
    assert here.waiting() == ("ErrImageNeverPull", 'Container image "nginx" is not present with pull policy of Never')


def test_always_asks_the_registry_even_for_what_is_present() -> None:
    here = Here(pod(container("main", "nginx:1.27", imagePullPolicy="Always"), nodeName="node-1"))
    here.cluster.client.create(
        "pods", pod(container("main", "nginx:1.27", imagePullPolicy="Always"), name="q", nodeName="node-1")
    )
    here.cluster.settle()
    assert here.events("q")[1].startswith(
        'Pulled: Successfully pulled image "nginx:1.27" in 400ms (400ms including waiting)'
    )


def test_a_malformed_image_name_is_reported() -> None:
    here = Here(pod(container("main", "Nginx")))
    assert here.waiting() == (
        "InvalidImageName",
        'Failed to apply default image tag "Nginx": couldn\'t parse image name "Nginx": invalid reference format: '
        "repository name (library/Nginx) must be lowercase",
    )


def config_map(**data: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "default"},
        "data": data,
    }


def from_map(key: str, **more: object) -> dict[str, object]:
    return {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": key, **more}}}


def test_a_missing_config_map_in_the_environment_is_a_config_error() -> None:
    here = Here(pod(sh("echo $COLOUR; sleep infinity", env=[from_map("colour")])))
    assert here.waiting() == ("CreateContainerConfigError", 'configmap "settings" not found')
    assert 'Failed: Error: configmap "settings" not found' in here.events()
    here.cluster.client.create("configmaps", config_map(shape="round"))
    here.cluster.advance(13)
    assert here.waiting() == ("CreateContainerConfigError", "couldn't find key colour in ConfigMap default/settings")
    here.cluster.client.patch("configmaps", "settings", {"data": {"colour": "green"}}, "default")
    here.cluster.advance(14)
    assert (here.phase, here.log()) == ("Running", "green\n")


def test_an_optional_key_may_be_missing() -> None:
    here = Here(pod(sh('echo "<$COLOUR>"', env=[from_map("colour", optional=True)]), restartPolicy="Never"))
    assert here.log() == "<>\n"


def test_variables_come_from_maps_fields_resources_and_one_another() -> None:
    env = [
        {"name": "FIRST", "value": "one"},
        {"name": "SECOND", "value": "$(FIRST) and $(NOSUCH) and $$(FIRST)"},
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ]
    limits = {"limits": {"cpu": "500m"}}
    script = 'echo "$FIRST/$SECOND/$NAME/$CPU/$shape"; echo "$NODE"'
    maker = sh(script, env=env, resources=limits, envFrom=[{"configMapRef": {"name": "settings"}}])
    here = Here(config_first := pod(maker, restartPolicy="Never", nodeName="node-2"), settle=False)
    assert config_first
    here.cluster.client.create("configmaps", config_map(shape="round"))
    here.cluster.settle()
    here.cluster.advance(13)
    assert here.log() == "one/one and $(NOSUCH) and $(FIRST)/p/500/round\nnode-2\n"


def test_a_volume_waits_for_its_config_map() -> None:
    mounts = [{"name": "config", "mountPath": "/etc/config"}]
    volumes = [{"name": "config", "configMap": {"name": "settings"}}]
    here = Here(pod(sh("cat /etc/config/colour; sleep infinity", volumeMounts=mounts), volumes=volumes))
    assert here.waiting() == ("ContainerCreating", "")
    assert 'FailedMount: MountVolume.SetUp failed for volume "config" : configmap "settings" not found' in here.events()
    here.cluster.client.create("configmaps", config_map(colour="green"))
    here.cluster.advance(10)
    assert (here.phase, here.log()) == ("Running", "green\n")


def test_a_mounted_map_follows_its_object_but_a_sub_path_and_the_environment_do_not() -> None:
    mounts = [
        {"name": "config", "mountPath": "/etc/config"},
        {"name": "config", "mountPath": "/etc/one", "subPath": "colour"},
    ]
    volumes = [{"name": "config", "configMap": {"name": "settings"}}]
    here = Here(settle=False)
    here.cluster.client.create("configmaps", config_map(colour="green"))
    here.cluster.client.create(
        "pods", pod(container("main", "nginx", volumeMounts=mounts, env=[from_map("colour")]), volumes=volumes)
    )
    here.cluster.settle()

    def seen() -> str:
        agent = next(k for k in here.cluster.kubelets.values() if k.workers)
        script = "echo $(cat /etc/config/colour) $(cat /etc/one) $COLOUR"
        return agent.exec(here.get(), "main", ["sh", "-c", script])[0].decode().strip()

    assert seen() == "green green green"
    here.cluster.client.patch("configmaps", "settings", {"data": {"colour": "red"}}, "default")
    here.cluster.settle()
    assert seen() == "green green green", "volumes follow eventually, not at once"
    here.cluster.advance(60)
    assert seen() == "red green green"


def test_secrets_and_the_downward_api_are_files() -> None:
    projected = {
        "sources": [
            {"secret": {"name": "login", "items": [{"key": "password", "path": "secret/password"}]}},
            {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        ]
    }
    mounts = [{"name": "all", "mountPath": "/all"}]
    made = pod(sh("cat /all/secret/password /all/labels", volumeMounts=mounts), restartPolicy="Never",
               volumes=[{"name": "all", "projected": projected}])  # fmt: skip
    made = {**made, "metadata": {**made["metadata"], "labels": {"app": "x"}}}
    here = Here(settle=False)
    meta = {"name": "login", "namespace": "default"}
    here.cluster.client.create(
        "secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"password": "c2VzYW1l"}}
    )
    here.cluster.client.create("pods", made)
    here.cluster.settle()
    assert here.log() == 'sesameapp="x"\n'


def test_containers_of_a_pod_share_an_empty_directory_and_localhost() -> None:
    mounts = {"volumeMounts": [{"name": "web", "mountPath": "/usr/share/nginx/html"}]}
    writer = sh("echo hello > /usr/share/nginx/html/index.html; sleep infinity", "writer", **mounts)
    here = Here(pod(container("main", "nginx", **mounts), writer, volumes=[{"name": "web", "emptyDir": {}}]))
    agent = next(k for k in here.cluster.kubelets.values() if k.workers)
    assert agent.exec(here.get(), "writer", ["wget", "-qO-", "localhost"])[0] == b"hello\n"
    assert '"GET / HTTP/1.1" 200 6' in here.log()
