"""The device grant at the token endpoint (RFC 8628 §3.4, §3.5): the device asks until the person has decided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from isthmus.authserver.client_types import DEVICE
from isthmus.authserver.grants import Request, active_user, invalid_grant, issued_journal
from isthmus.authserver.issuing import issue, new_grant
from isthmus.authserver.keys import DEVICE_CODE, is_well_formed, secret_hash
from isthmus.errors import OAuthError
from isthmus.records import DeviceAuthorization

SLOWER_SECONDS = 5
_LONGEST_INTERVAL = 60


async def poll(request: Request) -> dict[str, Any]:
    """The token answer once the person approved.

    Raises OAuthError `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`.
    """
    given = request.parameters.require("device_code")
    device = None
    if is_well_formed(given, DEVICE_CODE):
        device = await request.storage.device_authorization(secret_hash(given))
    if device is None or device.client_id != request.client.client_id or device.status == "redeemed":
        raise invalid_grant("The device code is not known, or was used.")
    if device.expires_at <= request.now:
        raise OAuthError("The device code has expired; begin again.", code="expired_token")
    if device.status == "denied":
        raise OAuthError("The person refused.", code="access_denied")
    if device.status == "pending":
        raise await _not_yet(request, device)
    await active_user(request.storage, device.user_id)
    grant = new_grant(request.client, DEVICE, device.scopes, request.now, user_id=device.user_id)
    issued = issue(request.client, grant, device.scopes, request.now, key_thumbprint=request.key_thumbprint)
    told = issued_journal(request, grant, issued)
    done = await request.storage.redeem_device(
        device.device_code_hash, grant, issued.tokens, now=request.now, journal=told
    )
    if not done:
        raise invalid_grant("The device code was used.")
    return issued.answer


async def _not_yet(request: Request, device: DeviceAuthorization) -> OAuthError:
    last = device.last_polled_at
    early = last is not None and request.now - last < timedelta(seconds=device.interval_seconds)
    interval = min(device.interval_seconds + SLOWER_SECONDS * early, _LONGEST_INTERVAL)
    noted = await request.storage.poll_device(
        device.device_code_hash, last_polled_at=last, now=request.now, interval_seconds=interval
    )
    if early or not noted:
        return OAuthError(f"Ask at most once in {interval} seconds.", code="slow_down")
    return OAuthError("The person has not decided yet.", code="authorization_pending")
