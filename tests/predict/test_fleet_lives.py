"""Lives of the fleet's parts from the store into the remaining life of the next one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fleet.clock import MS_PER_DAY, to_datetime
from predict.assess import assess
from predict.fleet_life import FleetLife, learned_fit
from predict.fleet_lives import FleetLives, lives_of
from predict.lifefit import LifeFit
from store import learned_lives, wear
from store.connection import Connection, connect
from tests.ironpulse.commands import ironpulse
from tests.predict.plans import catalogue
from tests.predict.stored import PLAN, START

CATALOGUE = catalogue()
PISTON = PLAN.part["piston"]
NOW = START + 100 * MS_PER_DAY


@pytest.fixture
def connection(pump_store: str) -> Iterator[Connection]:
    with connect(pump_store) as opened:
        opened.execute("delete from fitted_part where part = 'piston' and position = 'left'")
        yield opened


def fitted(
    connection: Connection, used: float, reason: str | None, used_before: float = 0.0
) -> None:
    """One piston of machine 1 with its use, removed for a reason or still there."""
    connection.execute(
        """
        with part as (
            insert into fitted_part (machine_id, part, position, fitted_at, used_before,
                removed_at, removed_reason)
            values (1, 'piston', 'left', %(at)s, %(before)s,
                case when %(reason)s::text is null then null else %(end)s end, %(reason)s)
            returning id)
        insert into part_usage (fitted_part_id, at_fitting, used, as_of)
        select id, 0, %(used)s, %(end)s from part
        """,
        {
            # Everywhere sixty a day, so that none works harder than the others.
            "at": to_datetime(NOW - round((1 + used / 60) * MS_PER_DAY)),
            "end": to_datetime(NOW - MS_PER_DAY),
            "before": used_before,
            "reason": reason,
            "used": used,
        },
    )


def test_replacements_become_lives(connection: Connection) -> None:
    fitted(connection, 4_000, "worn")
    fitted(connection, 5_000, "failed", 1_000)
    fitted(connection, 2_000, "early")
    fitted(connection, 3_000, None)
    with connection.transaction():
        rows = [row for row in wear.lives(connection) if row["used"] is not None]
    data, _ = lives_of(PISTON, rows, NOW)
    assert data.end.tolist() == [4_000, 5_000, 2_000, 3_000]
    assert data.failed.tolist() == [True, True, False, False]
    assert data.start.tolist() == [0, 1_000, 0, 0]


def test_short_lives_shorten_what_is_left_of_the_next(connection: Connection) -> None:
    lives = FleetLives()
    fitted(connection, 3_000, None)
    learn(lives, connection, NOW)
    plan = lives.of(PLAN.product, PISTON)
    assert plan.method == "plan"

    for used in np.linspace(0.3, 0.5, 8) * PISTON.life.mid:
        fitted(connection, float(used), "worn")
    learn(lives, connection, NOW + MS_PER_DAY // 2)
    assert lives.of(PLAN.product, PISTON) is plan, "learned again within the same day"
    learn(lives, connection, NOW + MS_PER_DAY)
    learned = lives.of(PLAN.product, PISTON)
    assert isinstance(learned, FleetLife)
    assert learned.sample_size == 8
    assert 0.35 * plan.median < learned.median < 0.6 * plan.median

    with connection.transaction():
        assess(connection, CATALOGUE, None, NOW)
    row = connection.execute(
        """
        select method, sample_size, p50 from remaining_life
        join fitted_part on fitted_part.id = fitted_part_id
        where part = 'piston' and position = 'left'
        """
    ).fetchone()
    assert row is not None
    assert (row["method"], row["sample_size"]) == ("fleet", 8)
    used = np.array([3_000.0])
    assert row["p50"] == pytest.approx(learned.quantiles(used, 0.5)[0], rel=0.02)
    assert row["p50"] < plan.quantiles(used, 0.5)[0]


def learn(lives: FleetLives, connection: Connection, now_ms: int) -> None:
    with connection.transaction():
        lives.learn(connection, CATALOGUE, now_ms)


def told(connection: Connection) -> list[dict[str, Any]]:
    """What people are told after learning anew."""
    learn(FleetLives(), connection, NOW)
    return learned_lives.learned(connection, None, None, None, 10)


def test_what_was_learned_is_kept_with_what_speaks_against_it(
    connection: Connection, pump_store: str, tmp_path: Path
) -> None:
    assert told(connection) == []
    fitted(connection, 0.4 * PISTON.life.mid, "worn")
    only = told(connection)[0]
    assert [check["name"] for check in only["checks"]] == ["enough"]
    assert "Too few failures" in only["checks"][0]["text"]["en"]
    assert only["p50"] == pytest.approx(PISTON.life.mid, rel=1e-4)

    for used in np.linspace(0.3, 0.5, 11) * PISTON.life.mid:
        fitted(connection, float(used), "worn")
    report = told(connection)[0]
    assert (report["part"], report["ended"]) == ("piston", 12)
    assert report["p10"] < report["p50"] < report["p90"] < PISTON.life.mid
    assert {check["name"]: check["passed"] for check in report["checks"]}["plan"] is False
    uses, shares = zip(*report["curve"], strict=True)
    assert list(uses) == sorted(uses)
    assert list(shares) == sorted(shares, reverse=True)

    connection.commit()
    done = ironpulse(
        "lives", "--json", "--language", "zh", folder=tmp_path, database_url=pump_store
    )
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)[0]
    assert (row["part"], row["ended"]) == ("piston", 12)
    assert row["p50"] == pytest.approx(report["p50"], rel=1e-3)
    assert any("建议复核方案" in check["text"] for check in row["checks"])
    done = ironpulse("lives", folder=tmp_path, database_url=pump_store)
    assert done.returncode == 0, done.stderr
    assert "piston" in done.stdout


def test_machines_of_a_harder_model_have_shorter_lives() -> None:
    rng = np.random.default_rng(1)
    used = [
        (model, float(PISTON.life.mid * factor * math.exp(0.2 * rng.normal())))
        for model, factor, count in (("soft", 1.1, 40), ("hard", 0.7, 40), ("rare", 0.5, 1))
        for _ in range(count)
    ]
    rows = [
        {
            "model": model,
            "region": "east",
            "used": end,
            "used_before": 0.0,
            "fitted_at": to_datetime(START),
            "removed_at": to_datetime(START + round(end / 60 * MS_PER_DAY)),
            "removed_reason": "worn",
        }
        for model, end in used
    ]
    data, kinds = lives_of(PISTON, rows, NOW)
    fit = learned_fit(data, PISTON.life)
    assert isinstance(fit, LifeFit)
    assert fit.lives.names == kinds.names == ("model:hard", "model:rare", "model:soft")
    soft, hard, rare = (FleetLife(fit, np.array(flags)) for flags in np.eye(3)[[2, 0, 1]])
    assert hard.median / soft.median == pytest.approx(0.7 / 1.1, rel=0.12)
    of_all = FleetLife(fit)
    moved = of_all.median * fit.factor(np.eye(3))
    assert moved == pytest.approx([hard.median, rare.median, soft.median], rel=0.02)
    # One part says little: its model stays near the others, with a wider interval.
    assert rare.median > 0.6 * PISTON.life.mid
    new = np.array([0.0])
    spans = [m.quantiles(new, 0.9)[0] / m.quantiles(new, 0.1)[0] for m in (hard, rare)]
    assert spans[1] > spans[0]


def test_hard_work_and_a_region_have_factors_of_their_own() -> None:
    """Half of the machines work twice as hard and wear their parts out by a quarter sooner; one of
    two regions takes a fifth of the life."""
    rng = np.random.default_rng(4)
    rows = []
    for number in range(240):
        hard, north = number % 2 == 0, number % 4 < 2
        factor = (0.75 if hard else 1.0) * (0.8 if north else 1.0)
        end = PISTON.life.mid * factor * math.exp(0.2 * rng.normal())
        a_day = (110.0 if hard else 50.0) * math.exp(0.1 * rng.normal())
        rows.append(
            {
                "model": "P56",
                "region": "north" if north else "south",
                "used": end,
                "used_before": 0.0,
                "fitted_at": to_datetime(START),
                "removed_at": to_datetime(START + round(end / a_day * MS_PER_DAY)),
                "removed_reason": "worn",
            }
        )
    data, kinds = lives_of(PISTON, rows, NOW)
    fit = learned_fit(data, PISTON.life)
    assert isinstance(fit, LifeFit)
    assert set(kinds.names) == {"region:north", "region:south", "duty:heavy", "duty:light"}
    longer = fit.factor(kinds.flags(rows[:4], NOW))
    truth = np.array([0.75 * 0.8, 0.8, 0.75, 1.0])
    assert longer / longer[3] == pytest.approx(truth, rel=0.1)
