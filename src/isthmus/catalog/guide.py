"""The guide of one service: how to register, what is asked, scopes, what is unusual, what breaks and why.

Written from its definition and the rule base of causes, as Markdown. What is not known is not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from isthmus.catalog.causes import Cause
from isthmus.catalog.parts import is_asked
from isthmus.records import Lifetimes, Service, TokenResponse

_KINDS = {
    "oauth2": "OAuth 2",
    "oauth1": "OAuth 1.0a",
    "basic": "Basic (user name and password)",
    "api_key": "API key",
    "login": "Login (a token by signing in)",
}
_CLIENT = {
    "post": "Client id and secret go in the body of the token request, not in the Authorization header.",
    "basic_raw": "Client id and secret go in the Authorization header without being encoded first.",
    "none": "The client proves nothing: there is an id and no secret.",
    "declared": "How client id and secret are sent is the third party's own way, which the definition spells out.",
    "private_key_jwt": "The client proves itself with a signed JWT instead of a secret.",
    "tls": "The client proves itself with its TLS certificate.",
}
_REFRESH = {
    "rotates": "Each refresh brings a new refresh token, and the one before is spent.",
    "keeps": "The refresh token stays the same from refresh to refresh.",
    "none": "There is no refresh token: when the access token ends, the account is connected again.",
}


def write_guide(service: Service, redirect_url: str, causes: Sequence[Cause] = ()) -> str:
    """The guide as Markdown. `redirect_url` is this installation's for the service."""
    parts = [
        ("Register", _registration(service, redirect_url)),
        ("What you are asked for", _asked(service)),
        ("Scopes", _scopes(service)),
        ("What is unusual", [f"- {line}" for line in _quirks(service)]),
        ("What ends a connection", [f"- {line}" for line in _ends(service.lifetimes)]),
        ("What goes wrong, and what mends it", [_cause(cause) for cause in causes]),
        ("How well this is known", _evidence(service)),
    ]
    lines = [f"# {_text(service.name)}", ""]
    if service.description:
        lines += [_text(service.description), ""]
    lines += [f"Authentication: {_KINDS[service.auth_type]}. Link name: `{service.link_name}`.", ""]
    if service.marks:
        lines += [f"This entry is marked {', '.join(service.marks)}.", ""]
    for title, content in parts:
        if content:
            lines += [f"## {title}", "", *content, ""]
    return "\n".join(lines).rstrip() + "\n"


def _registration(service: Service, redirect_url: str) -> list[str]:
    lines = []
    if service.registration_url:
        lines.append(f"1. Open <{service.registration_url}> and register this installation, or make a key there.")
    elif service.auth_type in ("oauth2", "oauth1"):
        lines.append("1. Register this installation at the third party; where is not known here.")
    by_redirect = service.auth_type in ("oauth2", "oauth1") and service.authorize_url
    if by_redirect:
        lines.append(f"1. Give it this redirect URL, to the letter: `{redirect_url}`")
    if service.auth_type in ("oauth2", "oauth1"):
        what = "consumer key and secret" if service.auth_type == "oauth1" else "client id and secret"
        lines.append(f"1. Set the {what} on the service, then create a connection.")
    if service.registration_notes:
        lines += ["", *(f"- {_text(note)}" for note in service.registration_notes)]
    if service.documentation_url:
        lines += ["", f"Its documentation: <{service.documentation_url}>"]
    return lines


def _asked(service: Service) -> list[str]:
    rows = [
        (variable.display_name or variable.name, variable.description, variable.example, variable.required)
        for variable in service.variables
        if variable.source == "person"
    ]
    rows += [
        (parameter.display_name or parameter.key, parameter.description, parameter.example, parameter.required)
        for parameter in service.parameters
        if is_asked(parameter)
    ]
    if service.auth_type == "basic":
        halves = ("username", service.username_template, service.username_display_name or "User name")
        other = ("password", service.password_template, service.password_display_name or "Password")
        rows += [(name, "", "", True) for slot, template, name in (halves, other) if f"${{{slot}}}" in template]
    if service.regions:
        rows.append(("Region", ", ".join(one.display_name or one.name for one in service.regions), "", True))
    return [
        f"- **{_text(name)}**{'' if required else ' (may be left out)'}"
        + (f": {_text(description)}" if description else "")
        + (f" Such as `{example}`." if example else "")
        for name, description, example, required in rows
    ]


def _scopes(service: Service) -> list[str]:
    if not service.scopes:
        return []
    rows = [
        f"| `{scope.name}` | {_text(scope.display_name)} | {'yes' if scope.name in service.default_scopes else ''} |"
        for scope in service.scopes
    ]
    return ["| scope | what it allows | chosen beforehand |", "|---|---|---|", *rows]


