"""History as the store holds it, read for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fleet.batch import FaultReport
from fleet.plan import ProductPlan
from rules.replay import Chunk, Piece
from rules.state import NEVER
from store import rule_state
from store.connection import Connection, connect, our_errors
from store.reading import read_range

#: Rows of a piece, about.
PIECE_ROWS = 100_000
#: Machines that are read together.
MACHINES = 8


@dataclass(frozen=True)
class StorePiece:
    """What machines of the store sent in [since, until); trouble codes from `codes_since` on, as
    a code that was active before is no news."""

    url: str
    machine_ids: tuple[int, ...]
    since: int
    until: int
    codes_since: int

    def read(self, plan: ProductPlan) -> Chunk:
        with our_errors(), connect(self.url) as connection:
            return read_stored(
                connection, plan, self.machine_ids, self.since, self.until, self.codes_since
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
        pieces = [
            StorePiece(url, own, a, b, NEVER if a == since else a) for a, b in pairwise(edges)
        ]
        groups.append((own, pieces))
    return groups


def read_stored(
    connection: Connection,
    plan: ProductPlan,
    machine_ids: Sequence[int],
    since: int,
    until: int,
    codes_since: int,
) -> Chunk:
    """Samples of machines in [since, until), and their fault reports from `codes_since` on."""
    reports: list[FaultReport] = []
    for machine in machine_ids:
        found = rule_state.fault_reports(connection, machine, codes_since - 1)
        reports += [report for report in found if report.measured_at < until]
    return Chunk(read_range(connection, plan, machine_ids, since, until), reports)
