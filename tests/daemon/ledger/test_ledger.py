"""The ledger: rows, sums, outcomes, retention, and files that are not what they should be."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from energy_rows import row

from halfwatt.daemon.errors import LedgerError, UsageError
from halfwatt.daemon.ledger import summary as ledger_summary
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.wire import Feedback

DAY_S = 86400.0
NOW_S = 1_790_000_000.0


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "data" / "ledger.sqlite3")


def sums_from_rows(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    """What every sum table should hold, made from the rows alone."""
    made = {}
    with ledger.reading() as connection:
        for table, span_s in ledger_summary.SPANS.items():
            totals = ", ".join(f"SUM({name})" for name in (*ledger_summary.COUNTS, *ledger_summary.SUMS))
            keys = ", ".join(ledger_summary.KEYS)
            made[table] = connection.execute(
                f"SELECT CAST(time / {span_s} AS INTEGER) AS bucket, {keys}, {totals} "  # noqa: S608 - own names
                f"FROM ({ledger_summary.ONE_REQUEST}) GROUP BY bucket, {keys} ORDER BY bucket, {keys}"
            ).fetchall()
    return made


def sums_stored(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    with ledger.reading() as connection:
        names = ", ".join(("bucket", *ledger_summary.KEYS, *ledger_summary.COUNTS, *ledger_summary.SUMS))
        order = ", ".join(("bucket", *ledger_summary.KEYS))
        return {
            table: connection.execute(f"SELECT {names} FROM {table} WHERE n > 0 ORDER BY {order}").fetchall()  # noqa: S608
            for table in ledger_summary.SPANS
        }


def assert_sums_match(ledger: Ledger) -> None:
    made, stored = sums_from_rows(ledger), sums_stored(ledger)
    for table in ledger_summary.SPANS:
        assert len(made[table]) == len(stored[table])
        for expected, found in zip(made[table], stored[table], strict=True):
            assert found == pytest.approx(expected, nan_ok=True, abs=1e-9)


def fill(ledger: Ledger) -> None:
    for i in range(60):
        moment = NOW_S - i * 0.41 * DAY_S
        if i % 3:
            ledger.insert(row(f"r{i}", moment, local_j=10.0 + i))
        else:
            ledger.insert(row(f"r{i}", moment, cloud_j=20.0 + i, kind="cloud", editor="neovim"))
    ledger.insert(row("lost", NOW_S, kind="cloud", unknown_cloud=True))


def test_row_comes_back_as_it_was_stored(ledger: Ledger) -> None:
    stored = row("a", NOW_S, local_j=10.0)
    ledger.insert(stored)
    assert ledger.recent(5) == [stored]


def test_sums_are_those_of_the_rows_after_every_change(ledger: Ledger) -> None:
    fill(ledger)
    assert_sums_match(ledger)
    ledger.record_outcome(Feedback("r1", "accepted", 120))
    ledger.record_outcome(Feedback("r2", "rejected", None))
    ledger.record_outcome(Feedback("r2", "accepted", 7))
    ledger.record_outcome(Feedback("r3", "ignored", None))
    assert_sums_match(ledger)
    ledger.purge(NOW_S - 10.3 * DAY_S)
    assert_sums_match(ledger)


def test_rows_stored_again_are_counted_once_and_those_that_are_gone_stay_gone(ledger: Ledger) -> None:
    fill(ledger)
    again = [row(f"r{i}", NOW_S - i * 0.41 * DAY_S, local_j=99.0) for i in range(3)]
    assert ledger.replace([*again, row("purged meanwhile", NOW_S)]) == 3
    assert {each.local_j for each in ledger.rows() if each.request_id in ("r0", "r1", "r2")} == {99.0}
    assert_sums_match(ledger)


@pytest.mark.parametrize("days", [0.0, 0.01, 0.9, 3.37, 11.0, 40.0, 4000.0])
def test_summary_since_any_moment_counts_just_the_rows_since_then(ledger: Ledger, days: float) -> None:
    fill(ledger)
    since = NOW_S - days * DAY_S
    rows = [each for each in ledger.recent(1000) if each.time >= since]
    summary = ledger.summary(since)
    assert summary.requests == len(rows)
    known = sum(value for each in rows for value in (each.device_j, each.cloud_j) if value is not None)
    assert summary.energy.total_j == pytest.approx(known)


def test_range_of_a_sum_is_linear_within_a_meter_and_in_quadrature_between_meters(ledger: Ledger) -> None:
    ledger.insert(row("a", NOW_S, local_j=9.0))
    ledger.insert(row("b", NOW_S, local_j=29.0))
    ledger.insert(row("c", NOW_S, cloud_j=30.0, kind="cloud", router_j=0.0))
    energy = ledger.summary(0.0).energy
    assert energy.total_j == pytest.approx(70.0)
    assert energy.low_j == pytest.approx(70.0 - (20.0**2 + 15.0**2) ** 0.5)
    assert energy.high_j == pytest.approx(70.0 + (20.0**2 + 15.0**2) ** 0.5)
    assert energy.method == "estimated"


def test_unknown_energy_is_counted_as_unknown_and_never_as_zero(ledger: Ledger) -> None:
    ledger.insert(row("a", NOW_S, kind="cloud", unknown_cloud=True, router_j=0.25))
    summary = ledger.summary(0.0)
    assert summary.energy.cloud_j is None
    assert summary.saved.j is None
    assert summary.energy.total_j == 0.25  # what is known: the router
    ledger.insert(row("b", NOW_S, cloud_j=20.0, kind="cloud"))
    assert ledger.summary(0.0).energy.cloud_j == 20.0


def test_empty_ledger_sums_to_null_not_zero(ledger: Ledger) -> None:
    summary = ledger.summary(0.0)
    assert (summary.requests, summary.energy.total_j, summary.saved.j) == (0, None, None)


@pytest.mark.parametrize("outcome", ["rejected", "undone", "ignored", "cancelled", "failed"])
def test_answer_that_is_not_used_books_all_its_joules_as_wasted(ledger: Ledger, outcome: str) -> None:
    ledger.insert(row("a", NOW_S, local_j=10.0))
    assert ledger.record_outcome(Feedback("a", outcome))  # type: ignore[arg-type]
    assert ledger.summary(0.0).energy.wasted_j == 11.0


def test_cancelled_request_books_joules_spent(ledger: Ledger) -> None:
    ledger.insert(row("a", NOW_S, local_j=10.0, wasted="all", outcome="cancelled"))
    assert ledger.summary(0.0).energy.wasted_j == 11.0


def test_accepted_escalated_answer_still_wasted_its_draft(ledger: Ledger) -> None:
    ledger.insert(row("a", NOW_S, local_j=10.0, cloud_j=20.0, kind="cloud", wasted="draft"))
    ledger.record_outcome(Feedback("a", "rejected"))
    assert ledger.summary(0.0).energy.wasted_j == 31.0
    ledger.record_outcome(Feedback("a", "accepted", 62))
    summary = ledger.summary(0.0)
    assert summary.energy.wasted_j == 10.0
    assert summary.j_per_accepted_char == pytest.approx(0.5)


def test_outcome_of_an_unknown_request_changes_nothing(ledger: Ledger) -> None:
    assert not ledger.record_outcome(Feedback("nobody", "accepted", 3))
    assert ledger.summary(0.0).requests == 0


def test_joules_per_token_come_from_this_models_own_answers(ledger: Ledger) -> None:
    assert ledger.local_rate("qwen") is None
    ledger.insert(row("a", NOW_S, local_j=19.0, completion_tokens=40))
    ledger.insert(row("b", NOW_S, cloud_j=500.0, kind="cloud"))
    rate = ledger.local_rate("qwen")
    assert rate is not None
    assert (rate.j, rate.low_j, rate.meter) == (0.5, 0.25, "cpu-model")
    assert ledger.local_rate("another") is None


def test_retention_deletes_rows_and_sums_older_than_the_setting(ledger: Ledger) -> None:
    fill(ledger)
    assert ledger.retain(None, NOW_S) == 0
    n_before = ledger.summary(0.0).requests
    n_deleted = ledger.retain(7, NOW_S)
    assert 0 < n_deleted < n_before
    assert ledger.summary(0.0).requests == n_before - n_deleted
    assert min(each.time for each in ledger.rows()) >= NOW_S - 7 * DAY_S


def test_rows_are_deleted_a_few_at_a_time_and_the_sums_stay_right(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("halfwatt.daemon.ledger.ledger.DELETED_AT_ONCE", 4)
    fill(ledger)
    n_before = ledger.summary(0.0).requests
    n_deleted = ledger.purge(NOW_S - 3.3 * DAY_S)
    assert n_deleted > 3 * 4
    assert ledger.summary(0.0).requests == n_before - n_deleted
    assert_sums_match(ledger)


def test_question_is_answered_while_another_process_holds_the_file(ledger: Ledger) -> None:
    ledger.insert(row("a", NOW_S, local_j=10.0))
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert ledger.summary(0.0).requests == 1
    other.execute("ROLLBACK")
    other.close()


def test_question_cannot_change_the_ledger(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="readonly"), ledger.reading() as connection:
        connection.execute("DELETE FROM requests")


def test_closed_ledger_says_so(ledger: Ledger) -> None:
    ledger.recent(1)
    ledger.close()
    for call in (lambda: ledger.recent(1), lambda: ledger.insert(row("a", NOW_S))):
        with pytest.raises(LedgerError, match="closed"):
            call()


def test_purging_everything_leaves_nothing_readable_in_the_file(ledger: Ledger) -> None:
    ledger.insert(row("a", NOW_S, local_j=10.0, reason="a reason to be forgotten"))
    assert ledger.purge(None, compact=True) == 1
    assert ledger.summary(0.0).requests == 0
    ledger.close()
    assert b"to be forgotten" not in ledger.path.read_bytes()


def test_rows_come_oldest_first_across_batches(ledger: Ledger) -> None:
    for i in range(25):
        ledger.insert(row(f"r{i}", NOW_S + i, local_j=1.0))
    assert [each.request_id for each in ledger.rows(batch=10)] == [f"r{i}" for i in range(25)]
    assert [each.request_id for each in ledger.rows(NOW_S + 20, batch=3)] == [f"r{i}" for i in range(20, 25)]


def test_threads_may_share_one_ledger(ledger: Ledger) -> None:
    def work(name: str) -> None:
        for i in range(40):
            ledger.insert(row(f"{name}{i}", NOW_S + i, local_j=1.0))

    threads = [threading.Thread(target=work, args=(f"t{n}-",)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.summary(0.0).requests == 200
    assert_sums_match(ledger)


def test_same_request_twice_is_refused_and_counted_once(ledger: Ledger) -> None:
    ledger.insert(row("a", NOW_S, local_j=1.0))
    with pytest.raises(LedgerError, match="refused a row"):
        ledger.insert(row("a", NOW_S, local_j=1.0))
    assert ledger.summary(0.0).requests == 1


def test_acknowledged_rows_survive_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom energy_rows import row\n"
        "from halfwatt.daemon.ledger.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\ni = 0\n"
        "while True:\n    ledger.insert(row(f'r{i}', 1e9 + i, local_j=1.0)); print(i, flush=True); i += 1\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True, env=environ
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(50)][-1]
    process.send_signal(signal.SIGKILL)
    acknowledged = int((process.stdout.read().split() or [str(acknowledged)])[-1])
    process.wait()
    process.stdout.close()
    ledger = Ledger(path)
    assert ledger.summary(0.0).requests >= acknowledged + 1
    assert_sums_match(ledger)


def test_damaged_ledger_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"this is not a database, it only has the name of one" * 100)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="keeps such a file aside"):
        Ledger(path)
    assert path.read_bytes() == before


def test_ledger_in_an_impossible_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(LedgerError, match="folder cannot be used"):
        Ledger(tmp_path / "file" / "ledger.sqlite3")


def test_full_disk_is_a_sentence_and_keeps_what_was_stored(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.insert(row("a", NOW_S, local_j=1.0))
    with ledger.reading() as connection:
        n_pages = connection.execute("PRAGMA page_count").fetchone()[0]
    ledger.close()
    connect = sqlite3.connect

    def connect_to_a_full_disk(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.execute(f"PRAGMA max_page_count = {n_pages}")  # SQLite's own way to run out of space
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_to_a_full_disk)
    ledger = Ledger(ledger.path)
    with pytest.raises(LedgerError, match="disk is full"):
        for i in range(5000):
            ledger.insert(row(f"b{i}", NOW_S, local_j=1.0, reason="x" * 500))
    assert ledger.recent(10_000)[-1].request_id == "a"
    assert_sums_match(ledger)


def test_ledger_file_is_for_its_owner_only(ledger: Ledger) -> None:
    ledger.insert(row("a", NOW_S))
    files = sorted(ledger.path.parent.iterdir())
    assert [file.name.removeprefix(ledger.path.name) for file in files] == ["", "-shm", "-wal"]
    assert [file.stat().st_mode & 0o077 for file in files] == [0, 0, 0]


def test_no_code_prompt_or_path_has_a_column(ledger: Ledger) -> None:
    ledger.insert(row("a", NOW_S, local_j=1.0))
    ledger.close()
    assert b"planted_code" not in ledger.path.read_bytes()
    columns = {line[1] for line in sqlite3.connect(ledger.path).execute("PRAGMA table_info(requests)")}
    assert not columns & {"code", "prompt", "path", "document", "text", "messages"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", 0.0),
        ("24h", NOW_S - DAY_S),
        ("7d", NOW_S - 7 * DAY_S),
        ("2W", NOW_S - 14 * DAY_S),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC).timestamp()),
        ("2026-01-31T12:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC).timestamp()),
        ("999999d", 0.0),
    ],
)
def test_time_spans(text: str, expected: float) -> None:
    assert ledger_summary.parse_since(text, datetime.fromtimestamp(NOW_S, UTC)) == expected


@pytest.mark.parametrize("text", ["", "7", "d", "seven days", "2026-13-01", "-7d"])
def test_bad_time_span_names_the_good_ones(text: str) -> None:
    with pytest.raises(UsageError, match="24h, 7d, 4w, today, all"):
        ledger_summary.parse_since(text, datetime.fromtimestamp(NOW_S, UTC))


def test_today_starts_at_midnight_of_the_users_own_zone(ledger: Ledger) -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    midnight = datetime(2026, 11, 21, tzinfo=zone)
    ledger.insert(row("yesterday", midnight.timestamp() - 60, local_j=1.0))
    ledger.insert(row("today", midnight.timestamp() + 60, local_j=1.0))
    assert ledger.summary(ledger_summary.today(midnight + timedelta(hours=9))).requests == 1
