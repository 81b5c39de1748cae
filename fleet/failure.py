"""How the machines of a product fail, and how a failure shows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fleet.fields import Code, Key, Model, Severity, Skill, Span
from fleet.text import Text


class Symptom(Model):
    """How a failure mode shows in one signal."""

    signal: Key
    direction: Literal["up", "down", "stuck", "noisy", "step", "asymmetric"]


class FailureMode(Model):
    """A way in which the machine fails. `lead_h` is (from, to): operating hours from the first
    symptom to the failure; `base_rate` failures per 1,000 operating hours where known."""

    id: Code
    name: Text
    category: Literal["electrical", "mechanical", "hydraulic", "other"]
    severity: Severity
    component: Key
    symptoms: Text
    causes: Text
    remedy: Text
    parts: tuple[Key, ...] = ()
    lead_h: Span | None = None
    skill: Skill
    minutes: int = Field(gt=0)
    signature: tuple[Symptom, ...] = ()
    regimes: tuple[Key, ...] = ()
    detectable: bool
    base_rate: float | None = Field(default=None, ge=0)
    source: str = "J"
