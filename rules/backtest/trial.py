"""A rule changed and tried on the store's history, beside today's rule.

`python -m rules.backtest.trial` works through what was asked for, one after the other, in a process
of its own with low priority, and ends when nothing waits. It reads IRONPULSE_DATABASE_URL.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from pydantic import ValidationError

from fleet.clock import MS_PER_DAY
from fleet.consistency import problems_of
from fleet.plan import ProductPlan
from fleet.problem import Problem
from fleet.rule import Rule
from fleet.text import Text
from rules.backtest.course import alarms_of, warm_up_ms
from rules.backtest.known_faults import faults_found, known_within
from rules.backtest.replay import Job, Progress, job_of, start, step
from rules.backtest.report import Asked, Report, difference, report, told
from rules.backtest.stored import store_pieces
from rules.compiled import compile_plan
from rules.live.known_before import identities_of, lessons_in, peers_in
from store import ledger, plans, suppressions, tickets, trials
from store.connection import Connection, connect, our_errors
from store.machines import list_machines
from store.trials import Trial

#: What of a rule may be changed for a trial.
CHANGEABLE = ("when", "clear", "hold_s", "clear_hold_s", "params")
#: Alarms of each side that a result names one by one.
MOST_NAMED = 1000

log = structlog.get_logger(__name__)


class Cancelled(Exception):
    """Somebody stopped the trial."""


def changed(
    plan: ProductPlan, rule: Rule, change: Mapping[str, Any]
) -> tuple[Rule | None, list[tuple[str, str]]]:
    """The rule with other values, or None and what is wrong with these: (field, sentence)."""
    given = {**rule.model_dump(), **{name: change[name] for name in CHANGEABLE if name in change}}
    try:
        other = Rule.model_validate(given)
    except ValidationError as error:
        return None, [(".".join(str(step) for step in e["loc"]), e["msg"]) for e in error.errors()]
    found = [
        (str(problem.path[2]), _with_column(problem))
        for problem in problems_of(alone(plan, other))
        if problem.path[:1] == ("rules",)
        and len(problem.path) > 2
        and not _left_behind(problem, rule)
    ]
    return (None, found) if found else (other, [])


def _left_behind(problem: Problem, today: Rule) -> bool:
    """Whether it is today's parameter, which a changed condition reads no more: whoever tries a
    number in its place need not take it away."""
    return problem.path[2] == "params" and problem.path[-1] in today.params


def _with_column(problem: Problem) -> str:
    return f"column {problem.column}: {problem.message}" if problem.column else problem.message


def alone(plan: ProductPlan, rule: Rule) -> ProductPlan:
    """The plan with this rule only."""
    return ProductPlan.model_validate({**plan.model_dump(), "rules": [rule.model_dump()]})


def try_rule(connection: Connection, url: str, trial: Trial) -> dict[str, Any]:
    """The result of a trial; says how far it is on the way. Raises Cancelled."""
    catalogue = plans.load_catalogue(connection)
    plan = catalogue.plans[trial.product]
    today = plan.rule[trial.rule]
    other, problems = changed(plan, today, trial.change)
    if other is None:
        raise ValueError("; ".join(f"{field}: {words}" for field, words in problems))
    sides = [alone(plan, other), alone(plan, today)]
    machines = [one for one in list_machines(connection) if one.product == plan.product]
    ids = sorted(one.id for one in machines)
    faults = faults_found(tickets.found_items(connection, ids, trial.since, trial.until))
    asked = Asked(
        {one.id: one.serial for one in machines},
        {one.id: catalogue.tiers[one.tier] for one in machines},
        known_within(faults, trial.since, trial.until),
        holds=suppressions.of_machines(connection, ids, trial.since),
        end=trial.until,
    )
    who, taught = identities_of(connection, plan, ids), lessons_in(connection, plan.product)
    job = job_of(sides, who, taught, peers_in(connection, plan.product))
    done = _fold(connection, url, trial, sides, ids, job)
    return _result([_report(sides[i], i, asked, done, trial.since) for i in (0, 1)], trial.rule)


def _fold(
    connection: Connection,
    url: str,
    trial: Trial,
    sides: Sequence[ProductPlan],
    ids: Sequence[int],
    job: Job,
) -> list[Progress]:
    span = ledger.span(connection, ids)
    if span is None:
        return []
    before = max(warm_up_ms(compile_plan(side)) for side in sides)
    begin, end = max(trial.since - before, span[0]), min(trial.until, span[1] + 1)
    groups = store_pieces(url, sides[0], ids, begin, end) if begin < end else []
    pieces = sum(len(own) for _, own in groups)
    done: list[Progress] = []
    count = 0
    for machines, own in groups:
        progress = start(job, machines)
        for piece in own:
            if not trials.at_work(connection, trial.id, count / pieces):
                raise Cancelled
            progress = step(job, progress, piece)
            count += 1
        done.append(progress)
    return done


def _report(
    plan: ProductPlan, index: int, asked: Asked, done: Sequence[Progress], since: int
) -> Report:
    courses = [one.courses[index] for one in done]
    alarms = [alarm for course in courses for alarm in alarms_of(course.changes, since)]
    return report(plan, asked, sum(course.samples for course in courses), alarms)


def _result(reports: Sequence[Report], rule: str) -> dict[str, Any]:
    sides = [one.as_json() for one in reports]
    found = difference(*reports)
    only = found[0] if found else {"only_here": [], "only_against": []}
    counts = [Counter(alarm["machine"] for alarm in side["alarms"]) for side in sides]
    return {
        "samples": sides[0]["samples"],
        "machines": sides[0]["machines"],
        "changed": sides[0]["rules"][0],
        "today": sides[1]["rules"][0],
        "by_machine": [
            {"machine": serial, "changed": counts[0][serial], "today": counts[1][serial]}
            for serial in sorted(
                counts[0] | counts[1],
                key=lambda serial: (-abs(counts[0][serial] - counts[1][serial]), serial),
            )
        ],
        "only_changed": only["only_here"][:MOST_NAMED],
        "only_today": only["only_against"][:MOST_NAMED],
        "changed_alarms": _named(reports[0]),
        "today_alarms": _named(reports[1]),
    }


def _named(of: Report) -> list[dict[str, Any]]:
    return [{**told(of, one.alarm), "outcome": one.outcome} for one in of.decided[:MOST_NAMED]]


def work(url: str) -> None:
    """Work through what waits; one process of a database at a time."""
    with our_errors(), connect(url) as connection:
        trials.take_turn(connection)
        while (trial := trials.begin(connection)) is not None:
            try:
                trials.done(connection, trial.id, try_rule(connection, url, trial))
            except Cancelled:
                log.info("A trial was cancelled.", trial=trial.id)
            except Exception as error:  # one trial's defect must not keep the others waiting
                log.error("A trial failed.", trial=trial.id, exc_info=error)
                trials.failed(
                    connection,
                    trial.id,
                    Text(en=f"It could not be tried: {error}", zh=f"试算失败：{error}"),
                )


#: The longest span that can be asked for.
LONGEST_MS = 400 * MS_PER_DAY

if __name__ == "__main__":
    os.nice(10)
    work(os.environ["IRONPULSE_DATABASE_URL"])
    sys.exit(0)
