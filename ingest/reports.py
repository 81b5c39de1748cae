"""Reading fault and status messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from fleet.batch import FaultCode, FaultReport, StatusReport
from ingest.formats import Format
from ingest.message import Message
from ingest.reasons import Unusable
from ingest.sentences import say

_Time = Annotated[int, Meta(ge=0, lt=2**53)]


class _Code(msgspec.Struct):
    """Bounds are those of the J1939 fields."""

    spn: Annotated[int, Meta(ge=0, lt=2**19)] | None = None
    fmi: Annotated[int, Meta(ge=0, lt=2**5)] | None = None
    code: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[!-~]+$")] | None = None
    oc: Annotated[int, Meta(ge=0, lt=2**7)] | None = None
    sa: Annotated[int, Meta(ge=0, lt=2**8)] | None = None
    lamp: Literal["stop", "warning", "mil", "protect"] | None = None


class _Faults(msgspec.Struct):
    ts: _Time
    active: Annotated[list[_Code], Meta(max_length=1000)]


class _Status(msgspec.Struct):
    state: Literal["online", "offline"]
    ts: _Time | None = None


_OC_NOT_AVAILABLE = 2**7 - 1  # SAE J1939-73: all ones where nobody counts


def read_faults(form: Format, data: bytes, machine_id: int, received_at: int) -> FaultReport:
    """The fault report in a message. Raises Unusable."""
    found = form.shaped(data, _Faults, "not_faults")
    codes = tuple(_code(place, code) for place, code in enumerate(found.active))
    active = tuple(code for code in codes if not code.says_none)
    return FaultReport(machine_id, found.ts, received_at, active)


def read_status(form: Format, data: bytes, machine_id: int, message: Message) -> StatusReport:
    """The status report in a message, whose content `data` is; without `ts` it is about the moment
    of receipt. Raises Unusable."""
    found = form.shaped(data, _Status, "not_status")
    received_at = message.received_at
    if found.ts is None:
        return StatusReport(
            machine_id, received_at, received_at, found.state, delivery=message.delivery
        )
    return StatusReport(machine_id, found.ts, received_at, found.state)


def read_code(given: Mapping[str, object]) -> FaultCode:
    """One active code by the names of the wire; numbers may be text. Raises ValueError."""
    try:
        return _code(0, msgspec.convert(given, _Code, strict=False))
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    except Unusable as error:
        raise ValueError(str(error)) from error


def _code(place: int, given: _Code) -> FaultCode:
    own = given.code is not None
    coded = given.spn is not None and given.fmi is not None
    if own == coded or (own and (given.spn is not None or given.fmi is not None)):
        raise Unusable("not_faults", say("which_code", number=place + 1))
    oc = None if given.oc == _OC_NOT_AVAILABLE else given.oc
    return FaultCode(given.spn, given.fmi, given.code, oc, given.sa, given.lamp)
