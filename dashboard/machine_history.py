"""A machine's signals over time, with limits, working states and alarms drawn in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from dashboard import charts, formats, markup, visit
from dashboard.choice import segment, several
from dashboard.client import Json
from dashboard.markup import HEALTH_COLORS, tag
from dashboard.visit import t

EVERY_S = 10
RANGES_H = (1, 6, 24, 168, 720, 2160)
USUAL_HOURS = 6
#: So many steps are drawn: about one for every three pixels of a wide screen.
STEPS = 480
USUAL_CHARTS, MOST_CHARTS = 3, 6
MOST_ALARMS = 200


def draw(machine: Json) -> None:
    """The choice of signals and range, and a chart of each."""
    plan = visit.product(machine["product"]["id"])
    names = {s["key"]: _label(s) for s in plan["signals"] if s["kind"] != "enum"}
    with st.container(key="history_card", gap="xsmall"):
        st.html(str(markup.heading(t("history"))))
        left, right = st.columns([2, 1.2], vertical_alignment="bottom")
        with left:
            keys = several(
                t("signals"), f"signals_{machine['serial']}", list(names), names.__getitem__,
                _telling(machine), MOST_CHARTS,
            )  # fmt: skip
        with right:
            hours = segment(t("range"), "range", RANGES_H, lambda h: t(f"range_{h}"), USUAL_HOURS)
        if keys:
            _charts(machine["serial"], plan, tuple(keys), hours, machine["retired_at"])
        else:
            st.caption(t("choose_signals"))


def alarms_of(serial: str) -> list[Json]:
    """The latest alarms of a machine, the newest first."""
    found: list[Json] = visit.lately("/alarms", machine=serial, limit=MOST_ALARMS)["items"]
    return found


def _telling(machine: Json) -> list[str]:
    """The signals worth a look first: those of standing alarms, then the plan's headlines."""
    drawable = [s for s in machine["signals"] if s["kind"] == "gauge" and s["value"] is not None]
    known = [signal["key"] for signal in drawable]
    alarmed = [key for alarm in machine["alarms"] for key in alarm["shows"] if key in known]
    headlines = [signal["key"] for signal in drawable if signal["headline"]]
    return list(dict.fromkeys([*alarmed, *headlines]))[:USUAL_CHARTS]


def _label(signal: Json) -> str:
    name = visit.pick(signal["name"])
    return f"{name} ({signal['unit']})" if signal["unit"] else name


@st.fragment(run_every=EVERY_S)
def _charts(
    serial: str, plan: Json, keys: tuple[str, ...], hours: int, retired_at: str | None
) -> None:
    """Up to now, or to the day the machine left the fleet."""
    end = formats.parse_time(retired_at) if retired_at else datetime.now(UTC)
    begin = end - timedelta(hours=hours)
    when = {"from": begin.isoformat(), "to": end.isoformat(), "step": hours * 3600 / STEPS}
    with visit.answers():
        telemetry = visit.client().get(
            f"/machines/{serial}/telemetry", signals=",".join(keys), **when
        )
        bands = visit.client().get(f"/machines/{serial}/regimes", **when)["bands"]
        alarms = alarms_of(serial)
        _legend(plan, bands, telemetry["step_s"])
        span_ms = (begin.timestamp() * 1000, end.timestamp() * 1000)
        signals = {signal["key"]: signal for signal in plan["signals"]}
        for key in keys:
            st.html(str(markup.label(_label(signals[key]))))
            values = telemetry["signals"].get(key, {"avg": []})["avg"]
            if all(value is None for value in values):
                st.caption(t("no_data"))
                continue
            spec = charts.signal_chart(
                signals[key], telemetry, bands, alarms, span_ms, plan, visit.language()
            )
            st.vega_lite_chart(spec, width="stretch", theme=None, key=f"chart_{serial}_{key}")


def _legend(plan: Json, bands: list[Json], step_s: float) -> None:
    seen = {band["regime"] for band in bands}
    regimes = [
        tag(
            "span",
            tag("span", class_="ip-swatch", style=f"background:{regime['color']}"),
            visit.pick(regime["name"]),
        )
        for regime in plan["regimes"]
        if regime["id"] in seen
    ]
    lines = [
        tag("span", tag("span", class_="ip-key-line", style=f"color:{color};{style}"), label)
        for color, style, label in (
            (HEALTH_COLORS["warning"], "border-top-style:dashed", t("chart_warn")),
            (HEALTH_COLORS["alarm"], "", t("chart_alarm")),
        )
    ]
    step = formats.span(step_s, visit.language())
    mean = tag(
        "span",
        tag("span", class_="ip-key-line", style=f"color:{charts.LINE}"),
        t("mean_and_range", step=step),
    )
    band = tag(
        "span",
        tag("span", class_="ip-swatch", style="background:#e2e6eb"),
        t("chart_normal"),
    )
    st.html(str(tag("div", mean, band, *lines, *regimes, class_="ip-legend")))
