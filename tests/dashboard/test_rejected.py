"""Rejected messages in a real browser: found by reason and machine, and put back."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from fleet.clock import now_ms
from fleet.text import Text
from ingest.payload import encode_sample
from ingest.topics import telemetry_topic
from store import rejected
from store.connection import Connection
from tests.dashboard.test_browser import PATIENCE_MS, sign_in_at


def test_a_manager_finds_rejected_messages_and_puts_them_back(
    page: Page, dashboard_url: str, store: Connection
) -> None:
    now = now_ms()
    for serial, payload, reason, detail in (
        ("P-1", encode_sample(now, {"hyd_temp_c": 60.0}), "unknown_machine", "P-1 is unknown"),
        ("P-1", encode_sample(now - 1, {"hyd_temp_c": 61.0}), "unknown_machine", "P-1 is unknown"),
        ("NEW-7", encode_sample(now, {"hyd_temp_c": 62.0}), "unknown_machine", "NEW-7 is unknown"),
        ("P-2", b'{"ts": broken', "not_json", "line 1, column 8: no JSON"),
    ):
        kept = rejected.Rejection(
            now, None, telemetry_topic(serial), None, payload, 1, reason, Text(en=detail, zh="说明")
        )
        rejected.add(store, [kept])
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(f"{dashboard_url}/ingest?lang=en")
    sign_in_at(page, "mia")
    card = page.locator(".st-key-rejected_card")
    expect(card.locator("tbody tr")).to_have_count(4)
    expect(card).to_contain_text("go into the store by themselves")

    card.get_by_label("Serial").fill("P-1")
    card.get_by_label("Serial").press("Enter")
    expect(card.locator("tbody tr")).to_have_count(2)
    card.get_by_role("button", name="Put all 2 shown back").click()
    page.locator(".st-key-put_back_all button").click()
    expect(card).to_contain_text("2 messages put back: 2 samples stored")
    expect(card).to_contain_text("Nothing was rejected.")

    card.get_by_label("Serial").fill("")
    card.get_by_label("Serial").press("Enter")
    expect(card.locator("tbody tr")).to_have_count(2)
    card.get_by_role("button", name="Put this message back").click()
    page.locator(".st-key-put_back_one button").click()
    expect(card).to_contain_text("1 could not be put back: ")

    page.get_by_text("Also those put back").click()
    expect(card.locator("tbody tr")).to_have_count(4)
    expect(card).to_contain_text("✓ put back")
