"""History as pieces for a backtest: a file spread over groups of machines, or the store's own.

A file is read once and its rows are put aside by group, as its order may be any; then each group
is read in slices of time of bounded size.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc as pa_ipc

from fleet.batch import FaultReport, IntColumn, SampleBatch
from fleet.errors import IronpulseError
from fleet.plan import ProductPlan
from ingest.quality import judged, limits_of
from ironpulse.backtest.csv_blocks import MACHINE, MEASURED_AT
from ironpulse.backtest.spread import Group
from ironpulse.backtest.tables import Table, blocks
from ironpulse.backtest.traits import Traits
from rules.backtest.replay import Chunk, Piece
from rules.backtest.stored import PIECE_ROWS, store_pieces
from rules.condition import Identity
from store.telemetry import as_stored, merge_repetitions

#: Groups that the machines of a file are spread over.
GROUPS = 64
#: Rows that are put aside as one block, in order of time: so that a slice of time is found in few
#: blocks, in whatever order the file is.
_ASIDE_ROWS = 4096
_SAMPLES_OF_TIMES = 8

Told = Callable[[float], None]


@dataclass(frozen=True)
class FilePiece:
    """Rows of one group in [since, until): those of some of the blocks put aside for it; and the
    fault reports of that time."""

    path: Path
    numbers: tuple[int, ...]
    since: int
    until: int
    reports: tuple[FaultReport, ...] = ()

    def read(self, plan: ProductPlan) -> Chunk:
        return _chunk(plan, self._rows(), self.reports)

    def portable(self) -> Piece:
        table = self._rows()
        sink = pa.BufferOutputStream()
        with pa_ipc.new_stream(sink, table.schema, options=_LZ4) as writer:
            writer.write_table(table)
        return PackedPiece(sink.getvalue().to_pybytes(), self.reports)

    def _rows(self) -> pa.Table:
        with pa.OSFile(str(self.path)) as source, pa_ipc.open_file(source) as reader:
            return pa.Table.from_batches(
                [self._wanted(reader.get_batch(number)) for number in self.numbers]
            )

    def _wanted(self, block: pa.RecordBatch) -> pa.RecordBatch:
        """The block's rows in [since, until); it is in order of time."""
        times = block.column(MEASURED_AT).to_numpy()
        first, end = np.searchsorted(times, [self.since, self.until])
        if end - first == len(times):
            return block
        # Copied, as a part of a block would keep the whole of it.
        return block.take(pa.array(np.arange(first, end)))


@dataclass(frozen=True)
class PackedPiece:
    """The same, carrying its rows with it."""

    data: bytes
    reports: tuple[FaultReport, ...] = ()

    def read(self, plan: ProductPlan) -> Chunk:
        return _chunk(plan, pa_ipc.open_stream(self.data).read_all(), self.reports)

    def portable(self) -> Piece:
        return self


def store_groups(
    url: str, plan: ProductPlan, machine_ids: Sequence[int], since: int, until: int
) -> list[Group]:
    """The store's history of machines in [since, until), in slices of bounded size."""
    return [
        Group(own, tuple(pieces), (1,) * len(pieces))
        for own, pieces in store_pieces(url, plan, machine_ids, since, until)
    ]


@dataclass
class _Aside:
    """One group's rows while they are put aside: how many every block has, and some times of it,
    the first and the last among them."""

    path: Path
    writer: pa_ipc.RecordBatchFileWriter
    rows: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))
    machines: set[int] = field(default_factory=set)

    def add(self, rows: pa.RecordBatch) -> None:
        """Put rows aside, in order of time and in blocks of bounded size."""
        times = rows.column(MEASURED_AT).to_numpy()
        if (np.diff(times) < 0).any():
            order = np.argsort(times, kind="stable")
            rows, times = rows.take(pa.array(order)), times[order]
        for at in range(0, len(times), _ASIDE_ROWS):
            block = rows.slice(at, _ASIDE_ROWS)
            self.writer.write_batch(block)
            self.rows.append(len(block))
            places = np.linspace(at, at + len(block) - 1, _SAMPLES_OF_TIMES).astype(np.intp)
            self.times.extend(times[places].tolist())
        self.machines.update(np.unique(rows.column(MACHINE).to_numpy()).tolist())

    @property
    def span(self) -> tuple[int, int]:
        """The oldest and the newest moment."""
        return min(self.times), max(self.times)

    def group(self, since: int, until: int) -> Group:
        """The rows in [since, until) as a group, in slices of about PIECE_ROWS rows."""
        times = np.array(self.times).reshape(-1, _SAMPLES_OF_TIMES)
        rows = np.array(self.rows)
        pieces, counts = [], []
        for a, b in pairwise(_edges(times, rows, since, until)):
            inside = np.flatnonzero((times[:, 0] < b) & (times[:, -1] >= a))
            if len(inside):
                pieces.append(FilePiece(self.path, tuple(inside.tolist()), a, b))
                shares = ((times[inside] >= a) & (times[inside] < b)).mean(axis=1)
                counts.append(round(float(shares @ rows[inside])))
        return Group(tuple(sorted(self.machines)), tuple(pieces), tuple(counts))


