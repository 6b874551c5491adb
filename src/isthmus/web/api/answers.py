"""The shapes of the API's answers, as `/openapi.json` tells them."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from isthmus.web.api.requests import ParameterIn, PolicyIn, Role, ScopeIn, VariableIn

T = TypeVar("T")


class Told(BaseModel):
    """What a route answers: described in OpenAPI, never validated, so that nothing is built before it is asked for."""

    model_config = ConfigDict(defer_build=True)


class Problem(Told):
    """RFC 9457. `code` is stable; `hint` is the next step."""

    type: str = Field(description="Where the code is explained.")
    title: str
    status: int
    code: str
    detail: str
    hint: str
    request_id: str
    field: str | None = Field(None, description="What is wrong, for bad input.")
    errors: list[dict[str, str]] | None = Field(None, description="All fields that are wrong.")


class PageOf(Told, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(description="Null on the last page.")


class Reason(Told):
    code: str
    message: str
    hint: str
    at: str | None = None


class Guide(Told):
    """How to register and connect, scopes, what is unusual, what breaks and why."""

    link_name: str
    name: str
    markdown: str


class Changed(Told):
    """What differs from what the service said when it was last agreed to."""

    at: str
    changes: list[str] = Field(description="A sentence each.")


class Service(Told):
    """The definition of a third-party API and how to authorize with it. Never holds the client secret."""

    link_name: str
    name: str
    kind: Literal["default", "custom"]
    auth_type: Literal["oauth2", "oauth1", "basic", "api_key", "login"]
    category: str = "other"
    description: str = ""
    client_id: str = ""
    has_client_secret: bool = False
    grant_type: str = ""
    authorize_url: str = ""
    access_token_url: str = ""
    refresh_token_url: str = ""
    revoke_token_url: str = ""
    request_token_url: str = ""
    scopes: list[ScopeIn] = []
    scope_delimiter: str = " "
    param_type: Literal["header", "query", "form"] = "header"
    param_name: str = ""
    param_prefix: str = ""
    pkce: Literal["S256", "none"] = "S256"
    client_authentication: str = ""
    authorize_parameters: dict[str, str] = {}
    token_parameters: dict[str, str] = {}
    token_response: dict[str, Any] = {}
    signature_method: str = ""
    signature_body_hash: bool = False
    parameters: list[ParameterIn] = []
    variables: list[VariableIn] = []
    base_url: str = ""
    hosts: list[str] = []
    test: dict[str, Any] | None = None
    redirect_url: str | None = Field(None, description="To register at the third party.")
    connections: int | None = Field(None, description="How many connections use it.")
    changed: Changed | None = Field(None, description="Of a default service in use that has changed.")


class ChangedService(Changed):
    link_name: str
    name: str


class CatalogUpdate(Told):
    serial: int
    published_at: str
    services: int


class CatalogProblem(Told):
    code: str
    message: str


class Catalog(Told):
    services: int
    update: CatalogUpdate | None = Field(None, description="The signed bundle over the product's own services.")
    checked_at: str | None = Field(None, description="When its address was last asked.")
    problem: CatalogProblem | None = Field(None, description="Why the catalog stays as it was.")
    changed: list[ChangedService] = Field(description="Default services in use that changed.")


class Authorized(Told):
    status: Literal["not_connected", "connecting", "connected", "reauthorization_required", "disabled"]
    status_reason: Reason | None = None
    connected_as: str | None = None
    granted_scopes: list[str] | None = None
    missing_scopes: list[str] = []
    expires_at: str | None = None
    grant_expires_at: str | None = None
    last_used_at: str | None = None
    last_test: dict[str, Any] | None = None


class Connection(Authorized):
    """A named use of a service."""

    link_name: str
    name: str
    service: str
    scopes: list[str]
    use_credentials_of_login_user: bool
    variables: dict[str, str]
    policy: PolicyIn
    created_by: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class Authorization(Authorized):
    """One resource owner's consent under a connection."""

    id: str
    user: str | None = Field(description="Null for a shared connection.")
    issued_at: str | None = None
    created_at: str | None = None


class ConnectAnswer(Told):
    status: Literal["connected", "connecting"]
    connected_as: str | None = None
    authorize_url: str | None = Field(None, description="A page of ours to open in a browser.")
    expires_at: str | None = None
    user_code: str | None = None
    verification_uri: str | None = None


class TestAnswer(Told):
    """What the who-am-I call saw."""

    ok: bool
    status: int | None = None
    latency_ms: float | None = None
    identity: str | None = None
    granted_scopes: list[str] | None = None
    missing_scopes: list[str] = []
    reason: Reason | None = None
    at: str | None = None


class Snippet(Told):
    deluge: str = Field(description="A custom function.")
    python_function: str = Field(description="A custom function.")
    python: str = Field(description="A program, with an API key in ISTHMUS_KEY.")
    curl: str
    javascript: str


class TimelineEntry(Told):
    id: str
    at: str
    kind: str
    message: str
    code: str | None = None
    hint: str | None = None
    authorization_id: str | None = None
    details: dict[str, Any] = {}


class CallHeader(Told):
    name: str
    value: str | None = Field(description="Null where it is withheld: all but a few harmless ones are.")
    attached: bool = Field(description="Added by Isthmus to authorize the call.")


class CallSide(Told):
    """A request as it was sent, or an answer as it came, redacted."""

    headers: list[CallHeader]
    media_type: str | None
    size: int | None = Field(description="Bytes of the body, unpacked if we unpacked it; null where unknown.")
    body: str | None = Field(description="The first 4 KiB, redacted, where `policy.keep_bodies` is on and it is text.")
    body_cut: bool


class CallEntry(Told):
    """One call through a connection, without query values and secrets."""

    id: str
    at: str
    actor: str
    method: str
    url: str
    status: int | None
    elapsed_ms: float
    request_id: str
    error: str | None = None
    request: CallSide | None = Field(None, description="Null where nothing was sent.")
    answer: CallSide | None = Field(None, description="Null where none came.")


class InvokeAnswer(Told):
    """The third party's answer, whatever its status. One of `body` and `body_base64`."""

    status: int
    headers: dict[str, str] = Field(description="Names in lower case; several values joined by a comma.")
    body: Any = Field(None, description="Decoded JSON, else text.")
    body_base64: str | None = Field(None, description="A body that is neither JSON nor text.")
    elapsed_ms: float
    request_id: str
    pages: int | None = Field(None, description="With `all_pages`: how many were gathered.")


class Lease(Told):
    """Headers ready to be sent to the service's hosts."""

    headers: dict[str, str]
    expires_at: str | None


class User(Told):
    id: str
    email: str
    name: str
    role: Role
    disabled: bool
    created_at: str | None
    updated_at: str | None


class ApiKey(Told):
    id: str
    name: str
    role: Role
    connections: list[str] | None
    functions: list[str] | None
    hint: str = Field(description="The last four characters.")
    created_by: str
    created_at: str | None
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class ApiKeyWithSecret(ApiKey):
    key: str = Field(description="The key itself: in this answer and never again.")


class Me(Told):
    """Who a request was made by."""

    kind: Literal["user", "api_key", "client", "system"]
    id: str
    name: str
    role: Role
    connections: list[str] | None
    functions: list[str] | None


class ActivityEntry(Told):
    """Who did what, when, from where, and how it ended."""

    id: str
    at: str
    actor: str
    action: str
    target: str
    result: str
    address: str | None
    details: dict[str, Any]
