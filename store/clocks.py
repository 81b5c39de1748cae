"""How far machines' clocks are from the time of receipt."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from fleet import clock
from store.connection import Connection
from store.queries import load

#: What was measured within this time of its receipt is current.
CURRENT_MS = 5 * 60_000
#: What was measured longer before its receipt is not believed.
OLDEST_MS = 366 * clock.MS_PER_DAY

_SQL = load("clock")


@dataclass(frozen=True, slots=True)
class ClockNews:
    """What a commit has to say of clocks: machines with something `current` and its latest receipt,
    and machines with nothing current, with the latest receipt and the lag nearest to zero. All in
    milliseconds, times since 1970 UTC."""

    current: Mapping[int, int] = field(default_factory=dict)
    off: Mapping[int, tuple[int, int]] = field(default_factory=dict)


NO_NEWS = ClockNews()


@dataclass(frozen=True, slots=True)
class MachineClock:
    """What is known of a machine's clock. Something current came last at `current_at`; since
    `off_since`, up to `off_at`, nothing did in `reports` minutes with messages, and the lag nearest
    to zero is `lag_ms` (below zero: ahead), which has stayed so since `lag_at`. None: never."""

    machine_id: int
    product: str
    current_at: int | None
    off_since: int | None
    off_at: int | None
    reports: int
    lag_ms: int | None
    lag_at: int | None


def note(connection: Connection, news: ClockNews) -> None:
    """Take in what a commit says."""
    if news.current:
        at = [clock.to_datetime(moment) for moment in news.current.values()]
        connection.execute(_SQL["current"], {"machines": list(news.current), "at": at})
    if news.off:
        values = {
            "machines": list(news.off),
            "at": [clock.to_datetime(at) for at, _ in news.off.values()],
            "lags": [lag for _, lag in news.off.values()],
        }
        connection.execute(_SQL["off"], values)


def doubtful(
    connection: Connection, partitions: Sequence[int], standing: Collection[int]
) -> list[MachineClock]:
    """The clocks of machines of these partitions of which nothing current came of late, and of
    `standing` ones."""
    asked = {"partitions": list(partitions), "standing": list(standing)}
    times = ("current_at", "off_since", "off_at", "lag_at")
    return [
        MachineClock(
            **row | {name: None if row[name] is None else clock.to_ms(row[name]) for name in times}
        )
        for row in connection.execute(_SQL["doubtful"], asked).fetchall()
    ]


def fleet(connection: Connection, since_ms: int) -> tuple[int, int]:
    """How many machines of those that were heard of since then are off, and of how many."""
    asked = {"since": clock.to_datetime(since_ms)}
    row = connection.execute(_SQL["fleet"], asked).fetchone()
    assert row is not None
    return int(row["off"]), int(row["heard"])
