"""The user's feedback as a small shift of what is expected of a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from energy_rows import row

from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.routing.feedback_bias import FeedbackBias
from halfwatt.daemon.wire import Feedback

NOW_S = 1_790_000_000.0


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite3")


def reject(ledger: Ledger, n: int) -> None:
    """The user rejects this many answers of the local model."""
    for i in range(n):
        ledger.insert(row(f"r{i}", NOW_S + i, local_j=1.0))
        assert ledger.record_outcome(Feedback(f"r{i}", "rejected"))


def test_feedback_shifts_what_is_expected_of_a_model_a_little(ledger: Ledger) -> None:
    assert FeedbackBias(ledger).bias_logit("qwen") == 0
    reject(ledger, 30)
    assert -0.5 <= FeedbackBias(ledger).bias_logit("qwen") < -0.1
    assert FeedbackBias(ledger).bias_logit("gpt-4o-mini") == 0


def test_feedback_that_was_reset_does_not_count_any_more(ledger: Ledger) -> None:
    reject(ledger, 30)
    reset = NOW_S + 31
    assert FeedbackBias(ledger, since=lambda: reset).bias_logit("qwen") == 0
    assert FeedbackBias(ledger).outcomes("qwen") == {"rejected": 30}
