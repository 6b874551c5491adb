"""The only door to the network: where a request may go, how it is sent, and what its answer may cost.

Checks the destination (host allow-list, addresses, https), dials exactly an address that was checked, sends
HTTP/1.1 with strict headers, bounds time and size, and hands the answer back whole or as it comes.
Refuses to know credentials, services, connections and what an answer means.
"""

from isthmus.outbound.headers import (
    check_caller_headers,
    forwardable_request_headers,
    forwardable_response_headers,
)
from isthmus.outbound.limits import Limits
from isthmus.outbound.mail import MailDoor, read_mail_server
from isthmus.outbound.names import Resolver
from isthmus.outbound.redact import redact_url
from isthmus.outbound.redirects import Hop
from isthmus.outbound.retries import RetryBudget, retry_after_seconds, with_retries
from isthmus.outbound.sender import Outbound, StreamedResponse
from isthmus.outbound.target import Target

__all__ = [
    "Hop",
    "Limits",
    "MailDoor",
    "Outbound",
    "Resolver",
    "RetryBudget",
    "StreamedResponse",
    "Target",
    "check_caller_headers",
    "forwardable_request_headers",
    "forwardable_response_headers",
    "read_mail_server",
    "redact_url",
    "retry_after_seconds",
    "with_retries",
]
