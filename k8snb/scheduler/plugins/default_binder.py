"""DefaultBinder: tells the API server where the pod goes."""

from __future__ import annotations

from k8snb.errors import StatusError
from k8snb.scheduler.api import Api
from k8snb.scheduler.framework import SUCCESS, CycleState, Status
from k8snb.typing import Object


class DefaultBinder:
    name = "DefaultBinder"
    local = False

    def __init__(self, api: Api) -> None:
        self._api = api

    def bind(self, state: CycleState, pod: Object, node: str) -> Status:
        try:
            self._api.bind(pod, node)
        except StatusError as error:
            return Status.error(error.message, plugin=self.name)
        return SUCCESS
