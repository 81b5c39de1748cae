"""Every error is a problem in both languages, whatever a client sends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import httpx
from structlog.testing import capture_logs

from api.guard import MOST_BODY
from api.paging import encode
from store.connection import Connection
from tests.api.conftest import PASSWORD


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem in an answer, checked for its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status and body["type"].startswith("urn:ironpulse:problem:")
    for name in ("title", "detail"):
        assert body[name] and body[f"{name}_zh"] and body[name] != body[f"{name}_zh"]
    assert body["instance"] == answer.request.url.path
    return body


def test_who_is_not_signed_in_reads_nothing(api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            if operation["operationId"] in ("get_health", "sign_in"):
                continue
            address = path.removeprefix("/api/v1").replace("{serial}", "P-1")
            for name in ("product", "number", "sequence", "part_id", "key_id", "alarm_id"):
                address = address.replace(f"{{{name}}}", "1")
            address = address.replace("{alert_id}", "1").replace("/products/1", "/products/pump")
            body: dict[str, Any] | None = {} if method in ("post", "put") else None
            answer = api.request(method, address, json=body)
            assert answer.headers["WWW-Authenticate"] == "Bearer", (method, path)
            problem(answer, 401)
    for headers in (
        {"Authorization": "Bearer ips_wrong"},
        {"Authorization": "Basic dG9tOnRvbQ=="},
        {"X-API-Key": "ipk_wrong"},
        {"X-API-Key": "\x7f"},
    ):
        problem(api.get("/session", headers=headers), 401)


def test_nothing_is_at_unknown_addresses(manager: httpx.Client) -> None:
    for path in ("/nowhere", "/machines/none", "/machines/a%20b", "/alarms/x/acknowledge"):
        method = "POST" if path.endswith("acknowledge") else "GET"
        problem(manager.request(method, path), 404)


def test_a_wrong_method_is_told_the_right_ones(manager: httpx.Client) -> None:
    answer = manager.patch("/session")
    problem(answer, 405)
    assert answer.headers["Allow"] == "DELETE, GET, POST"


MISFITS: list[tuple[str, dict[str, Any]]] = [
    ("/machines", {"limit": 0}),
    ("/machines", {"limit": 10**30}),
    ("/machines", {"limit": "many"}),
    ("/machines", {"text": "a\x00b"}),
    ("/machines", {"health": "fine"}),
    ("/machines", {"product": "pump'; drop table machine; --"}),
    ("/alarms", {"from": "yesterday"}),
    ("/alarms", {"from": "1772323200"}),
    ("/alarms", {"from": "99999-01-01T00:00:00Z"}),
    ("/alarms", {"from": "2026-01-01T00:00:00"}),
    ("/alarms", {"severity": 5}),
    ("/machines/P-1/telemetry", {"step": "nan"}),
    ("/machines/P-1/telemetry", {"step": "1e400"}),
    ("/machines/P-1/telemetry", {"step": -1}),
    ("/machines/P-1/telemetry", {"signals": ",".join(f"s{i}" for i in range(21))}),
    ("/machines/P-1/telemetry", {"signals": "a\x00"}),
]


def test_what_does_not_fit_is_named(manager: httpx.Client) -> None:
    for path, params in MISFITS:
        body = problem(manager.get(path, params=params), 422)
        (name,) = params
        assert [error["place"] for error in body["errors"]] == [f"query.{name}"]


BAD_BODIES = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"[" * 100_000,
    b'{"name": "a\\u0000", "password": "b"}',
    b'{"name": "a\\ud800", "password": "b"}',
    b'{"name": 1, "password": {}}',
    b'{"name": "a", "password": "b", "role": "manager"}',
    b'{"name": "a", "password": "' + b"x" * 100_000 + b'"}',
]


def test_bad_bodies_are_refused(api: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    for body in BAD_BODIES:
        problem(api.post("/session", content=body, headers=headers), 422)


def chunks(size: int) -> Iterator[bytes]:
    """A body whose length is not declared."""
    for _ in range(size // 1000):
        yield b" " * 1000


def test_a_body_too_large_is_refused(api: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    for body in (b" " * (MOST_BODY + 1), chunks(MOST_BODY + 1000)):
        told = problem(api.post("/session", content=body, headers=headers), 413)
        assert "262,144 bytes" in told["detail"]
    assert api.post("/session", content=chunks(MOST_BODY), headers=headers).status_code == 422


def test_a_declared_length_is_refused_before_anything_is_sent(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(
            b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 999999999999\r\n\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_every_answer_tells_browsers_what_not_to_do(
    manager: httpx.Client, store: Connection
) -> None:
    store.execute("alter table region alter column name type text")  # no code reckons with that
    for path, status in (("/health", 200), ("/openapi.json", 200), ("/nowhere", 404)):
        assert_guarded(manager.get(path), status)
    assert_guarded(manager.get("/session", headers={"Authorization": "Bearer x"}), 401)
    with capture_logs() as logged:
        defect = manager.get("/overview")
    assert_guarded(defect, 500)
    assert "the log says why" in problem(defect, 500)["detail"]
    assert [entry["exc_info"].__class__ for entry in logged] == [TypeError]


def assert_guarded(answer: httpx.Response, status: int) -> None:
    """The answer has this status, and the headers that browsers are told."""
    assert answer.status_code == status, answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff", answer.url
    assert answer.headers["Cache-Control"] == "no-store", answer.url
    assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'", answer.url


LISTS = (
    "/machines", "/alarms", "/tickets", "/parts/alerts", "/parts/fitted", "/rejected",
    "/plan/runs", "/plan/refills",
)  # fmt: skip
CURSORS = ("x", "bnVsbA==", "W10=", "WyJcdTAwMDAiXQ==", "W251bGxd", "==", encode(["\ud800"]))


def test_a_cursor_of_ones_own_making_leads_nowhere(manager: httpx.Client) -> None:
    for path in LISTS:
        for cursor in CURSORS:
            problem(manager.get(path, params={"cursor": cursor}), 404)


def test_a_far_cursor_is_no_defect(manager: httpx.Client) -> None:
    far = [2**61, -(2**61), 10**18, -1]
    for number in far:
        for path, key in (("/alarms", [number, number]), ("/tickets", [1, number, number])):
            answer = manager.get(path, params={"cursor": encode(key)})
            assert answer.status_code in (200, 404), answer.text


def test_times_are_utc_with_milliseconds(api: httpx.Client) -> None:
    body = api.post("/session", json={"name": "mia", "password": PASSWORD}).json()
    at = body["account"]["expires_at"]
    assert len(at) == len("2026-11-21T08:15:30.250Z") and at.endswith("Z")
