"""Every alarm explains itself, in both languages, with the words of the plan alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.loader import load_catalogue
from fleet.plan import Catalogue
from rules.alarms.evidence import account_of
from rules.changes import AlarmChange
from rules.compiled import compile_plan
from rules.condition import Identity
from tests import small
from tests.rules.plans import IDENTITIES, compiled, rule
from tests.rules.test_engine import run, steady

PLAN = compiled()
CATALOGUE = small.catalogue(PLAN.plan)
PRODUCTS = Path(__file__).parents[3] / "products"


def test_says_value_limit_duration_and_regime() -> None:
    _, changes = run([steady(4, eng_speed_rpm=1500, oil_temp_c=90)])
    hot = next(change for change in changes if change.rule == "hot")
    account = account_of(PLAN, CATALOGUE, IDENTITIES[1], hot)
    assert account.reason.en == "Name 90 °C (limit 85 °C), for 20 s, while in: name."
    assert account.reason.zh == "名称 90 °C（限值 85 °C），持续20秒，工况：名称。"
    assert account.evidence["params"] == {"limit": 85}
    assert account.evidence["signals"]["oil_temp_c"]["unit"] == "°C"
    assert account.evidence["held_s"] == 20


def test_names_the_limit_that_holds_for_this_machine() -> None:
    change = AlarmChange(2, "hot_anywhere", "body", "raised", 9, 9, 9, None, {"oil_temp_c": 81})
    account = account_of(PLAN, CATALOGUE, IDENTITIES[2], change)
    assert account.reason.en == "Name 81 °C (limit 80 °C)."


def test_a_count_since_a_service_is_told_by_its_name() -> None:
    one = rule("due", when='growth(eng_hours_h, "since h1") > 300', clear="oil_temp_c < 1")
    service = {"id": "h1", "name": {"en": "250 h service", "zh": "250小时保养"}, "every_h": 250,
               "by": "service", "items": [small.NAME], "skill": "T1", "minutes": 9}  # fmt: skip
    plan = compiled(rules=[one], services=[service])
    windows = {"growth(eng_hours_h, 'since h1')": 312.4}
    change = AlarmChange(1, "due", "body", "raised", 9, 9, 9, None, {}, windows)
    reason = account_of(plan, CATALOGUE, IDENTITIES[1], change).reason
    assert reason.en == (
        "Name grown by 312.4 h since the last service “250 h service” (limit 300 h)."
    )
    assert reason.zh == "名称自上次“250小时保养”以来增长 312.4 h（限值 300 h）。"


def test_a_window_is_told_as_what_it_is() -> None:
    change = AlarmChange(
        1, "mean", "body", "raised", 9, 9, 9, None, {"oil_temp_c": 99.0},
        {"avg(oil_temp_c, '40s')": 87.5},
    )  # fmt: skip
    account = account_of(PLAN, CATALOGUE, IDENTITIES[1], change)
    assert account.reason.en == "Name 87.5 °C on average over 40 s (limit 86 °C)."
    assert account.evidence["windows"] == {"avg(oil_temp_c, '40s')": 87.5}


def test_a_switch_over_a_window_is_told_as_on_or_off() -> None:
    when = 'high(filter_sw, "20min") == 0 and oil_temp_c > 90'
    plan = compiled(rules=[rule("off", when=when, params={}, clear="oil_temp_c < 0")])
    windows = {"high(filter_sw, '20min')": 0.0}
    change = AlarmChange(1, "off", "body", "raised", 9, 9, 9, None, {"oil_temp_c": 99.0}, windows)
    reason = account_of(plan, CATALOGUE, IDENTITIES[1], change).reason
    assert reason.en == "Name off throughout 20 min, name 99 °C (limit 90 °C)."
    assert reason.zh == "名称近20分钟一直关，名称 99 °C（限值 90 °C）。"


def test_what_is_normal_is_told_beside_what_was_seen() -> None:
    when = (
        'avg(asym(oil_temp_c, fuel_pct), "8 op_h") > baseline(oil_temp_c) '
        "+ 2 * peer_spread(oil_temp_c)"
    )
    plan = compiled(rules=[rule("odd", when=when, params={}, clear="oil_temp_c < 0")])
    windows = {
        "avg(asym(oil_temp_c, fuel_pct), '8 op_h')": 87.5,
        "baseline(oil_temp_c)": 79.0,
        "peer_spread(oil_temp_c)": 2.0,
    }
    change = AlarmChange(1, "odd", "body", "raised", 9, 9, 9, None, {}, windows)
    reason = account_of(plan, CATALOGUE, IDENTITIES[1], change).reason
    assert reason.en == (
        "Name against name 87.5 % on average over 8 operating hours, normal for this machine "
        "79 °C, machines like it within ±2 °C."
    )
    assert reason.zh == (
        "名称与名称之差近8运行小时平均 87.5 %，本机常态 79 °C，同类设备差异 ±2 °C。"
    )


def test_a_code_is_told_with_its_texts() -> None:
    code = {"key": "spn110-fmi0", "spn": 110, "fmi": 0, "oc": 3, "lamp": "stop"}
    change = AlarmChange(1, "code", "body/spn110-fmi0", "raised", 9, 9, 9, codes=(code,))
    account = account_of(PLAN, CATALOGUE, IDENTITIES[1], change)
    assert account.title.en == "name: SPN 110 FMI 0 (name, name)"
    assert "counted 3 times, red stop lamp lit" in account.reason.en
    assert "红色停机灯亮" in account.reason.zh
    assert account.evidence["codes"][0]["spn_text"] == small.NAME


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(PRODUCTS)


def test_every_rule_of_every_product_can_explain_itself(catalogue: Catalogue) -> None:
    for plan in catalogue.plans.values():
        ready = compile_plan(plan)
        who = Identity("X", plan.models[0].id, "south")
        for condition in ready.conditions:
            values = {key: float(plan.signal[key].range[0]) for key in condition.signals}
            change = AlarmChange(
                1, condition.rule.id, condition.rule.component, "raised", 90_000, 0, 90_000,
                plan.regimes[0].id, values,
            )  # fmt: skip
            account = account_of(ready, catalogue, who, change)
            assert account.reason.en.endswith(".")
            assert set(account.evidence["signals"]) == set(condition.signals)
