"""What must fit together in a definition whose parts are each well-formed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from isthmus.catalog.hosts import covers, host_of
from isthmus.catalog.places import RESERVED, Place, places
from isthmus.catalog.reading import ANY_SLOT, SLOT, Problem
from isthmus.expressions import Malformed, is_dynamic, names
from isthmus.records import Service

LINK_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
# A host pattern: `*.` only in front, and at least two labels behind it; slots stand for labels.
_HOST = re.compile(
    r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?",
    re.IGNORECASE | re.ASCII,
)
_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NEEDED = {
    "oauth1": ("request_token_url", "authorize_url", "access_token_url"),
    "oauth2": ("access_token_url",),
}


def check_service(service: Service, *, allow_http: bool = False) -> list[Problem]:
    """Problems between the parts; empty if there are none."""
    found = [
        *_check_names(service),
        *_check_endpoints(service),
        *_check_xml(service),
        *_check_hosts(service),
        *_check_slots(service),
        *_check_filled(service),
        *_check_login(service),
    ]
    if service.auth_type == "api_key" and not service.parameters:
        found.append(
            Problem("parameters", "There is no parameter for the key.", "Add at least one: key and placement.")
        )
    return found


def _check_names(service: Service) -> Iterator[Problem]:
    if not LINK_NAME.fullmatch(service.link_name):
        hint = "Begin with a small letter; go on with small letters, digits and underscores; at most 50 characters."
        yield Problem("link_name", "The link name is malformed.", hint)
    if not service.name.strip() or len(service.name) > 200:
        yield Problem("name", "The name is empty or too long.", "Give 1 to 200 characters.")
    for number, scope in enumerate(service.scopes):
        if service.scope_delimiter.strip() and service.scope_delimiter in scope.name:
            hint = "Give one scope per item, or correct the delimiter."
            yield Problem(f"scopes[{number}].name", "The scope holds the delimiter.", hint)
    names = [scope.name for scope in service.scopes]
    for number, name in enumerate(names):
        if names.index(name) != number:
            yield Problem(f"scopes[{number}].name", f"The scope {name!r} stands twice.", "Remove one.")


def _check_endpoints(service: Service) -> Iterator[Problem]:
    needed = _NEEDED.get(service.auth_type, ())
    if service.oauth1_flow != "three_legged":
        needed = ()
    for key in needed:
        if not getattr(service, key):
            yield Problem(key, f"The {key} is missing.", f"{service.auth_type} needs it.")
    if service.auth_type != "oauth2":
        return
    needs_person = service.grant_type == "authorization_code"
    if needs_person and not service.authorize_url:
        hint = "The authorization code grant begins there."
        yield Problem("authorize_url", "The authorize_url is missing.", hint)
    if not needs_person and service.authorize_url:
        hint = "Remove it, or set grant_type to authorization_code."
        yield Problem("authorize_url", f"The grant {service.grant_type} sends nobody to an authorize URL.", hint)
    if service.grant_type in ("implicit", "password", "refresh_token"):
        hint = "Use authorization_code, client_credentials or the provider's own grant type."
        yield Problem("grant_type", f"The grant {service.grant_type} is not supported.", hint)


def _check_xml(service: Service) -> Iterator[Problem]:
    """In an XML token request the names of fields are names of elements."""
    if service.token_request_format != "xml":
        return
    keys = ("client_id_parameter", "client_secret_parameter", "redirect_uri_parameter", "code_parameter")
    named = {key: getattr(service, key) for key in ("token_request_root", *keys, "scope_parameter")}
    for key in ("token_parameters", "refresh_parameters"):
        named.update({f"{key}.{name}": name for name in getattr(service, key)})
    for field, name in named.items():
        if not _XML_NAME.fullmatch(name):
            hint = "Begin with a letter; go on with letters, digits, dots, hyphens and underscores."
            yield Problem(field, "This cannot be the name of an XML element.", hint)


def _check_hosts(service: Service) -> Iterator[Problem]:
    for number, host in enumerate(service.hosts):
        bare = SLOT.sub("slot", host)
        suffix = bare[2:].split(":", 1)[0] if bare.startswith("*.") else ""
        if not _HOST.fullmatch(bare) or (bare.startswith("*.") and suffix.count(".") < 1):
            hint = "Give a host such as api.example.com or *.example.com, with :port where it is not the scheme's own."
            yield Problem(f"hosts[{number}]", "This is not a host.", hint)
    if not service.hosts:
        hint = "Give base_url, or list the hosts that the API is called at."
        yield Problem("hosts", "It is not known where the credential may go.", hint)
    urls = {"base_url": service.base_url, "test.url": service.test.url if service.test else ""}
    for key, url in urls.items():
        if not url or url.startswith("${"):
            continue
        host = host_of(ANY_SLOT.sub("slot", url))
        if not any(covers(SLOT.sub("slot", pattern), host) for pattern in service.hosts):
            yield Problem(key, f"The host of {key} is not among the hosts.", f"Add {host} to hosts.")


def _check_slots(service: Service) -> Iterator[Problem]:
    declared = {variable.name for variable in service.variables}
    origins = {variable.name for variable in service.variables if variable.format == "origin"}
    for place in places(service):
        if "${" not in place.text:
            continue
        try:
            used = names(place.text)
            fresh = is_dynamic(place.text)
        except Malformed as problem:
            yield Problem(place.field, f"A slot is malformed. {problem}", "See the slots of a service definition.")
            continue
        for name in used:
            if name not in declared and name not in place.names:
                hint = f"Add {name} to variables, or correct the slot."
                yield Problem(place.field, f"The slot ${{{name}}} is not declared.", hint)
        if fresh and not place.fresh:
            hint = "Use it in a header, a parameter or the body of a request."
            yield Problem(place.field, "now and random mean nothing here: this is filled once and kept.", hint)
        yield from _check_url(place, declared, origins)


def _check_url(place: Place, declared: set[str], origins: set[str]) -> Iterator[Problem]:
    """A host takes plain slots of variables only, and only an origin may begin a URL."""
    is_url = place.field.endswith("url")
    if not is_url and not place.field.startswith("hosts["):
        return
    begins = SLOT.match(place.text) if is_url else None
    if begins:
        if begins.group(1) not in origins:
            hint = "Set its format to origin, and give a pattern."
            yield Problem(place.field, "Only a variable of format origin may begin a URL.", hint)
        if place.text[begins.end() :][:1] not in ("", "/", "?"):
            yield Problem(place.field, "What follows an origin begins with a slash.", "Put a / after the slot.")
        return
    host = place.text.partition("://")[2].partition("/")[0] if is_url else place.text
    if "${" in SLOT.sub("", host) or not declared.issuperset(SLOT.findall(host)):
        hint = "Use a variable there, without a function."
        yield Problem(place.field, "Only a variable can be part of a host.", hint)


def _check_filled(service: Service) -> Iterator[Problem]:
    """What an answer or a region fills must be declared as being filled by it."""
    declared = {variable.name: variable for variable in service.variables}
    filled = {*service.token_response.copy, *service.callback_copy, *(n for s in service.after_connect for n in s.copy)}
    for name in sorted(filled - set(declared)):
        yield Problem("variables", f"The variable {name!r} is filled from an answer and not declared.", "Declare it.")
    for number, region in enumerate(service.regions):
        for name, value in region.values.items():
            where = f"regions[{number}].values.{name}"
            if name not in declared:
                yield Problem(where, f"The region sets {name!r}, which is not declared.", "Declare it.")
            elif declared[name].pattern and not re.fullmatch(declared[name].pattern, value):
                yield Problem(where, "The value does not match the variable's pattern.", "Correct one of them.")
    if any(variable.source == "region" for variable in service.variables) and not service.regions:
        yield Problem("regions", "A variable is set by a region, and there are none.", "Add regions.")
    entered = [parameter.key for parameter in service.parameters]
    for number, key in enumerate(entered):
        fills_slots = service.parameters[number].placement in ("path", "slot")
        if (fills_slots and key in RESERVED - {"username", "password"}) or key in declared:
            yield Problem(f"parameters[{number}].key", f"The name {key!r} is taken.", "Choose another.")
        if entered.index(key) != number:
            yield Problem(f"parameters[{number}].key", f"The key {key!r} stands twice.", "Remove one.")
    for number, variable in enumerate(service.variables):
        if variable.name in RESERVED | {"region"}:
            hint = f"Choose another; taken are {', '.join(sorted(RESERVED))}, region."
            yield Problem(f"variables[{number}].name", f"The name {variable.name!r} is taken.", hint)


def _check_login(service: Service) -> Iterator[Problem]:
    if service.auth_type == "login" and service.login is None:
        yield Problem("login", "It is not said how to log in.", "Give login with requests, or with a jwt.")
    if service.login is not None and service.auth_type != "login":
        yield Problem("login", f"A service of type {service.auth_type} has no login.", "Set auth_type to login.")
    if service.refresh_client_authentication in ("private_key_jwt", "tls"):
        hint = "Use basic, basic_raw, post, none or declared."
        yield Problem("refresh_client_authentication", "This is not supported for the refresh alone.", hint)
    for number, parameter in enumerate(service.parameters):
        if parameter.placement == "path" and f"${{{parameter.key}}}" not in service.base_url:
            hint = f"Write ${{{parameter.key}}} into base_url, after the host."
            yield Problem(f"parameters[{number}].placement", "The base URL has no slot for it.", hint)
