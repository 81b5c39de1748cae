"""CBOR, zstd and gzip beside JSON: the same shapes, the same ends, and no bomb goes off."""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.batch import FaultCode
from ingest import payload
from ingest.formats import MOST_BYTES
from ingest.payload import CBOR, CBOR_ZSTD, CONTENT_TYPES, JSON, JSON_ZSTD
from ingest.reasons import REJECTED
from ingest.topics import faults_topic, status_topic, telemetry_topic
from ingest.zstd import zstd
from tests import small
from tests.ingest.decoding import NOW, marks, message, read, reasons, rows

VALUES = {"fuel_pct": 40, "oil_temp_c": 61.5}
NOTHING = cbor2.undefined
GOOD = cbor2.dumps({"ts": NOW, "values": {"fuel_pct": 40}})


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_every_shape_and_kind_in_every_format(content_type: str, named: bool) -> None:
    shapes = [
        payload.encode_sample(NOW, VALUES, content_type),
        payload.encode_samples([(NOW, VALUES)], content_type),
        payload.encode_columns([NOW], {key: [n] for key, n in VALUES.items()}, content_type),
    ]
    told = content_type if named else None
    for data in shapes:
        decoded = read(message(data, content_type=told))
        assert rows(decoded) == [(1, 0, {"fuel_pct": 40.0, "oil_temp_c": 61.5})]
        assert (marks(decoded), reasons(decoded)) == ([], [])
    codes = (FaultCode(spn=110, fmi=0, oc=3, sa=0, lamp="stop"), FaultCode(code="E1042"))
    decoded = read(
        message(payload.encode_faults(NOW, codes, content_type), faults_topic("P-1"), told),
        message(payload.encode_status("online", NOW, content_type), status_topic("P-1"), told),
    )
    assert [report.active for report in decoded.faults["pump"]] == [codes]
    assert [report.state for report in decoded.statuses["pump"]] == ["online"]


def test_other_names_of_the_same_formats() -> None:
    self_described = b"\xd9\xd9\xf7" + GOOD
    assert len(rows(read(message(self_described)))) == 1
    packed = zstd.compress(GOOD)
    for name in ("application/zstd", "application/cbor; encoding=zstd", "application/octet-stream"):
        assert len(rows(read(message(packed, content_type=name)))) == 1


def test_senders_refuse_a_format_that_is_none() -> None:
    with pytest.raises(ValueError, match="application/xml is none of"):
        payload.encode_sample(NOW, VALUES, "application/xml")


def test_the_content_type_decides() -> None:
    assert reasons(read(message(GOOD, content_type=JSON))) == ["not_json"]
    text = payload.encode_sample(NOW, VALUES)
    assert reasons(read(message(text, content_type=CBOR))) == ["not_cbor"]
    assert reasons(read(message(text, content_type=JSON_ZSTD))) == ["bad_zstd"]


def window(log: int) -> bytes:
    """A frame that asks its reader for a window of 2**log bytes."""
    parameter = zstd.CompressionParameter
    options: Mapping[int, int] = {parameter.window_log: log, parameter.content_size_flag: 0}
    packing = zstd.ZstdCompressor(options=options)
    return packing.compress(bytes(2**20)) + packing.flush()


