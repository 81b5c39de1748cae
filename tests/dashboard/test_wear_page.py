"""The page of wear parts: what it can be asked for follows the tab that is seen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from fleet.clock import now_ms, to_datetime
from store.connection import Connection
from tests.api import world
from tests.dashboard.test_browser import PATIENCE_MS, shot, sign_in_at


@pytest.fixture
def worn(store: Connection) -> None:
    """Two of P-1's parts with what is left of them, and an alert for one."""
    now = to_datetime(now_ms())
    day = timedelta(days=1)
    with store.transaction():
        store.execute(
            "insert into remaining_life (fitted_part_id, as_of, unit, p10, p50, p90, due_p10,"
            " due_p50, due_p90, worn_share, method, sample_size)"
            " select id, %s, 'h', 50, 90, 140, %s, %s, %s, 0.8, 'plan', 0 from fitted_part"
            " where machine_id = %s",
            (now, now + 5 * day, now + 9 * day, now + 14 * day, world.machine_id(store, "P-1")),
        )
    world.put_part_alert(store, "P-1")


@pytest.mark.usefixtures("worn")
def test_a_filter_stands_where_it_filters(page: Page, dashboard_url: str) -> None:
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.set_viewport_size({"width": 1400, "height": 1000})
    page.goto(f"{dashboard_url}/wear?lang=en")
    sign_in_at(page, "pat")
    expect(page.locator(".ip-card", has_text="N-")).to_be_visible()
    expect(page.get_by_role("combobox", name="Status")).to_have_count(1)
    shot(page, "wear-alerts-en")

    page.get_by_role("tab", name="By urgency").click()
    lives = page.locator(".ip-card", has_text="What no signal measures")
    expect(lives).to_contain_text("N-seal")
    expect(page.get_by_role("combobox", name="Status")).to_have_count(0)
    part = page.get_by_role("combobox", name="Part")
    expect(part).to_have_count(1)  # the one of the tab left behind goes when the page is drawn
    part.click()
    page.get_by_role("option", name="name · filter").click()
    expect(lives).not_to_contain_text("N-seal")
    expect(lives).to_contain_text("N-filter")
    shot(page, "wear-urgency-en")

    page.goto(f"{dashboard_url}/wear?lang=zh")
    page.get_by_role("tab", name="按紧急程度").click()
    expect(page.locator(".ip-card", has_text="没有信号反映的影响")).to_be_visible()
    shot(page, "wear-urgency-zh")


@pytest.mark.usefixtures("worn")
def test_all_parts_of_a_kind_are_ordered_at_once(
    page: Page, dashboard_url: str, store: Connection
) -> None:
    for serial in ("P-2", "P-3"):
        world.put_part_alert(store, serial)
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(f"{dashboard_url}/wear?lang=en")
    sign_in_at(page, "pat")
    act = page.locator(".st-key-act_card")
    chosen = act.get_by_role("combobox", name="Order or dismiss")
    expect(chosen).to_have_value("All name: 3 for 3 machines")
    # Somebody decides on one of them meanwhile.
    store.execute("update part_alert set status = 'dismissed' where machine_id = %s",
                  (world.machine_id(store, "P-2"),))  # fmt: skip
    act.get_by_role("button", name="Mark as ordered").click()
    expect(page.locator(".ip-wear").get_by_text("ordered", exact=True)).to_have_count(2)
    rows = store.execute("select status, changed_by from part_alert order by id").fetchall()
    assert [(row["status"], row["changed_by"]) for row in rows] == [
        ("ordered", "pat"), ("dismissed", None), ("ordered", "pat")
    ]  # fmt: skip
