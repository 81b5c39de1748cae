"""A status that comes again changes nothing, also where it has no time of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.batch import Delivery, StatusReport
from ingest.decode import Decoded
from ingest.record import record
from store.connection import Connection, connect
from tests.store.samples import START

_STATES = st.sampled_from(["online", "offline"])
_Story = list[tuple[StatusReport, list[int]]]


@pytest.fixture
def connection(small_store: str) -> Iterator[Connection]:
    with connect(small_store) as opened:
        yield opened


@st.composite
def stories(draw: st.DrawFn) -> _Story:
    """Reports in the order they were sent, and after each which of those so far come again."""
    told: _Story = []
    for number in range(draw(st.integers(1, 6))):
        received_at = START + 1000 * number
        has_time = draw(st.booleans())
        report = StatusReport(
            draw(st.integers(1, 2)),
            received_at - 300 if has_time else received_at,
            received_at,
            draw(_STATES),
            None if has_time else Delivery(f"session/{number}", again=False, retained=False),
        )
        told.append((report, draw(st.lists(st.integers(0, number), max_size=3))))
    return told


def come_again(report: StatusReport, received_at: int) -> StatusReport:
    if report.delivery is None:
        return replace(report, received_at=received_at)
    delivery = replace(report.delivery, again=True)
    return replace(report, measured_at=received_at, received_at=received_at, delivery=delivery)


def take(connection: Connection, reports: Sequence[StatusReport]) -> None:
    heard = {report.machine_id: (1, report.received_at) for report in reports}
    record(connection, Decoded(statuses={"pump": list(reports)}, heard=heard), {})


def known(connection: Connection) -> list[object]:
    """The reports, and what the ledger says of the machines' states."""
    reports = connection.execute(
        "select machine_id, measured_at, state from status_report order by 1, 2"
    ).fetchall()
    states = connection.execute(
        "select machine_id, status, status_at, stored, merged from machine_ledger order by 1"
    ).fetchall()
    return [reports, states]


@given(stories(), st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_redelivered_statuses_change_nothing(
    connection: Connection, told: _Story, at_once: bool
) -> None:
    sent = [report for report, _ in told]
    with connection.transaction(force_rollback=True):
        for report in sent:
            take(connection, [report])
        expected = known(connection)
    with connection.transaction(force_rollback=True):
        repeated = 0
        for number, (report, numbers) in enumerate(told):
            later = START + 1000 * number + 500
            again = [come_again(sent[each], later + place) for place, each in enumerate(numbers)]
            repeated += len(again)
            for batch in [[report, *again]] if at_once else [[each] for each in (report, *again)]:
                take(connection, batch)
        assert known(connection) == expected
        row = connection.execute("select sum(repeated)::int as n from machine_ledger").fetchone()
        assert row == {"n": repeated}


def test_what_the_broker_kept_is_news_only_where_it_says_something_else(
    connection: Connection,
) -> None:
    def kept(number: int, state: str) -> StatusReport:
        at = START + 1000 * number
        return StatusReport(1, at, at, state, Delivery(f"session/{number}", False, True))

    will = replace(kept(1, "offline"), delivery=Delivery("session/1", False, False))
    take(connection, [will])
    before = known(connection)
    take(connection, [kept(2, "offline")])  # of a new subscription
    assert known(connection) == before
    take(connection, [kept(3, "online")])
    (row,) = connection.execute("select status from machine_ledger").fetchall()
    assert row["status"] == "online"


def test_a_number_given_to_another_message_is_no_repetition(connection: Connection) -> None:
    def told(number: int, state: str, *, again: bool) -> StatusReport:
        at = START + 1000 * number
        return StatusReport(1, at, at, state, Delivery("session/7", again, False))

    take(connection, [told(1, "offline", again=False)])
    take(connection, [told(2, "offline", again=False)])  # not marked as sent before
    take(connection, [told(3, "online", again=True)])  # says something else
    (row,) = connection.execute("select count(*)::int as n from status_report").fetchall()
    assert row["n"] == 3
