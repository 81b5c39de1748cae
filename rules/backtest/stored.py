"""History as the store holds it, read for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fleet.batch import FaultReport
from fleet.plan import ProductPlan
from rules.backtest.replay import Chunk, Piece
from store import rule_state
from store.connection import Connection, connect, our_errors
from store.reading import read_range

#: Rows of a piece, about.
PIECE_ROWS = 100_000
#: Machines that are read together.
MACHINES = 8


@dataclass(frozen=True)
class StorePiece:
    """What machines of the store sent in [since, until); the `first` piece of theirs with the
    trouble codes that were active before, which are no news."""

    url: str
    machine_ids: tuple[int, ...]
    since: int
    until: int
    first: bool

    def read(self, plan: ProductPlan) -> Chunk:
        with our_errors(), connect(self.url) as connection:
            return read_stored(
                connection, plan, self.machine_ids, self.since, self.until, first=self.first
            )

    def portable(self) -> Piece:
        return self


def store_pieces(
    url: str, plan: ProductPlan, machine_ids: Sequence[int], since: int, until: int
) -> list[tuple[tuple[int, ...], list[StorePiece]]]:
    """The store's history of machines in [since, until): groups of machines, each with slices of
    bounded size in order of time."""
    rows_per_ms = 1 / (plan.report.working_s * 1000)
    groups = []
    for first in range(0, len(machine_ids), MACHINES):
        own = tuple(machine_ids[first : first + MACHINES])
        slice_ms = max(round(PIECE_ROWS / (len(own) * rows_per_ms)), 1)
        edges = [*range(since, until, slice_ms), until]
        pieces = [StorePiece(url, own, a, b, a == since) for a, b in pairwise(edges)]
        groups.append((own, pieces))
    return groups


def read_stored(
    connection: Connection,
    plan: ProductPlan,
    machine_ids: Sequence[int],
    since: int,
    until: int,
    *,
    first: bool,
) -> Chunk:
    """Samples and fault reports of machines in [since, until); as the `first` piece, with the
    reports before that say which codes were active and had been for as long as any rule asks."""
    reports: list[FaultReport] = []
    for machine in machine_ids:
        begin = _codes_known(connection, plan, machine, since) if first else since
        reports += rule_state.fault_reports(connection, machine, begin - 1, until - 1)
    return Chunk(read_range(connection, plan, machine_ids, since, until), reports)


def _codes_known(connection: Connection, plan: ProductPlan, machine: int, since: int) -> int:
    """From when on reports say which codes were active at `since` and had outlasted their hold."""
    held_s = max((rule.hold_s or 0 for rule in plan.rules if rule.faults is not None), default=0)
    moment = since - round(held_s * 1000)
    before = rule_state.fault_report_before(connection, machine, moment)
    return moment if before is None else before
