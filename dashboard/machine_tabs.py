"""Below a machine's charts: alarms, parts and services, tickets, all signals, data ledger."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import (
    alarm_work,
    detectors,
    evidence,
    lists,
    live_html,
    machine_history,
    markup,
    paging,
    seen_tabs,
    visit,
)
from dashboard.client import Json
from dashboard.formats import MISSING, number
from dashboard.markup import Html, tag
from dashboard.visit import t

EVERY_S = 10
MOST_ALARMS = 50
MOST_TICKETS = 200
QUANTILES = ("p10", "p50", "p90")
ROWS = 12
#: Signals in the order in which somebody should look at them.
GRADES = ("alarm", "warn", "normal", "unknown")


@st.fragment(run_every=EVERY_S)
def draw(serial: str) -> None:
    """The tabs; the one that is seen refreshes itself."""
    with visit.answers():
        machine = visit.lately(f"/machines/{serial}")
        draws = {
            "tab_alarms": lambda: _alarms(machine),
            "tab_parts": lambda: _parts(machine),
            "tab_tickets": lambda: live_html.show(_tickets(machine), "tickets"),
            "tab_signals": lambda: _signals(machine),
            "tab_ledger": lambda: live_html.show(_ledger(machine), "ledger"),
        }
        if not visit.has_role("manager", "technician"):
            del draws["tab_tickets"]
        if machine["retired_at"] is None:
            seen_tabs.show("machine", draws)
        else:
            del draws["tab_parts"]  # nothing of it wears or falls due any more
            seen_tabs.show("retired_machine", draws)


def _parts(machine: Json) -> None:
    """What is to be done comes before what is fitted."""
    due = markup.join([_inspection(machine), _services(machine["services"])])
    live_html.show(due, "parts_due")

    def page(parts: Sequence[Json]) -> None:
        live_html.show(_fitted(parts), "parts")

    paging.show("machine_parts", machine["parts"], page, of=(machine["serial"],), size=ROWS)


def _tickets(machine: Json) -> Html:
    """The open tickets; of a retired machine all it ever had."""
    found = machine["tickets"]
    if machine["retired_at"] is not None:
        found = visit.client().pages("/tickets", MOST_TICKETS, machine=machine["serial"])
    return tag("section", lists.tickets(found, machine=False), class_="ip-card")


def _alarms(machine: Json) -> None:
    found = machine_history.alarms_of(machine["serial"])[:MOST_ALARMS]
    if machine["faults"]:
        live_html.show(_codes(machine["faults"]), "codes")

    def page(alarms: Sequence[Json]) -> None:
        table = lists.alarms(alarms, machine=False, open_alarm=True)
        live_html.show(tag("section", table, class_="ip-card"), "alarm_list")

    paging.show("machine_alarms", found, page, of=(machine["serial"],), size=ROWS)
    if machine["retired_at"] is not None:
        return
    plan = visit.product(machine["product"]["id"])
    watching = visit.lately(f"/machines/{machine['serial']}/detectors")
    live_html.show(detectors.card(watching, plan), "detectors")
    with st.columns([1, 1.5])[0]:
        alarm_work.maintenance(machine["serial"], plan)


def _codes(faults: list[Json]) -> Html:
    """What the control units report, as J1939 DM1 has it."""
    heads = [
        t("code"),
        t("meaning"),
        t("lamp"),
        t("active_since"),
        t("occurrences"),
        t("unit_address"),
    ]
    rows = []
    for fault in faults:
        meaning = [visit.pick(text) for text in (fault["spn_text"], fault["fmi_text"]) if text]
        own = fault["spn"] is None
        name = fault["code"] if own else f"SPN {fault['spn']} FMI {fault['fmi']}"
        rows.append(
            [
                tag("b", name),
                ": ".join(meaning) or (t("makers_code") if own else MISSING),
                t(f"lamp_{fault['lamp']}") if fault["lamp"] else MISSING,
                visit.moment(fault["since"], seconds=True),
                number(fault["occurrences"]) if fault["occurrences"] is not None else MISSING,
                number(fault["source_address"]) if fault["source_address"] is not None else MISSING,
            ]
        )
    return markup.card(t("active_codes"), markup.table(heads, rows, right=(4, 5)))


def _fitted(parts: Sequence[Json]) -> Html:
    if not parts:
        return markup.card(t("fitted_parts"), markup.empty(t("no_parts")))
    heads = [t("part"), t("used"), t("remaining_life"), t("p10"), t("p50"), t("p90"), t("lead")]
    rows = []
    for part in parts:
        life = part["remaining"]
        rows.append(
            [
                tag(
                    "div",
                    visit.pick(part["name"]),
                    tag("div", f"{visit.pick(part['position_name'])} · {part['number'] or MISSING}",
                        class_="ip-small ip-muted"),
                ),
                lists.life_bar(part["used"], part["life_mid"], part["unit"]),
                _remaining(life) if life else MISSING,
                *(lists.due(life[f"due_{q}"]) if life else MISSING for q in QUANTILES),
                visit.word("lead_classes", part["lead_class"]),
            ]
        )  # fmt: skip
    return markup.card(t("fitted_parts"), markup.table(heads, rows), note=t("quantiles"))


def _remaining(life: Json) -> Html:
    unit = visit.word("usage_units", life["unit"])
    amounts = " – ".join(number(life[q]) for q in ("p10", "p90"))
    basis = t("samples", count=life["sample_size"]) if life["sample_size"] else t("from_plan")
    middle = f"{number(life['p50'])} {unit}"
    below = [tag("div", f"{amounts} · {basis}", class_="ip-small ip-muted")]
    if (shown := life["condition"]) is not None:
        words = (
            t("forewarned", mode=shown["mode"])
            if "alarm" in shown
            else t(
                "shows",
                value=number(shown["value"]),
                limit=number(shown["limit"]),
                unit=shown["unit"],
            )
        )
        below.append(tag("div", words, class_="ip-small ip-muted"))
    return tag("div", middle, *below)


def _inspection(machine: Json) -> Html:
    """When the machine is looked at next, and why then."""
    due = machine["inspection"]
    if due is None:
        return Html("")
    plan = visit.product(machine["product"]["id"])
    shown = [(t("due_about"), tag("b", visit.day(due["due_at"])))]
    facts = markup.facts([*shown, *evidence.facts(due["evidence"], plan)])
    return markup.card(t("inspection"), tag("p", visit.pick(due["reason"])), facts)


def _services(services: list[Json]) -> Html:
    if not services:
        return markup.card(t("services"), markup.empty(t("no_services")))
    heads = [t("service"), t("due_at_hours"), t("hours_left"), t("due_about")]
    rows = []
    for service in services:
        left = number(service["hours_left"], "h")
        if service["hours_left"] < 0:
            left = f"⚠ {t('late_by', span=number(-service['hours_left'], 'h'))}"
        due_at = visit.day(service["due_at"]) if service["due_at"] else MISSING
        rows.append([visit.pick(service["name"]), number(service["due_hours"], "h"), left, due_at])
    return markup.card(t("services"), markup.table(heads, rows, right=(1, 2)))


def _signals(machine: Json) -> None:
    """All signals, those that are out of their limits first."""
    text = st.columns(3)[0].text_input(t("search"), placeholder=t("signal"), key="signal_text")
    wanted = text.strip().lower()
    found = [
        s for s in machine["signals"] if wanted in f"{visit.pick(s['name'])} {s['key']}".lower()
    ]
    found.sort(key=lambda s: GRADES.index(s["grade"]))
    planned = {s["key"]: s for s in visit.product(machine["product"]["id"])["signals"]}

    def page(signals: Sequence[Json]) -> None:
        live_html.show(_signal_table(signals, planned), "signals_now")

    paging.show("machine_signals", found, page, of=(machine["serial"], wanted))


def _signal_table(signals: Sequence[Json], planned: Json) -> Html:
    if not signals:
        return markup.card(t("signals"), markup.empty(t("no_signals_fit")))
    heads = [t("signal"), t("value"), t("state"), t("age"), t("limits")]
    rows = [
        [
            tag("div", visit.pick(s["name"]), tag("div", s["key"], class_="ip-small ip-muted")),
            visit.pick(s["text"]) if s["text"] else number(s["value"], s["unit"]),
            lists.grade_of(s["grade"]),
            visit.age(s["age_s"]) if s["at"] else t("never_measured"),
            lists.limits(planned[s["key"]]) or MISSING,
        ]
        for s in signals
    ]
    return tag("section", markup.table(heads, rows, right=(1,)), class_="ip-card")


def _ledger(machine: Json) -> Html:
    ledger = visit.client().get(f"/machines/{machine['serial']}/ledger")
    keys = ("messages", "received", "stored", "merged", "repeated", "rejected", "late")
    tiles = [markup.tile(t(key), f"{ledger[key]:,}") for key in keys]
    names = {signal["key"]: visit.pick(signal["name"]) for signal in machine["signals"]}
    bad = [
        [
            names.get(r["signal"], r["signal"]),
            visit.word("bad_value_reasons", r["reason"]),
            f"{r['count']:,}",
            r["last_day"],
        ]
        for r in ledger["bad_values"]
    ]
    rejected = [
        [visit.word("rejection_reasons", row["reason"]), f"{row['count']:,}"]
        for row in ledger["rejected_by_reason"]
    ]
    facts = markup.facts(
        [
            (t("first_data"), visit.moment(ledger["first_measured_at"], seconds=True)),
            (t("last_data"), visit.moment(ledger["last_measured_at"], seconds=True)),
            (
                t("status"),
                visit.word("connections", ledger["status"]) if ledger["status"] else MISSING,
            ),
        ]
    )
    heads = [t("signal"), t("reason"), t("count"), t("last_day")]
    bad_table = markup.table(heads, bad, right=(2,)) if bad else markup.empty(t("no_bad_values"))
    reasons = (
        markup.table([t("reason"), t("count")], rejected, right=(1,))
        if rejected
        else markup.empty(t("no_rejected"))
    )
    return markup.join(
        [
            markup.tiles(tiles, kind="ip-narrow"),
            markup.card(t("tab_ledger"), facts, note=t("ledger_note")),
            markup.card(t("bad_values"), bad_table),
            markup.card(t("rejected_by_reason"), reasons),
        ]
    )
