"""The rule base of causes: what a third party's error means, and the one action that mends it.

Rules are data (`cause_rules/`): one line per error of one provider at one stage, most specific first. Codes are matched
before sentences; a rule that was not seen in the provider's own documentation is told as probable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from isthmus.records import Headers, Service

HERE = Path(__file__).parent / "cause_rules"
_EXAMINED_BYTES = 64 * 1024
_TOKENLESS = {"basic": "api_key_wrong", "api_key": "api_key_wrong", "oauth1": "grant_gone"}


@dataclass(frozen=True, slots=True)
class Cause:
    """`code` is a slug of docs/causes.md; `message` says what happened, `hint` what mends it, `cure` in one word.

    `must_reconnect`: only a new approval helps. `confirmed`: documented by the provider, otherwise "probably".
    """

    code: str
    message: str
    hint: str
    cure: str
    permanent: bool
    must_reconnect: bool
    confirmed: bool = True
    source: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known here of a grant whose refresh was refused: what rules narrow their cause by.

    `seconds_since_refresh` counts from the last token answer; `grant_ended` is that the time has passed which the
    provider told as the grant's end.
    """

    seconds_since_refresh: float | None = None
    rotates: bool = False
    idle_days: int | None = None
    grant_ended: bool = False


@dataclass(frozen=True, slots=True)
class _Rule:
    provider: str
    applies_to: tuple[str, ...]
    stages: frozenset[str]
    match: Mapping[str, Any]
    specificity: int
    cause: Cause
    narrow: tuple[tuple[Mapping[str, Any], str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int | None
    headers: Mapping[str, str]
    document: Any
    text: str


class Causes:
    """Looks causes up. Built once from the data files; holds no state."""

    def __init__(self, rules: Sequence[_Rule], fallbacks: Mapping[str, Cause]) -> None:
        self._by_provider: dict[str, list[_Rule]] = {}
        self._patterned: list[tuple[str, _Rule]] = []
        self._fallbacks = fallbacks
        for rule in rules:
            self._by_provider.setdefault(rule.provider, []).append(rule)
            self._patterned.extend((pattern, rule) for pattern in rule.applies_to)

    @classmethod
    def load(cls) -> Causes:
        """The product's rule base."""
        return _loaded()

    def diagnose(
        self,
        *,
        service: Service | str,
        stage: str,
        status: int | None,
        headers: Headers = (),
        body: bytes | Mapping[str, Any] | None = None,
        facts: Facts | None = None,
    ) -> Cause:
        """The cause of an error answer; there is always one, if only "the provider says no".

        `stage`: authorize, token, refresh, api, temporary_credentials or connect. With `facts` a cause that has several
        explanations becomes the first that they fit.
        """
        answer = _read(status, headers, body)
        names = [service] if isinstance(service, str) else [service.link_name, service.family]
        providers = [name.replace("_", "-") for name in names if name]
        kind = "" if isinstance(service, str) else service.auth_type
        for rules in self._candidates(providers):
            fitting = [rule for rule in rules if stage in rule.stages and _matches(rule.match, answer)]
            if fitting:
                found = max(fitting, key=lambda rule: rule.specificity)
                cause = self._explained(found, facts)
                return self._narrowed(cause, kind) if found.provider == "*" else cause
        return self._narrowed(self._fallback(stage, status), kind)

    def known_for(self, service: Service) -> list[Cause]:
        """What is known to go wrong with this very service or its family, each cause once."""
        providers = [name.replace("_", "-") for name in (service.link_name, service.product, service.family) if name]
        rules = [rule for name in dict.fromkeys(providers) for rule in self._by_provider.get(name, [])]
        once = {rule.cause.code: rule.cause for rule in reversed(rules)}
        return [once[code] for code in dict.fromkeys(rule.cause.code for rule in rules)]

    def _narrowed(self, cause: Cause, auth_type: str) -> Cause:
        """A refused access token is something else where there are no tokens, or none that could be refreshed."""
        if cause.code != "access_token_invalid":
            return cause
        return self._fallbacks[_TOKENLESS[auth_type]] if auth_type in _TOKENLESS else cause

    def _explained(self, rule: _Rule, facts: Facts | None) -> Cause:
        """Only the words become others: whether the grant is dead is what the answer said."""
        for condition, slug in rule.narrow if facts is not None else ():
            if facts is not None and _holds(condition, facts):
                found = self._fallbacks[slug]
                return replace(rule.cause, code=slug, message=found.message, hint=found.hint, cure=found.cure)
        return rule.cause

    def _candidates(self, providers: Sequence[str]) -> Iterator[list[_Rule]]:
        for provider in providers:
            yield self._by_provider.get(provider, [])
        yield [rule for pattern, rule in self._patterned if any(_fits(pattern, name) for name in providers)]
        yield self._by_provider.get("*", [])

    def _fallback(self, stage: str, status: int | None) -> Cause:
        if status == 401 and stage == "api":
            return self._fallbacks["access_token_invalid"]
        if status == 429:
            return self._fallbacks["rate_limited"]
        if status is not None and status >= 500:
            return self._fallbacks["provider_outage"]
        return self._fallbacks["grant_gone" if stage == "refresh" else "request_malformed"]


@lru_cache(maxsize=1)
def _loaded() -> Causes:
    slugs = json.loads((HERE / "causes.json").read_text(encoding="utf-8"))
    fallbacks = {slug: _from_slug(slug, entry) for slug, entry in slugs.items()}
    rules = [_rule(json.loads(line)) for line in (HERE / "rules.jsonl").read_text(encoding="utf-8").splitlines()]
    return Causes(rules, fallbacks)


def _from_slug(slug: str, entry: Mapping[str, Any]) -> Cause:
    return Cause(
        code=slug,
        message=entry["meaning"],
        hint=entry["action"],
        cure=entry["cure"],
        permanent=entry["permanent"],
        must_reconnect=entry["reconnect"],
    )


def _rule(line: Mapping[str, Any]) -> _Rule:
    confirmed = line["confidence"] == "documented" and line["evidence"] == "read"
    return _Rule(
        provider=line["provider"],
        applies_to=tuple(line.get("applies_to", ())),
        stages=frozenset([line["stage"], *line.get("also_stages", ())]),
        match=line["match"],
        specificity=line["specificity"],
        cause=Cause(
            code=line["cause"],
            message=line["cause_text"],
            hint=line["cure_text"],
            cure=line["cure"],
            permanent=line["permanent"],
            must_reconnect=line["must_reconnect"],
            confirmed=confirmed or line["provider"] == "*",
            source=line.get("source", ""),
        ),
        narrow=tuple((one["if"], one["cause"]) for one in line.get("narrow", ()) if "if" in one),
    )


def _holds(condition: Mapping[str, Any], facts: Facts) -> bool:
    seconds = facts.seconds_since_refresh
    days = seconds / 86_400 if seconds is not None else None
    known: dict[str, Callable[[Any], bool]] = {
        "seconds_since_refresh_to": lambda limit: seconds is not None and seconds <= limit,
        "days_since_refresh_from": lambda limit: days is not None and days >= limit,
        "days_since_refresh_below": lambda limit: days is not None and days < limit,
        "idle_days_passed": lambda _: days is not None and facts.idle_days is not None and days >= facts.idle_days,
        "rotates": lambda wanted: facts.rotates is wanted,
        "grant_ended": lambda wanted: facts.grant_ended is wanted,
    }
    return all(known[name](value) for name, value in condition.items())


def _fits(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _read(status: int | None, headers: Headers, body: bytes | Mapping[str, Any] | None) -> _Answer:
    named: dict[str, str] = {}
    for name, value in headers:
        named.setdefault(name.lower(), value)
    if isinstance(body, Mapping):
        return _Answer(status, named, body, "")
    text = (body or b"")[:_EXAMINED_BYTES].decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        pairs = (part.split("=", 1) for part in text.split("&") if "=" in part and " " not in part)
        document = dict(pairs) if text and len(text) < 4096 else {}
    return _Answer(status, named, document, text)


def _matches(match: Mapping[str, Any], answer: _Answer) -> bool:
    if match.get("shown_on_provider_page"):
        return False
    checks = (
        "http_status" not in match or answer.status in match["http_status"],
        "content_type" not in match or match["content_type"] in answer.headers.get("content-type", ""),
        "json_path" not in match or _path_matches(match, answer.document),
        "header" not in match or _header_matches(match["header"], answer.headers),
        "body_regex" not in match or bool(_pattern(match["body_regex"]).search(answer.text)),
        all(_matches(part, answer) for part in match.get("and", ())),
        "any" not in match or any(_matches(part, answer) for part in match["any"]),
    )
    return all(checks)


def _path_matches(match: Mapping[str, Any], document: Any) -> bool:
    found = list(_at(document, match["json_path"]))
    if match.get("absent"):
        return not found
    if "value" in match:
        return any(_as_text(value) == _as_text(match["value"]) for value in found)
    if "regex" in match:
        return any(bool(_pattern(match["regex"]).search(_as_text(value))) for value in found)
    return bool(found)


def _header_matches(header: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    value = headers.get(header["name"].lower())
    if value is None:
        return False
    return "regex" not in header or bool(_pattern(header["regex"]).search(value))


def _at(document: Any, path: str) -> Iterator[Any]:
    """The values at a path such as `$.errors[0].code`, `$.errors[*].code` or `$['a']`."""
    level = [document]
    for name, index in re.findall(r"\.?([A-Za-z0-9_@$-]+)|\[([^\]]+)\]", path.removeprefix("$")):
        step = name or index.strip("'\"")
        following: list[Any] = []
        for value in level:
            if isinstance(value, Mapping):
                following.extend(value.values() if step == "*" else [value[step]] if step in value else [])
            elif isinstance(value, list):
                if step == "*":
                    following.extend(value)
                elif step.isdigit() and int(step) < len(value):
                    following.append(value[int(step)])
        level = following
    yield from (value for value in level if value is not None)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


@lru_cache(maxsize=2048)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)
