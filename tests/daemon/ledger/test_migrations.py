"""Every older ledger becomes a new one with nothing lost, and what is newer is left alone."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest
from energy_rows import row

from halfwatt.daemon.errors import LedgerError
from halfwatt.daemon.ledger.ledger import FIELDS, Ledger
from halfwatt.daemon.ledger.migrations import MIGRATIONS, migrate
from halfwatt.daemon.wire import Feedback

# A released step is never edited. A new step adds a line here.
DIGESTS = (
    "9f0e80296e4b1316",
    "88ab467f0875bbc5",
    "afc695f60efb279b",
)


def old_ledger(path: Path, version: int) -> None:
    """A ledger as a halfwatt of that schema left it: two requests, in the columns that it knew."""
    connection = sqlite3.connect(path)
    connection.isolation_level = None
    migrate(connection, up_to=version)
    if version:
        known = {line[1] for line in connection.execute("PRAGMA table_info(requests)")}
        names = [name for name in FIELDS if name in known and name != "scores"]
        for each in (row("here", 1e9, local_j=10.0), row("there", 1e9 + 90_000, cloud_j=30.0, kind="cloud")):
            values = [getattr(each, name) for name in names]
            marks = ", ".join("?" * (len(names) + 1))
            insert = f"INSERT INTO requests ({', '.join(names)}, scores) VALUES ({marks})"  # noqa: S608 - own names
            connection.execute(insert, [*values, "{}"])
    connection.close()


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
def test_every_older_version_becomes_the_newest_and_keeps_its_rows(tmp_path: Path, version: int) -> None:
    path = tmp_path / "ledger.sqlite3"
    old_ledger(path, version)
    ledger = Ledger(path)
    ledger.insert(row("new", 1e9 + 100_000, local_j=4.0))
    assert {each.request_id for each in ledger.rows()} == ({"here", "there", "new"} if version else {"new"})
    summary = ledger.summary(0.0)
    assert summary.requests == (3 if version else 1)
    assert summary.energy.total_j == pytest.approx(11.0 + 31.0 + 5.0 if version else 5.0)
    energy = summary.energy
    assert energy.total_j is not None
    assert energy.low_j is not None
    assert energy.high_j is not None
    assert energy.low_j < energy.total_j < energy.high_j
    assert not version or ledger.record_outcome(Feedback("here", "rejected"))
    with ledger.reading() as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_released_steps_are_never_edited() -> None:
    assert tuple(hashlib.sha256(step.encode()).hexdigest()[:16] for step in MIGRATIONS) == DIGESTS


def test_ledger_of_a_newer_halfwatt_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(LedgerError, match="update halfwatt"):
        Ledger(path)


def test_step_that_fails_leaves_the_older_version_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    old_ledger(path, 1)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE energy_day (in_the_way TEXT)")
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 2
    assert connection.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'energy_hour'").fetchone()[0] == 0
    connection.execute("DROP TABLE energy_day")
    connection.close()
    assert Ledger(path).summary(0.0).requests == 2
