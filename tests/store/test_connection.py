"""The driver's errors become ours, and say whether trying again can help."""

from __future__ import annotations

import psycopg
import pytest

from store.connection import StoreError, StoreFull, StoreUnavailable, our_errors


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (psycopg.errors.DeadlockDetected(), StoreUnavailable),
        (psycopg.errors.AdminShutdown(), StoreUnavailable),
        (psycopg.OperationalError("connection refused"), StoreUnavailable),
        (psycopg.errors.DiskFull(), StoreFull),
        (psycopg.errors.ReadOnlySqlTransaction(), StoreFull),
        (psycopg.errors.ProgramLimitExceeded(), StoreError),
        (psycopg.errors.CharacterNotInRepertoire(), StoreError),
    ],
)
def test_errors_of_the_driver_become_ours(error: psycopg.Error, ours: type[StoreError]) -> None:
    with pytest.raises(StoreError) as caught, our_errors():
        raise error
    assert type(caught.value) is ours


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), our_errors():
        raise ZeroDivisionError
