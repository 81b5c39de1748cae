"""Reading fault and status messages."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from fleet.batch import FaultCode, FaultReport, StatusReport
from ingest.reasons import Unusable
from ingest.tolerant import refuse_doubles

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

_FAULTS = msgspec.json.Decoder(_Faults)
_STATUS = msgspec.json.Decoder(_Status)

T = TypeVar("T")


def read_faults(text: bytes, machine_id: int, received_at: int) -> FaultReport:
    """The fault report in a message. Raises Unusable."""
    found = _decode(_FAULTS, text, "not_faults")
    codes = tuple(_code(place, code) for place, code in enumerate(found.active))
    active = tuple(code for code in codes if not code.says_none)
    return FaultReport(machine_id, found.ts, received_at, active)


def read_status(text: bytes, machine_id: int, received_at: int) -> StatusReport:
    """The status report in a message; without `ts` it is about the moment of receipt. Raises
    Unusable."""
    found = _decode(_STATUS, text, "not_status")
    measured_at = received_at if found.ts is None else found.ts
    return StatusReport(machine_id, measured_at, received_at, found.state)


def _code(place: int, given: _Code) -> FaultCode:
    own = given.code is not None
    coded = given.spn is not None and given.fmi is not None
    if own == coded or (own and (given.spn is not None or given.fmi is not None)):
        raise Unusable(
            "not_faults", f"active code {place + 1} needs spn and fmi, or code, and not both"
        )
    oc = None if given.oc == _OC_NOT_AVAILABLE else given.oc
    return FaultCode(given.spn, given.fmi, given.code, oc, given.sa, given.lamp)


def _decode(decoder: msgspec.json.Decoder[T], text: bytes, reason: str) -> T:
    try:
        found = decoder.decode(text)
    except msgspec.ValidationError as error:
        raise Unusable(reason, f"{error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unusable("not_json", f"{error} ({len(text)} bytes)") from error
    refuse_doubles(text)
    return found
