"""The job that has fleets teach their detectors, each product when its day has come, and counts
their days for rules that compare with peers."""

from __future__ import annotations

import threading

import structlog

from fleet import clock
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from fleet.errors import IronpulseError
from fleet.plan import Catalogue, ProductPlan
from rules.compiled import compile_plan
from rules.detectors.fitting import TooLittleToLearn
from rules.detectors.learning import Seen
from rules.detectors.lessons import dump_normal
from rules.detectors.past import joined, past_of
from rules.detectors.teaching import EVERY_DAYS, MOST_MACHINES, learned, learning_days
from rules.live.peer_days import count_days
from rules.remembered.peers import USED_AFTER_MS
from store import normals, plans
from store.connection import Connection, Database, StoreError, StoreUnavailable
from store.normals import StoredNormal
from store.reading import read_range

#: Whether a product's day has come is looked at this often.
LOOK_S = 600.0
_RETRY_S = 30.0

log = structlog.get_logger()


def run(database_url: str, stop: threading.Event) -> None:
    """Teach when it is due until `stop` is set; waits for the database where it is away."""
    while not stop.is_set():
        wait_s = LOOK_S
        try:
            with Database(database_url, max_size=1) as database:
                look(database, clock.now_ms(), stop)
        except StoreUnavailable as error:
            log.warning("database away, learning later", error=str(error))
            wait_s = _RETRY_S
        except StoreError as error:
            log.error("nothing can be learned, trying again later", error=str(error))
        stop.wait(wait_s)


def look(database: Database, now_ms: int, stop: threading.Event) -> None:
    """Teach and count what is due, product by product; what one product's data or a write forbids
    is said, and keeps no other from learning."""
    with database.connection() as connection:
        catalogue = plans.load_catalogue(connection)
    for plan in catalogue.plans.values():
        for job in (teach, count_days):
            if stop.is_set():
                return
            try:
                with database.transaction() as connection:
                    job(connection, plan, now_ms)
            except StoreUnavailable:
                raise
            except IronpulseError as error:
                log.error(
                    "a job of learning failed, trying again later",
                    job=job.__name__, product=plan.product, error=str(error),
                )  # fmt: skip


def teach_all(connection: Connection, catalogue: Catalogue, now_ms: int) -> int:
    """Teach every product that is due; how many lessons came of it."""
    return sum(teach(connection, plan, now_ms) for plan in catalogue.plans.values())


def teach(connection: Connection, plan: ProductPlan, now_ms: int) -> int:
    """Have the fleet of a product teach if its day has come; how many lessons came of it.

    A lesson is made of what lay before the day that it was due on, however late the job runs, and
    counts from a moment on that is still to come: a sample is judged by the same lesson live, when
    it is judged again, and in a backtest.
    """
    if all(rule.normal is None for rule in plan.rules):
        return 0
    first_ms = normals.heard_since(connection, plan.product)
    due_ms = due_at(first_ms, normals.learned_until(connection, plan.product), now_ms)
    if due_ms is None:
        return 0
    normals.take_turn(connection, plan.product)
    if due_at(first_ms, normals.learned_until(connection, plan.product), now_ms) is None:
        return 0
    since_ms, compiled = counts_from(due_ms, now_ms), compile_plan(plan)
    models = normals.teachers(connection, plan.product, due_ms, MOST_MACHINES)
    pasts: dict[str, list[Seen]] = {}
    for machine in models:
        first = due_ms - EVERY_DAYS * MS_PER_DAY
        rows = read_range(connection, plan, [machine], first, due_ms)
        for rule, seen in past_of(compiled, rows).items():
            pasts.setdefault(rule, []).append(seen)
    lessons = []
    for detector in compiled.detectors:
        rule = detector.rule.id
        try:
            found = learned(detector, joined(pasts.get(rule, [])), models, due_ms)
        except TooLittleToLearn as error:
            log.info("too little to learn from", product=plan.product, rule=rule, why=str(error))
            continue
        for model, normal in found.items():
            lessons.append(StoredNormal(rule, model, since_ms, dump_normal(normal)))
    normals.put_normals(connection, plan.product, lessons)
    log.info("learned", product=plan.product, lessons=len(lessons), machines=len(models))
    return len(lessons)


def counts_from(due_ms: int, now_ms: int) -> int:
    """From when on a lesson of a day counts that is taught now: 8 hours after the day, or where the
    job runs later, as many times 8 as leave an hour for learning and for every worker to hear."""
    waits = max(1, -(-(now_ms + MS_PER_HOUR - due_ms) // USED_AFTER_MS))
    return due_ms + waits * USED_AFTER_MS


def due_at(first_ms: int | None, learned_ms: int | None, now_ms: int) -> int | None:
    """The moment of the lesson that is due, None where there is none."""
    if first_ms is None:
        return None
    days = learning_days((now_ms - first_ms) // MS_PER_DAY)
    due_ms = first_ms + days[-1] * MS_PER_DAY if days else None
    if due_ms is None or (learned_ms is not None and learned_ms >= due_ms):
        return None
    return due_ms
