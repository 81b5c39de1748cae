"""What all parts of a plan are made of: the base model and the fixed kinds of values.

Every number in a plan carries its `source` as the domain reference marks it: a source number
(`S28`), `K` for handbook knowledge, `J` for engineering judgement.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=40)]
#: A signal, or a product of signals such as `width_m * speed_mpm`.
Product = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*( \* [a-z][a-z0-9_]*)*$", max_length=180)
]
Severity = Literal[1, 2, 3, 4]
Skill = Literal["OP", "T1", "T2", "T3"]
Span = tuple[float, float]


class Model(BaseModel):
    """Base of all parts of a plan: frozen, and an unknown key or no finite number is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
