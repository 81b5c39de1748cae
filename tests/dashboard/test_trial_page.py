"""Trying a rule in a real browser: change it, watch it run, read what would differ."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from store.connection import Connection
from tests.api.test_trials import heat
from tests.dashboard.test_browser import PATIENCE_MS, sign_in_at


def test_a_manager_tries_a_rule(page: Page, dashboard_url: str, store: Connection) -> None:
    heat(store, "P-1", 112.0)
    heat(store, "P-2", 96.0)
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=2 * PATIENCE_MS)
    page.goto(f"{dashboard_url}/trial?lang=en")
    sign_in_at(page, "mia")
    page.reload()  # signing in draws the page more than once; a click meanwhile is lost
    form = page.locator(".st-key-trial_form")
    expect(form.get_by_role("button", name="Try it")).to_be_visible()
    expect(page.locator('[data-testid="stStatusWidget"]')).to_have_count(0)
    form.get_by_role("combobox").first.click()
    page.get_by_role("option", name="name · pump").click()
    # The list of the product's rules is there once the server has answered, and not before.
    page.locator(".st-key-choice_rule_pump_en").get_by_role("combobox").click()
    page.get_by_role("option", name="rule hot").click()
    condition = form.get_by_label("Condition", exact=True)
    expect(form.get_by_text("hyd_temp_c > 90", exact=True)).to_have_count(0)
    expect(condition).to_have_value("hyd_temp_c > 100")
    condition.fill("hyd_temp_c >> 90")
    form.get_by_role("button", name="Try it").click()
    expect(form).to_contain_text("column")
    condition.fill("hyd_temp_c > 90")
    form.get_by_label("Clear condition", exact=True).fill("hyd_temp_c < 85")
    form.get_by_role("button", name="Try it").click()
    expect(page.get_by_text(re.compile("3 machines|2 machines|4 machines")).first).to_be_visible()
    expect(page.locator("tr", has_text="P-2").first).to_contain_text("+1")
    chart = ".st-key-trial_picture svg.marks"
    expect(page.locator(f"{chart} .mark-line path").first).to_be_attached()
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)
    page.locator(".st-key-language_choice button", has_text="中文").click()
    expect(page.get_by_text("当前规则").first).to_be_visible()
    expect(form.get_by_label("触发条件", exact=True)).to_have_value("hyd_temp_c > 90")
    expect(form.get_by_role("combobox").nth(1)).to_have_value("规则 hot")
