"""The parts plan: demand, what to order and move, overrides, who was right."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.auth import Caller, Manager
from api.context import Shared
from api.paging import Cursor, Limit, decode, page
from api.parameters import Article, Region, RowId, Warehouse
from api.plan_export import table
from api.present import plan as present
from api.problems import not_found, responses
from api.schemas.base import Bilingual, Page
from api.schemas.plan import (
    Action,
    OverrideChange,
    PlanDemand,
    PlanLine,
    PlanLineDetail,
    PlanRun,
    PlanVerdicts,
)
from api.spreadsheets import XLSX, Kind, answer
from fleet.clock import now_ms, to_datetime
from fleet.text import Language
from predict.plan.verdicts import verdicts
from store import part_plans, stock
from store.connection import Connection

router = APIRouter(prefix="/plan", tags=["plan"], responses=responses("not-signed-in", "not-found"))


@router.get("/runs", operation_id="list_plan_runs")
def list_plan_runs(
    _caller: Caller, shared: Shared, limit: Limit = 100, cursor: Cursor = None
) -> Page[PlanRun]:
    """The plans that were made, the newest first."""
    before = decode(cursor, (int,))
    with shared.database.connection() as connection:
        rows = part_plans.runs(connection, limit + 1, before=before[0] if before else None)
    return page(rows, limit, present.run, lambda row: [row["id"]])


@router.get("/runs/{run_id}", operation_id="get_plan_run")
def get_plan_run(run_id: RowId, _caller: Caller, shared: Shared) -> PlanRun:
    """One plan in figures."""
    with shared.database.connection() as connection:
        return present.run(_run(connection, run_id))


@router.get("/runs/{run_id}/demand", operation_id="get_plan_demand")
def get_plan_demand(
    run_id: RowId, _caller: Caller, shared: Shared, number: Article = None, region: Region = None
) -> PlanDemand:
    """Demand as distributions by month: of one article in every region and in all together, or of
    all articles in one region (without `region`: in all together)."""
    with shared.database.connection() as connection:
        levels = _run(connection, run_id)["settings"]["levels"]
        known = present.names(shared.catalogue(connection))
        every = number is not None and region is None
        rows = part_plans.demand(connection, run_id, number=number, region=region, every=every)
    return PlanDemand(items=[present.demand(row, levels, known) for row in rows])


@router.get("/runs/{run_id}/lines", operation_id="list_plan_lines")
def list_plan_lines(
    run_id: RowId,
    _caller: Caller,
    shared: Shared,
    warehouse: Warehouse = None,
    region: Region = None,
    number: Article = None,
    action: Annotated[Action | None, Query(description="Only lines that ask for this.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[PlanLine]:
    """What the plan says of every article in every warehouse."""
    after = decode(cursor, (int,))
    filters = {"warehouse": warehouse, "region": region, "number": number, "action": action}
    with shared.database.connection() as connection:
        _run(connection, run_id)
        catalogue = shared.catalogue(connection)
        rows = part_plans.lines(connection, run_id, filters, after[0] if after else 0, limit + 1)
        names = _warehouses(connection)
    return page(
        rows, limit, lambda row: present.line(row, catalogue, names), lambda row: [row["id"]]
    )


@router.get("/runs/{run_id}/verdicts", operation_id="list_plan_verdicts")
def list_plan_verdicts(run_id: RowId, _caller: Caller, shared: Shared) -> PlanVerdicts:
    """Who was right, plan, manager or simple rule: lines whose days have passed against what was
    asked for."""
    now = to_datetime(now_ms())
    with shared.database.connection() as connection:
        _run(connection, run_id)
        catalogue = shared.catalogue(connection)
        names = _warehouses(connection)
        found = [
            present.verdict(each, catalogue, names)
            for each in verdicts(connection, catalogue, run_id, now)
        ]
    # One count per article: the headquarters' line counts all warehouses already.
    heads = [each for each in found if each.line.warehouse_level == "headquarters"]
    return PlanVerdicts(
        items=found,
        plan_cost=sum(each.plan.cost for each in heads),
        rule_cost=sum(each.rule.cost for each in heads),
        override_cost=sum((each.override or each.plan).cost for each in heads),
    )


@router.get(
    "/runs/{run_id}/export.{kind}",
    operation_id="export_plan",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}, XLSX: {}}}},
)
def export_plan(
    run_id: RowId,
    kind: Kind,
    _caller: Caller,
    shared: Shared,
    language: Annotated[Language, Query(description="Language of headings and names.")] = "en",
) -> Response:
    """The lines of a plan as CSV or Excel."""
    with shared.database.connection() as connection:
        _run(connection, run_id)
        rows = part_plans.lines(connection, run_id, {})
        lines = table(rows, shared.catalogue(connection), language)
    return answer(lines, kind, f"parts-plan-{run_id}")


@router.get("/lines/{line_id}", operation_id="get_plan_line")
def get_plan_line(line_id: RowId, _caller: Caller, shared: Shared) -> PlanLineDetail:
    """A line with its assumptions and the machines behind it."""
    with shared.database.connection() as connection:
        return _detail(connection, shared, line_id)


@router.put(
    "/lines/{line_id}/override",
    operation_id="override_plan_line",
    responses=responses("not-allowed"),
)
def override_plan_line(
    line_id: RowId, body: OverrideChange, caller: Manager, shared: Shared
) -> PlanLineDetail:
    """Let another quantity come than the plan says, with a reason; later both are judged."""
    now = to_datetime(now_ms())
    with shared.database.transaction() as connection:
        _line(connection, line_id)
        part_plans.put_override(connection, line_id, body.quantity, body.reason, caller.actor, now)
        return _detail(connection, shared, line_id)


@router.delete(
    "/lines/{line_id}/override",
    operation_id="drop_plan_override",
    status_code=204,
    responses=responses("not-allowed"),
)
def drop_plan_override(line_id: RowId, _caller: Manager, shared: Shared) -> None:
    """Take an override back."""
    with shared.database.transaction() as connection:
        if not part_plans.drop_override(connection, line_id):
            raise not_found(
                f"Line {line_id} has no override to take back.", f"第{line_id}行没有人工调整。"
            )


def _run(connection: Connection, run_id: int) -> dict[str, Any]:
    found = part_plans.runs(connection, 1, run_id)
    if not found:
        raise not_found(f"There is no plan {run_id}.", f"没有编号为 {run_id} 的计划。")
    return found[0]


def _line(connection: Connection, line_id: int) -> dict[str, Any]:
    found = part_plans.lines(connection, None, {}, line_id=line_id)
    if not found:
        raise not_found(f"There is no line {line_id}.", f"计划中没有第 {line_id} 行。")
    return found[0]


def _detail(connection: Connection, shared: Shared, line_id: int) -> PlanLineDetail:
    names = _warehouses(connection)
    return present.detail(_line(connection, line_id), shared.catalogue(connection), names)


def _warehouses(connection: Connection) -> dict[str, Bilingual]:
    return {row["id"]: Bilingual(**row["name"]) for row in stock.warehouses(connection)}
