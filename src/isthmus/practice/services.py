"""The practice party described as services, for the demo and for tests."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from isthmus.practice.state import (
    API_KEY,
    APP_ID,
    APP_KEY,
    CLIENT_SECRET,
    CONSUMER_SECRET,
    PASSWORD,
    USERNAME,
)


def definitions(base_url: str) -> list[dict[str, Any]]:
    """Service documents, client id and secret included, for the practice party at this origin."""
    base = base_url.rstrip("/")
    common = {"category": "practice", "hosts": [urlsplit(base).netloc], "homepage_url": base}
    scopes = [
        {"name": "read", "display_name": "See your items"},
        {"name": "write", "display_name": "Create and change your items"},
        {"name": "profile", "display_name": "Know who you are"},
    ]
    oauth2 = {
        **common,
        "auth_type": "oauth2",
        "client_id": "practice-client",
        "client_secret": CLIENT_SECRET,
        "client_authentication": "basic",
        "access_token_url": f"{base}/oauth2/token",
        "revoke_token_url": f"{base}/oauth2/revoke",
        "scopes": scopes,
        "default_scopes": ["read", "write", "profile"],
        "base_url": f"{base}/oauth2/api",
        "test": _test(f"{base}/oauth2/api/me"),
    }
    return [
        {
            **oauth2,
            "link_name": "practice_oauth2",
            "name": "Practice (OAuth 2)",
            "authorize_url": f"{base}/oauth2/authorize",
            "pkce": "S256",
            "issuer": base,
            "issuer_in_response": True,
        },
        {
            **oauth2,
            "link_name": "practice_oauth2_client",
            "name": "Practice (OAuth 2, client credentials)",
            "grant_type": "client_credentials",
        },
        {
            **common,
            "link_name": "practice_oauth1",
            "name": "Practice (OAuth 1.0a)",
            "auth_type": "oauth1",
            "client_id": "practice-consumer",
            "client_secret": CONSUMER_SECRET,
            "request_token_url": f"{base}/oauth1/temporary",
            "authorize_url": f"{base}/oauth1/authorize",
            "access_token_url": f"{base}/oauth1/token",
            "base_url": f"{base}/oauth1/api",
            "test": _test(f"{base}/oauth1/api/me"),
        },
        {
            **common,
            "link_name": "practice_basic",
            "name": "Practice (Basic)",
            "auth_type": "basic",
            "base_url": f"{base}/basic/api",
            "test": _test(f"{base}/basic/api/me"),
        },
        {
            **common,
            "link_name": "practice_api_key",
            "name": "Practice (API key)",
            "auth_type": "api_key",
            "parameters": [{"key": "X-Api-Key", "display_name": "API key", "placement": "header"}],
            "base_url": f"{base}/key/api",
            "test": _test(f"{base}/key/api/me"),
        },
        {
            **common,
            "link_name": "practice_two_keys",
            "name": "Practice (two keys)",
            "auth_type": "api_key",
            "parameters": [
                {"key": "X-App-Id", "display_name": "App id", "placement": "header", "secret": False},
                {"key": "X-App-Key", "display_name": "App key", "placement": "header"},
            ],
            "base_url": f"{base}/twokey/api",
            "test": _test(f"{base}/twokey/api/me"),
        },
    ]


def sample_values() -> dict[str, dict[str, Any]]:
    """What to connect with, by link name; the others need a person or nothing."""
    return {
        "practice_basic": {"username": USERNAME, "password": PASSWORD},
        "practice_api_key": {"parameters": {"X-Api-Key": API_KEY}},
        "practice_two_keys": {"parameters": {"X-App-Id": APP_ID, "X-App-Key": APP_KEY}},
    }


def _test(url: str) -> dict[str, str]:
    return {"method": "GET", "url": url, "identity": "name"}
