"""What the commands of `ironpulse machines` do.

The database comes first, in one transaction; then the broker, some hundred machines at a time; then
what had come too early is put back. Each step leaves alone what is done already, so that the same
command, run again after it was ended midway, completes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from fleet import clock
from fleet.errors import IronpulseError
from fleet.registry import Registration
from ironpulse.machines.keeping import Keeper
from ironpulse.machines.sheet import Sheet
from ironpulse.settings import Settings, SettingsError
from ironpulse.stack.credentials import may_be_serial
from ironpulse.stack.errors import StackError
from store import ingest_view, machines, rejected
from store.connection import Connection, connect, our_errors
from tickets import retiring
from tickets.retiring import Retired
from tickets.states import Actor

_AT_ONCE = 500
_ACTOR = Actor("ironpulse", "system")

#: Told how far a step is: its name, how much is done, and of how much.
Progress = Callable[[str, int, int], None]
Access = Literal["signs in", "revoked", "no credentials"]


@dataclass(slots=True)
class Outcome:
    """What a registration did, or would do: machines `new` and `updated`; `given` got something to
    sign in with, `revoked` were shut out before and stay so. Of messages that had come before:
    how many were put back, and what became of their samples."""

    new: int = 0
    updated: int = 0
    given: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    put_back: int = 0
    stored: int = 0
    merged: int = 0
    repeated: int = 0
    still_rejected: dict[str, int] = field(default_factory=dict)


def look(settings: Settings, sheet: Sheet) -> Outcome:
    """What `register` would do; writes nothing. Raises SheetError, StoreError and StackError."""
    with connect(settings.database()) as connection, our_errors():
        _, outcome = _checked(connection, sheet)
    with settings.mqtt_admin() as credentials:
        _divide(sheet.serials, credentials.known(), outcome)
    return outcome


def register(settings: Settings, sheet: Sheet, keeper: Keeper, progress: Progress) -> Outcome:
    """Write the registry, let new machines in at the broker, put back what waited for them.

    Raises SheetError before anything is written; IronpulseError where the broker fails after the
    registry was written, which says how to go on.
    """
    with connect(settings.database()) as connection:
        with our_errors():
            registration, outcome = _checked(connection, sheet)
            progress("Registry", 0, len(sheet.machines))
            machines.register(connection, registration)
            progress("Registry", len(sheet.machines), len(sheet.machines))
        try:
            _let_in(settings, sheet.serials, keeper, outcome, progress)
        except StackError as error:
            raise IronpulseError(
                f"The registry is written, but not every machine can sign in yet. {error} "
                "Once that is mended run the same command again: it goes on where this one ended."
            ) from error
        _put_back(connection, outcome, progress)
    return outcome


def rotate(settings: Settings, serials: Sequence[str], keeper: Keeper) -> None:
    """Give machines something new to sign in with; the old password ends at once, and so does a
    revocation. Raises IronpulseError where one is not registered, or retired."""
    _require(settings, serials, in_fleet=True)
    with settings.mqtt_admin() as credentials:
        credentials.add(keeper.give(serials).items())


def revoke(settings: Settings, serials: Sequence[str]) -> None:
    """Shut machines out and cut their connections; what they sent stays."""
    _require(settings, serials)
    _shut_out(settings, serials)


def retire(settings: Settings, serials: Sequence[str]) -> Retired:
    """Take machines out of the fleet and shut them out; what they sent stays. Raises
    IronpulseError where the broker fails after the registry was written: it says how to go on."""
    _require(settings, serials)
    with connect(settings.database()) as connection, our_errors():
        done = retiring.retire(connection, serials, actor=_ACTOR, now_ms=clock.now_ms())
    try:
        _shut_out(settings, serials)
    except StackError as error:
        raise IronpulseError(
            f"The machines are retired, but the broker still lets them in. {error} Once that is "
            "mended run the same command again."
        ) from error
    return done


def reinstate(settings: Settings, serials: Sequence[str]) -> list[str]:
    """Take retired machines into the fleet again, still shut out; the serials of those that were
    retired. Raises IronpulseError where one is not registered."""
    _require(settings, serials)
    with connect(settings.database()) as connection, our_errors():
        return machines.reinstate(connection, serials)


def _shut_out(settings: Settings, serials: Sequence[str]) -> None:
    with settings.mqtt_admin() as credentials:
        never = [serial for serial in serials if serial not in credentials.known()]
        # An account that may nothing: an import that comes later must not let it in.
        credentials.add((serial, None) for serial in never)
        credentials.revoke(serials)


def certify(
    settings: Settings, serials: Sequence[str], folder: Path, days: int
) -> dict[str, tuple[str, str]]:
    """Client certificates for machines; those the broker does not know are let in by them only.
    Returns the files of certificate and key by serial."""
    _require(settings, serials, in_fleet=True)
    authority = settings.machines_authority()
    files = {}
    for serial in serials:
        certificate, key = authority.machine(serial, folder, days)
        files[serial] = (str(certificate), str(key))
    with settings.mqtt_admin() as credentials:
        known = credentials.known()
        credentials.add((serial, None) for serial in serials if serial not in known)
    return files


def listing(settings: Settings, *, retired: bool = False) -> list[dict[str, Any]]:
    """All machines, or only the `retired` ones, one row each."""
    with connect(settings.database()) as connection, our_errors():
        found = machines.list_machines(connection)
    return [_row(machine) for machine in found if machine.retired_at is not None or not retired]


def show(settings: Settings, serial: str) -> dict[str, Any]:
    """One machine: what is registered, whether it may sign in (None where the broker cannot be
    asked, `broker` says why), what came of everything it sent, and what waits."""
    with connect(settings.database()) as connection, our_errors():
        found = machines.get_machine(connection, serial)
        if found is None:
            waits = len(rejected.waiting(connection, "unknown_machine", serial))
            early = f"; {waits} of its messages wait until it is" if waits else ""
            raise IronpulseError(f"{serial} is not registered{early}.")
        ledger = ingest_view.ledger(connection, found.id) or {}
        waiting = len(rejected.waiting(connection, None, serial))
    access, why = _access(settings, serial)
    return {
        **_row(found),
        "lat": found.lat,
        "lon": found.lon,
        "commissioned_on": found.commissioned_on.isoformat(),
        "registered_at": found.registered_at.isoformat(timespec="seconds"),
        "retired_at": found.retired_at and found.retired_at.isoformat(timespec="seconds"),
        "access": access,
        **({"broker": why} if why else {}),
        "waiting": waiting,
        "ledger": {
            name: value if isinstance(value, int | str | None) else value.isoformat()
            for name, value in ledger.items()
        },
    }


def summary(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON."""
    return asdict(outcome)


