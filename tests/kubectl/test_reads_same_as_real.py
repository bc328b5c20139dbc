"""A command that reads, or that is refused, prints the same from the real kubectl and from the built-in one."""

from __future__ import annotations

import pytest

from tests.kubectl.real import binary
from tests.kubectl.two import Two

pytestmark = [
    pytest.mark.kubectl,
    pytest.mark.skipif(not binary(), reason="there is no kubectl 1.33"),
]

READS = """
get pods
get pods -o wide
get po,svc
get all
get all -A
get pods -A --no-headers
get deploy,rs web nope
get pods nope nope2
get nope
get pods -l app=web --show-labels
get cm -L zz,example.com/b
get nodes -o wide
get ns,nodes
get pods -n nowhere
get pod nope --ignore-not-found
get pods -l app=nope,b
get pods -o name
get deploy web -o yaml
get deploy web -o json
get deploy -o yaml
get cm a nope -o yaml
get cm -n nowhere -o yaml
get pods -o jsonpath='{range .items[*]}{.metadata.name} {.status.podIP}{"\\n"}{end}'
get pods -o custom-columns=A:.metadata.name,B:.nope,C:.metadata.labels
get pods -o custom-columns=A
get pods -o jsonpath={.x
get pods -o foo
get nodes --sort-by=.metadata.name
get pods -A svc
get pods/x y
get cm --field-selector metadata.name=a
get cm --field-selector data.x=a
get cm -l a=b=c
get pods --show-labels -o yaml
get endpointslices,ep
get rs -o wide
get sa,secrets
get pc
get deployments.v1.apps web
get pods.foo
get pods --foo
get pods -z
get -o
get
foo
get --raw /api/v1/namespaces/default/configmaps/a
describe deployment web
describe rs
describe pod big
describe svc svc
describe cm a
describe secret s
describe ns other
describe quota few -n other
describe node node-1
describe sa default
describe ep svc
describe endpointslice
describe pc system-node-critical
describe lease node-1 -n kube-node-lease
describe pod nope
describe pods -l app=nope
describe nope
describe
rollout history deploy/web
rollout history deploy/web --revision=1
rollout history deploy/web --revision=9
rollout history pod/big
rollout status deploy/web
rollout status pod/big
rollout undo deploy/web
logs big -c setup
logs big -c nope
logs big -c c --prefix --limit-bytes=200
logs deploy/web --tail=2
logs -l app=nope
logs nope
logs
events --for pod/nope
events --types=Warning
wait --for=condition=Ready pod/big
wait --for=condition=Nope pod/big --timeout=1s
wait --for=jsonpath={.status.phase}=Running pod/big
wait --for=condition=Ready pod -l app=nope
wait --for=foo pod/big
explain pod.spec.tolerations
explain deploy --recursive
explain pod.nope
explain nope
api-resources
api-resources -o wide --api-group=apps
api-versions
cordon nope
taint node node-1 x
exec big ls
exec big
get deploy web --subresource=scale
get deploy web --subresource=status -o name
get deploy web --subresource=foo
get deploy --subresource=scale
get pods --sort-by=.nope
get pods --sort-by='{.spec.nodeName}' -o name
get po,deploy --show-kind
get deploy --server-print=false
get pods -o JSON
get pods -o=
get pod big -o jsonpath={.kind} --template={{.kind}}
get cm a -o go-template='{{range $k, $v := .data}}{{$k}}={{$v}}, {{end}}'
get cm a -o go-template='{{.data.x.y}}'
get cm a -o go-template={{.data.q}} --allow-missing-template-keys=false
get cm a -o go-template={{.x
get cm a -o go-template-file=/nope
get secret s --template='{{.data.x | base64decode}}'
get cm a -o jsonpath-as-json={.data}
get cm a -o custom-columns-file=/nope
get pods big -w --output-watch-events -o json --request-timeout=1s
get --raw /nope
get pods --context=foo
get pods --user=foo
get pods --cluster=foo
get pods --kubeconfig=/nope
get pods --request-timeout=foo
get pods --as-group=x
get DEPLOY
label cm a x=9 --local
rollout history svc/svc
rollout undo svc/svc
rollout restart deploy -l app=nope
rollout history deploy/web -o yaml
logs big --since-time=foo
exec cm/a -- ls
exec big -- nosuchcommand
exec big -it -- true
wait --for=create pod/nope --timeout=1s
explain pods -o foo
explain deploy.spec.selector --output=plaintext-openapiv2
explain deploy.spec.strategy --output=plaintext-openapiv2 --recursive
explain cm.data --output=plaintext-openapiv2
explain pods --output=foo
explain pods.foo.bar
explain deployments.apps.spec.paused
api-resources --sort-by=foo
api-resources --verbs=list,watch -o name
api-versions foo
drain node-1 --dry-run=client
drain node-1 --pod-selector='a in'
taint node node-1 a=b:NoSchedule a=b:NoSchedule
taint node node-1 'a b=c:NoSchedule'
gett pods
create foo
create secret foo x
describe pod big -n nowhere
delete cm --all -l a=b
delete cm -o yaml --all
replace --grace-period=1 -f -
config view foo
config get-contexts nope
config use-context nope
config set-context
config unset foo
config set foo.bar baz
attach
attach cm/a
attach big -c nope
cp
cp a b
cp big:/a other:/b
cp nope:/x /tmp/y
cp /nope big:/tmp/
cp a/b/c:/x /tmp/y
port-forward
port-forward pod/nope 80
port-forward svc/svc 9999
port-forward pod/big foo
debug big
debug big --image=busybox --profile=foo
debug nope --image=busybox
debug big --image=busybox --target=nope -c look
debug deploy/web --image=busybox
debug big --image=busybox --copy-to=x --target=y
debug big --image=busybox --replace
debug big --image=BAD_:x:y
diff
diff a
diff -f /nope
edit
edit cm/nope
get hpa.v1.autoscaling
get deploy.v2.apps
get pods --output-watch-events
get --raw nope
label cm a zz=1
label cm --all x=1 --resource-version=1 --dry-run=client
auth can-i get
auth reconcile
get pod nope -n gone
describe deploy nope -n gone
logs nope -n gone
get pods,svc --sort-by=.metadata.name
get pod big -o jsonpath={.spec.containers[7].name}
get pod big -o custom-columns=A:.metadata.name,B:.spec.containers[7].name
logs deploy/web --all-pods --tail=1
port-forward big 99999
debug big --set-image=c=x
auth whoami -o json
explain --api-version=batch/v1 deploy
explain csr
explain pod/spec
apply edit-last-applied
apply edit-last-applied cm a
apply set-last-applied
apply -f - --subresource=status
apply -f - --prune --all --server-side
apply -f - --prune --all --prune-allowlist=core/v1/Nope
apply -f - --validate=foo
patch cm a -p {} --patch-file=/dev/null
wait --for=jsonpath='{.status.containerStatuses}'=true pod/big
rollout status deploy -l app=nope
run x --image=Bad:
run x --image=nginx --labels=a=b=c --dry-run=client
run x --image=nginx --override-type=foo --overrides={}
create clusterrole x --verb=get --non-resource-url=logs
create clusterrole x --verb=list --non-resource-url=/logs
create clusterrole x --aggregation-rule=a=b --verb=get
create configmap x --from-file=a=b=c
create job x --from=deploy/nope
create job x --from=cronjob/nope --image=a
create service externalname z --external-name=Foo_
create secret tls x --cert=/etc/passwd --key=/etc/passwd
taint node node-1 foo=bar
top pod big -l a=b
delete cm a --cascade=true --dry-run=client
delete cm --all --field-selector=metadata.name=zz
delete cm/a --interactive
replace -f - --force --dry-run=client
replace -f - --force --cascade=foo
diff --foo
diff -f - --force-conflicts
logs big --limit-bytes=-1
exec --pod-running-timeout=0 big -- true
port-forward pod/big 0
config set-cluster x --server=http://foo --insecure-skip-tls-verify --certificate-authority=/nope
config set-cluster x --embed-certs
config set-credentials u --embed-certs
debug big --image=busybox -t
debug big --image=busybox --image-pull-policy=Foo
debug big --image=busybox --env=A
debug cm/a --image=busybox
--foo get pods
kustomize . --load-restrictor=foo
kustomize /nope
kustomize a b
kustomize tests/kubectl/kustomize/base
kustomize tests/kubectl/kustomize/overlay
""".strip().splitlines()


@pytest.mark.parametrize("command", READS)
def test_a_command_that_reads_prints_the_same(two: Two, command: str) -> None:
    two.compare(command)
