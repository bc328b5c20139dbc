"""The way in, for clusters whose readers install it: one router for Ingress and for Gateway API.

A bare cluster has neither. `kubectl apply` makes it a part of the cluster from `controller.yaml` and `gateway-api.yaml`
beside this module: a Deployment whose pods run the program of `kubelet/images/router.py`. Objects of the API become
`rules` (`ingresses`, `httproutes`) and `listeners`, `routing` chooses a rule for a request, `forwarding` does what it
says, and the controllers keep statuses true. All but the last are functions of what the API holds.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

CONTROLLER = str(_HERE / "controller.yaml")
"""The manifests of the controller, for `kubectl apply -f`."""

GATEWAY_API = str(_HERE / "gateway-api.yaml")
"""The definitions of Gateway API's standard channel that it serves, for `kubectl apply -f`."""
