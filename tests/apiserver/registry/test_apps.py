"""Workloads: their defaults, what is wrong with them, and what may change."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.registry.apps import (
    ControllerRevisionStrategy,
    DaemonSetStrategy,
    DeploymentStrategy,
    ReplicaSetStrategy,
)
from k8snb.apiserver.registry.replication import PodTemplateStrategy, ReplicationControllerStrategy
from k8snb.apiserver.registry.stateful_sets import StatefulSetStrategy
from k8snb.apiserver.registry.table import STRATEGIES
from k8snb.apiserver.registry.workloads import WorkloadStrategy
from k8snb.machinery.names import Lottery
from tests.apiserver.registry.workload_builders import container, template, texts, workload

DEPLOYMENTS = DeploymentStrategy()
REPLICA_SETS = ReplicaSetStrategy()
STATEFUL_SETS = StatefulSetStrategy()
DAEMON_SETS = DaemonSetStrategy()
ALL = [DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS]


def made(strategy: WorkloadStrategy, /, **fields: Any) -> Any:
    return strategy.prepare_create(strategy.default(workload(**fields)))


def own(strategy: WorkloadStrategy, /, **fields: Any) -> dict[str, Any]:
    """The defaulted spec without selector and template."""
    spec = strategy.default(workload(**fields))["spec"]
    return {k: v for k, v in spec.items() if k not in ("selector", "template")}


def found(strategy: WorkloadStrategy, /, **fields: Any) -> list[str]:
    return texts(strategy.validate(strategy.default(workload(**fields))))


def changed(strategy: WorkloadStrategy, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    old, new = made(strategy, **before), strategy.default(workload(**after))
    new = strategy.prepare_update(new, old)
    return texts([*strategy.validate(new), *strategy.validate_update(new, old)])


def test_the_table_knows_every_workload():
    made_from_table = {name: STRATEGIES[name](Lottery(1)) for name in STRATEGIES}
    assert isinstance(made_from_table["deployments.apps"], DeploymentStrategy)
    assert isinstance(made_from_table["replicationcontrollers"], ReplicationControllerStrategy)
    assert isinstance(made_from_table["podtemplates"], PodTemplateStrategy)


def test_defaults_of_a_deployment():
    assert own(DEPLOYMENTS) == {
        "replicas": 1,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    }


def test_recreate_has_no_parameters():
    assert own(DEPLOYMENTS, strategy={"type": "Recreate"})["strategy"] == {"type": "Recreate"}


def test_defaults_of_a_replica_set():
    assert own(REPLICA_SETS) == {"replicas": 1}


def test_zero_replicas_stay_zero():
    assert own(REPLICA_SETS, replicas=0) == {"replicas": 0}


def test_defaults_of_a_stateful_set():
    assert own(STATEFUL_SETS, serviceName="web") == {
        "serviceName": "web",
        "replicas": 1,
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "revisionHistoryLimit": 10,
    }


def test_the_claims_of_a_stateful_set_say_what_they_are():
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    assert own(STATEFUL_SETS, volumeClaimTemplates=[claim])["volumeClaimTemplates"] == [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem", "resources": {}},
            "status": {"phase": "Pending"},
        }
    ]


def test_defaults_of_a_daemon_set():
    assert own(DAEMON_SETS) == {
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
        "revisionHistoryLimit": 10,
    }


@pytest.mark.parametrize("strategy", ALL, ids=lambda s: type(s).__name__)
def test_a_complete_workload_is_valid_and_comes_back_as_the_same_object(strategy):
    complete = strategy.default(workload())
    assert strategy.default(complete) is complete
    assert texts(strategy.validate(complete)) == []


@pytest.mark.parametrize(
    ("strategy", "status"),
    [
        (DEPLOYMENTS, {}),
        (REPLICA_SETS, {"replicas": 0}),
        (STATEFUL_SETS, {"replicas": 0, "availableReplicas": 0}),
        (
            DAEMON_SETS,
            {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_new_workload_has_done_nothing_yet(strategy, status):
    claimed = {**strategy.default(workload()), "status": {"replicas": 7}}
    assert strategy.prepare_create(claimed)["status"] == status


def test_a_deployment_with_many_faults_reports_them_as_a_real_api_server_does():
    bad = {"metadata": {"labels": {"app": "b"}}, "spec": {"restartPolicy": "Never", "containers": []}}
    assert found(DEPLOYMENTS, replicas=-1, template=bad) == [
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
        'spec.template.metadata.labels: Invalid value: {"app":"b"}: `selector` does not match template `labels`',
        "spec.template.spec.containers: Required value",
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]


@pytest.mark.parametrize(
    ("strategy", "fields", "expected"),
    [
        (
            DEPLOYMENTS,
            {"selector": None},
            [
                "spec.selector: Required value",
                'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template '
                "`labels`",
            ],
        ),
        (
            DEPLOYMENTS,
            {"strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 0}}},
            [
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
            ],
        ),
        (
            DEPLOYMENTS,
            {"strategy": {"rollingUpdate": {"maxUnavailable": "0%", "maxSurge": "0%"}}},
            [
                'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
            ],
        ),
        (
            DEPLOYMENTS,
            {"strategy": {"rollingUpdate": {"maxSurge": "lots"}}},
            [
                'spec.strategy.rollingUpdate.maxSurge: Invalid value: "lots": a valid percent string must be a numeric '
                "string followed by an ending '%' (e.g. '1%', or '93%', regex used for validation is '[0-9]+%')",
            ],
        ),
        (
            DEPLOYMENTS,
            {"strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}},
            ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
        ),
        (
            DEPLOYMENTS,
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
        ),
        (
            DEPLOYMENTS,
            {"progressDeadlineSeconds": 5, "minReadySeconds": 5},
            ["spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"],
        ),
        (
            DEPLOYMENTS,
            {"revisionHistoryLimit": -1},
            ["spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            REPLICA_SETS,
            {"template": template(activeDeadlineSeconds=5)},
            [
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not "
                "Supported"
            ],
        ),
        (
            DAEMON_SETS,
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}},
            [
                "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when "
                "maxUnavailable is non-zero"
            ],
        ),
        (
            DAEMON_SETS,
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}},
            ["spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"],
        ),
        (
            DAEMON_SETS,
            {"template": template(restartPolicy="OnFailure")},
            ['spec.template.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Always"'],
        ),
        (
            STATEFUL_SETS,
            {"podManagementPolicy": "Random"},
            ["spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'"],
        ),
        (
            STATEFUL_SETS,
            {"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}},
            [
                'spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy '
                "'RollingUpdate'"
            ],
        ),
        (
            STATEFUL_SETS,
            {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": -1}}},
            [
                "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0",
            ],
        ),
        (
            STATEFUL_SETS,
            {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Shred"}},
            [
                'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Shred": supported values: '
                '"Retain", "Delete"'
            ],
        ),
        (
            DEPLOYMENTS,
            {"template": template(ephemeralContainers=[container("debug")])},
            ["spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template"],
        ),
    ],
)
def test_a_bad_workload_is_named(strategy, fields, expected):
    assert found(strategy, **fields) == expected


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [
        (DEPLOYMENTS, "deployment"),
        (REPLICA_SETS, "deployment"),
        (STATEFUL_SETS, "statefulset"),
        (DAEMON_SETS, "daemonset"),
    ],
)
def test_a_selector_selects_something(strategy, kind):
    expected = [f"spec.selector: Invalid value: {{}}: empty selector is invalid for {kind}"]
    assert found(strategy, selector={}) == expected


def test_the_pods_of_a_stateful_set_may_mount_their_claims():
    mounting = template(containers=[container(volumeMounts=[{"name": "data", "mountPath": "/d"}])])
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    assert found(STATEFUL_SETS, template=mounting, volumeClaimTemplates=[claim]) == []
    assert found(STATEFUL_SETS, template=mounting) == [
        'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"'
    ]


def test_the_selector_of_a_deployment_stays():
    assert changed(DEPLOYMENTS, {}, {"selector": {"matchLabels": {"app": "other"}}}) == [
        'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
        'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable',
    ]


def test_hardly_anything_of_a_stateful_set_may_change():
    assert changed(STATEFUL_SETS, {"serviceName": "web"}, {"serviceName": "web", "replicas": 3}) == []
    assert changed(STATEFUL_SETS, {"serviceName": "web"}, {"serviceName": "other"}) == [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
        "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
        "forbidden"
    ]


def test_annotations_count_for_the_generation_of_a_deployment_only():
    plain = workload()
    noted = {**plain, "metadata": {**plain["metadata"], "annotations": {"note": "x"}}}
    assert DEPLOYMENTS.content(plain) != DEPLOYMENTS.content(noted)
    assert REPLICA_SETS.content(plain) == REPLICA_SETS.content(noted)


def test_a_daemon_set_counts_the_versions_of_its_template():
    def generation(obj: Any) -> str:
        return obj["metadata"]["annotations"]["deprecated.daemonset.template.generation"]

    old = made(DAEMON_SETS)
    same = DAEMON_SETS.prepare_update({**old, "metadata": {"name": "web"}}, old)
    other = DAEMON_SETS.prepare_update(DAEMON_SETS.default(workload(template=template(hostNetwork=True))), old)
    assert [generation(obj) for obj in (old, same, other)] == ["1", "1", "2"]


def test_an_update_keeps_the_status():
    old = {**made(DEPLOYMENTS), "status": {"replicas": 3}}
    assert DEPLOYMENTS.prepare_update({**old, "status": {}}, old)["status"] == {"replicas": 3}


@pytest.mark.parametrize(
    ("strategy", "status", "expected"),
    [
        (DEPLOYMENTS, {"replicas": 3, "readyReplicas": 2, "availableReplicas": 2, "updatedReplicas": 3}, []),
        (
            DEPLOYMENTS,
            {"replicas": 1, "readyReplicas": 2},
            ["status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"],
        ),
        (
            REPLICA_SETS,
            {"replicas": 2, "readyReplicas": 1, "availableReplicas": 2},
            ["status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas"],
        ),
        (
            STATEFUL_SETS,
            {"replicas": -1},
            ["status.replicas: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            DAEMON_SETS,
            {"numberReady": -1},
            ["status.numberReady: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            DEPLOYMENTS,
            {"collisionCount": 0},
            ["status.collisionCount: Invalid value: 0: cannot be decremented"],
        ),
    ],
)
def test_a_bad_counter_is_named(strategy, status, expected):
    counted = {"collisionCount": 1} if "collisionCount" in status else {}
    old = {**made(strategy), "status": counted}
    assert texts(strategy.validate_status({**old, "status": status}, old))[:1] == expected


def test_a_template_earns_the_warnings_of_its_pods():
    doubled = [container("a", ports=[{"containerPort": 80}]), container("b", ports=[{"containerPort": 80}])]
    obj = DEPLOYMENTS.default(workload(template=template(containers=doubled)))
    assert DEPLOYMENTS.warnings(obj) == [
        "spec.template.spec.containers[1].ports[0]: duplicate port definition with "
        "spec.template.spec.containers[0].ports[0]"
    ]


def test_a_revision_has_data_that_never_changes():
    revisions = ControllerRevisionStrategy()
    assert texts(revisions.validate({"revision": -1})) == [
        "data: Required value: data is mandatory",
        "revision: Invalid value: -1: must be greater than or equal to 0",
    ]
    assert texts(revisions.validate_update({"data": {"a": 1}}, {"data": {"a": 2}})) == [
        'data: Invalid value: {"a":1}: field is immutable'
    ]


def test_a_replication_controller_takes_selector_and_labels_from_its_template():
    controllers = ReplicationControllerStrategy()
    filled = controllers.default({"metadata": {"name": "web"}, "spec": {"template": template()}})
    assert (filled["spec"]["selector"], filled["metadata"]["labels"]) == ({"app": "a"}, {"app": "a"})
    assert controllers.default(filled) is filled
    assert texts(controllers.validate(filled)) == []


def test_a_replication_controller_matches_its_template():
    controllers = ReplicationControllerStrategy()
    given = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "b"}, "template": template()}}
    assert texts(controllers.validate(controllers.default(given))) == [
        'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'
    ]


def test_a_pod_template_is_checked_like_any_other():
    templates = PodTemplateStrategy()
    filled = templates.default({"metadata": {"name": "t"}, "template": {"spec": {"containers": []}}})
    assert texts(templates.validate(filled)) == ["template.spec.containers: Required value"]
