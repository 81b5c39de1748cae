"""The days of a fleet: counted once from the store, and what rules compare with from then on."""

from __future__ import annotations

import pytest

from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from fleet.peer_day import PeerDay
from rules.compiled import compile_plan
from rules.live.knowledge import HELD_DAYS, Knowledge
from rules.live.known_before import peers_in
from rules.live.peer_days import count_days
from rules.remembered import peers
from rules.remembered.peers import PeerDays
from store import machines, normals
from store.migrate import migrate
from tests import small
from tests.rules.conftest import Bench
from tests.rules.live.test_worker import RunAll, rows
from tests.rules.plans import RULES, plan, rule

ODD = rule(
    "odd", when="oil_temp_c > peers(oil_temp_c) + 4", clear="oil_temp_c < peers(oil_temp_c) + 1",
    hold_s=0, clear_hold_s=0, params={},
)  # fmt: skip
DAY = 20_600
PLAN = plan(rules=[*RULES, ODD], version="2")


@pytest.fixture
def fleet(bench: Bench) -> Bench:
    """Six machines of one region, each with a day of its own level behind it."""
    migrate(bench.database.url, small.catalogue(PLAN))
    serials = ("P-1", "P-2", "P-3", "P-4", "P-5", "P-6")
    machines.register(
        bench.connection, small.registration(*(small.new_machine(one) for one in serials))
    )
    known = [row["id"] for row in bench.rows("select id from machine order by serial")]
    for machine, level in zip(known, (60, 61, 62, 64, 65, 80), strict=True):
        bench.bring(rows(DAY * MS_PER_DAY, [float(level)] * 30, machine))
    return bench


def counted(bench: Bench) -> list[PeerDay]:
    return [one for one in peers_in(bench.connection, "pump") if one.machines]


def test_a_day_is_counted_once_when_it_is_over(fleet: Bench) -> None:
    over = (DAY + 1) * MS_PER_DAY
    count_days(fleet.connection, PLAN, over + 5 * MS_PER_HOUR)
    assert counted(fleet) == []
    count_days(fleet.connection, PLAN, over + 6 * MS_PER_HOUR)
    (day,) = counted(fleet)
    assert (day.key, day.region, day.day) == ("oil_temp_c|working", "south", DAY)
    assert (day.level, day.machines) == (63, 6)
    assert day.spread == pytest.approx(1.4826 * 2)
    fleet.bring(rows(DAY * MS_PER_DAY + MS_PER_HOUR, [90.0] * 300, 1))
    assert count_days(fleet.connection, PLAN, over + 7 * MS_PER_HOUR) == 0
    assert counted(fleet) == [day]


def test_a_machine_unlike_its_peers_is_seen_the_day_after(fleet: Bench, run_all: RunAll) -> None:
    count_days(fleet.connection, PLAN, (DAY + 1) * MS_PER_DAY + 6 * MS_PER_HOUR)
    tomorrow = (DAY + 1) * MS_PER_DAY
    tomorrow += 8 * MS_PER_HOUR
    fleet.bring(rows(tomorrow, [66.0] * 3, 1) + rows(tomorrow, [68.0] * 3, 2))
    run_all(fleet.worker())
    found = [row[0] for row in fleet.alarms("machine_id", "rule") if row[1] == "odd"]
    assert found == [2]
    (alarm,) = [one for one in fleet.rows("select * from alarm") if one["rule"] == "odd"]
    assert alarm["evidence"]["windows"] == {"peers(oil_temp_c)": 63}


def test_a_sample_meets_the_same_day_however_soon_it_is_judged(
    fleet: Bench, run_all: RunAll
) -> None:
    over, others = (DAY + 1) * MS_PER_DAY, range(5)
    known = [row["id"] for row in fleet.rows("select id from machine order by serial")]
    for machine, _ in zip(known, others, strict=False):
        fleet.bring(rows(over, [90.0] * 30, machine))
    count_days(fleet.connection, PLAN, over + 6 * MS_PER_HOUR)
    night = over + MS_PER_DAY + 3 * MS_PER_HOUR
    fleet.bring(rows(night, [75.0] * 3, known[5]))
    run_all(fleet.worker())
    (soon,) = [one for one in fleet.rows("select * from alarm") if one["rule"] == "odd"]
    count_days(fleet.connection, PLAN, over + MS_PER_DAY + 6 * MS_PER_HOUR)
    days = PeerDays.of(peers_in(fleet.connection, "pump"))
    assert [days.before("oil_temp_c|working", "south", DAY + back).level for back in (1, 2)] == [
        63,
        90,
    ]
    fleet.bring(rows(night + 5000, [75.0] * 3, known[5]))
    run_all(fleet.worker())
    late = [one for one in fleet.rows("select * from alarm") if one["rule"] == "odd"]
    assert [(one["state"], one["evidence"]["windows"]) for one in late] == [
        (soon["state"], {"peers(oil_temp_c)": 63})
    ]


def test_few_machines_are_no_fleet_and_an_old_day_is_none() -> None:
    few = peers.PeerDays.of([PeerDay("x|any", "south", DAY, 5.0, 1.0, peers.LEAST_MACHINES - 1)])
    assert few.before("x|any", "south", DAY + 1) is None
    old = peers.PeerDays.of([PeerDay("x|any", "south", DAY, 5.0, 1.0, peers.LEAST_MACHINES)])
    assert old.before("x|any", "south", DAY) is None
    assert old.before("x|any", "south", DAY + 7) is not None
    assert old.before("x|any", "south", DAY + 8) is None


def test_a_worker_reads_new_days_and_holds_a_month(fleet: Bench) -> None:
    today, call = DAY + 100, ("oil_temp_c|working", "south")
    levels = {today - 60: 60.0, today - 20: 62.0, today - 2: 64.0}

    def put(days: dict[int, float]) -> None:
        found = [PeerDay(*call, day, level, 1.0, 6) for day, level in days.items()]
        normals.put_peer_days(fleet.connection, "pump", found)

    put(levels)
    knowledge = Knowledge(compile_plan(PLAN))

    def known(oldest: int = today) -> dict[int, float]:
        """What is known for samples from a day on, at noon of today."""
        oldest_ms, now = oldest * MS_PER_DAY, today * MS_PER_DAY + 12 * MS_PER_HOUR
        found = knowledge.covering(fleet.connection, oldest_ms, now).peers.days.get(call, {})
        return {day: one.level for day, one in found.items()}

    recent = {day: level for day, level in levels.items() if day > today - HELD_DAYS}
    assert known() == recent
    assert known(today - 59) == levels, "late data meets its own days"
    assert known(today - 40) == recent, "none of a week before, and none that is older"
    put({today - 1: 65.0, today - 3: 63.0})
    assert known() == recent, "nobody asked the store again"
    knowledge.forget()
    assert known() == {**recent, today - 1: 65.0, today - 3: 63.0}