def _checked(connection: Connection, sheet: Sheet) -> tuple[Registration, Outcome]:
    known = machines.known(connection, sheet.serials)
    registration = sheet.registration(known)
    updated = len(known.machines)
    return registration, Outcome(new=len(sheet.machines) - updated, updated=updated)


def _divide(serials: Sequence[str], known: dict[str, bool], outcome: Outcome) -> None:
    outcome.given = [serial for serial in serials if serial not in known]
    outcome.revoked = [serial for serial in serials if not known.get(serial, True)]


def _let_in(
    settings: Settings, serials: Sequence[str], keeper: Keeper, outcome: Outcome, progress: Progress
) -> None:
    with settings.mqtt_admin() as credentials:
        _divide(serials, credentials.known(), outcome)
        for some in _portions(outcome.given):
            credentials.add(keeper.give(some).items())
            progress("Broker", len(some), len(outcome.given))


def _put_back(connection: Connection, outcome: Outcome, progress: Progress) -> None:
    from ingest.replay import replay

    with our_errors():
        waiting = rejected.of_registered(connection)
    still: Counter[str] = Counter()
    for done in replay(connection, waiting):
        progress("Early messages", 1, len(waiting))
        if done.outcome != "replayed":
            still[done.reason or done.outcome] += 1
            continue
        outcome.put_back += 1
        outcome.stored += done.stored
        outcome.merged += done.merged
        outcome.repeated += done.repeated
    outcome.still_rejected = dict(still)


def _require(settings: Settings, serials: Sequence[str], *, in_fleet: bool = False) -> None:
    """Raise IronpulseError unless all are registered and, with `in_fleet`, none is retired."""
    with connect(settings.database()) as connection, our_errors():
        found = machines.list_machines(connection, serials=serials)
    known = {machine.serial for machine in found}
    # One that was registered otherwise may still have a name that is the broker's own.
    unknown = [s for s in serials if s not in known or not may_be_serial(s)]
    if unknown:
        raise IronpulseError(f"Nothing was done; these are not registered: {', '.join(unknown)}.")
    retired = [machine.serial for machine in found if machine.retired_at is not None]
    if in_fleet and retired:
        raise IronpulseError(
            f"Nothing was done; these are retired: {', '.join(retired)}. `ironpulse machines "
            "reinstate` takes them into the fleet again."
        )


def _access(settings: Settings, serial: str) -> tuple[Access | None, str | None]:
    try:
        with settings.mqtt_admin() as credentials:
            let_in = credentials.known().get(serial)
    except (StackError, SettingsError) as error:
        return None, str(error)
    return "no credentials" if let_in is None else "signs in" if let_in else "revoked", None


def _portions(serials: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(serials), _AT_ONCE):
        yield serials[start : start + _AT_ONCE]


def _row(machine: machines.Machine) -> dict[str, Any]:
    return {
        "serial": machine.serial,
        "product": machine.product,
        "model": machine.model,
        "customer": machine.customer,
        "station": machine.station,
        "region": machine.region,
        "tier": machine.tier,
        "site": machine.site.en,
        "retired": machine.retired_at and machine.retired_at.date().isoformat(),
    }
