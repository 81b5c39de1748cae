"""Machines from the command line: the registry, the broker, and what had come too early."""

from __future__ import annotations

import csv
import json
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from fleet.clock import now_ms
from ingest.payload import encode_sample
from ingest.replay import replay
from ingest.topics import telemetry_topic
from ironpulse.cli import app
from ironpulse.machines.keeping import PasswordFile
from ironpulse.settings import with_user
from ironpulse.stack.certificates import Authority
from store import rejected
from store.connection import connect
from store.machines import register
from tests import small
from tests.conftest import BrokerAccess
from tests.ingest.running import Device, ledger

HEADER = "serial,product,model,customer,station,tier,site,site_zh,lat,lon,commissioned"
ROOT = Path(__file__).parents[2]


@dataclass
class Desk:
    """Somebody at a terminal, with the servers and a folder of files."""

    folder: Path
    database: str
    broker: BrokerAccess
    admin_url: str
    authority: str

    def run(self, *arguments: str, fails: bool = False, **settings: str) -> str:
        """What the command says, on standard output, or on standard error where it fails."""
        done = self.process(*arguments, **settings)
        assert (done.exit_code != 0) is fails, done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done.stderr if fails else done.stdout

    def process(self, *arguments: str, **settings: str) -> Result:
        servers = {
            "database_url": self.database, "mqtt_url": self.admin_url,
            "mqtt_admin_url": self.admin_url, "authority": self.authority, **settings,
        }  # fmt: skip
        named = {f"IRONPULSE_{name.upper()}": value for name, value in servers.items()}
        return CliRunner().invoke(app, ["machines", *arguments], env=named)

    def write(self, name: str, *lines: str) -> str:
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    def machines(self, *serials: str) -> str:
        lines = (f"{s},pump,P20,builder,station,gold,Dock,码头,28,112,2025-05-01" for s in serials)
        return self.write("machines.csv", HEADER, *lines)

    def passwords(self, name: str = "machines.passwords.csv") -> dict[str, str]:
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return {row["serial"]: row["password"] for row in csv.DictReader(file)}

    def signs_in(self, serial: str, password: str) -> bool:
        with Device(self.broker, serial, password) as device:
            return device.let_in


@pytest.fixture
def desk(small_store: str, broker: BrokerAccess, tmp_path: Path) -> Desk:
    admin = with_user(broker.url, broker.admin_user, broker.admin_password)
    Authority(tmp_path / "tls")
    return Desk(tmp_path, small_store, broker, admin, str(tmp_path / "tls"))


def early(desk: Desk, serial: str, *payloads: bytes) -> None:
    """Messages of a machine that is not registered yet."""
    with connect(desk.database) as connection:
        for payload in payloads:
            each = rejected.Rejection(
                now_ms(),
                None,
                telemetry_topic(serial),
                None,
                payload,
                1,
                "unknown_machine",
                small.TEXT,
            )
            rejected.add(connection, [each])


def test_a_file_of_machines_is_registered_and_each_signs_in(desk: Desk) -> None:
    early(desk, "N-1", encode_sample(now_ms(), {"fuel_pct": 1}), b"broken")
    file = desk.machines("P-1", "N-1", "N-2")
    checked = desk.run("import", file, "--dry-run")
    assert "2 machines would be registered, 1 brought up to date; 3 would be let in" in checked
    assert "N-1" not in desk.run("list", "--json")
    said = desk.run("import", file)
    assert "2 machines were registered, 1 brought up to date; 3 were let in" in said
    assert "1 messages had come before and were put back: 1 samples stored" in said
    assert "1 messages that had come before still cannot be used: not_json" in said
    assert ledger(desk.database)["N-1"] == {
        "messages": 2, "received": 2, "stored": 1, "rejected": 1
    }  # fmt: skip
    kept = desk.passwords()
    assert stat.S_IMODE((desk.folder / "machines.passwords.csv").stat().st_mode) == 0o600
    assert desk.signs_in("N-1", kept["N-1"]) and not desk.signs_in("N-2", kept["N-1"])
    again = json.loads(desk.run("import", file, "--json"))
    assert (again["new"], again["updated"], again["given"]) == (0, 3, [])
    assert desk.passwords() == kept


