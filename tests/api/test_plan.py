"""The parts plan over HTTP: figures, lines that open, overrides by the manager only, exports."""

from __future__ import annotations

import io
from datetime import timedelta

import httpx
from openpyxl import load_workbook

from fleet.clock import now_ms, to_datetime
from predict.plan.run import run_plan
from store import stock
from store.connection import Connection
from tests.api import plans
from tests.api.conftest import sign_in

NAME = {"en": "Warehouse", "zh": "仓库"}


def put_plan(store: Connection) -> int:
    """Two warehouses, something in them, repairs of three months, and the plan of it."""
    (region,) = {
        r["region"] for r in store.execute("select region from station limit 1").fetchall()
    }
    now = to_datetime(now_ms())
    number = next(iter(plans.catalogue().plans["pump"].parts)).number
    stock.put_warehouses(
        store,
        [
            {"id": "hq", "level": "headquarters", "region": None, "station": None, "name": NAME},
            {"id": "near", "level": "region", "region": region, "station": None, "name": NAME},
        ],
    )
    stock.put_stock(
        store,
        [
            {"warehouse": "hq", "number": number, "on_hand": 3, "inbound": 0, "owed": 0},
        ],
        now,
    )
    stock.put_issues(store, [
        {"document": f"D{n}", "warehouse": "near", "number": number, "quantity": 1,
         "issued_at": now - timedelta(days=95 - 3 * n), "reason": "repair"} for n in range(30)
    ])  # fmt: skip
    with store.transaction():
        return run_plan(store, plans.catalogue(), now, "test")


def test_lines_open_to_their_reasons_and_are_overridden(
    api: httpx.Client, store: Connection
) -> None:
    run = put_plan(store)
    parts = sign_in(api, "pat")
    assert [each["id"] for each in parts.get("/plan/runs").json()["items"]] == [run]
    lines = parts.get(f"/plan/runs/{run}/lines", params={"action": "transfer"}).json()["items"]
    (line,) = [each for each in lines if each["warehouse"] == "near"]
    assert line["transfers"] == [{"source": "hq", "quantity": 3}]
    detail = parts.get(f"/plan/lines/{line['id']}").json()
    said = " ".join(each["en"] for each in detail["sentences"])
    assert "3 come from Warehouse" in said and "simple rule" in said
    assert "调入3件" in " ".join(each["zh"] for each in detail["sentences"])
    assert sum(detail["history"]) == 28, "whole months only"
    demand = parts.get(f"/plan/runs/{run}/demand", params={"number": line["number"]}).json()
    assert {each["region"] for each in demand["items"]} == {None, line["region"]}
    assert all(len(each["quantiles"]) == len(each["levels"]) for each in demand["items"])

    body = {"quantity": 7, "reason": "a big site opens"}
    assert parts.put(f"/plan/lines/{line['id']}/override", json=body).status_code == 403
    boss = sign_in(api, "mia")
    assert boss.put(f"/plan/lines/{line['id']}/override", json={"quantity": 7}).status_code == 422
    changed = boss.put(f"/plan/lines/{line['id']}/override", json=body).json()
    assert changed["line"]["override"]["made_by"] == "mia"
    assert boss.delete(f"/plan/lines/{line['id']}/override").status_code == 204
    assert boss.delete(f"/plan/lines/{line['id']}/override").status_code == 404
    assert boss.get(f"/plan/runs/{run}/verdicts").json()["items"] == []
    assert boss.get("/plan/runs/99/lines").status_code == 404


def test_exports_have_headings_in_both_languages(api: httpx.Client, store: Connection) -> None:
    run = put_plan(store)
    parts = sign_in(api, "pat")
    csv = parts.get(f"/plan/runs/{run}/export.csv", params={"language": "zh"}).content
    text = csv.decode("utf-8-sig").splitlines()
    assert text[0].startswith("物料号,名称,仓库,价值类别")
    answer = parts.get(f"/plan/runs/{run}/export.xlsx")
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:3] == ("Number", "Name", "Warehouse")
    assert len(rows) == len(text)
    assert parts.get(f"/plan/runs/{run}/export.pdf").status_code == 404