BAD: dict[str, tuple[bytes, str | None, str]] = {
    "cut short": (GOOD[:-1], None, "not_cbor"),
    "followed by more": (GOOD + b"\x01", None, "not_cbor"),
    "followed by half of something": (GOOD + b"\xa1", None, "not_cbor"),
    "nothing": (b"", CBOR, "not_cbor"),
    "a million lists": (b"\x81" * 1_000_000, None, "not_cbor"),
    "a list of 2**40": (b"\x9b\x00\x00\x01\x00\x00\x00\x00\x00", None, "not_cbor"),
    "a text of 2**40": (b"\x7b\x00\x00\x01\x00\x00\x00\x00\x00", CBOR, "not_cbor"),
    "half a character": (b"\xa1\x61\xff\x01", None, "not_cbor"),
    "a list within itself": (b"\xd8\x1c\x81\xd8\x1d\x00", CBOR, "not_cbor"),
    "a tagged time": (b"\xa1\x62ts\xc1\x1a\x00\x00\x00\x01", None, "not_cbor"),
    "a tag nobody knows": (b"\x81\xd9\x30\x39\x01", None, "not_cbor"),
    "keys that are lists": (b"\xa1\x81\x01\x02", None, "not_cbor"),
    "a key twice": (b"\xa2\x62ts\x01\x62ts\x02", None, "duplicate_key"),
    "a number": (b"\x07", CBOR, "not_telemetry"),
    "keys that are bytes": (cbor2.dumps({"ts": NOW, "values": {b"a": 1}}), None, "not_telemetry"),
    "time not a number": (cbor2.dumps({"ts": float("nan"), "values": {}}), None, "not_telemetry"),
    "values undefined": (
        cbor2.dumps({"ts": NOW, "values": cbor2.undefined}),
        None,
        "not_telemetry",
    ),
    "unequal columns": (cbor2.dumps({"ts": [NOW], "values": {"a": []}}), None, "not_telemetry"),
    "an empty list": (b"\x80", None, "not_telemetry"),
    "zstd damaged": (b"\x28\xb5\x2f\xfd" + b"x" * 50, None, "bad_zstd"),
    "zstd cut short": (zstd.compress(GOOD)[:-3], None, "bad_zstd"),
    "zstd and more": (zstd.compress(GOOD) + b"x", None, "bad_zstd"),
    "a zstd bomb": (zstd.compress(bytes(200 * 2**20)), None, "too_large"),
    "a window of a gigabyte": (window(30), None, "bad_zstd"),
    "a gzip bomb in CBOR": (gzip.compress(b"\x81" * 2**24), None, "too_large"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_message_is_rejected_with_its_reason_and_the_others_are_read(name: str) -> None:
    data, content_type, reason = BAD[name]
    decoded = read(
        message(GOOD),
        message(data, content_type=content_type),
        message(GOOD, telemetry_topic("P-2")),
    )
    assert [row[0] for row in rows(decoded)] == [1, 2]
    (rejection,) = decoded.rejections
    assert (rejection.reason, rejection.payload) == (reason, data)
    assert reason in REJECTED and 0 < len(rejection.detail.en) < 500


@pytest.mark.parametrize(
    ("value", "usable", "reason"),
    [
        (float("nan"), {}, "wrong_type"),
        (float("inf"), {}, "out_of_range"),
        (b"61.5", {}, "wrong_type"),
        (cbor2.undefined, {}, "wrong_type"),
        ("61.5", {}, "wrong_type"),
        (2**63, {}, "out_of_range"),
    ],
)
@pytest.mark.parametrize("columns", [False, True])
def test_values_that_only_cbor_has(
    value: Any, usable: dict[str, float], reason: str, columns: bool
) -> None:
    one = {"ts": [NOW], "values": {"oil_temp_c": [value]}}
    many = {"ts": NOW, "values": {"oil_temp_c": value}}
    decoded = read(message(cbor2.dumps(one if columns else many)))
    assert rows(decoded) == [(1, 0, usable)]
    assert marks(decoded) == [("oil_temp_c", reason, [0])]


def test_a_flag_may_be_true() -> None:
    decoded = read(message(cbor2.dumps({"ts": NOW, "values": {"filter_sw": True}})))
    assert (rows(decoded), marks(decoded)) == ([(1, 0, {"filter_sw": 1.0})], [])


def test_one_bad_sample_is_rejected_alone_and_can_be_read_again() -> None:
    samples = [(NOW, {"fuel_pct": 1}), (5, {"fuel_pct": 2}), (NOW - 1, {"fuel_pct": 3})]
    data = payload.encode_samples(samples, CBOR_ZSTD)
    decoded = read(message(data, content_type=CBOR_ZSTD))
    assert [row[2]["fuel_pct"] for row in rows(decoded)] == [1.0, 3.0]
    (rejection,) = decoded.rejections
    assert (rejection.reason, rejection.content_type) == ("clock_not_set", None)
    assert cbor2.loads(rejection.payload) == [{"ts": 5, "values": {"fuel_pct": 2}}]
    assert reasons(read(message(rejection.payload))) == ["clock_not_set"]


plain = st.dictionaries(
    st.sampled_from([*small.product_plan().signal_keys, "mystery"]),
    st.floats(-100, 300, width=32) | st.integers(-5, 300) | st.none() | st.booleans() | st.text(),
    max_size=7,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(NOW - 5000, NOW + 500_000), plain), max_size=6))
