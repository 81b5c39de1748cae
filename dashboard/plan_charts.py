"""Charts of the parts plan: demand with its uncertainty, stock against demand. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import altair as alt
import numpy as np

from dashboard.charts import BAND, GRID, INK, LINE, Spec, finish
from dashboard.client import Json
from dashboard.formats import Language
from dashboard.texts import say

HEIGHT = 230
_SOURCES = ("worn", "service", "new", "other")
_COLORS = ("#1f5f8b", "#5b9279", "#b07aa1", "#c9b458")
#: What of the demand the shaded bands hold: nine in ten months lie in the outer one.
_OUTER, _INNER = (0.05, 0.95), (0.25, 0.75)


def demand_chart(months: Sequence[Json], language: Language) -> Spec:
    """Demand by month: the expectation by source as bars, the band that nine in ten lie in."""

    def t(key: str) -> str:
        return say(key, language)

    rows: list[Json] = []
    parts: list[Json] = []
    for each in months:
        low, high = _quantiles(np.array(each["chances"]), _OUTER)
        month = each["month"][:7]
        rows.append({"month": month, "low": low, "high": high, "mean": each["mean"]})
        parts += [
            {"month": month, "pieces": each["sources"][source], "order": place,
             "source": t(f"source_{source}")}
            for place, source in enumerate(_SOURCES)
        ]  # fmt: skip
    x = alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelColor=INK, grid=False))
    y = alt.Y("pieces:Q", title=say("pieces", language), axis=_axis())
    names = [t(f"source_{source}") for source in _SOURCES]
    color = alt.Color(
        "source:N",
        title=None,
        scale=alt.Scale(domain=names, range=list(_COLORS)),
        legend=alt.Legend(orient="top", labelColor=INK),
    )
    bars = (
        alt.Chart(_data(parts))
        .mark_bar(size=34)
        .encode(x=x, y=y, color=color, order="order:Q",
                tooltip=["month:O", "source:N", alt.Tooltip("pieces:Q", format=".2f")])
    )  # fmt: skip
    band = (
        alt.Chart(_data(rows))
        .mark_rule(color="#0f172a", strokeWidth=1.8)
        .encode(x=x, y=alt.Y("low:Q", title=say("pieces", language)), y2="high:Q")
    )
    return finish(alt.layer(bars, band).properties(width="container", height=HEIGHT))


def stock_chart(months: Sequence[Json], position: int, planned: int, language: Language) -> Spec:
    """Stock against demand: what is there and what the plan adds, and the demand summed up from
    today on with its bands."""
    rows = [{"month": say("today", language), "mean": 0.0, "low": 0, "high": 0, "inner_low": 0,
             "inner_high": 0, "place": 0}]  # fmt: skip
    total = np.ones(1)
    for place, each in enumerate(months, 1):
        total = np.convolve(total, np.array(each["chances"]))
        low, high = _quantiles(total, _OUTER)
        inner_low, inner_high = _quantiles(total, _INNER)
        rows.append({"month": _end(each["month"]), "mean": float(total @ np.arange(len(total))),
                     "low": low, "high": high, "inner_low": inner_low,
                     "inner_high": inner_high, "place": place})  # fmt: skip
    order = [str(row["month"]) for row in rows]
    x = alt.X("month:O", title=None, sort=order,
              axis=alt.Axis(labelAngle=0, labelColor=INK, grid=False))  # fmt: skip
    base = alt.Chart(_data(rows))
    title = say("pieces", language)
    layers: list[Any] = [
        base.mark_area(color=BAND, opacity=0.16).encode(
            x=x, y=alt.Y("low:Q", title=title, axis=_axis()), y2="high:Q"
        ),
        base.mark_area(color=BAND, opacity=0.24).encode(
            x=x, y=alt.Y("inner_low:Q", title=title), y2="inner_high:Q"
        ),
        base.mark_line(color=LINE, strokeWidth=2).encode(
            x=x, y=alt.Y("mean:Q", title=title), tooltip=["month:O", "mean:Q", "low:Q", "high:Q"]
        ),
    ]
    levels = [
        {"y": position, "name": say("stock_now", language), "color": "#a3123a"},
        {"y": position + planned, "name": say("stock_planned", language), "color": "#2b8a3e"},
    ]
    marks = alt.Chart(_data(levels))
    hue = alt.Color("color:N", scale=None)
    layers += [
        marks.mark_rule(strokeDash=[6, 4], strokeWidth=1.8).encode(y="y:Q", color=hue),
        marks.mark_text(align="right", dx=-4, dy=-7, fontSize=11).encode(
            y="y:Q", x=alt.value("width"), text="name:N", color=hue
        ),
    ]
    return finish(alt.layer(*layers).properties(width="container", height=HEIGHT))


def _quantiles(chances: np.ndarray, levels: tuple[float, float]) -> tuple[int, int]:
    reached = np.cumsum(chances) / max(float(chances.sum()), 1e-12)
    low, high = (int(np.searchsorted(reached, level - 1e-9)) for level in levels)
    return low, high


def _end(month: str) -> str:
    """The first day after a calendar month."""
    first = date.fromisoformat(month)
    return date(first.year + first.month // 12, first.month % 12 + 1, 1).isoformat()


def _data(rows: Sequence[Json]) -> Any:
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]  # as altair has it


def _axis() -> alt.Axis:
    return alt.Axis(labelColor=INK, gridColor=GRID, tickCount=5, domain=False, titleColor=INK)
