"""Every way to authenticate, and every peculiarity that is known of the services, has an entry that is driven.

Each line names the entry and says in its definition what makes it one: an entry that loses the peculiarity fails here,
and whether the product gets on with it is seen where the entry's fixture is driven.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from tests.catalog import shipped
from tests.catalog.vendors import fixture_names, read_fixture

from isthmus.records import Service

Check = Callable[[Service], Any]


@cache
def catalog() -> dict[str, Service]:
    return {service.link_name: service for service in shipped.services()}


def placed(where: str) -> Check:
    return lambda service: any(one.placement == where for one in service.parameters)


def texts(service: Service) -> str:
    return repr(service)


def answers(service: Service, name: str) -> list[Any]:
    """What the fixture's vendor answers under this name."""
    return [one.get("body") for one in read_fixture(service.link_name)["exchanges"] if one["name"] == name]


def types(service: Service) -> set[str]:
    return {one.get("type", "json") for one in read_fixture(service.link_name)["exchanges"]}


def learns(*sources: str) -> Check:
    return lambda service: any(variable.source in sources for variable in service.variables)


def asks(service: Service) -> bool:
    return any(variable.source == "person" for variable in service.variables) and "${" in service.base_url


WAYS: dict[str, tuple[str, Check]] = {
    "authorization code with PKCE": ("airtable", lambda s: s.auth_type == "oauth2" and s.pkce == "S256"),
    "authorization code without PKCE": ("apple", lambda s: s.auth_type == "oauth2" and s.pkce == "none"),
    "client credentials": ("adp", lambda s: s.grant_type == "client_credentials"),
    "a grant of the provider's own": ("zoom_server_to_server", lambda s: s.grant_type == "account_credentials"),
    "client secret as Basic": ("zoom", lambda s: s.client_authentication == "basic"),
    "client secret in the body": ("slack", lambda s: s.client_authentication == "post"),
    "OAuth 1.0a in three legs": ("twitter_oauth1", lambda s: s.oauth1_flow == "three_legged"),
    "OAuth 1.0a with a token that was pasted": ("netsuite", lambda s: s.oauth1_flow == "token_pair"),
    "OAuth 1.0a with the consumer alone": ("woocommerce_oauth1", lambda s: s.oauth1_flow == "one_legged"),
    "OAuth 1.0a with HMAC-SHA1": ("flickr", lambda s: s.signature_method == "HMAC-SHA1"),
    "OAuth 1.0a with HMAC-SHA256": ("magento", lambda s: s.signature_method == "HMAC-SHA256"),
    "OAuth 1.0a with PLAINTEXT": ("discogs", lambda s: s.signature_method == "PLAINTEXT"),
    "user name and password": ("servicenow_basic", lambda s: s.auth_type == "basic"),
    "key in a header": ("anthropic", placed("header")),
    "key in the query": ("shodan", placed("query")),
    "key in the path": ("telegram", placed("path")),
    "key in a form": ("uptimerobot", placed("form")),
    "login for a session": ("tableau", lambda s: s.auth_type == "login"),
}

