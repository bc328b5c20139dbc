"""Prometheus, as a pure core: labels, the exposition format, a time-series store, PromQL.

Nothing here knows of a wire or of the machine's time. What scrapes hands in texts and moments (in milliseconds since
1970, as Prometheus counts them), and what asks gets values back.
"""

from __future__ import annotations

from pathlib import Path

MONITORING = str(Path(__file__).with_name("monitoring.yaml"))
"""What to `kubectl apply` for a Prometheus, an Alertmanager and kube-state-metrics."""
