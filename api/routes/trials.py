"""Trying a rule on history before it sends anybody out. Managers only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from api.auth import Manager
from api.context import Shared
from api.paging import Cursor, Limit, decode, page
from api.parameters import RowId
from api.present.product import named
from api.problems import ProblemException, conflict, invalid, not_found, responses
from api.schemas.base import Page, ProblemError
from api.schemas.trial import Trial, TrialRequest, TrialSummary
from fleet.clock import now_ms, to_ms
from fleet.plan import Catalogue
from fleet.text import Text
from rules.backtest.trial import LONGEST_MS, changed
from store import trials
from store.connection import Connection

#: So many may wait; they are worked through one after the other.
MOST_WAITING = 5

router = APIRouter(
    prefix="/trials",
    tags=["trials"],
    responses=responses("not-signed-in", "not-allowed", "not-found"),
)


@router.post("", operation_id="start_trial", status_code=201, responses=responses("conflict"))
def start_trial(body: TrialRequest, caller: Manager, shared: Shared) -> Trial:
    """Try a changed rule on the store's history, beside today's. Ask for its state with the id."""
    with shared.database.transaction() as connection:
        plan = shared.plan(connection, body.product)
        rule = plan.rule.get(body.rule)
        if rule is None:
            raise not_found(
                f"{plan.name.en} has no rule {body.rule}.", f"{plan.name.zh}没有规则 {body.rule}。"
            )
        span = _span(body)
        if rule.when is None:
            raise conflict(
                f"{rule.name.en} has no condition that could be changed.",
                f"规则“{rule.name.zh}”没有可修改的条件表达式。",
            )
        change = body.change.model_dump(exclude_none=True)
        if "params" in change:
            change["params"] = {**rule.params, **change["params"]}
        _, problems = changed(plan, rule, change)
        if problems:
            raise ProblemException(
                "invalid",
                Text(en="The changed rule is not valid.", zh="修改后的规则无效。"),
                [ProblemError(place=f"body.change.{field}", message=words)
                 for field, words in problems],
            )  # fmt: skip
        if trials.waiting(connection) >= MOST_WAITING:
            raise conflict(
                f"{MOST_WAITING} trials wait already; try again when one is done.",
                f"已有 {MOST_WAITING} 项试算在排队，请稍后再试。",
            )
        made = trials.ask(
            connection, body.product, body.rule, change, span, who=caller.actor, now_ms=now_ms()
        )
    shared.try_rules()
    with shared.database.connection() as connection:
        return _one(connection, shared.catalogue(connection), made)


def _span(body: TrialRequest) -> tuple[int, int]:
    since, until = to_ms(body.since), to_ms(body.until)
    if not 0 < until - since <= LONGEST_MS:
        raise invalid(
            "body.until",
            "`until` is not after `since`, or more than 400 days after it.",
            "结束时间必须晚于开始时间，且跨度不超过 400 天。",
        )
    return since, until


@router.get("", operation_id="list_trials")
def list_trials(
    _caller: Manager, shared: Shared, limit: Limit = 100, cursor: Cursor = None
) -> Page[TrialSummary]:
    """Trials of the last two weeks, the latest first."""
    after = decode(cursor, (int,))
    with shared.database.connection() as connection:
        catalogue = shared.catalogue(connection)
        rows = trials.list_trials(connection, after=after[0] if after else None, limit=limit + 1)
    return page(
        rows,
        limit,
        lambda row: TrialSummary(**_fields(row, catalogue)),
        lambda row: [row["id"]],
    )


@router.get("/{trial_id}", operation_id="get_trial")
def get_trial(trial_id: RowId, _caller: Manager, shared: Shared) -> Trial:
    """A trial: how far it is, or its result."""
    with shared.database.connection() as connection:
        found = _one(connection, shared.catalogue(connection), trial_id)
    if found.state in ("queued", "running"):
        shared.try_rules()  # its process may have died with an earlier service
    return found


@router.post("/{trial_id}/cancel", operation_id="cancel_trial", responses=responses("conflict"))
def cancel_trial(trial_id: RowId, _caller: Manager, shared: Shared) -> Trial:
    """Stop a trial."""
    with shared.database.transaction() as connection:
        catalogue = shared.catalogue(connection)
        _one(connection, catalogue, trial_id)
        if not trials.cancel(connection, trial_id):
            raise conflict("The trial is over already.", "该试算已结束。")
        return _one(connection, catalogue, trial_id)


def _one(connection: Connection, catalogue: Catalogue, trial_id: int) -> Trial:
    rows = trials.list_trials(connection, trial_id=trial_id, limit=1)
    if not rows:
        raise not_found(f"There is no trial {trial_id}.", f"没有编号为 {trial_id} 的试算。")
    return Trial(**_fields(rows[0], catalogue), result=rows[0]["result"])


def _fields(row: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    plan = catalogue.plans.get(row["product"])
    rule = plan.rule.get(row["rule"]) if plan is not None else None
    stored = {name: row[name] for name in TrialSummary.model_fields if name in row}
    return {**stored, "name": named(row["rule"], rule.name if rule is not None else None).name}
