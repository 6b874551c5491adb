"""What authorizes a call, opened; and an application's credentials at a third party."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Our own registration at a provider. For RSA-SHA1 the secret is the PEM private key."""

    client_id: str
    client_secret: str = field(default="", repr=False)


# `values` are those of the service's parameters, by key.


@dataclass(frozen=True, slots=True)
class OAuth2Credential:
    access_token: str = field(repr=False)
    token_type: str = "Bearer"
    refresh_token: str | None = field(default=None, repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class OAuth1Credential:
    """The token is empty where the consumer key alone signs."""

    token: str = field(repr=False)
    token_secret: str = field(repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class BasicCredential:
    username: str = field(repr=False)
    password: str = field(repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ApiKeyCredential:
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoginCredential:
    """What a login brought, and what was entered for it, with which it is done again."""

    access_token: str = field(repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


Credential = OAuth2Credential | OAuth1Credential | BasicCredential | ApiKeyCredential | LoginCredential
