"""Sentences about bad messages: both languages name the same things, and each one is used."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from string import Formatter

import numpy as np
import pytest

from ingest import sentences
from ingest.quality import judge_times
from ingest.reasons import REJECTED
from ingest.sentences import SENTENCES, joined, say
from ingest.topics import faults_topic, telemetry_topic
from tests.ingest.decoding import NOW, marks, message, read, rows

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "operation.md"
SOURCES = [
    path.read_text(encoding="utf-8")
    for path in Path(sentences.__file__).parent.rglob("*.py")
    if path.name != "sentences.py"
]
#: Times are judged by the word of their reason.
OF_TIMES = {reason for reason, _ in judge_times(*[np.zeros(1, np.int64)] * 2)}


GOOD = b'{"ts":%d,"values":{"fuel_pct":40}}' % NOW
TELEMETRY = telemetry_topic("P-1")
#: Bad inputs as people meet them: what it is in both languages, topic, bytes.
BAD = (
    ("no JSON", TELEMETRY, b"fuel 40"),
    ("JSON that is no telemetry", TELEMETRY, b'{"fuel_pct":40}'),
    ("a megabyte of brackets", TELEMETRY, b"[" * 2**20),
    ("not a number", TELEMETRY, b'{"ts":%d,"values":{"fuel_pct":NaN}}' % NOW),
    ("a key twice", TELEMETRY, b'{"ts":%d,"values":{"fuel_pct":40,"fuel_pct":41}}' % NOW),
    ("a topic that is none", "ironpulse/v1/P-1/telemetri", GOOD),
    ("a machine nobody registered", telemetry_topic("P-9"), GOOD),
    ("10 MB", TELEMETRY, b" " * 10 * 2**20),
    ("4 KB that unpack to 16 MB", TELEMETRY, gzip.compress(bytes(2**24))),
    ("a million samples of nothing", TELEMETRY, b"[" + b"{}," * 10**6 + b"{}]"),
    ("a clock that was never set", TELEMETRY, b'{"ts":5000,"values":{}}'),
    ("trouble codes without a number", faults_topic("P-1"), b'{"ts":%d,"active":[{}]}' % NOW),
)


@pytest.mark.parametrize(("name", "topic", "data"), BAD)
def test_what_people_see_of_a_bad_input_is_what_the_documentation_says(
    name: str, topic: str, data: bytes
) -> None:
    (rejection,) = read(message(data, topic)).rejections
    reason, detail = rejection.reason, rejection.detail
    row = f"| {name} | `{reason}` {REJECTED[reason].en}: {detail.en} | {REJECTED[reason].zh}："
    assert f"{row}{detail.zh} |" in DOCUMENTATION.read_text(encoding="utf-8")


def test_a_number_as_text_is_marked_and_the_rest_of_the_sample_kept() -> None:
    data = b'{"ts":%d,"values":{"fuel_pct":40,"oil_temp_c":"61.5"}}' % NOW
    decoded = read(message(data))
    assert rows(decoded) == [(1, 0, {"fuel_pct": 40.0})] and not decoded.rejections
    assert marks(decoded) == [("oil_temp_c", "wrong_type", [0])]


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
