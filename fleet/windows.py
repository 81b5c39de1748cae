"""Functions over a trailing window of machine time, computed for all rows at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.batch import FloatColumn, IntColumn


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows of one or many machines: `times` (n,) milliseconds, ascending within a machine;
    `starts` index of each machine's first row; `values` name -> (n,) float64, NaN unknown."""

    times: IntColumn
    starts: IntColumn
    values: Mapping[str, FloatColumn]


def window(name: str, argument: FloatColumn, columns: Columns, window_ms: int) -> FloatColumn:
    """The window function `name` of `argument` over (t - window_ms, t] in every row."""
    raise NotImplementedError
