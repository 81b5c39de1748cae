"""Alarms in a real browser: shelve one, take it back, put a machine into maintenance mode."""

from __future__ import annotations

import os
import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.app import PREFIX
from fleet.clock import MS_PER_DAY, now_ms
from store.connection import Connection
from tests.api import world
from tests.api.conftest import sign_in
from tests.dashboard.test_browser import PATIENCE_MS, sign_in_at


def test_a_manager_shelves_an_alarm_and_begins_maintenance(
    page: Page, dashboard_url: str, store: Connection, address: str
) -> None:
    alarm = world.put_alarm(store, "P-1", "hot", 3)
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(f"{dashboard_url}/alarms?lang=en")
    sign_in_at(page, "mia")
    page.locator("tr", has_text="P-1").click()
    steps = page.locator(".st-key-alarm_steps")
    steps.get_by_label("Why").first.fill("sensor is being replaced")
    steps.get_by_role("button", name="Shelve").click()
    expect(steps).to_contain_text("sensor is being replaced")
    expect(page.locator(".ip-log")).to_contain_text(re.compile("mia.*shelved", re.S))

    mode = page.locator(".st-key-maintenance_card")
    mode.get_by_label("Why").fill("oil change")
    mode.get_by_role("button", name="Begin maintenance mode").click()
    expect(mode).to_contain_text("oil change")
    page.locator(".st-key-language_choice button", has_text="中文").click()
    expect(mode).to_contain_text("整机")
    steps.get_by_role("button", name="取消抑制").click()
    expect(steps.get_by_role("button", name="搁置")).to_be_visible()

    page.locator(".ip-nav a", has_text="报警").click()
    page.locator("button", has_text="已抑制").click()
    expect(page.get_by_text("维护模式").first).to_be_visible()
    with httpx.Client(base_url=f"{address}{PREFIX}", timeout=20) as api:
        running = sign_in(api, "mia").get("/suppressions", params={"running": True}).json()
    assert [one["kind"] for one in running["items"]] == ["maintenance"]
    assert store.execute("select suppression from alarm where id = %s", (alarm,)).fetchone() == {
        "suppression": "maintenance"
    }


def test_expected_and_seen_are_drawn_in_both_languages(
    page: Page, dashboard_url: str, store: Connection, address: str
) -> None:
    alarm = world.put_unlike(store, now_ms() - 2 * MS_PER_DAY)
    with httpx.Client(base_url=f"{address}{PREFIX}", timeout=20) as api:
        course = sign_in(api, "mia").get(f"/alarms/{alarm}/course").json()
        (oil,) = course["signals"]
        away = [
            seen - expected
            for seen, expected in zip(oil["seen"], oil["expected"], strict=True)
            if seen is not None and expected is not None
        ]
        assert len(course["times"]) > 150
        assert abs(sum(away[:100]) / 100) < 0.5
        assert max(away) == pytest.approx(15.0, abs=1.0)
        other = world.put_alarm(store, "P-1", "hot", 3)
        assert api.get(f"/alarms/{other}/course").json() == {"times": [], "signals": []}
        assert api.get("/alarms/999999/course").status_code == 404

    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.set_viewport_size({"width": 1400, "height": 1100})
    page.goto(f"{dashboard_url}/alarms?lang=en&alarm={alarm}")
    sign_in_at(page, "mia")
    causes = page.locator(".st-key-alarm_causes li").first
    expect(causes).to_contain_text("Remedy")
    expect(causes).to_contain_text("Parts to bring")
    drawn = page.locator(".st-key-alarm_course")
    expect(drawn).to_contain_text("90 % of the finding")
    expect(drawn.locator(".stVegaLiteChart canvas, .stVegaLiteChart svg")).to_have_count(1)
    folder = os.environ.get("IRONPULSE_SHOTS")
    if folder:
        page.wait_for_timeout(1500)
        page.screenshot(path=f"{folder}/course_en.png", full_page=True)
    page.locator(".st-key-language_choice button", has_text="中文").click()
    expect(drawn).to_contain_text("应有值与实测值")
    expect(causes).to_contain_text("处理方法")
    expect(causes).to_contain_text("携带配件")
    if folder:
        page.wait_for_timeout(1500)
        page.screenshot(path=f"{folder}/course_zh.png", full_page=True)
    page.goto(f"{dashboard_url}/machine?machine=P-1&lang=zh")
    watching = page.locator(".st-key-detectors")
    expect(watching).to_contain_text("正在学习本机，再作业")
