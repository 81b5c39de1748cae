"""Live and backtest on the same data: the same alarms, one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from fleet import clock
from fleet.plan import ProductPlan
from ironpulse.backtest.export import export
from ironpulse.backtest.rules import replay
from ironpulse.backtest.sources import Beside, file_history, store_history
from rules.live.worker import Worker
from rules.state import NEVER
from store import suppressions
from tests import small
from tests.rules.conftest import Bench, Row
from tests.rules.live.test_worker import HOUR, rows
from tests.rules.plans import RULES, plan

DAYS_AGO_MS = 2 * 86_400_000
MOMENTS = 700
HOT = {"eng_speed_rpm": 1500.0, "oil_temp_c": 95.0}
COOL = {"eng_speed_rpm": 1500.0, "oil_temp_c": 60.0}
Found = tuple[str, str, str, str, str | None]


def life(start: int, machine: int) -> list[Row]:
    """A working life with gaps, missing values, heat, a blinking switch and lost fuel."""
    rng = np.random.default_rng(machine)
    rows: list[Row] = []
    at, temperature = start, 70.0
    for moment in range(MOMENTS):
        at += int(rng.choice([5, 10, 10, 10, 20, 70])) * 1000
        target = 95 if (moment // 40) % 3 == machine % 3 else 70
        temperature += (target - temperature) * 0.2 + rng.normal(0, 2)
        values = {
            "eng_speed_rpm": 1500.0 if (moment // 90) % 2 else 700.0,
            "oil_temp_c": round(temperature, 1),
            "filter_sw": float(rng.random() < 0.3),
            "fuel_pct": round(100 - moment % 100 * float(rng.random()), 1),
        }
        rows.append((machine, at, {k: v for k, v in values.items() if rng.random() > 0.1}))
    return rows


def bring_all(bench: Bench, start: int, judge: Callable[[], None]) -> None:
    """The lives of three machines in batches, some of them late, with trouble codes between."""
    rows = sorted((row for m in (1, 2, 3) for row in life(start, m)), key=lambda row: row[1])
    batches = [rows[i : i + 150] for i in range(0, len(rows), 150)]
    for early, late in ((3, 4), (8, 11)):
        batches[early], batches[late] = batches[late], batches[early]
    for number, batch in enumerate(batches):
        bench.bring(batch)
        if number % 3 == 0:
            active = [{"spn": 110, "fmi": 0, "lamp": "stop"}] if number % 2 == 0 else []
            bench.bring_faults(1 + number % 3, batch[len(batch) // 2][1] + 1, *active)
        judge()


def live(bench: Bench) -> list[Found]:
    serials = {row["id"]: row["serial"] for row in bench.rows("select id, serial from machine")}
    return sorted(
        (serials[machine], rule, component, _iso(begin), None if end is None else _iso(end))
        for machine, rule, component, spans in bench.alarms(
            "machine_id", "rule", "component", "spans"
        )
        for begin, end in spans
    )


def _iso(at: int) -> str:
    return clock.to_datetime(at).isoformat()


def replayed(bench: Bench, since: int = NEVER, of: ProductPlan | None = None) -> dict[str, Any]:
    period, rules = (since, 2**62), [of or plan()]
    history = store_history(bench.database.url, rules, period, None)
    with Progress(console=Console(quiet=True)) as bar:
        return replay(rules, history, period, bar, workers=1)


def backtest(bench: Bench, since: int = NEVER) -> list[Found]:
    found = replayed(bench, since)
    assert since != NEVER or found["samples"] == 3 * MOMENTS
    keys = ("machine", "rule", "component", "raised_at", "cleared_at")
    told = [one for one in found["alarms"] if one["rule"] != "silent"]  # nobody's clock ticks live
    return sorted((tuple(one[key] for key in keys) for one in told), key=str)


def test_live_and_backtest_raise_the_same_alarms(
    bench: Bench, run_all: Callable[[Worker], None]
) -> None:
    worker = bench.worker()
    start = clock.now_ms() - DAYS_AGO_MS
    bring_all(bench, start, lambda: run_all(worker))
    expected = sorted(live(bench), key=str)
    assert len(expected) > 50
    rules = {one[1] for one in expected}
    assert rules >= {"hot", "hot_anywhere", "mean", "often", "falling", "code", "red_lamp"}
    assert backtest(bench) == expected

    middle = start + (max(row[1] for row in life(start, 1)) - start) // 2
    after = [one for one in expected if one[3] >= _iso(middle)]
    assert 0 < len(after) < len(expected)
    assert backtest(bench, middle) == after


def test_an_exported_history_is_judged_as_the_stores(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = clock.now_ms() - DAYS_AGO_MS
    bring_all(bench, start, lambda: None)
    wear_and_repair(bench, start + 6 * HOUR)
    bench.bring([(1, start + i * 10_000 + 3, {"oil_temp_c": 9e9}) for i in range(3)])
    monkeypatch.setenv("IRONPULSE_DATABASE_URL", bench.database.url)
    monkeypatch.setattr("ironpulse.backtest.export.plan_of", lambda *of: LEARNING)
    store = judged(replayed(bench, of=LEARNING))
    assert len(store) > 50
    for name in ("h.csv", "h.parquet"):
        out, files = tmp_path / name, [tmp_path / f"{what}.csv" for what in BESIDE]
        codes, services, repairs = files
        export("small", out, codes, services, repairs)
        found = from_file(out, Beside(**dict(zip(BESIDE, files, strict=True))), tmp_path)
        assert found["source"]["values_left_out"] == 3 and found["source"]["repairs"] == 1
        assert judged(found) == store
    unrepaired = judged(from_file(out, Beside(codes=files[0]), tmp_path))
    assert {one["rule"] for one in unrepaired if one not in store} == {"above"}


BESIDE = ("codes", "services", "repairs")
ABOVE = {
    **RULES[0], "id": "above", "when": 'oil_temp_c > baseline(oil_temp_c, "25 op_min") + 3',
    "clear": 'oil_temp_c < baseline(oil_temp_c, "25 op_min")', "params": {},
}  # fmt: skip
LEARNING = plan(rules=[*RULES, ABOVE])


def wear_and_repair(bench: Bench, start: int) -> None:
    """The third machine runs warmer since a part was replaced, which is what is usual then."""
    bench.bring(rows(start, [70.0] * 300 + [75.0] * 60, 3))
    bench.connection.execute(
        "update fitted_part set removed_at = %s, removed_reason = 'worn'"
        " where machine_id = 3 and part = 'filter'",
        [clock.to_datetime(start + 2_000_000)],
    )


def from_file(path: Path, beside: Beside, folder: Path) -> dict[str, Any]:
    period = (NEVER, 2**62)
    tier = small.catalogue().tiers["gold"]
    history = file_history(path, [LEARNING], period, folder, tier, beside, lambda share: None)
    with Progress(console=Console(quiet=True)) as bar:
        return replay([LEARNING], history, period, bar, workers=1)


def judged(found: dict[str, Any]) -> list[dict[str, Any]]:
    keys = ("machine", "rule", "component", "raised_at", "cleared_at", "values")
    return [{key: one[key] for key in keys} for one in found["alarms"] if one["rule"] != "silent"]


def test_what_technicians_found_scores_the_alarms(
    bench: Bench, run_all: Callable[[Worker], None]
) -> None:
    start = clock.now_ms() - 300_000
    for machine in (1, 2):
        hot = [(machine, start + i * 10_000, HOT) for i in range(5)]
        cool = [(machine, start + i * 10_000, COOL) for i in range(5, 15)]
        bench.bring([*hot, *cool])
    run_all(bench.worker())
    for machine, code in ((1, "confirmed"), (2, "no_fault_found")):
        ticket = f"select id from ticket where machine_id = {machine}"
        bench.connection.execute(
            f"update ticket_item set finding_code = '{code}' where ticket_id in ({ticket})"
        )
        bench.connection.execute(
            f"update ticket set status = 'done', finding_code = '{code}', arrived_at = opened_at,"
            f" done_at = opened_at where machine_id = {machine}"
        )
    found = replayed(bench)
    known = {one["rule"]: one["known"] for one in found["rules"] if one["alarms"]}
    assert known["hot"]["confirmed"] == known["hot"]["false"] == 1
    assert known["hot"]["faults_found"] == 1 and known["hot"]["faults_missed"] == 0
    assert 0 < known["hot"]["lead_h"]["median"] < 1


def test_what_people_silenced_costs_no_visit(
    bench: Bench, run_all: Callable[[Worker], None]
) -> None:
    start = clock.now_ms() - 300_000
    for machine in (1, 2, 3):
        hot = [(machine, start + i * 10_000, HOT) for i in range(5)]
        cool = [(machine, start + i * 10_000, COOL) for i in range(5, 15)]
        bench.bring([*hot, *cool])
    run_all(bench.worker())
    for machine, kind, rule in ((1, "maintenance", None), (2, "shelved", "hot")):
        suppressions.begin(
            bench.connection, kind, machine, None, rule,  # type: ignore[arg-type]  # a kind
            until_ms=start + 200_000, reason="overhaul", who="lin", now_ms=start,
        )  # fmt: skip
    found = replayed(bench)
    rules = {one["rule"]: one for one in found["rules"]}
    hot = rules["hot"]
    assert (hot["alarms"], hot["suppressed"], hot["tickets"] + hot["joined"]) == (3, 2, 1)
    said = {one["machine"]: one["silenced"] for one in found["alarms"] if one["rule"] == "hot"}
    assert sorted(said.values(), key=str)[1:] == [
        {"kind": "maintenance", "by": "lin", "reason": "overhaul"},
        {"kind": "shelved", "by": "lin", "reason": "overhaul"},
    ]


def test_silence_is_the_same_live_and_in_a_backtest(
    bench: Bench, run_all: Callable[[Worker], None]
) -> None:
    """Live, with every sample received when it was measured and somebody looking at all times."""
    start = clock.now_ms() - DAYS_AGO_MS
    spells = [
        (1, 0, 1500.0), (2, 0, 0.0), (1, 1500, 1500.0), (1, 2000, 0.0), (3, 2100, 1500.0),
        (2, 9500, 1500.0), (1, 11_500, 1500.0), (3, 11_900, 1500.0),
    ]  # fmt: skip
    worker = bench.worker()
    for number, (machine, at, speed) in enumerate(spells):
        rows = [(machine, start + (at + i * 10) * 1000, {"eng_speed_rpm": speed}) for i in range(6)]
        later = spells[number + 1][1] if number + 1 < len(spells) else at + 51
        for part, looked_at in ((rows[:1], at), (rows[1:], later - 1)):
            bench.bring(part, received_at=part[-1][1])
            run_all(worker)
            worker.tick(start + looked_at * 1000)
    expected = sorted(live(bench), key=str)
    assert len(expected) == 5 and {one[1] for one in expected} == {"silent"}
    assert sum(one[4] is None for one in expected) == 1
    found = replayed(bench)
    keys = ("machine", "rule", "component", "raised_at", "cleared_at")
    assert sorted((tuple(one[key] for key in keys) for one in found["alarms"]), key=str) == expected
