"""Code to begin with, for each type of client: complete programs that end by asking the API who they are.

What they need beside themselves is said in them: `CLIENT_SECRET` and `CODE` in the environment, and the address that the
browser was sent back to on standard input.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

_ME_CURL = """
curl -s @ISSUER@/api/v1/me -H "Authorization: Bearer $token"
"""
_ME_PYTHON = """
me = requests.get("@ISSUER@/api/v1/me", headers={"Authorization": "Bearer " + tokens["access_token"]})
print(me.json())
"""
_ME_JAVASCRIPT = """
const { access_token } = await answer.json();
const me = await fetch("@ISSUER@/api/v1/me", { headers: { Authorization: `Bearer ${access_token}` } });
console.log(await me.json());
"""
_CUT_TOKEN = """sed -E 's/.*"access_token":"([^"]+)".*/\\1/'"""

_AT_ONCE_CURL = (
    """token=$(curl -s @ISSUER@/oauth/v2/token -u "@CLIENT_ID@:$CLIENT_SECRET" \\
  @FORM_CURL@ | """
    + _CUT_TOKEN
    + ")"
    + _ME_CURL
)
_AT_ONCE_PYTHON = """import os

import requests

form = @FORM_PYTHON@
proof = ("@CLIENT_ID@", os.environ["CLIENT_SECRET"])
tokens = requests.post("@ISSUER@/oauth/v2/token", data=form, auth=proof).json()
""" + _ME_PYTHON.lstrip()
_AT_ONCE_JAVASCRIPT = (
    """const proof = btoa(`@CLIENT_ID@:${process.env.CLIENT_SECRET}`);
const answer = await fetch("@ISSUER@/oauth/v2/token", {
  method: "POST",
  headers: { Authorization: `Basic ${proof}` },
  body: new URLSearchParams(@FORM_JAVASCRIPT@),
});"""
    + _ME_JAVASCRIPT
)

_BROWSER_CURL = (
    """verifier=$(openssl rand -hex 32)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d =)
state=$(openssl rand -hex 16)
echo "@ISSUER@/oauth/v2/auth?response_type=code&client_id=@CLIENT_ID@&redirect_uri=@REDIRECT_QUOTED@\\
&scope=@SCOPE_QUOTED@&state=$state&code_challenge=$challenge&code_challenge_method=S256"
read -r back # open that in a browser, consent, and paste the address you are sent back to
case "$back" in *"state=$state"*) ;; *) echo "not the answer to this request" >&2; exit 1 ;; esac
code=$(printf %s "$back" | sed -E 's/.*[?&]code=([^&]+).*/\\1/')
token=$(curl -s @ISSUER@/oauth/v2/token @PROOF_CURL@ -d grant_type=authorization_code -d "code=$code" \\
  -d redirect_uri=@REDIRECT_QUOTED@ -d "code_verifier=$verifier" | """
    + _CUT_TOKEN
    + ")"
    + _ME_CURL
)
_BROWSER_PYTHON = """import base64
import hashlib
import os
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
asked = {"response_type": "code", "client_id": "@CLIENT_ID@", "redirect_uri": "@REDIRECT@", "scope": "@SCOPE@",
         "state": state, "code_challenge": challenge, "code_challenge_method": "S256"}
print("@ISSUER@/oauth/v2/auth?" + urlencode(asked), flush=True)
back = parse_qs(urlsplit(input()).query)  # open that in a browser, and paste the address you are sent back to
assert back["state"] == [state] and back["iss"] == ["@ISSUER@"], back
form = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": "@REDIRECT@",
        "code_verifier": verifier, @PROOF_PYTHON@}
tokens = requests.post("@ISSUER@/oauth/v2/token", data=form).json()
""" + _ME_PYTHON.lstrip()
_BROWSER_JAVASCRIPT = (
    """import { createHash, randomBytes } from "node:crypto";
import { createInterface } from "node:readline/promises";

const verifier = randomBytes(48).toString("base64url"), state = randomBytes(16).toString("base64url");
const challenge = createHash("sha256").update(verifier).digest("base64url");
const url = new URL("@ISSUER@/oauth/v2/auth");
url.search = new URLSearchParams({ response_type: "code", client_id: "@CLIENT_ID@", redirect_uri: "@REDIRECT@",
  scope: "@SCOPE@", state, code_challenge: challenge, code_challenge_method: "S256" });
console.log(url.href);
const lines = createInterface({ input: process.stdin });
const back = new URL(await lines.question("")).searchParams; // open that in a browser, and paste where it ends
lines.close();
if (back.get("state") !== state || back.get("iss") !== "@ISSUER@") throw new Error("not the answer to this request");
const answer = await fetch("@ISSUER@/oauth/v2/token", { method: "POST", body: new URLSearchParams({
  grant_type: "authorization_code", code: back.get("code"), redirect_uri: "@REDIRECT@",
  code_verifier: verifier, @PROOF_JAVASCRIPT@ }) });"""
    + _ME_JAVASCRIPT
)

_DEVICE_CURL = (
    """begun=$(curl -s @ISSUER@/oauth/v2/device -d client_id=@CLIENT_ID@ -d "scope=@SCOPE@")
