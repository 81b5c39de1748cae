"""What a chart is given to draw."""

from __future__ import annotations

from typing import Any

from dashboard.charts import epoch_ms, signal_chart
from dashboard.fleet_map import fleet_map

NAME = {"en": "name", "zh": "名称"}
SIGNAL = {
    "key": "hyd_oil_temp_c",
    "normal": [30, 75],
    "warn": {"above": 80, "below": None},
    "alarm": None,
}
PLAN = {"regimes": [{"id": "working", "name": NAME, "color": "#22aa55"}]}
TIMES = [f"2026-03-01T00:0{minute}:00.000Z" for minute in range(6)]
BEGIN, END = epoch_ms(TIMES[1]), epoch_ms(TIMES[5])


def _chart(avg: list[float | None], **given: Any) -> dict[str, Any]:
    telemetry = {
        "times": TIMES,
        "signals": {"hyd_oil_temp_c": {"unit": "°C", "avg": avg, "min": avg, "max": avg}},
    }
    known: dict[str, Any] = {"bands": [], "alarms": [], **given}
    return signal_chart(
        SIGNAL, telemetry, known["bands"], known["alarms"], (BEGIN, END), PLAN, "en"
    )


def test_a_gap_breaks_the_line_and_the_axis_keeps_to_the_chosen_time() -> None:
    rows = _chart([1.0, 2.0, None, None, 5.0, 6.0])["datasets"]["series"]
    assert [row["avg"] for row in rows] == [2.0, None, 5.0, 6.0]
    assert [row["t"] for row in _chart([None] * 6)["datasets"]["frame"]] == [BEGIN, END]


def test_limits_regimes_and_alarms_are_drawn_in() -> None:
    alarm = {"raised_at": TIMES[3], "name": NAME, "severity": 3}
    before = alarm | {"raised_at": "2026-02-01T00:00:00.000Z"}
    band = {"regime": "working", "begin": TIMES[0], "end": TIMES[4]}
    data = _chart([1.0] * 6, bands=[band], alarms=[alarm, before])["datasets"]
    assert [row["limit"] for row in data["warn"]] == [80, None]
    assert data["normal"] == [{"low": 30, "high": 75}]
    assert [row["t"] for row in data["alarms"]] == [epoch_ms(TIMES[3])]
    assert [(row["t"], row["end"]) for row in data["regimes"]] == [(BEGIN, epoch_ms(TIMES[4]))]


def test_new_data_leave_the_drawing_as_it_is() -> None:
    one, other = _chart([1.0] * 6), _chart([2.0] * 6)
    assert one.pop("datasets") != other.pop("datasets")
    assert one == other


def test_the_worst_machine_is_drawn_on_top() -> None:
    def machine(serial: str, health: str) -> dict[str, Any]:
        named = {"id": "x", "name": NAME}
        return {
            "serial": serial,
            "health": health,
            "product": named,
            "customer": named,
            "site": NAME,
            "position": {"lat": 28.2, "lon": 112.9},
        }

    labels = dict.fromkeys(("stop", "alarm", "warning", "ok", "unknown"), "word")
    rows = fleet_map([machine("A", "ok"), machine("B", "stop")], labels, "zh")["datasets"][
        "machines"
    ]
    assert max(rows, key=lambda row: row["rank"])["serial"] == "B"
    assert rows[0]["site"] == "名称"
