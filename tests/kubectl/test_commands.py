"""Commands against a cluster: what they print, and what they leave behind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from k8snb import Cluster
from tests.kubectl.conftest import Typed

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg}\ndata: {a: '1', b: '2'}\n"


# -- get -----------------------------------------------------------------------------------------------


def test_get_prints_the_servers_table(kubectl: Typed) -> None:
    assert kubectl("get nodes").text == (
        "NAME     STATUS   ROLES    AGE   VERSION\n"
        "node-1   Ready    <none>   0s    v1.36.2\n"
        "node-2   Ready    <none>   0s    v1.36.2\n"
        "node-3   Ready    <none>   0s    v1.36.2\n"
    )


def test_several_kinds_are_listed_one_below_the_other(kubectl: Typed) -> None:
    kubectl("create configmap a --from-literal=k=v")
    assert kubectl("get cm,ns default a --ignore-not-found").text == (
        "NAME          DATA   AGE\nconfigmap/a   1      0s\n\n"
        "NAME                STATUS   AGE\nnamespace/default   Active   0s\n"
    )


def test_nothing_found_is_said_on_the_error_output(kubectl: Typed) -> None:
    output = kubectl("get pods")
    assert (output.stdout, output.stderr, output.code) == ("", "No resources found in default namespace.\n", 0)
    assert kubectl("get nodes -l a=b").stderr == "No resources found\n"


def test_label_columns_and_labels_are_added(kubectl: Typed) -> None:
    kubectl("create configmap a")
    kubectl("label configmap a tier=db")
    assert kubectl("get cm a -L tier --show-labels --no-headers").text == "a     0     0s    db    tier=db\n"


def test_objects_are_sorted_by_any_field(kubectl: Typed) -> None:
    for name, size in (("a", "10"), ("b", "9"), ("c", "1k")):
        kubectl(f"create configmap {name} --from-literal=size={size}")
    names = kubectl("get cm a b c --sort-by=.data.size -o name").stdout.split()
    assert names == ["configmap/b", "configmap/a", "configmap/c"]


def test_one_object_is_printed_by_itself_and_several_as_a_list(kubectl: Typed) -> None:
    kubectl("create configmap a")
    kubectl("create configmap b")
    assert kubectl("get cm a -o jsonpath={.kind}").stdout == "ConfigMap"
    assert kubectl("get cm a b -o jsonpath='{.kind} {.items[*].metadata.name}'").stdout == "List a b"


def test_lists_come_in_chunks_and_are_put_together(kubectl: Typed) -> None:
    for name in "abcde":
        kubectl(f"create configmap {name}")
    assert len(kubectl("get cm --chunk-size=2 -o name").stdout.split()) == 6


def test_custom_columns_name_their_paths(kubectl: Typed) -> None:
    kubectl("create configmap a --from-literal=k=v")
    output = kubectl("get cm a -o custom-columns=NAME:.metadata.name,DATA:.data,NONE:.nope")
    assert output.text == "NAME   DATA       NONE\na      map[k:v]   <none>\n"


def test_a_raw_path_is_printed_as_it_is(kubectl: Typed) -> None:
    assert kubectl("get --raw /api/v1/namespaces/default").stdout.startswith('{"kind":"Namespace","apiVersion":"v1"')
    assert kubectl("get --raw /healthz?verbose").stdout.endswith("healthz check passed\n")


# -- apply ---------------------------------------------------------------------------------------------


def test_apply_creates_then_does_nothing_then_changes(kubectl: Typed) -> None:
    said = [kubectl("apply -f -", text).text for text in (CONFIG, CONFIG, CONFIG.replace("'1'", "'9'"))]
    assert said == ["configmap/cfg created\n", "configmap/cfg unchanged\n", "configmap/cfg configured\n"]


def test_apply_deletes_what_it_applied_and_keeps_what_others_added(kubectl: Typed) -> None:
    kubectl("apply -f -", CONFIG)
    kubectl('patch cm cfg -p \'{"data":{"other":"x"}}\'')
    kubectl("apply -f -", CONFIG.replace(", b: '2'", ""))
    assert kubectl("get cm cfg -o jsonpath={.data}").stdout == '{"a":"1","other":"x"}'


def test_apply_warns_of_what_it_did_not_create(kubectl: Typed) -> None:
    kubectl("create -f -", CONFIG)
    output = kubectl("apply -f -", CONFIG)
    assert output.stderr.startswith("Warning: resource configmaps/cfg is missing the kubectl.kubernetes.io/last-")
    assert output.stdout == "configmap/cfg configured\n"


def test_files_folders_and_streams_are_read(kubectl: Typed, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(CONFIG + "---\n" + CONFIG.replace("cfg", "two"))
    (tmp_path / "b.json").write_text('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"three"}}')
    (tmp_path / "notes.txt").write_text("not a manifest")
    assert kubectl(f"apply -f {tmp_path}").text == "".join(f"configmap/{n} created\n" for n in ("cfg", "two", "three"))
    assert kubectl(f"delete -f {tmp_path / 'b.json'} -f -", CONFIG).text == (
        'configmap "three" deleted from default namespace\nconfigmap "cfg" deleted from default namespace\n'
    )


def test_a_deletion_says_from_which_namespace_if_there_is_one(kubectl: Typed) -> None:
    kubectl("create namespace shop")
    kubectl("create cm cfg -n shop")
    gone = 'configmap "cfg" {how}deleted from shop namespace{dry}\n'
    assert kubectl("delete cm cfg -n shop --dry-run=client").stdout == gone.format(how="", dry=" (dry run)")
    assert kubectl("delete cm cfg -n shop --force --dry-run=server").stdout == gone.format(
        how="force ", dry=" (server dry run)"
    )
    assert kubectl("replace --force -n shop -f -", CONFIG).stdout == (
        gone.format(how="", dry="") + "configmap/cfg replaced\n"
    )
    assert kubectl("delete cm cfg -n shop -o name").stdout == "configmap/cfg\n"
    assert kubectl("delete namespace shop").stdout == 'namespace "shop" deleted\n'


def test_a_dry_run_leaves_nothing_behind(kubectl: Typed) -> None:
    assert kubectl("apply -f - --dry-run=server", CONFIG).text == "configmap/cfg created (server dry run)\n"
    assert kubectl("apply -f - --dry-run=client", CONFIG).text == "configmap/cfg created (dry run)\n"
    assert kubectl("get cm cfg").code == 1


def test_one_bad_document_does_not_lose_the_good_ones_before_it(kubectl: Typed) -> None:
    output = kubectl("apply -f -", CONFIG + "---\nkind: Nope\napiVersion: v1\nmetadata: {name: x}\n")
    assert output.stdout == "configmap/cfg created\n"
    assert 'no matches for kind "Nope" in version "v1"' in output.stderr
    assert output.code == 1


def test_what_is_no_longer_in_the_files_is_pruned(kubectl: Typed) -> None:
    two = CONFIG + "---\n" + CONFIG.replace("cfg", "two")
    kubectl("apply -f -", two)
    refused = kubectl("apply -f - --prune", CONFIG).stderr
    assert refused.startswith("error: all resources selected for prune without explicitly passing --all.")
    pruned = kubectl("apply -f - --prune --all --prune-allowlist=core/v1/ConfigMap", CONFIG)
    assert pruned.text == "configmap/cfg unchanged\nconfigmap/two pruned\n"


# -- writing -------------------------------------------------------------------------------------------


def test_generated_objects_can_be_looked_at_without_creating_them(kubectl: Typed) -> None:
    assert kubectl("create deployment web --image=nginx:1.27 --replicas=2 --dry-run=client -o yaml").text == (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  labels:\n    app: web\n"
        "  name: web\nspec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app: web\n  strategy: {}\n"
        "  template:\n    metadata:\n      labels:\n        app: web\n    spec:\n"
        "      containers:\n      - image: nginx:1.27\n        name: nginx\n        resources: {}\nstatus: {}\n"
    )


def test_labels_are_not_overwritten_by_accident(kubectl: Typed) -> None:
    kubectl("create configmap a")
    assert kubectl("label cm a tier=db").text == "configmap/a labeled\n"
    refused = kubectl("label cm a tier=web")
    assert (refused.text, refused.code) == ("error: 'tier' already has a value (db), and --overwrite is false\n", 1)
    assert kubectl("label cm a tier=web --overwrite").text == "configmap/a labeled\n"
    assert kubectl("label cm a tier-").text == "configmap/a unlabeled\n"


def test_a_patch_says_when_nothing_changed(kubectl: Typed) -> None:
    kubectl("create configmap a --from-literal=k=v")
    assert kubectl('patch cm a -p \'{"data":{"k":"v"}}\'').text == "configmap/a patched (no change)\n"


def test_a_service_is_exposed_for_what_runs(kubectl: Typed) -> None:
    kubectl("create deployment web --image=nginx:1.27 --port=80")
    assert kubectl("expose deployment web --type=NodePort").text == "service/web exposed\n"
    spec = kubectl("get svc web -o jsonpath='{.spec.type} {.spec.selector} {.spec.ports[0].port}'").stdout
    assert spec == 'NodePort {"app":"web"} 80'


def test_an_invalid_object_is_refused_with_every_cause(kubectl: Typed) -> None:
    output = kubectl('patch ns default -p \'{"metadata":{"labels":{"bad key":"x","k":"bad/value"}}}\'')
    head, *causes = output.stderr.splitlines()
    assert head == 'The Namespace "default" is invalid: '
    assert all(cause.startswith("* metadata.labels: Invalid value:") for cause in causes)
    assert len(causes) == 2


# -- nodes ---------------------------------------------------------------------------------------------


def test_a_node_is_cordoned_once(kubectl: Typed) -> None:
    said = [kubectl(c).text for c in ("cordon node-1", "cordon node-1", "uncordon node-1")]
    assert said == ["node/node-1 cordoned\n", "node/node-1 already cordoned\n", "node/node-1 uncordoned\n"]


def test_draining_moves_what_a_controller_keeps_up(kubectl: Typed, cluster: Cluster) -> None:
    kubectl("create deployment web --image=nginx:1.27 --replicas=3")
    kubectl("rollout status deployment web")
    output = kubectl("drain node-1")
    assert output.code == 0
    assert output.stdout.startswith("node/node-1 cordoned\nevicting pod default/web-")
    assert output.stdout.endswith("evicted\nnode/node-1 drained\n")
    assert "node-1" not in kubectl("get pods -o custom-columns=N:.spec.nodeName").stdout


def test_draining_refuses_to_lose_what_nothing_would_bring_back(kubectl: Typed) -> None:
    kubectl("run alone --image=nginx:1.27")
    kubectl("wait --for=condition=Ready pod/alone")
    node = kubectl("get pod alone -o jsonpath={.spec.nodeName}").stdout
    refused = kubectl(f"drain {node}")
    assert "cannot delete Pods that declare no controller (use --force to override): default/alone" in refused.stderr
    assert kubectl(f"drain {node} --force").stdout.endswith(f"node/{node} drained\n")


def test_taints_come_and_go(kubectl: Typed) -> None:
    assert kubectl("taint node node-1 a=b:NoExecute").text == "node/node-1 tainted\n"
    assert kubectl("taint node node-1 a=b:NoExecute").code == 1
    assert kubectl("taint node node-1 a-").text == "node/node-1 untainted\n"
    assert kubectl("taint node node-1 a-").text == 'error: taint "a" not found\n'


# -- the rest ------------------------------------------------------------------------------------------


def test_the_namespace_can_be_changed_for_good(kubectl: Typed) -> None:
    kubectl("create namespace shop")
    assert kubectl("config set-context --current --namespace=shop").text == 'Context "k8snb" modified.\n'
    kubectl("create configmap a")
    assert kubectl("get cm -A -o jsonpath='{.items[?(@.metadata.name==\"a\")].metadata.namespace}'").stdout == "shop"


def test_every_request_can_be_seen(kubectl: Typed) -> None:
    output = kubectl("create configmap a --from-literal=k=v -v=6")
    path = "/api/v1/namespaces/default/configmaps"
    url = f"{path}?fieldManager=kubectl-create&fieldValidation=Strict"
    assert output.stderr == (
        'I0101 00:00:00.005000       1 round_trippers.go:632] "Response" verb="POST" '
        f'url="https://10.96.0.1:443{url}" status="201 Created" milliseconds=0\n'
    )
    (sent,) = output.requests
    assert (sent.method, sent.path, sent.url, sent.code) == ("POST", path, url, 201)
    assert sent.content_type == "application/json"
    assert '"data":{"k":"v"}' in sent.body
    assert '"kind":"ConfigMap"' in sent.response


def test_from_eight_on_a_log_holds_headers_and_bodies(kubectl: Typed) -> None:
    body = '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
    lines = kubectl("get pod a -v=8").stderr.splitlines()
    start = "I0101 00:00:00.005000       1 "
    assert [re.sub("(Uid: ).*", r"\1…", line) for line in lines[:13]] == [
        f'{start}helper.go:105] "Request Body" body=""',
        f'{start}round_trippers.go:527] "Request" verb="GET" '
        'url="https://10.96.0.1:443/api/v1/namespaces/default/pods/a" headers=<',
        "\tAccept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,"
        "application/json",
        "\tAuthorization: Bearer <masked>",
        "\tUser-Agent: kubectl/v1.36.0 (linux/amd64) kubernetes/k8snb",
        " >",
        f'{start}round_trippers.go:632] "Response" status="404 Not Found" headers=<',
        "\tCache-Control: no-cache, private",
        "\tContent-Length: 170",
        "\tContent-Type: application/json",
        "\tX-Kubernetes-Pf-Flowschema-Uid: …",
        "\tX-Kubernetes-Pf-Prioritylevel-Uid: …",
        " > milliseconds=0",
    ]
    assert lines[14].startswith(f"\t{body}")
    assert lines[-1] == 'Error from server (NotFound): pods "a" not found'


# -- the kubeconfig ------------------------------------------------------------------------------------


def test_contexts_choose_the_namespace_and_the_user(kubectl: Typed) -> None:
    assert kubectl("config set-context dev --cluster=k8snb --user=admin --namespace=shop").text == (
        'Context "dev" created.\n'
    )
    assert kubectl("get pods --context=dev").text == "No resources found in shop namespace.\n"
    assert kubectl("config use-context dev").text == 'Switched to context "dev".\n'
    assert kubectl("config get-contexts").stdout.splitlines() == [
        "CURRENT   NAME    CLUSTER   AUTHINFO   NAMESPACE",
        "*         dev     k8snb     admin      shop",
        "          k8snb   k8snb     admin      ",
    ]
    assert kubectl("config rename-context dev prod").text == 'Context "dev" renamed to "prod".\n'
    assert kubectl("config current-context").text == "prod\n"
    assert kubectl("config delete-context prod").stdout == "deleted context prod from kubeconfig\n"


def test_secrets_of_a_kubeconfig_are_not_shown(kubectl: Typed) -> None:
    kubectl("config set-credentials joe --token=abc")
    token = "config view -o jsonpath='{.users[?(@.name==\"joe\")].user.token}'"
    assert (kubectl(token).stdout, kubectl(f"{token} --raw").stdout) == ("REDACTED", "abc")


def test_a_request_carries_who_asks(kubectl: Typed) -> None:
    kubectl("config set-credentials joe --token=abc")
    (sent,) = kubectl("get pod x --user=joe --as=jane --as-group=a --as-group=b").requests
    who = {name: value for name, value in sent.headers.items() if name != "accept"}
    assert who == {"authorization": "Bearer abc", "impersonate-user": "jane", "impersonate-group": "a\0b"}


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ("--context=far", "Error in configuration: context was not found for specified context: far\n"),
        ("--user=joe", 'error: auth info "joe" does not exist\n'),
        ("--cluster=far", 'error: no server found for cluster "far"\n'),
        ("-s http://1.2.3.4", "The connection to the server 1.2.3.4 was refused - did you specify the right host or"),
        ("--as-group=x", "error: requesting uid, groups or user-extra for admin without impersonating a user\n"),
        ("--request-timeout=soon", "error: Invalid timeout value. Timeout must be a single integer in seconds"),
    ],
)
def test_a_way_that_leads_nowhere_is_refused(kubectl: Typed, flags: str, complaint: str) -> None:
    output = kubectl(f"get pods {flags}")
    assert (output.stderr[: len(complaint)], output.code) == (complaint, 1)


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("get", "error: Required resource not specified."),
        ("get pods web -l app=web", "error: name cannot be provided when a selector is specified"),
        ("get widgets", 'error: the server doesn\'t have a resource type "widgets"'),
        ("delete pods", "error: resource(s) were provided, but no name was specified"),
        ("gte pods", 'error: unknown command "gte" for "kubectl"\n\nDid you mean this?\n\tget\n'),
        ("rollout foo", "error: unknown command \"foo\"\nSee 'kubectl rollout -h' for help and examples"),
        ("completion", 'error: unknown command "completion" for "kubectl"\nthe built-in kubectl cannot'),
        ("apply -f nowhere.yaml", 'error: the path "nowhere.yaml" does not exist'),
        ("create deployment web", 'error: required flag(s) "image" not set'),
        ("get pods -o go-template={{.x", "error: error parsing template {{.x, template: output:1: unclosed action"),
        ("get 'unclosed", "error: No closing quotation"),
    ],
)
def test_a_mistake_is_an_error_line_and_no_traceback(kubectl: Typed, command: str, complaint: str) -> None:
    output = kubectl(command)
    assert complaint in output.stderr
    assert output.code == 1


def test_help_lists_the_commands(kubectl: Typed) -> None:
    assert "rollout" in kubectl("").stdout
    assert "--all-namespaces" in kubectl("get --help").stdout


# -- autoscale -----------------------------------------------------------------------------------------

AUTOSCALE = "autoscale deployment web --max=5 --dry-run=client -o jsonpath={.spec.metrics[*].resource}"


def test_an_autoscaler_aims_at_shares_of_requests_or_at_amounts(kubectl: Typed) -> None:
    kubectl("create deployment web --image=nginx")
    assert kubectl(f"{AUTOSCALE} --cpu=70% --memory=200Mi").stdout == (
        '{"name":"cpu","target":{"averageUtilization":70,"type":"Utilization"}} '
        '{"name":"memory","target":{"averageValue":"200Mi","type":"AverageValue"}}'
    )
    assert kubectl(f"{AUTOSCALE} --cpu=1500 --memory=512").stdout == (
        '{"name":"cpu","target":{"averageValue":"1500m","type":"AverageValue"}} '
        '{"name":"memory","target":{"averageValue":"512Mi","type":"AverageValue"}}'
    )


def test_the_former_flag_of_autoscale_works_and_says_what_is_used_instead(kubectl: Typed) -> None:
    kubectl("create deployment web --image=nginx")
    output = kubectl(f"{AUTOSCALE} --cpu-percent=50")
    assert output.stdout == '{"name":"cpu","target":{"averageUtilization":50,"type":"Utilization"}}'
    assert output.stderr == (
        "Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format "
        "(e.g., '70%' for utilization or '500m' for milliCPU).\n"
    )


@pytest.mark.parametrize(
    ("flags", "refusal"),
    [
        ("--cpu=-5%", "invalid percentage value: -5"),
        ("--cpu=much", "invalid resource cpu value: much"),
        ("--memory=2Qi", "invalid resource memory value: 2Qi"),
        ("--cpu=5% --cpu-percent=5", "--cpu-percent and --cpu are mutually exclusive"),
    ],
)
def test_autoscale_refuses_what_is_no_aim(kubectl: Typed, flags: str, refusal: str) -> None:
    kubectl("create deployment web --image=nginx")
    refused = kubectl(f"autoscale deployment web --max=5 {flags}")
    assert (refused.stderr.splitlines()[-1], refused.code) == (f"error: {refusal}", 1)
