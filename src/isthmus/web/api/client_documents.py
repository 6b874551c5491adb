"""What the routes of clients and grants take and answer."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from isthmus.web.api.answers import Told
from isthmus.web.api.requests import Body, Role, Shown

ClientType = Literal["server_based", "browser", "mobile", "device", "self"]


class ClientChanges(Shown):
    """What can be set on a client."""

    read_only: ClassVar[frozenset[str]] = frozenset(
        {
            "client_id",
            "client_type",
            "client_type_name",
            "authentication",
            "secrets",
            "created_by",
            "created_at",
            "updated_at",
            "last_used_at",
        }
    )

    name: str = Field("", description="Client Name, as people read it on the consent page.", max_length=100)
    domain: str = Field("", description="Client Domain: the address of its home page.", max_length=500)
    redirect_uris: list[str] = Field([], description="Authorized Redirect URIs, compared exactly.", max_length=50)
    scopes: list[str] = Field([], description="The most it may ask for.", max_length=200)
    grant_types: list[str] = Field([], description="What its type allows, if left out.", max_length=10)
    keys: dict[str, Any] | None = Field(None, description="JWK set with its public keys, for private_key_jwt.")
    role: Role = Field("member", description="What it may do on its own account, by client credentials.")
    require_pushed_authorization: bool = Field(False, description="Refuse requests that were not pushed (RFC 9126).")
    require_dpop: bool = Field(False, description="Refuse token requests without a DPoP proof (RFC 9449).")
    disabled: bool = False


class NewClient(ClientChanges):
    """A client to be registered."""

    read_only: ClassVar[frozenset[str]] = frozenset()

    client_type: ClientType
    authentication: Literal["client_secret", "private_key_jwt", "none"] = "client_secret"


class SecretWanted(Body):
    overlap_seconds: int = Field(604_800, description="How long the former secrets still work; 0 ends them at once.")


class CodeWanted(Body):
    scope: str = Field("", description="Scopes, separated by spaces; all of the client's if left out.", max_length=4000)
    minutes: int = Field(3, description="How long the code can be exchanged: 1 to 10 minutes.")
    description: str = Field("", max_length=200)


class ClientSecret(Told):
    """A secret, of which only the last four characters can be told."""

    id: str
    hint: str
    created_at: str | None
    expires_at: str | None


class Client(Told):
    """An application that uses our API."""

    client_id: str
    name: str
    domain: str
    client_type: ClientType
    client_type_name: str
    redirect_uris: list[str]
    scopes: list[str]
    grant_types: list[str]
    authentication: str
    keys: dict[str, Any] | None
    role: Role
    require_pushed_authorization: bool
    require_dpop: bool
    disabled: bool
    secrets: list[ClientSecret]
    created_by: str
    created_at: str | None
    updated_at: str | None
    last_used_at: str | None


class ClientWithSecret(Client):
    client_secret: str | None = Field(None, description="The secret itself: in this answer and never again.")


class GeneratedCode(Told):
    """A code for the token endpoint, in this answer and never again."""

    code: str
    expires_at: str
    scope: str


class GrantedScope(Told):
    name: str
    sentence: str


class Person(Told):
    id: str
    email: str
    name: str


class Grant(Told):
    """What an application was granted."""

    id: str
    client_id: str
    client: str
    domain: str
    grant_type: str
    scopes: list[GrantedScope]
    person: Person | None
    description: str
    created_at: str | None
    expires_at: str | None
    last_used_at: str | None
