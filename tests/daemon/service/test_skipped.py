"""Calls for ghost text that were not made: rows that used nothing, with what a call would have used."""

from __future__ import annotations

from pathlib import Path

import pytest
from energy_rows import row

from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.service.skipped import book_skipped
from halfwatt.daemon.wire import Skipped

NOW_S = 1_790_000_000.0
SKIPPED = Skipped("nvim", "python", "a useful suggestion is unlikely here", 3)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite3")


def test_each_call_that_was_not_made_is_a_row_without_joules_and_with_its_reason(ledger: Ledger) -> None:
    book_skipped(SKIPPED, ledger, NOW_S)
    rows = ledger.recent(10)
    assert len(rows) == 3
    assert {(each.tier, each.reason, each.stop) for each in rows} == {("none", SKIPPED.reason, "not_called")}
    assert {each.saved_local_j for each in rows} == {None}


def test_saving_is_the_mean_of_the_newest_local_ghost_texts(ledger: Ledger) -> None:
    for n, joules in enumerate((2.0, 4.0)):
        ledger.insert(row(f"{n}", NOW_S, local_j=joules, router_j=0.0, request_kind="complete"))
    ledger.insert(row("a function", NOW_S, local_j=500.0, router_j=0.0))
    ledger.insert(row("cloud", NOW_S, cloud_j=500.0, router_j=0.0, kind="cloud", request_kind="complete"))
    book_skipped(SKIPPED, ledger, NOW_S + 1)
    newest = ledger.recent(1)[0]
    assert newest.saved_local_j == pytest.approx(3.0)
    assert newest.saved_local_low_j is not None
    assert newest.saved_local_high_j is not None
    assert newest.saved_local_low_j < 3.0 < newest.saved_local_high_j