def test_everything_that_is_wrong_is_said_at_once_and_nothing_is_written(desk: Desk) -> None:
    good = "pump,P20,builder,station,gold,Dock,码头,28,112,2025-05-01"
    file = desk.write(
        "machines.csv",
        HEADER,
        f"A-1,{good}",
        f"a/b,{good}",
        f"A-1,{good}",
        f"ironpulse-ingest,{good}",
        "A-2,crane,P20,builder,station,gold,Dock,码头,28,112,2025-05-01",
        "A-3,pump,P99,nobody,nowhere,iron,Dock,码头,28,112,2025-05-01",
        "A-4,pump,P20,builder,station,gold,Dock,Dock,91,east,2025-13-01",
        f"A-5,{good},more",
        "A-6,pump",
    )
    stations = desk.write("stations.csv", "id,region,name,lat", "s,north,S,1")
    found = json.loads(
        desk.process("import", file, "--stations", stations, "--json").stdout
    )["faults"]  # fmt: skip
    places = [(Path(f["file"]).name, f["line"], f["column"]) for f in found]
    assert places == [
        *(("machines.csv", *place) for place in [
            (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (7, 1), (7, 4), (7, 5), (8, 8), (8, 9),
            (8, 10), (8, 11), (9, 12), *((10, column) for column in (3, 4, 5, 7, 8, 9, 10, 11)),
        ]),
        ("stations.csv", 1, 1),
    ]  # fmt: skip
    said = desk.run("import", file, "--stations", stations, fails=True)
    assert "Nothing was written: 22 faults" in said
    for words in (
        "A-1 stands on line 2 already",
        "there is no product crane; there are pump",
        "pump has no model P99; it has P20",
        "nobody knows the customer nobody",
        "holds no Chinese character",
        "the line has 12 fields, the header 11",
        "there is no column name_zh; there is no column lon",
    ):
        assert words in said
    assert "A-1" not in desk.run("list", "--json")
    assert set(desk.broker.credentials.known()) == {"admin", "ingest"}


def test_places_come_in_files_of_their_own(desk: Desk) -> None:
    regions = desk.write("regions.csv", "id;name;name_zh", "north;North;华北")
    customers = desk.write("customers.csv", "\ufeffid\tname\tname_zh", "smith\tSmith\t史密斯")
    stations = desk.write(
        "stations.csv", "id,region,name,name_zh,lat,lon", 'n1,north,"Station, north",北站,40,116'
    )
    file = desk.write(
        "machines.csv", HEADER, "A-1,pump,P20,smith,n1,gold,Dock,码头,28,112,2025-05-01"
    )
    desk.run(
        "import", file, f"--regions={regions}", f"--customers={customers}", f"--stations={stations}"
    )
    (machine,) = (m for m in json.loads(desk.run("list", "--json")) if m["serial"] == "A-1")
    assert (machine["customer"], machine["station"], machine["region"]) == ("smith", "n1", "north")


def test_an_import_that_was_cut_off_is_completed_by_the_next(desk: Desk) -> None:
    serials = [f"B-{n}" for n in range(5)]
    file = desk.machines(*serials)
    said = desk.run("import", file, fails=True, mqtt_admin_url="mqtt://admin:x@127.0.0.1:1")
    assert "The registry is written, but not every machine can sign in yet." in said
    assert "run the same command again" in said
    # Killed after the passwords were kept, with the broker told of two only.
    kept = PasswordFile(desk.folder / "machines.passwords.csv").give(serials[:3])
    desk.broker.credentials.add(list(kept.items())[:2])
    done = json.loads(desk.run("import", file, "--json"))
    assert (done["new"], done["updated"], done["given"]) == (0, 5, serials[2:])
    passwords = desk.passwords()
    assert passwords.items() >= kept.items() and set(passwords) == set(serials)
    assert all(desk.signs_in(serial, passwords[serial]) for serial in serials)


def test_a_machine_is_added_rotated_revoked_and_shown(desk: Desk) -> None:
    given = ["--product=pump", "--model=P20", "--customer=builder", "--station=station",
             "--site=Dock", "--site-zh=码头", "--lat=28", "--lon=112",
             "--commissioned=2025-05-01", "--tier=gold"]  # fmt: skip
    early(desk, "N-1", encode_sample(now_ms(), {"fuel_pct": 1}))
    assert "1 of its messages wait until it is" in desk.run("show", "N-1", fails=True)
    said = desk.run("add", "N-1", *given)
    assert "1 messages had come before and were put back" in said
    first = said.split()[-1]
    assert desk.signs_in("N-1", first)
    assert "It keeps its password" in desk.run("add", "N-1", *given)
    second = desk.run("rotate", "N-1").split()[-1]
    assert desk.signs_in("N-1", second) and not desk.signs_in("N-1", first)
    desk.run("revoke", "N-1")
    assert not desk.signs_in("N-1", second)
    assert "It is revoked and stays so" in desk.run("add", "N-1", *given)
    shown = json.loads(desk.run("show", "N-1", "--json"))
    assert (shown["access"], shown["waiting"], shown["ledger"]["stored"]) == ("revoked", 0, 1)
    desk.run("rotate", "N-1", "--passwords", str(desk.folder / "new.csv"))
    assert desk.signs_in("N-1", desk.passwords("new.csv")["N-1"])
    assert re.search(r"access +signs in", desk.run("show", "N-1"))
    away = desk.run("show", "N-1", mqtt_admin_url="mqtt://admin:x@127.0.0.1:1")
    assert re.search(r"access +-", away) and "nothing answers" in away


def test_a_revoked_machine_that_never_had_a_password_is_not_let_in_by_an_import(
    desk: Desk,
) -> None:
    desk.run("revoke", "P-1")
    assert json.loads(desk.run("import", desk.machines("P-1"), "--json"))["revoked"] == ["P-1"]


def test_a_machine_leaves_the_fleet_and_comes_back(desk: Desk) -> None:
    word = desk.run("rotate", "P-1").split()[-1]
    assert "Retired: P-1." in desk.run("retire", "P-1")
    assert "Retired before: P-1." in desk.run("retire", "P-1")
    assert not desk.signs_in("P-1", word)
    shown = json.loads(desk.run("show", "P-1", "--json"))
    assert shown["access"] == "revoked" and shown["retired_at"] is not None
    assert len(json.loads(desk.run("list", "--json"))) > 1
    (listed,) = json.loads(desk.run("list", "--retired", "--json"))
    assert (listed["serial"], listed["retired"]) == ("P-1", shown["retired_at"][:10])
    for command in (["rotate"], ["certificate", "--out", str(desk.folder / "c")]):
        assert "these are retired: P-1." in desk.run(*command, "P-1", fails=True)
    assert json.loads(desk.run("import", desk.machines("P-1"), "--json"))["revoked"] == ["P-1"]
    early(desk, "P-1", encode_sample(now_ms(), {"fuel_pct": 1}))
    with connect(desk.database) as connection:
        (told,) = replay(connection, rejected.waiting(connection))
        assert (told.outcome, told.reason) == ("rejected", "retired_machine")
        assert told.detail is not None and "设备 P-1 已于" in told.detail.zh
        assert "In the fleet again: P-1." in desk.run("reinstate", "P-1")
        assert "Not retired: P-1." in desk.run("reinstate", "P-1")
        (told,) = replay(connection, rejected.waiting(connection))
        assert (told.outcome, told.stored) == ("replayed", 1)
    assert ledger(desk.database)["P-1"] == {"messages": 1, "received": 1, "stored": 1}
    word = desk.run("rotate", "P-1").split()[-1]
    assert desk.signs_in("P-1", word)


def test_a_machine_is_retired_before_the_broker_hears_of_it(desk: Desk) -> None:
    away = "mqtt://admin:x@127.0.0.1:1"
    said = desk.run("retire", "P-1", fails=True, mqtt_admin_url=away)
    assert "are retired, but the broker still lets them in" in said
    assert json.loads(desk.run("retire", "P-1", "--json"))["retired"] == []
    assert desk.broker.credentials.known()["P-1"] is False


def test_no_machine_gets_what_the_broker_knows_its_own_accounts_by(desk: Desk) -> None:
    with connect(desk.database) as connection:
        register(connection, small.registration(small.new_machine("admin")))
    for command in (["rotate"], ["revoke"], ["certificate", "--out", str(desk.folder / "c")]):
        assert "not registered: admin" in desk.run(*command, "admin", fails=True)
    assert desk.broker.credentials.known()["admin"] and not (desk.folder / "c").exists()


def test_certificates_instead_of_passwords(desk: Desk) -> None:
    file, folder = desk.machines("C-1", "C-2"), desk.folder / "certificates"
    desk.run("import", file, "--certificates", str(folder))
    assert {path.name for path in folder.iterdir()} == {"C-1.crt", "C-1.key", "C-2.crt", "C-2.key"}
    assert desk.broker.credentials.known().items() >= {"C-1": True, "C-2": True}.items()
    made = json.loads(desk.run("certificate", "P-1", "--out", str(folder), "--json"))
    assert [Path(path).name for path in made["P-1"]] == ["P-1.crt", "P-1.key"]
    said = desk.run("certificate", "P-1", "--out", str(folder), fails=True, authority="/nowhere")
    assert "There is no certificate authority in /nowhere" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rotate", "P-1", "X-1", "X-2"], "not registered: X-1, X-2."),
        (["revoke", "X-1"], "not registered: X-1."),
        (["retire", "P-1", "X-1"], "not registered: X-1."),
        (["show", "X-1"], "X-1 is not registered."),
        (["import", "/nowhere.csv"], "/nowhere.csv: the file cannot be read: No such file"),
        (["import", "/dev/null"], "there is no column serial"),
        (["import"], "Name at least one file"),
    ],
)
def test_what_fails_says_so(desk: Desk, arguments: list[str], said: str) -> None:
    assert said in " ".join(desk.run(*arguments, fails=True).split())


def test_a_file_that_holds_no_passwords_is_not_written_over(desk: Desk) -> None:
    other = desk.write("other.csv", "something", "else")
    said = desk.run("import", desk.machines("D-1"), "--passwords", other, fails=True)
    assert "is no file of passwords" in said
    assert Path(other).read_text() == "something\nelse\n"


def test_the_files_of_the_documentation_are_accepted(
    tmp_path: Path, migrated: str, broker: BrokerAccess
) -> None:
    admin = with_user(broker.url, broker.admin_user, broker.admin_password)
    desk = Desk(tmp_path, migrated, broker, admin, "")
    page = (ROOT / "docs" / "operation.md").read_text(encoding="utf-8")
    tables = re.findall(r"^`(\w+\.csv)`:\n+```csv\n(.*?)^```", page, re.M | re.S)
    files = {name: desk.write(name, *text.splitlines()) for name, text in tables}
    options = (f"--{name}={files[f'{name}.csv']}" for name in ("regions", "customers", "stations"))
    done = json.loads(desk.run("import", files["machines.csv"], *options, "--json"))
    assert (done["new"], done["given"]) == (2, ["CPB-4711", "TCR-0815"])
