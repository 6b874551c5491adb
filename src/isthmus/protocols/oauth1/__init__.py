"""OAuth 1.0a in the client role (RFC 5849).

- `temporary_credentials_request`, `judge_temporary_credentials` -> `TemporaryCredentials` (§2.1)
- `authorization_url`, `judge_callback` -> `VerifiedCallback` (§2.2)
- `token_credentials_request`, `judge_token_credentials` (§2.3)
- `sign` (§3)

Draws no nonce and reads no clock: both are handed in, fresh for every attempt. Does not know what is stored or sent.
"""

from isthmus.protocols.oauth1.legs import (
    TemporaryCredentials,
    VerifiedCallback,
    authorization_url,
    judge_callback,
    judge_temporary_credentials,
    judge_token_credentials,
    temporary_credentials_request,
    token_credentials_request,
)
from isthmus.protocols.oauth1.signing import sign

__all__ = [
    "TemporaryCredentials",
    "VerifiedCallback",
    "authorization_url",
    "judge_callback",
    "judge_temporary_credentials",
    "judge_token_credentials",
    "sign",
    "temporary_credentials_request",
    "token_credentials_request",
]
