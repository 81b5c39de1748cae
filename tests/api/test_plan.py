"""The parts plan over HTTP: figures, lines that open, overrides by the manager only, exports."""

from __future__ import annotations

import io

import httpx
from openpyxl import load_workbook

from store.connection import Connection
from tests.api.conftest import sign_in
from tests.api.test_lists import pages
from tests.api.world import WAREHOUSE, put_plan, put_refill


def test_lines_open_to_their_reasons_and_are_overridden(
    api: httpx.Client, store: Connection
) -> None:
    run = put_plan(store)
    parts = sign_in(api, "pat")
    assert [each["id"] for each in parts.get("/plan/runs").json()["items"]] == [run]
    lines = parts.get(f"/plan/runs/{run}/lines", params={"action": "transfer"}).json()["items"]
    (line,) = [each for each in lines if each["warehouse"] == "near"]
    assert line["transfers"] == [{"source": "hq", "source_name": WAREHOUSE, "quantity": 3}]
    detail = parts.get(f"/plan/lines/{line['id']}").json()
    said = " ".join(each["en"] for each in detail["sentences"])
    assert "transfer of 3 pieces from Warehouse" in said and "simple rule" in said
    assert "7 days until the shelf is filled up" in said
    assert "调入3件" in " ".join(each["zh"] for each in detail["sentences"])
    assert sum(detail["history"]) == 28, "whole months only"
    demand = parts.get(f"/plan/runs/{run}/demand", params={"number": line["number"]}).json()
    assert {each["region"] for each in demand["items"]} == {None, line["region"]}
    assert all(len(each["quantiles"]) == len(each["levels"]) for each in demand["items"])

    body = {"quantity": 7, "reason": "a big site opens"}
    assert parts.put(f"/plan/lines/{line['id']}/override", json=body).status_code == 403
    boss = sign_in(api, "mia")
    assert boss.put(f"/plan/lines/{line['id']}/override", json={"quantity": 7}).status_code == 422
    for odd in (True, "7", 7.5):
        refused = boss.put(f"/plan/lines/{line['id']}/override", json={**body, "quantity": odd})
        assert refused.status_code == 422, odd
    changed = boss.put(f"/plan/lines/{line['id']}/override", json=body).json()
    assert changed["line"]["override"]["made_by"] == "mia"
    assert boss.delete(f"/plan/lines/{line['id']}/override").status_code == 204
    assert boss.delete(f"/plan/lines/{line['id']}/override").status_code == 404
    assert boss.get(f"/plan/runs/{run}/verdicts").json()["items"] == []
    assert boss.get("/plan/runs/99/lines").status_code == 404


def test_exports_have_headings_in_both_languages(api: httpx.Client, store: Connection) -> None:
    run = put_plan(store)
    boss = sign_in(api, "mia")
    line = boss.get(f"/plan/runs/{run}/lines").json()["items"][0]["id"]
    reason = {"quantity": 7, "reason": "=1+1\a"}
    assert boss.put(f"/plan/lines/{line}/override", json=reason).status_code == 200
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
    assert text[1].endswith(",7,'=1+1\a") and rows[1][-2:] == (7, "=1+1")
    assert sheet.cell(2, sheet.max_column).data_type == "s", "a reason is no formula"
    assert parts.get(f"/plan/runs/{run}/export.pdf").status_code == 404


def test_a_refill_says_what_to_move(api: httpx.Client, store: Connection) -> None:
    put_plan(store)
    number = put_refill(store)
    parts = sign_in(api, "pat")
    (listed,) = parts.get("/plan/refills").json()["items"]
    detail = parts.get(f"/plan/refills/{number}").json()
    assert detail["refill"] == listed and listed["moves"] == len(detail["moves"]) == 1
    (move,) = detail["moves"]
    assert (move["source"], move["target"], move["kind"]) == ("hq", "near", "now")
    assert 0 < move["quantity"] <= 9 and move["target_name"] == WAREHOUSE
    text = parts.get(f"/plan/refills/{number}/export.csv", params={"language": "zh"}).content
    heads, line = text.decode("utf-8-sig").splitlines()
    assert heads.startswith("物料号,名称,调出仓,调入仓,数量（件）")
    assert line.split(",")[4:6] == [str(move["quantity"]), "现在"]
    assert parts.get("/plan/refills/99").status_code == 404


def test_plans_and_refills_come_in_pages(api: httpx.Client, store: Connection) -> None:
    put_plan(store)
    put_refill(store)
    for _ in range(2):
        store.execute(
            "insert into plan_run (month, as_of, made_by, version, settings, summary)"
            " select month, as_of, made_by, version, settings, summary from plan_run limit 1"
        )
        store.execute(
            "insert into refill (run_id, as_of, counted_at, made_by)"
            " select run_id, as_of, counted_at, made_by from refill limit 1"
        )
    parts = sign_in(api, "pat")
    for path in ("/plan/runs", "/plan/refills"):
        found = [each["id"] for each in pages(parts, path, 1)]
        assert found == sorted(set(found), reverse=True) and len(found) == 3
