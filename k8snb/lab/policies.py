"""The exercises of the page on network policies.

What policies allow is asked of the function that judges packets, for connections that the text of an exercise speaks of
and for others that it keeps silent about; so it makes no difference how the policies are cut.
"""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, find, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.network.dns import NAMESERVER
from k8snb.network.policies.judgement import POLICIES, Judgement, judge
from k8snb.network.policies.parties import Directory, Party
from k8snb.network.policies.wording import side_words

PAGE = "ecosystem/network-policy"
OFFICE, GUEST, STRANGER = "203.0.113.7", "203.0.113.200", "198.51.100.7"

TICKET = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: batch-egress
spec:
  podSelector:
    matchLabels:
      role: batch
  policyTypes: [Egress]
  egress:
  - to:
    - podSelector:
        matchLabels:
          role: database
    ports:
    - port: 6379
"""
"""What somebody wrote for `batch` before it got no more data."""


def _judged(cluster: Reader, source: str | Party, target: str | Party, port: int, protocol: str = "TCP") -> Judgement:
    known = Directory(cluster.client)
    ends = [each if isinstance(each, Party) else known.find(each, NAMESPACE) for each in (source, target)]
    return judge(ends[0], ends[1], port, protocol, lambda space: cluster.client.list(POLICIES, space))


def _imagined(namespace: str, **labels: str) -> Party:
    """A pod that is not there and could come: in a namespace without labels of its own."""
    space = {"kubernetes.io/metadata.name": namespace}
    return Party("10.244.250.1", namespace, "imagined", labels, space)


def _open(cluster: Reader, source: str, target: str, port: int, sentence: str, protocol: str = "TCP") -> Claim:
    """A connection is let through; the hint is why it is not."""
    found = _judged(cluster, source, target, port, protocol)
    return Claim(bool(found), sentence, "; ".join(map(side_words, found.closed)))


def _closed(
    cluster: Reader,
    source: str | Party,
    target: str | Party,
    port: int,
    sentence: str,
    hint: str = "",
    protocol: str = "TCP",
) -> Claim:
    """A connection is not let through; the hint is what lets it through, and what to think of."""
    found = _judged(cluster, source, target, port, protocol)
    isolated = [side_words(side) for side in found.sides if side.isolating]
    told = "; ".join(isolated) or _("no policy isolates either end")
    return Claim(not found, sentence, f"{told}. {hint}" if hint and isolated else told)


def _run(cluster: Reader, *names: str) -> Claim:
    """The pods that the exercise is about are there and run."""
    places = [(space or "default", name) for space, _slash, name in (word.rpartition("/") for word in names)]
    pods = [find(cluster, "pods", name, space) for space, name in places]
    missing = [word for word, pod in zip(names, pods, strict=True) if (pod["status"] or {}).get("phase") != "Running"]
    return Claim(not missing, _("the pods run: {names}").format(names=", ".join(names)), says(_("missing"), missing))


@exercise(PAGE, "The crawlers of the partner", minutes=10)
def check_crawlers(cluster: Reader) -> Claims:
    """One peer with two selectors, beside one with a single selector."""
    yield _run(cluster, "frontend", "batch", "partner/crawler", "partner/frontend")
    yield _open(cluster, "partner/crawler", "frontend", 8080, _("the partner's crawler reaches frontend"))
    yield _open(cluster, "batch", "frontend", 8080, _("batch reaches it, too"))
    trap = _("Two items of a list are two peers, and each of them is enough.")
    yield _closed(cluster, "partner/frontend", "frontend", 8080, _("other pods of the partner do not"), trap)
    yield _closed(cluster, "db", "frontend", 8080, _("other pods of its own namespace do not"))
    elsewhere = _("frontend is open on 8080 only")
    every = _("A rule without ports is about every port.")
    yield _closed(cluster, "partner/crawler", "frontend", 22, elsewhere, every)
    yield _closed(cluster, "batch", "frontend", 22, _("… for batch as well"), every)
    anybody = _("An empty selector of namespaces is about all of them.")
    other = _imagined("elsewhere", role="crawler")
    yield _closed(cluster, other, "frontend", 8080, _("nor would a crawler in a namespace of somebody else"), anybody)
    yield _closed(cluster, STRANGER, "frontend", 8080, _("nor does anybody outside"))


@exercise(PAGE, "Nothing but names", minutes=10)
def check_vault(cluster: Reader) -> Claims:
    """Nothing in and nothing out, but for questions to DNS."""
    yield _run(cluster, "vault/safe")
    yield _closed(cluster, "frontend", "vault/safe", 80, _("nobody reaches safe"))
    isolated = bool(_judged(cluster, "vault/safe", STRANGER, 443).egress.isolating)
    yield Claim(isolated, _("safe is isolated for egress, too"), _("Egress is a direction of its own."))
    yield _closed(cluster, "vault/safe", STRANGER, 443, _("safe reaches nobody"))
    yield _open(cluster, "vault/safe", NAMESERVER, 53, _("it gets names resolved, over UDP"), "UDP")
    yield _open(cluster, "vault/safe", NAMESERVER, 53, _("… and over TCP, which long answers need"))
    hint = _("A rule without `to` is about every address: name the namespace, or the pods of DNS.")
    yield _closed(cluster, "vault/safe", STRANGER, 53, _("port 53 is closed elsewhere"), hint)
    wide = _("An empty selector of namespaces is about all of them.")
    yield _closed(cluster, "vault/safe", "frontend", 53, _("… at pods, too"), wide, "UDP")
    ports = _("A rule without ports is about every port.")
    yield _closed(cluster, "vault/safe", NAMESERVER, 443, _("of DNS it reaches port 53 alone"), ports)
    come = _imagined("vault", run="another")
    whole = _("no policy selects every pod of the namespace")
    found = [_judged(cluster, come, "frontend", 8080), _judged(cluster, "frontend", come, 8080)]
    yield Claim(not any(found), _("it holds for pods to come as well"), whole)
    among = _("A rule about pods without a namespace is about those of this one.")
    yield _closed(cluster, come, "vault/safe", 80, _("and pods of the vault do not reach each other"), among)


@exercise(PAGE, "Office and guests", minutes=10)
def check_office(cluster: Reader) -> Claims:
    """A block of addresses with a hole, and the pods of the namespace beside it."""
    yield _run(cluster, "batch", "frontend")
    yield _open(cluster, OFFICE, "batch", 8080, _("somebody in the office reaches batch"))
    guests = _("a guest does not")
    yield _closed(cluster, GUEST, "batch", 8080, guests, _("`except` cuts a hole, in its own block only."))
    yield _closed(cluster, STRANGER, "batch", 8080, _("nor does a stranger"))
    own = _("the pods of its namespace still do")
    yield _open(cluster, "frontend", "batch", 8080, own)
    yield _closed(cluster, "partner/crawler", "batch", 8080, _("those of other namespaces do not"))


@exercise(PAGE, "A ticket: no data since Monday", minutes=15)
def check_ticket(cluster: Reader) -> Claims:
    """A connection that is closed on both sides, and must not be opened too far."""
    yield _run(cluster, "batch", "db")
    role = find(cluster, "pods", "batch")["metadata"].get("labels", {}).get("role")
    yield Claim(role == "batch", _("batch is still labelled role=batch"), _("role is {role}").format(role=role))
    yield _open(cluster, "batch", NAMESERVER, 53, _("batch gets the name db resolved"), "UDP")
    yield _open(cluster, "batch", "db", 6379, _("batch reaches db"))
    yield _open(cluster, "frontend", "db", 6379, _("so does frontend, as before"))
    yield _closed(cluster, "batch", "frontend", 8080, _("batch reaches nothing else"), _("It was isolated for egress."))
    yield _closed(cluster, "partner/crawler", "db", 6379, _("nobody else reaches db"))
    yield _closed(cluster, _imagined("default", role="web"), "db", 6379, _("… nor would another pod of its namespace"))
    wide = _("A rule without `to` is about every address.")
    yield _closed(cluster, "batch", STRANGER, 53, _("batch asks no other server for names"), wide, "UDP")
