"""What an access token of ours costs to check and to give, by how many tokens are live."""

from __future__ import annotations

import random
import sqlite3
import statistics
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from tests.served import Served

from bench import load
from isthmus.app import Isthmus, build
from isthmus.authserver.keys import ACCESS_TOKEN, draw_key, secret_hash
from isthmus.settings import Settings

ROUNDS, SAMPLES = 6, 500
"""The figure is the median of the quietest round: what else the machine did for a moment is not in it."""
LIVE = 500
_POSTGRESQL = ("generate_series({first}, {last}) AS n", "encode(sha256(('t' || n)::bytea), 'hex')", "BEGIN")
_SQLITE = (
    "(WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s WHERE n < {last}) SELECT n FROM s)",
    "lower(hex(randomblob(32)))",
    "BEGIN IMMEDIATE",
)
"""Rows numbered from `first` to `last`, a hash that nobody knows, the beginning of a transaction."""

_CLIENT = {"name": "Bench", "client_type": "self", "scopes": ["connections.read"]}


async def measure(directory: Path, sizes: list[int], url: str = "") -> dict[int, tuple[float, float]]:
    """Live tokens -> p50 of a check that asks the database, and of one within the second it is remembered, in ms.

    Without the URL of a PostgreSQL database: SQLite in the directory.
    """
    settings = Settings.load({"ISTHMUS_DATA_DIR": str(directory), "ISTHMUS_DATABASE_URL": url})
    isthmus = await build(settings)
    try:
        client = await isthmus.clients.create(isthmus.protect.system_actor(), _CLIENT)
        found, before = {}, 0
        for size in sizes:
            tokens = _fill(url or directory / "isthmus.sqlite", str(client["client_id"]), before, size)
            found[size] = (await _measure(isthmus, tokens, cold=True), await _measure(isthmus, tokens, cold=False))
            before = size
        return found
    finally:
        await isthmus.stop()


def _fill(place: str | Path, client_id: str, before: int, size: int) -> list[str]:
    """Grants with a token each, until there are `size`; some of the new ones are known to us."""
    known = [draw_key(ACCESS_TOKEN) for _ in range(LIVE)]
    now = datetime.now(UTC).replace(tzinfo=None)
    ends = now + timedelta(hours=1)
    series, invented, begin = _SQLITE if isinstance(place, Path) else _POSTGRESQL
    numbers = series.format(first=before + 1, last=size)
    scopes = "'[\"connections.read\"]'"
    database = sqlite3.connect(place) if isinstance(place, Path) else psycopg.connect(place, autocommit=True)
    with closing(database):
        database.execute(begin)
        database.execute(
            "INSERT INTO grants (id, client_id, grant_type, scopes, user_id, description, created_at, expires_at) "
            f"SELECT 'g' || n, '{client_id}', 'client_credentials', {scopes}, '', '', '{now}', '{ends}' FROM {numbers}"
        )
        tokens = (
            "INSERT INTO tokens (token_hash, kind, grant_id, scopes, issued_at, expires_at, key_thumbprint, "
            f"successor_hash) SELECT {{}}, 'access', 'g' || n, {scopes}, '{now}', '{ends}', '', '' FROM {{}}"
        )
        database.execute(tokens.format(invented, series.format(first=before + 1, last=size - LIVE)))
        for token in known:
            place_among = random.randint(before + 1, size)
            one = series.format(first=place_among, last=place_among)
            database.execute(tokens.format(f"'{secret_hash(token)}'", one))
        database.execute("COMMIT")
        # What PostgreSQL would do beside the measurement after so many new rows.
        for word in ("ANALYZE",) if isinstance(place, Path) else ("VACUUM ANALYZE", "CHECKPOINT"):
            database.execute(word)
    return known


async def _measure(isthmus: Isthmus, tokens: list[str], *, cold: bool) -> float:
    rounds = []
    for _ in range(ROUNDS):
        taken = []
        for number in range(SAMPLES):
            token = tokens[number % len(tokens)] if cold else tokens[0]
            if cold:
                isthmus.protect.forget()
            began = time.perf_counter()
            await isthmus.protect.actor_for_key(token, "127.0.0.1")
            taken.append((time.perf_counter() - began) * 1000)
        rounds.append(statistics.median(taken))
    return min(rounds)


def requests_per_second(served: Served, seconds: float) -> load.Result:
    """How many client credentials tokens one worker gives."""
    made = served.ask("POST", "/api/v1/clients", _CLIENT).document
    body = f"grant_type=client_credentials&client_id={made['client_id']}&client_secret={made['client_secret']}"
    return load.run(
        f"{served.url}/oauth/v2/token",
        connections=8,
        seconds=seconds,
        headers=("Content-Type: application/x-www-form-urlencoded",),
        body=body,
    )
