"""The ledger's schema as numbered steps. A released step is never edited: a change is a new step at the end.

`PRAGMA user_version` holds the number of the last step that ran. Each step runs in one transaction. This module opens
no file; ledger.py passes the connection.
"""

from __future__ import annotations

import sqlite3

from halfwatt.daemon.errors import ForeignLedgerError

_REQUESTS = """
CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL UNIQUE,
    time REAL NOT NULL,
    editor TEXT NOT NULL,
    language TEXT,
    kind TEXT NOT NULL,
    route TEXT NOT NULL,
    tier TEXT NOT NULL,
    tier_kind TEXT NOT NULL,
    model TEXT NOT NULL,
    reason TEXT NOT NULL,
    scores TEXT NOT NULL,
    stop TEXT NOT NULL,
    prompt_tokens INTEGER,
    cached_tokens INTEGER,
    completion_tokens INTEGER,
    queue_ms REAL,
    first_token_ms REAL,
    total_ms REAL,
    method TEXT,
    total_j REAL,
    low_j REAL,
    high_j REAL,
    router_j REAL,
    local_j REAL,
    cloud_j REAL,
    wasted_j REAL,
    meter TEXT NOT NULL,
    meter_version TEXT NOT NULL,
    cloud_meter TEXT NOT NULL,
    cloud_meter_version TEXT NOT NULL,
    saved_j REAL,
    saved_low_j REAL,
    saved_high_j REAL,
    reference TEXT NOT NULL,
    cost REAL,
    outcome TEXT,
    accepted_chars INTEGER
);
CREATE INDEX requests_by_time ON requests (time);
"""

# Ranges of this machine's part and the cloud's, so that sums over many requests can be made per meter; the part that
# was wasted before any outcome was known; the saving against the local model alone.
_RANGES = """
ALTER TABLE requests ADD COLUMN device_j REAL;
ALTER TABLE requests ADD COLUMN device_low_j REAL;
ALTER TABLE requests ADD COLUMN device_high_j REAL;
ALTER TABLE requests ADD COLUMN cloud_low_j REAL;
ALTER TABLE requests ADD COLUMN cloud_high_j REAL;
ALTER TABLE requests ADD COLUMN gross_j REAL;
ALTER TABLE requests ADD COLUMN draft_wasted_j REAL;
ALTER TABLE requests ADD COLUMN saved_local_j REAL;
ALTER TABLE requests ADD COLUMN saved_local_low_j REAL;
ALTER TABLE requests ADD COLUMN saved_local_high_j REAL;
UPDATE requests SET
    device_j = router_j + local_j,
    device_low_j = CASE WHEN cloud_j = 0 THEN low_j ELSE router_j + local_j END,
    device_high_j = CASE WHEN cloud_j = 0 THEN high_j ELSE router_j + local_j END,
    cloud_low_j = CASE WHEN cloud_j = 0 THEN 0 ELSE low_j - router_j - local_j END,
    cloud_high_j = CASE WHEN cloud_j = 0 THEN 0 ELSE high_j - router_j - local_j END,
    draft_wasted_j = wasted_j;
"""

_ROLLUP_COLUMNS = """
    bucket INTEGER NOT NULL,
    editor TEXT NOT NULL,
    language TEXT NOT NULL,
    kind TEXT NOT NULL,
    tier TEXT NOT NULL,
    tier_kind TEXT NOT NULL,
    method TEXT NOT NULL,
    meter TEXT NOT NULL,
    cloud_meter TEXT NOT NULL,
    reference TEXT NOT NULL,
    n INTEGER NOT NULL,
    n_unknown INTEGER NOT NULL,
    n_decided INTEGER NOT NULL,
    n_accepted INTEGER NOT NULL,
    accepted_chars INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    router_j REAL, local_j REAL, cloud_j REAL, wasted_j REAL, gross_j REAL,
    device_j REAL, device_low_j REAL, device_high_j REAL, cloud_low_j REAL, cloud_high_j REAL,
    saved_j REAL, saved_low_j REAL, saved_high_j REAL,
    saved_local_j REAL, saved_local_low_j REAL, saved_local_high_j REAL,
    PRIMARY KEY (bucket, editor, language, kind, tier, tier_kind, method, meter, cloud_meter, reference)
"""

# Sums per hour, per day and per thirty days (UTC; bucket = epoch seconds ÷ span), kept up to date in the transaction
# of every change.
_ROLLUPS = f"""
CREATE TABLE energy_hour ({_ROLLUP_COLUMNS}) WITHOUT ROWID;
CREATE TABLE energy_day ({_ROLLUP_COLUMNS}) WITHOUT ROWID;
CREATE TABLE energy_month ({_ROLLUP_COLUMNS}) WITHOUT ROWID;
"""


def _backfill(table: str, seconds: int) -> str:
    return f"""
INSERT INTO {table}
SELECT
    CAST(time / {seconds} AS INTEGER), editor, COALESCE(language, ''), kind, tier, tier_kind,
    COALESCE(method, 'unknown'), meter, cloud_meter, reference,
    COUNT(*), SUM(total_j IS NULL),
    SUM(outcome IS NOT NULL AND outcome <> 'offered'),
    SUM(outcome IS NOT NULL AND outcome IN ('accepted', 'partially_accepted')),
    SUM(COALESCE(accepted_chars, 0)), SUM(COALESCE(prompt_tokens, 0)), SUM(COALESCE(completion_tokens, 0)),
    SUM(router_j), SUM(local_j), SUM(cloud_j), SUM(wasted_j), SUM(gross_j),
    SUM(device_j), SUM(device_low_j), SUM(device_high_j), SUM(cloud_low_j), SUM(cloud_high_j),
    SUM(saved_j), SUM(saved_low_j), SUM(saved_high_j),
    SUM(saved_local_j), SUM(saved_local_low_j), SUM(saved_local_high_j)
FROM requests GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10;
"""  # noqa: S608 - own names


MIGRATIONS: tuple[str, ...] = (
    _REQUESTS,
    _RANGES,
    _ROLLUPS + _backfill("energy_hour", 3600) + _backfill("energy_day", 86400) + _backfill("energy_month", 2592000),
)


def migrate(connection: sqlite3.Connection, up_to: int | None = None) -> int:
    """Bring the schema to step `up_to` (default: the newest) and return the step it was at before.

    Raises ForeignLedgerError when a newer halfwatt wrote the file."""
    target = len(MIGRATIONS) if up_to is None else up_to
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > len(MIGRATIONS):
        raise ForeignLedgerError(
            f"The ledger was written by a newer halfwatt (schema {found}, this one knows {len(MIGRATIONS)}). "
            "It was left as it is; update halfwatt."
        )
    for number in range(found, target):
        _step(connection, number)
    return found


def _step(connection: sqlite3.Connection, number: int) -> None:
    """Run one step unless another process did it in the meantime."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] == number:
            for statement in MIGRATIONS[number].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
