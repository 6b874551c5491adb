"""The bodies that the API takes. Shape and types are judged here, meaning by the use cases."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Role = Literal["administrator", "developer", "member"]
Placement = Literal["header", "query", "form"]
ClientAuthentication = Literal["basic", "basic_raw", "post", "none", "declared", "private_key_jwt", "tls"]


class Body(BaseModel):
    """No unknown fields, no conversions: `"1"` is not 1."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Shown(Body):
    """A body that may be what GET answered, changed: what only the server writes is passed over, not refused."""

    read_only: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _pass_over(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {key: value for key, value in given.items() if key not in cls.read_only}


class ScopeIn(Body):
    name: str = Field(description="The scope as the third party knows it.", max_length=500)
    display_name: str = Field("", description="What people read.", max_length=200)


class ParameterIn(Body):
    key: str = Field(description="Name of the header, query or form parameter.", max_length=200)
    display_name: str = ""
    description: str = ""
    example: str = ""
    placement: Literal["header", "query", "form", "json", "path", "slot"] = "header"
    prefix: str = Field("", description="What stands before the value, such as `Bearer `.")
    template: str = Field("", description="The whole value, out of the slots of all parameters.", max_length=2000)
    secret: bool = True
    required: bool = True


class VariableIn(Body):
    name: str = Field(description="Fills `${name}` in URLs, headers and parameters.", max_length=100)
    display_name: str = ""
    description: str = ""
    example: str = ""
    pattern: str = Field("", description="A regular expression that the whole value must match.", max_length=500)
    prefix: str = Field("", description="Shown before the field; no part of the value.")
    suffix: str = Field("", description="Shown behind the field; no part of the value.")
    format: str = ""
    choices: list[str] = []
    labels: dict[str, str] = Field(default_factory=dict, description="What each choice is called.")
    extract: str = Field("", description="What counts of a learnt value: the group of this expression.", max_length=500)
    default: str = ""
    required: bool = True
    secret: bool = False
    source: Literal["person", "region", "token", "callback", "step"] = "person"


class ServiceChanges(Shown):
    """What can be set on a service. On a default service only `client_id` and `client_secret`."""

    read_only: ClassVar[frozenset[str]] = frozenset(
        {"kind", "redirect_url", "has_client_secret", "connections", "created_at", "updated_at", "changed"}
    )

    link_name: str | None = Field(None, description="Never changes.", max_length=50)
    name: str | None = Field(None, max_length=200)
    category: str | None = Field(None, max_length=100)
    description: str | None = Field(None, max_length=2000)
    homepage_url: str | None = None
    documentation_url: str | None = None
    registration_url: str | None = Field(None, description="Where an OAuth client is registered at the third party.")
    registration_notes: list[str] | None = None
    notes: list[str] | None = None
    logo: str | None = None
    family: str | None = Field(None, description="A line of products that share a base.")
    product: str | None = Field(None, description="Ways to authenticate with one thing share it.")
    marks: list[Literal["retired", "sandbox", "legacy"]] | None = None
    evidence: dict[str, Any] | None = Field(None, description="How well a default service is known.")
    recommended: bool | None = None
    aliases: list[str] | None = None
    auth_type: Literal["oauth2", "oauth1", "basic", "api_key", "login"] | None = None
    client_id: str | None = Field(None, description="OAuth 2 client id, or OAuth 1 consumer key.", max_length=2000)
    client_secret: str | None = Field(
        None, description="OAuth 2 client secret, or OAuth 1 consumer secret. Never shown again.", max_length=20000
    )
    grant_type: str | None = Field(None, description="`authorization_code`, `client_credentials` or a custom one.")
    authorize_url: str | None = None
    access_token_url: str | None = None
    refresh_token_url: str | None = None
    revoke_token_url: str | None = None
    request_token_url: str | None = Field(None, description="OAuth 1: where temporary credentials are asked for.")
    issuer: str | None = None
    issuer_in_response: bool | None = None
    scopes: list[ScopeIn] | None = None
    default_scopes: list[str] | None = None
    scope_delimiter: str | None = Field(None, max_length=10)
    scope_parameter: str | None = None
    param_type: Placement | None = Field(None, description="Where the access token travels.")
    param_name: str | None = None
    param_prefix: str | None = None
    pkce: Literal["S256", "none"] | None = None
    client_authentication: ClientAuthentication | None = None
    refresh_client_authentication: ClientAuthentication | None = Field(None, description="Where it is another one.")
    callback_signature: dict[str, Any] | None = Field(
        None, description="The parameter of the callback that signs the others with the client secret."
    )
    client_jwt: dict[str, Any] | None = Field(None, description="A JWT signed with the secret stands in its place.")
    client_id_parameter: str | None = None
    client_secret_parameter: str | None = None
    redirect_uri_parameter: str | None = None
    callback_code: str | None = Field(None, description="Name of the code in the callback.")
    code_parameter: str | None = Field(None, description="Name of the code in the token request.")
    token_request_method: Literal["POST", "GET"] | None = None
    token_request_format: Literal["form", "json", "query", "xml"] | None = None
    token_request_root: str | None = Field(None, description="The element around the fields of an XML token request.")
    token_request_headers: dict[str, str] | None = None
    request_token_parameters: dict[str, str] | None = None
    authorize_parameters: dict[str, str] | None = None
    token_parameters: dict[str, str] | None = None
    refresh_parameters: dict[str, str] | None = None
    token_response: dict[str, Any] | None = Field(None, description="Where things stand in a token answer: paths.")
    callback_copy: dict[str, str] | None = Field(None, description="Variable -> parameter of the callback.")
    after_connect: list[dict[str, Any]] | None = Field(
        None, description="Requests that fetch variables after connecting."
    )
    refresh_request: dict[str, Any] | None = Field(None, description="A refresh that is no token request.")
    revoke_request: dict[str, Any] | None = Field(None, description="A revocation that is not RFC 7009's.")
    login: dict[str, Any] | None = Field(None, description="How a login brings a token: requests, or a signed JWT.")
    oauth1_flow: Literal["three_legged", "token_pair", "one_legged"] | None = None
    signature_method: Literal["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT"] | None = None
    signature_body_hash: bool | None = Field(None, description="OAuth 1: sign bodies that are no form, too.")
    realm: str | None = None
    username_template: str | None = None
    password_template: str | None = None
    username_display_name: str | None = None
    password_display_name: str | None = None
    parameters: list[ParameterIn] | None = Field(None, description="The values of an API key credential.")
    variables: list[VariableIn] | None = Field(None, description="What the person is asked for when connecting.")
    regions: list[dict[str, Any]] | None = Field(None, description="Places that set several variables at once.")
    base_url: str | None = Field(None, description="What relative URLs and the proxy lead to.")
    hosts: list[str] | None = Field(None, description="Where the credential may be sent: `api.zoom.us`, `*.zoom.us`.")
    headers: dict[str, str] | None = Field(None, description="Headers that every call carries.")
    test: dict[str, Any] | None = Field(None, description="The who-am-I request: `method`, `url`, `identity` ...")
    lifetimes: dict[str, Any] | None = Field(None, description="What ends a grant, as far as known.")
    retry: dict[str, Any] | None = Field(None, description="How the API says that it wants to be asked later.")
    repeat: dict[str, Any] | None = Field(
        None, description="Which calls may be made again where it is not known whether they arrived."
    )
    paging: dict[str, Any] | None = Field(None, description="How its lists go on, for `all_pages`.")


class NewService(ServiceChanges):
    """A custom service."""

    link_name: str = Field(description="Stable name used in code; never changes.", max_length=50)
    name: str = Field(max_length=200)
    auth_type: Literal["oauth2", "oauth1", "basic", "api_key", "login"]


class ServiceCopy(Body):
    """The custom service that a default one becomes."""

    link_name: str | None = Field(None, max_length=50)
    name: str | None = Field(None, max_length=200)


class PolicyIn(Body):
    """What callers may do through a connection; empty lists allow all."""

    methods: list[str] = []
    path_prefixes: list[str] = []
    credential_export: bool = Field(False, description="Whether `GET .../credential` hands out headers.")
    keep_bodies: bool = Field(False, description="Whether recent calls keep what they carried, redacted and sealed.")


class ConnectionChanges(Shown):
    read_only: ClassVar[frozenset[str]] = frozenset(
        {
            "status",
            "status_reason",
            "connected_as",
            "granted_scopes",
            "missing_scopes",
            "expires_at",
            "grant_expires_at",
            "last_used_at",
            "last_test",
            "created_by",
            "created_at",
            "updated_at",
        }
    )

    link_name: str | None = Field(None, description="Never changes.", max_length=50)
    service: str | None = Field(None, description="Never changes.", max_length=50)
    name: str | None = Field(None, max_length=200)
    scopes: list[str] | None = None
    use_credentials_of_login_user: bool | None = Field(None, description="One authorization per person.")
    variables: dict[str, str] | None = None
    policy: PolicyIn | None = None


class NewConnection(ConnectionChanges):
    link_name: str = Field(description="Stable name used in code; never changes.", max_length=50)
    service: str = Field(description="Link name of the service.", max_length=50)


class ConnectIn(Body):
    """What connecting needs: nothing for OAuth, else what the service asks for."""

    username: str | None = Field(None, description="Basic.", max_length=2000)
    password: str | None = Field(None, description="Basic.", max_length=20000)
    parameters: dict[str, str] | None = Field(None, description="API key: the values by key.")
    variables: dict[str, str] | None = Field(None, description="Workspace, domain ...")
    user: str | None = Field(None, description="The resource owner whose consent this is.", max_length=255)


class UserIn(Body):
    """Whose authorization is meant, where the connection uses the login user's credentials."""

    user: str | None = Field(None, max_length=255)


class FileIn(Body):
    name: str = Field(description="Name of the form field.", max_length=500)
    filename: str = Field(max_length=500)
    content_type: str = Field("application/octet-stream", max_length=200)
    content_base64: str


class InvokeIn(Body):
    """One call of a service's REST API."""

    url: str = Field(description="Absolute within the service's hosts, or relative to its base URL.", max_length=20000)
    type: str = Field("GET", description="The HTTP method.", max_length=20)
    parameters: dict[str, Any] | str | None = Field(
        None, description="Into the query, or into the form body for POST, PUT and PATCH; text goes as it is."
    )
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = Field(None, description="Text as it is, anything else as JSON.")
    content_type: str | None = Field(None, max_length=200)
    files: list[FileIn] = []
    user: str | None = Field(None, max_length=255)
    all_pages: bool = Field(False, description="Follow the list to its end; the body is then one list of all items.")


class NewUser(Body):
    email: str = Field(max_length=254)
    name: str = Field("", max_length=100)
    role: Role = "member"
    password: str = Field(description="8 to 1024 characters.", max_length=10000)


class UserChanges(Body):
    email: str | None = Field(None, max_length=254)
    name: str | None = Field(None, max_length=100)
    role: Role | None = None
    password: str | None = Field(None, max_length=10000)
    current_password: str | None = Field(None, description="Needed to change one's own password.", max_length=10000)
    disabled: bool | None = None


class NewApiKey(Body):
    name: str = Field(max_length=100)
    role: Role = "member"
    connections: list[str] | None = Field(None, description="The link names the key is limited to; null for all.")
    functions: list[str] | None = Field(None, description="The functions the key may run; null for all.")
    expires_at: str | None = Field(None, description="ISO 8601 with an offset; null for never.", max_length=50)
