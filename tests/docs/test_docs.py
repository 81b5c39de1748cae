"""The documentation is complete and true: what exists is named, what is named exists."""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import yaml

from api.app import PREFIX, create
from fleet.calls import FUNCTIONS, called
from fleet.expression import parse
from fleet.fields import Model
from fleet.loader import load_catalogue
from fleet.plan import ProductPlan
from fleet.rule import FaultMatch, Rule
from ingest.service import _Service
from ingest.sessions import Sessions
from ironpulse.cli import app
from ironpulse.settings import Settings
from rules.plan_tests import check_products

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ROOT_COMMAND: Any = typer.main.get_command(app)
PACKAGES = sorted(path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")


def text_of(*names: str) -> str:
    """The text of pages, all of them where none is named."""
    pages = [ROOT / name for name in names] or PAGES
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def commands(group: Any, path: str = "ironpulse") -> Iterator[tuple[str, Any]]:
    """Every command below a group, with all its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_every_command_is_documented() -> None:
    text = text_of("docs/operation.md")
    missing = [words for words, _ in commands(ROOT_COMMAND) if f"`{words}" not in text]
    assert not missing


def test_every_option_of_the_demo_is_documented() -> None:
    demo = dict(commands(ROOT_COMMAND))["ironpulse demo"]
    options = [name for option in demo.params for name in option.opts]
    text = text_of("docs/operation.md")
    assert not [name for name in options if f"`{name}" not in text]


def test_no_group_of_commands_is_empty() -> None:
    found = ROOT_COMMAND.commands.values()
    assert not [group.name for group in found if not getattr(group, "commands", True)]


def test_every_command_that_is_named_exists() -> None:
    known = {tuple(words.split()[1:]) for words, _ in commands(ROOT_COMMAND)}
    starts = {words[:n] for words in known for n in (1, 2)}
    named = re.findall(r"`(?:\.venv/bin/)?ironpulse ((?:[a-z]+ ?){1,2})", text_of())
    unknown = {words for words in named if tuple(words.split()[:1]) not in starts}
    groups = {words[0] for words in known if len(words) == 2}
    unknown |= {w for w in named if w.split()[0] in groups and tuple(w.split()[:2]) not in starts}
    assert len(named) > 5 and not unknown


def test_every_setting_is_documented() -> None:
    known = {f"IRONPULSE_{name.upper()}" for name in Settings.model_fields}
    sources = (path for package in PACKAGES for path in package.rglob("*.py"))
    word = re.compile(r"IRONPULSE_[A-Z_]*[A-Z]")
    used = {name for path in sources for name in word.findall(path.read_text(encoding="utf-8"))}
    text = text_of("docs/operation.md")
    assert not [name for name in sorted(known | used) if f"`{name}`" not in text]
    assert set(word.findall(text_of())) <= known | used, "no setting is named that does not exist"


def metrics() -> Iterator[str]:
    """Every metric that the ingest and the API export, as Prometheus names it."""
    nowhere = ("postgresql://nobody@127.0.0.1:1/x", "mqtt://127.0.0.1:1")
    service = _Service(*nowhere, Sessions("docs"), "docs", threading.Event(), None)
    for family in service.metrics.registry.collect():
        yield family.name + ("_total" if family.type == "counter" else "")
    source = (ROOT / "api" / "metrics.py").read_text(encoding="utf-8")
    for kind, name in re.findall(r"(Counter|Gauge|Histogram)\w*\(\s*\"(ironpulse_\w+)\"", source):
        yield name + ("_total" if kind == "Counter" else "")


def test_every_metric_is_documented_and_no_other() -> None:
    named = set(re.findall(r"^\| `(ironpulse_\w+)`", text_of("docs/operation.md"), re.MULTILINE))
    assert named == set(metrics())


def test_every_key_of_a_rule_is_documented() -> None:
    text = text_of("docs/rules.md")
    keys = [*Rule.model_fields, *FaultMatch.model_fields]
    assert not [key for key in keys if f"`{key}`" not in text and f"`{key}:" not in text]


def models(of: Any) -> Iterator[type[Model]]:
    """The plan's own models in a type, however deep."""
    if isinstance(of, type) and issubclass(of, Model):
        yield of
        for field in of.model_fields.values():
            yield from models(field.annotation)
    for inner in get_args(of):
        yield from models(inner)


def test_every_key_of_a_plan_is_documented() -> None:
    text = text_of("docs/products.md", "docs/rules.md")
    set_by_the_loader = {"version"}
    keys = {key for model in models(ProductPlan) for key in model.model_fields} - set_by_the_loader
    missing = [key for key in sorted(keys) if not re.search(rf"`[^`]*\b{key}\b[^`]*`", text)]
    assert len(keys) > 50 and not missing


def test_every_route_of_the_interface_is_documented() -> None:
    paths = create("postgresql://nobody@127.0.0.1:1/nothing").openapi()["paths"]
    nouns = {path.removeprefix(PREFIX).split("/")[1] for path in paths}
    text = text_of("docs/interfaces.md")
    assert len(nouns) > 8
    assert not [noun for noun in sorted(nouns) if f"/{noun}" not in text]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    local = [target.split("#")[0] for target in targets if "://" not in target]
    broken = [target for target in local if target and not (page.parent / target).exists()]
    assert not broken


def examples(page: str) -> list[str]:
    """The YAML blocks of a page."""
    return re.findall(r"^```yaml\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)


def test_the_rules_in_the_documentation_pass_their_tests(tmp_path: Path) -> None:
    """The blocks of docs/rules.md, put into a product, are what `products check` accepts."""
    rules, counted, tests_counted, tests = examples("docs/rules.md")
    told = [Rule.model_validate(rule).id for rule in yaml.safe_load(rules)["rules"]]
    assert told == ["hyd_oil_hot_alarm", "swing_slower_than_usual"]
    assert "since h250" in counted
    pump = pump_without_rules(tmp_path)
    for given_rules, given_tests in ((rules, tests), (counted, tests_counted)):
        (pump / "rules.yaml").write_text(given_rules, encoding="utf-8")
        (pump / "rules.test.yaml").write_text(given_tests, encoding="utf-8")
        report = check_products(tmp_path)
        assert report.ok, report.as_text()
        assert report.tests == 2


def test_every_function_of_the_rule_language_has_an_example_that_can_be_read() -> None:
    (block,) = re.findall(r"^```expressions\n(.*?)^```", text_of("docs/rules.md"), re.M | re.S)
    plan = load_catalogue(ROOT / "products").plans["concrete_boom_pump"]
    names: set[str] = set()
    for line in block.splitlines():
        tree = parse(line, plan.signal).tree
        names |= {called(node) for node in ast.walk(tree)}
        assert called(tree) not in FUNCTIONS, f"{line} is no condition"
    missing = set(FUNCTIONS) - names - {"spread"}
    assert not missing, f"no example of {missing}"


def pump_without_rules(products: Path) -> Path:
    """A copy of the boom pump and of what it includes; returns its folder."""
    for name in ("concrete_boom_pump", "common"):
        (products / name).mkdir()
        for file in (ROOT / "products" / name).glob("*.yaml"):
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
            content.pop("rules", None)
            text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
            (products / name / file.name).write_text(text, encoding="utf-8")
    return products / "concrete_boom_pump"


def test_every_yaml_example_can_be_read() -> None:
    blocks = [block for page in PAGES for block in examples(str(page.relative_to(ROOT)))]
    assert blocks
    assert all(yaml.safe_load(block) for block in blocks)


def test_the_changelog_tells_of_this_version() -> None:
    version = re.search(r'^version = "(.+)"', text_of("pyproject.toml"), re.MULTILINE)
    assert version is not None
    assert f"## {version[1]}" in text_of("CHANGELOG.md") or "## Unreleased" in text_of(
        "CHANGELOG.md"
    )


#: In two pieces, as this file must not name them either.
REGISTRIES = [".".join(pieces) for pieces in (
    ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("crates", "io"),
    ("deb.debian", "org"), ("ghcr", "io"), ("anaconda", "org"),
)]  # fmt: skip
OURS = ("*.py", "*.md", "*.toml", "*.txt", "*.yaml", "*.yml", "*.sql", "Makefile", "*.css", "*.cfg")


def test_no_file_names_a_registry() -> None:
    files = [
        path
        for top in ROOT.iterdir()
        if not top.name.startswith(".") or top.name == ".ci"
        for pattern in (*OURS, "run", "make-venv")
        for path in (top.rglob(pattern) if top.is_dir() else [top] if top.match(pattern) else [])
    ]
    assert len(files) > 200
    named = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in files
        for host in REGISTRIES
        if host in path.read_text(encoding="utf-8")
    ]
    assert not named
