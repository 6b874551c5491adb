"""The TLS settings of every connection: TLS 1.2 or newer, certificate and host name always verified."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

from isthmus.errors import InputError


@cache
def build_context(ca_bundle: Path | None, *, protocols: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
    """One context for all connections that ask alike, with the system's authorities and those of `ca_bundle`.

    Built by hand since `ssl.create_default_context` writes session keys where the environment asks for it.
    Raises InputError (`ca_bundle`) where the file is not a PEM bundle.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocols:
        context.set_alpn_protocols(list(protocols))
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except (OSError, ssl.SSLError) as problem:
            raise InputError(
                "ISTHMUS_CA_BUNDLE is not usable.", field="ca_bundle", hint="It takes a file of PEM certificates."
            ) from problem
    return context
