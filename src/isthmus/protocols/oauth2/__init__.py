"""OAuth 2 in the client role: requests built, answers judged, filed by specification.

- `authorization_url`, `judge_callback` -> `AuthorizationResponse` (RFC 6749 §4.1, RFC 9207)
- `authorization_code_request`, `grant_request`, `client_credentials_request`, `custom_grant_request`,
  `refresh_request`; `token_request` beneath them all
- `judge_token_answer` -> `TokenAnswer`; `is_grant_dead`
- `revocation_request`, `judge_revocation` (RFC 7009)
- `challenge`, `check_verifier` (RFC 7636)

Knows no clock and draws nothing: time, state and verifier are handed in. Does not know what is stored or sent.
"""

from isthmus.protocols.oauth2.authorize import AuthorizationResponse, authorization_url, judge_callback
from isthmus.protocols.oauth2.grants import (
    PERSON_GRANTS,
    authorization_code_request,
    client_credentials_request,
    custom_grant_request,
    grant_request,
    refresh_request,
)
from isthmus.protocols.oauth2.pkce import challenge, check_verifier
from isthmus.protocols.oauth2.revoke import judge_revocation, revocation_request
from isthmus.protocols.oauth2.token import TokenAnswer, is_grant_dead, judge_token_answer, token_request

__all__ = [
    "PERSON_GRANTS",
    "AuthorizationResponse",
    "TokenAnswer",
    "authorization_code_request",
    "authorization_url",
    "challenge",
    "check_verifier",
    "client_credentials_request",
    "custom_grant_request",
    "grant_request",
    "is_grant_dead",
    "judge_callback",
    "judge_revocation",
    "judge_token_answer",
    "refresh_request",
    "revocation_request",
    "token_request",
]
