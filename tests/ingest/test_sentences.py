"""Sentences about bad messages: both languages name the same things, and each one is used."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import numpy as np
import pytest

from ingest import sentences
from ingest.quality import judge_times
from ingest.sentences import SENTENCES, joined, say

SOURCES = [
    path.read_text(encoding="utf-8")
    for path in Path(sentences.__file__).parent.rglob("*.py")
    if path.name != "sentences.py"
]
#: Times are judged by the word of their reason.
OF_TIMES = {reason for reason, _ in judge_times(*[np.zeros(1, np.int64)] * 2)}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", SENTENCES)
def test_both_languages_name_the_same(key: str) -> None:
    assert places(SENTENCES[key].en) == places(SENTENCES[key].zh)


def test_each_is_used_and_each_that_is_used_is_there() -> None:
    named = re.compile(r'(?:say\(|Flawed\(place, )"(\w+)"')
    used = {key for source in SOURCES for key in named.findall(source)} | OF_TIMES
    assert used == set(SENTENCES)


def test_half_characters_and_brackets_of_others_do_no_harm() -> None:
    said = say("no_machine", serial="\ud800{x}")
    assert said.en == "no machine with serial ?{x} is registered"
    assert joined([said, said]).zh.count("；") == 1
