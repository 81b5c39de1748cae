"""Signing in and out, keys for programs, and what each role may do."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest
from typer.testing import CliRunner

from api.context import SIGN_INS_AT_ONCE
from api.passwords import hash_password, verify_password
from api.routes import session
from api.routes.session import ATTEMPTS
from fleet.text import Text
from ironpulse.cli import app
from store.accounts import Account, open_session, put_account
from store.connection import Connection
from tests.api.conftest import PASSWORD, sign_in
from tests.api.world import put_ticket


def test_a_session_opens_shows_who_it_is_and_ends(api: httpx.Client) -> None:
    answer = api.post("/session", json={"name": "tom", "password": PASSWORD})
    body = answer.json()
    assert body["account"]["role"] == "technician"
    assert body["account"]["station"] == "station"
    headers = {"Authorization": f"Bearer {body['token']}"}
    me = api.get("/session", headers=headers).json()
    assert me == body["account"]
    assert api.delete("/session", headers=headers).status_code == 204
    assert api.get("/session", headers=headers).status_code == 401


def test_an_account_made_on_the_command_line_signs_in(
    api: httpx.Client, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRONPULSE_DATABASE_URL", database)
    arguments = [
        "accounts",
        "add",
        "ada",
        "--role",
        "parts",
        "--display",
        "Ada",
        "--display-zh",
        "艾达",
    ]
    said = CliRunner().invoke(app, arguments).output
    body = {"name": "ada", "password": said.split()[-1]}
    assert api.post("/session", json=body).json()["account"]["role"] == "parts"
    technician = [*arguments, "--role", "technician"]
    nowhere = CliRunner().invoke(app, [*technician, "--station", "nowhere"])
    assert nowhere.exit_code == 1 and "the database refused" in nowhere.output
    for misfit in (technician, [*arguments, "--station", "station"]):
        refused = CliRunner().invoke(app, misfit)
        assert refused.exit_code == 1 and "A technician belongs to a --station" in refused.output


def test_who_leaves_signs_in_no_more_and_what_is_left_behind_is_told(
    manager: httpx.Client, store: Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRONPULSE_DATABASE_URL", database)
    key = manager.post("/api-keys", json={"name": "erp", "role": "parts"}).json()
    number = put_ticket(store, "P-1")
    store.execute("update ticket set assignee = 'mia'")

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["accounts", *arguments])
        return done.exit_code, " ".join(done.output.split())

    _, listed = run("list", "--json")
    assert {a["name"]: (a["role"], a["sessions"]) for a in json.loads(listed)} == {
        "mia": ("manager", 1), "pat": ("parts", 0), "tom": ("technician", 0)
    }  # fmt: skip
    code, said = run("remove", "mia")
    assert code == 0 and number in said and f"erp (id {key['id']})" in said
    assert manager.get("/session").status_code == 401
    again = manager.post("/session", json={"name": "mia", "password": PASSWORD})
    assert again.status_code == 401
    assert run("remove", "tom") == (0, "tom may no longer sign in.")
    code, said = run("remove", "mia")
    assert code == 1 and "There is no account mia" in said


def test_tokens_and_passwords_are_not_stored(api: httpx.Client, store: Connection) -> None:
    token = api.post("/session", json={"name": "mia", "password": PASSWORD}).json()["token"]
    stored = store.execute("select token_hash from session").fetchall()
    assert [row["token_hash"] for row in stored] != [token.encode()]
    hashes = store.execute("select password_hash from account").fetchall()
    assert all(PASSWORD not in row["password_hash"] for row in hashes)
    assert all(row["password_hash"].startswith("scrypt$") for row in hashes)


def test_an_expired_session_opens_nothing(manager: httpx.Client, store: Connection) -> None:
    assert manager.get("/session").status_code == 200
    store.execute("update session set expires_at = now() - interval '1 second'")
    assert manager.get("/session").status_code == 401


def test_wrong_passwords_and_unknown_names_look_the_same(api: httpx.Client) -> None:
    wrong = api.post("/session", json={"name": "mia", "password": "nope"})
    unknown = api.post("/session", json={"name": "nobody", "password": "nope"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_five_wrong_passwords_and_the_name_has_to_wait(
    api: httpx.Client, store: Connection
) -> None:
    for _ in range(ATTEMPTS):
        assert api.post("/session", json={"name": "mia", "password": "nope"}).status_code == 401
    answer = api.post("/session", json={"name": "mia", "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "min" in answer.json()["detail"] and "分钟" in answer.json()["detail_zh"]
    assert api.post("/session", json={"name": "tom", "password": PASSWORD}).status_code == 201
    store.execute("update sign_in_failure set at = at - interval '16 minutes'")
    assert api.post("/session", json={"name": "mia", "password": PASSWORD}).status_code == 201


def test_attempts_at_the_same_time_count_each_other(api: httpx.Client) -> None:
    wrong = {"name": "mia", "password": "nope"}
    at_once = threading.Barrier(4 * ATTEMPTS)

    def guess(_number: int) -> int:
        at_once.wait()
        return api.post("/session", json=wrong).status_code

    with ThreadPoolExecutor(4 * ATTEMPTS) as pool:
        codes = sorted(pool.map(guess, range(4 * ATTEMPTS)))
    assert codes == [401] * ATTEMPTS + [429] * 3 * ATTEMPTS


def test_passwords_that_wait_in_line_keep_nobody_else_waiting(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashing, done = threading.Semaphore(0), threading.Event()

    def slow(_password: str, _hashed: str | None) -> bool:
        hashing.release()
        return not done.wait(30)

    monkeypatch.setattr(session, "verify_password", slow)

    def guess(number: int) -> int:
        return api.post("/session", json={"name": f"n{number}", "password": "nope"}).status_code

    many = 60  # more than the service has threads
    with ThreadPoolExecutor(many) as pool:
        guesses = [pool.submit(guess, number) for number in range(many)]
        try:
            for _ in range(SIGN_INS_AT_ONCE):
                assert hashing.acquire(timeout=10)
            with httpx.Client(base_url=api.base_url, timeout=5) as other:
                assert other.get("/health").status_code == 200
            assert not hashing.acquire(blocking=False), "more passwords at once than there may be"
        finally:
            done.set()
        assert [each.result() for each in guesses] == [401] * many


def test_a_new_password_ends_the_sessions_opened_with_the_old_one(
    manager: httpx.Client, store: Connection
) -> None:
    accounts = {row["name"]: row for row in store.execute("select * from account").fetchall()}
    mia, tom = accounts["mia"], accounts["tom"]
    opened = {"now": mia["created_at"], "expires_at": datetime.max.replace(tzinfo=UTC)}
    assert open_session(store, tom, b"tom", **opened)
    display = Text(**mia["display"])
    put_account(store, Account("mia", display, "manager", hash_password("new")), mia["created_at"])
    assert manager.get("/session").status_code == 401
    left = store.execute("select account from session").fetchall()
    assert [row["account"] for row in left] == ["tom"], "nobody else has to sign in again"
    assert not open_session(store, mia, b"mia", **opened), "whose old password was checked before"


def test_signing_in_forgets_earlier_failures(api: httpx.Client) -> None:
    for _ in range(3):
        for _ in range(ATTEMPTS - 1):
            api.post("/session", json={"name": "mia", "password": "nope"})
        answer = api.post("/session", json={"name": "mia", "password": PASSWORD})
        assert answer.status_code == 201


def test_keys_are_made_used_and_revoked(manager: httpx.Client) -> None:
    made = manager.post("/api-keys", json={"name": "erp", "role": "parts"})
    assert made.status_code == 201
    key, key_id = made.json()["key"], made.json()["id"]
    listed = manager.get("/api-keys").json()["items"]
    assert [item["name"] for item in listed] == ["erp"]
    assert "key" not in listed[0]
    del manager.headers["Authorization"]
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        me = manager.get("/session", headers=headers).json()
        assert (me["kind"], me["name"], me["role"]) == ("api_key", "erp", "parts")
        assert manager.get("/api-keys", headers=headers).status_code == 403
        assert manager.delete("/session", headers=headers).status_code == 409
    sign_in(manager, "mia")
    assert manager.delete(f"/api-keys/{key_id}").status_code == 204
    assert manager.delete(f"/api-keys/{key_id}").status_code == 404
    del manager.headers["Authorization"]
    assert manager.get("/session", headers={"X-API-Key": key}).status_code == 401


def test_only_managers_make_keys(api: httpx.Client) -> None:
    for name in ("tom", "pat"):
        sign_in(api, name)
        for answer in (
            api.get("/api-keys"),
            api.post("/api-keys", json={"name": "mine", "role": "manager"}),
            api.delete("/api-keys/1"),
        ):
            assert answer.status_code == 403
            assert "manager" in answer.json()["detail"]


def test_a_password_hash_is_salted_and_verifies() -> None:
    first, second = hash_password("secret"), hash_password("secret")
    assert first != second
    assert verify_password("secret", first) and verify_password("secret", second)
    assert not verify_password("Secret", first)
    assert not verify_password("", None)
