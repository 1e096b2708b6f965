"""A ledger with ten years of requests, made quickly: rows at the schema before the sums, then the migration."""

from __future__ import annotations

import random
import sqlite3
import time
from pathlib import Path

from halfwatt.daemon.ledger.migrations import migrate

YEARS_10_S = 10 * 365.25 * 86400
TIERS = (("local", "local", "qwen", "modelled"), ("cloud", "cloud", "gpt-4o-mini", "estimated"))
NAMES = (
    "request_id, time, editor, language, kind, route, tier, tier_kind, model, reason, scores, stop, prompt_tokens, "
    "completion_tokens, queue_ms, first_token_ms, total_ms, method, total_j, low_j, high_j, router_j, local_j, "
    "cloud_j, wasted_j, meter, meter_version, cloud_meter, cloud_meter_version, saved_j, saved_low_j, saved_high_j, "
    "reference, outcome, accepted_chars, device_j, device_low_j, device_high_j, cloud_low_j, "
    "cloud_high_j, draft_wasted_j"
)


def fill(path: Path, n_rows: int, now_s: float, seed: int = 1) -> float:
    """Write `n_rows` requests spread over the ten years before `now_s`; seconds that the last migration took."""
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, up_to=2)
    dice = random.Random(seed)  # noqa: S311 - made-up rows, no secrets
    marks = ", ".join("?" * len(NAMES.split(",")))
    connection.execute("BEGIN")
    moments = sorted(_moment(dice, now_s) for _ in range(n_rows))
    connection.executemany(
        f"INSERT INTO requests ({NAMES}) VALUES ({marks})",  # noqa: S608 - own names
        (_row(dice, number, moment) for number, moment in enumerate(moments)),
    )
    connection.execute("COMMIT")
    started = time.perf_counter()
    migrate(connection)
    seconds = time.perf_counter() - started
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return seconds


def _moment(dice: random.Random, now_s: float) -> float:
    """Some second of a working day's eight hours."""
    day = dice.randrange(int(YEARS_10_S // 86400))
    return now_s // 86400 * 86400 - day * 86400 + 8 * 3600 + dice.random() * 8 * 3600 - 86400


def _row(dice: random.Random, number: int, moment: float) -> tuple[object, ...]:
    tier, kind, model, method = TIERS[dice.random() < 0.2]
    local_j, cloud_j = (dice.uniform(2, 90), 0.0) if kind == "local" else (0.0, dice.uniform(10, 60))
    total = 0.2 + local_j + cloud_j
    saved = dice.uniform(-30, 30)
    outcome = dice.choice((None, "accepted", "accepted", "rejected"))
    wasted, n_chars = (total, None) if outcome == "rejected" else (0.0, dice.randrange(200) if outcome else None)
    return (
        f"{number:032x}", moment, dice.choice(("vscode", "neovim")), dice.choice(("python", "typescript", "go")),
        dice.choice(("complete", "generate")), "auto", tier, kind, model, "91 % likely to pass", "{}", "stop",
        dice.randrange(900), dice.randrange(1, 200), 1.0, 90.0, dice.uniform(100, 5000), method, total, total * 0.5,
        total * 2, 0.2, local_j, cloud_j, wasted, "cpu-model", "1", "ecologits" if cloud_j else "", "0.11.3", saved,
        saved - 20, saved + 20, "gpt-4o-mini", outcome, n_chars,
        0.2 + local_j, 0.1 + local_j / 2, 0.4 + local_j * 2, cloud_j / 2, cloud_j * 2, 0.0,
    )  # fmt: skip
