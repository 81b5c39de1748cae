"""The broker over TLS: with password, with certificate, and what is said where it fails."""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

import paho.mqtt.client as mqtt
import pytest
from cryptography import x509
from paho.mqtt.enums import CallbackAPIVersion

from fleet import clock
from fleet.broker import BrokerAddress, BrokerUrlError
from ironpulse.stack import Credentials, StackError
from ironpulse.stack.broker import Broker, Tls
from ironpulse.stack.certificates import Authority
from ironpulse.stack.processes import free_port
from ironpulse.stack.programs import Programs
from ironpulse.stack.security import ADMIN
from tests.conftest import open_folder


@dataclass(frozen=True)
class Secured:
    """A broker that speaks TLS only, and the programs of its devices."""

    url: str
    certificate_url: str
    authority: Authority
    folder: Path
    programs: Programs

    def publish(self, serial: str, *sign_in: str, url: str = "", ca: Path | None = None) -> str:
        """What mosquitto_pub says; nothing where it was taken."""
        address = BrokerAddress.of(url or self.url)
        command = [
            str(self.programs.mosquitto_pub), "-V", "5", "-h", address.host, "-p",
            str(address.port), "-q", "1", "-t", f"ironpulse/v1/{serial}/telemetry", "-m", "x",
            "--cafile", str(ca or self.authority.certificate), *sign_in,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        return done.stderr

    def of(self, serial: str) -> BrokerAddress:
        """Where this machine signs in with a new certificate."""
        certificate, key = self.authority.machine(serial, self.folder)
        return BrokerAddress.of(f"{self.certificate_url}&certificate={certificate}&key={key}")

    def shown(self, serial: str) -> list[str]:
        """How the program shows a new certificate of this serial."""
        address = self.of(serial)
        return ["--cert", address.certificate, "--key", address.key]


class Client:
    """A connection to the broker: what it says to what is asked of it, as words."""

    def __init__(self, address: BrokerAddress, will: str = "") -> None:
        self.heard: queue.Queue[bytes] = queue.Queue()
        self.cut = threading.Event()
        self._answers: queue.Queue[str] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        if address.user:
            self._client.username_pw_set(address.user, address.password)
        self._client.tls_set_context(address.tls())
        if will:
            self._client.will_set(will, b"gone", qos=1)
        self._client.on_connect = lambda *given: self._answers.put(str(given[3]))
        self._client.on_publish = lambda *given: self._answers.put(str(given[3]))
        self._client.on_subscribe = lambda *given: self._answers.put(str(given[3][0]))
        self._client.on_message = lambda *given: self.heard.put(given[2].payload)
        self._client.on_disconnect = lambda *_: self.cut.set()
        self._client.connect(address.host, address.port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._answers.get(timeout=10) == "Success"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> str:
        self._client.publish(topic, payload, qos=1)
        return self._answers.get(timeout=10)

    def subscribe(self, topic: str) -> str:
        self._client.subscribe(topic, qos=1)
        return self._answers.get(timeout=10)

    def vanish(self) -> None:
        """Leave without a word, so that the broker publishes the will."""
        self._client.loop_stop()
        sock = self._client.socket()
        assert sock is not None
        sock.close()


@pytest.fixture(scope="module")
def secured(programs: Programs) -> Iterator[Secured]:
    folder = open_folder()
    authority = Authority(folder / "tls")
    tls = Tls(authority, free_port())
    server = Broker(programs, folder / "broker", free_port(), "admin-word", "ingest-word", tls)
    server.start()
    try:
        assert server.certificate_url is not None
        yield Secured(server.url, server.certificate_url, authority, folder, programs)
    finally:
        server.stop()


@pytest.fixture
def credentials(secured: Secured) -> Iterator[Credentials]:
    with Credentials(secured.url, ADMIN, "admin-word") as found:
        yield found


def test_a_machine_signs_in_with_its_password_and_writes_its_own_topics_only(
    secured: Secured, credentials: Credentials
) -> None:
    credentials.add([("M1", "word")])
    sign_in = ("-u", "M1", "-i", "M1", "-P")
    assert secured.publish("M1", *sign_in, "word") == ""
    assert "Not authorized" in secured.publish("M1", *sign_in, "wrong")
    assert "Not authorized" in secured.publish("M2", *sign_in, "word")


def test_a_machine_signs_in_with_its_certificate_and_writes_its_own_topics_only(
    secured: Secured, credentials: Credentials
) -> None:
    credentials.add([("C1", None), ("C2", "word")])
    own, url = secured.shown("C1"), secured.certificate_url
    assert secured.publish("C1", *own, url=url) == ""
    # What it calls itself besides changes nothing: neither user name nor client id.
    posing = (*own, "-u", "C2", "-P", "word", "-i", "ironpulse-ingest")
    assert secured.publish("C1", *posing, url=url) == ""
    assert "Not authorized" in secured.publish("C2", *posing, url=url)
    assert "Not authorized" in secured.publish("C9", *secured.shown("C9"), url=url)
    assert "Not authorized" in secured.publish("C1", "-u", "C1", "-i", "C1"), "it has no password"
    credentials.revoke(["C1"])
    assert "Not authorized" in secured.publish("C1", *own, url=url)
    credentials.add([("C1", None)])
    assert secured.publish("C1", *own, url=url) == ""


def test_a_revoked_certificate_is_cut_off_and_can_do_nothing_any_more(
    secured: Secured, credentials: Credentials
) -> None:
    """There is no revocation list: its account at the broker is what counts."""
    credentials.add([("C5", None)])
    address = BrokerAddress.of(secured.url).signing_in(ADMIN, "admin-word")
    with Client(address) as listener:
        assert listener.subscribe("ironpulse/v1/C5/#") == "Granted QoS 1"
        with Client(secured.of("C5"), "ironpulse/v1/C5/status") as device:
            assert device.publish("ironpulse/v1/C5/telemetry", b"before") == "Success"
            assert listener.heard.get(timeout=10) == b"before"
            credentials.revoke(["C5"])
            assert device.cut.wait(10), "its connection still stands"
        with Client(secured.of("C5"), "ironpulse/v1/C5/status") as device:
            assert device.publish("ironpulse/v1/C5/telemetry", b"after") == "Not authorized"
            assert device.subscribe("spBv1.0/Plant/NCMD/C5") == "Not authorized"
            device.vanish()
        assert listener.publish("ironpulse/v1/C5/telemetry", b"the next") == "Success"
        assert listener.heard.get(timeout=10) == b"the next", "a will was published"


def test_what_a_certificate_may_read(secured: Secured, credentials: Credentials) -> None:
    credentials.add([("C3", None)])
    address = BrokerAddress.of(secured.certificate_url)
    listen = str(secured.programs.mosquitto_pub).removesuffix("_pub") + "_sub"
    for topic, answer in (
        ("ironpulse/v1/C2/#", "All subscription requests were denied"),
        ("#", "All subscription requests were denied"),
        ("spBv1.0/Plant/NCMD/C2", "All subscription requests were denied"),
        ("spBv1.0/Plant/NCMD/C3", ""),
    ):
        command = [
            listen, "-V", "5", "-h", address.host, "-p", str(address.port), "-q", "1", "-E",
            "-t", topic, "--cafile", address.ca, *secured.shown("C3"),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert answer in done.stderr and bool(done.stderr) == bool(answer)


def test_an_authority_of_others_is_refused_on_both_sides(
    secured: Secured, credentials: Credentials
) -> None:
    credentials.add([("C4", "word")])
    other = Authority(secured.folder / "other")
    forged, key = other.machine("C4", secured.folder / "other")
    shown = ("--cert", str(forged), "--key", str(key))
    assert secured.publish("C4", *shown, url=secured.certificate_url) != ""
    assert secured.publish("C4", "-u", "C4", "-i", "C4", "-P", "word", ca=other.certificate) != ""
    address = BrokerAddress.of(f"{secured.certificate_url}&certificate={forged}&key={key}")
    assert "does not trust the authority" in str(address.trouble())


def test_why_no_connection_comes_about_is_said(secured: Secured) -> None:
    plain, own = secured.url.split("?")[0], BrokerAddress.of(secured.url)
    assert own.trouble() is None
    for url, said in (
        (plain, "signed by no authority known to this system"),
        (plain.replace("mqtts", "mqtt"), "speaks TLS at this port: write mqtts://"),
        (secured.certificate_url, "asks for a client certificate"),
        (f"mqtts://127.0.0.1:1?ca={own.ca}", "nothing answers"),
        (f"{plain}?ca={Authority(secured.folder / 'stranger').certificate}", "no authority in"),
    ):
        with pytest.raises(StackError, match=said):
            Credentials(url, ADMIN, "admin-word")


@pytest.mark.parametrize(
    ("names", "days_ago", "said"),
    [
        (["127.0.0.1"], 500, "has expired"),
        (["127.0.0.1"], -5, "is not valid yet"),
        (["elsewhere.example"], 0, "for other names than 127.0.0.1"),
    ],
)
def test_expired_and_foreign_names_are_said(
    programs: Programs,
    server_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    days_ago: int,
    said: str,
) -> None:
    authority = Authority(server_folder / "tls")
    made = clock.now_ms() - days_ago * clock.MS_PER_DAY
    with monkeypatch.context() as then:
        then.setattr(clock, "now_ms", lambda: made)
        files = authority.server(names)
    monkeypatch.setattr(Authority, "server", lambda _self, _names: files)
    tls = Tls(authority, free_port())
    server = Broker(programs, server_folder / "broker", free_port(), "a", "i", tls)
    server.start()
    try:
        assert said in str(BrokerAddress.of(server.url).trouble())
    finally:
        server.stop()


def test_a_plain_port_is_told_from_a_tls_port(programs: Programs, server_folder: Path) -> None:
    server = Broker(programs, server_folder / "broker", free_port(), "a", "i")
    server.start()
    try:
        assert BrokerAddress.of(server.url).trouble() is None
        wrong = server.url.replace("mqtt:", "mqtts:")
        assert "does not speak TLS" in str(BrokerAddress.of(wrong).trouble())
    finally:
        server.stop()


def test_a_server_certificate_is_kept_while_it_serves(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.server(["localhost", "127.0.0.1"])
    assert key.stat().st_mode & 0o077 == 0 and (tmp_path / "ca.key").stat().st_mode & 0o077 == 0
    before = certificate.read_bytes()
    Authority(tmp_path).server(["127.0.0.1", "localhost"])
    assert certificate.read_bytes() == before
    authority.server(["broker.example"])
    assert certificate.read_bytes() != before
    (tmp_path / "ca.key").write_text("nonsense")
    with pytest.raises(StackError, match="cannot be used"):
        Authority(tmp_path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://user:secret@host", "no broker's address"),
        ("mqtt://user:secret@host:nine", "cannot be read"),
        ("mqtt://user:secret@host?ca=x", "mqtts:// only"),
        ("mqtts://user:secret@host?cert=x", "certificate and key"),
        ("mqtts://user:secret@host?certificate=x", "the last two together"),
    ],
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(BrokerUrlError, match=said) as refused:
        BrokerAddress.of(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("file", ["/nowhere", __file__])
def test_a_file_that_is_no_certificate_is_named(file: str) -> None:
    with pytest.raises(BrokerUrlError, match=f"ca of the broker's URL, {file}, cannot be used"):
        BrokerAddress.of(f"mqtts://host?ca={file}").tls()


def test_urls_are_read_and_written() -> None:
    url = "mqtts://in%40x:p%2Fw@broker:8884?ca=/etc/ca.crt&certificate=/c&key=/k"
    found = BrokerAddress.of(url)
    assert (found.user, found.password, found.where) == ("in@x", "p/w", "broker:8884")
    assert found.url == url and "p/w" not in repr(found)
    assert found.for_others().url == "mqtts://broker:8884?ca=/etc/ca.crt"
    assert BrokerAddress.of("mqtts://broker").port == 8883
    assert BrokerAddress.of("mqtt://[::1]").url == "mqtt://[::1]:1883"


def test_a_machine_certificate_lasts_as_long_as_asked(tmp_path: Path) -> None:
    file, _key = Authority(tmp_path).machine("M1", tmp_path / "m", days=10)
    found = x509.load_pem_x509_certificate(file.read_bytes())
    left = found.not_valid_after_utc - clock.to_datetime(clock.now_ms())
    assert timedelta(days=9) < left <= timedelta(days=10)
    assert found.subject.rfc4514_string() == "CN=M1"
