"""`ironpulse backtest rules` on files: any order, any format, any number of workers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pytest
import yaml
from distributed import LocalCluster
from typer.testing import CliRunner, Result

from benchmarks.backtest.history import HOURS, PRODUCT, START_MS, write_history, write_product
from ironpulse.backtest import history, spread
from ironpulse.cli import app

SAMPLES, MACHINES = 30_000, 11


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product and its history as CSV and Parquet."""
    made = tmp_path_factory.mktemp("backtest")
    write_product(made)
    write_history(made / "h.csv", SAMPLES, MACHINES, seed=3)
    pa_parquet.write_table(pa_csv.read_csv(made / "h.csv"), made / "h.parquet")
    return made


def backtest(folder: Path, *arguments: str) -> Result:
    product = ["backtest", "rules", "--product", str(folder / PRODUCT)]
    return CliRunner().invoke(app, [*product, *arguments])


def report(folder: Path, *arguments: str) -> dict[str, Any]:
    result = backtest(folder, *arguments, "--json", "--workers", "1")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def body(found: dict[str, Any]) -> dict[str, Any]:
    """A report without the name of its file."""
    return {key: value for key, value in found.items() if key != "source"}


@pytest.fixture(scope="module")
def answer(folder: Path) -> bytes:
    """The report of one process, as it was written."""
    out = folder / "answer.json"
    asked = ("--csv", str(folder / "h.csv"), "--json", "--out", str(out), "--workers", "1")
    assert backtest(folder, *asked).exit_code == 0
    return out.read_bytes()


@pytest.fixture(scope="module")
def expected(answer: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer)
    assert found["samples"] == SAMPLES - SAMPLES % MACHINES + MACHINES
    assert found["machines"] == MACHINES
    assert len([one for one in found["rules"] if one["alarms"]]) > 5
    return found


def test_any_number_of_workers_gives_the_same_bytes(
    folder: Path, tmp_path: Path, answer: bytes
) -> None:
    out = tmp_path / "three"
    asked = ("--csv", str(folder / "h.csv"), "--json", "--out", str(out), "--workers", "3")
    assert backtest(folder, *asked).exit_code == 0
    assert out.read_bytes() == answer
    assert len(answer) > 10_000


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as own:
        yield own.scheduler_address


def test_a_cluster_gives_the_same_bytes(
    folder: Path, tmp_path: Path, cluster: str, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PIECE_ROWS", 1000)
    out = tmp_path / "there"
    asked = ("--csv", str(folder / "h.csv"), "--json", "--out", str(out), "--scheduler", cluster)
    assert backtest(folder, *asked).exit_code == 0
    assert out.read_bytes() == answer


def test_parquet_and_csv_say_the_same(folder: Path, expected: dict[str, Any]) -> None:
    found = report(folder, "--csv", str(folder / "h.parquet"))
    assert body(found) == body(expected)


@pytest.mark.parametrize("piece_rows", [300, 100_000])
def test_order_and_repetitions_change_nothing(
    folder: Path,
    tmp_path: Path,
    expected: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    piece_rows: int,
) -> None:
    monkeypatch.setattr(history, "PIECE_ROWS", piece_rows)
    header, *lines = (folder / "h.csv").read_text().splitlines()
    turned = [header, *reversed(lines), *lines[100:5000]]
    other = tmp_path / "turned.csv.gz"
    other.write_bytes(gzip.compress("\n".join(turned).encode()))
    found = report(folder, "--csv", str(other))
    assert body(found) == body(expected)


def test_blanks_and_empty_lines_mean_nothing(folder: Path, tmp_path: Path) -> None:
    header, *lines = (folder / "h.csv").read_text().splitlines()[:2_000]
    plain, loose = tmp_path / "plain.csv", tmp_path / "loose.csv"
    plain.write_text("\n".join([header, *lines]))
    loose.write_text("\n" + " , ".join(header.split(",")) + "\n\n" + "\n\n".join(lines) + "\n\n")
    found = report(folder, "--csv", str(loose))
    assert found["samples"] > 1_000
    assert body(found) == body(report(folder, "--csv", str(plain)))


def test_times_of_parquet_may_be_text_and_are_no_seconds(folder: Path, tmp_path: Path) -> None:
    table = pa_parquet.read_table(folder / "h.parquet").slice(0, 2_000)
    place = table.schema.get_field_index("measured_at")
    moments = table["measured_at"].cast(pa.timestamp("ms"))
    found = []
    for kind, column in {
        "text": pc.strftime(moments, "%Y-%m-%dT%H:%M:%SZ"),
        "moments": moments,
        "seconds": moments.cast(pa.timestamp("s"), safe=False).cast(pa.int64()),
    }.items():
        path = tmp_path / f"{kind}.parquet"
        pa_parquet.write_table(table.set_column(place, "measured_at", column), path)
        found.append(backtest(folder, "--csv", str(path), "--json", "--workers", "1"))
    text, moment, seconds = found
    assert body(json.loads(text.stdout)) == body(json.loads(moment.stdout))
    assert seconds.exit_code == 1
    assert "are these seconds?" in seconds.stderr.replace("\n", " ")


def test_times_with_and_without_a_zone_and_another_separator(folder: Path, tmp_path: Path) -> None:
    rows = [("M-1", i * 10, 95.0 if i > 5 else 50.0) for i in range(30)]
    found = []
    kinds = ((";", "Z", ","), ("\t", "", "."), (",", "+00:00", "."))
    for number, (separator, zone, point) in enumerate(kinds):
        lines = [separator.join(("measured_at", "s01_pct", "machine", "s16_pct", "note"))]
        for name, second, value in rows:
            at = f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}{zone}"
            lines.append(separator.join((at, str(value).replace(".", point), name, "50", "x")))
        path = tmp_path / f"{number}.csv"
        path.write_text("\n".join(lines))
        told = report(folder, "--csv", str(path))
        assert told["source"]["columns_left_out"] == ["note"]
        assert "s02_pct" in told["source"]["signals_missing"]
        found.append(body(told))
    assert found[0] == found[1] == found[2]
    (alarm,) = found[0]["alarms"]
    assert (alarm["rule"], alarm["raised_at"]) == ("rule_1", "2026-01-01T00:02:00+00:00")


