"""Alarms as answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from api.present.product import bilingual, named
from api.schemas.alarm import (
    Alarm,
    AlarmCourse,
    DetectorState,
    DetectorStates,
    SignalCourse,
)
from api.schemas.base import Bilingual
from api.schemas.suppression import Suppression
from fleet.batch import FloatColumn
from fleet.clock import MS_PER_HOUR, to_datetime
from fleet.plan import Catalogue, ProductPlan
from rules.detectors.course import Course
from rules.detectors.standing import DetectorStanding

Row = Mapping[str, Any]
#: The pieces of a J1939 trouble code as the store keeps it.
_CODE = re.compile(r"-?\b(spn|fmi|sa)(\d+)\b")


def alarm(row: Row, catalogue: Catalogue) -> Alarm:
    """An alarm, with what the plan says about its rule."""
    plan = catalogue.plans.get(row["product"])
    rule = plan.rule.get(row["rule"]) if plan is not None else None
    stored = {name: row[name] for name in Alarm.model_fields if name in row}
    return Alarm(
        **stored,
        component_name=component_name(row["component"], plan),
        name=named(row["rule"], rule.name if rule is not None else None).name,
        advice=bilingual(rule.advice) if rule is not None else None,
        shows=list(rule.shows) if rule is not None else [],
    )


def course(found: Course | None) -> AlarmCourse:
    """Expected and seen as an answer; empty where nothing is known."""
    if found is None:
        return AlarmCourse(times=[], signals=[])
    return AlarmCourse(
        times=[to_datetime(end) for end in found.end_ms.tolist()],
        signals=[
            SignalCourse(
                signal=one.signal,
                fluctuation=one.fluctuation,
                share=one.share,
                seen=_known(one.seen),
                expected=_known(one.expected),
            )
            for one in found.signals
        ],
    )


def detectors(
    plan: ProductPlan, as_of: int | None, found: Sequence[DetectorStanding]
) -> DetectorStates:
    """Where learned detectors stand as an answer."""
    return DetectorStates(
        as_of=None if as_of is None else to_datetime(as_of),
        detectors=[
            DetectorState(
                rule=one.rule,
                name=bilingual(plan.rule[one.rule].name),
                state=one.state,
                left_h=round(one.left * one.every_ms / MS_PER_HOUR, 2),
                own_h=round(one.own * one.every_ms / MS_PER_HOUR, 2),
                machines=one.machines,
                without=list(one.without),
            )
            for one in found
        ],
    )


def _known(values: FloatColumn) -> list[float | None]:
    return [None if isnan(value) else float(f"{value:.6g}") for value in values.tolist()]


def suppression(row: Row, catalogue: Catalogue) -> Suppression:
    """What somebody silenced, with the plan's names."""
    plan = catalogue.plans.get(row["product"])
    rules = plan.rule if plan is not None else {}
    rule, component = row["rule"], row["component"]
    return Suppression(
        **{name: row[name] for name in Suppression.model_fields if name in row},
        name=None
        if rule is None
        else named(rule, rules[rule].name if rule in rules else None).name,
        component_name=None if component is None else component_name(component, plan),
    )


def component_name(component: str, plan: ProductPlan | None) -> Bilingual:
    """The name of a component; where more stands behind it (`component/more`), that of the sensor
    or the trouble code, too."""
    key, _, code = component.partition("/")
    known = plan.component.get(key) if plan is not None else None
    name = named(key, known.name if known is not None else None).name
    if plan is not None and code in plan.signal:
        sensor = plan.signal[code].name
        return Bilingual(en=f"{name.en}, {sensor.en}", zh=f"{name.zh}，{sensor.zh}")
    # `spn110-fmi0-sa3`, as one word of the store, is read as people write it.
    shown = _CODE.sub(lambda part: f" {part[1].upper()} {part[2]}", code).strip()
    return Bilingual(en=f"{name.en}, {shown}", zh=f"{name.zh}，{shown}") if code else name
