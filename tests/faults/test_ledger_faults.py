"""Faults of the ledger's file. Answers never depend on it, and the user is told where the old file is."""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path

import pytest
from fault_setting import Setting, ask, command, n_rows, text_of, warnings
from running_daemon import RunningDaemon, running


def damage_beginning(file: Path) -> None:
    file.write_bytes(b"this is no database" + file.read_bytes()[19:])


def damage_pages(file: Path) -> None:
    """Every page but the first, which holds the names of the tables."""
    content = file.read_bytes()
    file.write_bytes(content[:4096] + os.urandom(len(content) - 4096))


def truncate(file: Path) -> None:
    os.truncate(file, 5000)


def make_newer(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


FAULTS = [damage_beginning, damage_pages, truncate, make_newer]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_unreadable_ledger_at_the_start_is_kept_aside(fault: object, setting: Setting) -> None:
    with running(setting.environ) as daemon:
        ask(daemon)
    assert callable(fault)
    fault(setting.ledger)
    before = setting.ledger.read_bytes()
    with running(setting.environ) as daemon:
        assert text_of(ask(daemon)) == "return 1"
        assert n_rows(daemon) == 1
        kept = next(setting.ledger.parent.glob("ledger-kept-*.sqlite3"))
        assert kept.read_bytes() == before
        assert kept.name in warnings(daemon)
        assert re.search(r"Requests +1 ", command(setting, "energy"))
        assert "Traceback" not in command(setting, "doctor")


def test_ledger_that_is_damaged_while_it_is_used_is_kept_aside(setting: Setting, daemon: RunningDaemon) -> None:
    for _ in range(3):
        ask(daemon)
    with sqlite3.connect(setting.ledger) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    damage_pages(setting.ledger)
    replies = [text_of(ask(daemon)) for _ in range(3)]
    assert replies == ["return 1"] * 3
    assert n_rows(daemon) == 3
    assert "ledger-kept-" in warnings(daemon)


def test_ledger_that_is_deleted_while_it_is_used_is_made_again(setting: Setting, daemon: RunningDaemon) -> None:
    ask(daemon)
    for file in setting.ledger.parent.glob("ledger.sqlite3*"):
        file.unlink()
    assert text_of(ask(daemon)) == "return 1"
    assert n_rows(daemon) == 1
    assert setting.ledger.exists()
    assert re.search(r"Requests +1 ", command(setting, "energy"))


def test_answer_does_not_wait_for_a_ledger_that_another_process_holds(setting: Setting, daemon: RunningDaemon) -> None:
    ask(daemon)
    holder = sqlite3.connect(setting.ledger, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        assert text_of(ask(daemon)) == "return 1"
        assert text_of(ask(daemon)) == "return 1"
    finally:
        holder.execute("COMMIT")
        holder.close()
    with daemon.http() as http:
        http.get("/halfwatt/v1/status")
    assert n_rows(daemon) >= 1


def test_folder_of_the_ledger_that_cannot_be_written_stops_no_answer(setting: Setting) -> None:
    for name in ("data", "state"):
        (setting.home / name).write_text("a file, where the folder should be")
    with running(setting.environ) as daemon:
        assert text_of(ask(daemon)) == "return 1"
        assert n_rows(daemon) == 1
        assert "until the daemon starts again" in warnings(daemon).lower()
