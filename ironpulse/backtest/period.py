"""The period that a backtest is asked for: milliseconds since 1970 UTC, the end not included."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from fleet import clock
from fleet.errors import IronpulseError
from rules.state import NEVER

Period = tuple[int, int]
ALWAYS = 2**62
_FORMATS = [
    "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z",
]  # fmt: skip
#: Options of a command. Without a zone UTC is meant; with one, as reports have it.
Since = Annotated[
    datetime | None, typer.Option("--from", formats=_FORMATS, help="First moment, UTC.")
]
Until = Annotated[
    datetime | None, typer.Option("--to", formats=_FORMATS, help="End, UTC, not included.")
]


def period_of(since: datetime | None, until: datetime | None) -> Period:
    """From a first moment, or ever, to an end, or for ever."""
    begin, end = _ms(since, NEVER), _ms(until, ALWAYS)
    if begin >= end:
        raise IronpulseError("--from is not before --to; give a first moment and a later end.")
    return begin, end


def refuse_elsewhen(where: str, span: Period, period: Period) -> None:
    """Say what there is (`span`, its first and last moment) where nothing of it lies in the
    period."""
    if span[0] < period[1] and span[1] >= period[0]:
        return
    first, last = (clock.to_datetime(moment).isoformat(timespec="seconds") for moment in span)
    asked = "--from is after that" if span[1] < period[0] else "--to is not after its begin"
    raise IronpulseError(f"{where} holds data from {first} to {last}; {asked}.")


def _ms(moment: datetime | None, default: int) -> int:
    if moment is None:
        return default
    return clock.to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
