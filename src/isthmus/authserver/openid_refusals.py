"""Why signing in through the organisation came to nothing, in words for the person."""

from __future__ import annotations

from isthmus.errors import NotAuthenticated


def _words(message: str, *, code: str, hint: str) -> NotAuthenticated:
    return NotAuthenticated(message, code=code, hint=hint)


_KNOWN = (
    _words(
        "The organisation's sign-in service did not let you in, or you declined.",
        code="openid_denied",
        hint="Try again, or ask whoever runs that service.",
    ),
    _words(
        "The organisation's sign-in service does not answer.",
        code="openid_unreachable",
        hint="Try again in a minute, or sign in another way.",
    ),
    _words(
        "The answer of the organisation's sign-in service does not hold.",
        code="openid_refused",
        hint="Try again; an administrator finds the reason under Activity.",
    ),
    _words(
        "This attempt was begun too long ago, in another browser, or was finished before.",
        code="openid_attempt_ended",
        hint="Begin again on this page.",
    ),
    _words(
        "The organisation has not verified your e-mail address.",
        code="openid_email_unverified",
        hint="Have it verified there, then try again.",
    ),
    _words(
        "Accounts with your e-mail address may not sign in here through the organisation.",
        code="openid_domain_refused",
        hint="Ask an administrator which addresses may.",
    ),
    _words(
        "There is an account with your e-mail address here that is not linked to the organisation's sign-in.",
        code="openid_account_exists",
        hint="Sign in as you did so far, then link it under Your account, Signing in.",
    ),
    _words(
        "There is no account for you here.",
        code="openid_not_invited",
        hint="Ask an administrator for one with the e-mail address that the organisation knows.",
    ),
    _words(
        "Your account here is switched off.", code="openid_switched_off", hint="Ask an administrator to switch it on."
    ),
    _words(
        "This account of the organisation belongs to somebody else here.",
        code="openid_taken",
        hint="Sign out of it at the organisation, and sign in there as yourself.",
    ),
)
REFUSALS = {str(one.code): one for one in _KNOWN}


class OpenIdRefused(NotAuthenticated):
    """`reason`: what exactly did not hold, for the activity; no secret and nothing that a stranger wrote is in it."""

    def __init__(self, code: str, reason: str = "") -> None:
        known = REFUSALS[code]
        super().__init__(known.message, code=code, hint=known.hint)
        self.reason = reason


def refusal(code: str, reason: str = "") -> OpenIdRefused:
    """The refusal with this code."""
    return OpenIdRefused(code, reason)
