"""The ledger: one SQLite file with a row per request and sums per hour, day and thirty days.

It is thread-safe and synchronous. An insert takes well under a millisecond, unless another process holds the file; so
write from a thread, not from an event loop. Queries have connections of their own and never wait for a writer. A change
to a row and to the sums is one transaction in write-ahead mode, so that stored rows survive a killed process. The
ledger estimates nothing, and it never stores code, prompts, keys or paths. Queries over many rows are in summary.py.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.errors import ForeignLedgerError, LedgerError
from halfwatt.daemon.wire import EnergySummary, Feedback

from . import summary as ledger_summary
from .migrations import migrate
from .rows import LedgerRow, wasted_after

DAY_S = 86400
MIN_FREE_BYTES = 64 * 1024  # on the disk; with less, an error of SQLite's counts as a full disk
FIELDS = LedgerRow.__struct_fields__
CHECKPOINT_PAGES = 16_384  # 64 MiB of write-ahead log between checkpoints, because a checkpoint delays an insert
BUSY_S = 10.0  # another process may hold the file that long, for example to give disk space back
DELETED_AT_ONCE = 2000  # rows; a few milliseconds
_INSERT = f"INSERT INTO requests ({', '.join(FIELDS)}) VALUES ({', '.join('?' * len(FIELDS))})"  # noqa: S608 - own names


class Ledger:
    """An open ledger. Every method raises LedgerError with a sentence where the file cannot be used.

    With `renews`, a file that is damaged or of a newer version is kept aside, and a new one is started; `problem` then
    says so. A file that was deleted is made again."""

    def __init__(self, path: Path, renews: bool = False) -> None:
        self.path = path
        self.problem: str | None = None
        self._renews = renews
        self._lock = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._closed = False
        try:
            self._open()
        except ForeignLedgerError as error:
            self._renew(error)

    def insert(self, row: LedgerRow) -> None:
        """Store one request and count it in the sums."""
        try:
            self._insert(row)
        except ForeignLedgerError as error:
            with self._lock:
                self._renew(error)
            self._insert(row)

    def _insert(self, row: LedgerRow) -> None:
        values = [_column(getattr(row, name)) for name in FIELDS]
        with self._transaction() as connection:
            cursor = connection.execute(_INSERT, values)
            _count(connection, int(cursor.lastrowid or 0), +1)

    def record_outcome(self, feedback: Feedback) -> bool:
        """Record what became of an answer; False where the ledger has no such request, or no longer has it."""
        with self._transaction() as connection:
            found = connection.execute(
                "SELECT id, total_j, draft_wasted_j FROM requests WHERE request_id = ?", (feedback.request_id,)
            ).fetchone()
            if found is None:
                return False
            row_id, total_j, draft_j = found
            _count(connection, row_id, -1)
            connection.execute(
                "UPDATE requests SET outcome = ?, wasted_j = ?, accepted_chars = COALESCE(?, accepted_chars) "
                "WHERE id = ?",
                (feedback.outcome, wasted_after(feedback.outcome, total_j, draft_j), feedback.n_chars, row_id),
            )
            _count(connection, row_id, +1)
            return True

    def replace(self, rows: Iterable[LedgerRow]) -> int:
        """Store requests again, with new estimates, in one transaction; the number of those still in the ledger."""
        names = ", ".join(f"{name} = ?" for name in FIELDS)
        n_replaced = 0
        with self._transaction() as connection:
            for row in rows:
                find = "SELECT id FROM requests WHERE request_id = ?"
                found = connection.execute(find, (row.request_id,)).fetchone()
                if found is None:
                    continue
                _count(connection, found[0], -1)
                values = [*(_column(getattr(row, name)) for name in FIELDS), found[0]]
                connection.execute(f"UPDATE requests SET {names} WHERE id = ?", values)  # noqa: S608 - own names
                _count(connection, found[0], +1)
                n_replaced += 1
        return n_replaced

    def retain(self, days: int | None, now_s: float) -> int:
        """Delete what is older than the retention setting allows; None keeps everything."""
        return 0 if days is None else self.purge(now_s - days * DAY_S)

    def purge(self, before_s: float | None, compact: bool = False) -> int:
        """Delete what is older than a moment (epoch seconds), or everything for None; the number of deleted requests.

        `compact` also gives the disk space back, which takes seconds for a large file."""
        n_deleted = self._delete_all() if before_s is None else self._delete(before_s)
        if compact:
            with self._lock, self._errors_as_sentences():
                self._connection.execute("VACUUM")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return n_deleted

    def _delete_all(self) -> int:
        with self._transaction() as connection:
            n = connection.execute("SELECT COUNT(*) FROM requests").fetchone()[0]
            for table in ("requests", *ledger_summary.SPANS):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - own names
        return int(n)

    def _delete(self, before_s: float) -> int:
        """Delete the sums of whole days before the moment, and sum the day that it cuts again from what stays.

        Then delete the rows, a few at a time, so that no insert waits long."""
        with self._transaction() as connection:
            for table, span_s in ledger_summary.SPANS.items():
                bucket = int(before_s // span_s)
                connection.execute(f"DELETE FROM {table} WHERE bucket <= ?", (bucket,))  # noqa: S608 - own names
                ledger_summary.refill_bucket(connection, table, bucket, before_s)
        n_deleted = 0
        while True:
            with self._transaction() as connection:
                old = "SELECT id FROM requests WHERE time < ? LIMIT ?"
                delete = f"DELETE FROM requests WHERE id IN ({old})"  # noqa: S608 - own names
                n = connection.execute(delete, (before_s, DELETED_AT_ONCE)).rowcount
            n_deleted += n
            if n < DELETED_AT_ONCE:
                return n_deleted
            time.sleep(0.001)  # let a waiting writer in

    def summary(self, since_s: float) -> EnergySummary:
        """Sums over all requests since a moment (epoch seconds; 0 for all time)."""
        with self.reading() as connection:
            return ledger_summary.summary(connection, since_s)

    def local_rate(self, model: str) -> Reading | None:
        """This machine's joules per token for a local model, from its latest answers; None before the first."""
        with self.reading() as connection:
            return ledger_summary.local_rate(connection, model)

    def recent(self, n: int) -> list[LedgerRow]:
        """The latest requests, newest first."""
        with self.reading() as connection:
            return list(_rows(connection, "ORDER BY time DESC LIMIT ?", (n,)))

    def rows(self, since_s: float = 0.0, batch: int = 1000) -> Iterator[LedgerRow]:
        """All requests since a moment, oldest first, read in batches so that no writer waits."""
        after = 0
        while True:
            with self.reading() as connection:
                ids = "SELECT id FROM requests WHERE time >= ? AND id > ? ORDER BY id LIMIT ?"
                found = [line[0] for line in connection.execute(ids, (since_s, after, batch))]
                if not found:
                    return
                rows = list(_rows(connection, "WHERE time >= ? AND id BETWEEN ? AND ?", (since_s, found[0], found[-1])))
            after = found[-1]
            yield from rows

    def between(self, start_s: float, end_s: float) -> list[LedgerRow]:
        """The requests from a moment until before another, oldest first."""
        with self.reading() as connection:
            return list(_rows(connection, "WHERE time >= ? AND time < ? ORDER BY time", (start_s, end_s)))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that cannot write, for a query of summary.py, the dashboard or the telemetry."""
        with self._errors_as_sentences():
            file = self._file
            try:
                connection = self._readers.pop()
            except IndexError:
                connection = self._connect()
                connection.execute("PRAGMA query_only = 1")
            try:
                yield connection
            finally:
                if file == self._file:
                    self._readers.append(connection)
                else:  # a new file was started meanwhile
                    connection.close()

    def close(self) -> None:
        """Write the log back into the file and close it. Later calls are errors."""
        with self._lock, suppress(sqlite3.Error):
            self._closed = True
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._close_connections()

    def _open(self) -> None:
        with self._errors_as_sentences():
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.touch(mode=0o600)  # the log files beside it take over its mode
            self._connection = self._connect()
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
            self._file = self._file_now()

    def _renew(self, error: ForeignLedgerError) -> None:
        """Keep the file aside and start a new one; raise the error again where that is not wanted."""
        if not self._renews:
            raise error
        self._close_connections()
        kept = keep_aside(self.path)
        self._open()
        self.problem = (
            f"The ledger could not be read: it was damaged or written by a newer halfwatt. It was kept as {kept.name} "
            f"in {kept.parent}, and a new one was started."
        )

    def _close_connections(self) -> None:
        with suppress(sqlite3.Error):
            while self._readers:
                self._readers.pop().close()
            self._connection.close()

    def _file_now(self) -> tuple[int, int] | None:
        """What file the path names at this moment: device and inode."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _open_again_if_replaced(self) -> None:
        """SQLite would go on with a file that was deleted, and what it stored would be lost."""
        if self._renews and not self._closed and self._file_now() != self._file:
            self._close_connections()
            self._open()

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise sqlite3.ProgrammingError("it is closed")
        return sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)

    def _prepare(self) -> None:
        connection = self._connection
        with suppress(OSError):
            self.path.chmod(0o600)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # safe against a killed process; power loss costs seconds
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        migrate(connection)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._errors_as_sentences():
            self._open_again_if_replaced()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors_as_sentences(self) -> Iterator[None]:
        """Turn errors of SQLite and the system into LedgerError."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise LedgerError(f"The ledger refused a row: {error}. The row was dropped.") from error
        except sqlite3.DatabaseError as error:
            kind = ForeignLedgerError if _is_damage(error) else LedgerError
            raise kind(_sentence(error, self.path)) from error
        except OSError as error:
            raise LedgerError(
                f"The ledger's folder cannot be used ({error.strerror}): {self.path.parent}. Nothing was stored; "
                "check its permissions and the free disk space."
            ) from error


def _count(connection: sqlite3.Connection, row_id: int, sign: int) -> None:
    """Add one request to the sums (+1), or take it out of them (-1)."""
    for statement in ledger_summary.COUNT_STATEMENTS:
        connection.execute(statement, {"id": row_id, "sign": sign})


def _rows(connection: sqlite3.Connection, clause: str, values: tuple[float, ...]) -> Iterator[LedgerRow]:
    query = f"SELECT {', '.join(FIELDS)} FROM requests {clause}"  # noqa: S608 - own names
    for line in connection.execute(query, values):
        columns = dict(zip(FIELDS, line, strict=True))
        columns["scores"] = msgspec.json.decode(columns["scores"])
        yield msgspec.convert(columns, LedgerRow, strict=False)


def _column(value: object) -> object:
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else value


def _disk_is_full(path: Path) -> bool:
    """Whether the disk is full. SQLite has several messages for that, so this looks at the disk."""
    try:
        return shutil.disk_usage(path.parent).free < MIN_FREE_BYTES
    except OSError:
        return False


def keep_aside(path: Path) -> Path:
    """Give a ledger and the log files beside it another name; the new name."""
    moment = time.strftime("%Y%m%d-%H%M%S")
    kept = next(
        name for n in range(1000) if not (name := path.with_name(f"{path.stem}-kept-{moment}-{n}.sqlite3")).exists()
    )
    for ending in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).replace(kept.with_name(kept.name + ending))
    return kept


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return "not a database" in str(error) or "malformed" in str(error)


def _sentence(error: sqlite3.DatabaseError, path: Path) -> str:
    text = str(error)
    if _is_damage(error):
        return (
            f"The ledger is damaged ({path}) and was left as it is. The daemon keeps such a file aside and starts a "
            "new one: `halfwatt daemon start`."
        )
    if "locked" in text:
        return "The ledger is busy with another process; nothing was stored. Try again in a moment."
    if "full" in text or _disk_is_full(path):
        return f"The disk is full: the ledger ({path}) could not be written. Free some space."
    return f"The ledger ({path}) cannot be used: {text}. Nothing was stored; check the file and its folder."
