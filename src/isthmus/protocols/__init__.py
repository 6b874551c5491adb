"""Wire formats: build a message, judge a message. No I/O, no clock, no randomness.

Given are a `records.Service` whose slots are already filled, the client and the credential; nonce, time, state and
PKCE verifier are handed in too. Built messages are `records.HttpRequest`; a judged answer is a frozen record.

- `oauth2`: authorization code with PKCE, grants without a person, refresh, revocation
- `oauth1`: the three legs and `sign`
- `attach`: any credential onto an API request; `ready_headers` where headers alone carry it
- `read_answer`, `value_at`, `text_at`: a third party's JSON or form answer, and dotted paths into it

Refuses to know who sends the message, where credentials are kept, and which vendor is at the other end.
"""

from isthmus.protocols import oauth1, oauth2
from isthmus.protocols.answers import read_answer, text_at, value_at
from isthmus.protocols.attach import attach, ready_headers

__all__ = ["attach", "oauth1", "oauth2", "read_answer", "ready_headers", "text_at", "value_at"]
