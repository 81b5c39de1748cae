"""Expected and seen of a signal that carries a learned detector's finding, over time."""

from __future__ import annotations

import altair as alt

from dashboard.charts import GRID, INK, LINE, Spec, epoch_ms, finish
from dashboard.client import Json
from dashboard.formats import Language
from dashboard.texts import say

_HEIGHT = 150
_EXPECTED = "#c2410c"
#: Longer without a stretch, and the lines are broken.
_GAP_MS = 3 * 3_600_000


def course_chart(course: Json, one: Json, alarm: Json, unit: str, language: Language) -> Spec:
    """Vega-Lite of one signal of `GET /alarms/{id}/course`; `unit` as people read it."""
    seen, expected = say("course_seen", language), say("course_expected", language)
    rows = [
        *_rows(course["times"], one["expected"], expected),
        *_rows(course["times"], one["seen"], seen),
    ]
    colors = alt.Scale(domain=[seen, expected], range=[LINE, _EXPECTED])
    line = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(strokeWidth=1.6, point=alt.OverlayMarkDef(size=14), clip=True)
        .encode(
            x=alt.X("t:T", title=None, axis=alt.Axis(format="%m-%d", labelColor=INK, gridColor=GRID,
                                                    tickCount="day")),
            y=alt.Y("value:Q", title=unit or None, scale=alt.Scale(zero=False, nice=True),
                    axis=alt.Axis(labelColor=INK, titleColor=INK, gridColor=GRID, tickCount=4)),
            color=alt.Color("name:N", scale=colors,
                            legend=alt.Legend(title=None, orient="top", labelColor=INK)),
            detail="piece:N",
            tooltip=[
                alt.Tooltip("t:T", title=say("chart_time", language), format="%Y-%m-%d %H:%M"),
                alt.Tooltip("name:N", title=" "),
                alt.Tooltip("value:Q", title=unit or " ", format=",.4~g"),
            ],
        )
    )  # fmt: skip
    raised = [{"t": epoch_ms(alarm["raised_at"]), "name": say("raised", language)}]
    mark = (
        alt.Chart(alt.InlineData(values=raised))
        .mark_rule(color=INK, strokeDash=[4, 3])
        .encode(x="t:T", tooltip=[alt.Tooltip("name:N", title=" ")])
    )
    return finish(alt.layer(line, mark).properties(width="container", height=_HEIGHT))


def _rows(times: list[str], values: list[float | None], name: str) -> list[Json]:
    """Points of one line; a pause of the machine begins another piece of it."""
    rows: list[Json] = []
    piece, last = 0, float("-inf")
    for time, value in zip(times, values, strict=True):
        at = epoch_ms(time)
        if value is None:
            continue
        piece += at - last > _GAP_MS
        last = at
        rows.append({"t": at, "value": value, "name": name, "piece": f"{name}{piece}"})
    return rows
