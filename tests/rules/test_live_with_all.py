"""Live and backtest on the same data with all that the rules have at once: the same alarms, one by
one. Locks, flapping, own baselines, peers, learned detectors and sensors, trouble codes, overrides,
late data, restarts, a repair, maintenance; lessons and days that are written hours later."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from fleet import clock
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from fleet.rule import AlarmHandling
from rules.alarms.recurrence import joins, recurrence_of
from rules.live import teacher
from rules.live.peer_days import count_days
from rules.live.worker import Worker
from store import machines, suppressions
from store.alarms import Span
from store.migrate import migrate
from tests import small
from tests.rules.backtest.test_backtest_live import Found, live, replayed
from tests.rules.conftest import Bench, Row
from tests.rules.live.test_teacher import OVERHEATING, SENSOR, UNLIKE
from tests.rules.plans import RULES, plan, rule

RunAll = Callable[[Worker], None]
DAYS, HOURS, STEP_S, MACHINES = 14, 6, 300, 6
MINUTE = 60_000
OTHERS = {"severity": 2, "hold_s": 0, "clear_hold_s": 0, "params": {}}
ALL = [
    rule("hot", **{**OTHERS, "params": {"limit": 85}}),
    rule("blinks", regimes="any", when="filter_sw == 1", clear="filter_sw == 0", **OTHERS),
    rule("hot_anywhere", **{**OTHERS, "regimes": "any", "params": {"limit": 95}},
         overrides=[{"machine": "P-2", "params": {"limit": 80}}]),
    rule("above", when='oil_temp_c > baseline(oil_temp_c, "20 op_h") + 3', **OTHERS,
         clear='oil_temp_c < baseline(oil_temp_c, "20 op_h") + 1'),
    rule("long_mean", when='avg(oil_temp_c, "2 op_h") > 72', **OTHERS,
         clear='avg(oil_temp_c, "2 op_h") < 71'),
    rule("odd", when="oil_temp_c > peers(oil_temp_c) + 12", **OTHERS,
         clear="oil_temp_c < peers(oil_temp_c) + 10"),
    rule("overdue", when='growth(eng_hours_h, "since h20") > 20', **OTHERS,
         clear='growth(eng_hours_h, "since h20") < 20'),
    rule("warm_for", when='hours(oil_temp_c > 60, "since h20") > 12', **OTHERS,
         clear='hours(oil_temp_c > 60, "since h20") < 12'),
    UNLIKE, SENSOR,
    *(one for one in RULES if one["id"] in ("code", "red_lamp", "other_codes")),
]  # fmt: skip
H20 = {"id": "h20", "name": small.NAME, "every_h": 20, "by": "service", "items": [small.NAME],
       "skill": "T1", "minutes": 60}  # fmt: skip
PLAN = plan(
    rules=ALL, failure_modes=[OVERHEATING], version="all", max_gap_s=600, services=[H20],
    alarms=AlarmHandling.model_validate(
        {"again_after_h": 1, "flapping": {"changes": 6, "within_s": 3600}}
    ),
)  # fmt: skip


def hotter(machine: int, day: int, step: int) -> float:
    """What goes wrong with the oil: °C above what it would be."""
    if machine == 1 and day >= 12:
        return 8.0
    if machine == 2 and day in (7, 8) and 20 <= step < 30:
        return 40.0
    if machine == 4 and day == 6 and step % 12 < 6:
        return 40.0
    return 4.5 if machine == 3 and day == 10 else 0.0


def at_work(machine: int, day: int, begun: int) -> list[Row]:
    """A machine's day: six hours, a value missing now and then."""
    rng = random.Random(machine * 100 + day)
    rows = []
    for step in range(HOURS * 3600 // STEP_S):
        speed = 1400.0 + 300.0 * rng.random()
        oil = 20.0 + speed / 40.0 + machine + rng.gauss(0, 0.5) + hotter(machine, day, step)
        fuel = 40.0 if machine == 5 and day >= 12 else 50.0 + rng.gauss(0, 1.0)
        if machine == 6 and day in (5, 9) and step < 30:
            fuel = 4000.0
        blinks = float(machine == 3 and day == 7 and 10 <= step < 30 and step % 2)
        values = {
            "eng_speed_rpm": speed, "oil_temp_c": oil, "fuel_pct": fuel, "filter_sw": blinks,
            "eng_hours_h": 15.0 * machine + HOURS * day + step * STEP_S / 3600,
        }  # fmt: skip
        at = begun + day * MS_PER_DAY + step * STEP_S * 1000
        rows.append((machine, at, {key: v for key, v in values.items() if rng.random() > 0.02}))
    return rows


class Weeks:
    """Two weeks of the fleet on the bench, as they come: some of it late."""

    def __init__(self, bench: Bench, run_all: RunAll) -> None:
        self.bench, self.run_all = bench, run_all
        midnight = clock.now_ms() // MS_PER_DAY * MS_PER_DAY
        self.begun = midnight - DAYS * MS_PER_DAY + MS_PER_HOUR
        self.worker = bench.worker()
        serials = bench.rows("select id from machine order by serial")
        self.ids = {number: row["id"] for number, row in enumerate(serials, start=1)}

    def live(self) -> None:
        rng = random.Random(7)
        held_back: list[list[Row]] = []
        for day in range(DAYS):
            pieces = held_back + list(self._pieces(day))
            rng.shuffle(pieces)
            held_back = [pieces.pop() for _ in range(2)] if day < DAYS - 1 else []
            for piece in pieces:
                self._judge(piece)
            self._codes(day)
            self._after(day)

    def _pieces(self, day: int) -> Iterator[list[Row]]:
        for machine in range(1, MACHINES + 1):
            rows = at_work(machine, day, self.begun)
            if machine == 1 and day == 12:
                continue
            half = len(rows) // 2
            yield from (rows[:half], rows[half:])

    def _judge(self, rows: list[Row]) -> None:
        self.bench.bring([(self.ids[number], *rest) for number, *rest in rows])
        self.run_all(self.worker)

    def _codes(self, day: int) -> None:
        at = self.begun + day * MS_PER_DAY + MS_PER_HOUR
        active = [{"spn": 110, "fmi": 0, "lamp": "stop"}] if day % 4 == 1 else [{"code": "E7"}]
        for moment, codes in ((at + MS_PER_HOUR, []), (at, active)):  # the later one first
            self.bench.bring_faults(self.ids[1 + day % MACHINES], moment, *codes)
            self.run_all(self.worker)

    def _serviced(self, day: int) -> None:
        """Two machines get their service after work, one of them with a backlog to come."""
        for machine in {3: (1,), 6: (2,), 9: (2, 5)}.get(day, ()):
            done = self.begun + day * MS_PER_DAY + HOURS * MS_PER_HOUR
            self.bench.connection.execute(
                "insert into service_done (machine_id, service, done_at, hours)"
                " values (%s, 'h20', %s, 0)", [self.ids[machine], clock.to_datetime(done)],
            )  # fmt: skip

    def _after(self, day: int) -> None:
        """What people and jobs do once the day is over, and a restart now and then."""
        over = (self.begun // MS_PER_DAY + day + 1) * MS_PER_DAY
        count_days(self.bench.connection, PLAN, over + 6 * MS_PER_HOUR)
        if day == 10:
            assert teacher.teach(self.bench.connection, PLAN, over - 16 * MS_PER_HOUR) > 0
        if day == 12:
            self._repair()
        self._serviced(day)
        if day % 3 == 0:
            self.worker = self.bench.worker()
        self.worker.forget_identities()

    def _repair(self) -> None:
        """The first machine is repaired at work; what it sends meanwhile is judged before anybody
        hears of it."""
        rows = at_work(1, 12, self.begun)
        middle = len(rows) // 2
        done = rows[middle][1] + MINUTE
        self._judge(rows[: middle + 2])
        self.bench.connection.execute(
            "insert into ticket (number, machine_id, status, priority, title, station, opened_at,"
            " target_at, done_at, finding_code, assignee, minutes, skill)"
            " values ('T-R', 1, 'done', 2, '{}', 'station', now(), now(), %s, 'confirmed', 'tom',"
            " 0, 'T1')", [clock.to_datetime(done)],
        )  # fmt: skip
        self.bench.connection.execute(
            "insert into ticket_item (ticket_id, finding_id, kind, source, component, severity,"
            " title, reason, evidence, failure_modes, added_at) select ticket.id, finding.id,"
            " 'alarm', 'hot', 'body', 2, '{}', '{}', '{}', '{}', now() from ticket, finding"
            " where ticket.number = 'T-R' order by finding.id limit 1"
        )
        self.worker.forget_identities()
        self._judge(rows[middle + 2 :])


@pytest.fixture
def fleet(bench: Bench) -> Bench:
    """Six machines of one region under all rules."""
    migrate(bench.database.url, small.catalogue(PLAN))
    serials = [f"P-{number}" for number in range(1, MACHINES + 1)]
    machines.register(
        bench.connection, small.registration(*(small.new_machine(one) for one in serials))
    )
    return bench


def backtested(bench: Bench) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = replayed(bench, of=PLAN)["alarms"]
    return found


def test_with_everything_on_live_and_backtest_raise_the_same_alarms(
    fleet: Bench, run_all: RunAll
) -> None:
    weeks = Weeks(fleet, run_all)
    mode = weeks.begun + 8 * MS_PER_DAY
    suppressions.begin(
        fleet.connection, "maintenance", 2, None, None, until_ms=mode + MS_PER_DAY,
        reason="oil change", who="mia", now_ms=mode,
    )  # fmt: skip
    weeks.live()
    keys = ("machine", "rule", "component", "raised_at", "cleared_at")
    alarms = backtested(fleet)
    again = {tuple(one[key] for key in keys) for one in alarms}
    lived = set(live(fleet))
    assert (again - lived, lived - again) == (set(), set())
    raised = Counter(one["rule"] for one in alarms)
    assert set(raised) == {one["id"] for one in ALL}, raised
    wild = [one for one in alarms if (one["machine"], one["rule"]) == ("P-6", "sensor")]
    assert [one["component"] for one in wild] == ["body/fuel_pct"] * 2
    # Those that came again within the lock, or while they flapped, are the earlier alarm.
    clearing = {one["id"] for one in ALL if one["severity"] == 2}
    records = fleet.alarms("machine_id", "component", "rule", "spans")
    assert sorted(len(row[3]) for row in records if row[2] in clearing) == sorted(
        size for one, size in locked_together(lived) if one in clearing
    )
    assert len(records) < len(lived)
    assert fleet.rows("select * from alarm where suppression = 'maintenance'")


def locked_together(found: set[Found]) -> Iterator[tuple[str, int]]:
    """Rule and number of occurrences of each alarm that the laws make of occurrences."""
    about: dict[tuple[str, str, str], list[Span]] = {}
    for machine, name, component, begin, end in found:
        span = (_ms(begin), None if end is None else _ms(end))
        about.setdefault((machine, name, component), []).append(span)
    for (_, name, _), spans in about.items():
        law, group = recurrence_of(PLAN, PLAN.rule[name]), list[Span]()
        for span in sorted(spans):
            if group and not joins(group, span[0], law):
                yield name, len(group)
                group = []
            group.append(span)
        yield name, len(group)


def _ms(moment: str) -> int:
    return clock.to_ms(datetime.fromisoformat(moment))
