"""What a cluster tells about access: whether a token is believed, who may do what, and how a decision comes about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apiserver.access.rules import Access
from k8snb.apiserver.server import APIServer
from k8snb.client.client import Client
from k8snb.clock import Clock
from k8snb.cluster.rush import user_named
from k8snb.wire import User

if TYPE_CHECKING:
    from k8snb.view.ruling import Ruling
    from k8snb.view.token import TokenView
    from k8snb.view.whocan import WhoCan


class Accessing:
    """Questions about access."""

    server: APIServer
    client: Client
    clock: Clock

    def token(self, token: str, *audiences: str) -> TokenView:
        """What a token says, and whether these audiences (by default the API server) would believe it now, and why not.

        Looking is not using: nothing is noted of it.
        """
        from k8snb.view.token import TokenView

        return TokenView(
            self.server.tokens.examine(token.strip(), audiences), self.clock.now(), self.server.store.revision
        )

    def who_can(
        self, resource: str, verbs: str = "", *, namespace: str = "default", name: str = "", system: bool = False
    ) -> WhoCan:
        """Everybody whom a binding names, and what they may do with a resource (`pods`, `pods/log`, `/metrics`).

        `verbs` are words with spaces between them, by default the usual ones; `name` asks about one object. Bindings
        that every cluster comes with are left out, unless `system` is set. The API server is asked for each cell.
        """
        from k8snb.view.whocan import Target, WhoCan

        return WhoCan(self.client, Target.of(self.client, resource, namespace, name), verbs.split(), system=system)

    def ruling(
        self, user: str, verb: str, resource: str, *, namespace: str = "default", name: str = "", groups: str = ""
    ) -> Ruling:
        """How the API server decides whether a user may do something, rule by rule. Nothing is done.

        `groups` are words with spaces between them, beside the groups that somebody of that name is always in.
        """
        from k8snb.view.ruling import Ruling
        from k8snb.view.whocan import Target

        known = user_named(user)
        somebody = User(user, (*groups.split(), *known.groups))
        target, authorizer = Target.of(self.client, resource, namespace, name), self.server.authorizer
        if authorizer is None:
            raise RuntimeError("this server has no gate")
        access = Access(verb, **target._asdict())
        decision = authorizer.decide(somebody, access)
        looks = authorizer.explain(somebody, access)
        return Ruling(somebody, access, looks, decision.reason, self.server.store.revision)