echo "$begun" # show the person verification_uri and user_code
device_code=$(printf %s "$begun" | sed -E 's/.*"device_code":"([^"]+)".*/\\1/')
while sleep 5; do
  answer=$(curl -s @ISSUER@/oauth/v2/token -d client_id=@CLIENT_ID@ -d "device_code=$device_code" \\
    -d grant_type=urn:ietf:params:oauth:grant-type:device_code)
  case "$answer" in *authorization_pending* | *slow_down*) ;; *) break ;; esac
done
token=$(printf %s "$answer" | """
    + _CUT_TOKEN
    + ")"
    + _ME_CURL
)
_DEVICE_PYTHON = """import time

import requests

begun = requests.post("@ISSUER@/oauth/v2/device", data={"client_id": "@CLIENT_ID@", "scope": "@SCOPE@"}).json()
print(begun["verification_uri_complete"], flush=True)  # show the person verification_uri and user_code
form = {"client_id": "@CLIENT_ID@", "device_code": begun["device_code"],
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
tokens = {"error": "authorization_pending"}
while tokens.get("error") in ("authorization_pending", "slow_down"):
    time.sleep(begun["interval"])
    tokens = requests.post("@ISSUER@/oauth/v2/token", data=form).json()
""" + _ME_PYTHON.lstrip()
_DEVICE_JAVASCRIPT = (
    """const send = (path, form) => fetch(`@ISSUER@${path}`, { method: "POST", body: new URLSearchParams(form) });
const begun = await (await send("/oauth/v2/device", { client_id: "@CLIENT_ID@", scope: "@SCOPE@" })).json();
console.log(begun.verification_uri_complete); // show the person verification_uri and user_code
let answer;
do {
  await new Promise((done) => setTimeout(done, begun.interval * 1000));
  answer = await send("/oauth/v2/token", { client_id: "@CLIENT_ID@", device_code: begun.device_code,
    grant_type: "urn:ietf:params:oauth:grant-type:device_code" });
} while (["authorization_pending", "slow_down"].includes((await answer.clone().json()).error));"""
    + _ME_JAVASCRIPT
)

_OWN_ACCOUNT = {
    "FORM_CURL": "-d grant_type=client_credentials",
    "FORM_PYTHON": '{"grant_type": "client_credentials"}',
    "FORM_JAVASCRIPT": '{ grant_type: "client_credentials" }',
}
_GENERATED_CODE = {
    "FORM_CURL": '-d grant_type=authorization_code -d "code=$CODE"',
    "FORM_PYTHON": '{"grant_type": "authorization_code", "code": os.environ["CODE"]}',
    "FORM_JAVASCRIPT": '{ grant_type: "authorization_code", code: process.env.CODE }',
}
_SECRET = {
    "PROOF_CURL": '-u "@CLIENT_ID@:$CLIENT_SECRET"',
    "PROOF_PYTHON": '"client_id": "@CLIENT_ID@", "client_secret": os.environ["CLIENT_SECRET"]',
    "PROOF_JAVASCRIPT": 'client_id: "@CLIENT_ID@", client_secret: process.env.CLIENT_SECRET',
}
_PUBLIC = {
    "PROOF_CURL": "-d client_id=@CLIENT_ID@",
    "PROOF_PYTHON": '"client_id": "@CLIENT_ID@"',
    "PROOF_JAVASCRIPT": 'client_id: "@CLIENT_ID@"',
}


def client_snippets(issuer: str, client: dict[str, Any]) -> list[tuple[str, str]]:
    """`(language, code)`, in curl, Python and JavaScript: what this client does first, with the grants that it has.

    A client that proves itself by a key gets none: how it signs is its library's business.
    """
    if client["authentication"] == "private_key_jwt":
        return []
    kind, grants = client["client_type"], client["grant_types"]
    if kind == "device":
        programs, parts = (_DEVICE_CURL, _DEVICE_PYTHON, _DEVICE_JAVASCRIPT), {}
    elif kind == "self":
        own = "client_credentials" in grants
        programs = (_AT_ONCE_CURL, _AT_ONCE_PYTHON, _AT_ONCE_JAVASCRIPT)
        parts = _OWN_ACCOUNT if own else _GENERATED_CODE
    else:
        programs = (_BROWSER_CURL, _BROWSER_PYTHON, _BROWSER_JAVASCRIPT)
        parts = _SECRET if client["authentication"] == "client_secret" else _PUBLIC
    return [
        (language, _fill(program, parts, issuer, client))
        for language, program in zip(("cURL", "Python", "JavaScript"), programs, strict=True)
    ]


def _fill(program: str, parts: dict[str, str], issuer: str, client: dict[str, Any]) -> str:
    redirect = (client["redirect_uris"] or [""])[0]
    scope = " ".join(client["scopes"])
    values = {
        **parts,
        "ISSUER": issuer,
        "CLIENT_ID": client["client_id"],
        "REDIRECT": redirect,  # registered ones hold neither quotes nor backslashes
        "REDIRECT_QUOTED": quote(redirect, safe=""),
        "SCOPE": scope,
        "SCOPE_QUOTED": quote(scope, safe=""),
    }
    for name, value in values.items():
        program = program.replace(f"@{name}@", value)
    return program if "os." in program else program.replace("import os\n", "")
