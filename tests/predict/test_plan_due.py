"""The predict process makes a plan once a month, where there are warehouses."""

from __future__ import annotations

import threading
from pathlib import Path

from predict.worker import plan_if_due
from store import part_plans
from store.connection import Database, connect
from store.plans import load_catalogue
from tests.predict.test_plan_run import prepared


def test_a_plan_is_made_once_a_month_where_there_are_warehouses(
    pump_store: str, tmp_path: Path
) -> None:
    going, stopped = threading.Event(), threading.Event()
    stopped.set()
    with Database(pump_store, max_size=1) as database:
        with database.connection() as connection:
            catalogue = load_catalogue(connection)
        assert plan_if_due(database, catalogue, going) is None, "no warehouses"
        with connect(pump_store) as connection, connection.transaction():
            prepared(connection, tmp_path)
        assert plan_if_due(database, catalogue, stopped) is None, "the process is to end"
        number = plan_if_due(database, catalogue, going)
        assert number is not None
        assert plan_if_due(database, catalogue, going) is None, "made already"
        with database.connection() as connection:
            (run,) = part_plans.runs(connection, 5)
            assert (run["id"], run["made_by"]) == (number, "predict")
