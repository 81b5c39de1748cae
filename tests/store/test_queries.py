"""Every named SQL block is used by the store, and the database understands it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ironpulse.stack import LocalStack
from store.connection import connect
from store.queries import load
from tests.conftest import copied_database

STORE = Path(__file__).parents[2] / "store"
BLOCKS = [
    (path.stem, name, sql)
    for path in sorted((STORE / "sql").glob("*.sql"))
    for name, sql in load(path.stem).items()
]
CODE = {path.name: path.read_text(encoding="utf-8") for path in STORE.glob("*.py")}
#: What cannot be prepared; the tests of migrations and samples run it.
UTILITY = re.compile(r"^\s*(create|alter|drop|call|copy|reindex)\b", re.IGNORECASE)
#: What blocks with names of tables and columns are filled with.
FILLED = {
    "table": "telemetry_pump",
    "columns": "machine_id, measured_at, batch_id, fuel_pct",
    "signals": "array_agg(coalesce(fuel_pct::real, 'NaN'))",
    "merged": "fuel_pct = coalesce(excluded.fuel_pct, old.fuel_pct)",
    "differs": "excluded.fuel_pct is distinct from old.fuel_pct",
    "aggregates": "avg(fuel_pct) as fuel_pct_avg",
}
PARAMETER = re.compile(r"%\((\w+)\)s")


@pytest.fixture(scope="module")
def prepared_store(stack: LocalStack, small_template: str) -> Iterator[str]:
    """One database for all blocks, as preparing changes nothing."""
    yield from copied_database(stack, small_template)


@pytest.mark.parametrize("path", sorted((STORE / "sql").glob("*.sql")), ids=lambda path: path.stem)
def test_no_block_hides_another_of_its_name(path: Path) -> None:
    written = path.read_text(encoding="utf-8").count("-- name: ")
    assert written == len(load(path.stem)), "two blocks have one name; the last one counts"


@pytest.mark.parametrize(("noun", "name"), [(noun, name) for noun, name, _ in BLOCKS])
def test_a_block_is_used(noun: str, name: str) -> None:
    users = [text for text in CODE.values() if f'load("{noun}")' in text]
    assert users, f"no module of the store loads {noun}.sql"
    assert any(f'"{name}"' in text for text in users), f"nobody uses {noun}.{name}"


@pytest.mark.parametrize(
    ("noun", "name", "sql"),
    [block for block in BLOCKS if not UTILITY.match(block[2])],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_a_block_prepares(noun: str, name: str, sql: str, prepared_store: str) -> None:
    for field, words in FILLED.items():
        sql = sql.replace("{" + field + "}", words)
    parameters = list(dict.fromkeys(PARAMETER.findall(sql)))
    for number, parameter in enumerate(parameters, 1):
        sql = sql.replace(f"%({parameter})s", f"${number}")
    with connect(prepared_store) as connection:
        if "staging" in sql:
            connection.execute("create temporary table staging as table telemetry_pump")
        try:
            connection.execute(f"prepare probe as {sql.replace('%%', '%')}".encode())
        except psycopg.errors.IndeterminateDatatype as error:
            pytest.fail(f"{noun}.{name} leaves a type open, say it with ::type ({error})")
