"""What readers do with a page."""

from __future__ import annotations

from tests.browser import Visit


def step_through(visit: Visit) -> None:
    """Take every stepper of the page a step on, to its end, and a step back."""
    for stepper in visit.page.locator("k8snb-stepper").all():
        last = int(stepper.locator(".count").inner_text().split("/")[1])
        stepper.get_by_role("button", name="next step").click()
        assert stepper.locator(".count").inner_text() == f"2 / {last}"
        stepper.locator("section").focus()
        visit.page.keyboard.press("End")
        assert stepper.locator(".count").inner_text() == f"{last} / {last}"
        visit.page.keyboard.press("ArrowLeft")
        assert stepper.locator(".count").inner_text() == f"{last - 1} / {last}"
