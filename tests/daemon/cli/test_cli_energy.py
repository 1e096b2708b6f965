"""`halfwatt energy` as a user calls it: real processes over a real ledger file."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from energy_rows import row

from halfwatt.daemon.cli import energy_text
from halfwatt.daemon.ledger import recompute
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.settings.schema import Config, TierConfig
from halfwatt.daemon.wire import Energy, EnergySummary, Feedback, Saved

PROGRAM = "from halfwatt.lsp.cli import main; main()"


@pytest.fixture
def call(clean_environ: dict[str, str]):  # type: ignore[no-untyped-def]  # a small local function
    def run(*arguments: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            env=clean_environ, capture_output=True, text=True, input=typed, timeout=120,
        )  # fmt: skip

    return run


@pytest.fixture
def filled(paths: Paths) -> Ledger:
    ledger = Ledger(paths.ledger_file)
    now = time.time()
    ledger.insert(row("a", now, local_j=60.0))
    ledger.insert(row("b", now - 3 * 86400, cloud_j=30.0, kind="cloud"))
    ledger.insert(row("c", now - 40 * 86400, local_j=10.0, reason='=HYPERLINK("x")'))
    ledger.record_outcome(Feedback("c", "rejected"))
    return ledger


def test_empty_ledger_teaches_how_to_fill_it(call) -> None:  # type: ignore[no-untyped-def]
    done = call("energy")
    assert done.returncode == 0
    assert "The ledger is empty" in done.stdout
    assert "halfwatt generate FILE:LINE" in done.stdout


def test_table_shows_today_seven_days_and_all_time_with_ranges_and_reference(call, filled: Ledger) -> None:  # type: ignore[no-untyped-def]
    done = call("energy")
    assert done.returncode == 0, done.stderr
    header, requests, used, used_range = done.stdout.splitlines()[:4]
    assert header.split() == ["today", "7", "days", "all", "time"]
    assert requests.split() == ["Requests", "1", "2", "3"]
    assert used.split()[:3] == ["Used", "61", "J"]
    assert used_range.split()[:5] == ["range", "30.5", "to", "91.5", "J"]
    assert all(len(line) <= 90 for line in done.stdout.splitlines())
    assert "Saved against gpt-4o-mini" in done.stdout
    assert "−41 J" in done.stdout
    assert "Joules per day" in done.stdout


def test_the_table_is_printed_without_loading_the_command_line_library(
    clean_environ: dict[str, str], filled: Ledger
) -> None:
    program = "import sys; from halfwatt.lsp.cli import main; main(); sys.exit('typer' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program, "energy"], env=clean_environ, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b" ")


def test_damaged_ledger_is_reported_in_a_sentence(call, paths: Paths) -> None:  # type: ignore[no-untyped-def]
    paths.ledger_file.parent.mkdir(parents=True)
    paths.ledger_file.write_text("not a ledger, and long enough to be read as one" * 100)
    done = call("energy")
    assert (done.returncode, done.stdout) == (1, "")
    assert "The ledger is damaged" in done.stderr


def test_json_is_one_object_of_the_contract(call, filled: Ledger) -> None:  # type: ignore[no-untyped-def]
    summary = json.loads(call("energy", "--json").stdout)
    assert summary["requests"] == 3
    assert set(summary) >= {"since", "requests", "energy", "saved", "by_tier", "method_shares"}
    assert summary["energy"]["total_j"] == pytest.approx(61 + 31 + 11)
    assert summary["energy"]["wasted_j"] == pytest.approx(11)
    assert sum(summary["method_shares"].values()) == pytest.approx(1)
    assert json.loads(call("energy", "--since", "7d", "--json").stdout)["requests"] == 2


def test_bad_time_span_is_a_usage_error(call) -> None:  # type: ignore[no-untyped-def]
    done = call("energy", "--since", "soon")
    assert done.returncode == 2
    assert "24h, 7d, 4w, today, all" in done.stderr


def test_csv_and_json_lines_hold_every_row(call, filled: Ledger, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    rows = list(csv.DictReader(io.StringIO(call("energy", "export", "--csv").stdout)))
    assert [each["request_id"] for each in rows] == ["a", "b", "c"]
    assert rows[0]["total_j"] == "61.0"
    assert rows[2]["reason"].startswith("'=")  # no spreadsheet runs it
    file = tmp_path / "rows.jsonl"
    done = call("energy", "export", "--jsonl", "--since", "7d", "-o", str(file))
    assert done.returncode == 0
    assert [json.loads(line)["request_id"] for line in file.read_text().splitlines()] == ["a", "b"]


@pytest.mark.parametrize("arguments", [("export",), ("export", "--csv", "--jsonl"), ("purge",)])
def test_export_and_purge_ask_for_what_they_need(call, arguments: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    assert call("energy", *arguments).returncode == 2


def test_purge_asks_first_and_deletes_only_what_was_said(call, filled: Ledger) -> None:  # type: ignore[no-untyped-def]
    assert call("energy", "purge", "--all", typed="n\n").returncode == 1
    assert filled.summary(0.0).requests == 3
    assert "1 requests deleted" in call("energy", "purge", "--older-than", "30d", "--yes").stdout
    assert filled.summary(0.0).requests == 2
    assert call("energy", "purge", "--all", "--yes").returncode == 0
    assert filled.summary(0.0).requests == 0


def test_damaged_ledger_is_a_sentence_not_a_traceback(call, paths: Paths) -> None:  # type: ignore[no-untyped-def]
    paths.ledger_file.parent.mkdir(parents=True)
    paths.ledger_file.write_bytes(b"no database" * 500)
    done = call("energy")
    assert done.returncode == 1
    assert "keeps such a file aside" in done.stderr
    assert "Traceback" not in done.stderr


def test_recompute_makes_estimates_again_and_leaves_measurements(call, filled: Ledger, paths: Paths) -> None:  # type: ignore[no-untyped-def]
    done = call("energy", "recompute")
    assert done.returncode == 0, done.stderr
    assert "3 requests looked at" in done.stdout
    new = {each.request_id: each for each in filled.recent(5)}
    assert new["a"].total_j == 61.0
    assert new["a"].saved_j != row("a", 0, local_j=60.0).saved_j
    assert new["b"].cloud_j not in (None, 30.0)
    assert new["c"].wasted_j == 11.0


def test_recompute_fills_in_a_model_that_the_user_described_since() -> None:
    lost = row("x", 1e9, kind="cloud", unknown_cloud=True)
    assert lost.total_j is None
    tier = TierConfig("big", "cloud", "http://localhost/v1", "gpt-4o-mini", joules_per_token=0.5)
    again = recompute.recomputed(lost, Config(tiers=(tier,)))
    assert (again.cloud_j, again.cloud_meter, again.total_j) == (20.0, "user", 21.0)
    assert again.method == "estimated"


def test_recompute_twice_changes_nothing_more() -> None:
    once = recompute.recomputed(row("x", 1e9, local_j=5.0, cloud_j=9.0, kind="cloud", wasted="all"), Config())
    assert once.wasted_j == once.total_j
    assert recompute.recomputed(once, Config()) == once


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (0.0, "0 J"),
        (0.0421, "42.1 mJ"),
        (60.2, "60.2 J"),
        (-37.0, "−37 J"),
        (999.7, "1 kJ"),
        (1234.0, "1.23 kJ"),
        (2.5e6, "2.5 MJ"),
    ],
)
def test_joules_read_well(value: float | None, text: str) -> None:
    assert energy_text.joules(value) == text


def test_unknown_is_shown_as_unknown_never_as_zero() -> None:
    lost = EnergySummary("", 1, Energy(), Saved(), {}, {"unknown": 1.0})
    lines = energy_text.table([("today", lost)]).splitlines()
    assert next(line for line in lines if line.startswith("Used")).split() == ["Used", "unknown"]


def test_small_share_is_not_shown_as_none() -> None:
    lost = EnergySummary("", 401, Energy(), Saved(), {}, {"unknown": 1 / 401, "modelled": 400 / 401})
    table = energy_text.table([("today", lost)])
    assert "under 1 %" in table
    assert "100 %" in table


def test_period_without_a_request_shows_a_dash_not_unknown() -> None:
    nothing = EnergySummary("", 0, Energy(), Saved(), {}, {})
    table = energy_text.table([("today", nothing)])
    assert "unknown" not in table
    assert next(line for line in table.splitlines() if line.startswith("Used")).split() == ["Used", "–"]


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (4940.0, 15700.0, "4.94 to 15.7 kJ"),
        (-900.0, 1200.0, "−900 J to 1.2 kJ"),
        (0.0, 0.0, "0 to 0 J"),
        (None, 1.0, "unknown"),
    ],
)
def test_range_names_its_unit_once_where_both_ends_share_it(low: float | None, high: float | None, text: str) -> None:
    assert energy_text.span(low, high) == text


def test_plot_marks_days_without_requests() -> None:
    plot = energy_text.plot([("d1", 1.0), ("d2", None), ("d3", 8.0)])
    assert plot.splitlines()[1] == "▁·█"
    assert energy_text.plot([("d1", None)]) == ""
