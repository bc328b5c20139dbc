"""The stepper in a notebook with a kernel: an `anywidget`, imported only when there is one to show."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from k8snb.view.packing import packed
from k8snb.view.stepper import Playing, Stepper, script


class StepperWidget(anywidget.AnyWidget):
    """The live stepper: `index` is the frame that the reader looks at, and moves the reader when it is set.

    With a cluster behind it the reader may act on that: each message is done, and the story told anew.
    """

    story = traitlets.Dict().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    acts = traitlets.Bool(False).tag(sync=True)
    other = traitlets.Dict().tag(sync=True)
    """The story of the fork; empty as long as there is none."""
    compared: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    said = traitlets.Unicode("").tag(sync=True)

    def __init__(self, stepper: Stepper, playing: Playing | None = None) -> None:
        super().__init__(_esm=script(), story=packed(stepper.document()), acts=playing is not None)
        self._playing = playing
        self.on_msg(self._asked)

    def _asked(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        playing = self._playing
        if playing is None:
            return
        playing.act(message)
        other = playing.other
        with self.hold_sync():
            self.story = packed(playing.story.document())
            self.other = {} if other is None else packed(other.document())
            self.compared = playing.compared()
            self.said = playing.said
