"""Telemetry of a message gathered: whole shapes at once, and value by value where they are none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import msgspec

from ingest import tolerant
from ingest.blocks import Gathering
from ingest.formats import JSON, MOST_SAMPLES, Format
from ingest.plain import Time
from ingest.reasons import Unusable
from ingest.sentences import say
from ingest.tolerant import Flawed


class _Sample(msgspec.Struct):
    ts: Time
    values: dict[str, float | None]


class _Columns(msgspec.Struct):
    ts: list[Time]
    values: dict[str, list[float | None]]


_SAMPLES = msgspec.json.Decoder(_Sample | list[_Sample])
_COLUMNS = msgspec.json.Decoder(_Columns)
_COLUMNS_BEGIN = b'{"ts":['
#: More different lists of signals than this are in no message of a device: each is a block of its
#: own until the columns are put together.
_MOST_LISTS = 1_000
_NO_FLAWS: tuple[list[Flawed], int] = ([], 0)


def gather(
    gathering: Gathering, number: int, form: Format, data: bytes, flags: frozenset[str]
) -> tuple[list[Flawed], int]:
    """Gather the samples of message `number`; returns those that are none, and the number of all.

    `flags` are the signals that may be true or false. Raises Unusable where the message as a
    whole is no telemetry.
    """
    if form is JSON:
        if _gather_text(gathering, number, data):
            return _NO_FLAWS
        value = form.value(data)
    else:
        value = form.value(data)
        if _gather_value(gathering, number, value):
            return _NO_FLAWS
    found = tolerant.read_telemetry(value, flags)
    _refuse_many_lists([each for each in found if isinstance(each, tolerant.Reading)])
    for sample in found:
        if isinstance(sample, tolerant.Reading):
            block = gathering.block(tuple(sample.values))
            block.add(number, sample.place, sample.ts, sample.values.values())
            for signal in sample.flaws:
                block.flaw(signal)
    return [sample for sample in found if isinstance(sample, Flawed)], len(found)


def _gather_text(gathering: Gathering, number: int, text: bytes) -> bool:
    """Gather a message of clean JSON; False where it is none, and nothing was gathered.

    A key that stands twice has left a colon too many behind. Other reasons for one (further
    fields, a colon in a name) cost a second reading.
    """
    if text.startswith(_COLUMNS_BEGIN):
        return _gather_columns_text(gathering, number, text)
    try:
        found = _SAMPLES.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _gather_columns_text(gathering, number, text)
    samples = found if type(found) is list else (found,)
    sizes = [len(sample.values) for sample in samples]
    clean = text.count(b":") == sum(sizes) + 2 * len(sizes)
    if not clean or not _are_sizes(sizes):
        return False
    _add_samples(gathering, number, samples)
    return True


def _gather_columns_text(gathering: Gathering, number: int, text: bytes) -> bool:
    try:
        found = _COLUMNS.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    if text.count(b":") != len(found.values) + 2:
        return False
    return _add_columns(gathering, number, found)


def _gather_value(gathering: Gathering, number: int, value: Any) -> bool:
    """The same for a value whose keys are known to be single."""
    try:
        found = msgspec.convert(value, _Sample | list[_Sample])
    except msgspec.ValidationError:
        return _gather_columns_value(gathering, number, value)
    samples = found if type(found) is list else (found,)
    sizes = [len(sample.values) for sample in samples]
    if not _are_sizes(sizes):
        return False
    if not all(_are_numbers(sample.values.values()) for sample in samples):
        return False
    _add_samples(gathering, number, samples)
    return True


def _gather_columns_value(gathering: Gathering, number: int, value: Any) -> bool:
    try:
        found = msgspec.convert(value, _Columns)
    except msgspec.ValidationError:
        return False
    if not all(map(_are_numbers, found.values.values())):
        return False
    return _add_columns(gathering, number, found)


def _are_sizes(sizes: list[int]) -> bool:
    """Whether there are samples, not too many, and none of them too large."""
    return 0 < len(sizes) <= MOST_SAMPLES and max(sizes) <= tolerant.MOST_VALUES


def _refuse_many_lists(samples: Sequence[Any]) -> None:
    if len(samples) > _MOST_LISTS:
        lists = {tuple(sample.values) for sample in samples}
        if len(lists) > _MOST_LISTS:
            raise Unusable("not_telemetry", say("too_many_lists", most=_MOST_LISTS))


def _are_numbers(values: Iterable[float | None]) -> bool:
    """Whether none of them is CBOR's "not a number", which is to be marked."""
    return all(value == value for value in values)


def _add_samples(gathering: Gathering, number: int, samples: Sequence[_Sample]) -> None:
    _refuse_many_lists(samples)
    for place, sample in enumerate(samples):
        block = gathering.block(tuple(sample.values))
        block.add(number, place, sample.ts, sample.values.values())


def _add_columns(gathering: Gathering, number: int, found: _Columns) -> bool:
    size = len(found.ts)
    columns = list(found.values.values())
    if (
        not 0 < size <= MOST_SAMPLES
        or len(columns) > tolerant.MOST_VALUES
        or any(len(column) != size for column in columns)
    ):
        return False
    block = gathering.block(tuple(found.values))
    block.values.extend(chain.from_iterable(zip(*columns, strict=True)))
    block.times.extend(found.ts)
    block.messages.extend([number] * size)
    block.places.extend(range(size))
    return True
