"""Reading expressions: what the language has, and where a mistake is."""

from __future__ import annotations

import ast

import pytest

from fleet.calls import Window, parse_window, text_of
from fleet.errors import ExpressionError
from fleet.expression import parse

KNOWN = ("oil_temp_c", "eng_speed_rpm", "limit")


def test_names_and_the_longest_window() -> None:
    found = parse('avg(oil_temp_c, "10min") > limit and low(eng_speed_rpm, "60s") > 0', KNOWN)
    assert found.names == {"oil_temp_c", "eng_speed_rpm", "limit"}
    assert found.lookback_ms == 600_000
    assert parse("oil_temp_c > 85", KNOWN).lookback_ms == 0


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("60s", Window(60_000, False)),
        ("10min", Window(600_000, False)),
        ("1.5h", Window(5_400_000, False)),
        ("7d", Window(604_800_000, False)),
        ("8 op_h", Window(28_800_000, True)),
        ("30op_min", Window(1_800_000, True)),
        ("since h250", Window(0, False, "h250")),
    ],
)
def test_windows(text: str, window: Window) -> None:
    assert parse_window(text) == window


def test_min_and_max_with_a_window_are_low_and_high() -> None:
    found = parse('min(oil_temp_c, "10min") > 3 and max(oil_temp_c, limit) > 3', KNOWN)
    assert found.lookback_ms == 600_000
    assert "low(oil_temp_c, '10min')" in ast.unparse(found.tree)


def test_what_is_remembered_is_told_apart() -> None:
    text = (
        'avg(oil_temp_c, "8 op_h") > baseline(oil_temp_c) + avg(limit, "5min")'
        ' or hours(oil_temp_c > 80, "since h250") > 20'
    )
    found = parse(text, KNOWN)
    assert [text_of(call) for call in found.remembered] == [
        "avg(oil_temp_c, '8 op_h')",
        "baseline(oil_temp_c)",
        "hours(oil_temp_c > 80, 'since h250')",
    ]
    assert found.lookback_ms == 300_000
    assert not found.momentary


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("oil_temp > 85", 1, "did you mean oil_temp_c"),
        ("oil_temp_c > 85 and oil_temp < 3", 21, "unknown name oil_temp"),
        ("oil_temp_c >", 12, "missing at its end"),
        ("", 1, "there is no expression"),
        ("oil_temp_c > 5 # hot\nand limit > 3", 16, "a comment would swallow"),
        ("(oil_temp_c) % 2 > 1", 14, "% is not part"),
        ("limit > 1 and +oil_temp_c > 2", 15, "a sign [+] is not part"),
        ("limit > 3 and oil_temp_c in (1, 2)", 26, "write x == 1 or x == 2"),
        ("oil_temp_c > 1,5", 1, "a decimal is written 1.5"),
        ("oil_temp_c > 1 && limit > 2", 16, "write and"),
        ("oil_temp_c > 1 OR limit > 2", 16, "write or"),
        ("oil_temp_c = 1", 12, "write =="),
        ("oil_temp_c ≥ 80", 12, "write >="),
        ("oil_temp_c > 80 °C", 17, "numbers without a unit"),
        ("oil_temp_c > 80 C and limit > 3", 17, "C behind a number; write numbers without a unit"),
        ("limit > 15%", 11, "numbers without a unit"),
        ("avg(oil_temp_c, 10min) > 3", 17, 'a window stands in quotes: write "10min"'),
        ("oil_temp_c > 80 oder limit > 3", 17, "between two values stands an operator"),
        ("regime > 3", 1, "`regimes` of the rule says in which it is judged"),
        ("oil_temp_c != null", 15, "what is missing is unknown"),
        ("hoist > 3", 1, "unknown name hoist: there is no such signal or parameter"),
        ('mean(oil_temp_c, "5s")', 1, "did you mean avg"),
        ('avg(oil_temp_c, window="5s")', 17, "takes no names"),
        ('avg(oil_temp_c, "３min") > 温度', 17, "is no window"),
        ("油温 > 3 and oil_temp > 3", 1, "unknown name 油温"),
        ('avg(oil_temp_c, "' + "9" * 400 + 'd")', 17, "longer than ten years"),
        ("+".join(["limit"] * 150), 1, "nested deeper"),
        ("oil_temp_c if limit else 3", 1, "not part of the rule language"),
        ("oil_temp_c > 'hot'", 14, "is no number"),
        ("sqrt(oil_temp_c)", 1, "unknown function sqrt"),
        ("oil_temp_c.real", 1, "not part of the rule language"),
        ('avg(oil_temp_c, "10 minutes")', 17, "did you mean 10min"),
        ('avg(oil_temp_c, "8 oph")', 17, "did you mean 8 op_h"),
        ('avg(oil_temp_c, "long")', 17, "no window"),
        ('avg(oil_temp_c, "0s")', 17, "is empty"),
        ('avg(oil_temp_c, "since h250")', 17, "hours, count, growth are"),
        ('growth(limit, "since")', 15, "no window"),
        ('hours(growth(limit, "since a") > 1, "24h")', 7, "inside another window"),
        ('averag(oil_temp_c, "5s")', 1, "did you mean avg"),
        ('baseline(oil_temp_c, "5h")', 22, "learns from operating hours"),
        ('baseline(avg(oil_temp_c, "5s"))', 10, "inside baseline"),
        ('peers(oil_temp_c, "5h")', 1, "takes one value"),
        ("asym(oil_temp_c)", 1, "left and right"),
        ("where(oil_temp_c)", 1, "a value, a condition"),
        ("avg(oil_temp_c)", 1, "takes a value and a window"),
        ('avg(high(oil_temp_c, "5s"), "60s")', 5, "inside another window"),
        ("abs(oil_temp_c, limit)", 1, "takes one value"),
        ("__import__('os')", 1, "unknown function"),
        ("oil_temp_c > 1" + "0" * 400, 14, "larger than"),
        ("-" * 5000 + "1", 1, "nested too deep"),
        ("oil_temp_c > \ud800", 1, "no text"),
    ],
)
def test_a_mistake_is_told_with_its_column(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        parse(text, KNOWN)
    assert caught.value.column == column
