"""Bringing a database up to date: numbered migrations, then everything made from the plans."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from fleet import clock
from fleet.plan import Catalogue
from store import hypertables, machines, plans
from store.connection import Connection, StoreError, connect, our_errors
from store.queries import load

MIGRATIONS = Path(__file__).parent / "migrations"

_SQL = load("migration")
_FILE = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_LOCK = 0x49524F4E  # any number of our own: one migration at a time per database


class MigrationError(StoreError):
    """The database cannot be brought up to date."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file; `checksum` is of its bytes."""

    number: int
    name: str
    checksum: str
    text: str


def migrate(url: str, catalogue: Catalogue, directory: Path = MIGRATIONS) -> list[str]:
    """Apply what is missing and load the plans, all in one transaction; returns what was done.

    Raises MigrationError where an applied file changed or is missing, StoreError where a plan
    does not fit what is stored, StoreUnavailable where nothing answers.
    """
    known = read_migrations(directory)
    with connect(url) as connection, our_errors():
        # The extension's background workers want to see it, so it is committed by itself.
        connection.execute(_SQL["make_extension"])
        with connection.transaction():
            connection.execute(_SQL["lock"], {"key": _LOCK})
            done = _apply(connection, known)
            return done + _load_plans(connection, catalogue)


def read_migrations(directory: Path = MIGRATIONS) -> list[Migration]:
    """The migrations in `directory` by number. Raises MigrationError on a gap or a double."""
    found = []
    for path in sorted(directory.glob("*.sql")):
        match = _FILE.match(path.name)
        if match is None:
            raise MigrationError(f"{path} is no migration: call it like 0002_what_it_does.sql")
        content = path.read_bytes()
        checksum = hashlib.sha256(content).hexdigest()
        found.append(Migration(int(match[1]), match[2], checksum, content.decode()))
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise MigrationError(f"the migrations in {directory} do not count 1, 2, 3 ...: {numbers}")
    return found


def _apply(connection: Connection, known: list[Migration]) -> list[str]:
    connection.execute(_SQL["make_log"])
    applied = connection.execute(_SQL["applied"]).fetchall()
    if len(applied) > len(known):
        raise MigrationError(
            f"the database is at migration {len(applied)}, this version knows {len(known)}: "
            "use a newer Ironpulse"
        )
    for row, migration in zip(applied, known, strict=False):
        if row["checksum"] != migration.checksum:
            raise MigrationError(
                f"migration {migration.number:04}_{migration.name}.sql was changed after it was "
                "applied: put its text back and write what is new into a further file"
            )
    done = []
    for migration in known[len(applied) :]:
        connection.execute(migration.text)
        values = {
            "number": migration.number,
            "name": migration.name,
            "checksum": migration.checksum,
        }
        connection.execute(_SQL["remember"], values)
        done.append(f"Applied migration {migration.number:04} ({migration.name}).")
    return done


def _load_plans(connection: Connection, catalogue: Catalogue) -> list[str]:
    changed = plans.put_catalogue(connection, catalogue, clock.now_ms())
    done = [
        f"Loaded the plan of {product} (version {catalogue.plans[product].version})."
        for product in changed
    ]
    for plan in catalogue.plans.values():
        done += hypertables.bring_up_to_date(connection, plan)
    fitted = machines.fit_missing_parts(connection)
    if fitted:
        done.append(f"Registered {fitted} fitted parts that the plans newly name.")
    return done
