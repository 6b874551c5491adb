"""How long it takes to find a connection with its service and authorization, by how many connections there are."""

from __future__ import annotations

import random
import statistics
import time
from pathlib import Path

import psycopg

from isthmus.app import Isthmus, build
from isthmus.broker.credentials import seal_credential
from isthmus.records import Actor, ApiKeyCredential
from isthmus.settings import Settings

SAMPLES = 1500
_ADMIN = Actor("system", "system", "bench", "administrator")
_SERVICE = {
    "link_name": "bench",
    "name": "Bench",
    "auth_type": "api_key",
    "parameters": [{"key": "X-Key"}],
    "base_url": "https://api.example.com",
}


async def measure(url: str, directory: Path, sizes: list[int]) -> dict[int, tuple[float, float]]:
    """Connections -> p50 and p99 of a cold look-up, in milliseconds. The same database grows from size to size."""
    settings = Settings.load({"ISTHMUS_DATA_DIR": str(directory / "lookup"), "ISTHMUS_DATABASE_URL": url})
    isthmus = await build(settings)
    try:
        await isthmus.directory.create_service(_ADMIN, _SERVICE)
        await isthmus.directory.create_connection(_ADMIN, {"link_name": "first", "name": "First", "service": "bench"})
        found = {}
        for size in sizes:
            _fill(url, size)
            found[size] = await _measure(isthmus, url, size)
        return found
    finally:
        await isthmus.stop()


def _fill(url: str, size: int) -> None:
    """Connections `c1` to `c<size>`, each with an authorization, copied from a row that the product made."""
    with psycopg.connect(url, autocommit=True) as database:
        names = [
            row[0]
            for row in database.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = 'connections' "
                "AND table_schema = current_schema() ORDER BY ordinal_position"
            )
        ]
        others = [name for name in names if name not in ("id", "link_name")]
        columns = ", ".join(f'"{name}"' for name in others)
        database.execute(
            f"INSERT INTO connections (id, link_name, {columns}) "
            f"SELECT 'id' || n, 'c' || n, {columns} FROM connections, generate_series("
            "(SELECT count(*) FROM connections), %s) AS n WHERE link_name = 'first' ON CONFLICT DO NOTHING",
            (size,),
        )
        database.execute(
            "INSERT INTO authorizations (id, connection_id, resource_owner, credential_sealed, version, refreshable, "
            "state, epoch, failures, variables, connected_as) SELECT 'a' || id, id, '', ''::bytea, 1, false, 'ok', 0, 0, "
            "'{}', '' FROM connections WHERE link_name <> 'first' ON CONFLICT DO NOTHING"
        )
        database.execute("ANALYZE")


async def _measure(isthmus: Isthmus, url: str, size: int) -> tuple[float, float]:
    dice = random.Random(size)
    chosen = [dice.randint(1, size) for _ in range(SAMPLES)]
    _seal(isthmus, url, chosen)
    lookup = isthmus.invoker.lookup
    times = []
    for number, position in enumerate(chosen):
        lookup.forget_all()
        started = time.perf_counter()
        entry = await lookup.find(f"c{position}", "")
        lookup.open(entry)
        if number >= 200:  # the first ones fill caches
            times.append((time.perf_counter() - started) * 1000)
    cuts = statistics.quantiles(times, n=100)
    return statistics.median(times), cuts[98]


def _seal(isthmus: Isthmus, url: str, chosen: list[int]) -> None:
    vault = isthmus.invoker.lookup._vault
    credential = ApiKeyCredential({"X-Key": "k"})
    with psycopg.connect(url, autocommit=True) as database, database.cursor() as cursor:
        cursor.executemany(
            "UPDATE authorizations SET credential_sealed = %s WHERE id = %s",
            [(seal_credential(vault, f"aid{position}", credential), f"aid{position}") for position in set(chosen)],
        )
