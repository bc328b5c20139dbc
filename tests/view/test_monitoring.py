"""What Prometheus knows, as a story: a pod that wants to be scraped where nobody listens."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.metrics import MONITORING
from k8snb.view.stepper import Stepper


@pytest.fixture(scope="module")
def story() -> Stepper:
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl(f"apply -f {MONITORING}")
    asks = "--annotations=prometheus.io/scrape=true --annotations=prometheus.io/port=81"
    cluster.kubectl(f"run silent --image=nginx {asks}")
    cluster.advance(120)
    return cluster.monitoring().story("silent", "TargetDown")


def test_a_target_is_down_from_its_first_scrape_on(story: Stepper) -> None:
    words = [frame.scene["Pod/silent"].get("word", "") for frame in story]
    assert words == [""] * 4 + ["down"] * 6


def test_the_value_of_an_alert_is_a_number_as_people_write_it(story: Stepper) -> None:
    seen = [dict(frame.observed) for frame in story]
    assert [each["value"] for each in seen if "value" in each] == ["0", "0"]