def _edges(times: IntColumn, rows: IntColumn, since: int, until: int) -> list[int]:
    """Moments from `since` to `until` with about PIECE_ROWS rows between them, by the `times`
    (n, k) of blocks of `rows` (n,) each."""
    order = np.argsort(times, axis=None)
    before = np.cumsum(np.repeat(rows / times.shape[1], times.shape[1])[order])
    slices = -(-int(rows.sum()) // PIECE_ROWS)
    wanted = before[-1] / slices * np.arange(1, slices)
    inner = times.ravel()[order][np.searchsorted(before, wanted)]
    edges: list[int] = np.unique(np.clip([since, *inner, until], since, until)).tolist()
    return edges


@dataclass(frozen=True, slots=True)
class Aside:
    """A file's rows by groups of machines, who these are, and its oldest and newest moment."""

    groups: list[Group]
    identities: dict[int, Identity]
    span: tuple[int, int]


def put_aside(
    table: Table, plan: ProductPlan, folder: Path, since: int, until: int, told: Told
) -> Aside:
    """Spread a file's rows over groups of machines in files of `folder`, with their history in
    [since, until). `told` hears the share done. Raises IronpulseError where there is no row."""
    traits = Traits(table)
    numbers: dict[str, int] = {}
    aside: dict[int, _Aside] = {}
    for block, share in blocks(table):
        traits.take(block)
        names = block.column(MACHINE).dictionary.to_pylist()
        for name in names:
            numbers.setdefault(name, len(numbers) + 1)
        groups = np.array([zlib.crc32(name.encode()) % GROUPS for name in names])
        ids = np.array([numbers[name] for name in names], np.int64)
        codes = block.column(MACHINE).indices.to_numpy()
        for group, rows in _by_group(groups[codes]):
            _put(aside, folder, table, group, block.take(pa.array(rows)), ids[codes[rows]])
        told(share)
    for one in aside.values():
        one.writer.close()
    made = [aside[group].group(since, until) for group in sorted(aside)]
    identities = {number: traits.identity(name) for name, number in numbers.items()}
    if not aside:
        raise IronpulseError(f"{table.path} has columns and no row; there is nothing to judge.")
    spans = [one.span for one in aside.values()]
    return Aside(made, identities, (min(a for a, _ in spans), max(b for _, b in spans)))


def with_reports(groups: Sequence[Group], reports: Sequence[FaultReport]) -> list[Group]:
    """The groups with the fault reports of their machines, each in the piece that it falls into
    or, where no row does, in the next one; those after the last piece's end are left out."""
    return [_with_reports(group, reports) for group in groups]


def _with_reports(group: Group, reports: Sequence[FaultReport]) -> Group:
    machines = set(group.machine_ids)
    waiting = [report for report in reports if report.machine_id in machines]
    pieces: list[Piece] = []
    for piece in group.pieces:
        assert isinstance(piece, FilePiece)
        own = tuple(report for report in waiting if report.measured_at < piece.until)
        waiting = [report for report in waiting if report.measured_at >= piece.until]
        pieces.append(replace(piece, reports=own))
    return replace(group, pieces=tuple(pieces))


def _by_group(groups: IntColumn) -> Iterator[tuple[int, IntColumn]]:
    order = np.argsort(groups, kind="stable")
    found, starts = np.unique(groups[order], return_index=True)
    yield from zip(found.tolist(), np.split(order, starts[1:]), strict=True)


def _put(
    aside: dict[int, _Aside],
    folder: Path,
    table: Table,
    group: int,
    rows: pa.RecordBatch,
    machines: IntColumn,
) -> None:
    names = [MACHINE, MEASURED_AT, *table.signals]
    columns = [pa.array(machines), *(rows.column(name) for name in names[1:])]
    block = pa.RecordBatch.from_arrays(columns, names)
    if group not in aside:
        path = folder / f"{group}.arrow"
        aside[group] = _Aside(path, pa_ipc.new_file(str(path), block.schema, options=_LZ4))
    aside[group].add(block)


def _chunk(plan: ProductPlan, table: pa.Table, reports: Sequence[FaultReport]) -> Chunk:
    """Rows as the store would hold them: what cannot be believed left out, moments merged."""
    values = np.full((table.num_rows, len(plan.signals)), np.nan, order="F")
    for place, key in enumerate(plan.signal_keys):
        if key in table.column_names:
            values[:, place] = table.column(key).to_numpy()
    machines, times = table.column(MACHINE).to_numpy(), table.column(MEASURED_AT).to_numpy()
    batch = SampleBatch(plan.product, plan.signal_keys, machines, times, times, values)
    batch, marks = judged(batch, limits_of(plan))
    spoiled = sum(len(one.rows) for one in marks)
    single, _, _ = merge_repetitions(as_stored(batch, plan).sorted())
    return Chunk(single, reports, spoiled)


_LZ4 = pa_ipc.IpcWriteOptions(compression="lz4")
