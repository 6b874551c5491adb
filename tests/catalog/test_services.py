"""What must hold of every service that ships, and how many there are."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tests.catalog import shipped

from isthmus.catalog.files import HERE
from isthmus.records import Service, Variable

LOGOS = Path(__file__).parents[2] / "src" / "isthmus" / "web" / "static" / "logos"
# The order of keys in a file: who it is, how to authorize, what is asked, where the API is, how well it is known.
ORDER = (
    "base link_name name category description homepage_url documentation_url registration_url registration_notes "
    "aliases logo marks family product recommended auth_type grant_type oauth1_flow authorize_url access_token_url "
    "refresh_token_url revoke_token_url request_token_url issuer pkce signature_method realm client_authentication "
    "refresh_client_authentication client_id_parameter client_secret_parameter redirect_uri_parameter callback_code "
    "code_parameter client_jwt token_request_method token_request_format token_request_headers "
    "request_token_parameters authorize_parameters token_parameters refresh_parameters scope_parameter scope_delimiter "
    "scopes default_scopes token_response callback_copy callback_signature after_connect refresh_request revoke_request login param_type "
    "param_name param_prefix username_display_name username_template password_display_name password_template "
    "parameters variables regions base_url hosts headers test lifetimes retry paging notes evidence ways"
).split()
# An empty value that means something: no prefix, an empty half, a page that this way does not visit.
EMPTY = {"param_prefix", "username_template", "password_template", "authorize_url", "callback_copy", "default", "token"}
LONGEST_FILE = 160
MARKED = {
    "retired": "dailymile edmodo fitbit_oauth1 pocket rockset tencent_weibo xing",
    "sandbox": "docusign_demo evernote_sandbox logingov orcid_sandbox paypal_sandbox salesforce_sandbox starling",
    "legacy": "azure_devops microsoft_live openstreetmap_oauth1",
}


@cache
def services() -> list[Service]:
    return list(shipped.services())


def files() -> list[Path]:
    return sorted([*HERE.glob("*.yaml"), *HERE.glob("families/*.yaml")])


def test_the_names_of_scopes_are_words() -> None:
    wrong = []
    for service in services():
        for scope in service.scopes:
            text = scope.display_name
            if not (text[:1].isupper() and text[-1:] not in ".:" and len(text) <= 80 and "_" not in text):
                wrong.append((service.link_name, scope))
    assert wrong == []


def test_descriptions_are_one_short_sentence() -> None:
    wrong = [
        service.link_name
        for service in services()
        if not (service.description.endswith(".") and 15 <= len(service.description) <= 110)
        or not (service.description[0].isupper() or service.description[0].isdigit())
    ]
    assert wrong == []


def test_no_value_explains_itself_in_brackets() -> None:
    """Facts were gathered with remarks such as `(instead of client_id)`; none may be sent to anybody."""
    wrong = []
    for service in services():
        for mapping in (service.authorize_parameters, service.token_parameters, service.refresh_parameters):
            wrong += [(service.link_name, key) for key, value in mapping.items() if re.search(r"[()]| or | \| ", value)]
    assert wrong == []


def test_every_address_is_https_and_on_a_named_host() -> None:
    fields = (
        "homepage_url documentation_url registration_url authorize_url access_token_url refresh_token_url "
        "revoke_token_url request_token_url base_url"
    ).split()
    wrong = []
    for service in services():
        urls = [getattr(service, field) for field in fields] + [service.test.url if service.test else ""]
        for url in filter(None, urls):
            host = url.partition("://")[2].partition("/")[0]
            example = re.search(r"example\.(com|org|net)|localhost|abc123|test-publication|my-cool", host)
            if not (url.startswith(("https://", "${"))) or example:
                wrong.append((service.link_name, url))
    assert wrong == []


def test_what_a_person_is_asked_is_explained_and_bounded() -> None:
    wrong = []
    for service in services():
        for variable in service.variables:
            if not _is_good(variable):
                wrong.append((service.link_name, variable.name))
        for parameter in service.parameters:
            if not parameter.display_name:
                wrong.append((service.link_name, parameter.key))
    assert wrong == []


def _is_good(variable: Variable) -> bool:
    if variable.source in ("person", "region") and not variable.display_name:
        return False
    bounded = variable.pattern or variable.format or variable.choices
    shown = variable.example or variable.choices or variable.source == "region"
    if variable.name in ("audience", "subscription_key"):
        bounded = True
    unfit = variable.example and variable.pattern and not re.fullmatch(variable.pattern, variable.example)
    return bool(variable.description and bounded and shown and not unfit)


def test_logos_exist_and_none_is_left_over() -> None:
    named = {service.logo for service in services() if service.logo}
    shipped = {file.stem for file in LOGOS.glob("*.svg")}
    assert named == shipped
    assert len(shipped) > 300
    for file in LOGOS.glob("*.svg"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"<script|href|\bon[a-z]+=|<!", text), file.name


def test_what_is_gone_or_for_trying_out_is_marked() -> None:
    marked = {service.link_name: service.marks for service in services() if service.marks}
    for mark, names in MARKED.items():
        assert [name for name in names.split() if marked.get(name) != (mark,)] == []
    loud = re.compile(r"\((retired|legacy|sandbox)|deprecated", re.IGNORECASE)
    assert [service.link_name for service in services() if loud.search(service.name)] == []


def test_files_are_small_and_written_in_one_order() -> None:
    wrong = []
    for file in files():
        lines = file.read_text(encoding="utf-8").splitlines()
        if len(lines) > LONGEST_FILE:
            wrong.append(f"{file.name}: {len(lines)} lines")
        keys = [match.group(1) for line in lines if (match := re.match(r"([a-z0-9_]+):", line))]
        if keys != sorted(keys, key=ORDER.index):
            wrong.append(f"{file.name}: {keys}")
        empty = [
            m.group(1) for line in lines for m in re.finditer(r'([a-z0-9_]+): (?:""|\[\]|\{\}|null)(?=[,}]|$)', line)
        ]
        wrong += [f"{file.name}: empty {key}" for key in empty if key not in EMPTY]
    assert wrong == []


def test_members_of_a_family_are_authorized_at_one_place() -> None:
    for family in ("google", "microsoft", "zoho", "atlassian", "meta"):
        members = [service for service in services() if service.family == family and service.auth_type == "oauth2"]
        assert len(members) >= 2
        assert len({service.access_token_url for service in members}) == 1, family
        assert len({service.authorize_url for service in members if service.authorize_url}) == 1, family


def test_aliases_are_other_names() -> None:
    names = {service.name.lower(): service.product or service.link_name for service in services()}
    wrong = []
    for service in services():
        for alias in service.aliases:
            owner = names.get(alias.lower(), service.product or service.link_name)
            if alias.lower() == service.name.lower() or owner != (service.product or service.link_name):
                wrong.append((service.link_name, alias))
    assert wrong == []
    assert sum(bool(service.aliases) for service in services()) > 200
