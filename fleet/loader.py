"""Reading the product plans: every folder under `products/` that holds a product.yaml.

`products/common/` holds what products share: `catalogue.yaml` (service tiers, J1939 texts) and
layers, files with the same sections as a plan that product.yaml names under `include`. An entry
of the product with the same key replaces the layer's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fleet.consistency import problems_of
from fleet.errors import Fault, PlanError
from fleet.misfits import sentence, sentences
from fleet.plan import Catalogue, ProductPlan
from fleet.problem import Problem
from fleet.service import ServiceTier
from fleet.yaml_source import Node, read_yaml

PLAN_FILES = ("product.yaml", "rules.yaml", "failures.yaml", "parts.yaml", "service.yaml")
#: Stands beside the plan and is read by those who run it.
TEST_FILE = "rules.test.yaml"
#: What a layer may say for all its products; a product's own word goes before.
DEFAULTS = ("alarms",)
#: Sections whose entries are merged by key from layers and from the files of the product.
LISTS = {
    "components": "id",
    "signals": "key",
    "regimes": "id",
    "rules": "id",
    "failure_modes": "id",
    "parts": "id",
    "services": "id",
    "checklists": "id",
}


class _Assembly:
    """The sections of one plan, and where every value came from."""

    def __init__(self) -> None:
        self.head: dict[str, Node] = {}
        self.defaulted: frozenset[str] = frozenset()
        self.lists: dict[str, dict[str, Node]] = {section: {} for section in LISTS}
        self.faults: list[Fault] = []

    def add(self, root: Node, *, layer: bool) -> None:
        own: dict[str, set[str]] = {section: set() for section in LISTS}
        for key, place in root.entries():
            value = root.get(key)
            assert value is not None
            if key in LISTS:
                self._add_list(key, value, own[key])
            elif key == "include" and not layer:
                continue
            elif key in DEFAULTS and (layer or key in self.defaulted):
                self.head[key] = value
                self.defaulted = self.defaulted | {key} if layer else self.defaulted - {key}
            elif layer or key in self.head:
                self.faults.append(place.fault(f"{key} does not belong here"))
            else:
                self.head[key] = value

    def _add_list(self, section: str, value: Node, own: set[str]) -> None:
        if not value.is_list and value.plain() is not None:
            self.faults.append(value.fault(f"{section} is no list; begin each entry with a dash"))
        for item in value.items():
            name_node = item.get(LISTS[section])
            if name_node is None:
                self.faults.append(item.fault(f"an entry of {section} lacks its {LISTS[section]}"))
                continue
            name = str(name_node.plain())
            if name in own:
                self.faults.append(name_node.fault(f"{name} stands twice in {section}"))
            own.add(name)
            self.lists[section][name] = item

    def data(self) -> dict[str, Any]:
        data = {key: node.plain() for key, node in self.head.items()}
        for section, entries in self.lists.items():
            data[section] = [node.plain() for node in entries.values()]
        return data

    def place(self, path: tuple[str | int, ...], fallback: Path) -> Node | Path:
        """Where the value at `path` of the assembled plan stands."""
        if not path:
            return fallback
        section, rest = str(path[0]), path[1:]
        if section in self.head:
            return self.head[section].at(rest)
        entries = list(self.lists.get(section, {}).values())
        if rest and isinstance(rest[0], int) and rest[0] < len(entries):
            return entries[rest[0]].at(rest[1:])
        return fallback

    def fault(self, problem: Problem, fallback: Path) -> Fault:
        place = self.place(problem.path, fallback)
        if isinstance(place, Path):
            return Fault(place, 0, 0, problem.message)
        if problem.column:
            return place.fault_in(problem.column, problem.message)
        return place.fault(problem.message)


def load_catalogue(directory: Path) -> Catalogue:
    """All plans under `directory` with what they share.

    Raises PlanError with every fault of every file, each with file, line and column.
    """
    folders = sorted(path.parent for path in directory.glob("*/product.yaml"))
    if not folders:
        raise PlanError([Fault(directory, 0, 0, "holds no product: no */product.yaml found")])
    common = directory / "common"
    faults: list[Fault] = []
    shared = _shared(common, faults)
    plans: dict[str, ProductPlan] = {}
    for folder in folders:
        try:
            plan = load_plan(folder, common)
        except PlanError as error:
            faults += error.faults
        else:
            plans[plan.product] = plan
    if faults:
        raise PlanError(sorted(set(faults), key=str))
    return Catalogue(plans=plans, **shared)


def load_plan(folder: Path, common: Path, rules: Path | None = None) -> ProductPlan:
    """The plan in `folder`, with the layers it includes from `common`; the file `rules` stands in
    for the product's own rules.yaml where it is given.

    Raises PlanError with every fault found.
    """
    assembly = _Assembly()
    head = folder / "product.yaml"
    files = _files(folder, rules)
    unread: list[Fault] = []
    for root, layer in _roots(files, common, unread):
        assembly.add(root, layer=layer)
    assembly.faults += [*_strangers(folder), *unread]
    if unread:
        raise PlanError(assembly.faults)  # what those files say would be told as missing
    data = assembly.data()
    data["version"] = _checksum(files, common)
    if data.get("product") != folder.name:
        place = assembly.place(("product",), head)
        message = f"product: {data.get('product')!r} is not the name of its folder {folder.name!r}"
        assembly.faults.append(
            Fault(head, 0, 0, message) if isinstance(place, Path) else place.fault(message)
        )
    try:
        plan = ProductPlan.model_validate(data)
    except ValidationError as error:
        problems = [Problem(*found) for found in sentences(error.errors(), ProductPlan)]
        assembly.faults += [assembly.fault(problem, head) for problem in problems]
        raise PlanError(assembly.faults) from error
    assembly.faults += [assembly.fault(problem, head) for problem in problems_of(plan)]
    if assembly.faults:
        raise PlanError(assembly.faults)
    return plan


def checksum(folder: Path, common: Path) -> str:
    """Twelve hexadecimal digits that change when any file the plan may be made of changes."""
    return _checksum(_files(folder), common)


def load_tiers(common: Path) -> dict[str, ServiceTier]:
    """The service tiers that `common` holds. Raises PlanError with every fault found."""
    faults: list[Fault] = []
    tiers: dict[str, ServiceTier] = _shared(common, faults).get("tiers", {})
    if faults:
        raise PlanError(faults)
    return tiers


def _files(folder: Path, rules: Path | None = None) -> dict[str, Path]:
    """The files of a plan by the name each has in a product's folder."""
    files = {name: folder / name for name in PLAN_FILES}
    if rules is not None:
        files["rules.yaml"] = rules
    return files


