"""`connect`: the embedded cluster, or a live one in which nothing is touched that is not the notebook's."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from k8snb import CannotConnect, Cluster, NeedsEmbedded, NeedsYes, connect
from k8snb.errors import StatusError
from k8snb.live import commands, joining
from k8snb.live.cluster import LiveCluster
from k8snb.live.opening import wishes
from k8snb.live.session import Session
from tests.live.door import Door


@pytest.fixture
def notebook(live: Door) -> Iterator[LiveCluster]:
    with connected() as found:
        yield found


def connected() -> LiveCluster:
    found = connect(nodes=3, seed=1)
    assert isinstance(found, LiveCluster)
    return found


def test_without_a_context_it_is_the_embedded_cluster_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("K8SNB_CONTEXT", raising=False)
    told = [made.kubectl("get nodes,pods -A -o yaml") for made in (connect(nodes=2, seed=5), Cluster(nodes=2, seed=5))]
    assert told[0] == told[1]


def test_what_a_page_types_happens_in_a_namespace_of_its_own(notebook: LiveCluster, live: Door) -> None:
    notebook.kubectl("create deployment web --image=nginx --replicas=2")
    notebook.settle()
    pods = notebook.client.list("pods", "default")
    assert [pod["metadata"]["namespace"] for pod in pods] == [notebook.home] * 2
    assert [pod["status"]["phase"] for pod in pods] == ["Running"] * 2
    assert live.cluster.client.list("pods", "default") == []
    assert "Pod web-" in str(notebook.diagram("deployment/web"))


def test_who_can_do_what_is_told_to_those_who_may_read_bindings(notebook: LiveCluster, live: Door) -> None:
    admin = live.cluster.kubectl
    admin(f"create rolebinding omar -n {notebook.home} --clusterrole=view --user=omar")
    with pytest.raises(StatusError, match='cannot list resource "clusterrolebindings"'):
        notebook.who_can("pods")
    kinds = "clusterrolebindings,rolebindings,clusterroles,roles,subjectaccessreviews"
    admin(f"create clusterrole asks --verb=list,create --resource={kinds}")
    admin("create clusterrolebinding asks --clusterrole=asks --serviceaccount=people:guest")
    found = notebook.who_can("pods", "get delete")
    admin("delete clusterrolebinding asks")
    assert (found["omar", "get"].allowed, found["omar", "delete"].allowed) == (True, False)


def test_its_namespace_says_whose_it_is_and_lets_no_pod_near_the_machine(notebook: LiveCluster, live: Door) -> None:
    labels = live.cluster.client.get("namespaces", notebook.home)["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "k8snb"
    told = notebook.kubectl("run bad --image=nginx --privileged")
    assert 'violates PodSecurity "baseline:latest"' in told


def test_every_write_is_rehearsed_first(notebook: LiveCluster, live: Door) -> None:
    live.asked.clear()
    notebook.kubectl("create configmap c --from-literal=a=b")
    notebook.kubectl("delete configmap c --wait=false")
    path = f"/api/v1/namespaces/{notebook.home}/configmaps"
    writes = [line for line in live.asked if not line.startswith("GET")]
    assert writes == [f"POST {path}?dryRun", f"POST {path}", f"DELETE {path}/c?dryRun dry", f"DELETE {path}/c"]


def test_what_the_rehearsal_refuses_does_not_happen(notebook: LiveCluster, live: Door) -> None:
    live.asked.clear()
    told = notebook.kubectl('run web --image=nginx --overrides=\'{"spec": {"nodeName": "A b"}}\'')
    assert told.startswith("The Pod ")
    assert [line for line in live.asked if line.startswith("POST")] == [
        f"POST /api/v1/namespaces/{notebook.home}/pods?dryRun"
    ]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("create namespace team-a", "create namespaces concerns the whole cluster; K8SNB_ALLOW=namespaces is a yes"),
        ("label node node-1 disk=ssd", "patch nodes/node-1 concerns the whole cluster"),
        ("delete node node-1", "delete nodes/node-1 concerns the whole cluster"),
        ("run web --image=nginx -n kube-system", "the namespace kube-system is not of this notebook"),
        ("delete serviceaccount guest -n people", "the namespace people is not of this notebook"),
        ("delete namespace people", "delete namespaces/people concerns the whole cluster"),
    ],
)
def test_nothing_else_is_touched_and_kubectl_says_so(notebook: LiveCluster, live: Door, command: str, why: str) -> None:
    before = live.objects()
    live.asked.clear()
    assert why in notebook.kubectl(command)
    assert [line for line in live.asked if not line.startswith("GET")] == []
    assert live.objects() == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/namespaces/{home}/../people/configmaps"),
        ("POST", "/api/v1/namespaces/{home}%2F..%2Fpeople/configmaps"),
        ("POST", "/api/v1/namespaces/{home}/%2e%2e/people/configmaps"),
        ("POST", "//api/v1/namespaces/people/configmaps"),
        ("POST", "/api/v1/namespaces/people/configmaps/"),
        ("GET", "/api/v1/namespaces/people/pods/web/exec"),
        ("DELETE", "/api/v1/namespaces/people/status"),
        ("PUT", "/version"),
        ("GET", "/api/v1/namespaces/people/services/web/proxy/shutdown"),
        ("GET", "/api/v1/nodes/node-1/proxy/run/people/web/web"),
        ("POST", "/apis/example.com/v1/namespaces/people/tokenreviews"),
        ("DELETE", "/apis/authorization.k8s.io/v1/subjectaccessreviews"),
    ],
)
def test_no_path_leads_around_the_guard(notebook: LiveCluster, live: Door, method: str, path: str) -> None:
    live.asked.clear()
    with pytest.raises(NeedsYes):
        notebook.client.request(method, path.format(home=notebook.home), {}, {}, b"{}")
    assert live.asked == []


def test_with_a_yes_it_makes_namespaces_and_still_deletes_no_others(
    live: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K8SNB_ALLOW", "namespaces")
    before = live.objects()
    with connected() as notebook:
        assert "created" in notebook.kubectl("create namespace team-a")
        assert "created" in notebook.kubectl("run web --image=nginx -n team-a")
        assert "it is not of this notebook" in notebook.kubectl("delete namespace people")
        assert "not of this notebook" in notebook.kubectl("label namespace people a=b")
    assert live.objects() == before


def test_what_only_the_embedded_cluster_can_do_says_so(notebook: LiveCluster) -> None:
    said = []
    for ask in (
        lambda: notebook.fork(),
        lambda: notebook.rewind(1),
        lambda: notebook.stop("kube-scheduler"),
        lambda: notebook.etcd.leader,
        lambda: notebook.advance(3600),
        lambda: notebook.packet("a", "http://b/"),
    ):
        with pytest.raises(NeedsEmbedded) as error:
            ask()
        said.append(str(error.value))
    assert said == [
        "needs the embedded cluster: fork: a live cluster has one future",
        "needs the embedded cluster: rewind: a live cluster does not go back",
        "needs the embedded cluster: stop: the parts of a live cluster are not ours to stop",
        "needs the embedded cluster: etcd: only the embedded cluster has it",
        "needs the embedded cluster: advance: 3600 seconds are real ones here, and K8SNB_PATIENCE is 5",
        "needs the embedded cluster: packet: only the embedded cluster has it",
    ]
    assert not hasattr(notebook, "fork")
    assert getattr(notebook, "past", None) is None
    with pytest.raises(AttributeError, match="no_such_thing"):
        notebook.no_such_thing  # noqa: B018


def test_the_official_client_comes_through_the_same_door(notebook: LiveCluster) -> None:
    from kubernetes import client, watch

    core = client.CoreV1Api(notebook.api_client)
    core.create_namespaced_config_map("default", {"metadata": {"name": "c"}})
    assert [each.metadata.name for each in core.list_namespaced_config_map(notebook.home).items] == [
        "c",
        "kube-root-ca.crt",
    ]
    seen = client.CoreV1Api(notebook.api_client).list_namespaced_config_map
    events = watch.Watch().stream(seen, "default", timeout_seconds=1)
    assert next(events)["object"].metadata.namespace == notebook.home
    with pytest.raises(NeedsYes):
        core.create_namespaced_config_map("people", {"metadata": {"name": "c"}})


def test_whoever_asks_for_a_dry_run_gets_one(notebook: LiveCluster, live: Door) -> None:
    notebook.kubectl("create configmap c")
    path = f"/api/v1/namespaces/{notebook.home}/configmaps/c"
    notebook.client.request("DELETE", path, {}, {}, b'{"dryRun": ["All"]}')
    assert notebook.client.find("configmaps", "c", "default") is not None
    live.asked.clear()  # beside options the query counts for nothing, so it is rehearsed as ever
    notebook.client.request("DELETE", path, {"dryRun": "All"}, {}, b'{"gracePeriodSeconds": 0}')
    assert live.asked == [f"DELETE {path}?dryRun dry", f"DELETE {path}?dryRun"]


def test_what_is_made_for_the_whole_cluster_without_a_name_gets_one_that_is_noted(
    live: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K8SNB_ALLOW", "namespaces")
    before = live.objects()
    with connected() as notebook:
        notebook.client.create("namespaces", {"metadata": {"generateName": "team-"}})
        [made] = notebook._session.territory.made
        assert made.startswith("namespaces/team-")
        apply = {"fieldManager": "me", "force": "true"}
        body = b'{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "applied"}}'
        headers = {"content-type": "application/apply-patch+yaml"}
        assert notebook.client.request("PATCH", "/api/v1/namespaces/applied", apply, headers, body).code == 201
        assert "created" in notebook.kubectl("create configmap c -n applied")
    assert live.objects() == before


WIDGETS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
"""


