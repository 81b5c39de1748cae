"""Reading expressions: what the language has, and where a mistake is."""

from __future__ import annotations

import pytest

from fleet.errors import ExpressionError
from fleet.expression import parse, parse_duration_ms

KNOWN = ("oil_temp_c", "eng_speed_rpm", "limit")


def test_names_and_the_longest_window() -> None:
    found = parse('avg(oil_temp_c, "10min") > limit and low(eng_speed_rpm, "60s") > 0', KNOWN)
    assert found.names == {"oil_temp_c", "eng_speed_rpm", "limit"}
    assert found.lookback_ms == 600_000
    assert parse("oil_temp_c > 85", KNOWN).lookback_ms == 0


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("60s", 60_000), ("10min", 600_000), ("1.5h", 5_400_000), ("7d", 604_800_000)],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert parse_duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("oil_temp > 85", 1, "did you mean oil_temp_c"),
        ("oil_temp_c > 85 and oil_temp < 3", 21, "unknown name oil_temp"),
        ("oil_temp_c >", 13, "cannot read"),
        ("oil_temp_c if limit else 3", 1, "not part of the rule language"),
        ("oil_temp_c > 'hot'", 14, "is no number"),
        ("sqrt(oil_temp_c)", 1, "unknown function sqrt"),
        ("oil_temp_c.real", 1, "not part of the rule language"),
        ('avg(oil_temp_c, "10 minutes")', 1, "no duration"),
        ('avg(oil_temp_c, "0s")', 1, "is empty"),
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
