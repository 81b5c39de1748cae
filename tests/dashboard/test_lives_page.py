"""The page of part lives and a machine's next inspection, in a real browser and both languages."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.app import PREFIX
from fleet.clock import MS_PER_DAY, now_ms, to_datetime
from fleet.text import Text
from store import inspections, learned_lives
from store.connection import Connection
from store.inspections import DueInspection
from tests.api.conftest import sign_in
from tests.dashboard.test_browser import PATIENCE_MS, shot, sign_in_at


@pytest.fixture
def known(store: Connection) -> None:
    """A learned life of the pump's filter, and when P-1 is to be looked at."""
    now = now_ms()
    with store.transaction():
        life = {
            "product": "pump",
            "part": "filter",
            "ended": 14,
            "lives": 31,
            "p10": 700.0,
            "p50": 900.0,
            "p90": 1150.0,
            "curve": [[500.0, 0.99], [700.0, 0.9], [900.0, 0.5], [1150.0, 0.1], [1300.0, 0.01]],
            "factors": {"region:south": 0.82, "duty:heavy": 0.9, "duty:light": 1.01},
            "checks": [
                {
                    "name": "plan",
                    "passed": False,
                    "text": {"en": "The plan says 1,000.", "zh": "方案为 1,000。"},
                }
            ],
        }
        learned_lives.put(store, [life], now)
        row = store.execute("select id from machine where serial = 'P-1'").fetchone()
        assert row is not None
        look = DueInspection(
            row["id"],
            to_datetime(now + 40 * MS_PER_DAY),
            Text(en="Most likely to wear out: filter.", zh="最可能磨损到限：滤芯。"),
            {
                "prevents": 1.2,
                "parts": [{"part": "filter", "position": "main", "chance": 0.3}],
                "fixed_at": now + 90 * MS_PER_DAY,
                "fixed_prevents": 0.4,
            },
            (),
        )
        inspections.put(store, [look], now)


@pytest.mark.usefixtures("known")
def test_lives_and_inspection_over_http(address: str) -> None:
    with httpx.Client(base_url=f"{address}{PREFIX}") as api:
        sign_in(api, "pat")
        life = api.get("/parts/lives", params={"product": "pump"}).json()["items"][0]
        assert (life["plan_mid"], life["p50"], life["ended"]) == (1000, 900, 14)
        assert life["checks"][0]["passed"] is False
        assert api.get("/parts/lives", params={"product": "other"}).json()["items"] == []
        due = api.get("/machines/P-1").json()["inspection"]
        assert due["reason"]["zh"] == "最可能磨损到限：滤芯。"
        assert api.get("/machines/C-1").json()["inspection"] is None


@pytest.mark.usefixtures("known")
def test_both_are_read_in_both_languages(page: Page, dashboard_url: str) -> None:
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.set_viewport_size({"width": 1400, "height": 1000})
    page.goto(f"{dashboard_url}/lives?lang=en")
    sign_in_at(page, "mia")
    opened = page.locator(".st-key-life_card")
    expect(opened).to_contain_text("14 of 31 ended")
    expect(opened).to_contain_text("700 – 1,150")
    expect(opened).to_contain_text("heavy use 90 %")
    expect(opened).not_to_contain_text("light use")
    expect(opened).to_contain_text("The plan says 1,000.")
    row = page.locator(".ip-card tr", has_text="look at the plan")
    expect(row.get_by_role("link")).to_have_attribute("href", re.compile("life=pump.filter"))
    expect(page.locator(".st-key-life_card svg .mark-line path").first).to_be_attached()
    shot(page, "lives-en")
    page.goto(f"{dashboard_url}/lives?lang=zh")
    opened = page.locator(".st-key-life_card", has_text="31 个中 14 个到寿")
    expect(opened).to_contain_text("重载工况")
    page.get_by_role("textbox", name="配件").fill("nothing of that name")
    page.keyboard.press("Enter")
    expect(page.get_by_text("没有符合条件的部件。")).to_be_visible()
    shot(page, "lives-zh")
    for language, word in (("en", "losses worth 1.2 visits"), ("zh", "相当于 1.2 次上门的损失")):
        page.goto(f"{dashboard_url}/machine?machine=P-1&lang={language}")
        page.get_by_role("tab").nth(1).click()
        expect(page.locator(".ip-card", has_text=word)).to_be_visible()
        shot(page, f"inspection-{language}")
