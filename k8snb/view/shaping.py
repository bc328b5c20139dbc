"""A load that the reader shapes: so many clients, for so long, and what an autoscaler makes of it.

The clients are an ordinary Deployment of shells that ask again and again, so whoever has one can do the same on a
cluster of their own. On a page the load takes fixed steps. With a kernel there is a slider below the chart: how many
clients there are for the next minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from k8snb.i18n import _
from k8snb.typing import Object
from k8snb.view.panels import Panels
from k8snb.view.scaling import LOAD
from k8snb.view.stepper import STATIC

MOST_CLIENTS = 10
LOOP = "while sleep 1; do wget -q -O- http://{service} > /dev/null; done"

Turn = Callable[[int], Panels]
"""Let there be so many clients for a while; what it looks like afterwards."""


def generator(service: str, clients: int, namespace: str) -> Object:
    """The Deployment whose pods ask a Service once a second or so."""
    name, words = f"load-{service}", {"app": LOAD, "of": service}
    shell = {"name": "client", "image": "busybox:1.28", "command": ["sh", "-c", LOOP.format(service=service)]}
    template = {"metadata": {"labels": words}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [shell]}}
    spec = {"replicas": clients, "selector": {"matchLabels": words}, "template": template}
    meta = {"name": name, "namespace": namespace, "labels": words}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


class Shaping:
    """The chart after the steps that were given; with a kernel, and a slider for those that come."""

    def __init__(self, turn: Turn, steps: Sequence[int]) -> None:
        self._turn = turn
        self._clients = steps[-1]
        for clients in steps:
            self.panels = turn(clients)

    def __str__(self) -> str:
        return str(self.panels)

    def __repr__(self) -> str:
        return repr(self.panels)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any] | tuple[Any, Any]:
        bundle = self.panels._repr_mimebundle_()
        box = None if os.environ.get(STATIC) else self._box()
        live = None if box is None else box._repr_mimebundle_()
        if not live:
            return bundle
        data, metadata = live if isinstance(live, tuple) else (live, {})
        return {**data, **bundle}, metadata

    def _box(self) -> Any:
        """The chart with a slider and a button; None where there are no widgets."""
        try:
            import ipywidgets
        except ImportError:
            return None
        words = _("clients")
        picture = ipywidgets.HTML(self.panels.html())
        slider = ipywidgets.IntSlider(self._clients, 0, MOST_CLIENTS, description=words, continuous_update=False)
        button = ipywidgets.Button(description=_("go on"), tooltip=_("let time pass with so many clients"))

        def go_on(_button: Any) -> None:
            self.panels = self._turn(slider.value)
            picture.value = self.panels.html()

        button.on_click(go_on)
        return ipywidgets.VBox([picture, ipywidgets.HBox([slider, button])])
