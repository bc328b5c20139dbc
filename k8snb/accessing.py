"""What a cluster tells about access: whether a token is believed, who may do what, and how a decision comes about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apiserver.access.rules import Access
from k8snb.apiserver.server import APIServer
from k8snb.client.client import Client
from k8snb.clock import Clock
from k8snb.i18n import _
from k8snb.rush import user_named
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
        from k8snb.view.whocan import VERBS, Target, WhoCan

        access = self._access("", resource, namespace, name)
        target = Target(access.group, access.resource, access.subresource, access.namespace, name, access.path)
        usual = ("get", "post") if access.path else VERBS
        return WhoCan(self.client, target, verbs.split() or usual, system=system)

    def ruling(
        self, user: str, verb: str, resource: str, *, namespace: str = "default", name: str = "", groups: str = ""
    ) -> Ruling:
        """How the API server decides whether a user may do something, rule by rule. Nothing is done.

        `groups` are words with spaces between them, beside the groups that somebody of that name is always in.
        """
        from k8snb.view.ruling import Ruling

        known = user_named(user)
        somebody = User(user, (*groups.split(), *known.groups))
        access = self._access(verb, resource, namespace, name)
        authorizer = self.server.authorizer
        if authorizer is None:
            raise RuntimeError("this server has no gate")
        decision = authorizer.decide(somebody, access)
        looks = authorizer.explain(somebody, access)
        return Ruling(somebody, access, looks, decision.reason, self.server.store.revision)

    def _access(self, verb: str, resource: str, namespace: str, name: str) -> Access:
        """What somebody wants; ValueError if there is no such resource."""
        if resource.startswith("/"):
            return Access(verb, path=resource)
        word, _slash, below = resource.partition("/")
        found = self.server.scheme.find(word)
        if found is None:
            raise ValueError(_("there is no resource {word}").format(word=word))
        return Access(verb, found.group, found.plural, below, namespace if found.namespaced else "", name)
