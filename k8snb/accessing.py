"""What a cluster tells about who may come in and what they may do: what a token says and whether it is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apiserver.server import APIServer
from k8snb.clock import Clock

if TYPE_CHECKING:
    from k8snb.view.token import TokenView


class Accessing:
    """Questions about access."""

    server: APIServer
    clock: Clock

    def token(self, token: str, *audiences: str) -> TokenView:
        """What a token says, and whether these audiences (by default the API server) would believe it now, and why not.

        Looking is not using: nothing is noted of it.
        """
        from k8snb.view.token import TokenView

        return TokenView(
            self.server.tokens.examine(token.strip(), audiences), self.clock.now(), self.server.store.revision
        )
