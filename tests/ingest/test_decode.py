"""Decoding: three shapes, every kind of bad input at its own end, and never an exception."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fleet.batch import FaultCode
from ingest import payload
from ingest.formats import MOST_BYTES
from ingest.reasons import BAD_VALUE, REJECTED
from ingest.topics import faults_topic, status_topic, telemetry_topic
from tests import small
from tests.ingest.decoding import (
    MACHINES,
    MINUTE,
    NOW,
    PRODUCTS,
    marks,
    message,
    read,
    reasons,
    rows,
)

SHAPES = {
    "single": payload.encode_sample(NOW, {"fuel_pct": 40, "oil_temp_c": 61.5}),
    "list": payload.encode_samples([(NOW, {"fuel_pct": 40.0, "oil_temp_c": 61.5})]),
    "columns": payload.encode_columns([NOW], {"fuel_pct": [40], "oil_temp_c": [61.5]}),
    "spaces": b'{ "ts" : %d , "values" : { "fuel_pct" : 40 , "oil_temp_c" : 61.5 } }' % NOW,
    "more fields": b'{"ts":%d,"n":7,"values":{"fuel_pct":40,"oil_temp_c":61.5}}' % NOW,
    "time as float": b'{"ts":%d.0,"values":{"fuel_pct":40,"oil_temp_c":61.5}}' % NOW,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("packed", [False, True])
def test_the_shapes_of_a_sample(shape: str, packed: bool) -> None:
    data = payload.compress(SHAPES[shape]) if packed else SHAPES[shape]
    decoded = read(message(data))
    assert rows(decoded) == [(1, 0, {"fuel_pct": 40.0, "oil_temp_c": 61.5})]
    assert (marks(decoded), reasons(decoded)) == ([], [])
    assert decoded.heard == {1: (1, NOW)}


def test_machines_keys_and_messages_in_any_mixture() -> None:
    decoded = read(
        message(payload.encode_sample(NOW - 1, {"fuel_pct": 1})),
        message(
            payload.encode_samples([(NOW - 2, {"oil_temp_c": 2}), (NOW - 3, {"fuel_pct": 3})]),
            telemetry_topic("P-2"),
        ),
        message(payload.encode_columns([NOW - 4, NOW - 5], {"fuel_pct": [4, None]})),
    )
    assert sorted(rows(decoded), key=lambda row: row[1]) == [
        (1, 1, {"fuel_pct": 1.0}),
        (2, 2, {"oil_temp_c": 2.0}),
        (2, 3, {"fuel_pct": 3.0}),
        (1, 4, {"fuel_pct": 4.0}),
        (1, 5, {}),
    ]


@pytest.mark.parametrize(
    ("values", "usable", "marked"),
    [
        ({"mystery": 1}, {}, [("mystery", "unknown_signal", [0])]),
        ({"oil_temp_c": "61.5"}, {}, [("oil_temp_c", "wrong_type", [0])]),
        ({"oil_temp_c": True}, {}, [("oil_temp_c", "wrong_type", [0])]),
        ({"oil_temp_c": [61.5]}, {}, [("oil_temp_c", "wrong_type", [0])]),
        ({"oil_temp_c": {"v": 1}}, {}, [("oil_temp_c", "wrong_type", [0])]),
        ({"oil_temp_c": 10**400}, {}, [("oil_temp_c", "wrong_type", [0])]),
        ({"mystery": "x"}, {}, [("mystery", "unknown_signal", [0])]),
        ({"filter_sw": True}, {"filter_sw": 1.0}, []),
        ({"pto_state": True}, {}, [("pto_state", "wrong_type", [0])]),
        ({"pto_state": 1.5}, {}, [("pto_state", "wrong_type", [0])]),
        ({"oil_temp_c": None}, {}, []),
        ({"oil_temp_c": 150}, {"oil_temp_c": 150.0}, []),
        ({"oil_temp_c": 150.5}, {}, [("oil_temp_c", "out_of_range", [0])]),
        ({"oil_temp_c": -61}, {}, [("oil_temp_c", "out_of_range", [0])]),
        ({"oil_temp_c": 1e308}, {}, [("oil_temp_c", "out_of_range", [0])]),
        ({"stroke_count": 1e12}, {}, [("stroke_count", "out_of_range", [0])]),
        # J1939: 8 bits at 0.4 %, 16 bits at 0.125 rpm, 32 bits at 0.05 h, 2 bits, 5 bits
        ({"fuel_pct": 253 * 0.4}, {"fuel_pct": 253 * 0.4}, []),
        ({"fuel_pct": 254 * 0.4}, {}, [("fuel_pct", "error", [0])]),
        ({"fuel_pct": 255 * 0.4}, {}, [("fuel_pct", "not_available", [0])]),
        ({"eng_speed_rpm": 0xFE00 * 0.125}, {}, [("eng_speed_rpm", "error", [0])]),
        ({"eng_speed_rpm": 0xFEFF * 0.125}, {}, [("eng_speed_rpm", "error", [0])]),
        ({"eng_speed_rpm": 0xFF00 * 0.125}, {}, [("eng_speed_rpm", "not_available", [0])]),
        ({"eng_speed_rpm": 0xFFFF * 0.125}, {}, [("eng_speed_rpm", "not_available", [0])]),
        ({"eng_hours_h": 0xFE000000 * 0.05}, {}, [("eng_hours_h", "error", [0])]),
        ({"eng_hours_h": 0xFFFFFFFF * 0.05}, {}, [("eng_hours_h", "not_available", [0])]),
        ({"filter_sw": 2}, {}, [("filter_sw", "error", [0])]),
        ({"filter_sw": 3}, {}, [("filter_sw", "not_available", [0])]),
        ({"pto_state": 30}, {}, [("pto_state", "error", [0])]),
        ({"pto_state": 31}, {}, [("pto_state", "not_available", [0])]),
    ],
)
def test_values_that_cannot_be_used_are_missing_and_marked(
    values: dict[str, Any], usable: dict[str, float], marked: list[Any]
) -> None:
    text = json.dumps({"ts": NOW, "values": {**values, "unrelated": None}}).encode()
    decoded = read(message(text))
    assert rows(decoded) == [(1, 0, usable)]
    assert marks(decoded) == sorted([*marked, ("unrelated", "unknown_signal", [0])])
    assert {mark[1] for mark in marked} <= set(BAD_VALUE)


GOOD = b'{"ts":%d,"values":{"fuel_pct":40}}' % NOW
BAD_MESSAGES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not_json"),
    "noise": (b"\x00\x01\x02\xff", "not_json"),
    "cut short": (GOOD[:-1], "not_json"),
    "followed by more": (GOOD + b"{}", "not_json"),
    "half a character": (b'{"ts":%d,"values":{"\\ud800":1}}' % NOW, "not_json"),
    "not a number": (b'{"ts":%d,"values":{"fuel_pct":NaN}}' % NOW, "not_json"),
    "a megabyte of brackets": (b"[" * 2**20, "not_json"),
    "a key twice": (b'{"ts":%d,"values":{"fuel_pct":40,"fuel_pct":41}}' % NOW, "duplicate_key"),
    "a key twice, with a space": (b'{"ts":%d,"values":{"a":1,"a" :2}}' % NOW, "duplicate_key"),
    "two times": (b'{"ts":%d,"ts":%d,"values":{"fuel_pct":40}}' % (NOW, NOW), "duplicate_key"),
    "a number": (b"7", "not_telemetry"),
    "a text": (b'"hello"', "not_telemetry"),
    "an empty list": (b"[]", "not_telemetry"),
    "no time": (b'{"values":{"fuel_pct":40}}', "not_telemetry"),
    "time as text": (b'{"ts":"2026-01-01","values":{"fuel_pct":40}}', "not_telemetry"),
    "time true": (b'{"ts":true,"values":{"fuel_pct":40}}', "not_telemetry"),
    "time with a fraction": (b'{"ts":1790000000000.5,"values":{}}', "not_telemetry"),
    "time beyond all times": (b'{"ts":%d,"values":{}}' % 10**30, "not_telemetry"),
    "no values": (b'{"ts":%d}' % NOW, "not_telemetry"),
    "values a list": (b'{"ts":%d,"values":[1]}' % NOW, "not_telemetry"),
    "unequal columns": (b'{"ts":[%d],"values":{"fuel_pct":[1,2]}}' % NOW, "not_telemetry"),
    "columns of nothing": (b'{"ts":[],"values":{}}', "not_telemetry"),
    "columns without values": (b'{"ts":[%d],"values":3}' % NOW, "not_telemetry"),
    "too many values": (
        json.dumps({"ts": NOW, "values": {f"s{n}": n for n in range(1001)}}).encode(),
        "not_telemetry",
    ),
    "too long": (b" " * (MOST_BYTES + 1), "too_large"),
    "a gzip bomb": (gzip.compress(bytes(200 * 2**20)), "too_large"),
    "gzip cut short": (gzip.compress(GOOD)[:-5], "bad_gzip"),
    "gzip and more": (gzip.compress(GOOD) + b"x", "bad_gzip"),
    "gzip damaged": (b"\x1f\x8b" + b"x" * 50, "bad_gzip"),
    "1970": (b'{"ts":5000,"values":{"fuel_pct":40}}', "clock_not_set"),
    "before 1970": (b'{"ts":-5000,"values":{"fuel_pct":40}}', "clock_not_set"),
    "seconds": (b'{"ts":%d,"values":{"fuel_pct":40}}' % (NOW // 1000), "clock_not_set"),
    "two years old": (payload.encode_sample(NOW - 731 * 86_400_000, {"fuel_pct": 4}), "too_old"),
    "the future": (payload.encode_sample(NOW + 6 * MINUTE, {"fuel_pct": 4}), "clock_ahead"),
    "the year 280000": (b'{"ts":%d,"values":{"fuel_pct":40}}' % 2**53, "clock_ahead"),
}


@pytest.mark.parametrize("name", BAD_MESSAGES)
def test_a_bad_message_is_rejected_with_its_reason_and_the_others_are_read(name: str) -> None:
    data, reason = BAD_MESSAGES[name]
    decoded = read(message(GOOD), message(data), message(GOOD, telemetry_topic("P-2")))
    assert [row[0] for row in rows(decoded)] == [1, 2]
    (rejection,) = decoded.rejections
    assert (rejection.reason, rejection.machine_id, rejection.samples) == (reason, 1, 1)
    assert rejection.payload == data
    assert 0 < len(rejection.detail.en) < 500
    assert reason in REJECTED
    assert decoded.heard == {1: (2, NOW), 2: (1, NOW)}


@pytest.mark.parametrize(
    ("topic", "reason", "machine"),
    [
        ("ironpulse/v1/P-1/temperature", "wrong_topic", 1),
        ("ironpulse/v1/P-1/telemetry/more", "wrong_topic", 1),
        ("ironpulse/v1/P-1", "wrong_topic", 1),
        ("ironpulse/v1/", "wrong_topic", None),
        ("elsewhere", "wrong_topic", None),
        ("ironpulse/v1/GHOST/telemetry", "unknown_machine", None),
    ],
)
def test_topics_that_lead_nowhere(topic: str, reason: str, machine: int | None) -> None:
    (rejection,) = read(message(GOOD, topic)).rejections
    assert (rejection.reason, rejection.machine_id) == (reason, machine)


def test_one_bad_sample_of_a_list_is_rejected_alone() -> None:
    text = (
        b'[{"ts":%d,"values":{"fuel_pct":1}},{"ts":"now","values":{"fuel_pct":2}},'
        b'{"ts":5,"values":{"fuel_pct":3}},7,{"ts":%d,"values":{"fuel_pct":4}}]' % (NOW, NOW - 1)
    )
    decoded = read(message(text))
    assert rows(decoded) == [(1, 0, {"fuel_pct": 1.0}), (1, 1, {"fuel_pct": 4.0})]
    found = {each.reason: (each.samples, each.payload) for each in decoded.rejections}
    assert found == {
        "not_telemetry": (2, b'[{"ts":"now","values":{"fuel_pct":2}},7]'),
        "clock_not_set": (1, b'[{"ts":5,"values":{"fuel_pct":3}}]'),
    }


def test_one_bad_moment_of_columns_is_rejected_alone() -> None:
    text = payload.encode_columns([NOW, 5, NOW - 1], {"fuel_pct": [1, 2, 300], "x": [1, 1, 1]})
    decoded = read(message(text))
    assert rows(decoded) == [(1, 0, {"fuel_pct": 1.0}), (1, 1, {})]
    (rejection,) = decoded.rejections
    assert rejection.payload == b'[{"ts":5,"values":{"fuel_pct":2,"x":1}}]'
    assert marks(decoded) == [("fuel_pct", "out_of_range", [1]), ("x", "unknown_signal", [0, 1])]


def test_the_bounds_of_the_clock_rules_are_still_stored() -> None:
    edges = [NOW + 5 * MINUTE, NOW - 366 * 86_400_000]
    decoded = read(message(payload.encode_samples([(ts, {"fuel_pct": 1}) for ts in edges])))
    assert len(rows(decoded)) == 2


def test_faults() -> None:
    codes = (
        FaultCode(spn=110, fmi=0, oc=3, sa=0, lamp="stop"),
        FaultCode(spn=0, fmi=0),
        FaultCode(code="E1042"),
        FaultCode(spn=2**19 - 1, fmi=31, oc=127),  # J1939's older way to say "none"
        FaultCode(spn=100, fmi=1, oc=127),  # 127 is "not available", no count
    )
    decoded = read(
        message(payload.encode_faults(NOW, codes), faults_topic("P-1")),
        message(payload.compress(payload.encode_faults(NOW - 1, [])), faults_topic("P-1")),
    )
    found = decoded.faults["pump"]
    assert [(report.measured_at, report.active) for report in found] == [
        (NOW, (codes[0], codes[2], FaultCode(spn=100, fmi=1))),
        (NOW - 1, ()),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"ts":NOW,"active":[{"spn":110}]}', "not_faults"),
        ('{"ts":NOW,"active":[{"spn":110,"fmi":0,"code":"E1"}]}', "not_faults"),
        ('{"ts":NOW,"active":[{"spn":999999,"fmi":0}]}', "not_faults"),
        ('{"ts":NOW,"active":[{"spn":110,"fmi":32}]}', "not_faults"),
        ('{"ts":NOW,"active":[{"code":""}]}', "not_faults"),
        ('{"ts":NOW,"active":7}', "not_faults"),
        ('{"active":[]}', "not_faults"),
        ('{"ts":5,"active":[]}', "clock_not_set"),
        ('{"ts":NOW,"ts":NOW,"active":[]}', "duplicate_key"),
        ('{"ts":', "not_json"),
    ],
)
def test_bad_fault_messages(text: str, reason: str) -> None:
    data = text.replace("NOW", str(NOW)).encode()
    decoded = read(message(data, faults_topic("P-1")))
    assert (reasons(decoded), decoded.faults) == ([reason], {})


def test_statuses() -> None:
    decoded = read(
        message(payload.encode_status("online", NOW - 5), status_topic("P-1")),
        message(payload.encode_status("offline"), status_topic("P-1")),
        message(b'{"state":"asleep"}', status_topic("P-1")),
        message(payload.encode_status("online", NOW + 6 * MINUTE), status_topic("P-1")),
    )
    found = [(report.measured_at, report.state) for report in decoded.statuses["pump"]]
    assert found == [(NOW - 5, "online"), (NOW, "offline")]
    assert reasons(decoded) == ["not_status", "clock_ahead"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
signal_values = st.dictionaries(
    st.sampled_from([*small.product_plan().signal_keys, "mystery", "\x00"]),
    st.one_of(st.floats(-100, 200), st.integers(-5, 300), json_values),
    max_size=5,
)
times = st.one_of(st.integers(NOW - 10 * MINUTE, NOW), st.integers(), json_values)
sample = st.fixed_dictionaries({}, optional={"ts": times, "values": signal_values, "n": st.none()})
columns = st.fixed_dictionaries(
    {"ts": st.lists(times, max_size=4)},
    optional={"values": st.dictionaries(st.text(max_size=3), st.lists(json_values, max_size=4))},
)
texts = st.one_of(sample, columns, st.lists(sample, max_size=4), json_values).map(
    lambda value: json.dumps(value).encode()
)
payloads = st.one_of(
    texts,
    texts.map(gzip.compress),
    st.binary(max_size=60),
    st.tuples(texts, st.integers(0, 40)).map(lambda cut: cut[0][: cut[1]]),
)
topics = st.sampled_from(
    [
        topic(serial)
        for topic in (telemetry_topic, faults_topic, status_topic)
        for serial in MACHINES
    ]
    + ["ironpulse/v1/P-1/x", "ironpulse/v1/GHOST/telemetry"]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(payloads, topics), max_size=5))
@example([(b'{"ts":1790000000000,"values":{"fuel_pct":1e400}}', telemetry_topic("P-1"))])
def test_decoding_never_raises_and_every_message_has_an_end(
    given_messages: list[tuple[bytes, str]],
) -> None:
    decoded = read(*(message(data, topic) for data, topic in given_messages))
    for samples in decoded.samples:
        limits = PRODUCTS["pump"].limits
        for number, key in enumerate(samples.batch.signals):
            column = samples.batch.values[:, number]
            usable = column[~np.isnan(column)]
            assert np.all((usable >= limits[key].low) & (usable <= limits[key].high))
        for mark in samples.marks:
            assert mark.reason in BAD_VALUE
            assert len(mark.rows) and mark.rows.max() < len(samples.batch)
            if mark.signal in samples.batch.signals:
                place = samples.batch.signals.index(mark.signal)
                assert np.isnan(samples.batch.values[mark.rows, place]).all()
    ends = sum(len(samples.batch) for samples in decoded.samples)
    ends += sum(len(reports) for reports in decoded.faults.values())
    ends += sum(len(reports) for reports in decoded.statuses.values())
    ends += sum(rejection.samples for rejection in decoded.rejections)
    assert ends >= len(given_messages)
    heard = Counter(topic.split("/")[2] for _, topic in given_messages)
    assert {machine: count for machine, (count, _) in decoded.heard.items()} == {
        MACHINES[serial]: count for serial, count in heard.items() if serial in MACHINES
    }


KEYS = small.product_plan().signal_keys
values = st.floats(-100, 300)
plain = st.dictionaries(st.sampled_from(KEYS), values | st.none(), max_size=7)
complete = st.fixed_dictionaries(dict.fromkeys(KEYS, values))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(NOW - 5000, NOW), complete | plain), min_size=1, max_size=6))
def test_the_fast_way_reads_what_the_slow_way_reads(
    samples: list[tuple[int, dict[str, float | None]]],
) -> None:
    fastest = payload.encode_samples(samples)
    fast = fastest.replace(b":", b" :")  # no further than the colons that stand without a space
    slow = fastest.replace(b'{"ts":', b'{"n":null,"ts":')  # a further field: value by value
    each = [message(payload.encode_sample(*sample)) for sample in samples]
    expected = read(message(slow))
    for given_messages in (
        [message(fastest)],
        [message(fast)],
        [message(fastest.replace(b'"fuel_pct"', b'"fuel\\u005fpct"'))],
        each,
    ):
        found = read(*given_messages)
        assert rows(found) == rows(expected)
        assert marks(found) == marks(expected)
