"""nginx as the upstream that costs nothing, and as the reverse proxy to be measured against."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FRAME = """
daemon off; master_process off; worker_processes 1; pid {directory}/{name}.pid; error_log {directory}/{name}.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; client_max_body_size 0;
  client_body_temp_path {directory}/{name}-1; proxy_temp_path {directory}/{name}-2;
  fastcgi_temp_path {directory}/{name}-3; uwsgi_temp_path {directory}/{name}-4; scgi_temp_path {directory}/{name}-5;
  {content}
}}
"""
_UPSTREAM = """server {{ listen 127.0.0.1:{port}; location / {{
  default_type application/json; return 200 '{{"padding":"{padding}"}}'; }} }}"""
_PROXY = """upstream behind {{ server 127.0.0.1:{upstream}; keepalive 64; }}
server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://behind; proxy_http_version 1.1;
  proxy_set_header Connection ""; proxy_set_header Authorization "Bearer static"; }} }}"""


@contextmanager
def upstream(directory: Path, port: int) -> Iterator[str]:
    """An nginx that answers everything with 250 bytes of JSON; its address."""
    with _running(directory, "upstream", _UPSTREAM.format(port=port, padding="p" * 235), port) as url:
        yield url


@contextmanager
def proxy(directory: Path, port: int, behind: int) -> Iterator[str]:
    """An nginx reverse proxy that adds a static Authorization header; its address."""
    with _running(directory, "proxy", _PROXY.format(port=port, upstream=behind), port) as url:
        yield url


@contextmanager
def _running(directory: Path, name: str, content: str, port: int) -> Iterator[str]:
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    path = directory / f"{name}.conf"
    path.write_text(_FRAME.format(directory=directory, name=name, content=content))
    process = subprocess.Popen([program, "-c", str(path)], stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 10
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).read()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > ends:
                raise SystemExit("nginx did not start: apt-get install -y nginx") from None
            time.sleep(0.05)
