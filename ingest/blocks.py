"""Samples gathered as they are read, and put together into columns at the end.

A device sends the same signals in the same order, message after message. So samples are gathered
by their list of keys: each is a handful of list operations, and the columns are made once per
list of keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from fleet.batch import FloatColumn, IntColumn, SampleBatch
from ingest.quality import Mark


@dataclass(slots=True)
class Block:
    """Samples with one list of keys: values row after row (`packed` rows, as bytes of doubles, in a
    block of none but those), and for each row its time, the number of its message and its place in
    that message."""

    keys: tuple[str, ...]
    values: list[float | None] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    packed: list[bytes] = field(default_factory=list)
    flaws: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """Signals whose value cannot be used and why, and the rows of this block where that was so."""

    def add(self, message: int, place: int, ts: int, values: Iterable[float | None]) -> None:
        """Add one sample whose values are in the order of the keys."""
        self.values.extend(values)
        self.times.append(ts)
        self.messages.append(message)
        self.places.append(place)

    def flaw(self, signal: str, reason: str = "wrong_type") -> None:
        """Say that a value of the sample added last is none; it was no number unless said."""
        self.flaws.setdefault((signal, reason), []).append(len(self.times) - 1)

    def matrix(self) -> FloatColumn:
        """The values (rows, keys), NaN where there is none."""
        if self.packed:
            flat = np.frombuffer(b"".join(self.packed))
        else:
            flat = np.array(self.values, np.float64)
        return flat.reshape(len(self.times), len(self.keys))


@dataclass(slots=True)
class Gathering:
    """All samples of one product that are being read."""

    blocks: dict[tuple[str, ...], Block] = field(default_factory=dict)
    packed_blocks: dict[tuple[str, ...], Block] = field(default_factory=dict)

    def block(self, keys: tuple[str, ...]) -> Block:
        """The block of that list of keys."""
        return _of(self.blocks, keys)

    def packed(self, keys: tuple[str, ...]) -> Block:
        """The block of that list of keys for packed rows."""
        return _of(self.packed_blocks, keys)


@dataclass(frozen=True, slots=True)
class Columns:
    """What was gathered, as columns: `messages` and `places` (n,) say where each row came from."""

    batch: SampleBatch
    messages: IntColumn
    places: IntColumn
    marks: list[Mark]


def assemble(
    product: str,
    gathering: Gathering,
    known: Mapping[str, object],
    machine_of: IntColumn,
    received_of: IntColumn,
) -> Columns:
    """Put the blocks of a product together.

    `known` holds the signals of the plan in column order; the batch has those with a value.
    `machine_of` and `received_of` hold machine id and time of receipt of each message.
    """
    every = chain(gathering.packed_blocks.values(), gathering.blocks.values())
    blocks = [block for block in every if block.times]
    matrices = [block.matrix() for block in blocks]
    came = set().union(*map(_came, blocks, matrices))
    signals = tuple(key for key in known if key in came)
    column = {key: number for number, key in enumerate(signals)}
    starts = np.cumsum([0, *(len(block.times) for block in blocks)])
    values = np.full((int(starts[-1]), len(signals)), np.nan, order="F")
    marks = []
    for block, matrix, start, end in zip(blocks, matrices, starts, starts[1:], strict=False):
        usable = [place for place, key in enumerate(block.keys) if key in column]
        values[start:end, [column[block.keys[place]] for place in usable]] = matrix[:, usable]
        rows = np.arange(start, end)
        marks += [Mark(key, "unknown_signal", rows) for key in block.keys if key not in known]
        marks += [
            Mark(key, reason, start + np.array(places))
            for (key, reason), places in block.flaws.items()
            if key in known
        ]
    messages = _joined([block.messages for block in blocks])
    batch = SampleBatch(
        product,
        signals,
        machine_of[messages],
        _joined([block.times for block in blocks]),
        received_of[messages],
        values,
    )
    found = Columns(batch, messages, _joined([block.places for block in blocks]), marks)
    return found if len(blocks) < 2 else _in_order(found)


def _in_order(found: Columns) -> Columns:
    """The rows as they came: of two samples of one moment the later one's values count."""
    order = np.lexsort((found.places, found.messages))
    new_row = np.empty_like(order)
    new_row[order] = np.arange(len(order))
    marks = [replace(mark, rows=new_row[mark.rows]) for mark in found.marks]
    return Columns(found.batch.take(order), found.messages[order], found.places[order], marks)


def _of(blocks: dict[tuple[str, ...], Block], keys: tuple[str, ...]) -> Block:
    found = blocks.get(keys)
    if found is None:
        found = blocks[keys] = Block(keys)
    return found


def _came(block: Block, matrix: FloatColumn) -> set[str]:
    """The signals of a block that have a value anywhere."""
    filled = np.flatnonzero(~np.isnan(matrix).all(axis=0))
    return {block.keys[number] for number in filled.tolist()}


def _joined(parts: list[list[int]]) -> IntColumn:
    return np.fromiter(chain.from_iterable(parts), np.int64, sum(map(len, parts)))
