"""Texts of the store never become markup."""

from __future__ import annotations

from dashboard import markup


def test_everything_is_escaped_once() -> None:
    hostile = '<img src=x onerror=alert(1)> & "co"'
    table = markup.table(
        ["a"], [[hostile]], hrefs=[markup.address("machine", "en", machine=hostile)]
    )
    assert "<img" not in table
    assert "&lt;img" in table
    assert "&amp;lt;" not in table
    assert 'data-href="./machine?machine=%3Cimg' in table


def test_a_row_that_leads_somewhere_is_a_link_for_the_keyboard() -> None:
    table = markup.table(["a", "b"], [["x", "y"], ["v", ""]], hrefs=["./m?x=1", None], named=1)
    assert table.count("<a ") == 1
    assert (
        '<td class="ip-named" data-label="b"><a href="./m?x=1" data-go="" class="ip-row">y</a>'
        in table
    )
    assert '<td class="ip-named ip-nothing" data-label="b"></td>' in table


def test_health_is_never_colour_alone() -> None:
    for key, sign in markup.HEALTH_SIGNS.items():
        shown = markup.health(key, "word")
        assert sign in shown
        assert "word" in shown
    assert len(set(markup.HEALTH_SIGNS.values())) == len(markup.HEALTH_SIGNS)


def test_a_health_bar_leaves_out_what_is_not_there() -> None:
    counts = {"stop": 0, "alarm": 1, "warning": 0, "ok": 3, "unknown": 0}
    bar = markup.health_bar(counts, dict.fromkeys(counts, "x"))
    assert "width:25.00%" in bar
    assert "ip-fill-stop" not in bar
