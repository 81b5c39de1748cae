"""One Sparkplug payload read: moments, quality, data types, and the ends of what is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.batch import StatusReport
from ingest.decode import Decoded, Product, decode
from ingest.message import Message, Route
from ingest.reasons import BAD_VALUE, REJECTED
from ingest.sparkplug import schema, topics
from ingest.sparkplug.certificates import signal_of
from tests import small
from tests.ingest import decoding, sparkplugs
from tests.ingest.decoding import NOW, marks, reasons, rows
from tests.ingest.sparkplugs import metric, payload


def read(kind: str, where: str, data: bytes) -> Decoded:
    return decoding.read(sparkplugs.message(kind, where, data, NOW))


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("hyd/oil_temp_c", "hyd_oil_temp_c"),
        ("Hyd/Oil Temp (C)", "hyd_oil_temp_c"),
        ("eng.speed_rpm", "eng_speed_rpm"),
        ("oil_temp_c", "oil_temp_c"),
    ],
)
def test_names_of_metrics_and_signals(name: str, signal: str) -> None:
    assert signal_of(name) == signal


@pytest.mark.parametrize("where", ["P-1", "gateway/P-1"])
def test_data_of_a_node_or_a_device_at_the_times_of_its_metrics(where: str) -> None:
    kind = "DDATA" if "/" in where else "NDATA"
    data = payload(
        metric("oil/temp_c", 61.5, ts=NOW - 5),
        metric("fuel_pct", 40, ts=NOW - 5),
        metric("eng/speed_rpm", 1500.0, ts=NOW - 90_000, is_historical=True),
        metric("stroke_count", 7),
        ts=NOW - 3,
        seq=9,
    )
    decoded = read(kind, where, data)
    assert sorted(rows(decoded), key=lambda row: row[1]) == [
        (1, 3, {"stroke_count": 7.0}),
        (1, 5, {"oil_temp_c": 61.5, "fuel_pct": 40.0}),
        (1, 90_000, {"eng_speed_rpm": 1500.0}),
    ]
    assert (marks(decoded), reasons(decoded), decoded.statuses) == ([], [], {})
    assert decoded.heard == {1: (1, NOW)}


def test_the_plan_says_which_signal_a_metric_is() -> None:
    signals = [small.signal(**given) for given in small.SIGNALS]
    signals[0] |= {"metrics": ["Hydraulics/T1", "T 1"]}
    product = Product.of(small.product_plan(signals=signals))
    data = payload(
        metric("Hydraulics/T1", 61.5, ts=NOW - 5),
        metric("T 1", 62.5, ts=NOW - 5),
        metric("hydraulics/t1", 1.0, ts=NOW - 5),
        metric("oil/temp_c", 63.5, ts=0),
    )
    message = sparkplugs.message("NDATA", "P-1", data, NOW)
    routes = {message.topic: Route("P-1", "data", 1, "pump")}
    decoded = decode([message], routes, {"pump": product})
    assert rows(decoded) == [(1, 5, {"oil_temp_c": 61.5}), (1, 5, {"oil_temp_c": 62.5})]
    assert marks(decoded) == [("hydraulics_t1", "unknown_signal", [1])]
    (rejection,) = decoded.rejections
    kept = Message(message.topic, rejection.payload, None, NOW)
    again = decode([kept], routes, {"pump": product})
    assert [each.reason for each in again.rejections] == ["clock_not_set"], "the same sample"


def test_a_metric_twice_in_one_moment_makes_two_samples() -> None:
    data = payload(metric("fuel_pct", 40, ts=NOW), metric("fuel/pct", 41, ts=NOW))
    found = rows(read("NDATA", "P-1", data))
    assert found == [(1, 0, {"fuel_pct": 40.0}), (1, 0, {"fuel_pct": 41.0})]


@pytest.mark.parametrize(
    ("given_metric", "usable", "reason"),
    [
        (metric("oil_temp_c", 61.5, quality=192), 61.5, None),
        (metric("oil_temp_c", 61.5, quality=0), None, "bad_quality"),
        (metric("oil_temp_c", 61.5, quality=500), None, "bad_quality"),
        (metric("oil_temp_c", "warm"), None, "wrong_type"),
        (metric("oil_temp_c", True), None, "wrong_type"),
        (metric("oil_temp_c", float("nan")), None, "wrong_type"),
        (metric("oil_temp_c", 999.0), None, "out_of_range"),
        (metric("oil_temp_c", None), None, None),
        (metric("filter_sw", True), 1.0, None),
        (metric("mystery", 1.0), None, "unknown_signal"),
        (metric("oil_temp_c", 0, int_value=2**8 - 40, long_value=None, kind=1), -40.0, None),
        (metric("oil_temp_c", 0, int_value=2**32 - 40, long_value=None, kind=1), -40.0, None),
        (metric("oil_temp_c", 0, int_value=2**16 - 40, long_value=None, kind=2), -40.0, None),
        (metric("oil_temp_c", 0, int_value=2**32 - 40, long_value=None, kind=3), -40.0, None),
        (metric("oil_temp_c", 2**64 - 40, kind=4), -40.0, None),
        (metric("oil_temp_c", 40, kind=8), 40.0, None),
    ],
)
def test_values_and_what_is_wrong_with_them(
    given_metric: dict[str, Any], usable: float | None, reason: str | None
) -> None:
    decoded = read("NDATA", "P-1", payload(given_metric, ts=NOW))
    expected = {} if usable is None else {given_metric["name"]: usable}
    assert rows(decoded) == [(1, 0, expected)]
    found = [] if reason is None else [(given_metric["name"], reason, [0])]
    assert marks(decoded) == found
    assert reason is None or reason in BAD_VALUE


def test_births_and_deaths_are_words_of_the_connection() -> None:
    birth = payload(metric("bdSeq", 3), metric("fuel_pct", 40), ts=NOW - 50, seq=0)
    will = payload(metric("bdSeq", 3), ts=NOW - 9_000_000)
    end = payload(ts=NOW - 20, seq=5)
    decoded = decoding.read(
        sparkplugs.message("NBIRTH", "P-1", birth, NOW),
        sparkplugs.message("NDEATH", "P-1", will, NOW),
        sparkplugs.message("DBIRTH", "gateway/P-2", birth, NOW),
        sparkplugs.message("DDEATH", "gateway/P-2", end, NOW),
    )
    assert decoded.statuses == {
        "pump": [
            StatusReport(1, NOW - 50, NOW, "online"),
            StatusReport(1, NOW, NOW, "offline"),
            StatusReport(2, NOW - 50, NOW, "online"),
            StatusReport(2, NOW - 20, NOW, "offline"),
        ]
    }
    assert [row[:2] for row in rows(decoded)] == [(1, 50), (2, 50)]


def test_a_gateway_that_measures_nothing_need_not_be_a_machine() -> None:
    control = metric("Node Control/Rebirth", False)
    birth = payload(metric("bdSeq", 3), control, ts=NOW, seq=0)
    assert reasons(read("NBIRTH", "gateway", birth)) == []
    assert reasons(read("NDEATH", "gateway", payload(metric("bdSeq", 3)))) == []
    measured = payload(metric("fuel_pct", 40), ts=NOW)
    assert reasons(read("NDATA", "gateway", measured)) == ["unknown_machine"]
    assert reasons(read("DDATA", "gateway/GHOST", measured)) == ["unknown_machine"]
    assert reasons(read("DDEATH", "gateway/GHOST", payload(ts=NOW))) == ["unknown_machine"]


@pytest.mark.parametrize(
    ("topic", "data", "reason"),
    [
        ("spBv1.0/G/NDATA/P-1", b"\xff\xff\xff", "not_sparkplug"),
        ("spBv1.0/G/NDATA/P-1", b"\x12\x04\x0a\x02\xff\xfe", "not_sparkplug"),
        ("spBv1.0/G/NDATA/P-1", payload(metric(alias=7, value=1.0)), "no_birth"),
        ("spBv1.0/G/NDATA/P-1", payload(metric(value=1.0)), "no_birth"),
        ("spBv1.0/G/NBIRTH/P-1", payload(ts=5), "clock_not_set"),
        ("spBv1.0/G/NDATA/P-1", payload(metric("fuel_pct", 1), ts=2**64 - 1), "clock_ahead"),
        ("spBv1.0/G/NDATA/gateway", b"\xff\xff\xff", "not_sparkplug"),
        ("spBv1.0/G/NDATA", b"", "wrong_topic"),
        ("spBv1.0/G/DDATA/P-1", b"", "wrong_topic"),
        ("spBv1.0/G/NDATA/P-1/P-1", b"", "wrong_topic"),
        ("spBv1.0/G/HELLO/P-1", b"", "wrong_topic"),
        ("spAv1.0/G/NDATA/P-1", b"", "wrong_topic"),
    ],
)
def test_what_is_no_certificate(topic: str, data: bytes, reason: str) -> None:
    decoded = decoding.read(decoding.message(data, topic))
    assert (reasons(decoded), rows(decoded), decoded.statuses) == ([reason], [], {})
    assert reason in REJECTED


def test_one_bad_moment_is_rejected_alone_and_can_be_read_again() -> None:
    data = payload(
        metric("fuel_pct", 40, ts=NOW),
        metric("oil_temp_c", 60.0, ts=5),
        metric("fuel_pct", 41, ts=5),
        ts=NOW,
        seq=3,
    )
    decoded = read("DDATA", "gateway/P-1", data)
    assert rows(decoded) == [(1, 0, {"fuel_pct": 40.0})]
    (rejection,) = decoded.rejections
    assert (rejection.reason, rejection.samples) == ("clock_not_set", 1)
    kept = schema.parse(rejection.payload)
    assert [each.name for each in kept.metrics] == ["oil_temp_c", "fuel_pct"]
    again = read("DDATA", "gateway/P-1", rejection.payload)
    assert [(each.reason, each.samples) for each in again.rejections] == [("clock_not_set", 1)]


def test_topics() -> None:
    place = topics.parse("spBv1.0/G/DDATA/node/P-1")
    assert place == topics.Place("G", "DDATA", "node", "P-1")
    assert place.serial == "P-1"
    assert topics.parse("spBv1.0/STATE/ironpulse") is None


names = st.sampled_from([b"fuel_pct", b"\xff", b"", b"a/b", b"\x00", b"Node Control/Rebirth"])
FIELDS = {
    "nothing": b"",
    "alias": b"\x10\x07",
    "null": b"\x38\x01",
    "timestamp": b"\x18\x05",
    "int8, long": b"\x20\x01\x50\xd8\xff\xff\xff\x0f",
    "double": b"\x69" + bytes(8),
    "string": b"\x7a\x01x",
    "boolean": b"\x70\x01",
    "data set": b"\x8a\x01\x00",
    "property without value": b"\x4a\x02\x0a\x00",
    "quality": b"\x4a\x10\x0a\x07Quality\x12\x05\x08\x03\x18\xc0\x01",
}
fields = st.sampled_from(sorted(FIELDS.values()))
pieces = st.tuples(names, st.lists(fields, max_size=3)).map(
    lambda made: b"\x0a" + bytes([len(made[0])]) + made[0] + b"".join(made[1])
)
payloads = st.lists(pieces, max_size=4).map(
    lambda metrics: b"".join(b"\x12" + bytes([len(each)]) + each for each in metrics)
)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(st.binary(max_size=80), payloads),
    st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"]),
    st.sampled_from(["P-1", "gateway"]),
)
def test_decoding_never_raises(data: bytes, kind: str, node: str) -> None:
    decoded = read(kind, f"{node}/P-1" if kind.startswith("D") else node, data)
    assert len(decoded.rejections) <= 1 or rows(decoded)
