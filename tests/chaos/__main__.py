"""The long run by hand: python -m tests.chaos --kills 60 --seed 1 [--json]."""

from __future__ import annotations

import argparse
import json
import shutil
import sys

import structlog

from ironpulse.foreground import configure_log
from tests.chaos.run import Options, Report, run
from tests.conftest import open_folder


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=30.0, help="messages/s of each publisher")
    parser.add_argument("--workers", type=int, default=1, help="processes of the ingest")
    parser.add_argument("--ways", nargs="*", default=[], help="only these ways of dying")
    parser.add_argument(
        "--trusting", action="store_true", help="publishers that forget what was acknowledged"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    configure_log()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    folder = open_folder()
    try:
        ways = tuple(given.ways)
        options = Options(
            given.kills, given.seed, given.rate, given.trusting, ways, workers=given.workers
        )
        report = run(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report.as_json()) if given.json else _words(report))
    return 0 if report.clean else 1


def _words(report: Report) -> str:
    found = report.findings
    lines = [
        f"{sum(report.kills.values())} kills in {report.seconds} s",
        *(f"  {count:4}  {way}" for way, count in report.kills.items()),
        f"sent: {report.messages} messages with {report.samples} moments and {report.unusable} "
        f"that nobody can use; {report.sent_again} messages sent again to be sure",
        f"stored {found.stored}, merged {found.merged}, repeated {found.repeated}, "
        f"rejected {found.rejected}",
        f"lost {found.lost}, double {found.double}, wrong values {found.wrong}",
        f"alarms {report.alarms}, ticket items {report.tickets} at the twins in the calm; "
        f"{len(report.twins_differ)} differences to what was concluded in the storm",
        *report.twins_differ,
        *found.complaints,
        *found.lost_messages[:20],
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
