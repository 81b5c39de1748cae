"""Use followed through the real store: in order, late, across a fitting, and after a crash."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fleet.clock import MS_PER_DAY, MS_PER_HOUR, to_datetime
from predict import tracking
from store import wear
from store.connection import Connection, connect
from tests.predict.plans import catalogue
from tests.predict.stored import START, days_of_work, working, write

CATALOGUE = catalogue()


@pytest.fixture
def connection(pump_store: str) -> Iterator[Connection]:
    with connect(pump_store) as opened:
        yield opened


def follow(connection: Connection) -> set[int]:
    changed: set[int] = set()
    while True:
        with connection.transaction():
            found = tracking.follow_once(connection, CATALOGUE)
        if found is None:
            return changed
        changed |= found


def used(connection: Connection, machine: int, part: str = "piston") -> list[float]:
    """Use of all pieces of a part, in the order they were fitted."""
    rows = connection.execute(
        "select part_usage.used from part_usage join fitted_part on id = fitted_part_id"
        " where machine_id = %s and part = %s order by fitted_at, position",
        (machine, part),
    ).fetchall()
    return [row["used"] for row in rows]


def test_use_follows_the_log(connection: Connection) -> None:
    write(connection, working(1, 0, 1))
    assert follow(connection) == {1}
    write(connection, working(1, 1, 2) + working(2, 0, 0.5))
    assert follow(connection) == {1, 2}
    assert used(connection, 1) == pytest.approx([119 / 6, 119 / 6])
    assert used(connection, 1, "filter") == pytest.approx([119 / 60])
    assert used(connection, 2) == pytest.approx([29 / 6, 29 / 6])
    assert follow(connection) == set()


def test_use_before_the_first_reading_is_added(connection: Connection) -> None:
    fitting = wear.Fitting(1, "piston", "left", to_datetime(START - 9 * MS_PER_DAY), 5000.0)
    assert wear.record_fitted(connection, [fitting]) == 1
    write(connection, working(1, 0, 1))
    follow(connection)
    assert sorted(used(connection, 1)) == pytest.approx([59 / 6, 5000 + 59 / 6])


@pytest.mark.parametrize("days", [1, tracking.AGAIN_DAYS])
def test_late_samples_in_any_order_lead_to_the_same_use(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """However many days are folded anew at once."""
    monkeypatch.setattr(tracking, "AGAIN_DAYS", days)
    rows = days_of_work(1, 3)
    # Wear at double pressure on the second day only: the order matters to whoever cuts corners.
    rows = [(m, h, 300.0 if 24 <= h < 48 else p, s, v, o) for m, h, p, s, v, o in rows]
    whole = [(2, *row[1:]) for row in rows]
    third = len(rows) // 3
    for chosen in (rows[2 * third :], rows[third : 2 * third], rows[:third]):
        write(connection, chosen)
        follow(connection)
    write(connection, whole)
    follow(connection)
    for part in ("piston", "valve", "filter"):
        assert used(connection, 1, part) == pytest.approx(used(connection, 2, part))
    assert used(connection, 2)[0] == pytest.approx(4 * 100.0)
    kept = {
        m: s["state"]
        for m in (1, 2)
        for s in connection.execute(
            "select state from usage_checkpoint where machine_id = %s order by day desc", (m,)
        )
    }
    assert kept[1]["totals"] == pytest.approx(kept[2]["totals"])


def refit(connection: Connection, at_h: float) -> None:
    moment = to_datetime(START + round(at_h * MS_PER_HOUR))
    connection.execute(
        "update fitted_part set removed_at = %s, removed_reason = 'worn'"
        " where machine_id = 1 and part = 'piston' and position = 'left'",
        (moment,),
    )
    connection.execute(
        "insert into fitted_part (machine_id, part, position, fitted_at)"
        " values (1, 'piston', 'left', %s)",
        (moment,),
    )


@pytest.mark.parametrize("known", [0.0, 1.0, 2.0])
def test_a_new_part_counts_from_its_fitting(connection: Connection, known: float) -> None:
    """Fitted after one hour, told when so many hours had been folded in already."""
    if known:
        write(connection, working(1, 0, known))
        follow(connection)
    refit(connection, 1.0)
    follow(connection)
    write(connection, working(1, known, 3))
    follow(connection)
    left_old, right, left_new = used(connection, 1)
    assert right == pytest.approx(179 / 6)
    assert left_new == pytest.approx(120 / 6)
    assert left_old == pytest.approx(59 / 6)


def test_a_crash_before_the_commit_changes_nothing(connection: Connection) -> None:
    write(connection, working(1, 0, 1))
    with pytest.raises(KeyboardInterrupt), connection.transaction():
        tracking.follow_once(connection, CATALOGUE)
        raise KeyboardInterrupt
    assert used(connection, 1) == []
    follow(connection)
    assert used(connection, 1) == pytest.approx([59 / 6, 59 / 6])


def test_a_portion_is_bounded(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "MOST_SAMPLES", 60)
    for hour in range(3):
        write(connection, working(1, hour, hour + 1))
    with connection.transaction():
        assert tracking.follow_once(connection, CATALOGUE) == {1}
    assert used(connection, 1)[0] == pytest.approx(59 / 6)
    follow(connection)
    assert used(connection, 1)[0] == pytest.approx(179 / 6)


def test_where_samples_are_gone_a_new_part_begins_now(connection: Connection) -> None:
    write(connection, working(1, 0, 2))
    follow(connection)
    connection.execute("delete from telemetry_pump")
    refit(connection, 1.0)
    assert follow(connection) == {1}
    assert used(connection, 1)[-1] == 0.0
