"""Plans are read whole or refused whole, with every fault at its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fleet.consistency import problems_of
from fleet.errors import Fault, PlanError
from fleet.loader import PLAN_FILES, checksum, load_catalogue, load_plan
from fleet.plan import Catalogue

PRODUCTS = Path(__file__).parents[2] / "products"

HEAD = """\
product: mixer
name: {en: Mixer, zh: 搅拌机}
code: MIX
description: {en: A small machine, zh: 小型设备}
models: [{id: M1, name: {en: M1, zh: M1型}}]
report: {working_s: 10, idle_s: 60, off_s: 3600, offline_s: 600, parked_s: 86400}
max_gap_s: 120
hours_signal: run_hours_h
include: [shared]
signals:
  - {key: oil_temp_c, name: {en: Oil, zh: 油温}, component: drum, unit: °C, range: [-40, 150],
     period_s: 10}
regimes:
  - {id: "off", name: {en: Stopped, zh: 停机}, when: drum_rpm < 1, running: false, color: "#aaaaaa"}
  - {id: mix, name: {en: Mixing, zh: 搅拌}, when: drum_rpm >= 1, running: true, color: "#00aa00"}
"""
SHARED = """\
components:
  - {id: drum, name: {en: Drum, zh: 滚筒}}
signals:
  - {key: drum_rpm, name: {en: Speed, zh: 转速}, component: drum, unit: rpm, range: [0, 40],
     period_s: 10}
  - {key: run_hours_h, name: {en: Hours, zh: 小时}, component: drum, unit: h, type: double,
     kind: counter, range: [0, 90000], period_s: 60}
"""
RULES = """\
rules:
  - id: oil_hot
    name: {en: Oil hot, zh: 油温高}
    component: drum
    severity: 2
    when: oil_temp_c > limit_c
    params: {limit_c: 80}
    regimes: [mix]
    hold_s: 60
    clear: oil_temp_c < limit_c - 5
    shows: [oil_temp_c]
    failure_modes: [MX-F01]
    advice: {en: Look at the cooler, zh: 检查散热器}
"""
FAILURES = """\
failure_modes:
  - id: MX-F01
    name: {en: Bearing worn, zh: 轴承磨损}
    category: mechanical
    severity: 3
    component: drum
    symptoms: {en: Hotter, zh: 温度升高}
    causes: {en: Dirt, zh: 脏污}
    remedy: {en: Replace it, zh: 更换}
    parts: [bearing]
    skill: T1
    minutes: 60
    signature: [{signal: oil_temp_c, direction: up}]
    detectable: true
"""
PARTS = """\
parts:
  - id: bearing
    name: {en: Bearing, zh: 轴承}
    number: MX-1
    component: drum
    positions: [{id: left, name: {en: left, zh: 左}}]
    driver: {unit: h, counter: run_hours_h}
    life: {mid: 2000, low: 1000, high: 4000}
    discard: {en: Play, zh: 旷量}
    price_class: B
    lead_class: L1
    minutes: 60
    failure_modes: [MX-F01]
"""
SERVICE = """\
services:
  - id: weekly
    name: {en: Weekly, zh: 每周}
    every_h: 50
    by: operator
    items: [{en: Grease, zh: 加脂}]
    parts: [{part: bearing}]
    skill: OP
    minutes: 20
checklists:
  - id: routine
    name: {en: Routine, zh: 例行}
    items:
      - id: play
        check: {en: Play, zh: 旷量}
        method: {en: Dial gauge, zh: 百分表}
        result: number
        unit: mm
        fail_severity: 2
        component: drum
        minutes: 5
"""
CATALOGUE = """\
tiers:
  gold: {id: gold, name: {en: Gold, zh: 金牌}, target_h: {1: 72, 2: 24, 3: 8, 4: 4}}
fmi: {0: {en: Too high, zh: 过高}}
spn: {110: {en: Coolant, zh: 冷却液}}
"""
FILES = {
    "mixer/product.yaml": HEAD,
    "mixer/rules.yaml": RULES,
    "mixer/failures.yaml": FAILURES,
    "mixer/parts.yaml": PARTS,
    "mixer/service.yaml": SERVICE,
    "common/shared.yaml": SHARED,
    "common/catalogue.yaml": CATALOGUE,
}


@pytest.fixture
def products(tmp_path: Path) -> Path:
    """A folder with one product that is sound."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def faults(products: Path) -> tuple[Fault, ...]:
    with pytest.raises(PlanError) as caught:
        load_catalogue(products)
    return caught.value.faults


