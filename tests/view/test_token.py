"""A token as its reader sees it: what it says, and the checks up to the verdict."""

from __future__ import annotations

from k8snb.cluster.cluster import Cluster


def test_a_token_is_told_claim_by_claim_with_who_would_come_in() -> None:
    cluster = Cluster(nodes=0)
    shown = cluster.token(cluster.kubectl("create token default --duration=10m"))
    lines = [" ".join(line.split()) for line in str(shown).splitlines()]
    assert lines[0] == "What the token says"
    assert "exp (expires) 1767226200 (2026-01-01T00:10:00Z, in 10 min)" in lines
    assert "sub (subject: who bears it) system:serviceaccount:default:default" in lines
    assert (shown.user, shown.refused) == ("system:serviceaccount:default:default", "")


def test_the_checks_of_a_token_end_with_the_first_that_it_fails_and_an_answer() -> None:
    cluster = Cluster(nodes=0)
    shown = cluster.token(cluster.kubectl("create token default --audience=vault"))
    frames = shown.stepper().frames
    assert [(frame.caption or frame.error).partition(":")[0] for frame in frames[1:3]] == ["issuer", "signature"]
    told = 'token audiences ["vault"] is invalid for the target audiences '
    assert frames[3].error == told + '["https://kubernetes.default.svc.cluster.local"]'
    assert [act.object for act in frames[-1].acts] == ["401 Unauthorized"]
    vault = cluster.token(cluster.kubectl("create token default --audience=vault"), "vault")
    assert vault.user == "system:serviceaccount:default:default"


def test_what_is_no_token_is_refused_like_a_wrong_one() -> None:
    shown = Cluster(nodes=0).token("nonsense")
    assert (shown.claims, shown.user, shown.refused) == ({}, "", "invalid bearer token")
