"""The dashboard in a real browser, on the real service: read a machine, advance a ticket."""

from __future__ import annotations

import os
import re

import httpx
from playwright.sync_api import Page, expect

from api.app import PREFIX
from fleet.clock import now_ms, to_datetime
from store.connection import Connection
from tests.api import plans, world
from tests.api.conftest import PASSWORD, sign_in
from tickets.retiring import retire
from tickets.states import Actor

PATIENCE_MS = 20_000
MINUTE_MS = 60_000


def _fill(store: Connection) -> str:
    """Two hours of a pump that grows too hot, and the ticket of it; the ticket's number."""
    now = now_ms()
    times = [now - minute * MINUTE_MS for minute in range(120, 0, -1)]
    hot = [60 + index * 0.37 for index in range(len(times))]
    world.put_samples(
        store,
        plans.catalogue().plans["pump"],
        "P-1",
        times,
        {"hyd_temp_c": hot, "eng_speed_rpm": [1500.0] * len(times)},
    )
    world.put_now(
        store,
        "P-1",
        measured_at=to_datetime(now),
        regime="working",
        regime_since=to_datetime(times[0]),
        signals={"hyd_temp_c": [104.5, now], "eng_speed_rpm": [1500.0, now]},
    )
    return world.put_ticket(store, "P-1", at=now - 10 * MINUTE_MS)


def sign_in_at(page: Page, name: str) -> None:
    # While the page is still being drawn after a sign-out, what is typed may go with the old form.
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.get_by_label(re.compile("User name|用户名")).fill(name)
    page.locator("input[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-header")).to_be_visible()


def _sign_out(page: Page) -> None:
    page.locator('.st-key-header [data-testid="stPopover"] button').click()
    page.locator(".st-key-sign_out button").click()
    expect(page.locator("input[type=password]")).to_be_visible()


def _drawn(page: Page) -> None:
    """Wait until a chart has a line of many points, and limits."""
    chart = ".st-key-history_card svg.marks"
    page.wait_for_function(
        """chart => [...document.querySelectorAll(`${chart} .mark-line path`)]
            .some(path => path.getAttribute('d').split(/[LC]/).length > 20)""",
        arg=chart,
        timeout=PATIENCE_MS,
    )
    expect(page.locator(f"{chart} .mark-rule line").first).to_be_attached()


def test_read_a_machine_and_advance_a_ticket(
    page: Page, dashboard_url: str, store: Connection, address: str
) -> None:
    number = _fill(store)
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)

    page.goto(f"{dashboard_url}/machine?machine=P-1&lang=en")
    sign_in_at(page, "mia")
    tile = page.locator(".ip-tile", has_text="°C")
    expect(tile).to_contain_text(["104", "°C"][0])
    expect(tile).to_contain_text(re.compile(r"\d+ (s|min) ago"))
    expect(tile).to_contain_text("▲")
    _drawn(page)

    page.locator(".st-key-language_choice button", has_text="中文").click()
    expect(page.get_by_text("信号趋势")).to_be_visible()
    expect(tile).to_contain_text(re.compile(r"\d+ (秒|分钟)前"))
    assert "lang=zh" in page.url

    _sign_out(page)
    sign_in_at(page, "tom")
    page.locator(".ip-nav a", has_text="工单").click()
    row = page.locator("tr", has_text=number)
    expect(row).to_have_count(1)  # the page left behind showed the number too
    row.click()
    expect(page.locator(".ip-item", has_text="油温高于")).to_be_visible()
    _next_step_first_on_a_phone(page)
    page.get_by_role("button", name="派工").click()
    expect(page.locator(".ip-steps .ip-here")).to_have_text("已派工")

    page.reload()
    expect(page.locator(".ip-steps .ip-here")).to_have_text("已派工")
    expect(page.locator("input[type=password]")).to_have_count(0)
    for step, state in (("接单", "已接单"), ("出发", "前往中"), ("开始作业", "作业中")):
        page.get_by_role("button", name=step).click()
        expect(page.locator(".ip-steps .ip-here")).to_have_text(state)
    page.locator(".st-key-checks_card").get_by_text("合格", exact=True).first.click()
    expect(page.locator(".st-key-checks_card")).to_contain_text("✓ 合格")

    with httpx.Client(base_url=f"{address}{PREFIX}", timeout=20) as api:
        ticket = sign_in(api, "tom").get(f"/tickets/{number}").json()
    assert (ticket["status"], ticket["assignee"]) == ("working", "tom")
    assert [check["answer"] for check in ticket["checks"]].count(True) == 1


