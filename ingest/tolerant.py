"""Telemetry read value by value: the slow way, for messages that the fast one cannot take.

What is good in them is kept: a value that is no number is marked, a sample that is none is
rejected by itself, and only what makes no sense as a whole is rejected as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fleet.text import Text
from ingest.formats import MOST_SAMPLES, short
from ingest.payload import Value
from ingest.reasons import Unusable
from ingest.sentences import say

#: A sample with more values than this is no sample of ours.
MOST_VALUES = 1000
#: Times beyond this many milliseconds are no times, and no double holds them exactly.
MOST_MS = 2**53

Values = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """One readable sample: its place in the message (from 0), `flaws` the names of signals whose
    value is no number."""

    place: int
    ts: int
    values: Values
    flaws: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flawed:
    """One sample that cannot be read: its place, and the sentence that says why with what it
    names. A message may hold a million of them: only the first ones are put into words."""

    place: int
    sentence: str
    value: Any = None
    size: int = 0

    @property
    def detail(self) -> Text:
        """The sentence in both languages."""
        number, value = self.place + 1, short(self.value)
        return say(self.sentence, number=number, value=value, size=self.size, most=MOST_VALUES)


def read_telemetry(value: Any, flags: frozenset[str]) -> list[Reading | Flawed]:
    """The samples of a message. `flags` are the signals that may be true or false.

    Raises Unusable where the message as a whole is no telemetry.
    """
    samples = _samples(value)
    if len(samples) > MOST_SAMPLES:
        raise Unusable("too_large", say("too_many", most=MOST_SAMPLES))
    return [_read_sample(place, sample, flags) for place, sample in enumerate(samples)]


def pick(value: Any, places: Sequence[int]) -> list[Any]:
    """The samples of a readable message at `places`, as a message."""
    samples = _samples(value)
    return [samples[place] for place in places]


def _samples(found: Any) -> list[Any]:
    """The samples of any of the three shapes, each yet to be read."""
    if isinstance(found, list):
        if not found:
            raise Unusable("not_telemetry", say("empty_list"))
        return found
    if not isinstance(found, dict):
        raise Unusable("not_telemetry", say("no_sample", value=short(found)))
    if isinstance(found.get("ts"), list):
        return _rows(found["ts"], found.get("values"))
    return [found]


def _rows(times: list[Any], columns: Any) -> list[Any]:
    if len(times) > MOST_SAMPLES:
        raise Unusable("too_large", say("too_many", most=MOST_SAMPLES))
    if not isinstance(columns, dict):
        raise Unusable("not_telemetry", say("no_columns", value=short(columns)))
    if not times:
        raise Unusable("not_telemetry", say("no_times"))
    for key, column in columns.items():
        if not isinstance(column, list):
            raise Unusable("not_telemetry", say("no_list", key=short(key), times=len(times)))
        if len(column) != len(times):
            sizes = {"size": len(column), "times": len(times)}
            raise Unusable("not_telemetry", say("unequal", key=short(key), **sizes))
    return [
        {"ts": ts, "values": {key: column[place] for key, column in columns.items()}}
        for place, ts in enumerate(times)
    ]


def _read_sample(place: int, sample: Any, flags: frozenset[str]) -> Reading | Flawed:
    if not isinstance(sample, dict):
        return Flawed(place, "sample_none", sample)
    if "ts" not in sample:
        return Flawed(place, "sample_no_time")
    ts = _time(sample["ts"])
    if ts is None:
        return Flawed(place, "sample_time", sample["ts"])
    if "values" not in sample:
        return Flawed(place, "sample_no_values")
    values = sample["values"]
    if not isinstance(values, dict):
        return Flawed(place, "sample_values", values)
    if not all(isinstance(key, str) for key in values):
        return Flawed(place, "sample_key")
    if len(values) > MOST_VALUES:
        return Flawed(place, "sample_size", size=len(values))
    numbers: Values = {}
    flaws = []
    for key, value in values.items():
        number = number_of(value, key in flags)
        if number is None and value is not None:
            flaws.append(key)
        numbers[key] = number
    return Reading(place, ts, numbers, tuple(flaws))


def _time(given: Any) -> int | None:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return int(given) if abs(given) <= MOST_MS and given == int(given) else None


def number_of(value: Value | Any, is_flag: bool) -> float | None:
    """A foreign value as a number; None where it is none. A flag may be true or false."""
    if isinstance(value, bool):
        return float(value) if is_flag else None
    if isinstance(value, int | float):
        try:
            return float(value) if value == value else None  # CBOR has numbers that are none
        except OverflowError:
            return None
    return None
