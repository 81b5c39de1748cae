"""The life curve of a kind of part: share that lasts longer, with the parts in service on it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt

from dashboard.charts import FONT, GRID, INK, LINE, Spec
from dashboard.client import Json
from dashboard.formats import Language
from dashboard.texts import say

_HEIGHT = 260
_WORN = "#c2410c"


def life_chart(life: Json, fitted: Sequence[Json], unit: str, language: Language) -> Spec:
    """Vega-Lite of a kind of part (`GET /parts/lives`) and the parts in service (`/parts/fitted`),
    each at its use; `unit` as people read it."""

    def t(key: str) -> str:
        return say(key, language)

    curve = [{"use": use, "share": share} for use, share in [(0.0, 1.0), *life["curve"]]]
    x = alt.X("use:Q", title=f"{t('used')} ({unit})", axis=alt.Axis(format=",.0f", tickCount=8))
    y = alt.Y("share:Q", title=t("lasts_longer"), axis=alt.Axis(format="%"),
              scale=alt.Scale(domain=[0, 1]))  # fmt: skip
    line = (
        alt.Chart(alt.InlineData(values=curve))
        .mark_line(color=LINE, strokeWidth=2)
        .encode(x=x, y=y)
    )
    points = alt.Chart(alt.InlineData(values=_places(life, fitted))).mark_circle(
        size=55, color=_WORN, opacity=0.55
    )
    placed = points.encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("serial:N", title=t("machine")),
            alt.Tooltip("position:N", title=t("part")),
            alt.Tooltip("use:Q", title=t("used"), format=",.0f"),
            alt.Tooltip("share:Q", title=t("lasts_longer"), format=".0%"),
        ],
    )
    plan = alt.Chart(alt.InlineData(values=[{"use": life["plan_mid"], "name": t("plan_life")}]))
    rule = plan.mark_rule(color=INK, strokeDash=[4, 3]).encode(
        x="use:Q", tooltip=[alt.Tooltip("name:N", title=""), alt.Tooltip("use:Q", format=",.0f")]
    )
    layers = [line, placed] if life["plan_mid"] is None else [rule, line, placed]
    spec: Spec = (
        alt.layer(*layers)
        .properties(width="container", height=_HEIGHT)
        .configure(font=FONT, background="transparent")
        .configure_axis(gridColor=GRID, labelColor=INK, titleColor=INK)
        .configure_view(stroke=None)
        .to_dict()
    )
    return spec


def _places(life: Json, fitted: Sequence[Json]) -> list[dict[str, Any]]:
    """Where each part in service stands on the curve."""
    points: list[tuple[float, float]] = [(0.0, 1.0), *life["curve"]]
    return [
        {
            "use": part["used"],
            "share": _share(points, part["used"]),
            "serial": part["serial"],
            "position": part["position"],
        }
        for part in fitted
        if part["used"] is not None
    ]


def _share(points: Sequence[tuple[float, float]], use: float) -> float:
    for (low, more), (high, less) in pairwise(points):
        if use <= high:
            return more + (less - more) * (use - low) / max(high - low, 1e-9)
    return points[-1][1]
