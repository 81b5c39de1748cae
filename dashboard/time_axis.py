"""A time axis of some months on which remaining lives are drawn with their intervals."""

from __future__ import annotations

from datetime import datetime, timedelta

from dashboard import visit
from dashboard.client import Json
from dashboard.formats import parse_time
from dashboard.markup import Html, tag
from dashboard.visit import t

#: The axis reaches from some days back to so many days ahead.
BACK = timedelta(days=10)
AHEAD = timedelta(days=110)
STEPS = 4


def place(moment: datetime, now: datetime) -> float:
    """Where a moment lies on the axis, in per cent of its length."""
    return min(max((moment - (now - BACK)) / (BACK + AHEAD), 0.0), 1.0) * 100


def axis(now: datetime) -> Html:
    """The axis itself, with today and some dates."""
    marks = [(now, t("today"))]
    for step in range(1, STEPS):
        moment = now + AHEAD / STEPS * step
        marks.append((moment, moment.astimezone(visit.zone()).strftime("%m-%d")))
    return tag(
        "div",
        *(tag("span", name, style=f"left:{place(at, now):.1f}%") for at, name in marks),
        class_="ip-axis",
    )


def interval(life: Json | None, now: datetime, otherwise: str, order_by: str | None = None) -> Html:
    """P10 to P90 as a bar, P50 as a dot, the date to order by as a mark, and the dates in words;
    `otherwise` are the words where no date is known."""
    parts: list[object] = []
    words = otherwise
    if life is not None and life["due_p10"]:
        low = place(parse_time(life["due_p10"]), now)
        high = place(parse_time(life["due_p90"]), now) if life["due_p90"] else 100.0
        parts.append(tag("b", style=f"left:{low:.1f}%;width:{high - low:.1f}%"))
        if life["due_p50"] and parse_time(life["due_p50"]) <= now + AHEAD:
            middle = place(parse_time(life["due_p50"]), now)
            parts.append(tag("i", style=f"left:{middle:.1f}%"))
        words = " · ".join(
            f"{t(q)} {visit.day(life[f'due_{q}']) if life[f'due_{q}'] else t('beyond')}"
            for q in ("p10", "p50", "p90")
        )
    if order_by is not None:
        parts.append(tag("u", style=f"left:{place(parse_time(order_by), now):.1f}%"))
    bar = tag("div", *parts, class_="ip-span")
    return tag("div", bar, tag("div", words, class_="ip-small ip-muted"), title=words)
