"""APIServices: their names, priorities and servers."""

from __future__ import annotations

from typing import Any

import pytest

from .writing import create, made, refusals, strategy

SERVICES = strategy("apiservices.apiregistration.k8s.io")
SERVICE = {"namespace": "kube-system", "name": "metrics"}


def api_service(name: str = "v1.example.com", **spec: Any) -> Any:
    priorities = {"groupPriorityMinimum": 100, "versionPriority": 100}
    return made("APIService", name, "", spec={"group": "example.com", "version": "v1", **priorities, **spec})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (api_service(service=SERVICE, insecureSkipTLSVerify=True), []),
        (
            api_service("v1.other.com"),
            [
                'metadata.name: Invalid value: "v1.other.com": must be `spec.version+"."+spec.group`: "v1.example.com"',
            ],
        ),
        (
            api_service("v2.", group="", version="v2"),
            ["spec.group: Required value: only v1 may have an empty group and it better be legacy kube"],
        ),
        (
            api_service(groupPriorityMinimum=20001, versionPriority=0),
            [
                "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
                "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
            ],
        ),
        (
            api_service(caBundle="YWJj", insecureSkipTLSVerify=True),
            [
                'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
                "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
            ],
        ),
        (
            api_service(service={}, caBundle="YWJj", insecureSkipTLSVerify=True),
            [
                "spec.service.namespace: Required value",
                "spec.service.name: Required value",
                "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
            ],
        ),
    ],
)
def test_an_api_service_says_what_it_serves_and_who_does(given: Any, expected: list[str]) -> None:
    assert refusals(SERVICES, given) == expected


def test_a_server_is_asked_at_the_port_of_https_unless_it_says_otherwise() -> None:
    assert create(SERVICES, api_service(service=SERVICE))["spec"]["service"] == {**SERVICE, "port": 443}
