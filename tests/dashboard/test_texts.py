"""Every text of the dashboard exists in both languages and is used."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

import dashboard
from dashboard.texts import TEXTS, say

SOURCES = [path.read_text("utf-8") for path in Path(dashboard.__path__[0]).rglob("*.py")]
#: The same in both languages, because they are.
SAME = {"p10", "p50", "p90", "answered_by", "used_of"}


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_both_languages_say_something_and_fill_in_the_same(key: str) -> None:
    english, chinese = TEXTS[key]
    assert english.strip()
    assert chinese.strip()
    assert key in SAME or re.search(r"[\u4e00-\u9fff]", chinese)
    assert not re.search(r"[\u4e00-\u9fff]", english)
    assert _placeholders(english) == _placeholders(chinese)


def test_no_text_that_the_pages_ask_for_is_missing() -> None:
    asked = {
        key for source in SOURCES for key in re.findall(r"""\bt\(\s*["']([a-z0-9_]+)""", source)
    }
    assert len(asked) > 100
    assert asked <= TEXTS.keys()


def test_no_text_is_left_over() -> None:
    written = " ".join(SOURCES)
    named = set(re.findall(r"""["']([a-z0-9_]+)["']""", _without_texts()))
    begun = set(re.findall(r"""\bt\(f["']([a-z]+_)\{""", written))
    left = {k for k in TEXTS if k not in named and not k.startswith(tuple(begun))}
    assert left == set()


def test_values_are_filled_in() -> None:
    assert say("late_by", "en", span="2 h") == "2 h late"
    assert say("late_by", "zh", span="2 小时") == "超时 2 小时"


def _without_texts() -> str:
    return " ".join(source for source in SOURCES if "TEXTS: dict" not in source)
