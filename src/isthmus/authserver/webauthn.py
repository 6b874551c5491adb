"""The ceremonies of WebAuthn: what an authenticator answered, judged. Loaded when the first answer comes.

The library checks type, challenge, origin, relying party, presence, verification and signature; what is ours is which
algorithms count, that no page of another origin framed ours, and that the answer is about its own account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
    UserVerificationRequirement,
)

ALGORITHMS = (-7, -8, -257)
"""ES256, EdDSA and RS256, as COSE numbers them."""


class Unacceptable(Exception):
    """The answer does not hold; the text says why, in words of ours or of the library."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an authenticator said that held."""

    credential: bytes
    sign_count: int
    synced: bool


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks: the relying party's id is a host name, its origin the one address that answers may come from."""

    rp_id: str
    origin: str

    def server(self) -> Fido2Server:
        return Fido2Server(PublicKeyCredentialRpEntity(id=self.rp_id, name="Isthmus"), verify_origin=self.is_own)

    def is_own(self, origin: object) -> bool:
        return origin == self.origin


def judge_registration(party: Party, document: Mapping[str, Any], challenge: str) -> Answer:
    """The new credential. Raises Unacceptable."""
    try:
        client = RegistrationResponse.from_dict(document).response.client_data
        said = party.server().register_complete(_state(challenge), document)
        made = said.credential_data
        if made is None or made.public_key.get(3) not in ALGORITHMS:
            raise Unacceptable("the kind of key is not accepted")
        _check_frame(client.cross_origin)
    except Unacceptable:
        raise
    except Exception as problem:  # a stranger's bytes: whatever they break, they are refused
        raise Unacceptable(type(problem).__name__ if not isinstance(problem, ValueError) else str(problem)) from None
    return Answer(bytes(made), said.counter, _is_synced(said))


def judge_assertion(
    party: Party, document: Mapping[str, Any], challenge: str, *, credential: bytes, user_handle: bytes
) -> Answer:
    """The use of a credential that is known, by the person with this handle. Raises Unacceptable."""
    try:
        answer = AuthenticationResponse.from_dict(document).response
        known = AttestedCredentialData(credential)
        party.server().authenticate_complete(_state(challenge), [known], document)
        _check_frame(answer.client_data.cross_origin)
        if answer.user_handle != user_handle:
            raise Unacceptable("the answer names another account")
    except Unacceptable:
        raise
    except Exception as problem:  # as above
        raise Unacceptable(type(problem).__name__ if not isinstance(problem, ValueError) else str(problem)) from None
    return Answer(credential, answer.authenticator_data.counter, _is_synced(answer.authenticator_data))


def credential_id(credential: bytes) -> str:
    """The id of a credential, in base64url as browsers write it."""
    return websafe_encode(AttestedCredentialData(credential).credential_id)


def _state(challenge: str) -> dict[str, Any]:
    websafe_decode(challenge)
    return {"challenge": challenge, "user_verification": UserVerificationRequirement.REQUIRED}


def _check_frame(cross_origin: object) -> None:
    if cross_origin not in (None, False):
        raise Unacceptable("a page of another origin framed ours")


def _is_synced(said: AuthenticatorData) -> bool:
    return bool(said.flags & AuthenticatorData.FLAG.BS)
