"""Clocks of machines: too far from the time of receipt for too long.

What is measured arrives later, so the smallest lag of what comes is what the clock is off by, and
the way. A backlog has a lag, too. But while it is delivered the lag shrinks, until something is
current; a clock that is wrong keeps it. This is told by what arrives and when, so a backtest cannot
tell it.
"""

from __future__ import annotations

from collections.abc import Sequence

from fleet.clock import CLOCK_SET_MS
from fleet.plan import Catalogue
from fleet.rule import Rule
from fleet.text import Text
from rules.alarms.evidence import Account
from rules.alarms.lifecycle import Entry, Ledger
from rules.alarms.paging import NEVER_LATE_MS, Setting
from rules.alarms.recurrence import recurrence_of
from rules.alarms.wording import duration
from rules.changes import AlarmChange
from store import alarms, clocks, suppressions
from store.clocks import OLDEST_MS, MachineClock
from store.connection import Connection

#: So long, and in at least so many reports, the lag must have stayed as it is.
STEADY_MS = 30 * 60_000
LEAST_REPORTS = 5
#: Where so many machines and more than half of all are off at once, it is not their clocks.
LEAST_FLEET = 10
#: A lag that is so close to a number of quarters of an hour looks like a time zone.
_ZONE_MS, _ZONE_FIT_MS, _ZONES_MS = 15 * 60_000, 2 * 60_000, 14 * 3_600_000


def is_wrong(clock: MachineClock) -> bool:
    """Whether the clock is wrong: nothing current came any more, and the lag does not shrink."""
    if clock.off_since is None or clock.off_at is None or clock.lag_at is None:
        return False
    over = clock.current_at is not None and clock.current_at >= clock.off_since
    steady = clock.off_at - clock.lag_at >= STEADY_MS and clock.reports >= LEAST_REPORTS
    return steady and not over


def trusted(off: int, heard: int) -> bool:
    """Whether machines that are off are so by themselves: of those heard of lately, so many are."""
    return off < LEAST_FLEET or 2 * off <= heard


def judge_clocks(
    connection: Connection, catalogue: Catalogue, partitions: Sequence[int], now: int
) -> list[Entry]:
    """The alarms of clocks on machines of these partitions that are wrong now, or right again.

    Where most of a fleet seems to be off, it is our clock, or our delay: nothing is raised.
    """
    rules = {
        plan.product: rule for plan in catalogue.plans.values() for rule in plan.rules if rule.clock
    }
    if not rules:
        return []
    standing = alarms.standing(connection, {rule.id for rule in rules.values()})
    found = clocks.doubtful(connection, partitions, [machine for machine, _ in standing])
    due = [
        (clock, rule)
        for clock in found
        if (rule := rules.get(clock.product)) is not None
        and _moved(clock, (clock.machine_id, rule.id) in standing)
    ]
    if not trusted(*clocks.fleet(connection, now - STEADY_MS)):
        due = [(clock, rule) for clock, rule in due if not is_wrong(clock)]
    if not due:
        return []
    machines = {clock.machine_id for clock, _ in due}
    laws = {rule.id: recurrence_of(catalogue.plans[one.product], rule) for one, rule in due}
    since = now - max(law.longest_ms for law in laws.values())
    since = min([since, *(clock.off_since for clock, _ in due if clock.off_since is not None)])
    ledger = Ledger(
        alarms.live(connection, machines, since),
        suppressions.of_machines(connection, machines, since),
    )
    for clock, rule in due:
        version = catalogue.plans[clock.product].version
        setting = Setting(rule, version, "connection", now, NEVER_LATE_MS, laws[rule.id])
        change = _change(clock, rule)
        if change.kind == "raised":
            ledger.raise_(change, account_of_clock(rule, clock), setting)
        else:
            ledger.clear(change, setting)
    return list(ledger.entries)


def _moved(clock: MachineClock, stands: bool) -> bool:
    """Whether an alarm that stands, or not, is to be cleared, or raised. It is cleared by something
    current only: a lag that changes is not right yet."""
    if not stands:
        return is_wrong(clock)
    return clock.current_at is not None and clock.current_at >= (clock.off_since or 0)


def _change(clock: MachineClock, rule: Rule) -> AlarmChange:
    assert clock.off_since is not None and clock.off_at is not None
    if is_wrong(clock):
        at, since = clock.off_at, clock.off_since
        return AlarmChange(clock.machine_id, rule.id, rule.component, "raised", at, since, at)
    assert clock.current_at is not None
    at = clock.current_at
    return AlarmChange(clock.machine_id, rule.id, rule.component, "cleared", at, at, at)


def account_of_clock(rule: Rule, clock: MachineClock) -> Account:
    """By how much a clock is wrong, and what comes of it."""
    assert clock.lag_ms is not None and clock.lag_at is not None and clock.off_at is not None
    en, zh = duration(clock.off_at - (clock.off_since or clock.off_at))
    what = _what(clock.lag_ms, clock.lag_at)
    evidence = {
        "clock": {"lag_ms": clock.lag_ms, "reports": clock.reports},
        "from_ms": clock.off_since,
        "to_ms": clock.off_at,
        "signals": {},
    }
    reason = Text(
        en=f"{what.en} Nothing current has come for {en}, while the machine kept reporting.",
        zh=f"{what.zh}设备持续上报，但已{zh}没有时间正确的数据。",
    )
    return Account(rule.name, reason, evidence)


def _what(lag_ms: int, at: int) -> Text:
    if at - lag_ms < CLOCK_SET_MS:
        return Text(
            en="The machine's clock was never set; its data is rejected.",
            zh="设备时钟从未校准，上报数据被拒收。",
        )
    en, zh = duration(abs(lag_ms))
    en = f"The machine's clock is {en} {'behind' if lag_ms > 0 else 'ahead'}"
    zh = f"设备时钟{'慢' if lag_ms > 0 else '快'}{zh}"
    if 0 < lag_ms <= OLDEST_MS:
        en, zh = f"{en}; all it sends is judged as old as that.", f"{zh}，其数据均按过去时间判断。"
    else:
        en, zh = f"{en}; its data is rejected until it is right.", f"{zh}，校准前上报数据被拒收。"
    if abs(lag_ms) <= _ZONES_MS and _beside(abs(lag_ms), _ZONE_MS) <= _ZONE_FIT_MS:
        en = f"{en} It may be set to local time in place of UTC."
        zh = f"{zh}可能误用本地时间代替UTC。"
    return Text(en=en, zh=zh)


def _beside(value: int, step: int) -> int:
    """How far a value is from the next multiple of a step, above none."""
    return abs(value - max(round(value / step), 1) * step)
