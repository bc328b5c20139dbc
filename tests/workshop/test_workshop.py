"""What a class of thirty is given, held against a cluster: there is room for all of it, and for nobody besides."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.errors import StatusError
from k8snb.helm import run
from k8snb.machinery.quantity import value
from tests.workshop.classroom import (
    HUB,
    HUB_PORT,
    LIMITS,
    NAMESPACE,
    NOTEBOOK,
    PROXY_PORT,
    SERVERS,
    VALUES,
    Classroom,
    home,
    server,
)

OUTSIDE = "203.0.113.10"


@pytest.fixture(scope="module")
def full() -> Classroom:
    """A class in which everybody has come who may."""
    made = Classroom()
    made.join(*(str(number) for number in range(SERVERS)))
    made.cluster.settle()
    return made


def refusal(full: Classroom, resource: str, obj: dict[str, object]) -> str:
    with pytest.raises(StatusError) as refused:
        full.client.create(resource, obj, NAMESPACE)
    return refused.value.message


# -- what the chart takes ----------------------------------------------------------------------------------


def test_helm_installs_both_charts_from_one_file_of_values_and_nobody_warns(full: Classroom) -> None:
    assert [(said.code, "Warning" in said.text) for said in full.said] == [(0, False), (0, False)]


@pytest.mark.parametrize(
    ("set_", "said"),
    [
        ("singleuser.extraPodconfig.a=1", "at '/singleuser': additional properties 'extraPodconfig' not allowed"),
        ("networkPolicy.enabled=true", "at '': additional properties 'networkPolicy' not allowed"),
        ("singleuser.storage.type=dynmic", "at '/singleuser/storage/type': value must be one of 'dynamic', 'static'"),
        ("cull.every=5m", "at '/cull/every': got string, want integer or null"),
        (
            "singleuser.networkPolicy.egressAllowRules.dns=true",
            "at '/singleuser/networkPolicy/egressAllowRules': additional properties 'dns' not allowed",
        ),
        ("hub.config.authenticator.a=1", "at '/hub/config': invalid propertyName 'authenticator'"),
    ],
)
def test_the_schema_refuses_what_the_chart_would_not_read(full: Classroom, set_: str, said: str) -> None:
    assert said in full.helm(f"template {HUB} --set {set_}").text


def test_nobody_gets_in_before_passwords_are_set() -> None:
    config = VALUES["hub"]["config"]
    assert config["JupyterHub"]["authenticator_class"] == "shared-password"  # `dummy` takes any word if none is set
    assert config["SharedPasswordAuthenticator"] == {"user_password": None, "admin_password": None}


# -- what the class may take -------------------------------------------------------------------------------


def test_every_participant_runs_beside_hub_and_proxy_and_the_pullers(full: Classroom) -> None:
    phases = [pod["status"]["phase"] for pod in full.client.list("pods", NAMESPACE)]
    assert phases == ["Running"] * (SERVERS + 2 + 2 * 4)


def test_who_comes_when_all_seats_are_taken_is_refused_with_the_number_of_seats(full: Classroom) -> None:
    limits = "limits.cpu=1,limits.memory=1073741824,pods=1,requests.cpu=100m,requests.memory=536870912"
    assert refusal(full, "pods", server("late")) == (
        f'pods "jupyter-late" is forbidden: exceeded quota: participants, requested: {limits}, '
        "used: limits.cpu=32,limits.memory=34359738368,pods=32,requests.cpu=3200m,requests.memory=17179869184, "
        "limited: limits.cpu=32,limits.memory=32Gi,pods=32,requests.cpu=3200m,requests.memory=16Gi"
    )


def test_a_seat_that_becomes_free_is_the_next_ones(full: Classroom) -> None:
    full.client.delete("pods", "jupyter-31", NAMESPACE)
    full.cluster.settle()
    full.client.create("pods", server("late"), NAMESPACE)
    full.cluster.settle()
    assert full.client.get("pods", "jupyter-late", NAMESPACE)["status"]["phase"] == "Running"


def test_what_is_no_participants_takes_no_seat_but_has_an_end_too(full: Classroom) -> None:
    hard = full.client.get("resourcequotas", "workshop", NAMESPACE)["status"]
    assert (hard["hard"]["pods"], hard["used"]["pods"]) == ("60", "42")
    assert full.client.get("resourcequotas", "participants", NAMESPACE)["status"]["used"]["pods"] == "32"


def test_a_server_cannot_have_more_than_the_values_say(full: Classroom) -> None:
    greedy = server("greedy")
    greedy["spec"]["containers"][0]["resources"]["limits"]["memory"] = "2Gi"
    assert "maximum memory usage per Container is 1Gi, but limit is 2Gi" in refusal(full, "pods", greedy)


def test_homes_have_a_size_and_a_number(full: Classroom) -> None:
    large = home("large")
    large["spec"]["resources"]["requests"]["storage"] = "2Gi"
    said = refusal(full, "persistentvolumeclaims", large)
    assert "maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi" in said
    quota = full.client.get("resourcequotas", "workshop", NAMESPACE)["status"]
    assert (quota["used"]["persistentvolumeclaims"], quota["hard"]["persistentvolumeclaims"]) == ("33", "40")


def test_nobody_opens_a_door_to_the_outside(full: Classroom) -> None:
    spec = {"type": "NodePort", "selector": {"component": "hub"}, "ports": [{"port": 80}]}
    door = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "door"}, "spec": spec}
    assert "exceeded quota: workshop, requested: services.nodeports=1" in refusal(full, "services", door)


@pytest.mark.parametrize(
    ("sets", "hard"),
    [
        ("hub.activeServerLimit=12", {"pods": 12, "requests.memory": 12 * 2**29, "limits.cpu": 12}),
        (
            "singleuser.memory.limit=1.5G --set-json singleuser.cpu.limit=0.5",
            {"limits.memory": 48 * 2**30, "limits.cpu": 16},
        ),
        ("singleuser.memory.guarantee=268435456", {"requests.memory": 8 * 2**30}),
    ],
)
def test_the_quota_follows_the_values(sets: str, hard: dict[str, int]) -> None:
    cluster = Cluster(nodes=0, seed=1)
    cluster.kubectl(f"create namespace {NAMESPACE}")
    assert run(cluster, f"install {LIMITS} --set {sets}").code == 0
    made = cluster.client.get("resourcequotas", "participants", NAMESPACE)["spec"]["hard"]
    assert {name: value(made[name]) for name in hard} == hard


def test_the_limits_say_which_value_they_cannot_do_without() -> None:
    said = run(Cluster(nodes=0, seed=1), f"template {LIMITS} --set singleuser.memory.limit=null").text
    assert "- at '/singleuser/memory/limit': got null, want integer or string" in said


# -- whom a participant reaches ----------------------------------------------------------------------------


def test_a_participant_reaches_names_hub_and_proxy(full: Classroom) -> None:
    ada = full.address("singleuser-server")
    assert full.cluster.network.resolve(ada, "hub")
    assert full.reaches(ada, "hub", HUB_PORT)
    assert full.reaches(ada, full.address("hub"), HUB_PORT)
    assert full.reaches(ada, full.address("proxy"), PROXY_PORT)


def test_a_participant_reaches_nobody_else(full: Classroom) -> None:
    ada, ben = full.address("singleuser-server"), full.address("singleuser-server", 1)
    api = full.client.get("services", "kubernetes", "default")["spec"]["clusterIP"]
    node = full.cluster.network.addresses.address_of("node-2")
    tried = [
        (ben, NOTEBOOK),
        (api, 443),
        (node, 10250),
        ("169.254.169.254", 80),
        (OUTSIDE, 443),
        (full.address("proxy"), 8001),
    ]
    assert {where: full.reaches(ada, *where) for where in tried} == dict.fromkeys(tried, False)


def test_only_hub_and_proxy_come_to_a_server(full: Classroom) -> None:
    ada = full.address("singleuser-server")
    assert [full.reaches(full.address(part), ada, NOTEBOOK) for part in ("hub", "proxy")] == [True, True]
    full.cluster.kubectl("run stranger --image=nginx -n default")
    full.cluster.settle()
    stranger = full.client.get("pods", "stranger", "default")["status"]["podIP"]
    assert not full.reaches(stranger, ada, NOTEBOOK)
