"""Objects as messages of the API server quote them."""

from __future__ import annotations

from k8snb.errors import quoted
from k8snb.machinery.internal import internal


def test_a_struct_is_shown_whole_and_in_the_order_of_its_type() -> None:
    assert quoted(internal("VolumeMount", {"mountPath": "/data", "name": "v"})) == (
        '{"Name":"v","ReadOnly":false,"RecursiveReadOnly":null,"MountPath":"/data","SubPath":"","MountPropagation":null,'
        '"SubPathExpr":""}'
    )


def test_a_template_begins_with_its_metadata_in_the_spelling_of_the_api() -> None:
    container = {"name": "a", "image": "busybox", "resources": {"limits": {"cpu": "1"}}}
    template = {"metadata": {"labels": {"b": "2", "a": "1"}}, "spec": {"hostPID": True, "containers": [container]}}
    text = quoted(internal("PodTemplateSpec", template))
    assert text.startswith(
        '{"labels":{"a":"1","b":"2"},"Spec":{"Volumes":null,"InitContainers":null,"Containers":[{"Name":"a",'
        '"Image":"busybox","Command":null,"Args":null,"WorkingDir":"","Ports":null,"EnvFrom":null,"Env":null,'
        '"Resources":{"Limits":{"cpu":"1"},"Requests":null,"Claims":null},"ResizePolicy":null,'
    )
    assert '"SecurityContext":{"HostNetwork":false,"HostPID":true,"HostIPC":false,"ShareProcessNamespace":null' in text