def test_a_part_of_history_has_the_alarms_of_that_part(
    folder: Path, expected: dict[str, Any]
) -> None:
    period = ("--from", "2026-01-01T02:00:00Z", "--to", "2026-01-01T07:00+02:00")
    asked = ("--csv", str(folder / "h.csv"), *period)
    found = report(folder, *asked)
    whole = [one for one in expected["alarms"] if "T02:00" <= one["raised_at"][10:] < "T05:00"]
    keys = ("machine", "rule", "raised_at", "values")
    part = [[one[key] for key in keys] for one in found["alarms"]]
    assert part == [[one[key] for key in keys] for one in whole]
    assert part


def test_values_out_of_range_are_left_out_and_counted(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    lines = [f"M,{START_MS + i * 10_000},{5000 if i > 5 else 50},50" for i in range(30)]
    path.write_text("\n".join(["machine,measured_at,s01_pct,s16_pct", *lines]))
    found = report(folder, "--csv", str(path))
    assert found["source"]["values_left_out"] == 24
    assert found["alarms"] == []


def other_rules(folder: Path, path: Path) -> Path:
    rules = yaml.safe_load((folder / PRODUCT / "rules.yaml").read_text())
    rules["rules"] = [one for one in rules["rules"] if one["id"] != "rule_9"]
    rules["rules"][0]["hold_s"] = 180
    path.write_text(yaml.safe_dump(rules))
    return path


def test_two_rule_sets_are_compared(folder: Path, tmp_path: Path, expected: dict[str, Any]) -> None:
    other = other_rules(folder, tmp_path / "other.yaml")
    asked = ("--csv", str(folder / "h.csv"))
    found = report(folder, *asked, "--against", str(other))
    alone = report(folder, *asked, "--rules", str(other))
    assert body(found["against"]) == body(alone)
    assert found["alarms"] == expected["alarms"]
    rows = {one["rule"]: one for one in found["difference"]}
    assert rows["rule_9"]["against"] is None
    assert rows["rule_9"]["here"]["alarms"] == len(rows["rule_9"]["only_here"]) > 0
    assert rows["rule_1"]["here"]["alarms"] > rows["rule_1"]["against"]["alarms"]
    text = backtest(folder, *asked, "--against", str(other), "--workers", "1")
    assert text.exit_code == 0
    assert "rule_9" in text.stdout and "no such rule" in text.stdout


def test_known_faults_are_scored(folder: Path, tmp_path: Path, expected: dict[str, Any]) -> None:
    rules = yaml.safe_load((folder / PRODUCT / "rules.yaml").read_text())
    name = {"en": "seal", "zh": "密封"}
    failure = {
        "id": "F1", "name": name, "category": "mechanical", "severity": 3, "component": "body",
        "symptoms": name, "causes": name, "remedy": name, "skill": "T1", "minutes": 60,
        "detectable": False,
    }  # fmt: skip
    rules["rules"][0]["failure_modes"] = ["F1"]
    changed = tmp_path / "rules.yaml"
    changed.write_text(yaml.safe_dump({**rules, "failure_modes": [failure]}))
    first = next(one for one in expected["alarms"] if one["rule"] == "rule_1")
    fault = {
        "machine": first["machine"], "failure_mode": "F1", "onset_ms": START_MS,
        "failed_ms": START_MS + 86_400_000,
    }  # fmt: skip
    truth = tmp_path / "truth.jsonl"
    stranger = {**fault, "machine": "nobody"}
    truth.write_text("\n".join(json.dumps(one) for one in (fault, stranger)))
    asked = ("--csv", str(folder / "h.csv"), "--rules", str(changed))
    found = report(folder, *asked, "--truth", str(truth))
    rule_1 = found["rules"][0]["known"]
    assert rule_1["faults_found"] == 1 and rule_1["faults_missed"] == 0
    assert rule_1["confirmed"] >= 1
    assert rule_1["confirmed"] + rule_1["false"] == found["rules"][0]["alarms"]
    assert found["total"]["technician_hours"] > 0
    table = tmp_path / "truth.csv"
    begin, end = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    table.write_text(f"machine,failure_mode,onset,failed\n{first['machine']},F1,{begin},{end}\n")
    assert found["source"]["truth_left_out"] == ["nobody"]
    assert body(report(folder, *asked, "--truth", str(table))) == body(found)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("machine,s01_pct\nM,1\n", "lacks the column measured_at"),
        ("machine,measured_at,oil\nM,1,1\n", "no column that is a signal"),
        ("machine,measured_at,s01_pct\nM,soon,1\n", "is no time"),
        (
            f"machine,measured_at,s01_pct\nM,{START_MS},1\nM,{START_MS + 1},warm\n",
            "bad.csv, line 3, s01_pct: 'warm' is no number; write it like 61.5",
        ),
        (
            f"machine;measured_at;s01_pct\nM;{START_MS};1,5\nM;{START_MS + 1};1.5\n",
            "line 3, s01_pct: '1.5' is no number; write it like 61,5",
        ),
        (f"machine,measured_at,s01_pct\nM,{START_MS},1\nM,,1\n", "line 3, measured_at: is empty"),
        (f"machine,measured_at,s01_pct\n,{START_MS},1\n", "line 2, machine: is empty"),
        (f"machine,measured_at,s01_pct\nM,{START_MS},1\n\nM,2\n", "line 4: 2 cells where the line"),
        ("machine,measured_at,s01_pct\nM,1785564000,1\n", "are these seconds? Write milli"),
        (
            "machine,measured_at,s01_pct\nM,2026-08-01T06:00:00,1\nM,2026-08-01T06:00:10Z,1\n",
            "line 3, measured_at: 2026-08-01T06:00:10Z has a time zone where the first row has n",
        ),
        ("machine,measured_at,s01_pct,s01_pct\nM,1,1,1\n", "has the column s01_pct twice"),
        ("\n\n", "bad.csv is empty"),
        ("", "bad.csv is empty"),
        ("machine,measured_at,s01_pct\nM,1,1\n".encode("utf-16"), "is in UTF-16; save it"),
        ("machine,measured_at,s01_pct\n泵,1,1\n".encode("gb18030"), "Save it as CSV in UTF-8"),
        (b"PK\x03\x04", "is an Excel workbook"),
        ("machine,measured_at,s01_pct\n", "has columns and no row"),
    ],
)
def test_a_file_that_will_not_do_is_told_in_a_sentence(
    folder: Path, tmp_path: Path, content: str | bytes, says: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = backtest(folder, "--csv", str(path), "--workers", "1")
    assert result.exit_code == 1
    said = result.stderr.replace("\n", " ")
    assert says in said and "bad.csv" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--csv", "nowhere.csv"), "nowhere.csv cannot be read"),
        (("--rules", "nowhere.yaml"), "nowhere.yaml is no file"),
        (("--rules", "EMPTY", "--csv", "HISTORY"), "no-rules.yaml has no rule"),
        (
            ("--csv", "HISTORY", "--from", "2026-02-01"),
            "holds data from 2026-01-01T00:00:00+00:00 to 2026-01-01T00:00:00+00:00; --from is "
            "after that",
        ),
        (("--csv", "HISTORY", "--to", "2026-01-01"), "--to is not after its begin"),
        (("--services", "services.csv"), "--services goes with --csv"),
        (("--repairs", "repairs.csv"), "--repairs goes with --csv"),
        (("--tier", "gold"), "--tier goes with --csv"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "--from is not before --to"),
        (("--csv", "HISTORY", "--tier", "tin"), "There is no service tier 'tin'"),
        (("--csv", "HISTORY", "--scheduler", "tcp://127.0.0.1:1"), "No Dask scheduler answers"),
        (("--csv", "HISTORY", "--truth", "nowhere.csv"), "nowhere.csv cannot be read"),
        (("--csv", "nowhere.csv", "--out", "/nowhere/at/all"), "there is no folder /nowhere/at"),
        (("--csv", "HISTORY", "--out", "/dev"), "cannot be written"),
    ],
)
def test_what_cannot_work_is_told_in_a_sentence(
    folder: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spread, "PATIENCE_S", 0.5)
    small = tmp_path / "h.csv"
    small.write_text(f"machine,measured_at,s01_pct\nM,{START_MS},1\n")
    none = tmp_path / "no-rules.yaml"
    none.write_text("rules: []\n")
    names = {"HISTORY": str(small), "EMPTY": str(none)}
    given = [names.get(one, one) for one in arguments]
    result = backtest(folder, *given, "--workers", "1")
    assert result.exit_code == 1
    assert says in result.stderr.replace("\n", " ")


