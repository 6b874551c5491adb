"""Where slots may stand in a definition, and which names may fill them there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.records import Jwt, Service, Step

CLIENT = frozenset({"client_id", "client_secret"})
RESERVED = CLIENT | {
    *("redirect_uri", "scope", "state", "code", "verifier", "access_token", "refresh_token"),
    *("username", "password", "jwt"),
}
"""Names that we fill ourselves; `username` and `password` may be parameters of a login."""

_URLS = "authorize_url access_token_url refresh_token_url revoke_token_url request_token_url base_url".split()
_PARAMETERS: dict[str, frozenset[str]] = {
    "authorize_parameters": frozenset({"client_id", "redirect_uri", "scope"}),
    "token_parameters": CLIENT | {"redirect_uri", "scope", "code", "verifier"},
    "refresh_parameters": CLIENT | {"redirect_uri", "scope", "refresh_token", "access_token"},
    "request_token_parameters": frozenset({"client_id", "scope"}),
    "token_request_headers": CLIENT,
    "headers": frozenset({"client_id"}),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A text that may hold slots. `names` may fill them besides the service's variables; `now` and `random` mean
    something only where `fresh`, since the rest is filled once and kept."""

    field: str
    text: str
    names: frozenset[str] = frozenset()
    fresh: bool = False


def places(service: Service) -> Iterator[Place]:
    """Every text of the service that slots may stand in."""
    entered = frozenset(parameter.key for parameter in service.parameters)
    in_path = frozenset(parameter.key for parameter in service.parameters if parameter.placement == "path")
    for key in _URLS:
        names = in_path if key == "base_url" else frozenset()
        yield Place(key, getattr(service, key), names | {"client_id"})
    for key, names in _PARAMETERS.items():
        for name, text in getattr(service, key).items():
            yield Place(f"{key}.{name}", text, names, fresh=True)
    for number, host in enumerate(service.hosts):
        yield Place(f"hosts[{number}]", host)
    for number, scope in enumerate(service.scopes):
        yield Place(f"scopes[{number}].name", scope.name, frozenset({"client_id"}))
    for key in ("param_prefix", "realm"):
        yield Place(key, getattr(service, key), frozenset({"client_id"}))
    for key in ("username_template", "password_template"):
        yield Place(key, getattr(service, key), entered | {"username", "password"}, fresh=True)
    for number, parameter in enumerate(service.parameters):
        yield Place(f"parameters[{number}].template", parameter.template, entered, fresh=True)
    yield from _requests(service, entered)
    if service.test is not None:
        yield Place("test.url", service.test.url, in_path | {"client_id"})
        yield Place("test.body", service.test.body, frozenset({"client_id"}))
        for name, text in service.test.headers.items():
            yield Place(f"test.headers.{name}", text, frozenset({"client_id"}), fresh=True)


def _requests(service: Service, entered: frozenset[str]) -> Iterator[Place]:
    held = CLIENT | entered | {"access_token", "refresh_token", "scope", "redirect_uri", "username", "password"}
    for number, step in enumerate(service.after_connect):
        yield from _step(f"after_connect[{number}]", step, held)
    for key in ("refresh_request", "revoke_request"):
        step = getattr(service, key)
        if step is not None:
            yield from _step(key, step, held)
    if service.client_jwt is not None:
        yield from _jwt("client_jwt", service.client_jwt, CLIENT)
    if service.login is None:
        return
    known = CLIENT | entered | {"scope"}
    if service.login.jwt is not None:
        yield from _jwt("login.jwt", service.login.jwt, known)
        known |= {"jwt"}
    for number, step in enumerate(service.login.requests):
        yield from _step(f"login.requests[{number}]", step, known)
        known |= set(step.copy)
    yield Place("login.token", service.login.token, known, fresh=True)
    if service.login.logout is not None:
        yield from _step("login.logout", service.login.logout, known | {"access_token"})


def _step(field: str, step: Step, names: frozenset[str]) -> Iterator[Place]:
    yield Place(f"{field}.url", step.url, names, fresh=True)
    for name, text in step.headers.items():
        yield Place(f"{field}.headers.{name}", text, names, fresh=True)
    for path, text in _texts(step.body, f"{field}.body"):
        yield Place(path, text, names, fresh=True)


def _jwt(field: str, jwt: Jwt, names: frozenset[str]) -> Iterator[Place]:
    yield Place(f"{field}.key", jwt.key, names)
    for path, text in _texts({"header": dict(jwt.header), "claims": dict(jwt.claims)}, field):
        yield Place(path, text, names, fresh=True)


def _texts(structure: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(structure, str):
        yield where, structure
    elif isinstance(structure, Mapping):
        for key, item in structure.items():
            yield from _texts(item, f"{where}.{key}")
    elif isinstance(structure, list | tuple):
        for number, item in enumerate(structure):
            yield from _texts(item, f"{where}[{number}]")
