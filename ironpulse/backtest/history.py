"""History as pieces for a backtest: a file spread over groups of machines, or the store's own.

A file is read once and its rows are put aside by group, as its order may be any; then each group
is read in slices of time of bounded size.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc as pa_ipc

from fleet.batch import FaultReport, IntColumn, SampleBatch
from fleet.plan import ProductPlan
from ingest.quality import implausible, limits_of, mark
from ironpulse.backtest.spread import Group
from ironpulse.backtest.tables import MACHINE, MEASURED_AT, Table, blocks
from ironpulse.backtest.traits import Traits
from rules.condition import Identity
from rules.replay import Chunk, Piece
from rules.stored import PIECE_ROWS, store_pieces
from store.telemetry import as_stored, merge_repetitions

#: Groups that the machines of a file are spread over.
GROUPS = 64
_SAMPLES_OF_TIMES = 16

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
        with pa.memory_map(str(self.path)) as source:
            return _chunk(plan, self._rows(source), self.since, self.until, self.reports)

    def portable(self) -> Piece:
        with pa.memory_map(str(self.path)) as source:
            table = self._rows(source)
            sink = pa.BufferOutputStream()
            with pa_ipc.new_stream(sink, table.schema, options=_LZ4) as writer:
                writer.write_table(table)
        return PackedPiece(sink.getvalue().to_pybytes(), self.since, self.until, self.reports)

    def _rows(self, source: pa.MemoryMappedFile) -> pa.Table:
        reader = pa_ipc.open_file(source)
        return pa.Table.from_batches([reader.get_batch(number) for number in self.numbers])


@dataclass(frozen=True)
class PackedPiece:
    """The same, carrying its rows with it."""

    data: bytes
    since: int
    until: int
    reports: tuple[FaultReport, ...] = ()

    def read(self, plan: ProductPlan) -> Chunk:
        table = pa_ipc.open_stream(self.data).read_all()
        return _chunk(plan, table, self.since, self.until, self.reports)

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
    """One group's rows while they are put aside: the time range and some times of every block."""

    path: Path
    writer: pa_ipc.RecordBatchFileWriter
    rows: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    times: list[IntColumn] = field(default_factory=list)
    machines: set[int] = field(default_factory=set)

    def add(self, block: pa.RecordBatch, machines: IntColumn, times: IntColumn) -> None:
        self.writer.write_batch(block)
        self.rows.append(len(times))
        self.first.append(int(times.min()))
        self.last.append(int(times.max()))
        places = np.linspace(0, len(times) - 1, _SAMPLES_OF_TIMES).astype(np.intp)
        self.times.append(np.sort(times)[places])
        self.machines.update(np.unique(machines).tolist())

    def group(self, since: int, until: int) -> Group:
        """The rows in [since, until) as a group, in slices of about PIECE_ROWS rows."""
        slices = -(-sum(self.rows) // PIECE_ROWS)
        inner = np.quantile(np.concatenate(self.times), np.arange(1, slices) / slices)
        edges = np.unique(np.clip([since, *np.ceil(inner).astype(np.int64), until], since, until))
        pieces, rows = [], []
        for a, b in pairwise(edges.tolist()):
            inside = [i for i, (x, y) in enumerate(zip(self.first, self.last, strict=True))
                      if x < b and y >= a]  # fmt: skip
            if inside:
                pieces.append(FilePiece(self.path, tuple(inside), a, b))
                rows.append(sum(self.rows[i] for i in inside))
        return Group(tuple(sorted(self.machines)), tuple(pieces), tuple(rows))


@dataclass(frozen=True, slots=True)
class Aside:
    """A file's rows by groups of machines, who these are, and the `end` of what is asked: after the
    newest moment of any of them."""

    groups: list[Group]
    identities: dict[int, Identity]
    end: int


def put_aside(
    table: Table, plan: ProductPlan, folder: Path, since: int, until: int, told: Told
) -> Aside:
    """Spread a file's rows over groups of machines in files of `folder`, with their history in
    [since, until). `told` hears the share done."""
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
    newest = max((max(one.last) for one in aside.values()), default=since)
    return Aside(made, identities, min(until, newest + 1))


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
    aside[group].add(block, machines, rows.column(MEASURED_AT).to_numpy())


def _chunk(
    plan: ProductPlan, table: pa.Table, since: int, until: int, reports: Sequence[FaultReport]
) -> Chunk:
    """Rows as the store would hold them: what cannot be believed left out, moments merged."""
    times = table.column(MEASURED_AT).to_numpy()
    wanted = np.flatnonzero((times >= since) & (times < until))
    values = np.full((len(wanted), len(plan.signals)), np.nan, order="F")
    for place, key in enumerate(plan.signal_keys):
        if key in table.column_names:
            values[:, place] = table.column(key).to_numpy()[wanted]
    machines = table.column(MACHINE).to_numpy()[wanted]
    times = times[wanted]
    batch = SampleBatch(plan.product, plan.signal_keys, machines, times, times, values)
    marks = mark(batch, limits_of(plan))
    spoiled = sum(len(one.rows) for one in marks)
    batch = replace(batch, implausible=implausible(batch.signals, marks))
    single, _, _ = merge_repetitions(as_stored(batch, plan).sorted())
    return Chunk(single, reports, spoiled)


_LZ4 = pa_ipc.IpcWriteOptions(compression="lz4")
