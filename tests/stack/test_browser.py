"""Chromium draws Chinese and Latin text."""

from __future__ import annotations

from playwright.sync_api import Page


def _drawn(page: Page, text: str) -> bytes:
    page.set_content(f"<p style='font: 80px sans-serif'>{text}</p>")
    return page.screenshot()


def test_chinese_is_drawn_and_not_replaced_by_boxes(page: Page) -> None:
    # Without a font every one of them would be the same box.
    pictures = {_drawn(page, character) for character in "泵吊塔摊铺"}
    assert len(pictures) == 5
    assert _drawn(page, "") not in pictures
