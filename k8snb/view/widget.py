"""The stepper in a notebook with a kernel: an `anywidget`, imported only when there is one to show."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from k8snb.view.stepper import script


class StepperWidget(anywidget.AnyWidget):
    """The live stepper: `index` is the frame that the reader looks at, and moves the reader when it is set."""

    story = traitlets.Dict().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)

    def __init__(self, story: dict[str, Any]) -> None:
        super().__init__(_esm=script(), story=story)
