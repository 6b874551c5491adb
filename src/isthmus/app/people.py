"""The parts that know who asks: people, keys, sessions, and the applications of our own OAuth 2. Each is built once."""

from __future__ import annotations

from functools import cached_property

from isthmus.app.ground import Ground, utc_now
from isthmus.authserver.accounts import Accounts
from isthmus.authserver.authentication import Authentication
from isthmus.authserver.authorize import Authorize
from isthmus.authserver.challenges import Challenges
from isthmus.authserver.clients import Clients
from isthmus.authserver.devices import Devices
from isthmus.authserver.known_browsers import KnownBrowsers
from isthmus.authserver.openid import OpenId
from isthmus.authserver.openid_provider import OpenIdProvider
from isthmus.authserver.passkeys import Passkeys
from isthmus.authserver.proofs import Proofs
from isthmus.authserver.protect import Protect
from isthmus.authserver.sessions import Sessions
from isthmus.authserver.setup import Setup
from isthmus.authserver.token import TokenEndpoint


class PeopleParts:
    def __init__(self, ground: Ground) -> None:
        self._settings = ground.settings
        self._storage = ground.storage
        self._vault = ground.vault
        self._outbound = ground.outbound
        self._issuer = ground.settings.public_url

    @cached_property
    def proofs(self) -> Proofs:
        return Proofs(storage=self._storage, vault=self._vault, clock=utc_now, issuer=self._issuer)

    @cached_property
    def protect(self) -> Protect:
        return Protect(storage=self._storage, proofs=self.proofs, clock=utc_now)

    @cached_property
    def sessions(self) -> Sessions:
        return Sessions(storage=self._storage, protect=self.protect, clock=utc_now)

    @cached_property
    def challenges(self) -> Challenges:
        return Challenges(storage=self._storage, key=self._vault.derived("challenges"), clock=utc_now)

    @cached_property
    def known(self) -> KnownBrowsers:
        return KnownBrowsers(key=self._vault.derived("known browsers"), clock=utc_now)

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(
            storage=self._storage,
            protect=self.protect,
            settings=self._settings,
            clock=utc_now,
            sessions=self.sessions,
            known=self.known,
        )

    @cached_property
    def setup(self) -> Setup:
        token = self._vault.derived("set-up link")
        return Setup(accounts=self.accounts, public_url=self._issuer, token=token)

    @cached_property
    def passkeys(self) -> Passkeys:
        return Passkeys(
            storage=self._storage,
            sessions=self.sessions,
            challenges=self.challenges,
            public_url=self._issuer,
            clock=utc_now,
        )

    @cached_property
    def openid(self) -> OpenId:
        return OpenId(
            settings=self._settings,
            provider=self._openid_provider(),
            storage=self._storage,
            sessions=self.sessions,
            challenges=self.challenges,
            clock=utc_now,
        )

    def _openid_provider(self) -> OpenIdProvider | None:
        if not self._settings.openid_issuer:
            return None
        return OpenIdProvider(
            settings=self._settings,
            secret=self._settings.openid_secret(),
            outbound=self._outbound,
            clock=utc_now,
            redirect_uri=f"{self._issuer}/login/openid/callback",
        )

    @cached_property
    def authentication(self) -> Authentication:
        return Authentication(storage=self._storage, proofs=self.proofs, clock=utc_now)

    @cached_property
    def clients(self) -> Clients:
        return Clients(storage=self._storage, protect=self.protect, settings=self._settings, clock=utc_now)

    @cached_property
    def authorize(self) -> Authorize:
        return Authorize(storage=self._storage, authentication=self.authentication, clock=utc_now, issuer=self._issuer)

    @cached_property
    def devices(self) -> Devices:
        return Devices(storage=self._storage, authentication=self.authentication, clock=utc_now, issuer=self._issuer)

    @cached_property
    def tokens(self) -> TokenEndpoint:
        return TokenEndpoint(
            storage=self._storage,
            authentication=self.authentication,
            proofs=self.proofs,
            protect=self.protect,
            clock=utc_now,
            issuer=self._issuer,
        )
