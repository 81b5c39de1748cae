"""What rules and predict hand over to tickets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fleet.text import Text

Kind = Literal["alarm", "connection", "wear", "service", "inspection"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that asks for a decision: a visit, or a recorded reason why not.

    `source` is the rule, the wear part, the service interval or the checklist; `happened_at` its
    event time in milliseconds since 1970 UTC. `evidence` is JSON: what was measured against which
    limit, over which window, in which regime. `page` is False where it is to be recorded only, as
    for late data that is over.
    """

    machine_id: int
    kind: Kind
    source: str
    component: str
    severity: int
    happened_at: int
    title: Text
    reason: Text
    evidence: Mapping[str, Any]
    failure_modes: tuple[str, ...] = ()
    late: bool = False
    page: bool = True
    alarm_id: int | None = None
    fitted_part_id: int | None = None
    quiet: Text | None = None
    """Why it is to be recorded only, where that is no matter of late data."""
    parts: Mapping[str, int] = field(default_factory=dict)
    """Wear parts to bring beyond those of the failure modes: part -> pieces."""
