"""A changed rule: a new version, taken over without a restart."""

from __future__ import annotations

from fleet import clock
from store import alarms, plans
from store.migrate import migrate
from tests import small
from tests.rules.conftest import Bench
from tests.rules.live.test_worker import RunAll, hot, rows
from tests.rules.plans import RULES, plan


def changed(**given: object) -> list[dict[str, object]]:
    """The rules with one of them, `hot`, changed."""
    return [{**rule, **given} if rule["id"] == "hot" else rule for rule in RULES]


def test_a_changed_rule_starts_anew_without_a_restart(bench: Bench, run_all: RunAll) -> None:
    start = clock.now_ms() - 600_000
    worker = bench.worker()
    bench.bring(rows(start, [60, 88, 88, 88, 88]))
    run_all(worker)
    assert hot(bench, "state") == [("active",)]
    before = bench.alarms("rule", "state", "plan_version")
    migrate(bench.database.url, small.catalogue(
        plan(rules=changed(params={"limit": 87}, hold_s=30), version="2")))  # fmt: skip
    worker.tick(clock.now_ms())
    (alarm,) = [one for one in bench.rows("select * from alarm") if one["rule"] == "hot"]
    assert (alarm["state"], alarm["plan_version"]) == ("cleared", "1")
    assert alarm["evidence"]["ended_by"] == "rule_changed"
    kept = [one for one in bench.alarms("rule", "state", "plan_version") if one[0] != "hot"]
    assert kept == [one for one in before if one[0] != "hot"]
    bench.bring(rows(start + 50_000, [88, 88, 88, 88]))
    run_all(worker)
    found = {row["plan_version"]: row for row in alarms.list_alarms(bench.connection, rule="hot")}
    assert {version: row["state"] for version, row in found.items()} == {
        "1": "cleared",
        "2": "active",
    }
    assert (found["1"]["rule_version"], found["1"]["rule_version_today"]) == (1, 2)
    assert (found["2"]["rule_version"], found["2"]["rule_version_today"]) == (2, 2)
    first, second = plans.rule_versions(bench.connection, "pump", "hot")
    assert (first["number"], first["is_today"], second["is_today"]) == (1, False, True)
    assert (first["definition"]["hold_s"], second["definition"]["hold_s"]) == (20, 30)


def test_new_words_are_a_new_version_and_no_new_judgement(bench: Bench, run_all: RunAll) -> None:
    start = clock.now_ms() - 600_000
    worker = bench.worker()
    bench.bring(rows(start, [60, 88, 88, 88, 88]))
    run_all(worker)
    for version, rules in (("2", changed(severity=2)), ("3", RULES)):
        migrate(bench.database.url, small.catalogue(plan(rules=rules, version=version)))
        worker.tick(clock.now_ms())
        assert hot(bench, "state", "plan_version") == [("active", "1")]
    numbers = [one["number"] for one in plans.rule_versions(bench.connection, "pump", "hot")]
    assert numbers == [1, 2]
    bench.bring(rows(start + 50_000, [70, 70, 70]))
    run_all(worker)
    assert hot(bench, "state") == [("returned",)]
    (row,) = alarms.list_alarms(bench.connection, rule="hot")
    assert (row["rule_version"], row["rule_version_today"]) == (1, 1)


def test_late_data_leave_alone_what_another_judgement_closed(bench: Bench, run_all: RunAll) -> None:
    start = clock.now_ms() - 600_000
    worker = bench.worker()
    bench.bring(rows(start, [60, 88, 88, 88, 88]))
    run_all(worker)
    migrate(bench.database.url, small.catalogue(plan(rules=changed(clear_hold_s=20), version="2")))
    worker.tick(clock.now_ms())
    bench.bring(rows(start + 50_000, [88, 88, 88, 88]))
    run_all(worker)
    assert sorted(hot(bench, "state", "plan_version")) == [("active", "2"), ("cleared", "1")]
    bench.bring(rows(start + 5_000, [60]))
    run_all(worker)
    assert sorted(hot(bench, "state", "plan_version")) == [("active", "2"), ("cleared", "1")]
    bench.bring(rows(start + 90_000, [60, 60, 60, 60]))
    run_all(worker)
    found = {
        row["plan_version"]: row for row in bench.rows("select * from alarm where rule = 'hot'")
    }
    assert {one["state"] for one in found.values()} == {"cleared", "returned"}
    assert all(end is not None for one in found.values() for _, end in one["spans"])
