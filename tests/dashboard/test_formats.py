"""Times, ages and numbers as people read them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from dashboard.formats import Language, age, moment, number, plain, share, span

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("seconds", "language", "words"),
    [
        (0.4, "en", "0 s ago"),
        (12, "en", "12 s ago"),
        (12, "zh", "12 秒前"),
        (90, "en", "2 min ago"),
        (3 * 3600, "zh", "3 小时前"),
        (40 * 3600, "en", "2 d ago"),
        (-5, "en", "0 s ago"),
        (None, "zh", "–"),
    ],
)
def test_age(seconds: float | None, language: Language, words: str) -> None:
    assert age(seconds, language) == words


def test_a_span_has_no_direction() -> None:
    assert span(-7200, "en") == span(7200, "en") == "2 h"
    assert span(86400 * 9, "zh") == "9 天"


def test_a_moment_is_shown_in_the_readers_zone() -> None:
    assert moment("2026-11-21T20:15:30.250Z", SHANGHAI) == "2026-11-22 04:15"
    assert moment("2026-11-21T20:15:30.250Z", SHANGHAI, seconds=True) == "2026-11-22 04:15:30"
    assert moment(None, SHANGHAI) == "–"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (61.52, "°C", "61.5 °C"),
        (0.0, "bar", "0 bar"),
        (-3.456, None, "-3.46"),
        (0.0123, "mm", "0.012 mm"),
        (38003.4, "m³", "38,003 m³"),
        (None, "bar", "–"),
    ],
)
def test_number(value: float | None, unit: str | None, words: str) -> None:
    assert number(value, unit) == words


def test_share() -> None:
    assert share(0.825) == "82 %"
    assert share(None) == "–"


def test_a_text_is_no_markdown() -> None:
    assert plain("泵 P-1：油温 **104** °C") == r"泵 P\-1：油温 \*\*104\*\* °C"
    assert plain("[in](http://a.b/) $x$ :red[y] `z`\n# 1") == (
        r"\[in\]\(http\:\/\/a\.b\/\) \$x\$ \:red\[y\] \`z\`" + "\n" + r"\# 1"
    )
