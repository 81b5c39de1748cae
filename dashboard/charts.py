"""A signal over time with its limits, what the machine did, and its alarms.

Data are named apart from the chart, so that a live page changes the data and keeps the drawing.
Times are milliseconds since 1970, which the browser draws in its own zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import altair as alt

from dashboard.client import Json
from dashboard.formats import Language, parse_time
from dashboard.markup import HEALTH_COLORS
from dashboard.texts import say

Spec = dict[str, Any]

INK, GRID, LINE, BAND = "#475569", "#e8ecf1", "#1f5f8b", "#1f5f8b"
FONT = "'Source Sans', 'Noto Sans SC', 'WenQuanYi Zen Hei', sans-serif"
SIGNAL_HEIGHT = 160
_TIME_LABEL = (
    "timeFormat(datum.value, hours(datum.value) == 0 && minutes(datum.value) == 0"
    " ? '%m-%d' : '%H:%M')"
)


def epoch_ms(text: str) -> float:
    """Milliseconds since 1970 of a time of the API."""
    return parse_time(text).timestamp() * 1000


def signal_chart(
    signal: Json,
    telemetry: Json,
    bands: Sequence[Json],
    alarms: Iterable[Json],
    span_ms: tuple[float, float],
    plan: Json,
    language: Language,
) -> Spec:
    """Vega-Lite of one signal: mean, least to greatest, limits, regimes behind, alarms marked.

    `signal` and `plan` are a product's signal and plan, `bands` are its RegimeBands, `alarms`
    those of the machine, `span_ms` begin and end of the time axis.
    """
    series = telemetry["signals"].get(signal["key"], {"avg": [], "min": [], "max": []})
    rows = _series_rows(telemetry, series)
    spec = deepcopy(_drawing(language))
    spec["datasets"] = {
        "series": [row for row in rows if row["t"] is None or row["t"] >= span_ms[0]],
        **_limit_rows(signal),
        "regimes": _regime_rows(bands, plan, span_ms, language),
        "alarms": _alarm_rows(alarms, span_ms, language),
        "frame": [{"t": edge} for edge in span_ms],
    }
    return spec


@cache
def _drawing(language: Language) -> Spec:
    """The chart without its data: the same for all signals, and dear to put together."""

    def t(key: str) -> str:
        return say(key, language)

    x = alt.X("t:T", title=None, axis=_time_axis(), scale=alt.Scale(nice=False))
    y = alt.Y("avg:Q", title=None, scale=alt.Scale(zero=False, nice=True), axis=_value_axis())
    tooltip = [
        alt.Tooltip("t:T", title=t("chart_time"), format="%Y-%m-%d %H:%M:%S"),
        *(
            alt.Tooltip(f"{field}:Q", title=t(f"chart_{name}"), format=",.4~g")
            for field, name in (("avg", "mean"), ("min", "min"), ("max", "max"))
        ),
    ]
    series_data = alt.NamedData("series")
    layers: list[Any] = [
        _regimes(),
        *_limits(),
        alt.Chart(series_data)
        .mark_area(color=BAND, opacity=0.22, interpolate="monotone")
        .encode(x=x, y=alt.Y("min:Q", title=None), y2="max:Q"),
        alt.Chart(series_data).mark_line(color=LINE, strokeWidth=1.6).encode(x=x, y=y),
        alt.Chart(series_data)
        .mark_point(size=120, opacity=0, filled=True)
        .encode(x=x, y=y, tooltip=tooltip),
        _alarm_marks(t("alarm")),
        # Two points that are not drawn hold the axis to the chosen time.
        alt.Chart(alt.NamedData("frame")).mark_point(opacity=0).encode(x=x),
    ]
    return finish(alt.layer(*layers).properties(width="container", height=SIGNAL_HEIGHT))


def add_windows(
    spec: Spec,
    windows: Sequence[tuple[Sequence[Json], str, str]],
    span_ms: tuple[float, float],
) -> None:
    """Draw when alarms stood as bars at the foot of a chart, one row for each group of (alarms,
    name, colour); one that has not cleared reaches to the end."""
    for row, (alarms, name, color) in enumerate(windows):
        data = [
            {
                "t": max(epoch_ms(one["raised_at"]), span_ms[0]),
                "end": min(epoch_ms(one["cleared_at"]), span_ms[1])
                if one["cleared_at"]
                else span_ms[1],
                "name": name,
            }
            for one in alarms
            if epoch_ms(one["raised_at"]) <= span_ms[1]
            and (one["cleared_at"] is None or epoch_ms(one["cleared_at"]) >= span_ms[0])
        ]
        spec["datasets"][f"windows_{row}"] = data or [{"t": None, "end": None, "name": name}]
        spec["layer"].append(
            {
                "data": {"name": f"windows_{row}"},
                "mark": {"type": "rect", "color": color, "opacity": 0.85},
                "encoding": {
                    "x": {"field": "t", "type": "temporal"},
                    "x2": {"field": "end"},
                    "y": {"value": {"expr": f"height - {7 * (2 - row)}"}},
                    "y2": {"value": {"expr": f"height - {7 * (2 - row) - 5}"}},
                    "tooltip": [{"field": "name", "type": "nominal", "title": " "}],
                },
            }
        )


def finish(chart: Any) -> Spec:
    """The chart as Vega-Lite with the look that all charts share."""
    configured = chart.configure(
        background="transparent",
        font=FONT,
        padding={"left": 4, "right": 8, "top": 6, "bottom": 2},
        view=alt.ViewConfig(stroke=None),
    )
    spec: Spec = configured.to_dict()
    return spec


def _time_axis() -> alt.Axis:
    return alt.Axis(
        labelExpr=_TIME_LABEL, labelColor=INK, gridColor=GRID, tickCount=8, domainColor=GRID,
        labelOverlap=True,  # on a phone every other one has room
    )  # fmt: skip


def _value_axis() -> alt.Axis:
    # One width for all charts, or their times would not stand below each other.
    return alt.Axis(
        labelColor=INK, gridColor=GRID, tickCount=4, minExtent=52, maxExtent=52, domain=False
    )


def _series_rows(telemetry: Json, series: Json) -> list[Json]:
    columns = zip(telemetry["times"], series["avg"], series["min"], series["max"], strict=False)
    rows: list[Json] = []
    for time, mean, low, high in columns:
        # One empty row per gap breaks the line; more would say nothing.
        if mean is None and (not rows or rows[-1]["avg"] is None):
            continue
        rows.append({"t": epoch_ms(time), "avg": mean, "min": low, "max": high})
    return rows or [{"t": None, "avg": None, "min": None, "max": None}]


def _regimes() -> Any:
    return (
        alt.Chart(alt.NamedData("regimes"))
        .mark_rect(opacity=0.13)
        .encode(
            x="t:T",
            x2="end:T",
            color=alt.Color("color:N", scale=None),
            tooltip=[alt.Tooltip("name:N", title=" ")],
        )
    )


def _limits() -> list[Any]:
    """The normal band, the warning limits and the alarm limits."""
    band = (
        alt.Chart(alt.NamedData("normal"))
        .mark_rect(color="#64748b", opacity=0.12)
        .encode(y=alt.Y("low:Q", title=None), y2="high:Q")
    )
    rules = [
        alt.Chart(alt.NamedData(grade))
        .mark_rule(color=HEALTH_COLORS[health], strokeDash=dash, strokeWidth=1.4)
        .encode(y=alt.Y("limit:Q", title=None))
        for grade, health, dash in (("warn", "warning", [5, 4]), ("alarm", "alarm", [1, 0]))
    ]
    return [band, *rules]


def _limit_rows(signal: Json) -> dict[str, list[Json]]:
    low, high = signal["normal"] or (None, None)
    rows: dict[str, list[Json]] = {"normal": [{"low": low, "high": high}]}
    for grade in ("warn", "alarm"):
        bounds = signal[grade] or {}
        rows[grade] = [{"limit": bounds.get(side)} for side in ("above", "below")]
    return rows


def _alarm_marks(title: str) -> Any:
    data = alt.NamedData("alarms")
    color = alt.Color("color:N", scale=None)
    tooltip = [alt.Tooltip("name:N", title=title)]
    rule = alt.Chart(data).mark_rule(strokeWidth=1.4, opacity=0.8)
    sign = alt.Chart(data).mark_point(shape="triangle-down", filled=True, size=90)
    return alt.layer(
        rule.encode(x="t:T", color=color, tooltip=tooltip),
        sign.encode(x="t:T", y=alt.value(4), color=color, tooltip=tooltip),
    )


def _regime_rows(
    bands: Sequence[Json], plan: Json, span_ms: tuple[float, float], language: Language
) -> list[Json]:
    known = {regime["id"]: regime for regime in plan["regimes"]}
    rows = []
    for band in bands:
        regime = known.get(band["regime"])
        begin = max(epoch_ms(band["begin"]), span_ms[0])
        end = min(epoch_ms(band["end"]), span_ms[1])
        if regime is not None and begin < end:
            name = regime["name"][language]
            rows.append({"t": begin, "end": end, "color": regime["color"], "name": name})
    return rows or [{"t": None, "end": None, "color": "#ffffff", "name": ""}]


def _alarm_rows(
    alarms: Iterable[Json], span_ms: tuple[float, float], language: Language
) -> list[Json]:
    rows = [
        {
            "t": epoch_ms(alarm["raised_at"]),
            "name": alarm["name"][language],
            "color": HEALTH_COLORS[
                {1: "unknown", 2: "warning", 3: "alarm", 4: "stop"}[alarm["severity"]]
            ],
        }
        for alarm in alarms
        if span_ms[0] <= epoch_ms(alarm["raised_at"]) <= span_ms[1]
    ]
    return rows or [{"t": None, "name": "", "color": "#ffffff"}]
