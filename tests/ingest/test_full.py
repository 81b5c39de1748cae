"""The database has no room or no right: nothing is acknowledged, nothing lost, and it is said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from fleet import clock
from ingest import payload
from ingest.topics import telemetry_topic
from store.connection import connect
from tests.conftest import BrokerAccess
from tests.ingest.running import anyone, eventually, ledger, rows, running

# What PostgreSQL itself raises when it cannot extend a file.
NO_ROOM = """
create function no_room() returns trigger language plpgsql as $$ begin
    raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
end $$;
create trigger no_room before insert on telemetry_pump for each row execute function no_room()
"""
ROLE = """
create role {0} login password 'word';
grant select, insert, update, delete on all tables in schema public to {0};
grant usage on all sequences in schema public to {0};
alter table telemetry_pump owner to {0}
"""
FAULTS = {
    "no room": (NO_ROOM, "drop trigger no_room on telemetry_pump", "make room"),
    "no right": (
        "revoke insert on telemetry_pump from {0}",
        "grant insert on telemetry_pump to {0}",
        "grant its user the right",
    ),
    "read only": (
        "alter role {0} set default_transaction_read_only = on;"
        " select pg_terminate_backend(pid) from pg_stat_activity where usename = '{0}'",
        "alter role {0} reset default_transaction_read_only;"
        " select pg_terminate_backend(pid) from pg_stat_activity where usename = '{0}'",
        "name the primary server",
    ),
    "no table": (
        "alter table telemetry_pump rename to elsewhere",
        "alter table elsewhere rename to telemetry_pump",
        "run `ironpulse migrate`",
    ),
}


@pytest.fixture
def role(small_store: str) -> Iterator[str]:
    """A user of the database with the rights the ingest needs, and no more."""
    name = f"writer_{small_store.rsplit('_', 1)[1]}"
    _do(small_store, ROLE, name)
    yield name
    _do(
        small_store, "reassign owned by {0} to current_user; drop owned by {0}; drop role {0}", name
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_the_ingest_holds_says_so_once_and_goes_on(
    small_store: str, broker: BrokerAccess, role: str, fault: str
) -> None:
    begin, end, remedy = FAULTS[fault]
    now = clock.now_ms()
    url = small_store.replace("//ironpulse:", f"//{role}:").replace(_password(small_store), "word")
    topic, samples = telemetry_topic("P-1"), [(now - n, {"fuel_pct": 1.0}) for n in range(60)]
    with capture_logs() as said, running(url, broker), anyone(broker) as device:
        device.publish(topic, *(payload.encode_sample(*each) for each in samples[:20]))
        eventually(lambda: len(rows(small_store, "select 1 from telemetry_pump")), 20)
        with _broken(small_store, role, begin, end):
            device.publish(topic, *(payload.encode_sample(*each) for each in samples[20:]))
            eventually(lambda: len([each for each in said if remedy in str(each)]), 1)
            assert rows(small_store, "select 1 from rejected_message") == []
        eventually(lambda: len(rows(small_store, "select 1 from telemetry_pump")), 60)
        eventually(lambda: ledger(small_store)["P-1"]["messages"], 60)
    assert ledger(small_store) == {"P-1": {"messages": 60, "received": 60, "stored": 60}}
    (told,) = [each for each in said if remedy in str(each)]
    assert told["log_level"] == "error" and told["database"].endswith(small_store.rsplit("/")[-1])
    assert any(each["event"] == "The database takes data again." for each in said)


@contextmanager
def _broken(database_url: str, role: str, begin: str, end: str) -> Iterator[None]:
    _do(database_url, begin, role)
    try:
        yield
    finally:
        _do(database_url, end, role)


def _do(database_url: str, statements: str, role: str) -> None:
    with connect(database_url) as connection:
        connection.execute(statements.replace("{0}", role))


def _password(url: str) -> str:
    return url.split("//")[1].split("@")[0].split(":")[1]
