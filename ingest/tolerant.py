"""Telemetry read value by value: the slow way, for messages that the fast one cannot take.

What is good in them is kept: a value that is no number is marked, a sample that is none is
rejected by itself, and only what makes no sense as a whole is rejected as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest.formats import short
from ingest.payload import Value
from ingest.reasons import Unusable

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
    """One sample that cannot be read: its place, and a sentence that says why."""

    place: int
    detail: str


def read_telemetry(value: Any, flags: frozenset[str]) -> list[Reading | Flawed]:
    """The samples of a message. `flags` are the signals that may be true or false.

    Raises Unusable where the message as a whole is no telemetry.
    """
    return [_read_sample(place, sample, flags) for place, sample in enumerate(_samples(value))]


def pick(value: Any, places: Sequence[int]) -> list[Any]:
    """The samples of a readable message at `places`, as a message."""
    samples = _samples(value)
    return [samples[place] for place in places]


def _samples(found: Any) -> list[Any]:
    """The samples of any of the three shapes, each yet to be read."""
    if isinstance(found, list):
        if not found:
            raise Unusable("not_telemetry", "the list holds no sample")
        return found
    if not isinstance(found, dict):
        raise Unusable("not_telemetry", f"{short(found)} is no sample")
    if isinstance(found.get("ts"), list):
        return _rows(found["ts"], found.get("values"))
    return [found]


def _rows(times: list[Any], columns: Any) -> list[Any]:
    if not isinstance(columns, dict):
        raise Unusable("not_telemetry", f"values is {short(columns)}, not columns")
    if not times:
        raise Unusable("not_telemetry", "ts holds no time")
    for key, column in columns.items():
        if not isinstance(column, list) or len(column) != len(times):
            size = len(column) if isinstance(column, list) else "no list of"
            raise Unusable(
                "not_telemetry", f"{short(key)} has {size} values, ts {len(times)} times"
            )
    return [
        {"ts": ts, "values": {key: column[place] for key, column in columns.items()}}
        for place, ts in enumerate(times)
    ]


def _read_sample(place: int, sample: Any, flags: frozenset[str]) -> Reading | Flawed:
    if not isinstance(sample, dict):
        return Flawed(place, f"sample {place + 1}: {short(sample)} is no sample")
    ts = _time(sample.get("ts"))
    if ts is None:
        given = short(sample["ts"]) if "ts" in sample else "missing"
        return Flawed(place, f"sample {place + 1}: ts is {given}, not milliseconds since 1970")
    values = sample.get("values")
    if not isinstance(values, dict):
        given = short(values) if "values" in sample else "missing"
        return Flawed(place, f"sample {place + 1}: values is {given}, not an object")
    if not all(isinstance(key, str) for key in values):
        return Flawed(place, f"sample {place + 1}: a key of values is no text")
    if len(values) > MOST_VALUES:
        return Flawed(place, f"sample {place + 1} has {len(values)} values, over {MOST_VALUES}")
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
