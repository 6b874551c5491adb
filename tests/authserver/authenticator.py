"""An authenticator in software, and the browser before it: what they answer, and what a forger would."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256

PRESENT, VERIFIED, SYNCED, ATTESTED = 0x01, 0x04, 0x10, 0x40


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


class Authenticator:
    """One credential. Keywords of `make` and `use` say what is untrue about an answer."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.raw_id = secrets.token_bytes(32)
        self.count = 0
        self.handle = b""

    def make(self, options: Mapping[str, Any], **untrue: Any) -> str:
        """The answer to creation options, as our script sends it."""
        self.handle = urlsafe_b64decode(options["user"]["id"] + "==")
        cose = dict(ES256.from_cryptography_key(self.key.public_key())) | untrue.get("cose", {})
        credential = bytes(16) + len(self.raw_id).to_bytes(2, "big") + self.raw_id + cbor.encode(cose)
        data = self._data(options["rp"]["id"], untrue, ATTESTED) + credential
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"], untrue)
        return self._answer({"clientDataJSON": b64(client), "attestationObject": b64(attestation)})

    def use(self, options: Mapping[str, Any], **untrue: Any) -> str:
        """The answer to request options."""
        data = self._data(options["rpId"], untrue, 0)
        client = self._client("webauthn.get", options["challenge"], untrue)
        signed = data + hashlib.sha256(client).digest()
        signature = untrue.get("signer", self.key).sign(signed, ec.ECDSA(hashes.SHA256()))
        handle = untrue.get("handle", self.handle)
        answer = {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        return self._answer(answer | ({"userHandle": b64(handle)} if handle else {}))

    def _data(self, rp_id: str, untrue: Mapping[str, Any], more: int) -> bytes:
        self.count = untrue.get("count", self.count + 1)
        flags = untrue.get("flags", PRESENT | VERIFIED | SYNCED) | more
        named = untrue.get("rp_id", rp_id)
        return hashlib.sha256(named.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, untrue: Mapping[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | untrue.get("client", {})).encode()

    def _answer(self, response: Mapping[str, str]) -> str:
        return json.dumps(
            {"id": b64(self.raw_id), "rawId": b64(self.raw_id), "type": "public-key", "response": response}
        )
