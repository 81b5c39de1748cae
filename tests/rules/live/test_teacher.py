"""A fleet teaches its detectors, and they judge by it: from stored samples to tickets."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import numpy as np
import pytest
from structlog.testing import capture_logs

from fleet import clock
from fleet.clock import MS_PER_DAY
from rules.backtest.course import Alarm, alarms_of, begin, go_on
from rules.backtest.stored import read_stored
from rules.compiled import compile_plan
from rules.detectors.teaching import learning_days
from rules.live import teacher
from rules.live.known_before import REPAIR_COUNTS_AFTER_MS, identities_of, taught_in
from rules.live.worker import Worker
from store.migrate import migrate
from tests import small
from tests.rules.conftest import Bench, Row
from tests.rules.plans import plan, rule

RunAll = Callable[[Worker], None]
DAYS, HOURS, STEP_S = 14, 6, 300
UNLIKE = rule(
    "unlike", severity=2, regimes=["working"],
    normal={"signals": ["oil_temp_c", "fuel_pct"], "inputs": ["eng_speed_rpm"], "every_s": 900},
)  # fmt: skip
SENSOR = rule("sensor", severity=2, sensors=True)
OVERHEATING = {
    "id": "P-F01", "name": small.NAME, "category": "hydraulic", "severity": 3, "component": "body",
    "symptoms": small.NAME, "causes": small.NAME, "remedy": small.NAME, "skill": "T1",
    "minutes": 60, "signature": [{"signal": "oil_temp_c", "direction": "up"}], "detectable": True,
}  # fmt: skip
PLAN = plan(rules=[UNLIKE, SENSOR], failure_modes=[OVERHEATING], version="learned")
COMPILED = compile_plan(PLAN)


def days(machine: int, first_ms: int, hotter: dict[int, float]) -> list[Row]:
    """A machine's days at work: oil by speed, a level of its own; `hotter` by day, in °C."""
    rng = random.Random(machine)
    rows = []
    for day in range(DAYS):
        for step in range(HOURS * 3600 // STEP_S):
            at = first_ms + day * MS_PER_DAY + step * STEP_S * 1000
            speed = 1400.0 + 300.0 * rng.random()
            oil = 20.0 + speed / 40.0 + 2.0 * machine + rng.gauss(0, 0.5) + hotter.get(day, 0.0)
            fuel = 50.0 + rng.gauss(0, 1.0)
            rows.append(
                (machine, at, {"eng_speed_rpm": speed, "oil_temp_c": oil, "fuel_pct": fuel})
            )
    return rows


@pytest.fixture
def begun() -> int:
    """The first sample of the fleet: the last one is a moment ago."""
    return clock.now_ms() - DAYS * MS_PER_DAY + (24 - HOURS) * 3_600_000


@pytest.fixture
def learned(bench: Bench, begun: int) -> Bench:
    """Three machines that worked for ten days, of which the fleet has taught."""
    migrate(bench.database.url, small.catalogue(PLAN))
    until = begun + 10 * MS_PER_DAY
    for machine in (1, 2, 3):
        bench.bring([row for row in days(machine, begun, {}) if row[1] < until])
    assert teacher.teach(bench.connection, PLAN, until - 1) == 0
    assert teacher.teach(bench.connection, PLAN, until + 1) > 0
    assert teacher.teach(bench.connection, PLAN, until + MS_PER_DAY) == 0
    return bench


def ill(begun: int) -> list[Row]:
    """The first machine's last days, from the twelfth on 5 °C hotter than it used to be."""
    hotter = dict.fromkeys(range(12, DAYS), 5.0)
    return [row for row in days(1, begun, hotter) if row[1] >= begun + 10 * MS_PER_DAY]


def test_what_a_machine_never_did_before_becomes_a_ticket_that_explains_itself(
    learned: Bench, begun: int, run_all: RunAll
) -> None:
    worker = learned.worker()
    learned.bring(ill(begun))
    run_all(worker)
    (alarm,) = learned.rows("select * from alarm")
    assert (alarm["machine_id"], alarm["rule"]) == (1, "unlike")
    first = begun + 12 * MS_PER_DAY
    assert first < clock.to_ms(alarm["raised_at"]) < first + 6 * 3_600_000
    oil = alarm["evidence"]["signals"]["oil_temp_c"]
    # Smoothed over some stretches, so not all of the 5 °C are seen yet.
    assert 1.0 < oil["value"] - oil["expected"] < 5.2
    assert "expected" in alarm["evidence"]["reason"]["en"]
    # It was raised days ago, so nobody is called before it is known that it still stands.
    assert learned.rows("select * from finding") == []
    worker.tick(clock.now_ms() + 61_000)
    (finding,) = learned.rows("select * from finding")
    assert finding["evidence"]["learned"]["fleet_machines"] == 3
    (item,) = learned.rows("select * from ticket_item")
    assert item["failure_modes"] == ["P-F01"]


def test_another_worker_another_cut_and_late_rows_make_the_same_alarm(
    learned: Bench, begun: int, run_all: RunAll
) -> None:
    rows = ill(begun)
    for part in np.array_split(np.arange(0, len(rows), 2), 7):
        learned.bring([rows[at] for at in part])
        run_all(learned.worker())
    learned.bring(rows[1::2])
    run_all(learned.worker())
    (live,) = learned.alarms("machine_id", "rule", "component", "raised_at")
    again = replayed(learned)
    assert [(1, one.rule, one.component, one.raised_at) for one in again] == [
        (*live[:3], clock.to_ms(live[3]))
    ]


def replayed(bench: Bench) -> list[Alarm]:
    who = identities_of(bench.connection, PLAN, [1])
    chunk = read_stored(bench.connection, PLAN, [1], 0, clock.now_ms() + MS_PER_DAY, first=True)
    taught = taught_in(bench.connection, PLAN.product)
    course = go_on(COMPILED, who, begin(COMPILED, [1]), chunk.batch, chunk.reports, taught)
    return alarms_of(course.changes)


def test_after_a_repair_the_machine_is_learned_anew(
    learned: Bench, begun: int, run_all: RunAll
) -> None:
    learned.bring(ill(begun))
    worker = learned.worker()
    run_all(worker)
    worker.tick(clock.now_ms() + 61_000)
    repaired = begun + 13 * MS_PER_DAY - 3_600_000
    with learned.connection.transaction():
        learned.connection.execute(
            "update ticket set status = 'done', finding_code = 'confirmed', done_at = %s",
            [clock.to_datetime(repaired)],
        )
    counts_from = repaired + REPAIR_COUNTS_AFTER_MS
    assert identities_of(learned.connection, PLAN, [1])[1].repairs == (("body", counts_from),)
    (alarm,) = replayed(learned)
    assert alarm.cleared_at is not None
    assert alarm.cleared_at > repaired


def test_lessons_are_due_on_their_days() -> None:
    day = MS_PER_DAY
    assert learning_days(95) == [10, 30, 60, 90]
    assert teacher.due_at(None, None, 50 * day) is None
    assert teacher.due_at(0, None, 9 * day) is None
    assert teacher.due_at(0, None, 10 * day) == 10 * day
    assert teacher.due_at(0, 10 * day, 29 * day) is None
    assert teacher.due_at(0, 10 * day, 61 * day) == 60 * day


def test_a_lesson_counts_from_a_moment_that_is_still_to_come() -> None:
    due, hour = 10 * MS_PER_DAY, 3_600_000
    assert (
        teacher.counts_from(due, due) == teacher.counts_from(due, due + 7 * hour) == due + 8 * hour
    )
    assert teacher.counts_from(due, due + 7 * hour + 1) == due + 16 * hour
    for late in range(0, 100 * hour, hour // 2):
        assert teacher.counts_from(due, due + late) >= due + late + hour


def test_what_cannot_be_written_for_one_product_is_said_and_keeps_no_other_from_learning(
    bench: Bench, begun: int
) -> None:
    other = PLAN.model_copy(update={"product": "crane", "code": "C"})
    migrate(bench.database.url, small.catalogue(other, PLAN))
    bench.bring(days(1, begun, {}))
    bench.connection.execute(
        "create function refuse() returns trigger language plpgsql as $$"
        " begin raise exception 'no lessons for %', new.product; end $$;"
        " create trigger refuse before insert on detector_normal for each row"
        " execute function refuse()"
    )
    stop = threading.Event()
    with capture_logs() as said:
        teacher.look(bench.database, clock.now_ms(), stop)
    assert any("no lessons for pump" in str(entry) and entry["product"] == "pump" for entry in said)
    bench.connection.execute("drop trigger refuse on detector_normal")
    teacher.look(bench.database, clock.now_ms(), stop)
    assert {row["product"] for row in bench.rows("select product from detector_normal")} == {"pump"}
    bench.connection.execute("drop table detector_normal")
    with capture_logs() as said:
        teacher.look(bench.database, clock.now_ms(), stop)
    assert any("ironpulse migrate" in str(entry) for entry in said)