def test_an_export_writes_csv_or_parquet(folder: Path) -> None:
    product = str(folder / PRODUCT)
    asked = ["backtest", "export", "--product", product, "--out", str(folder / "h.xlsx")]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 1
    assert "ends neither in .csv nor in .parquet" in result.stderr.replace("\n", " ")


def test_a_fault_without_its_machine_is_told(folder: Path, tmp_path: Path) -> None:
    small, truth = tmp_path / "h.csv", tmp_path / "t.csv"
    small.write_text(f"machine,measured_at,s01_pct\nM,{START_MS},1\n")
    truth.write_text("failure_mode,onset\nF1,2026-01-01\n")
    result = backtest(folder, "--csv", str(small), "--truth", str(truth))
    assert result.exit_code == 1 and "fault 1: 'machine' is missing" in result.stderr


def test_a_product_that_is_not_there_is_told() -> None:
    result = CliRunner().invoke(app, ["backtest", "rules", "--product", "submarine"])
    assert result.exit_code == 1
    assert "submarine" in result.stderr and "tower_crane" in result.stderr


def rules_with(folder: Path, path: Path, *more: dict[str, Any], **changed: Any) -> Path:
    """The product's rules, the first one changed, and more of them."""
    rules = yaml.safe_load((folder / PRODUCT / "rules.yaml").read_text())
    first, *others = rules["rules"]
    rules["rules"] = [{**first, **changed}, *others, *more]
    path.write_text(yaml.safe_dump(rules))
    return path


