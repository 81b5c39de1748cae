"""One chaos run from the first message to the verdict."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fleet import clock
from store.connection import connect
from store.ingest_log import lags
from tests.chaos.check import Findings, check, conclusions, missing
from tests.chaos.publishers import Crowd, Publisher, Script, Truth
from tests.chaos.world import ILL, World, ill_serials, running_world, storm
from tests.processes import until
from tests.scenarios.lives import Life, ill_life
from tests.scenarios.reporting import Reporting

SERIALS = ["P-1", "P-2", "P-3"]
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Options:
    """`rate` new messages per second of each of three publishers; with `trusting` ones nothing is
    sent again that was acknowledged; `ways` is which things are brought down, all by default;
    with `alarms` machines fall ill in the storm, and twins of theirs after it; `workers` of the
    ingest share the messages."""

    kills: int
    seed: int
    rate: float = 30.0
    trusting: bool = False
    ways: tuple[str, ...] = ()
    alarms: bool = True
    workers: int = 1


@dataclass
class Report:
    """How often each way of dying was taken, what was sent, and what the store says of it."""

    kills: dict[str, int]
    seconds: float
    messages: int
    sent_again: int
    samples: int
    unusable: int
    findings: Findings
    alarms: int
    tickets: int
    twins_differ: list[str]

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled or wrong."""
        found = self.findings
        return not (
            found.lost or found.double or found.wrong or found.complaints or self.twins_differ
        )

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "clean": self.clean}


def run(options: Options, folder: Path) -> Report:
    """Let machines report, kill what `options` say, and check everything."""
    rng = random.Random(options.seed)
    truth = Truth()
    began = time.monotonic()
    with running_world(folder, SERIALS, alarms=options.alarms, workers=options.workers) as world:
        publishers = [_publisher(world, serial, rng, truth, options) for serial in SERIALS]
        with Crowd(publishers, options.rate) as crowd, _ill(world, _lives(options)) as ill:
            ways = list(options.ways or world.ways)
            taken = storm(
                world, options.kills, rng, ways, lambda done: ill.allow(done / options.kills)
            )
            crowd.finish()
            ill.until_acknowledged()
        world.until_subscribed()
        _until_stored(world, truth)
        told, wanted = _twins(world, _lives(options))
        with connect(world.stack.addresses.database_url) as connection:
            findings = check(connection, truth)
        return Report(
            taken,
            round(time.monotonic() - began, 1),
            truth.messages,
            sum(publisher.sent_again for publisher in publishers),
            truth.samples,
            len(truth.unusable),
            findings,
            sum(len(each["alarms"]) for each in wanted),
            sum(len(each["tickets"]) for each in wanted),
            [
                f"{kind}: {found[kind]} in the storm, {other[kind]} in the calm"
                for found, other in zip(told, wanted, strict=True)
                for kind in found
                if found[kind] != other[kind]
            ],
        )


def _publisher(
    world: World, serial: str, rng: random.Random, truth: Truth, options: Options
) -> Publisher:
    where = world.stack.addresses
    return Publisher(
        f"chaos-{serial}",
        world.broker.port,
        where.mqtt_admin_user,
        where.mqtt_admin_password,
        Script(serial, rng, truth),
        trusting=options.trusting,
    )


@cache
def _lives(options: Options) -> tuple[Life, ...]:
    """The lives that are told in the storm, ending now."""
    if not options.alarms:
        return ()
    now = clock.now_ms()
    pairs = zip(ILL, ill_serials(), strict=True)
    return tuple(ill_life(*ill).of(serials[0]).ending(now) for ill, serials in pairs)


def _ill(world: World, lives: tuple[Life, ...]) -> Reporting:
    return Reporting(f"mqtt://127.0.0.1:{world.broker.port}", lives, 0.1)


def _twins(world: World, lives: tuple[Life, ...]) -> tuple[list[Any], list[Any]]:
    """What was concluded about the ill ones, and about their twins who fall ill in the calm."""
    if not lives:
        return [], []
    where = world.stack.addresses
    calm = [life.of(life.serial.replace("STORM", "CALM")) for life in lives]
    with Reporting(where.mqtt_url, calm, 1.0) as twins:
        twins.until_acknowledged()
    until(lambda: _judged(world, [*lives, *calm]), bool, _PATIENCE_S)
    with connect(where.database_url) as connection:
        told = [conclusions(connection, life.serial) for life in lives]
        return told, [conclusions(connection, life.serial) for life in calm]


def _until_stored(world: World, truth: Truth) -> None:
    """Wait until all is there that was sent, or nothing has come for some seconds."""
    last, since = -1, time.monotonic()
    deadline = since + _PATIENCE_S
    with connect(world.stack.addresses.database_url) as connection:
        while left := missing(connection, truth):
            if left != last:
                last, since = left, time.monotonic()
            if time.monotonic() > min(deadline, since + 10.0):
                return
            time.sleep(0.2)


def _judged(world: World, lives: Sequence[Life]) -> bool:
    """Whether everything the ill ones told is stored and the rules have read all."""
    wanted = {life.serial: len(life.samples) for life in lives}
    tables = " union all ".join(
        f"select serial, count(*) as n from telemetry_{product} join machine on machine.id ="
        " machine_id group by serial"
        for product, _ in ILL
    )
    with connect(world.stack.addresses.database_url) as connection:
        stored = {row["serial"]: row["n"] for row in connection.execute(tables).fetchall()}
        behind = {lag.consumer: lag.batches for lag in lags(connection)}
    there = all(stored.get(serial) == count for serial, count in wanted.items())
    return there and behind.get("rules") == 0
