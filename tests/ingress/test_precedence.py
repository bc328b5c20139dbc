"""For any rules and any request: the router's choice is that of a slow and obvious reading of the rules."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from k8snb.ingress.routing import decide
from k8snb.ingress.rules import EXACT, PREFIX, Path, Rule, Wanted
from k8snb.packet import HTTPRequest

ELEMENTS = ("a", "b", "ab", "c")
HOSTS = ("", "x.org", "a.x.org", "b.a.x.org", "*.x.org", "*.a.x.org", "*.org")
ASKED = ("x.org", "a.x.org", "b.a.x.org", "c.x.org", "d.c.x.org", "y.org", "z.net")
METHODS = ("", "GET", "POST")

paths = st.tuples(st.lists(st.sampled_from(ELEMENTS), max_size=3), st.booleans()).map(
    lambda found: "/" + "/".join(found[0]) + ("/" if found[0] and found[1] else "")
)
tests = st.lists(st.tuples(st.sampled_from("pq"), st.sampled_from("12")), max_size=2, unique_by=lambda t: t[0])


@st.composite
def rules(draw: st.DrawFn) -> list[Rule]:
    """Rules of one kind, in any order; each has an age of its own."""
    deep, ages = draw(st.booleans()), count()
    made = []
    for _ in range(draw(st.integers(1, 8))):
        more = {}
        if deep:
            headers, parameters = ([Wanted(*each) for each in draw(tests)] for _ in range(2))
            more = {"method": draw(st.sampled_from(METHODS)), "headers": headers, "parameters": parameters}
        path = Path(draw(st.sampled_from((EXACT, PREFIX))), draw(paths))
        host = draw(st.sampled_from(HOSTS))
        made.append(Rule("Ingress/default/x", host=host, deep=deep, path=path, order=(next(ages),), **more))
    return draw(st.permutations(made))


@st.composite
def requests(draw: st.DrawFn) -> HTTPRequest:
    query = "&".join(f"{name}={value}" for name, value in draw(tests))
    path = draw(paths) + (f"?{query}" if query else "")
    headers = {"host": draw(st.sampled_from(ASKED)), **dict(draw(tests))}
    return HTTPRequest(draw(st.sampled_from(("GET", "POST"))), "192.0.2.1", 80, path, headers)


# -- the obvious reading ------------------------------------------------------------------------------


def fits_host(rule: Rule, host: str) -> bool:
    wanted, found = rule.host.split("."), host.split(".")
    if rule.host == "" or wanted == found:
        return True
    if wanted[0] != "*":
        return False
    starred = len(found) - len(wanted) + 1
    return found[starred:] == wanted[1:] and (starred == 1 or (rule.deep and starred > 1))


def fits_path(rule: Rule, path: str) -> bool:
    if rule.path.kind == EXACT:
        return rule.path.value == path
    wanted = [each for each in rule.path.value.split("/") if each]
    return path.split("/")[1:][: len(wanted)] == wanted


def fits_rest(rule: Rule, request: HTTPRequest) -> bool:
    parameters = dict(each.split("=") for each in request.path.partition("?")[2].split("&") if each)
    return (
        rule.method in ("", request.method)
        and all(request.headers.get(each.name) == each.value for each in rule.headers)
        and all(parameters.get(each.name) == each.value for each in rule.parameters)
    )


def obvious(candidates: list[Rule], request: HTTPRequest) -> Rule | None:
    """Of the rules with the best host: those that fit, sorted by what the documentation counts, one after another."""
    host, path = request.headers["host"], request.path.partition("?")[0]
    here = [rule for rule in candidates if fits_host(rule, host)]
    plain = [rule for rule in here if rule.host and not rule.host.startswith("*")]
    starred = [rule for rule in here if rule.host.startswith("*")]
    longest = max((len(rule.host) for rule in starred), default=0)
    chosen = plain or [rule for rule in starred if len(rule.host) == longest] or here
    fitting = [rule for rule in chosen if fits_path(rule, path) and fits_rest(rule, request)]
    fitting.sort(key=lambda rule: rule.order)
    fitting.sort(key=lambda rule: -len(rule.parameters))
    fitting.sort(key=lambda rule: -len(rule.headers))
    fitting.sort(key=lambda rule: rule.method == "")
    fitting.sort(key=lambda rule: -len(rule.path.value.rstrip("/") if rule.path.kind == PREFIX else rule.path.value))
    fitting.sort(key=lambda rule: rule.path.kind != EXACT)
    return fitting[0] if fitting else None


@given(rules(), requests())
def test_the_router_reads_the_rules_as_they_are_written(candidates: list[Rule], request: HTTPRequest) -> None:
    assert decide(candidates, (), request).rule == obvious(candidates, request)


@given(rules(), requests())
def test_each_answer_leaves_a_part_of_what_the_one_before_left(candidates: list[Rule], request: HTTPRequest) -> None:
    decision = decide(candidates, (), request)
    left = candidates
    for answer in decision.answers:
        assert all(rule in left for rule in answer.left)
        left = list(answer.left)
    assert left == ([decision.rule] if decision.rule else []) or decision.rule in left