def test_a_sound_plan_is_whole(products: Path) -> None:
    plan = load_catalogue(products).plans["mixer"]
    assert plan.signal_keys == ("drum_rpm", "run_hours_h", "oil_temp_c")
    assert plan.rule["oil_hot"].params == {"limit_c": 80}
    assert plan.part["bearing"].life.mid == 2000
    assert plan.service["weekly"].every_h == 50
    assert plan.checklists[0].items[0].unit == "mm"
    assert re.fullmatch("[0-9a-f]{12}", plan.version)


#: A change of one line, and the fault it must bring: file, line, column, words of the message.
BROKEN = {
    "unknown component": (
        "mixer/rules.yaml", "component: drum", "component: drun",
        (4, 16, "there is no component drun; did you mean drum?"),
    ),
    "unknown name in a condition": (
        "mixer/rules.yaml", "when: oil_temp_c > limit_c", "when: oil_tmp_c > limit_c",
        (6, 11, "unknown name oil_tmp_c; did you mean oil_temp_c? (in 'oil_tmp_c > limit_c')"),
    ),
    "unknown name in the middle of a condition": (
        "mixer/rules.yaml", "when: oil_temp_c > limit_c", "when: oil_temp_c > limt_c",
        (6, 24, "did you mean limit_c?"),
    ),
    "unknown name in a condition of several lines": (
        "mixer/rules.yaml", "when: oil_temp_c > limit_c",
        "when: >-\n      oil_temp_c > limit_c\n      and  drum_rmp > 3",
        (8, 12, "unknown name drum_rmp; did you mean drum_rpm?"),
    ),
    "unknown unit of a window in quotes": (
        "mixer/rules.yaml", "when: oil_temp_c > limit_c",
        "when: 'avg(oil_temp_c, \"10mins\") > limit_c'",
        (6, 28, "there are s, min, h, d, op_min, op_h; did you mean 10min?"),
    ),
    "peers asked with a parameter": (
        "mixer/rules.yaml", "when: oil_temp_c > limit_c", "when: peers(oil_temp_c + limit_c) > 3",
        (6, 11, "peers reads limit_c, which peers do not share"),
    ),
    "unknown service": (
        "mixer/rules.yaml", "when: oil_temp_c > limit_c",
        "when: 'growth(run_hours_h, \"since weekl\") > limit_c'",
        (6, 32, "there is no service weekl; did you mean weekly?"),
    ),
    "no counter since a service": (
        "mixer/rules.yaml", "when: oil_temp_c > limit_c",
        "when: 'growth(oil_temp_c, \"since weekly\") > limit_c'",
        (6, 19, "growth since a service is that of a counter; oil_temp_c is no counter"),
    ),
    "condition that cannot be read": (
        "mixer/rules.yaml", "clear: oil_temp_c < limit_c - 5", "clear: oil_temp_c << 5",
        (10, 23, "<< is not part of the rule language"),
    ),
    "comment that would swallow half a condition": (
        "mixer/rules.yaml", "when: oil_temp_c > limit_c",
        "when: |\n      oil_temp_c > limit_c  # hot\n      and drum_rpm > 3",
        (7, 29, "a comment would swallow what follows"),
    ),
    "no regime at all": (
        "mixer/rules.yaml", "regimes: [mix]", "regimes: []", (2, 5, "`regimes` is empty"),
    ),
    "no list of regimes": (
        "mixer/rules.yaml", "regimes: [mix]", "regimes: mix",
        (8, 14, "regimes: should be a list, like [mix]"),
    ),
    "scalar where keys belong": (
        "mixer/rules.yaml", "name: {en: Oil hot, zh: 油温高}", "name: Oil hot",
        (3, 11, "name: should be keys with values, like {en: ..., zh: ...} (found 'Oil hot')"),
    ),
    "number with a unit": (
        "mixer/rules.yaml", "hold_s: 60", "hold_s: 60s",
        (9, 13, "hold_s: should be a number, without a unit (found '60s')"),
    ),
    "parameter that nothing reads": (
        "mixer/rules.yaml", "params: {limit_c: 80}", "params: {limit_c: 80, limt_c: 82}",
        (7, 35, "neither when nor clear reads limt_c"),
    ),
    "limit that the sensor cannot say": (
        "mixer/rules.yaml", "when: oil_temp_c > limit_c",
        "when: oil_temp_c > limit_c or 3 < drum_rpm and oil_temp_c > 200",
        (6, 52, "oil_temp_c is from -40 to 150, so it never comes to 200"),
    ),
    "clear condition within the condition": (
        "mixer/rules.yaml", "clear: oil_temp_c < limit_c - 5", "clear: oil_temp_c <= 84",
        (10, 12, "when and clear both hold while oil_temp_c is between 80 and 84"),
    ),
    "growth of a gauge": (
        "mixer/rules.yaml", "when: oil_temp_c > limit_c",
        "when: 'growth(oil_temp_c, \"1h\") > limit_c'",
        (6, 19, "oil_temp_c is no counter; how it changed is delta, not growth"),
    ),
    "override of nothing": (
        "mixer/rules.yaml", "hold_s: 60", "hold_s: 60\n    overrides: [{params: {limit_c: 1}}]",
        (10, 17, "an override says for which model, region or machine"),
    ),
    "number that is none": (
        "mixer/rules.yaml", "limit_c: 80", "limit_c: nan", (7, 23, "should be a finite number"),
    ),
    "hold that never ends": (
        "mixer/rules.yaml", "hold_s: 60", "hold_s: 1e12", (9, 13, "less than or equal to"),
    ),
    "key that nothing looks at": (
        "mixer/rules.yaml", "when: oil_temp_c > limit_c", "faults: {spn: [110]}",
        (2, 5, "a rule with `faults` does not look at regimes, clear, params"),
    ),
    "unknown regime": (
        "mixer/rules.yaml", "regimes: [mix]", "regimes: [mixing]",
        (8, 14, "there is no regime mixing; did you mean mix?"),
    ),
    "unknown failure mode": (
        "mixer/rules.yaml", "failure_modes: [MX-F01]", "failure_modes: [MX-F02]",
        (12, 20, "there is no failure mode MX-F02"),
    ),
    "unknown signal shown": (
        "mixer/rules.yaml", "shows: [oil_temp_c]", "shows: [oil_press_bar]",
        (11, 12, "there is no signal oil_press_bar"),
    ),
    "parameter named like a signal": (
        "mixer/rules.yaml", "params: {limit_c: 80}", "params: {limit_c: 80, drum_rpm: 1}",
        (7, 13, "drum_rpm is a signal's name already"),
    ),
    "no hold": (
        "mixer/rules.yaml", "    hold_s: 60\n", "",
        (2, 5, "a rule with `when` also says hold_s"),
    ),
    "severity out of scale": (
        "mixer/rules.yaml", "severity: 2", "severity: 5", (5, 15, "severity: "),
    ),
    "misspelt key": (
        "mixer/rules.yaml", "hold_s: 60", "holds: 60",
        (9, 12, "holds: there is no such key here; did you mean hold_s?"),
    ),
    "no Chinese": (
        "mixer/rules.yaml", "zh: 检查散热器", "zh: same", (13, 42, "holds no Chinese character"),
    ),
    "unit that the key does not end with": (
        "mixer/product.yaml", "unit: °C", "unit: bar",
        (11, 11, "oil_temp_c is in bar: its key ends with _bar"),
    ),
    "unit that nobody knows": (
        "mixer/product.yaml", "unit: °C", "unit: K", (11, 71, "unknown unit 'K'"),
    ),
    "empty range": (
        "mixer/product.yaml", "range: [-40, 150]", "range: [150, -40]",
        (11, 82, "the range of oil_temp_c is empty"),
    ),
    "window in a regime": (
        "mixer/product.yaml", "when: drum_rpm >= 1", 'when: "avg(drum_rpm, \'60s\') >= 1"',
        (15, 49, "windows have no place in it"),
    ),
    "hours that count nothing": (
        "mixer/product.yaml", "hours_signal: run_hours_h", "hours_signal: drum_rpm",
        (8, 15, "drum_rpm is no counter of hours"),
    ),
    "layer from elsewhere": (
        "mixer/product.yaml", "include: [shared]", "include: [../mixer/parts]",
        (9, 11, "'../mixer/parts' is no name of a layer"),
    ),
    "layer that is not there": (
        "mixer/product.yaml", "include: [shared]", "include: [shared, hydraulic]",
        (9, 19, "there is no layer"),
    ),
    "name of another folder": (
        "mixer/product.yaml", "product: mixer", "product: roller",
        (1, 10, "'roller' is not the name of its folder 'mixer'"),
    ),
    "section that is no list": (
        "mixer/parts.yaml", "parts:\n  - id: bearing\n", "parts:\n    id: bearing\n",
        (2, 5, "parts is no list"),
    ),
    "entry without a name": (
        "mixer/parts.yaml", "  - id: bearing\n    name", "  - name",
        (2, 5, "an entry of parts lacks its id"),
    ),
    "section in the wrong place": (
        "common/shared.yaml", "components:", "code: X\ncomponents:",
        (1, 1, "code does not belong here"),
    ),
    "unknown section": (
        "mixer/service.yaml", "services:", "servces: []\nservices:",
        (1, 10, "servces: there is no such key here; did you mean services?"),
    ),
    "life upside down": (
        "mixer/parts.yaml", "mid: 2000", "mid: 200", (8, 11, "low < mid < high"),
    ),
    "driver without a source": (
        "mixer/parts.yaml", "{unit: h, counter: run_hours_h}", "{unit: h}",
        (7, 13, "exactly one of counter, hours and age"),
    ),
    "driver on a gauge": (
        "mixer/parts.yaml", "counter: run_hours_h", "counter: oil_temp_c",
        (7, 32, "oil_temp_c is no counter"),
    ),
    "part of a failure mode": (
        "mixer/failures.yaml", "parts: [bearing]", "parts: [bearings]",
        (10, 12, "there is no part bearings; did you mean bearing?"),
    ),
    "detectable by nothing": (
        "mixer/failures.yaml", "    signature: [{signal: oil_temp_c, direction: up}]\n", "",
        (2, 5, "MX-F01 is detectable but no signature says by what"),
    ),
    "part of a service": (
        "mixer/service.yaml", "{part: bearing}", "{part: belt}", (7, 12, "there is no part belt"),
    ),
    "number without a unit": (
        "mixer/service.yaml", "        unit: mm\n", "", (14, 9, "play: a number needs its unit"),
    ),
    "promise with a gap": (
        "common/catalogue.yaml", "3: 8, ", "", (2, 9, "each of the severities 1 to 4"),
    ),
    "tier with two names": (
        "common/catalogue.yaml", "{id: gold", "{id: silver", (2, 14, "calls itself silver"),
    ),
    "inspection without a weight": (
        "common/catalogue.yaml", "fmi: {0:", "inspection: {loss: {1: 0.1, 2: 0.2}}\nfmi: {0:",
        (3, 13, "each of the severities 1 to 4"),
    ),
    "double key": (
        "mixer/rules.yaml", "severity: 2", "severity: 2\n    severity: 3",
        (6, 5, "the key severity stands here twice"),
    ),
    "metric of another signal": (
        "mixer/product.yaml", "range: [-40, 150],", "range: [-40, 150], metrics: [drum_rpm],",
        (11, 103, "the metric drum_rpm is drum_rpm already and cannot be oil_temp_c"),
    ),
    "unknown part that a model is without": (
        "mixer/product.yaml", "zh: M1型}", "zh: M1型}, without: [bering]",
        (5, 54, "there is no part bering; did you mean bearing?"),
    ),
    "model without a part that a service brings": (
        "mixer/product.yaml", "zh: M1型}", "zh: M1型}, without: [bearing]",
        (5, 54, "brings bearing to every model"),
    ),
    "double entry": (
        "common/shared.yaml", "  - {id: drum, name: {en: Drum, zh: 滚筒}}",
        "  - {id: drum, name: {en: Drum, zh: 滚筒}}\n  - {id: drum, name: {en: D, zh: 筒}}",
        (3, 10, "drum stands twice in components"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_fault_is_told_with_file_line_and_column(products: Path, case: str) -> None:
    name, old, new, (line, column, words) = BROKEN[case]
    edit(products / name, old, new)
    found = [fault for fault in faults(products) if words in fault.message]
    assert [(fault.file, fault.line, fault.column) for fault in found] == [
        (products / name, line, column)
    ], [str(fault) for fault in faults(products)]


@pytest.mark.parametrize("written", ["backwards", "'Backwards'", "倒转"])
def test_a_word_for_a_number_is_told_with_the_number(products: Path, written: str) -> None:
    edit(
        products / "mixer/product.yaml",
        "regimes:",
        """  - {key: drum_dir, name: {en: Direction, zh: 方向}, component: drum, kind: enum,
     type: smallint, range: [0, 1], period_s: 10,
     values: {0: {en: forwards, zh: 正转}, 1: {en: Backwards, zh: 倒转}}}
regimes:""",
    )
    edit(
        products / "mixer/rules.yaml", "when: oil_temp_c > limit_c", f"when: drum_dir == {written}"
    )
    (fault,) = faults(products)
    assert fault.message == "drum_dir is a number, and Backwards is 1: write drum_dir == 1"
    assert (fault.line, fault.column) == (6, 23)


def test_all_faults_of_all_files_come_at_once_and_in_order(products: Path) -> None:
    edit(products / "mixer/rules.yaml", "component: drum", "component: drun")
    edit(products / "mixer/rules.yaml", "regimes: [mix]", "regimes: [mixing]")
    edit(products / "mixer/parts.yaml", "counter: run_hours_h", "counter: oil_temp_c")
    edit(products / "common/catalogue.yaml", "fmi: {0:", "fmi: {zero:")
    found = faults(products)
    assert [(fault.file.name, fault.line) for fault in found] == [
        ("catalogue.yaml", 3),
        ("parts.yaml", 7),
        ("rules.yaml", 4),
        ("rules.yaml", 8),
    ]


def test_what_an_unreadable_file_would_have_said_is_not_told_as_missing(products: Path) -> None:
    edit(products / "mixer/product.yaml", "signals:\n", "signals: [\n")
    edit(products / "mixer/parts.yaml", "counter: run_hours_h", "counter: oil_temp_c")
    (fault,) = faults(products)
    assert fault.file.name == "product.yaml" and "is no YAML" in fault.message


def test_the_error_names_the_count_and_every_place(products: Path) -> None:
    edit(products / "mixer/rules.yaml", "component: drum", "component: drun")
    edit(products / "mixer/rules.yaml", "regimes: [mix]", "regimes: [mixing]")
    with pytest.raises(PlanError) as caught:
        load_plan(products / "mixer", products / "common")
    text = str(caught.value)
    assert text.startswith("2 faults in the product plans:\n")
    assert f"  {products / 'mixer/rules.yaml'}:4:16: there is no component" in text


def test_a_fault_in_a_layer_is_told_once_for_all_its_products(products: Path) -> None:
    other = products / "kneader"
    other.mkdir()
    for name in PLAN_FILES:
        text = (products / "mixer" / name).read_text(encoding="utf-8")
        (other / name).write_text(text.replace("product: mixer", "product: kneader"), "utf-8")
    edit(products / "common/shared.yaml", "unit: rpm", "unit: bar")
    (fault,) = faults(products)
    assert (fault.file.name, fault.line) == ("shared.yaml", 4)


def test_an_entry_of_the_product_replaces_the_layers(products: Path) -> None:
    own = "  - {key: drum_rpm, name: {en: Drum speed, zh: 转速}, component: drum, unit: rpm,\n"
    own += "     range: [0, 60], period_s: 5}\n"
    edit(products / "mixer/product.yaml", "signals:\n", "signals:\n" + own)
    plan = load_plan(products / "mixer", products / "common")
    assert plan.signal["drum_rpm"].range == (0, 60)
    assert plan.signal_keys == ("drum_rpm", "run_hours_h", "oil_temp_c")


def test_a_plan_needs_its_product_file_only(products: Path) -> None:
    for name in ("rules", "failures", "parts", "service"):
        (products / "mixer" / f"{name}.yaml").unlink()
    plan = load_plan(products / "mixer", products / "common")
    assert (plan.rules, plan.parts, plan.services) == ((), (), ())


def test_a_misnamed_file_is_no_silent_loss(products: Path) -> None:
    (products / "mixer/rules.yaml").rename(products / "mixer/rule.yaml")
    (fault,) = faults(products)
    assert fault.file == products / "mixer/rule.yaml"
    assert "is no file of a product" in fault.message


def test_a_folder_without_products_says_so(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path)
    assert "holds no product" in fault.message


@pytest.mark.parametrize("text", ["- tiers\n", "tiers\n"])
def test_a_catalogue_without_sections_is_refused(products: Path, text: str) -> None:
    (products / "common/catalogue.yaml").write_text(text, encoding="utf-8")
    (fault,) = faults(products)
    assert (fault.line, fault.column) == (1, 1)
    assert "holds no sections" in fault.message


def test_a_missing_catalogue_is_refused(products: Path) -> None:
    (products / "common/catalogue.yaml").unlink()
    (fault,) = faults(products)
    assert fault.file == products / "common/catalogue.yaml"


def test_a_faulty_only_entry_is_not_called_missing_too(products: Path) -> None:
    edit(products / "mixer/service.yaml", "result: number", "result: numbers")
    (fault,) = faults(products)
    assert (fault.line, fault.column) == (17, 17)


@pytest.mark.parametrize("name", FILES)
def test_the_version_changes_with_every_file(products: Path, name: str) -> None:
    before = checksum(products / "mixer", products / "common")
    path = products / name
    path.write_text(path.read_text(encoding="utf-8") + "# note\n", encoding="utf-8")
    assert checksum(products / "mixer", products / "common") != before


def test_two_loads_of_one_plan_are_equal(products: Path) -> None:
    first = load_plan(products / "mixer", products / "common")
    assert load_plan(products / "mixer", products / "common") == first


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(PRODUCTS)


def test_the_real_plans_are_sound(catalogue: Catalogue) -> None:
    wanted = {
        "concrete_boom_pump", "trailer_pump", "truck_crane", "tower_crane", "asphalt_paver",
    }  # fmt: skip
    assert wanted <= set(catalogue.plans)
    for plan in catalogue.plans.values():
        assert problems_of(plan) == []


def test_what_an_engine_needs_is_on_no_electric_pump(catalogue: Catalogue) -> None:
    plan = catalogue.plans["trailer_pump"]
    of = {model: {part.id for part in plan.parts_of(model)} for model in ("TP60D", "TP60E")}
    assert of["TP60D"] - of["TP60E"] == {
        "engine_service_kit", "air_filter", "fuel_filter_kit", "battery",
    }  # fmt: skip
    assert of["TP60E"] - of["TP60D"] == {"contactor_set"}


def test_every_trouble_code_of_the_real_plans_has_a_name(catalogue: Catalogue) -> None:
    assert set(catalogue.fmi) == set(range(32))
    for plan in catalogue.plans.values():
        used = {signal.j1939.spn for signal in plan.signals if signal.j1939}
        used |= {spn for rule in plan.rules if rule.faults for spn in rule.faults.spn}
        assert used <= set(catalogue.spn), plan.product


def test_every_detectable_failure_mode_of_the_real_plans_has_a_rule(catalogue: Catalogue) -> None:
    for plan in catalogue.plans.values():
        told = {mode for rule in plan.rules for mode in rule.failure_modes}
        silent = [m.id for m in plan.failure_modes if m.detectable and m.id not in told]
        assert not silent, f"{plan.product}: no rule tells {silent}"


def test_every_real_plan_has_what_people_work_with(catalogue: Catalogue) -> None:
    for plan in catalogue.plans.values():
        assert plan.rules, plan.product
        assert plan.failure_modes and plan.parts and plan.services and plan.checklists
        assert 4 <= sum(signal.headline for signal in plan.signals) <= 12, plan.product
