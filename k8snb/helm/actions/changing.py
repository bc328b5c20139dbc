"""What installing and upgrading are told alike: how far to go, how to wait, what to show.

Upstream: the fields that `pkg/action/install.go` and `upgrade.go` share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from k8snb.helm.actions.setting import Rendering, Setting
from k8snb.helm.engine.scope import Capabilities
from k8snb.helm.errors import HelmError

DRY = "Dry run complete"


@dataclass(slots=True, kw_only=True)
class Changing:
    """Something that makes a new revision of a release. `dry_run` is empty, `client` or `server`."""

    setting: Setting
    dry_run: str = ""
    wait: bool = False
    wait_for_jobs: bool = False
    atomic: bool = False
    force: bool = False
    no_hooks: bool = False
    sub_notes: bool = False
    hide_secrets: bool = False
    skip_schema: bool = False
    take_ownership: bool = False
    description: str = ""
    timeout: float = 300.0
    labels: Mapping[str, str] = field(default_factory=dict)

    def check_hiding(self) -> None:
        """Refuse to hide what is going to be made."""
        if self.hide_secrets and not self.dry_run:
            raise HelmError("hiding Kubernetes secrets requires a dry-run mode")

    def rendering(self, capabilities: Capabilities, *, asks: bool, custom_kinds: bool = False) -> Rendering:
        """How its templates are rendered."""
        return Rendering(
            capabilities=capabilities,
            asks=asks,
            custom_kinds=custom_kinds,
            sub_notes=self.sub_notes,
            hide_secrets=self.hide_secrets,
            skip_schema=self.skip_schema,
        )