def _next_step_first_on_a_phone(page: Page) -> None:
    """On a phone nobody scrolls past reasons and checks to go on, nor sideways to read."""
    wide = page.viewport_size
    assert wide is not None
    page.set_viewport_size({"width": 400, "height": 800})
    step, why = page.locator(".st-key-steps"), page.locator(".ip-item").first
    expect(step).to_be_visible()
    tops = [box["y"] for box in (step.bounding_box(), why.bounding_box()) if box]
    assert tops == sorted(tops) and len(tops) == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    shot(page, "ticket-phone")
    page.set_viewport_size(wide)


def shot(page: Page, name: str) -> None:
    """A picture for whoever looks at the page, if a folder for it is named."""
    folder = os.environ.get("IRONPULSE_SHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_what_strangers_wrote_is_shown_as_they_wrote_it(
    page: Page, dashboard_url: str, store: Connection, address: str
) -> None:
    picture = "![look](http://127.0.0.1:9/look.png)"
    world.put_plan(store)
    with httpx.Client(base_url=f"{address}{PREFIX}", timeout=20) as api:
        body = {"quantity": 7, "reason": picture}
        assert sign_in(api, "mia").put("/plan/lines/2/override", json=body).status_code == 200
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(f"{dashboard_url}/plan?line=2&lang=en")
    sign_in_at(page, "pat")
    expect(page.locator('[data-testid="stAlert"]')).to_contain_text(picture)
    shot(page, "plan-override-en")
    for named in (picture, "../tickets", "P-1/alarms"):
        page.goto(f"{dashboard_url}/machine?machine={named}&lang=en")
        expect(page.get_by_text("P-1").first).to_be_visible()
        expect(page.locator('[data-testid="stAlert"]')).to_have_count(0)
    assert not any("look.png" in url for url in asked if not url.startswith(dashboard_url))


def test_every_page_is_drawn_whole_for_every_role(
    page: Page, dashboard_url: str, store: Connection
) -> None:
    number = _fill(store)
    world.put_part_alert(store, "P-1")
    world.put_plan(store)
    world.put_refill(store)
    retire(store, ["P-2"], actor=Actor("mia", "manager"), now_ms=now_ms())
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    shown = {
        "": "P-1",
        "machine": "P-1",
        "machine?machine=P-1": "104",
        "machine?machine=P-2": "This machine left the fleet",
        "alarms": "P-1",
        "alarms?alarm=1": "hotter than|rule hot",
        "wear": "N-(seal|filter)",
        "plan": "Who was right",
        "plan?line=2": "The simple rule",
        "ingest": "P-1",
        "tickets": number,
        f"tickets?ticket={number}": "hotter than",
    }
    # Everybody sees the lists alike; these offer each role something else.
    of_roles = ("machine?machine=P-1", "alarms?alarm=1", "wear", "plan?line=2")
    visited = {"mia": tuple(shown), "tom": (*of_roles, f"tickets?ticket={number}"), "pat": of_roles}
    page.goto(f"{dashboard_url}/?lang=en")
    for person, paths in visited.items():
        sign_in_at(page, person)
        for path in paths:
            words = shown[path]
            page.goto(f"{dashboard_url}/{path}{'&' if '?' in path else '?'}lang=en")
            expect(page.get_by_text(re.compile(words)).first).to_be_visible()
            expect(page.locator('[data-testid="stException"]')).to_have_count(0)
            expect(page.locator('[data-testid="stAlert"]')).to_have_count(0)
        _sign_out(page)
