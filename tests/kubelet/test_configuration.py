"""Config maps and secrets as files and variables: what is there, when it follows, and what is said if it is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.typing import Object
from tests.kubelet.pods import Here, container, pod, sh


def config_map(name: str = "settings", *, data: dict[str, str], **more: Any) -> Object:
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data, **more}


def secret(name: str, **data: str) -> Object:
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}


def with_volume(source: Object, image: str = "busybox:1.36", **mount: Any) -> Object:
    mounts = [{"name": "config", "mountPath": "/etc/config", **mount}]
    main = container("main", image, *(["sleep", "infinity"] if "busybox" in image else []), volumeMounts=mounts)
    return pod(main, volumes=[{"name": "config", **source}])


def here_with(*objects: Object) -> Here:
    here = Here(settle=False)
    for each in objects:
        here.cluster.client.create(f"{each['kind'].lower()}s", each)
    here.cluster.settle()
    return here


def run(here: Here, script: str) -> str:
    return here.cluster.kubectl(f'exec p -- sh -c "{script}"')


def test_what_is_mounted_are_links_through_one_directory_that_is_exchanged() -> None:
    source = {"configMap": {"name": "settings", "defaultMode": 0o440, "items": [{"key": "a.b", "path": "x/y"}]}}
    here = here_with(config_map(data={"a.b": "1", "c": "2"}), with_volume(source))
    long = run(here, "ls -la /etc/config").splitlines()
    [directory] = [line.split()[-1] for line in long if "..2026" in line and "->" not in line]
    assert [line[:10] + line[56:] for line in long[1:]] == [
        "drwxrwxrwx .",
        "drwxr-xr-x ..",
        f"drwxr-xr-x {directory}",
        f"lrwxrwxrwx ..data -> {directory}",
        "lrwxrwxrwx x -> ..data/x",
    ]
    assert run(here, "ls -l /etc/config/x/ | tail -n 1")[:10] == "-r--r-----"
    assert run(here, "find /etc/config -type f; cat /etc/config/..data/x/y") == f"/etc/config/{directory}/x/y\n1"
    here.cluster.client.patch("configmaps", "settings", {"data": {"a.b": "3"}}, "default")
    here.cluster.advance(60)
    assert directory not in run(here, "ls -a /etc/config")
    assert run(here, "cat /etc/config/x/y") == "3"


def test_gnu_lists_in_columns_of_its_own() -> None:
    here = here_with(config_map(data={"c": "2"}), with_volume({"configMap": {"name": "settings"}}, "nginx"))
    assert run(here, "ls -l /etc/config/..data/").splitlines() == ["total 4", "-rw-r--r-- 1 root root 1 Jan  1 00:00 c"]


def test_whoever_changes_the_pod_has_the_kubelet_look_at_its_volumes_at_once() -> None:
    here = here_with(config_map(data={"c": "old"}), with_volume({"configMap": {"name": "settings"}}))
    here.cluster.client.patch("configmaps", "settings", {"data": {"c": "new"}}, "default")
    here.cluster.settle()
    assert run(here, "cat /etc/config/c") == "old"
    here.cluster.kubectl("annotate pod p look=again")
    here.cluster.settle()
    assert run(here, "cat /etc/config/c") == "new"


def test_a_pod_keeps_what_an_immutable_map_said_even_if_another_takes_its_name() -> None:
    here = here_with(config_map(data={"c": "old"}, immutable=True), with_volume({"configMap": {"name": "settings"}}))
    here.cluster.client.delete("configmaps", "settings", "default")
    here.cluster.client.create("configmaps", config_map(data={"c": "new"}))
    here.cluster.advance(120)
    assert run(here, "cat /etc/config/c") == "old"


def test_a_file_mounted_by_sub_path_is_what_was_there_when_the_container_began() -> None:
    source = {"configMap": {"name": "settings"}}
    here = here_with(config_map(data={"c": "old"}), with_volume(source, "nginx", subPath="c", mountPath="/etc/c"))
    here.cluster.client.patch("configmaps", "settings", {"data": {"c": "new"}}, "default")
    here.cluster.advance(120)
    assert run(here, "cat /etc/c") == "old"
    run(here, "kill 1")
    here.cluster.advance(10)
    assert run(here, "cat /etc/c") == "new"


def test_an_optional_map_may_come_later() -> None:
    here = here_with(with_volume({"configMap": {"name": "settings", "optional": True}}))
    assert run(here, "ls /etc/config") == ""
    here.cluster.client.create("configmaps", config_map(data={"c": "1"}))
    here.cluster.advance(60)
    assert run(here, "ls /etc/config") == "c\n"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({"configMap": {"name": "nosuch"}}, 'configmap "nosuch" not found'),
        ({"secret": {"secretName": "nosuch"}}, 'secret "nosuch" not found'),
        (
            {"configMap": {"name": "settings", "items": [{"key": "nosuch", "path": "x"}]}},
            "configmap references non-existent config key: nosuch",
        ),
        (
            {"secret": {"secretName": "login", "items": [{"key": "nosuch", "path": "x"}]}},
            "references non-existent secret key: nosuch",
        ),
        (
            {"projected": {"sources": [{"secret": {"name": "one"}}, {"configMap": {"name": "two"}}]}},
            '[secret "one" not found, configmap "two" not found]',
        ),
    ],
)
def test_what_can_not_be_mounted_is_said(source: Object, why: str) -> None:
    here = here_with(config_map(data={"c": "1"}), secret("login", user="x"), with_volume(source))
    assert here.waiting() == ("ContainerCreating", "")
    assert f'FailedMount: MountVolume.SetUp failed for volume "config" : {why}' in here.events()


def test_every_key_becomes_a_variable_and_binary_data_does_not() -> None:
    taken = [{"prefix": "MY_", "configMapRef": {"name": "settings"}}, {"secretRef": {"name": "no", "optional": True}}]
    main = sh("env | grep MY_ | sort", envFrom=taken)
    here = here_with(
        config_map(data={"a.b": "1", "2c": "2"}, binaryData={"d": "Mw=="}), pod(main, restartPolicy="Never")
    )
    assert here.log() == "MY_2c=2\nMY_a.b=1\n"


def test_a_secret_s_missing_key_is_named() -> None:
    env = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "login", "key": "nosuch"}}}]
    here = here_with(secret("login", user="x"), pod(sh("true", env=env)))
    assert here.waiting() == ("CreateContainerConfigError", "couldn't find key nosuch in Secret default/login")
