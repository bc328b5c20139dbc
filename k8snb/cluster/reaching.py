"""What a cluster tells about its network policies: who may reach whom, and why.

The answers come from the function that judges packets (`network.policies.judgement`), asked about the objects of a
revision. Whether the network enforces policies at all is the reader's choice, and kept in the journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from k8snb.cluster.doing import Doing
from k8snb.cluster.snapshot import Looking
from k8snb.network.fabric import Fabric

if TYPE_CHECKING:
    from k8snb.view.reach import Reach
    from k8snb.view.reachability import Reachability


class Reaching(Doing, Looking):
    """Questions about network policies."""

    network: Fabric

    def enforce_policies(self, enforced: bool) -> None:
        """Have a network that enforces NetworkPolicies, or one that pays no heed to them."""
        self._do("_enforce_policies", enforced)

    def _enforce_policies(self, enforced: bool) -> None:
        self.network.enforcement.enforces = enforced

    def may_reach(
        self,
        source: str,
        target: str,
        port: int,
        protocol: str = "TCP",
        *,
        namespace: str = "default",
        revision: int | None = None,
    ) -> Reach:
        """Whether policies let a connection through, and what each of them says to it; true if they do.

        Source and target are pods (`db`, `shop/db`) or addresses. Raises ValueError for a pod that has no address.
        """
        from k8snb.network.policies.judgement import judged
        from k8snb.view.reach import Reach

        now = self.revision if revision is None else revision
        then = self.at(now)
        enforced = self.network.enforcement.enforces
        found = judged(then, source, target, port, protocol, namespace=namespace, enforced=enforced)
        return Reach(found, then, now)

    def reachability(
        self,
        port: int | None = None,
        *,
        namespaces: Sequence[str] = ("default",),
        outside: Sequence[str] = (),
        since: int | None = None,
    ) -> Reachability:
        """Who reaches whom: every pod of some namespaces by every port that a pod of them has.

        With a `port` it is about that one alone; `outside` are addresses that are added. With `since`, what has
        changed after that revision is marked.
        """
        from k8snb.view.reachability import Asked, Reachability

        asked = Asked(port, tuple(namespaces), tuple(outside), self.network.enforcement.enforces)
        before = None if since is None else self.at(since)
        return Reachability(asked, self.at(self.revision), before)
