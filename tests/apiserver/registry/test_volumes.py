"""What is wrong with a volume."""

from __future__ import annotations

import pytest

from tests.apiserver.registry.workload_builders import findings


@pytest.mark.parametrize(
    ("volume", "found"),
    [
        ({"name": ""}, "name: Required value"),
        ({"name": "a.b"}, 'name: Invalid value: "a.b": must not contain dots'),
        ({"emptyDir": {}, "hostPath": {"path": "/"}}, "hostPath: Forbidden: may not specify more than 1 volume type"),
        (
            {"emptyDir": {"sizeLimit": "-1"}},
            "emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
        ),
        ({"hostPath": {}}, "hostPath.path: Required value"),
        ({"hostPath": {"path": "/a/../b"}}, "hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"),
        (
            {"hostPath": {"path": "/", "type": "Pipe"}},
            'hostPath.type: Unsupported value: "Pipe": supported values: "", "BlockDevice", "CharDevice", "Directory", '
            '"DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
        ),
        ({"secret": {}}, "secret.secretName: Required value"),
        (
            {"secret": {"secretName": "s", "defaultMode": 512}},
            "secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
        ),
        ({"configMap": {}}, "configMap.name: Required value"),
        ({"configMap": {"name": "c", "items": [{"path": "p"}]}}, "configMap.items[0].key: Required value"),
        (
            {"configMap": {"name": "c", "items": [{"key": "k", "path": "..p"}]}},
            "configMap.items[0].path: Invalid value: \"..p\": must not start with '..'",
        ),
        (
            {"configMap": {"name": "c", "items": [{"key": "k", "path": "/p"}]}},
            'configMap.items[0].path: Invalid value: "/p": must be a relative path',
        ),
        ({"persistentVolumeClaim": {}}, "persistentVolumeClaim.claimName: Required value"),
        ({"nfs": {"server": "s", "path": "p"}}, 'nfs.path: Invalid value: "p": must be an absolute path'),
        (
            {"downwardAPI": {"items": [{"path": "p"}]}},
            "downwardAPI: Required value: one of fieldRef and resourceFieldRef is required",
        ),
        (
            {"downwardAPI": {"items": [{"path": "p", "resourceFieldRef": {"resource": "limits.cpu"}}]}},
            "downwardAPI.resourceFieldRef.containerName: Required value",
        ),
        (
            {"downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "spec.nodeName"}}]}},
            'downwardAPI.fieldRef.fieldPath: Unsupported value: "spec.nodeName": supported values: '
            '"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"',
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 60}}]}},
            "projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration "
            "less than 10 minutes",
        ),
        (
            {
                "projected": {
                    "sources": [
                        {"secret": {"name": "s", "items": [{"key": "k", "path": "p"}]}},
                        {"configMap": {"name": "c", "items": [{"key": "k", "path": "p"}]}},
                    ]
                }
            },
            'projected: Invalid value: "c": conflicting duplicate paths',
        ),
        (
            {"projected": {"sources": [{"secret": {"name": "s"}, "configMap": {"name": "c"}}]}},
            "projected.sources[0]: Forbidden: may not specify more than 1 volume type per source",
        ),
        ({"csi": {}}, "csi.driver: Required value"),
        ({"ephemeral": {}}, "ephemeral.volumeClaimTemplate: Required value"),
        (
            {"ephemeral": {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}}},
            "ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is required",
        ),
        ({"image": {}}, "image.reference: Required value"),
    ],
)
def test_a_bad_volume_is_named(volume, found):
    assert findings(volumes=[{"name": "v", **volume}])[0] == f"spec.volumes[0].{found}"


def test_a_name_is_taken_once():
    assert findings(volumes=[{"name": "v"}, {"name": "v"}]) == ['spec.volumes[1].name: Duplicate value: "v"']