PECULIARITIES: dict[str, tuple[str, Check]] = {
    "accept_json_required": ("bamboohr", lambda s: s.headers.get("Accept") == "application/json"),
    "account_in_path": ("twilio", lambda s: "${" in s.base_url + (s.test.url if s.test else "")),
    "api_base_in_token": ("salesforce", lambda s: learns("token")(s) and s.base_url.startswith("${")),
    "audience_param": ("jira", lambda s: "audience" in s.authorize_parameters),
    "basic_client_auth": ("notion", lambda s: s.client_authentication == "basic"),
    "basic_on_refresh": ("keap", lambda s: s.refresh_client_authentication == "basic"),
    "callback_extra_param": ("quickbooks", lambda s: "realmId" in s.callback_copy.values()),
    "callback_hmac": ("shopify", lambda s: "hmac" in read_fixture(s.link_name)["callback"]),
    "callback_on_authorize": ("garmin", lambda s: "oauth_callback" in s.authorize_parameters),
    "client_credentials_primary": ("paypal_server_to_server", lambda s: s.grant_type == "client_credentials"),
    "client_id_header": ("twitch", lambda s: s.headers.get("Client-Id") == "${client_id}"),
    "client_id_in_path": ("tiendanube", lambda s: "${client_id}" in s.authorize_url),
    "client_key_param": ("tiktok", lambda s: s.client_id_parameter == "client_key"),
    "custom_authorize_params": ("azure_devops", lambda s: "response_type" in s.authorize_parameters),
    "custom_grant": ("azure_devops", lambda s: "jwt-bearer" in s.token_parameters.get("grant_type", "")),
    "custom_header": ("datadog", lambda s: any(one.key == "DD-API-KEY" for one in s.parameters)),
    "custom_type_param": ("withings", lambda s: s.token_parameters.get("action") == "requesttoken"),
    "delayed_approval": ("monzo", lambda s: "approves" in " ".join(s.notes)),
    "dynamic_registration": ("mastodon", lambda s: "POST /api/v1/apps" in " ".join(s.registration_notes)),
    "error_with_200": ("slack", lambda s: s.token_response.ok == "ok" and answers(s, "error")[0]["ok"] is False),
    "expires_at": ("square", lambda s: s.token_response.expires_unit == "iso8601"),
    "form_encoded_api": ("twilio", lambda s: "form" in " ".join(s.notes)),
    "form_encoded_token": ("stackexchange", lambda s: "form" in types(s)),
    "form_post_callback": ("apple", lambda s: s.authorize_parameters.get("response_mode") == "form_post"),
    "graphql": ("linear", lambda s: s.test and s.test.method == "POST" and "query" in s.test.body),
    "header_prefix": ("deepl", lambda s: any(one.prefix == "DeepL-Auth-Key " for one in s.parameters)),
    "json_token_request": ("notion", lambda s: s.token_request_format == "json"),
    "jsonp_reply": ("qq", lambda s: "callback(" in repr(read_fixture(s.link_name))),
    "jwt_client_secret": ("apple", lambda s: s.client_jwt and s.client_jwt.algorithm == "ES256"),
    "key_as_basic_password": ("mailgun", lambda s: s.username_template == "api"),
    "key_as_basic_user": ("freshdesk", lambda s: "${password}" not in s.password_template),
    "key_in_query": ("hunter", placed("query")),
    "legacy": ("microsoft_live", lambda s: "legacy" in s.marks),
    "metadata_endpoint": ("xero", lambda s: s.after_connect),
    "multi_dc": ("zoho", lambda s: any(one.source == "callback" and len(one.choices) >= 8 for one in s.variables)),
    "mutual_tls": ("adp", lambda s: "certificate" in " ".join((*s.notes, *s.registration_notes)).lower()),
    "nested_token": ("withings", lambda s: s.token_response.access_token.startswith("body.")),
    "nested_user": ("strava", lambda s: s.token_response.identity.startswith("athlete.")),
    "no_expires_in": ("salesforce", lambda s: all("expires_in" not in body for body in answers(s, "token"))),
    "no_refresh": ("threads", lambda s: s.lifetimes.refresh == "none" or s.refresh_request),
    "no_rotation": ("google", lambda s: all("refresh_token" not in body for body in answers(s, "refresh"))),
    "no_scopes": ("notion", lambda s: not s.scopes),
    "non_expiring": ("clickup", lambda s: s.lifetimes.non_expiring and "expires_in" not in answers(s, "token")[0]),
    "non_rest": ("evernote", lambda s: s.test is None),
    "nonstandard_token_keys": ("vk", lambda s: s.token_response.identity == "email"),
    "oauth1_plaintext": ("discogs", lambda s: s.signature_method == "PLAINTEXT"),
    "oauth1_realm": ("netsuite", lambda s: "${" in s.realm),
    "oauth1_scope_in_authorize": ("trello", lambda s: read_fixture(s.link_name)["authorize_query"]["scope"] == "read"),
    "oauth1_scope_in_request": ("hatena", lambda s: "scope" in s.request_token_parameters),
    "oauth1_signature_variant": ("netsuite", lambda s: s.signature_method == "HMAC-SHA256"),
    "offline_param": ("dropbox", lambda s: s.authorize_parameters.get("token_access_type") == "offline"),
    "offline_scope": ("xero", lambda s: "offline_access" in s.default_scopes),
    "on_behalf_header": ("greenhouse", lambda s: "On-Behalf-Of" in texts(s)),
    "one_legged_oauth1": ("woocommerce_oauth1", lambda s: s.oauth1_flow == "one_legged"),
    "optional_expiry": ("miro", lambda s: any("expire" in note for note in s.registration_notes)),
    "pasted_token_pair": ("netsuite", lambda s: s.oauth1_flow == "token_pair"),
    "pkce_required": ("twitter", lambda s: s.pkce == "S256"),
    "post_only_test": ("monday", lambda s: s.test and s.test.method == "POST"),
    "pushed_credentials": ("woocommerce", lambda s: "push" in " ".join(s.registration_notes)),
    "redirect_uri_alias": ("ebay", lambda s: "redirect_uri" in s.authorize_parameters),
    "redirect_uri_on_refresh": ("gitlab", lambda s: s.refresh_parameters.get("redirect_uri") == "${redirect_uri}"),
    "refresh_expiry": ("quickbooks", lambda s: s.token_response.refresh_expires_in == "x_refresh_token_expires_in"),
    "refresh_rotation": (
        "box",
        lambda s: s.lifetimes.refresh == "rotates" and answers(s, "refresh")[0]["refresh_token"],
    ),
    "regional_hosts": ("datadog", lambda s: len(s.regions) >= 5 or any(one.choices for one in s.variables)),
    "retired": ("xing", lambda s: "retired" in s.marks),
    "same_token_url": ("evernote", lambda s: s.request_token_url == s.access_token_url),
    "scope_array": ("twitch", lambda s: isinstance(answers(s, "token")[0]["scope"], list)),
    "scope_delimiter_not_space": ("shopify", lambda s: s.scope_delimiter == ","),
    "scope_on_token": ("zendesk", lambda s: "scope" in s.token_parameters),
    "scope_reply_delimiter": ("github", lambda s: s.token_response.scope_delimiter == ","),
    "separate_auth_host": (
        "workday",
        lambda s: re.match(r"https://[^/]*", s.authorize_url)[0] not in s.access_token_url,
    ),
    "separate_refresh_url": ("adobe_sign", lambda s: s.refresh_token_url not in ("", s.access_token_url)),
    "session_exchange": ("tableau", lambda s: s.login and s.login.requests),
    "short_lived": ("exact_online", lambda s: s.lifetimes.access_token_seconds == 600),
    "tenant_header": ("xero", lambda s: "${" in s.headers.get("Xero-tenant-id", "")),
    "token_by_get": ("qq", lambda s: s.token_request_method == "GET"),
    "token_exchange": ("facebook", lambda s: any(step.token is not None for step in s.after_connect)),
    "token_in_path": ("telegram", placed("path")),
    "token_in_query": ("foursquare", lambda s: s.param_type == "query"),
    "two_secrets": ("datadog", lambda s: sum(one.secret for one in s.parameters) == 2),
    "url_variable": ("bigcommerce", asks),
    "user_agent_required": ("discogs", lambda s: s.headers.get("User-Agent")),
    "username_suffix": ("zendesk_basic", lambda s: "/token" in s.username_template),
    "version_header": ("anthropic", lambda s: s.headers.get("anthropic-version")),
    "version_query": ("azure_openai", lambda s: s.test and "?api-version=" in s.test.url),
    "versioned_url": ("facebook", lambda s: re.search(r"/v\d+\.\d", s.authorize_url)),
}

OAUTH1 = set(
    "alchemer beatport discogs evernote evernote_sandbox fitbit_oauth1 flickr garmin goodreads hatena magento netsuite "
    "opencaching openstreetmap_oauth1 plurk px_500 ravelry scoopit skyrock smugmug trello tripit tumblr twitter_oauth1 "
    "upwork uservoice woocommerce_oauth1 xing zaim zotero".split()
)


@pytest.mark.parametrize("kind", [*WAYS, *PECULIARITIES])
def test_each_type_has_an_entry_that_is_driven(kind: str) -> None:
    name, check = {**WAYS, **PECULIARITIES}[kind]
    service = catalog()[name]
    assert service.evidence is not None
    assert service.evidence.level in ("verified", "modelled")
    assert name in fixture_names()
    assert check(service), f"{name} is no longer an example of {kind}"


def test_every_oauth1_service_is_driven() -> None:
    services = {name: one for name, one in catalog().items() if one.auth_type == "oauth1"}
    assert len(OAUTH1) == 30
    assert set(services) == OAUTH1
    levels = {name: one.evidence.level for name, one in services.items() if one.evidence}
    assert [name for name in OAUTH1 if levels[name] == "listed" or name not in fixture_names()] == []
