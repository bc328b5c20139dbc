"""Discovery without DNS: the variables that the kubelet gives to containers."""

from __future__ import annotations

from tests.network.town import PORT, Town


def variables(town: Town, pod: str, namespace: str = "default") -> dict[str, str]:
    said = town.cluster.kubectl(f"exec {pod} -n {namespace} -- env")
    return dict(line.split("=", 1) for line in said.splitlines())


def of(service: str, found: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if name.startswith(f"{service}_")}


def test_a_service_is_told_as_host_and_port_and_in_the_old_style_of_links(town: Town) -> None:
    ip = town.service("my-service")["spec"]["clusterIP"]
    town.pod("caller")
    assert of("MY_SERVICE", variables(town, "caller")) == {
        "MY_SERVICE_SERVICE_HOST": ip,
        "MY_SERVICE_SERVICE_PORT": "80",
        "MY_SERVICE_PORT": f"tcp://{ip}:80",
        "MY_SERVICE_PORT_80_TCP": f"tcp://{ip}:80",
        "MY_SERVICE_PORT_80_TCP_PROTO": "tcp",
        "MY_SERVICE_PORT_80_TCP_PORT": "80",
        "MY_SERVICE_PORT_80_TCP_ADDR": ip,
    }


def test_a_named_port_has_a_variable_of_its_own(town: Town) -> None:
    ports = [{"name": "http-web", "port": 80, "targetPort": PORT}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    town.service("web", ports=ports)
    town.pod("caller")
    found = variables(town, "caller")
    assert (found["WEB_SERVICE_PORT"], found["WEB_SERVICE_PORT_HTTP_WEB"], found["WEB_SERVICE_PORT_DNS"]) == (
        "80",
        "80",
        "53",
    )
    assert found["WEB_PORT_53_UDP_PROTO"] == "udp"


def test_every_pod_knows_the_api_server(town: Town) -> None:
    town.namespace("shop")
    town.pod("caller", namespace="shop")
    found = variables(town, "caller", "shop")
    assert (found["KUBERNETES_SERVICE_HOST"], found["KUBERNETES_SERVICE_PORT_HTTPS"]) == ("10.96.0.1", "443")


def test_a_service_that_comes_after_the_pod_is_not_in_its_variables(town: Town) -> None:
    town.pod("early")
    town.service("my-service")
    town.pod("late")
    assert of("MY_SERVICE", variables(town, "early")) == {}
    assert of("MY_SERVICE", variables(town, "late")) != {}


def test_variables_are_of_the_pods_namespace(town: Town) -> None:
    town.namespace("shop")
    town.service("my-service")
    town.pod("caller", namespace="shop")
    assert of("MY_SERVICE", variables(town, "caller", "shop")) == {}


def test_a_headless_service_has_no_variables(town: Town) -> None:
    town.service("my-service", clusterIP="None")
    town.pod("caller")
    assert of("MY_SERVICE", variables(town, "caller")) == {}


def test_a_pod_may_do_without(town: Town) -> None:
    town.service("my-service")
    town.pod("caller", enableServiceLinks=False)
    found = variables(town, "caller")
    assert of("MY_SERVICE", found) == {}
    assert found["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"


def test_a_containers_own_variable_wins(town: Town) -> None:
    town.service("my-service")
    town.pod("caller", container={"env": [{"name": "MY_SERVICE_SERVICE_HOST", "value": "here"}]})
    assert variables(town, "caller")["MY_SERVICE_SERVICE_HOST"] == "here"


def test_the_old_endpoints_api_is_still_filled_and_warns(town: Town) -> None:
    ip = town.pod("web-1", app="web")
    town.service()
    said = town.cluster.kubectl("get endpoints web")
    assert f"{ip}:{PORT}" in said
    assert "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice" in said