def test_kinds_that_somebody_defines_are_known(live: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8SNB_ALLOW", "customresourcedefinitions")
    before = live.objects()
    with connected() as notebook:
        notebook.kubectl("apply -f -", WIDGETS)
        notebook.kubectl("wait --for=condition=Established crd/widgets.example.com")
        made = notebook.kubectl("apply -f -", "{apiVersion: example.com/v1, kind: Widget, metadata: {name: one}}")
        assert made == "widget.example.com/one created\n"
        assert notebook.kubectl("get widgets -o name") == "widget.example.com/one\n"
    assert live.objects() == before


# -- cleaning up -------------------------------------------------------------------------------------------


def test_when_the_notebook_lets_go_everything_is_as_it_was(live: Door) -> None:
    before = live.objects()
    notebook = connected()
    notebook.kubectl("create deployment web --image=nginx")
    notebook.settle()
    assert live.objects() != before
    del notebook
    assert live.objects() == before


def test_finalizers_that_a_page_has_invented_hold_nothing(live: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8SNB_ALLOW", "namespaces")
    theirs = {"metadata": {"name": "theirs", "finalizers": ["example.com/unpack"]}}
    live.cluster.client.create("configmaps", theirs, "default")
    before = live.objects()
    notebook = connected()
    notebook.kubectl("create namespace attic")
    for namespace in (notebook.home, "attic"):
        box = {"metadata": {"name": "box", "finalizers": ["example.com/unpack"]}}
        notebook.client.create("configmaps", box, namespace)
    notebook.kubectl("delete configmap box --wait=false")
    notebook.close()
    live.cluster.advance(30)
    assert live.objects() == before


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_cell_leaves_nothing(live: Door, error: type[BaseException]) -> None:
    before = live.objects()

    def cell() -> None:
        with connected() as notebook:
            notebook.kubectl("run web --image=nginx")
            raise error

    with pytest.raises(error):
        cell()
    assert live.objects() == before


def test_an_interrupted_connect_leaves_nothing(live: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control-C after the namespace was made, and before the Lease is."""
    before = live.objects()

    def interrupted(self: Session) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "_lease", interrupted)
    with pytest.raises(KeyboardInterrupt):
        connect()
    assert live.objects() == before


def killed(live: Door, monkeypatch: pytest.MonkeyPatch, holder: str, lasts: str = "600") -> str:
    """A notebook whose kernel was killed: its session as that kernel left it."""
    notebook = connected()
    notebook.kubectl("create deployment web --image=nginx")
    notebook._finalizer.detach()
    joining._here.clear()
    patch = {"spec": {"holderIdentity": holder, "leaseDurationSeconds": int(lasts)}}
    name = f"k8snb-{notebook._session.territory.session}"
    live.cluster.client.patch("leases", name, patch, notebook.home)
    return notebook.home


def test_the_next_connect_removes_what_a_killed_kernel_left(live: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from k8snb.live.holders import holder

    before = live.objects()
    dead = holder().rpartition("/")[0] + "/1"
    left = killed(live, monkeypatch, dead)
    with connected() as notebook:
        live.cluster.settle()
        assert live.cluster.client.find("namespaces", left) is None
        assert live.cluster.client.find("namespaces", notebook.home) is not None
    assert live.objects() == before


def test_the_session_of_another_machine_is_left_alone_until_its_lease_expires(
    live: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = live.objects()
    left = killed(live, monkeypatch, "elsewhere/1/1")
    with connected():
        assert live.cluster.client.find("namespaces", left) is not None
        name = live.cluster.client.list("leases", left)[0]["metadata"]["name"]
        live.cluster.client.patch("leases", name, {"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}}, left)
    with connected():  # by the clock of that machine, which may go wrong; by the cluster's it has just been written
        assert live.cluster.client.find("namespaces", left) is not None
        with live.lock:
            live.cluster.advance(700)
    with connected():
        live.cluster.settle()
        assert live.cluster.client.find("namespaces", left) is None
    assert live.objects() == before


def test_the_session_says_that_it_lives(notebook: LiveCluster, live: Door) -> None:
    [before] = live.cluster.client.list("leases", notebook.home)
    notebook._session.renew()
    [after] = live.cluster.client.list("leases", notebook.home)
    assert after["spec"]["renewTime"] > before["spec"]["renewTime"]
    assert any(each.name == "k8snb-session" for each in threading.enumerate())


def test_who_may_not_have_a_namespace_is_told_how_one_is_lent(live: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    live.cluster.kubectl("delete clusterrolebinding guest-admin")
    live.cluster.kubectl("create rolebinding guest --clusterrole=admin --serviceaccount=people:guest -n people")
    try:
        with pytest.raises(CannotConnect) as error:
            connect()
        assert "K8SNB_NAMESPACE names one that is lent" in str(error.value)
        monkeypatch.setenv("K8SNB_NAMESPACE", "people")
        with connected() as notebook:
            assert "created" in notebook.kubectl("run web --image=nginx")
            assert "is forbidden" in notebook.kubectl("get pods -A")
    finally:
        live.cluster.kubectl("create clusterrolebinding guest-admin --clusterrole=admin --serviceaccount=people:guest")


def test_whoever_cleans_is_told_what_a_finalizer_holds(live: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "GONE_SECONDS", 0.2)
    notebook = connected()
    box = {"metadata": {"name": "box", "finalizers": ["example.org/unpack"]}}
    live.cluster.client.create("configmaps", box, notebook.home)
    assert list(commands.clean(wishes(), every=True))[1:] == [
        "the cluster is still at it: namespaces end when everything in them has ended",
        "  configmaps/box waits for its finalizers: example.org/unpack",
    ]
    live.cluster.client.patch("configmaps", "box", {"metadata": {"finalizers": None}}, notebook.home)
    notebook.close()
