"""Overview, alarms, parts, words, products: what people read, and how it is cut into pages."""

from __future__ import annotations

from typing import Any

import httpx

from fleet.clock import now_ms, to_datetime
from store import fleet_view
from store.connection import Connection, Database
from store.plans import put_catalogue
from tests.api import plans
from tests.api.conftest import sign_in
from tests.api.world import START, machine_id, put_alarm, put_now, put_part_alert, put_ticket

DAY = 86_400_000


def pages(client: httpx.Client, path: str, limit: int) -> list[dict[str, Any]]:
    """All items, read page by page; each page but the last is full."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        body = client.get(path, params=params).json()
        items += body["items"]
        cursor = body["next_cursor"]
        if cursor is None:
            return items
        assert len(body["items"]) == limit


def test_the_overview_counts_what_is_there(manager: httpx.Client, store: Connection) -> None:
    now = now_ms()
    put_now(store, "P-1", measured_at=to_datetime(now))
    put_now(store, "P-2")
    put_now(store, "C-1", connection="offline")
    late = put_ticket(store, "P-1", severity=3, at=now - 100 * DAY)
    fresh = put_ticket(store, "C-1", severity=2)
    lonely = put_alarm(store, "P-2", "boiling", 4)
    alert = put_part_alert(store, "P-3", order_in_days=2)
    body = manager.get("/overview").json()
    assert body["machines"] == 4
    assert body["health"] == {"stop": 1, "alarm": 1, "warning": 1, "ok": 0, "unknown": 1}
    regions = {region["id"]: region for region in body["regions"]}
    assert regions["south"]["machines"] == 3 and regions["west"]["machines"] == 0
    assert regions["south"]["health_index"] == round((70 + 40) / 2)
    assert regions["west"]["health_index"] is None
    products = {product["id"]: product["health"] for product in body["products"]}
    assert products["crane"]["warning"] == 1
    tickets = {count["priority"]: count for count in body["tickets"]}
    assert tickets[2] == {"priority": 2, "open": 1, "unassigned": 1, "overdue": 1}
    assert tickets[3]["open"] == 1 and tickets[1]["open"] == 0
    assert body["promises_broken"] == 1
    assert [p["number"] for p in body["promises"]] == [late, fresh]
    assert body["promises"][0]["left_s"] < 0 < body["promises"][1]["left_s"]
    found = [(d["rank"], d["kind"], d["serial"]) for d in body["decisions"]]
    assert found == [
        (1, "stopped_without_ticket", "P-2"),
        (2, "promise_broken", "P-1"),
        (3, "unassigned", "C-1"),
        (4, "order_part", "P-3"),
    ]
    decisions = body["decisions"]
    assert decisions[0]["alarm_id"] == lonely and "rule boiling" in decisions[0]["reason"]["en"]
    assert decisions[1]["ticket"] == late and "规则 hot" in decisions[1]["reason"]["zh"]
    assert decisions[3]["part_alert_id"] == alert
    assert body["parts"] == {"open": 1, "order_now": 1, "ordered": 0}
    assert body["live_alarms"] == {"2": 1, "3": 1, "4": 1}
    assert body["freshness"]["connections"] == {"never_seen": 1, "offline": 1, "online": 2}


def test_one_part_on_many_machines_is_one_decision_and_crowds_out_no_other(
    manager: httpx.Client, store: Connection
) -> None:
    later = put_part_alert(store, "P-1", order_in_days=5)
    first = put_part_alert(store, "P-2", order_in_days=-1)
    for place in range(12):
        put_alarm(store, "P-3", "boiling", 4, component=f"part{place}")
    decisions = manager.get("/overview").json()["decisions"]
    stopped = [d for d in decisions if d["kind"] == "stopped_without_ticket"]
    assert len(stopped) == 10 and {d["of_kind"] for d in stopped} == {12}
    (order,) = [d for d in decisions if d["kind"] == "order_part"]
    assert order["part_alert_id"] == first != later and order["serial"] == "P-2"
    assert (order["machines"], order["quantity"], order["of_kind"]) == (2, 2, 1)
    assert "2 × " in order["reason"]["en"] and "for 2 machines" in order["reason"]["en"]
    assert order["reason"]["zh"].endswith("2 件，2 台设备需要")


def test_an_empty_fleet_has_an_overview(manager: httpx.Client, store: Connection) -> None:
    store.execute("update machine set retired_at = now()")
    body = manager.get("/overview").json()
    assert body["machines"] == 0 and body["health_index"] is None
    assert body["decisions"] == [] and body["freshness"]["age_s"] is None


def test_alarms_are_filtered_and_paged(manager: httpx.Client, store: Connection) -> None:
    ids = [
        put_alarm(store, "P-1", "warm", 2, state="cleared", at=START),
        put_alarm(store, "P-1", "warm", 2, at=START + DAY),
        put_alarm(store, "P-2", "hot", 3, state="returned", at=START + DAY),
        put_alarm(store, "C-1", "boiling", 4, at=START + 2 * DAY),
    ]

    def ask(**params: Any) -> list[int]:
        answer = manager.get("/alarms", params=params)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert ask() == [ids[3], ids[2], ids[1], ids[0]]
    assert ask(live="true") == [ids[3], ids[2], ids[1]]
    assert ask(live="false") == [ids[0]]
    assert ask(live="true", state="cleared") == []
    assert ask(state="returned") == [ids[2]]
    assert ask(severity=3) == [ids[3], ids[2]]
    assert ask(region="north") == ask(product="crane") == ask(machine="C-1") == [ids[3]]
    bounds = {"from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z"}
    assert ask(**bounds) == [ids[2], ids[1]]
    assert [alarm["id"] for alarm in pages(manager, "/alarms", 1)] == ask()
    own = manager.get("/machines/P-1/alarms", params={"live": "true"}).json()["items"]
    assert [alarm["id"] for alarm in own] == [ids[1]]
    assert own[0]["name"] == {"en": "rule warm", "zh": "规则 warm"}
    assert own[0]["shows"] == ["hyd_temp_c"]


def test_an_alarm_of_a_sensor_tells_it_by_its_name(
    manager: httpx.Client, store: Connection
) -> None:
    put_alarm(store, "P-1", "warm", 2, component="body/hyd_temp_c")
    named = manager.get("/alarms").json()["items"][0]["component_name"]
    assert named == {"en": "name, name", "zh": "名称，名称"}, "and not by its key"


def test_an_alarm_of_a_forgotten_rule_and_of_a_trouble_code_can_be_read(
    manager: httpx.Client, store: Connection
) -> None:
    put_alarm(store, "P-1", "gone", 2, component="body/spn110-fmi0")
    alarm = manager.get("/alarms").json()["items"][0]
    assert alarm["name"]["en"] == "gone" and alarm["advice"] is None
    assert alarm["component_name"] == {
        "en": "name, SPN 110 FMI 0",
        "zh": "名称，SPN 110 FMI 0",
    }


def test_the_parts_team_orders_and_dismisses(api: httpx.Client, store: Connection) -> None:
    first, second = put_part_alert(store, "P-1", 3), put_part_alert(store, "P-2", -1)
    sign_in(api, "pat")
    items = pages(api, "/parts/alerts", 1)
    assert [(item["id"], item["overdue"]) for item in items] == [(second, True), (first, False)]
    assert items[0]["name"]["zh"] == "名称" and items[0]["price_class"] == "A"
    ordered = api.post(f"/parts/alerts/{first}/status", json={"status": "ordered"})
    assert (ordered.json()["status"], ordered.json()["changed_by"]) == ("ordered", "pat")
    twice = api.post(f"/parts/alerts/{first}/status", json={"status": "ordered"})
    assert twice.status_code == 409 and "已订货" in twice.json()["detail_zh"]
    without = api.post(f"/parts/alerts/{second}/status", json={"status": "dismissed"})
    assert without.status_code == 422
    body = {"status": "dismissed", "note": "machine is being sold"}
    dismissed = api.post(f"/parts/alerts/{second}/status", json=body)
    assert dismissed.json()["evidence"]["note"] == "machine is being sold"
    again = api.post(f"/parts/alerts/{second}/status", json=body)
    assert again.status_code == 409 and "已驳回" in again.json()["detail_zh"]
    assert api.post("/parts/alerts/999999/status", json=body).status_code == 404
    left = api.get("/parts/alerts", params={"status": "ordered", "region": "south"}).json()
    assert [item["id"] for item in left["items"]] == [first]
    sign_in(api, "tom")
    refused = api.post(f"/parts/alerts/{first}/status", json={"status": "ordered"})
    assert refused.status_code == 403
    assert api.get("/parts/alerts").status_code == 200


def test_services_come_with_hours_left(manager: httpx.Client, store: Connection) -> None:
    store.execute(
        "insert into service_due values (%s, 's250', 740, 750, null, now(), true, now())",
        (machine_id(store, "P-1"),),
    )
    (service,) = manager.get("/machines/P-1").json()["services"]
    assert (service["hours_left"], service["announced"], service["due_at"]) == (10, True, None)


def test_products_are_data(manager: httpx.Client) -> None:
    listed = pages(manager, "/products", 1)
    assert [(item["id"], item["machines"]) for item in listed] == [("crane", 1), ("pump", 3)]
    plan = manager.get("/products/pump").json()
    signal = next(s for s in plan["signals"] if s["key"] == "hyd_temp_c")
    assert signal["warn"] == {"above": 90, "below": None} and signal["normal"] == [20, 80]
    assert [regime["color"] for regime in plan["regimes"]] == ["#22aa55", "#ddaa22", "#888888"]
    assert {rule["trigger"] for rule in plan["rules"]} == {"when", "silence", "normal"}
    assert plan["parts"][0]["life_mid"] == 1000 and plan["services"][0]["parts"] == {"filter": 1}
    assert manager.get("/products/none").status_code == 404


def test_every_state_has_words(manager: httpx.Client, store: Connection) -> None:
    words = manager.get("/words").json()
    states = store.execute(
        "select pg_get_constraintdef(oid) as rule from pg_constraint where contype = 'c'"
    ).fetchall()
    text = " ".join(row["rule"] for row in states)
    for group in (
        *("connections", "alarm_states", "ticket_states", "part_alert_states"),
        *("removal_reasons", "finding_kinds", "roles"),
    ):
        assert words[group], group
        for key, names in words[group].items():
            assert f"'{key}'" in text, f"{key} is no word of the store"
            assert names["en"] and names["zh"]
    assert words["tiers"][0]["target_h"]["4"] == 4


def test_an_alarm_names_the_version_of_the_rule_that_raised_it(
    manager: httpx.Client, store: Connection
) -> None:
    put_alarm(store, "P-1", "hot", 3)
    number = put_ticket(store, "P-2", "hot")
    changed = plans.catalogue()
    pump = changed.plans["pump"]
    rules = tuple(
        rule.model_copy(update={"hold_s": 77.0}) if rule.id == "hot" else rule
        for rule in pump.rules
    )
    pump = pump.model_copy(update={"rules": rules, "version": "2"})
    put_catalogue(store, changed.model_copy(update={"plans": {"pump": pump}}), now_ms())
    alarm = manager.get("/alarms", params={"machine": "P-1"}).json()["items"][0]
    assert (alarm["rule_version"], alarm["rule_version_today"]) == (1, 2)
    (item,) = manager.get(f"/tickets/{number}").json()["items"]
    assert (item["rule_version"], item["rule_version_today"]) == (1, 2)
    versions = manager.get("/products/pump/rules/hot/versions").json()["versions"]
    assert [(one["number"], one["is_today"]) for one in versions] == [(1, False), (2, True)]
    assert versions[1]["definition"]["hold_s"] == 77
    assert versions[0]["since"] == alarm["rule_version_since"]
    assert manager.get("/products/pump/rules/never/versions").status_code == 404


def test_a_list_is_planned_for_its_own_filters_however_often_it_is_asked(database: str) -> None:
    with Database(database, max_size=1, plan_each_query=True) as pool, pool.connection() as store:
        for _ in range(15):
            fleet_view.machines(store, {}, None, 10)
        plans = store.execute(
            "select sum(generic_plans) as shared, sum(custom_plans) as own"
            " from pg_prepared_statements where statement like '%live_alarms%'"
        ).fetchone()
    assert plans is not None
    assert plans["shared"] == 0
    assert plans["own"] > 0
