"""The ledger's rows as CSV or JSON Lines, written row by row. Fields and units are those of rows.LedgerRow."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from .rows import LedgerRow


def write_csv(rows: Iterable[LedgerRow], file: TextIO) -> int:
    """A header line, then one line per request; unknown numbers are empty fields. Returns the number of requests."""
    writer = csv.writer(file)
    writer.writerow(LedgerRow.__struct_fields__)
    n_rows = 0
    for row in rows:
        writer.writerow([_cell(value) for value in _plain(row).values()])
        n_rows += 1
    return n_rows


def write_jsonl(rows: Iterable[LedgerRow], file: TextIO) -> int:
    """One object a line; unknown numbers are null. Returns the number of requests."""
    n_rows = 0
    for row in rows:
        file.write(msgspec.json.encode(_plain(row)).decode() + "\n")
        n_rows += 1
    return n_rows


def _plain(row: LedgerRow) -> dict[str, Any]:
    """The row as plain data, its time as ISO 8601 in UTC."""
    fields: dict[str, Any] = msgspec.to_builtins(row)
    fields["time"] = datetime.fromtimestamp(row.time, UTC).isoformat()
    return fields


def _cell(value: Any) -> Any:
    """A quote goes before text that a spreadsheet would run as a formula."""
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
