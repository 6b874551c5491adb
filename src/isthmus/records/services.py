"""What a service's definition says, in the catalog and in the administrator's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

AuthType = Literal["oauth2", "oauth1", "basic", "api_key", "login"]
Placement = Literal["header", "query", "form"]
ParameterPlacement = Literal["header", "query", "form", "json", "path", "slot"]
ClientAuthentication = Literal["basic", "basic_raw", "post", "none", "declared", "private_key_jwt", "tls"]
ExpiryUnit = Literal["seconds", "milliseconds", "epoch_seconds", "epoch_milliseconds", "iso8601"]
Mark = Literal["retired", "sandbox", "legacy"]


@dataclass(frozen=True, slots=True)
class Scope:
    name: str
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of a credential that is entered, sealed, and where it goes; `prefix` stands before it (`Token `).

    Placement `json` puts it into a JSON body, `path` into the slot of its name in the URL, `slot` nowhere by itself:
    it only fills slots of a login, of a template or of the Basic halves. `template` says the whole value instead of
    prefix and value, out of the slots of all parameters; one with a template that does not use its own value is not
    asked for.
    """

    key: str
    display_name: str = ""
    placement: ParameterPlacement = "header"
    prefix: str = ""
    secret: bool = True
    template: str = ""
    description: str = ""
    example: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that fills a `${name}` slot: asked from the person, set by a region, or learnt from an answer (`source`).

    `pattern` is a full-match regular expression; in a host a value must also be one DNS label, or a host name where
    `format` is `hostname`, with a port, too, where it is `host` and fills the whole host. `prefix` and `suffix` are
    shown around the field and are no part of the value.
    `labels` says how each of the `choices` is called. `extract` cuts a learnt value: the first group of this
    expression counts. A learnt value of format `origin` or `hostname` is cut out of a whole URL.
    """

    name: str
    display_name: str = ""
    description: str = ""
    example: str = ""
    pattern: str = ""
    prefix: str = ""
    suffix: str = ""
    format: str = ""
    choices: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    default: str = ""
    required: bool = True
    secret: bool = False
    source: Literal["person", "region", "token", "callback", "step"] = "person"
    extract: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """A place where the third party runs separately: picked by the person, it sets several variables at once."""

    name: str
    display_name: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """Where things stand in a token answer, as dotted paths; the defaults are RFC 6749's names.

    `copy` maps a variable name to a path. `error` and `error_description` are where an error hides inside an
    HTTP 200; `ok` is a path whose value false means an error. `expires_unit` says how to read `expires_in`:
    `seconds` and `milliseconds` from now, `epoch_seconds`, `epoch_milliseconds` or `iso8601` absolute.
    `default_expires_in` (seconds) stands in where the answer has none; `zero_means_unknown` treats 0 as absent.
    `grant_gone` are error words, besides `invalid_grant`, that mean a spent or revoked refresh token. `identity` is
    the account's name, where the answer tells it. `refresh_expires_unit` is `expires_unit` unless given.
    A path may name alternatives, `authed_user.access_token|access_token`: the first that holds something wins.
    """

    access_token: str = "access_token"
    refresh_token: str = "refresh_token"
    token_type: str = "token_type"
    expires_in: str = "expires_in"
    expires_unit: ExpiryUnit = "seconds"
    default_expires_in: int | None = None
    zero_means_unknown: bool = True
    scope: str = "scope"
    scope_delimiter: str | None = None
    refresh_expires_in: str = "refresh_token_expires_in"
    refresh_expires_unit: ExpiryUnit | None = None
    identity: str = ""
    error: str = "error"
    error_description: str = "error_description"
    ok: str | None = None
    copy: Mapping[str, str] = field(default_factory=dict)
    grant_gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A request written as data: after connecting, as part of a login, to refresh or to revoke.

    URL, headers and body hold slots. `body` is a mapping (`form`, and nested as deep as need be `json`) or a text
    (`xml`, `text`); what fills a slot is escaped for it. `copy`: variable name -> path in the answer, also
    `header:NAME`, `cookie:NAME` or `body:` for the whole text. `ok` and `error` as in `TokenResponse`.
    `authenticated` attaches the credential, with `prefix` instead of the service's own where given. An `optional`
    step that brings nothing is passed over. `token` reads the answer as a token answer that replaces what it names:
    a short token by a long one, or only the expiry (with `access_token: ""`).
    """

    method: str
    url: str
    copy: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    prefix: str | None = None
    format: Literal["none", "form", "json", "xml", "text"] = "none"
    body: Any = None
    authenticated: bool = True
    ok: str | None = None
    error: str | None = None
    optional: bool = False
    token: TokenResponse | None = None


