"""Parameters that cannot be read, or that contradict each other."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from tests.edge.asking import CONFIG_MAPS, JSON, MERGE, PODS, ask
from tests.edge.bad_input.refusing import refused

NO_TOKEN = "invalid continue token: continue key is not valid"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("limit=99999999999999999999", 'strconv.ParseInt: parsing "99999999999999999999": value out of range'),
        ("limit=1_0", 'strconv.ParseInt: parsing "1_0": invalid syntax'),
        ("limit=%D9%A1", 'strconv.ParseInt: parsing "\u0661": invalid syntax'),
        ("watch=1&timeoutSeconds=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("continue=!!!", f"{NO_TOKEN}: illegal base64 data at input byte 0"),
        ("continue=abc", f"{NO_TOKEN}: invalid character 'i' looking for beginning of value"),
        ("continue=e30", f"{NO_TOKEN}: server does not recognize this encoded version "),
        ("continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ",
         f"{NO_TOKEN}: incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
        ("continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0",
         f"{NO_TOKEN}: encoded start key empty (version meta.k8s.io/v1)"),
        ("resourceVersion=x", 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'),
        ("resourceVersion=-1", 'resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": invalid syntax'),
        ("watch=1&resourceVersion=x",
         'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'),
        ("labelSelector=a%3Db%3Dc", "found '=', expected: ',' or 'end of string'"),
        ("labelSelector=a+in", "unable to parse requirement: found '' expected: '('"),
        ("labelSelector=a+in+(b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("labelSelector=!", "unable to parse requirement: found '', expected: identifier"),
        ("labelSelector=a+b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("labelSelector=a>b", "unable to parse requirement: values[0]: Invalid value: \"b\": "
         "for 'Gt', 'Lt' operators, the value must be an integer"),
        ("fieldSelector=x", "invalid selector: 'x'; can't understand 'x'"),
        ("fieldSelector=spec.nope%3D1", "field label not supported: spec.nope"),
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_read_are_bad_requests(cluster: Cluster, query: str, message: str) -> None:
    refused(ask(cluster, "GET", f"{PODS}?{query}"), 400, "BadRequest", message)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("resourceVersionMatch=Exact",
         "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"),
        ("resourceVersion=1&resourceVersionMatch=Nope",
         'resourceVersionMatch: Unsupported value: "Nope": supported values: "Exact", "NotOlderThan", ""'),
        ("resourceVersion=0&resourceVersionMatch=Exact",
         'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
        ("sendInitialEvents=true", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
        ("watch=1&sendInitialEvents=true",
         "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        ("watch=1&resourceVersionMatch=NotOlderThan", "resourceVersionMatch: Forbidden: "
         "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
    ],
)  # fmt: skip
def test_parameters_that_contradict_each_other_are_invalid(cluster: Cluster, query: str, message: str) -> None:
    answer = ask(cluster, "GET", f"{PODS}?{query}")
    refused(answer, 422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {message}')


@pytest.mark.parametrize("watch", ["", "&watch=1"])
def test_a_revision_that_has_not_happened_is_too_large(cluster: Cluster, watch: str) -> None:
    answer = ask(cluster, "GET", f"{PODS}?resourceVersion=999999{watch}")
    message = f"Timeout: Too large resource version: 999999, current: {cluster.revision}"
    refused(answer, 504, "Timeout", message)


@pytest.mark.parametrize(
    ("method", "kind", "target"),
    [("POST", "CreateOptions", CONFIG_MAPS), ("PUT", "UpdateOptions", f"{CONFIG_MAPS}/present"),
     ("PATCH", "PatchOptions", f"{CONFIG_MAPS}/present"), ("DELETE", "DeleteOptions", f"{CONFIG_MAPS}/present")],
)  # fmt: skip
def test_a_dry_run_is_of_everything_or_of_nothing(cluster: Cluster, method: str, kind: str, target: str) -> None:
    answer = ask(cluster, method, f"{target}?dryRun=x", "{}", MERGE if method == "PATCH" else JSON)
    message = f'{kind}.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["x"]: supported values: "All"'
    refused(answer, 422, "Invalid", message)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("fieldValidation=x",
         'fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"'),
        (f"fieldManager={'x' * 129}", "fieldManager: Too long: may not be more than 128 bytes"),
        ("fieldManager=a%09b", r'fieldManager: Invalid value: "a\tb": invalid character U+0009 (at position 1)'),
    ],
)  # fmt: skip
def test_options_of_writing_are_checked(cluster: Cluster, query: str, message: str) -> None:
    answer = ask(cluster, "POST", f"{CONFIG_MAPS}?{query}", {"metadata": {"name": "x"}})
    refused(answer, 422, "Invalid", f'CreateOptions.meta.k8s.io "" is invalid: {message}')


@pytest.mark.parametrize("watch", ["", "&watch=1"])
def test_the_time_limit_of_a_list_or_watch_is_a_number(cluster: Cluster, watch: str) -> None:
    answer = ask(cluster, "GET", f"{CONFIG_MAPS}?timeoutSeconds=x{watch}")
    refused(answer, 400, "BadRequest", 'strconv.ParseInt: parsing "x": invalid syntax')
