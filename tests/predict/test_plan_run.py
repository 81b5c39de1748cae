"""A run of the parts plan on a real store: files in, lines with their reasons out, judged later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleet.clock import now_ms
from ironpulse.stock_import import import_parts, import_warehouses
from ironpulse.stock_tables import TableError
from predict.plan.network import NetworkError
from predict.plan.run import run_plan
from predict.plan.verdicts import verdicts
from store import part_plans
from store.connection import Connection, connect
from store.plans import load_catalogue
from tests.predict import stored

NOW = datetime.fromtimestamp(now_ms() / 1000, UTC)
WAREHOUSES = """仓库编号,级别,区域,服务站,英文名称,中文名称
hq,headquarters,,,Headquarters,总部库
south,region,south,,South,华南库
depot,station,south,station,Depot,站库
"""


def table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def prepared(connection: Connection, folder: Path) -> None:
    """Warehouses, stock of one article, its price, and repairs in the last four months."""
    import_warehouses(connection, table(folder, WAREHOUSES))
    import_parts(
        connection,
        "stock",
        table(
            folder, "warehouse,number,on_hand,inbound,owed\nsouth,N-valve,5,,\nhq,N-valve,1,2,\n"
        ),
    )
    import_parts(
        connection, "supply", table(folder, "number,price,supply_days,pack\nN-valve,120,20,1\n")
    )
    rows = "".join(
        f"D-{n},depot,N-valve,2,{(NOW - timedelta(days=100 - 6 * n)).date()},repair\n"
        for n in range(17)
    )
    import_parts(
        connection,
        "issues",
        table(folder, "document,warehouse,number,quantity,issued_at,reason\n" + rows),
    )
    month = (NOW + timedelta(days=20)).strftime("%Y-%m")
    import_parts(connection, "sales", table(
        folder, f"month,region,product,model,machines\n{month},south,pump,P56,4\n"))  # fmt: skip


def test_without_warehouses_it_says_what_to_do(pump_store: str) -> None:
    with connect(pump_store) as connection, pytest.raises(NetworkError, match="warehouses import"):
        run_plan(connection, load_catalogue(connection), NOW, "test")


def test_all_faults_of_a_file_come_at_once(pump_store: str, tmp_path: Path) -> None:
    with connect(pump_store) as connection, connection.transaction():
        prepared(connection, tmp_path)
        wrong = table(
            tmp_path, "warehouse,number,on_hand\nmoon,N-valve,1\nhq,NONE,-2\nhq,N-valve\n"
        )
        with pytest.raises(TableError) as caught:
            import_parts(connection, "stock", wrong)
        said = [(fault.line, fault.message.split(":")[0]) for fault in caught.value.faults]
        assert said == [(2, "warehouse"), (3, "on_hand"), (4, "warehouse")]
        with pytest.raises(TableError, match="one headquarters"):
            import_warehouses(connection, table(
                tmp_path, "id,level,name_en,name_zh\nother,headquarters,A,B\n"))  # fmt: skip
        with pytest.raises(TableError, match=r"machines .* is missing"):
            import_parts(connection, "sales", table(tmp_path, "month,region,product,model\n"))


def test_a_plan_is_made_kept_overridden_and_judged(pump_store: str, tmp_path: Path) -> None:
    with connect(pump_store) as connection, connection.transaction():
        stored.write(connection, stored.working(1, 0, 4))
        prepared(connection, tmp_path)
        catalogue = load_catalogue(connection)
        number = run_plan(connection, catalogue, NOW, "test")
        lines = {
            r["warehouse"]: r for r in part_plans.lines(connection, number, {"number": "N-valve"})
        }
        depot, south, head = lines["depot"], lines["south"], lines["hq"]
        assert depot["reasons"]["history"] == [10.0, 10.0, 10.0]
        assert depot["expected"] > 4 and depot["level"] > depot["expected"]
        assert depot["transfers"][0]["from"] == "south"
        assert south["level"] == south["own_level"] + depot["own_level"]
        assert head["order_quantity"] == head["level"] - head["position"] > 0
        assert head["price"] == 120 and head["reasons"]["supply_days"] == 20
        sold = part_plans.demand(connection, number, number="N-valve", every=True)
        whole, region = sold[:6], sold[6:]
        assert [r["mean"] for r in whole] == pytest.approx([r["mean"] for r in region])
        assert all(r["sources"]["other"] > 5 for r in whole[1:]), "the first is the month's rest"
        assert [r["month"].day for r in whole] == [1] * 6 and whole[0]["month"].month == NOW.month
        assert sum(whole[0]["chances"]) == pytest.approx(1.0, abs=1e-3)

        part_plans.put_override(connection, head["id"], 0, "we close down", "mia", NOW)
        later = NOW + timedelta(days=200)
        found = {v.line["warehouse"]: v for v in verdicts(connection, catalogue, number, later)
                 if v.line["number"] == "N-valve"}  # fmt: skip
        assert set(found["hq"].verdict.outcomes) == {"plan", "rule", "override"}
        assert found["hq"].verdict.asked <= 2
        assert found["hq"].verdict.best == ("override",), "nobody asked for anything"
        assert list(verdicts(connection, catalogue, number, NOW)) == []


def test_a_past_month_is_planned_with_what_was_known_then(pump_store: str, tmp_path: Path) -> None:
    with connect(pump_store) as connection, connection.transaction():
        prepared(connection, tmp_path)
        catalogue = load_catalogue(connection)
        then = NOW - timedelta(days=60)
        number = run_plan(connection, catalogue, then, "test")
        (depot,) = part_plans.lines(connection, number, {"number": "N-valve", "warehouse": "depot"})
        assert depot["reasons"]["history"] == [10.0], "later issues are not known yet"
        later = {v.line["warehouse"]: v for v in verdicts(connection, catalogue, number, NOW)
                 if v.line["number"] == "N-valve"}  # fmt: skip
        found = later["depot"]
        # Two pieces every six days; an issue of a day counts from its midnight.
        issued = [(NOW - timedelta(days=100 - 6 * n)).date() for n in range(17)]
        until = then + timedelta(days=round(depot["cover_days"]))
        came = 2 * sum(then < datetime(d.year, d.month, d.day, tzinfo=UTC) < until for d in issued)
        assert (found.verdict.asked, found.until) == (came, until) and came > 0
        assert set(later) == {"depot", "south", "hq"}, "each counts what it serves"
        assert {v.verdict.asked for v in later.values()} >= {came}
        for party, each in found.verdict.outcomes.items():
            missed, over = max(came - each.had, 0), max(each.had - came, 0)
            level = depot["service_level"]
            assert each.cost == pytest.approx(120 * (level * missed + (1 - level) * over)), party
        least = min(each.cost for each in found.verdict.outcomes.values())
        best = {p for p, each in found.verdict.outcomes.items() if each.cost == least}
        assert set(found.verdict.best) == best