def test_cbor_reads_as_json_does(samples: list[tuple[int, dict[str, Any]]]) -> None:
    text, cbor = (
        read(message(payload.encode_samples(samples, form))) for form in (JSON, CBOR_ZSTD)
    )
    assert sorted(map(str, rows(text))) == sorted(map(str, rows(cbor)))
    assert reasons(text) == reasons(cbor)
    assert [each.samples for each in text.rejections] == [each.samples for each in cbor.rejections]


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["ts", "values", "fuel_pct", "state"]), inner, max_size=4)
    ),
    max_leaves=12,
).map(cbor2.dumps)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(anything, anything.map(zstd.compress), st.binary(max_size=60)),
    st.sampled_from([*CONTENT_TYPES, None]),
    st.sampled_from([telemetry_topic("P-1"), faults_topic("P-1"), status_topic("P-1")]),
)
def test_decoding_never_raises(data: bytes, content_type: str | None, topic: str) -> None:
    decoded = read(message(data, topic, content_type))
    ends = sum(len(samples.batch) for samples in decoded.samples)
    ends += sum(len(reports) for reports in decoded.faults.values())
    ends += sum(len(reports) for reports in decoded.statuses.values())
    ends += sum(rejection.samples for rejection in decoded.rejections)
    assert ends >= 1


def _much(part: bytes, size: int = MOST_BYTES) -> bytes:
    return b"[" + b",".join([part] * ((size - 2) // (len(part) + 1))) + b"]"


MILLIONS_OF_NOTHINGS = {
    "objects": (_much(b"{}"), telemetry_topic("P-1"), "too_large"),
    "numbers": (_much(b"0"), telemetry_topic("P-1"), "too_large"),
    "times": (_much(b'{"ts":1}'), telemetry_topic("P-1"), "too_large"),
    "lists of signals": (
        b"[" + b",".join(b'{"ts":%d,"values":{"k%d":1}}' % (NOW, n) for n in range(40_000)) + b"]",
        telemetry_topic("P-1"),
        "not_telemetry",
    ),
    "CBOR maps": (
        b"\x9a" + (MOST_BYTES - 5).to_bytes(4, "big") + b"\xa0" * (MOST_BYTES - 5),
        telemetry_topic("P-1"),
        "too_large",
    ),
    "metrics": (b"\x12\x00" * (MOST_BYTES // 2), "spBv1.0/G/DBIRTH/g/P-1", "too_large"),
    "more metrics": (b"\x12\x00" * MOST_BYTES, "spBv1.0/G/DBIRTH/g/P-1", "too_large"),
}


@pytest.mark.parametrize("name", MILLIONS_OF_NOTHINGS)
def test_millions_of_nothings_hold_nobody_up(name: str) -> None:
    """A few kilobytes when packed, they once took many seconds of the ingest each."""
    data, topic, reason = MILLIONS_OF_NOTHINGS[name]
    payload = data if topic.startswith("sp") else gzip.compress(data, 1)
    began = time.process_time()
    decoded = read(message(payload, topic), message(GOOD, telemetry_topic("P-2")))
    assert time.process_time() - began < 4.0  # under 1 s on a quiet machine
    assert [each.reason for each in decoded.rejections] == [reason]
    assert len(rows(decoded)) == 1
