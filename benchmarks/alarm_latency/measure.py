"""The measurement: alarms at scripted moments while a fleet reports, seen through the API."""

from __future__ import annotations

import json
import random
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx
import numpy as np
from rich.progress import Progress

from benchmarks.alarm_latency.load import messages
from benchmarks.alarm_latency.processes import api_of, process
from benchmarks.alarm_latency.publisher import Publisher
from benchmarks.ingest.processes import processor_s, tree
from benchmarks.ingest.system import System, ingest, servers
from benchmarks.wire import MOST_NUMBERS, Wire, publish_packet
from fleet import clock
from fleet.clock import to_ms
from fleet.errors import IronpulseError
from fleet.loader import load_catalogue
from ingest.topics import telemetry_topic
from ironpulse.demo import registry
from simulators.fleet import demo_fleet
from store.connection import connect
from store.migrate import migrate

ROOT = Path(__file__).parents[2]
#: A crane that lifts more than it may: raised by the first sample that says so.
RULE = "moment_alarm"
_CRANE = "truck_crane"
_LIFTING = {
    "eng_speed_rpm": 1500.0, "veh_speed_kmh": 0.0, "out_state": 2.0, "hoist_stick_pct": 60.0,
    "lmi_load_t": 12.0, "lmi_rated_t": 11.0,
}  # fmt: skip
_OVERLOADED = _LIFTING | {"lmi_moment_pct": 106.0}
_EASY = _LIFTING | {"lmi_moment_pct": 60.0}
#: The API is asked this often while an alarm is awaited; it is part of what is measured.
POLL_S = 0.05
#: Of alarms that are awaited together so many are asked for between two of them.
_ASKED_AT_ONCE = 4
#: What was not seen so long after the last moment of the load is given up.
GRACE_S = 10.0
#: The first fifth of the time is for warming up, the last for seeing what comes late.
_FIRST, _LAST = 0.2, 0.9


@dataclass(frozen=True, slots=True)
class Offer:
    """`machines` report in turn, `rate` messages a second for `seconds`; `alarms` of others."""

    machines: int
    rate: float
    seconds: float
    alarms: int


@dataclass(frozen=True, slots=True)
class Result:
    """`latencies_ms` from publishing to the API's answer, of each alarm; infinite where it was
    not seen before the end. `stages_ms` the median way of those that were: to the commit of the
    sample, from there to the rules' taking it up, from there to the answer. `rate` messages a
    second that were published, `judged` samples a second that the rules took meanwhile, `behind`
    samples that waited for them when the load ended; `cores` the processors that each process kept
    busy."""

    latencies_ms: tuple[float, ...]
    stages_ms: tuple[float, float, float]
    rate: float
    judged: float
    behind: int
    cores: dict[str, float]

    @property
    def unseen(self) -> int:
        """Alarms that did not show before the end."""
        return int(np.isinf(self.latencies_ms).sum())

    def quantile(self, share: float) -> float:
        """Milliseconds; infinite where so many were not seen."""
        return float(np.quantile(self.latencies_ms, share, method="higher"))


def measure(offer: Offer, progress: Progress) -> Result:
    """One run on new servers, with the product's own processes. It ends GRACE_S after the load,
    whatever has been seen by then."""
    task = progress.add_task("starting", total=offer.seconds)
    catalogue = load_catalogue(ROOT / "products")
    fleet = demo_fleet(catalogue.plans, offer.machines, today=datetime(2026, 6, 1).date())
    cranes = [machine for machine in fleet.machines if machine.product == _CRANE]
    if len(cranes) <= offer.alarms:
        raise IronpulseError(f"{offer.machines} machines have too few truck cranes to alarm")
    alarming = [machine.serial for machine in cranes[: offer.alarms]]
    apart = set(alarming)
    said = messages(catalogue.plans, [m for m in fleet.machines if m.serial not in apart])
    with servers() as stack:
        system = System(stack, stack.addresses.database_url, offer.machines)
        migrate(system.database_url, catalogue)
        registry.register(system.database_url, fleet)
        with (
            ingest(system, 1) as ingesting,
            process(system, "rules") as rules,
            api_of(system) as (api, serving),
            Publisher(system.publishers, said, offer.rate) as publisher,
        ):
            own = {"ingest": ingesting.pid, "rules": rules.pid, "API": serving.pid}
            own |= {"publishers": publisher.pid}

            def used() -> dict[str, float]:
                busy = {name: processor_s(tree(pid)) for name, pid in own.items()}
                servers = {"database": "postgres", "broker": "mosquitto"}
                busy |= {n: processor_s(system.pids(s)) for n, s in servers.items()}
                return busy | {"asking": time.process_time()}

            progress.update(task, description="publishing")
            before = used()
            line = Wire(system.publishers, "bench-alarms")
            try:
                found = _under_load(
                    offer, line, api, publisher, alarming, partial(progress.update, task)
                )
            finally:
                line.close()
            judged, behind = _judged(system)
            busy = {name: (after - before[name]) for name, after in used().items()}
        stages = _stages(system, found.seen_ms)
    latencies = [found.seen_ms.get(serial, np.inf) - at for serial, at in found.said_ms.items()]
    took_s = found.took_s
    shares = {name: seconds / took_s for name, seconds in busy.items()}
    return Result(
        tuple(latencies), stages, found.published / took_s, judged / took_s, behind, shares
    )