def warm(folder: Path, name: str = "warm.csv") -> Path:
    """Two machines at 70 % for five minutes, then one of them again after two hours."""
    lines = [
        f"{machine},{model},{region},{START_MS + i * 10_000},70,50"
        for machine, model, region in (("M", "B1", "south"), ("N", "", "north"))
        for i in range(30)
    ]
    lines.append(f"M,B1,,{START_MS + 7_500_000},70,50")
    header = "machine,model,region,measured_at,s01_pct,s16_pct"
    path = folder / name
    path.write_text("\n".join([header, *lines]))
    return path


@pytest.mark.parametrize("override", [{"model": "B1"}, {"region": "south"}, {"machine": "M"}])
def test_overrides_hold_for_the_models_and_regions_of_a_file(
    folder: Path, tmp_path: Path, override: dict[str, str]
) -> None:
    changed = rules_with(
        folder, tmp_path / "rules.yaml", when="s01_pct > limit", clear="s01_pct < limit - 5",
        params={"limit": 85}, overrides=[{**override, "params": {"limit": 60}}],
    )  # fmt: skip
    found = report(folder, "--rules", str(changed), "--csv", str(warm(tmp_path)))
    assert {(one["machine"], one["rule"]) for one in found["alarms"]} == {("M", "rule_1")}
    assert found["source"]["columns_left_out"] == []


