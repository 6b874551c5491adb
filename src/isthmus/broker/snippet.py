"""Ready code for a connection: for custom functions, and for programs with an API key in the environment."""

from __future__ import annotations

from urllib.parse import urlsplit

from isthmus.records import Connection, Service

_DELUGE = """response = invokeurl
[
	url :"{url}"
	type :GET
	connection:"{link_name}"
];
info response;
"""

_PYTHON_FUNCTION = """def main():
    response = connection("{link_name}").get("{url}")
    info(response.text)
"""

_PYTHON = """import json
import os
import urllib.request

request = urllib.request.Request(
    "{public_url}/api/v1/connections/{link_name}/invoke",
    data=json.dumps({{"url": "{url}", "type": "GET"{user}}}).encode(),
    headers={{"Authorization": f"Bearer {{os.environ['ISTHMUS_KEY']}}", "Content-Type": "application/json"}},
)
with urllib.request.urlopen(request) as response:
    print(json.load(response)["body"])
"""

_CURL = """curl --fail-with-body "{public_url}/proxy/{link_name}{path}" \\
  -H "Authorization: Bearer $ISTHMUS_KEY"{user}
"""

_JAVASCRIPT = """const response = await fetch("{public_url}/proxy/{link_name}{path}", {{
  headers: {{ Authorization: `Bearer ${{process.env.ISTHMUS_KEY}}`{user} }},
}});
console.log(response.status, await response.text());
"""


def snippets(connection: Connection, service: Service, public_url: str) -> dict[str, str]:
    """A GET of the service's who-am-I URL, or of its base URL, by language.

    `deluge` and `python_function` are whole functions, `python`, `curl` and `javascript` programs of one's own.
    """
    url = (service.test.url if service.test and service.test.method == "GET" else "") or service.base_url or "/"
    path = _below(service.base_url, url)
    personal = connection.use_credentials_of_login_user
    link_name = connection.link_name
    return {
        "deluge": _DELUGE.format(url=url, link_name=link_name),
        "python_function": _PYTHON_FUNCTION.format(url=url, link_name=link_name),
        "python": _PYTHON.format(
            public_url=public_url, link_name=link_name, url=url, user=', "user": "USER"' if personal else ""
        ),
        "curl": _CURL.format(
            public_url=public_url,
            link_name=link_name,
            path=path,
            user=' \\\n  -H "Isthmus-User: USER"' if personal else "",
        ),
        "javascript": _JAVASCRIPT.format(
            public_url=public_url,
            link_name=link_name,
            path=path,
            user=', "Isthmus-User": "USER"' if personal else "",
        ),
    }


def _below(base_url: str, url: str) -> str:
    """The part of `url` below the base URL, for the proxy; `/` where it lies elsewhere."""
    base = base_url.rstrip("/")
    if base and url.startswith(base):
        return url[len(base) :] or "/"
    parts = urlsplit(url)
    return parts.path or "/" if not parts.netloc else "/"
