"""The recent rows of many machines, for windows that slide over them.

A machine's rows stand behind each other in a room of its own, with place for more; when it is full
they move to another one, where some windows leave behind what they will not look at again. Where
they stand is kept with the machine's state, and not here. What a state stands on is not overwritten
until the machine's next state is kept and its room released, so that a step may be taken anew after
its transaction has failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn

Rows = NDArray[np.intp]

#: Columns of places: where a machine's room starts, the end of its rows, the end of the room, and
#: from here on where each window begins, the longest last.
START, END, LIMIT, WINDOWS = 0, 1, 2, 3
_LEAST_ROOM, _LEAST_SPARSE_ROOM = 8, 64
_LEAST_CAPACITY = 64


def ragged(begins: IntColumn, lengths: IntColumn) -> Rows:
    """The numbers from each of `begins` (m,) on, as many as its length says, one after another."""
    before = np.cumsum(lengths) - lengths
    total = int(lengths.sum())
    return np.asarray(np.arange(total) + np.repeat(begins - before, lengths))


_ARRAYS = ("times", "values", "taken")
#: Of each column the functions that look at it.
Sparse = tuple[frozenset[str], ...]


class Recent:
    """Rows with a time, milliseconds, and a number for each of the `columns`, NaN unknown; of a
    machine's `width` places the last ones are those of as many `windows`. Where `sparse` says of
    each column which functions look at it (see `needed`), rows that none needs are not kept."""

    __slots__ = ("_free", "size", "sparse", "taken", "times", "values", "width")

    def __init__(self, columns: int, windows: int, sparse: Sparse = ()) -> None:
        self.width, self.sparse = WINDOWS + windows, sparse
        self.times: IntColumn = np.empty(0, np.int64)
        self.values: FloatColumn = np.empty((0, columns))
        self.taken: NDArray[np.bool_] = np.empty(0, bool)
        self.size = 0
        self._free: list[tuple[int, int]] = []

    def __getstate__(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in self.__slots__}
        return state | {name: state[name][: self.size] for name in _ARRAYS}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        # What came from another process may be a part of its message, which cannot be written to.
        for name, value in state.items():
            setattr(self, name, np.array(value) if name in _ARRAYS else value)

    def append(
        self, places: IntColumn, counts: IntColumn, times: IntColumn, values: FloatColumn
    ) -> tuple[IntColumn, Rows]:
        """Rows behind those of m machines at `places` (m, width), `counts` (m,) of each one.

        Returns the places after it, where windows begin as before, and those of the rows, (n,).
        """
        places = places.copy()
        end = places[:, END]
        full = end + counts > places[:, LIMIT]
        roomy = np.flatnonzero(~full & (counts > 0))
        # Another state that began as this one did has gone on in this place.
        full[roomy] |= self.taken[end[roomy]]
        self._move(places, np.flatnonzero(full), counts)
        rows = ragged(places[:, END], counts)
        self.times[rows], self.values[rows], self.taken[rows] = times, values, True
        places[:, END] += counts
        return places, rows

    def adopt(self, other: Recent, places: IntColumn) -> IntColumn:
        """Take over the rows that machines have elsewhere; their places here."""
        if other is self:
            return places
        begin = places[:, -1]
        counts = places[:, END] - begin
        rows = ragged(begin, counts)
        nowhere = np.zeros_like(places)
        after, _ = self.append(nowhere, counts, other.times[rows], other.values[rows])
        after[:, WINDOWS:] = (after[:, END] - counts - begin)[:, None] + places[:, WINDOWS:]
        return after

    def release(self, before: IntColumn, after: IntColumn) -> None:
        """Rooms that machines had before and have left may be used again: nobody may go on from
        a state that stands in them."""
        left = before[(before[:, START] != after[:, START]) & (before[:, LIMIT] > before[:, START])]
        for start, limit in left[:, [START, LIMIT]].tolist():
            self.taken[start:limit] = False
            self._free.append((start, limit - start))

    def wasteful(self, places: IntColumn) -> bool:
        """Whether these machines, all there are, leave most of what is held unused."""
        used = int((places[:, LIMIT] - places[:, -1]).sum())
        return self.size > 3 * used + _LEAST_CAPACITY * len(places)

    @property
    def nbytes(self) -> int:
        """What the rooms take; what is set aside for more is not touched yet."""
        return self.size * (self.times.itemsize + self.values[:1].nbytes + self.taken.itemsize)

    def _move(self, places: IntColumn, which: Rows, counts: IntColumn) -> None:
        """Rows of some machines to places with room for `counts` more, and some."""
        begin = places[which, -1]
        held = places[which, END] - begin
        rows, before = ragged(begin, held), np.cumsum(held) - held
        kept = self._needed(rows, before, held)
        passed = np.concatenate(([0], np.cumsum(kept)))
        live = passed[before + held] - passed[before]
        room = live + counts[which]
        # Twice as much while the windows fill, so that few rooms are left behind; and not alike, so
        # that machines that began together do not all move together.
        filling = begin == places[which, START]
        room += np.where(filling, room, room // 8) + room * (which % 8) // 32
        room += _LEAST_SPARSE_ROOM if self.sparse else _LEAST_ROOM
        target, room = self._rooms(room)
        rows, new = rows[kept], ragged(target, live)
        self.times[new], self.values[new] = self.times[rows], self.values[rows]
        self.taken[new] = True
        windows = places[which, WINDOWS:] - (begin - before)[:, None]
        places[which, WINDOWS:] = passed[windows] + (target - passed[before])[:, None]
        places[which, START] = target
        places[which, END], places[which, LIMIT] = target + live, target + room

    def _needed(self, rows: Rows, begins: IntColumn, lengths: IntColumn) -> NDArray[np.bool_]:
        kept = np.ones(len(rows), bool)
        if self.sparse:
            for begin, end in zip(begins.tolist(), (begins + lengths).tolist(), strict=True):
                kept[begin:end] = needed(self.values[rows[begin:end]], self.sparse)
        return kept

    def _rooms(self, wanted: IntColumn) -> tuple[IntColumn, IntColumn]:
        """Where there is room for so many rows, and for how many: in a room that somebody left,
        unless it is far too large, else behind all."""
        starts, sizes = np.empty_like(wanted), wanted.copy()
        for i, rows in enumerate(wanted.tolist()):
            fitting = (j for j, (_, size) in enumerate(self._free) if rows <= size <= 4 * rows)
            left = next(fitting, None)
            if left is None:
                starts[i] = self.size
                self._grow(self.size + rows)
            else:
                starts[i], sizes[i] = self._free.pop(left)
        return starts, sizes

    def _grow(self, size: int) -> None:
        if size > len(self.times):
            capacity = max(size + size // 8, _LEAST_CAPACITY)
            # In place: large arrays get more pages and are not copied. Nobody holds a part of them.
            self.times.resize(capacity, refcheck=False)
            self.values.resize((capacity, self.values.shape[1]), refcheck=False)
            self.taken.resize(capacity, refcheck=False)
        self.size = size


def needed(values: FloatColumn, functions: Sparse) -> NDArray[np.bool_]:
    """Which of a machine's rows (n, columns) are needed by windows that end later: for `low` and
    `high` those that no later row outdoes, for `delta` the last of equal values, for `count`
    changes."""
    kept = np.zeros(len(values), bool)
    for own, asked in zip(values.T, functions, strict=True):
        if "count" in asked:
            kept |= own != 0
        if "low" in asked:
            kept |= ~np.isnan(own) & ~(own >= _later(np.fmin, own))
        if "high" in asked:
            kept |= ~np.isnan(own) & ~(own <= _later(np.fmax, own))
        if "delta" in asked:
            known = np.flatnonzero(~np.isnan(own))
            kept[known[np.append(np.diff(own[known]) != 0, True)[: len(known)]]] = True
    return kept


def _later(pick: np.ufunc, values: FloatColumn) -> FloatColumn:
    """The least or greatest known value behind each row, NaN where there is none."""
    return np.append(pick.accumulate(values[::-1])[::-1], np.nan)[1:]


def together(parts: Sequence[tuple[Recent, IntColumn]]) -> tuple[Recent, IntColumn]:
    """The rows of several groups of machines in one place, that of the largest, and the places of
    all, one group after the other."""
    home = max((recent for recent, _ in parts), key=lambda recent: recent.size)
    places = np.concatenate([home.adopt(recent, own) for recent, own in parts])
    return packed(home, places)


def packed(recent: Recent, places: IntColumn) -> tuple[Recent, IntColumn]:
    """The same rows of these machines, anew where most of the room is no longer used."""
    if not recent.wasteful(places):
        return recent, places
    fresh = Recent(recent.values.shape[1], recent.width - WINDOWS, recent.sparse)
    return fresh, fresh.adopt(recent, places)