def _checksum(files: Mapping[str, Path], common: Path) -> str:
    digest = hashlib.sha256()
    layers = {path.name: path for path in sorted(common.glob("*.yaml"))}
    for name, path in [*files.items(), *layers.items()]:
        if path.exists():
            digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _strangers(folder: Path) -> Iterator[Fault]:
    """A misnamed file would be left out in silence."""
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        if path.name not in (*PLAN_FILES, TEST_FILE):
            known = ", ".join((*PLAN_FILES, TEST_FILE))
            yield Fault(path, 0, 0, f"is no file of a product; there are {known}")


def _roots(
    files: Mapping[str, Path], common: Path, faults: list[Fault]
) -> Iterator[tuple[Node, bool]]:
    own = [_read(path, faults) for path in files.values() if path.exists()]
    roots = [root for root in own if root is not None]
    include = roots[0].get("include") if roots else None
    for item in include.items() if include else []:
        name = str(item.plain())
        path = common / f"{name}.yaml"
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            faults.append(item.fault(f"include: {name!r} is no name of a layer in {common}"))
            continue
        if not path.exists():
            faults.append(item.fault(f"include: there is no layer {path}"))
            continue
        layer = _read(path, faults)
        if layer is not None:
            yield layer, True
    for root in roots:
        yield root, False


def _read(path: Path, faults: list[Fault]) -> Node | None:
    try:
        return read_yaml(path)
    except PlanError as error:
        faults += error.faults
        return None


def _shared(common: Path, faults: list[Fault]) -> dict[str, Any]:
    path = common / "catalogue.yaml"
    root = _read(path, faults)
    if root is None:
        return {}
    data = root.plain()
    if not isinstance(data, dict):
        faults.append(root.fault("holds no sections; there are tiers, fmi and spn"))
        return {}
    try:
        checked = Catalogue.model_validate({"plans": {}, **data})
    except ValidationError as error:
        found = [(e["loc"], sentence(e, Catalogue)) for e in error.errors()]
        faults += [root.at(place).fault(said) for place, said in found]
        return {}
    for key, tier in checked.tiers.items():
        if tier.id != key:
            place = root.at(("tiers", key, "id"))
            faults.append(place.fault(f"the tier {key} calls itself {tier.id}"))
    return {
        "tiers": checked.tiers,
        "fmi": checked.fmi,
        "spn": checked.spn,
        "supply": checked.supply,
        "inspection": checked.inspection,
    }
