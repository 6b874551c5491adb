"""Credentials on their way to and from the vault: the one place where they are opened."""

from __future__ import annotations

import json
from dataclasses import asdict

from isthmus.broker.tokens import fingerprint
from isthmus.errors import SealBroken
from isthmus.records import (
    ApiKeyCredential,
    Authorization,
    BasicCredential,
    Credential,
    LoginCredential,
    OAuth1Credential,
    OAuth2Credential,
)
from isthmus.vault import Vault

_KINDS: dict[str, type[Credential]] = {
    "oauth2": OAuth2Credential,
    "oauth1": OAuth1Credential,
    "basic": BasicCredential,
    "api_key": ApiKeyCredential,
    "login": LoginCredential,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def seal_credential(vault: Vault, authorization_id: str, credential: Credential) -> bytes:
    """The credential, sealed for the row of this authorization."""
    document = {"kind": _NAMES[type(credential)], **asdict(credential)}
    return vault.seal(json.dumps(document).encode(), table="authorizations", row=authorization_id, field="credential")


def open_credential(vault: Vault, authorization: Authorization, *, previous: bool = False) -> Credential:
    """The credential of this authorization, or with `previous` the one before it.

    Raises SealBroken if the sealed bytes were damaged, moved from another row, or sealed under a lost key.
    """
    sealed = authorization.previous_sealed if previous else authorization.credential_sealed
    if sealed is None:
        raise SealBroken("There is no sealed credential in this place.")
    document = json.loads(vault.open(sealed, table="authorizations", row=authorization.id, field="credential"))
    kind = _KINDS[document.pop("kind")]
    return kind(**document)


def spend_hash(credential: Credential) -> str | None:
    """The fingerprint of the refresh token that a refresh would spend; None where there is none."""
    if isinstance(credential, OAuth2Credential) and credential.refresh_token:
        return fingerprint("refresh_token", credential.refresh_token)
    return None
