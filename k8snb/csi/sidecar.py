"""What the sidecars have in common: a driver, objects that are theirs, and calls that take their time."""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.client.events import EventRecorder
from k8snb.csi.driver import Driver
from k8snb.csi.messages import Message
from k8snb.machinery.objects import with_meta
from k8snb.typing import Object, ObjectKey

CALL_SECONDS = 2.0
"""How long a call of the controller service takes, as clouds do."""

RETRY_SECONDS = 10.0


class Sidecar(Controller):
    """A control loop beside a driver; `caller` is who speaks with the driver for it, if that has another name."""

    caller = ""

    def __init__(self, context: Context, driver: Driver) -> None:
        super().__init__(context)
        self.driver = driver
        self.events = EventRecorder(context.client, context.clock, f"{driver.name}_csi-controller-0")
        self._ends: dict[tuple[str, str], float] = {}

    def meet(self) -> None:
        """Find out whether the driver is ready, what it is called and what it can do; every sidecar begins so."""
        for method in ("Probe", "GetPluginInfo", "GetPluginCapabilities", "ControllerGetCapabilities"):
            self.ask(method, {})

    def ask(self, method: str, request: Message) -> Message:
        """Call the controller's part of the driver; raises CallFailed."""
        return self.driver.call(method, request, caller=self.caller or self.name)

    def has_taken(self, key: ObjectKey, what: str) -> bool:
        """Whether the time of a call for an object is over; it begins when this is asked first."""
        now = self.clock.now()
        end = self._ends.setdefault((str(key), what), now + CALL_SECONDS)
        if now < end:
            self.queue.add_after(key, end - now)
            return False
        del self._ends[str(key), what]
        return True

    def later(self, key: ObjectKey) -> None:
        """A call has failed: try again after a while."""
        self.queue.add_after(key, RETRY_SECONDS, background=True)


def with_finalizer(obj: Object, name: str) -> Object:
    """The object, kept by the finalizer."""
    held = obj["metadata"].get("finalizers") or []
    return obj if name in held else with_meta(obj, finalizers=[*held, name])


def without_finalizer(obj: Object, name: str) -> Object:
    """The object, let go by the finalizer."""
    left = [each for each in obj["metadata"].get("finalizers") or () if each != name]
    return with_meta(obj, finalizers=left or None)


def handle_in(volume: Object) -> str:
    """What the driver calls a PersistentVolume."""
    return str(volume["spec"]["csi"]["volumeHandle"])