def _quirks(service: Service) -> Iterator[str]:
    yield from (_text(note) for note in service.notes)
    if service.auth_type == "oauth2":
        yield from _oauth2_quirks(service)
    if service.after_connect:
        yield "After connecting, something more is fetched: " + _listing(
            name for step in service.after_connect for name in (step.copy or {"a token that lives longer": ""})
        )
    if service.headers:
        yield f"Every call carries {_listing(f'`{name}`' for name in service.headers)}."
    if service.param_type != "header" and service.auth_type in ("oauth2", "oauth1"):
        yield f"The credential goes in the {service.param_type}, not in a header."


def _oauth2_quirks(service: Service) -> Iterator[str]:
    if service.grant_type != "authorization_code":
        yield f"Nobody consents in a browser: the grant is `{service.grant_type}`."
    elif service.pkce == "none":
        yield "PKCE is off, since the third party refuses it or does not know it."
    if service.client_authentication in _CLIENT:
        yield _CLIENT[service.client_authentication]
    if service.scope_delimiter != " ":
        yield f"Scopes are separated by `{service.scope_delimiter}`."
    if service.scope_parameter != "scope":
        yield f"Scopes are asked for in the parameter `{service.scope_parameter}`."
    if service.token_request_method != "POST" or service.token_request_format != "form":
        yield f"The token request is a {service.token_request_method} in the format {service.token_request_format}."
    if service.authorize_parameters:
        said = _listing(f"`{name}={value}`" for name, value in service.authorize_parameters.items() if value)
        if said:
            yield f"The consent page is asked with {said}."
    yield from _answer_quirks(service.token_response)


def _answer_quirks(answer: TokenResponse) -> Iterator[str]:
    plain = TokenResponse()
    if answer.access_token != plain.access_token:
        yield f"The access token stands at `{answer.access_token}` in the answer."
    if answer.expires_unit != plain.expires_unit:
        yield f"When it ends is told in {answer.expires_unit.replace('_', ' ')}."
    if answer.default_expires_in is not None:
        yield f"When it ends is not told; {_seconds(answer.default_expires_in)} are taken for granted."
    if answer.ok is not None or answer.error != plain.error:
        yield "A refusal may come with HTTP 200; the definition says where it stands."


def _ends(lifetimes: Lifetimes) -> list[str]:
    said = []
    if lifetimes.access_token_seconds:
        said.append(f"An access token lives {_seconds(lifetimes.access_token_seconds)}.")
    elif lifetimes.non_expiring:
        said.append("An access token does not end by itself.")
    if lifetimes.refresh in _REFRESH:
        said.append(_REFRESH[lifetimes.refresh])
    if lifetimes.idle_days:
        said.append(f"A grant that is not used for {lifetimes.idle_days} days ends.")
    if lifetimes.absolute_days:
        said.append(f"A grant ends {lifetimes.absolute_days} days after it was given, used or not.")
    if lifetimes.secret_days:
        said.append(f"A client secret lives {lifetimes.secret_days} days; set the next one before.")
    if lifetimes.most_grants:
        said.append(f"One account has at most {lifetimes.most_grants} grants with one client; the oldest goes.")
    said += [_text(line) for line in (*lifetimes.ends, *lifetimes.notes)]
    if said and lifetimes.source:
        said.append(f"{'Seen' if lifetimes.confirmed else 'Said to stand'} at <{lifetimes.source}>.")
    return said


def _cause(cause: Cause) -> str:
    probably = "" if cause.confirmed else "Probably: "
    return f"- {probably}{_text(cause.message)} {_text(cause.hint)}"


def _evidence(service: Service) -> list[str]:
    evidence = service.evidence
    if evidence is None:
        return []
    words = {
        "verified": "Verified: driven by the vendor's answers, every part confirmed in its documentation or SDK.",
        "modelled": "Modelled: driven by the vendor's answers, some part of them unconfirmed.",
        "listed": "Listed: gathered from sources, not driven.",
    }
    lines = [f"{words[evidence.level]} Sources: {evidence.sources}."]
    if evidence.unconfirmed:
        lines += ["", *(f"- Unconfirmed: {_text(part)}" for part in evidence.unconfirmed)]
    return lines


def _seconds(seconds: int) -> str:
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0 and seconds >= size:
            return f"{seconds // size} {word}{'' if seconds == size else 's'}"
    return f"{seconds} seconds"


def _listing(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def _text(text: str) -> str:
    """Words of a definition as Markdown shows them: no markup, no table cell, no raw HTML."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text)