@dataclass(frozen=True, slots=True)
class Jwt:
    """A JSON Web Token that we sign ourselves; it fills the slot `${jwt}`.

    `key` is a template, usually one secret slot, in `key_encoding`; RSA and EC keys are PEM. `claims` and `header`
    may be nested, with slots in their texts; `iat` and `exp` are added, `seconds` apart.
    """

    algorithm: str
    key: str
    key_encoding: Literal["text", "hex", "base64"] = "text"
    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    seconds: int = 300


@dataclass(frozen=True, slots=True)
class CallbackSignature:
    """The provider signs the callback's parameters with our client secret (HMAC-SHA256) and adds the signature as
    `parameter`. Signed are the others, sorted by name and form-encoded, but for those in `without`."""

    parameter: str
    encoding: Literal["hex", "base64"] = "hex"
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Login:
    """How a login brings a token: requests in order, each filling slots for the next; their credentials are the
    service's `parameters`. The last answer is judged by `token_response`, unless `token`, a template, says what the
    token is. Without requests the token is the JWT itself. `logout` ends the session when the connection is revoked.
    """

    requests: tuple[Step, ...] = ()
    jwt: Jwt | None = None
    token: str = ""
    logout: Step | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """How the API says *later*. `statuses`, a `code` (path) with one of the `codes`, or a match of `pattern` in the
    body say that it does; `remaining_header` does where it is 0 in an answer that is an error. How long to wait
    stands in `seconds_header`, in `time_header` (as `time_unit`), or in the pattern's first group, in seconds.
    """

    statuses: tuple[int, ...] = (429, 503)
    seconds_header: str = ""
    time_header: str = ""
    time_unit: Literal["epoch_seconds", "epoch_milliseconds", "iso8601", "http_date"] = "epoch_seconds"
    remaining_header: str = ""
    code: str = ""
    codes: tuple[str, ...] = ()
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Repeat:
    """Which calls may be made once more when it is not known whether they arrived, besides GET and HEAD.

    `methods` are those that do the same twice here (PUT, DELETE). `key_header` is the header by which the service
    recognises a POST or PATCH that it has seen; functions that outlive their process send it by themselves.
    """

    methods: tuple[str, ...] = ()
    key_header: str = ""