def test_a_machine_of_two_regions_is_told(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    rows = [f"M,{region},{START_MS + i * 10_000},1" for i, region in enumerate(("north", "south"))]
    path.write_text("\n".join(["machine,region,measured_at,s01_pct", *rows]))
    result = backtest(folder, "--csv", str(path), "--workers", "1")
    assert result.exit_code == 1
    said = result.stderr.replace("\n", " ")
    assert "machine M has the region 'north' in one row and 'south' in another" in said


NAMED = {"en": "other", "zh": "其他"}
KIND = {"name": NAMED, "component": "body", "severity": 3, "advice": NAMED}


def test_gaps_of_a_file_are_silence(folder: Path, tmp_path: Path) -> None:
    silent = {"id": "silent", "silence": "offline", **KIND}
    changed = rules_with(folder, tmp_path / "rules.yaml", silent)
    found = report(folder, "--rules", str(changed), "--csv", str(warm(tmp_path)))
    keys = ("machine", "raised_at", "cleared_at")
    assert [tuple(one[key] for key in keys) for one in found["alarms"]] == [
        ("M", "2026-01-01T00:19:50+00:00", "2026-01-01T02:05:00+00:00"),
        ("N", "2026-01-01T00:19:50+00:00", None),
    ]


def write_rows(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """Rows as CSV or, by the file's ending, JSON lines."""
    told = [";".join(names), *(";".join(row) for row in rows)]
    if path.suffix == ".jsonl":
        told = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
    path.write_text("\n".join(told))
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_trouble_codes_in_a_file(
    folder: Path, tmp_path: Path, ending: str, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PIECE_ROWS", 10)
    coded = {"id": "coded", "faults": {"spn": [110]}, **KIND}
    changed = rules_with(folder, tmp_path / "rules.yaml", coded)
    names = ("machine", "measured_at", "spn", "fmi", "lamp")
    rows = [
        ("M", "2026-01-01T00:01:00Z", "110", "0", "stop"),
        ("M", "2026-01-01T00:01:00Z", "524287", "31", ""),
        ("M", "2026-01-01T00:02:00Z", "", "", ""),
        ("M", "2026-01-01T01:00:00Z", "110", "3", ""),
        ("X", "2026-01-01T01:00:00Z", "110", "3", ""),
    ]
    faults = write_rows(tmp_path / f"faults.{ending}", names, rows)
    asked = ("--rules", str(changed), "--csv", str(warm(tmp_path)), "--faults", str(faults))
    unfed = report(folder, *asked[:-2])["source"]["unfed"]
    assert unfed == {"trouble_codes": ["coded"]}
    found = report(folder, *asked)
    keys = ("machine", "raised_at", "cleared_at")
    assert [tuple(one[key] for key in keys) for one in found["alarms"]] == [
        ("M", "2026-01-01T00:01:00+00:00", "2026-01-01T00:02:00+00:00"),
        ("M", "2026-01-01T01:00:00+00:00", None),
    ]
    assert found["source"]["fault_reports"] == 3
    assert found["source"]["machines_left_out"] == ["X"]
    there = tmp_path / "there.json"
    elsewhere = backtest(folder, *asked, "--json", "--out", str(there), "--scheduler", cluster)
    assert elsewhere.exit_code == 0 and json.loads(there.read_text()) == found


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("machine,measured_at,oil\nM,1,2\n", "row 1: it has none of spn, fmi and code"),
        ("machine,measured_at,spn\nM,1,110\n", "needs spn and fmi, or code"),
        ("machine,measured_at,spn,fmi\nM,1,110,99\n", "row 1"),
        ("machine,measured_at,spn,fmi\nM,,110,1\n", "'measured_at' is missing"),
        ("machine,spn,fmi\nM,110,1\n", "'measured_at' is missing"),
    ],
)
def test_trouble_codes_that_will_not_do_are_told(
    folder: Path, tmp_path: Path, content: str, says: str
) -> None:
    faults = tmp_path / "faults.csv"
    faults.write_text(content)
    asked = ("--csv", str(warm(tmp_path)), "--workers", "1", "--faults", str(faults))
    result = backtest(folder, *asked)
    assert result.exit_code == 1
    assert says in result.stderr.replace("\n", " ") and "faults.csv" in result.stderr


def test_rules_that_a_history_cannot_feed_are_not_tried(folder: Path, tmp_path: Path) -> None:
    coded = {"id": "coded", "faults": {"spn": [110]}, **KIND}
    first_seen = {"id": "first_seen", "silence": "never_seen", **KIND}
    changed = tmp_path / "rules.yaml"
    changed.write_text(yaml.safe_dump({"rules": [coded, first_seen]}))
    result = backtest(folder, "--rules", str(changed), "--csv", str(warm(tmp_path)))
    assert result.exit_code == 1
    said = "None of the 2 rules can be judged without trouble codes (--faults gives them)."
    assert said in result.stderr.replace("\n", " ")


def test_trouble_codes_of_a_file_go_with_a_file(folder: Path) -> None:
    result = backtest(folder, "--faults", "faults.csv")
    assert result.exit_code == 1 and "--faults goes with --csv" in result.stderr


SERVICE = {
    "id": "h10", "name": NAMED, "every_h": 10, "by": "service", "items": [NAMED], "skill": "T1",
    "minutes": 30,
}  # fmt: skip
COUNT = f'growth({HOURS}, "since h10")'
OVERDUE = {
    "id": "overdue", **KIND, "regimes": ["working"], "hold_s": 0, "when": f"{COUNT} > 3",
    "clear": f"{COUNT} < 1",
}  # fmt: skip


def counting(folder: Path, path: Path) -> Path:
    """Rules that ask how many hours a machine has run since its last service."""
    rules = yaml.safe_load((folder / PRODUCT / "rules.yaml").read_text())
    path.write_text(yaml.safe_dump({"rules": [*rules["rules"], OVERDUE], "services": [SERVICE]}))
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_services_in_a_file(folder: Path, tmp_path: Path, ending: str) -> None:
    lines = [f"machine,measured_at,{HOURS},s16_pct"]
    for machine in "MN":
        lines += [f"{machine},{START_MS + i * 60_000},{500 + i / 60},50" for i in range(600)]
    path = tmp_path / "h.csv"
    path.write_text("\n".join(lines))
    names = ("machine", "done_at", "service")
    rows = [(machine, f"2026-01-01T0{hour}:00:00Z", "h10") for machine, hour in ("M1", "M6", "X6")]
    services = write_rows(tmp_path / f"services.{ending}", names, rows)
    asked = ("--rules", str(counting(folder, tmp_path / "rules.yaml")), "--csv", str(path))
    without = report(folder, *asked)
    assert (without["alarms"], without["source"]["unfed"]) == ([], {"services": ["overdue"]})
    found = report(folder, *asked, "--services", str(services))
    assert found["source"]["unfed"] == {}
    keys = ("machine", "raised_at", "cleared_at")
    assert [tuple(one[key] for key in keys) for one in found["alarms"]] == [
        ("M", "2026-01-01T04:11:00+00:00", "2026-01-01T06:10:00+00:00"),
        ("M", "2026-01-01T09:11:00+00:00", None),
    ]
    assert (found["source"]["services"], found["source"]["services_left_out"]) == (2, ["X"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("machine,done_at,service\nM,2026-01-01,h99\n", "bench has no service 'h99'; it has h10"),
        ("machine,done_at,service\nM,soon,h10\n", "row 1: Invalid isoformat string: 'soon'"),
        ("machine,done_at,service\nM,,h10\n", "row 1: 'done_at' is missing"),
        ("machine,done_at\nM,2026-01-01\n", "row 1: 'service' is missing"),
    ],
)
def test_services_that_will_not_do_are_told(
    folder: Path, tmp_path: Path, content: str, says: str
) -> None:
    services = tmp_path / "services.csv"
    services.write_text(content)
    asked = ("--rules", str(counting(folder, tmp_path / "rules.yaml")))
    result = backtest(folder, *asked, "--csv", str(warm(tmp_path)), "--services", str(services))
    assert result.exit_code == 1
    assert says in result.stderr.replace("\n", " ") and "services.csv" in result.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("M,,body,\n", "row 1: 'repaired_at' is missing"),
        ("M,2026-01-01,head,\n", "bench has no component or signal 'head'; its components are b"),
        ("M,2026-01-01,,seal\n", "bench has no part 'seal'; it has none"),
        ("M,2026-01-01,,\n", "it names neither a component nor a part, or both"),
        ("M,2026-01-01,body/s01_pct,\nM,2026-01-01,body,seal\n", "row 2: it names neither"),
    ],
)
def test_repairs_that_will_not_do_are_told(
    folder: Path, tmp_path: Path, content: str, says: str
) -> None:
    repairs = tmp_path / "repairs.csv"
    repairs.write_text(f"machine,repaired_at,component,part\n{content}")
    result = backtest(folder, "--csv", str(warm(tmp_path)), "--repairs", str(repairs))
    assert result.exit_code == 1
    assert says in result.stderr.replace("\n", " ") and "repairs.csv" in result.stderr
