"""Times, ages, numbers and other people's words as people read them. Pure functions."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

Language = Literal["en", "zh"]
MISSING = "–"

#: Every sign of ASCII means something to Markdown somewhere, and none does behind a backslash.
_SIGN = re.compile(r"[!-/:-@\[-`{-~]")

_AGES: tuple[tuple[float, float, str, str], ...] = (
    # below so many seconds, divide by, English, Chinese
    (90, 1, "{} s ago", "{} 秒前"),
    (90 * 60, 60, "{} min ago", "{} 分钟前"),
    (36 * 3600, 3600, "{} h ago", "{} 小时前"),
    (float("inf"), 86400, "{} d ago", "{} 天前"),
)
_SPANS: tuple[tuple[float, float, str, str], ...] = (
    (90, 1, "{} s", "{} 秒"),
    (90 * 60, 60, "{} min", "{} 分钟"),
    (36 * 3600, 3600, "{} h", "{} 小时"),
    (float("inf"), 86400, "{} d", "{} 天"),
)


def plain(text: str) -> str:
    """Markdown that shows a text as it is: what others wrote makes no links, loads no images."""
    return _SIGN.sub(r"\\\g<0>", text)


def parse_time(text: str) -> datetime:
    """An aware datetime from the API's RFC 3339 text."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def moment(text: str | None, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """A time in the reader's zone, such as `2026-11-21 16:05`; a dash where there is none."""
    if text is None:
        return MISSING
    form = "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"
    return parse_time(text).astimezone(zone).strftime(form)


def age(seconds: float | None, language: Language) -> str:
    """How long ago, such as `12 s ago` or `12 秒前`; a dash where it is not known."""
    return MISSING if seconds is None else _scaled(max(seconds, 0), _AGES, language)


def span(seconds: float | None, language: Language) -> str:
    """How long, such as `3 h` or `3 小时`; a dash where it is not known."""
    return MISSING if seconds is None else _scaled(abs(seconds), _SPANS, language)


def number(value: float | None, unit: str | None = None) -> str:
    """A number with four significant digits at most, thousands separated, and its unit."""
    if value is None:
        return MISSING
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    shown = f"{value:,.{digits}f}"
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return f"{shown} {unit}" if unit else shown


def share(value: float | None) -> str:
    """A share of one in per cent."""
    return MISSING if value is None else f"{value * 100:.0f} %"


def _scaled(
    seconds: float, steps: tuple[tuple[float, float, str, str], ...], language: Language
) -> str:
    _, divisor, english, chinese = next(step for step in steps if seconds < step[0])
    return (chinese if language == "zh" else english).format(round(seconds / divisor))
