"""Somebody of West in a browser: signs in and presses the button on every page until it is allowed.

python consenting.py CA_FILE EMAIL PASSWORD URL
"""

from __future__ import annotations

import re
import ssl
import sys
from html import unescape
from urllib.parse import urljoin

import httpx

PAGES = 6


def consent(authority: str, email: str, password: str, url: str) -> None:
    trusted = ssl.create_default_context(cafile=authority)
    with httpx.Client(verify=trusted, follow_redirects=True, trust_env=False, timeout=30) as browser:
        page = browser.get(url)
        for _ in range(PAGES):
            form = re.search(r'<form[^>]*method="post"[^>]*action="([^"]*)"[^>]*>(.*?)</form>', page.text, re.S)
            assert form, page.text
            hidden = re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', form[2])
            fields = {name: unescape(value) for name, value in hidden}
            if 'type="password"' in form[2]:
                fields |= {"email": email, "password": password}
            allowed = 'value="allow"' in form[2]
            if allowed:
                fields["decision"] = "allow"
            page = browser.post(urljoin(str(page.url), unescape(form[1])), data=fields, headers={"Origin": "null"})
            if allowed:
                assert page.status_code == 200, page.text
                return
    raise AssertionError(f"no consent after {PAGES} pages: {page.url}")


if __name__ == "__main__":
    consent(*sys.argv[1:])
