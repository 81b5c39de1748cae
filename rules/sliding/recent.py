"""The recent rows of many machines, for windows that slide over them.

A machine's rows stand behind each other in a piece of its own, with room for more; when the room is
used up they move to another one, where some windows leave behind what they will not look at again.
Where they stand is kept with the machine's state, and not here.
Nothing that was written is ever overwritten: of an older state of a machine the rows are still
there, so that a step may be taken anew after its transaction has failed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn

Rows = NDArray[np.intp]

#: Columns of places: the end of a machine's rows, the end of its room, and from here on where each
#: window begins, the longest last.
END, LIMIT, WINDOWS = 0, 1, 2
_LEAST_ROOM, _LEAST_SPARSE_ROOM = 8, 64
_LEAST_CAPACITY = 64


def ragged(begins: IntColumn, lengths: IntColumn) -> Rows:
    """The numbers from each of `begins` (m,) on, as many as its length says, one after another."""
    before = np.cumsum(lengths) - lengths
    total = int(lengths.sum())
    return np.asarray(np.arange(total) + np.repeat(begins - before, lengths))


#: Of each column the functions that look at it.
Sparse = tuple[frozenset[str], ...]


class Recent:
    """Rows with a time, milliseconds, and a number for each of the `columns`, NaN unknown; of a
    machine's `width` places the last ones are those of as many `windows`. Where `sparse` says of
    each column which functions look at it (see `needed`), rows that none needs are not kept."""

    __slots__ = ("size", "sparse", "taken", "times", "values", "width")

    def __init__(self, columns: int, windows: int, sparse: Sparse = ()) -> None:
        self.width, self.sparse = WINDOWS + windows, sparse
        self.times: IntColumn = np.empty(0, np.int64)
        self.values: FloatColumn = np.empty((0, columns))
        self.taken: NDArray[np.bool_] = np.empty(0, bool)
        self.size = 0

    def append(
        self, places: IntColumn, counts: IntColumn, times: IntColumn, values: FloatColumn
    ) -> tuple[IntColumn, Rows]:
        """Rows behind those of m machines at `places` (m, 2 + windows), `counts` (m,) of each one.

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

    def wasteful(self, places: IntColumn) -> bool:
        """Whether these machines, all there are, leave most of what is held unused."""
        used = int((places[:, LIMIT] - places[:, -1]).sum())
        return self.size > 2 * used + _LEAST_CAPACITY * len(places)

    @property
    def nbytes(self) -> int:
        return self.times.nbytes + self.values.nbytes + self.taken.nbytes

    def _move(self, places: IntColumn, which: Rows, counts: IntColumn) -> None:
        """Rows of some machines to places with room for `counts` more, and some."""
        begin = places[which, -1]
        held = places[which, END] - begin
        rows, before = ragged(begin, held), np.cumsum(held) - held
        kept = self._needed(rows, before, held)
        passed = np.concatenate(([0], np.cumsum(kept)))
        live = passed[before + held] - passed[before]
        room = live + counts[which]
        room += room // 4 + (_LEAST_SPARSE_ROOM if self.sparse else _LEAST_ROOM)
        target = self.size + np.cumsum(room) - room
        self._grow(self.size + int(room.sum()))
        rows, new = rows[kept], ragged(target, live)
        self.times[new], self.values[new] = self.times[rows], self.values[rows]
        self.taken[new] = True
        windows = places[which, WINDOWS:] - (begin - before)[:, None]
        places[which, WINDOWS:] = passed[windows] + (target - passed[before])[:, None]
        places[which, END], places[which, LIMIT] = target + live, target + room

    def _needed(self, rows: Rows, begins: IntColumn, lengths: IntColumn) -> NDArray[np.bool_]:
        kept = np.ones(len(rows), bool)
        if self.sparse:
            for begin, end in zip(begins.tolist(), (begins + lengths).tolist(), strict=True):
                kept[begin:end] = needed(self.values[rows[begin:end]], self.sparse)
        return kept

    def _grow(self, size: int) -> None:
        if size > len(self.times):
            capacity = max(size, len(self.times) * 3 // 2, _LEAST_CAPACITY)
            for name in ("times", "values", "taken"):
                old = getattr(self, name)
                new = np.zeros((capacity, *old.shape[1:]), old.dtype)
                new[: self.size] = old[: self.size]
                setattr(self, name, new)
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