@dataclass(frozen=True, slots=True)
class Paging:
    """How lists go on. `items` is the list's path, empty where the answer is the list.

    `link`: the next URL stands at `next`, or in the Link header where that is empty. `cursor`: the value at `next`
    goes into `parameter`, in the query or, with `placement: json`, in the body. `offset` and `page`: `parameter`
    counts items or pages from `first`. `more` is a path whose false value ends the list. `size` asks for that many
    in `size_parameter`.
    """

    kind: Literal["link", "cursor", "offset", "page"]
    items: str = ""
    next: str = ""
    parameter: str = ""
    placement: Literal["query", "json"] = "query"
    first: int = 0
    more: str = ""
    size_parameter: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well a default service is known. `sources` counts independent ones; `unconfirmed` names the parts that no
    page or SDK of the vendor was seen for; `confirmed_at` are the addresses of those that were."""

    level: Literal["verified", "modelled", "listed"] = "listed"
    sources: int = 0
    unconfirmed: tuple[str, ...] = ()
    confirmed_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestRequest:
    """The who-am-I request: `identity` is the path of the account's name in the answer, `account_id` that of what
    never changes about it; `ok` and `error` as in `TokenResponse`; `scopes_header` names an answer header that lists
    the granted scopes."""

    method: str = "GET"
    url: str = ""
    identity: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    ok: str | None = None
    error: str | None = None
    scopes_header: str | None = None
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """What ends a grant, as far as known. `refresh` says what the answer to a refresh does with the refresh token.

    `secret_days`: how long a client secret lives; `most_grants`: how many live grants one account may have with one
    client; `ends`: what else ends a grant, in words; `source` and `confirmed`: where that stands, and whether it was
    seen there.
    """

    refresh: Literal["rotates", "keeps", "none", "unknown"] = "unknown"
    access_token_seconds: int | None = None
    non_expiring: bool = False
    idle_days: int | None = None
    absolute_days: int | None = None
    reuse_grace_seconds: int | None = None
    code_seconds: int | None = None
    secret_days: int | None = None
    most_grants: int | None = None
    ends: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: str = ""
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """The definition of a third-party API and how to authorize with it; default and custom ones alike.

    URLs, headers and parameters may hold `${variable}` slots; `catalog.slots.resolve` gives a copy without them.
    `family` is a line of products that share a base; services of one `product` are ways to authenticate with the same
    thing, of which one is `recommended`.
    Holds no secret: the client secret is kept sealed elsewhere. `hosts` is the allow-list (`api.zoom.us`,
    `*.zoom.us`, with `:port` where it is not the scheme's own).
    """

    link_name: str
    name: str
    auth_type: AuthType
    kind: Literal["default", "custom"] = "custom"
    category: str = "other"
    description: str = ""
    homepage_url: str = ""
    documentation_url: str = ""
    registration_url: str = ""
    registration_notes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    logo: str = ""
    family: str = ""
    product: str = ""
    recommended: bool = True
    aliases: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    evidence: Evidence | None = None
    client_id: str = ""
    grant_type: str = "authorization_code"
    authorize_url: str = ""
    access_token_url: str = ""
    refresh_token_url: str = ""
    revoke_token_url: str = ""
    request_token_url: str = ""
    issuer: str = ""
    issuer_in_response: bool = False
    scopes: tuple[Scope, ...] = ()
    default_scopes: tuple[str, ...] = ()
    scope_delimiter: str = " "
    scope_parameter: str = "scope"
    param_type: Placement = "header"
    param_name: str = "Authorization"
    param_prefix: str = "Bearer"
    pkce: Literal["S256", "none"] = "S256"
    client_authentication: ClientAuthentication = "basic"
    client_id_parameter: str = "client_id"
    client_secret_parameter: str = "client_secret"
    client_jwt: Jwt | None = None
    refresh_client_authentication: ClientAuthentication | None = None
    redirect_uri_parameter: str = "redirect_uri"
    callback_code: str = "code"
    code_parameter: str = "code"
    token_request_method: Literal["POST", "GET"] = "POST"
    token_request_format: Literal["form", "json", "query", "xml"] = "form"
    token_request_root: str = "request"
    token_request_headers: Mapping[str, str] = field(default_factory=dict)
    request_token_parameters: Mapping[str, str] = field(default_factory=dict)
    authorize_parameters: Mapping[str, str] = field(default_factory=dict)
    token_parameters: Mapping[str, str] = field(default_factory=dict)
    refresh_parameters: Mapping[str, str] = field(default_factory=dict)
    token_response: TokenResponse = field(default_factory=TokenResponse)
    callback_copy: Mapping[str, str] = field(default_factory=dict)
    callback_signature: CallbackSignature | None = None
    after_connect: tuple[Step, ...] = ()
    refresh_request: Step | None = None
    revoke_request: Step | None = None
    login: Login | None = None
    oauth1_flow: Literal["three_legged", "token_pair", "one_legged"] = "three_legged"
    signature_method: Literal["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT"] = "HMAC-SHA1"
    signature_body_hash: bool = False
    realm: str = ""
    username_template: str = "${username}"
    password_template: str = "${password}"
    username_display_name: str = ""
    password_display_name: str = ""
    parameters: tuple[Parameter, ...] = ()
    variables: tuple[Variable, ...] = ()
    regions: tuple[Region, ...] = ()
    base_url: str = ""
    hosts: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    test: TestRequest | None = None
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    retry: Retry | None = None
    repeat: Repeat | None = None
    paging: Paging | None = None


@dataclass(frozen=True, slots=True)
class StoredService:
    """A custom service, or what an installation adds to a default one (client id and secret), as it is stored.

    `document` is the service's JSON form; for a default service only the overridden keys. `client_secret_sealed`
    is bound to ("services", link_name, "client_secret").
    """

    link_name: str
    kind: Literal["default", "custom"]
    document: Mapping[str, Any]
    client_secret_sealed: bytes | None = field(default=None, repr=False)
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownService:
    """A default service in use: what mattered of it when it was last agreed to, and what it says now.

    `agreed` and `latest` are `catalog.changes.matter`; `changes` are sentences, empty where there is nothing to tell.
    """

    link_name: str
    agreed: Mapping[str, Any]
    latest: Mapping[str, Any]
    changes: tuple[str, ...] = ()
    changed_at: datetime | None = None
    version: int = 1
