"""Courses of signals and regimes: steps, gaps, bounds."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import httpx
import numpy as np
import pytest

from api.present import telemetry as present
from fleet.clock import to_datetime
from store.connection import Connection
from store.reading import MOST_POINTS, Series
from tests.api import plans
from tests.api.world import START, put_samples

PLAN = plans.catalogue().plans["pump"]
NAN = math.nan


def iso(ms: int) -> str:
    return to_datetime(ms).isoformat()


def ask(client: httpx.Client, what: str, begin: int, end: int, **params: Any) -> dict[str, Any]:
    answer = client.get(
        f"/machines/P-1/{what}", params={"from": iso(begin), "to": iso(end), **params}
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_steps_hold_mean_least_and_greatest(manager: httpx.Client, store: Connection) -> None:
    times = [START + 10_000 * i for i in range(12)]
    put_samples(store, PLAN, "P-1", times, {"hyd_temp_c": [float(i) for i in range(12)]})
    body = ask(manager, "telemetry", START, START + 120_000, signals="hyd_temp_c", step=60)
    assert body["step_s"] == 60
    assert body["times"] == ["2026-03-01T00:00:00.000Z", "2026-03-01T00:01:00.000Z"]
    assert body["signals"] == {
        "hyd_temp_c": {"unit": "°C", "avg": [2.5, 8.5], "min": [0, 6], "max": [5, 11]}
    }


def test_a_short_gap_is_bridged_and_a_long_one_is_null(
    manager: httpx.Client, store: Connection
) -> None:
    # the plan takes 60 s between samples for uninterrupted
    times = [START, START + 50_000, START + 300_000]
    put_samples(store, PLAN, "P-1", times, {"hyd_temp_c": [1.0, 2.0, 3.0]})
    body = ask(manager, "telemetry", START, START + 310_000, signals="hyd_temp_c", step=10)
    known = body["signals"]["hyd_temp_c"]["avg"]
    assert known[:6] == [1.0, 1.0, 1.0, 1.0, 1.0, 2.0]
    assert known[6:12] == [2.0] * 6
    assert known[12:30] == [None] * 18
    assert known[30] == 3.0


def test_without_signals_those_come_that_the_plan_shows_first(
    manager: httpx.Client, store: Connection
) -> None:
    body = ask(manager, "telemetry", START, START + 60_000)
    assert list(body["signals"]) == ["hyd_temp_c"]
    assert body["signals"]["hyd_temp_c"]["avg"] == [None] * len(body["times"])


@pytest.mark.parametrize(
    ("begin", "end", "step"),
    [
        ("1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 1),
        ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 1.0000001),
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", 1),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.001Z", 86400),
    ],
)
def test_points_are_bounded(
    manager: httpx.Client, store: Connection, begin: str, end: str, step: float | None
) -> None:
    put_samples(store, PLAN, "P-1", [START], {"hyd_temp_c": [1.0]})
    for what in ("telemetry", "regimes"):
        params = {"from": begin, "to": end, "step": step}
        answer = manager.get(
            f"/machines/P-1/{what}", params={k: v for k, v in params.items() if v is not None}
        )
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert len(body.get("times", [])) <= MOST_POINTS + 1
        assert body["step_s"] >= (step or 1)


def test_the_same_question_a_moment_later_has_the_same_steps(manager: httpx.Client) -> None:
    first = ask(manager, "telemetry", START + 1000, START + 3_600_000, step=60)
    later = ask(manager, "telemetry", START + 3000, START + 3_602_000, step=60)
    assert first["times"][:10] == later["times"][:10]


def test_unknown_signals_and_machines_are_not_found(manager: httpx.Client) -> None:
    answer = manager.get("/machines/P-1/telemetry", params={"signals": "hyd_temp_c,nonsense"})
    assert answer.status_code == 404 and "nonsense" in answer.json()["detail"]
    assert manager.get("/machines/X-9/telemetry").status_code == 404
    assert manager.get("/machines/X-9/regimes").status_code == 404


def test_regimes_are_bands_and_gaps_stay_gaps(manager: httpx.Client, store: Connection) -> None:
    speeds = [1500.0] * 6 + [600.0] * 6 + [0.0] * 6
    times = [START + 10_000 * i for i in range(18)]
    put_samples(store, PLAN, "P-1", times, {"eng_speed_rpm": speeds})
    late = START + 600_000
    put_samples(store, PLAN, "P-1", [late], {"eng_speed_rpm": [1500.0]})
    body = ask(manager, "regimes", START, late + 10_000, step=10)
    spans = [
        (band["regime"], seconds(band["begin"]), seconds(band["end"])) for band in body["bands"]
    ]
    assert spans == [
        ("working", 0, 60),
        ("idle", 60, 120),
        ("off", 120, 240),
        ("working", 600, 610),
    ]


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() - START / 1000


def test_a_step_in_which_a_flag_changed_says_nothing_about_it() -> None:
    plan = PLAN.model_copy(
        update={
            "regimes": (
                PLAN.regimes[0].model_copy(update={"when": "pto_state == 1"}),
                PLAN.regimes[1].model_copy(update={"when": "pto_state == 0"}),
            )
        }
    )
    times = np.array([0, 1, 2], np.int64) * 600_000
    series = Series(
        ("pto_state",),
        600.0,
        times,
        {"pto_state": np.array([1.0, 0.4, 0.0])},
        {"pto_state": np.array([1.0, 0.0, 0.0])},
        {"pto_state": np.array([1.0, 1.0, 0.0])},
    )
    bands = present.bands("P-1", plan, series, 0, 1_800_000).bands
    assert [(band.regime, band.begin.minute, band.end.minute) for band in bands] == [
        ("working", 0, 10),
        ("idle", 20, 30),
    ]