def _judged(system: System) -> tuple[int, int]:
    """Samples that the rules have judged, and those that are stored and wait for them."""
    with connect(system.database_url) as connection:
        row = connection.execute(
            "select coalesce(sum(samples) filter (where position <= judged), 0) as judged,"
            " coalesce(sum(samples) filter (where position > judged), 0) as waiting"
            " from ingest_batch, (select min(position) as judged from rule_partition) as least"
        ).fetchone()
    assert row is not None
    return int(row["judged"]), int(row["waiting"])


def _stages(system: System, seen_ms: Mapping[str, float]) -> tuple[float, float, float]:
    """Medians over the alarms that were seen: from saying to commit, to judging, to the answer.
    The machine said it when its alarm was raised; judging begins when the alarm is detected."""
    query = (
        "select serial, raised_at, committed_at, detected_at from alarm"
        " join machine on machine.id = alarm.machine_id"
        f" join telemetry_{_CRANE} as sample on sample.machine_id = machine.id"
        " and sample.measured_at = alarm.raised_at"
        " join ingest_batch on ingest_batch.id = sample.batch_id"
        " where serial = any(%s) and rule = %s"
    )
    with connect(system.database_url) as connection:
        rows = connection.execute(query, (list(seen_ms), RULE)).fetchall()
    times = np.array(
        [
            [to_ms(row[name]) for name in ("raised_at", "committed_at", "detected_at")]
            + [seen_ms[row["serial"]]]
            for row in rows
        ]
    ).reshape(-1, 4)
    if not len(times):
        return np.nan, np.nan, np.nan
    first, second, third = np.median(np.diff(times, axis=1), axis=0).tolist()
    return first, second, third


@dataclass(slots=True)
class _Course:
    """When each machine said that it is overloaded and when the API had its alarm, ms since 1970;
    messages of the load, and the seconds they took."""

    said_ms: dict[str, int] = field(default_factory=dict)
    seen_ms: dict[str, float] = field(default_factory=dict)
    published: int = 0
    took_s: float = 0.0


def _under_load(
    offer: Offer,
    line: Wire,
    api: httpx.Client,
    publisher: Publisher,
    alarming: Sequence[str],
    step: Callable[..., None],
) -> _Course:
    """Alarms at their moments, each awaited while the next ones come."""
    rng = random.Random(1)
    for serial in alarming:
        _say(line, serial, _EASY)
    publisher.begin()
    began = clock.monotonic_s()
    shares = [(n + rng.random() / 2) / offer.alarms for n in range(offer.alarms)]
    moments = [began + (_FIRST + (_LAST - _FIRST) * share) * offer.seconds for share in shares]
    course, coming = _Course(), deque(zip(moments, alarming, strict=True))
    awaited: deque[str] = deque()
    end = began + offer.seconds
    while (now := clock.monotonic_s()) < end or (awaited and now < end + GRACE_S):
        if not course.took_s and now >= end:
            course.published, course.took_s = publisher.sent.value, now - began
        step(completed=now - began)
        while coming and coming[0][0] <= now:
            _, serial = coming.popleft()
            course.said_ms[serial] = _say(line, serial, _OVERLOADED)
            awaited.append(serial)
        for _ in range(min(len(awaited), _ASKED_AT_ONCE)):
            serial = awaited.popleft()
            if _shows(api, serial):
                course.seen_ms[serial] = clock.now_ms()
            else:
                awaited.append(serial)
        time.sleep(POLL_S)  # between two real questions
    if not course.took_s:
        course.published, course.took_s = publisher.sent.value, clock.monotonic_s() - began
    return course


def _say(line: Wire, serial: str, values: Mapping[str, float]) -> int:
    """The moment at which it was said, ms since 1970."""
    now = clock.now_ms()
    payload = json.dumps({"ts": now, "values": values}).encode()
    line.write(publish_packet(telemetry_topic(serial), line.sent % MOST_NUMBERS + 1, payload), 1)
    return now


def _shows(api: httpx.Client, serial: str) -> bool:
    """Whether the API's answer has the alarm."""
    answer = api.get("/alarms", params={"machine": serial, "rule": RULE, "limit": 1})
    return bool(answer.raise_for_status().json()["items"])
