"""`isthmus demo`: try everything with a third party in the box."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvloop

from isthmus import practice as third_party
from isthmus.app import build
from isthmus.cli.listener import check_port, end_with_parent
from isthmus.cli.outcome import say, told
from isthmus.cli.server import serve_here
from isthmus.errors import InputError
from isthmus.settings import PREFIX, Settings

START_SECONDS = 20.0
STOP_SECONDS = 10.0
ENVIRONMENT = "environment"
"""The file in the demo's directory that another terminal reads; also the sign that the directory is a demo's."""

EXAMPLE = "standalone.order"
"""The demo's function: made and published, it runs once `demo_basic` is connected."""
_EXAMPLE_CODE = """map standalone.order(string email, string item)
{
	response = invokeurl
	[
		url :"/items"
		type :POST
		parameters:{"email":email,"item":item}
		connection:"demo_basic"
	];
	info "item " + response.get("id") + " is made";
	return response;
}
"""

PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="The port of Isthmus.")]


@told
def demo(
    port: PortOption = 8400,
    practice_port: Annotated[int, typer.Option("--practice-port", min=1, max=65535, help="Of the third party.")] = 8401,
    data_dir: Annotated[
        Path, typer.Option("--data-dir", help="Where the demo keeps its data; an earlier demo there is removed.")
    ] = Path("isthmus-demo"),
) -> None:
    """Serve on fresh data beside the practice third party, with one connection of each type and more to connect."""
    signal.signal(signal.SIGTERM, _interrupt)
    check_port("127.0.0.1", port)
    check_port("127.0.0.1", practice_port, "--practice-port")
    _clear(data_dir)
    environ = _environ(port, data_dir)
    chosen = Settings.load(environ)
    with _third_party(practice_port):
        url = f"http://127.0.0.1:{practice_port}"
        key = asyncio.run(_prepare(chosen, url))
        _write_environment(data_dir, environ, key)
        _explain(chosen.public_url, url, data_dir / ENVIRONMENT)
        uvloop.run(serve_here(chosen, "127.0.0.1", port))


def _interrupt(number: int, frame: object) -> NoReturn:
    """As Ctrl-C, so that the third party is ended too."""
    raise KeyboardInterrupt


def _environ(port: int, data_dir: Path) -> dict[str, str]:
    """The demo's settings: nothing of an installation's own reaches it."""
    return {
        PREFIX + "DATA_DIR": str(data_dir.absolute()),
        PREFIX + "PUBLIC_URL": f"http://127.0.0.1:{port}",
        PREFIX + "EGRESS_ALLOW": "127.0.0.0/8",
        PREFIX + "LOG_LEVEL": "warning",
    }


def _clear(data_dir: Path) -> None:
    """An empty directory. Raises InputError for one that holds something else than an earlier demo."""
    if data_dir.is_dir() and any(data_dir.iterdir()):
        if not (data_dir / ENVIRONMENT).is_file():
            hint = "Name an empty or new directory with --data-dir."
            raise InputError(f"{data_dir} holds something that is not a demo.", field="--data-dir", hint=hint)
        shutil.rmtree(data_dir)
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise InputError(
            f"{data_dir} cannot be made: {problem.strerror}.", field="--data-dir", hint="Choose another place."
        ) from problem
    (data_dir / ENVIRONMENT).touch(mode=0o600)


async def _prepare(chosen: Settings, url: str) -> str:
    """Services and connections for everything the third party offers, a function, and an API key."""
    isthmus = await build(chosen)
    try:
        actor = isthmus.protect.system_actor()
        for document in third_party.definitions(url):
            link_name = connection_name(document)
            await isthmus.directory.create_service(actor, document)
            await isthmus.directory.create_connection(
                actor, {"link_name": link_name, "name": document["name"], "service": document["link_name"]}
            )
        example = {"name": EXAMPLE, "language": "deluge", "code": _EXAMPLE_CODE, "description": "Orders an item"}
        await isthmus.functions.edit.create(actor, example)
        await isthmus.functions.edit.publish(actor, EXAMPLE)
        made = await isthmus.accounts.create_api_key(actor, {"name": "demo", "role": "administrator"})
        return str(made["key"])
    finally:
        await isthmus.stop()


def connection_name(document: Mapping[str, Any]) -> str:
    """The demo's connection to a service of the third party."""
    return "demo_" + str(document["link_name"]).removeprefix("practice_")


@contextmanager
def _third_party(port: int) -> Iterator[None]:
    words = [sys.executable, "-m", "isthmus", "practice", "--port", str(port)]
    # A session of its own: Ctrl-C is for us, and we end it by its id, or the kernel does where we are killed.
    with subprocess.Popen(
        words,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=end_with_parent,
    ) as process:
        try:
            _wait_for(process, port)
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(process: subprocess.Popen[str], port: int) -> None:
    ends = time.monotonic() + START_SECONDS
    while not _is_up(port):
        if process.poll() is not None or time.monotonic() > ends:
            told_by_it = process.stderr.read() if process.stderr and process.poll() is not None else ""
            raise InputError(
                f"The practice third party did not start. {told_by_it}".strip(),
                field="--practice-port",
                hint="Choose another port with --practice-port.",
            )
        time.sleep(0.05)


def _is_up(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _write_environment(data_dir: Path, environ: Mapping[str, str], key: str) -> None:
    """What another terminal needs; readable by its owner only, for it holds the key."""
    here = Path(sys.executable).parent
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environ.items()]
    lines.append(f"export {PREFIX}KEY={key}")
    lines.append(f'export PATH={shlex.quote(str(here))}:"$PATH"')
    (data_dir / ENVIRONMENT).write_text("\n".join(lines) + "\n", encoding="utf-8")


def connect_words() -> Iterator[str]:
    """The commands that connect one connection of each authentication type."""
    values = third_party.sample_values()
    basic = values["practice_basic"]
    yield (
        f"echo {shlex.quote(basic['password'])} | "
        f"isthmus connect demo_basic --username {shlex.quote(basic['username'])} --password-stdin"
    )
    parameters = values["practice_api_key"]["parameters"]
    given = " ".join(f"--parameter {shlex.quote(f'{name}={value}')}" for name, value in parameters.items())
    yield f"isthmus connect demo_api_key {given}"
    yield "isthmus connect demo_oauth1"
    yield "isthmus connect demo_oauth2"


def _explain(public_url: str, url: str, environment: Path) -> None:
    connect = "\n  ".join(connect_words())
    say(
        f"""
The demo is up. Isthmus: {public_url}   The practice third party: {url}

In another terminal:

  . {shlex.quote(str(environment))}
  export BROWSER='isthmus visit %s'     # only where there is no browser: it presses Proceed and Allow for you

  {connect}

  isthmus invoke demo_basic GET /me
  isthmus invoke demo_api_key GET /me
  isthmus invoke demo_oauth1 GET /me
  isthmus invoke demo_oauth2 GET /me
  curl -H "Authorization: Bearer $ISTHMUS_KEY" {public_url}/proxy/demo_oauth2/me

  isthmus functions run {EXAMPLE} --arguments '{{"email": "ann@example.com", "item": "Chair"}}'

Ctrl-C ends both.
"""
    )
