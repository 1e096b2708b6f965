"""The opt-in export against a real receiver process: what was shown is what is sent, and nothing else ever is."""

from __future__ import annotations

import getpass
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from energy_rows import row
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from repository import SUPPORT
from running_daemon import environ_for, halfwatt

from halfwatt.daemon.errors import UsageError
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.ledger.rows import LedgerRow
from halfwatt.daemon.paths import Paths, user_paths
from halfwatt.daemon.telemetry import consent
from halfwatt.daemon.telemetry import export as telemetry_export
from halfwatt.daemon.telemetry import otlp as telemetry

HOUR = int(time.time() // 3600)
NOW_S = HOUR * 3600.0 + 5
CANARY = "canary-7f3a"


class Receiver:
    """The receiver process and what it got."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.endpoint = f"http://127.0.0.1:{port}/v1/metrics"

    def answer_with(self, status: int) -> None:
        (self.folder / "status").write_text(str(status))

    @property
    def bodies(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted(self.folder.glob("*.body"))]

    @property
    def heads(self) -> list[str]:
        return [file.read_text() for file in sorted(self.folder.glob("*.head"))]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    folder = tmp_path / "received"
    folder.mkdir()
    program = SUPPORT / "servers" / "otlp_receiver.py"
    process = subprocess.Popen([sys.executable, str(program), str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield Receiver(folder, int(process.stdout.readline()))
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A home whose path, user, host and keys all hold the canary."""
    return environ_for(
        tmp_path / f"home-{CANARY}",
        USER=CANARY, LOGNAME=CANARY, HOSTNAME=CANARY, OPENAI_API_KEY=f"sk-{CANARY}", PWD=f"/{CANARY}",
    )  # fmt: skip


@pytest.fixture
def paths(environ: dict[str, str]) -> Paths:
    return user_paths(environ)


@pytest.fixture
def ledger(paths: Paths) -> Ledger:
    """Two full hours before this one, with the canary wherever a row has room for words."""
    made = Ledger(paths.ledger_file)
    for hour in (HOUR - 2, HOUR - 1):
        for i in range(24):
            plain = row(f"{CANARY}-{hour}-{i}", hour * 3600 + i * 137, local_j=10.0, total_ms=200.0)
            made.insert(
                msgspec.structs.replace(
                    plain, tier=CANARY, model=CANARY, reason=CANARY, editor=CANARY, stop=CANARY, reference=CANARY
                )
            )
        made.insert(row(f"rare-{hour}", hour * 3600 + 7, cloud_j=30.0, kind="cloud", language="go"))
        made.insert(row(f"odd-{hour}", hour * 3600 + 9, local_j=1.0, language=CANARY))
    return made


def give_consent(paths: Paths, endpoint: str, since_hour: int = HOUR - 2) -> consent.TelemetryState:
    return consent.enable(paths, endpoint, since_hour * 3600.0)


def decoded(body: bytes) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Metric name → [(attributes, value)]; a histogram's value is its count."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for metric in ExportMetricsServiceRequest.FromString(body).resource_metrics[0].scope_metrics[0].metrics:
        for point in metric.sum.data_points or metric.histogram.data_points:
            attributes = {pair.key: pair.value.string_value for pair in point.attributes}
            value = point.as_double if metric.HasField("sum") else float(point.count)
            found.setdefault(metric.name, []).append((attributes, value))
    return found


def test_hour_is_sent_as_counts_and_joules_by_fixed_words(paths: Paths, ledger: Ledger, receiver: Receiver) -> None:
    give_consent(paths, receiver.endpoint)
    state = telemetry_export.export_once(paths, ledger, "1.2.3", NOW_S)
    assert state is not None
    assert (state.next_hour, state.n_failures, telemetry_export.waiting(paths)) == (HOUR, 0, [])
    assert len(receiver.bodies) == 2
    metrics = decoded(receiver.bodies[0])
    words = {"tier": "local", "method": "modelled", "kind": "generate", "language": "python"}
    assert metrics["halfwatt.requests"] == [(words, 24.0)]
    assert metrics["halfwatt.energy.used"] == [(words, 264.0)]
    assert metrics["halfwatt.latency"] == [(words, 24.0)]


def test_small_groups_are_withheld() -> None:
    rows = [row(f"r{i}", 3600.0 * 9, local_j=1.0) for i in range(telemetry.SMALLEST_GROUP - 1)]
    assert telemetry.request_bytes(rows, 9, "id", "1") is None
    rows.append(row("one more", 3600.0 * 9, local_j=1.0))
    assert telemetry.request_bytes(rows, 9, "id", "1") is not None


def test_small_histogram_buckets_are_withheld() -> None:
    rows = [row(f"r{i}", 0.0, local_j=1.0, total_ms=9000.0 if i < 4 else 200.0) for i in range(20)]
    body = telemetry.request_bytes(rows, 0, "id", "1")
    assert body is not None
    ((_, count),) = decoded(body)["halfwatt.latency"]
    assert count == 16


def test_times_are_full_hours(ledger: Ledger) -> None:
    body = telemetry.request_bytes(ledger.between((HOUR - 1) * 3600, HOUR * 3600), HOUR - 1, "id", "1")
    assert body is not None
    metrics = ExportMetricsServiceRequest.FromString(body).resource_metrics[0].scope_metrics[0].metrics
    for metric in metrics:
        for point in metric.sum.data_points or metric.histogram.data_points:
            assert point.start_time_unix_nano == (HOUR - 1) * 3600 * 10**9
            assert point.time_unix_nano == HOUR * 3600 * 10**9


def test_words_that_are_on_no_list_become_other() -> None:
    odd = [
        msgspec.structs.replace(
            row(f"r{i}", 0.0, local_j=1.0), language=CANARY, kind=CANARY, tier_kind=CANARY, method=CANARY
        )
        for i in range(12)
    ]
    body = telemetry.request_bytes(odd, 0, "id", "1")
    assert body is not None
    ((words, _),) = decoded(body)["halfwatt.requests"]
    assert set(words.values()) == {"other"}


def test_unknown_joules_are_left_out_not_sent_as_zero() -> None:
    rows: list[LedgerRow] = [row(f"r{i}", 0.0, kind="cloud", unknown_cloud=True) for i in range(12)]
    body = telemetry.request_bytes(rows, 0, "id", "1")
    assert body is not None
    metrics = decoded(body)
    assert "halfwatt.energy.used" not in metrics
    assert metrics["halfwatt.requests"][0][0]["method"] == "unknown"


def test_what_preview_shows_is_stored_and_is_what_is_sent(
    environ: dict[str, str], paths: Paths, ledger: Ledger, receiver: Receiver
) -> None:
    give_consent(paths, receiver.endpoint)
    shown = halfwatt(environ, "telemetry", "preview")
    assert shown.returncode == 0, shown.stderr
    assert receiver.bodies == []
    stored = [file.read_bytes() for file in telemetry_export.waiting(paths)]
    assert len(stored) == 2
    assert all(body.hex() in shown.stdout for body in stored)
    sent = halfwatt(environ, "telemetry", "export")
    assert sent.returncode == 0, sent.stderr
    assert receiver.bodies == stored
    for line in receiver.heads[0].splitlines():
        assert line in shown.stdout.splitlines(), "a header was sent that preview did not show"


def test_no_byte_sent_holds_a_canary(environ: dict[str, str], paths: Paths, ledger: Ledger, receiver: Receiver) -> None:
    give_consent(paths, receiver.endpoint)
    assert halfwatt(environ, "telemetry", "export").returncode == 0
    everything = b"".join(receiver.bodies) + "".join(receiver.heads).encode()
    assert len(receiver.bodies) == 2
    secrets = (
        CANARY,
        "planted_code",
        str(paths.data),
        getpass.getuser() + "@",
        platform.node(),
        "likely to pass",
        "qwen",
    )
    for secret in secrets:
        assert secret.encode() not in everything, secret
    assert b"rare" not in everything


def test_off_means_no_network_code_is_even_loaded(environ: dict[str, str], ledger: Ledger) -> None:
    script = (
        "import os, sys, time\nfrom halfwatt.daemon.telemetry import export\n"
        "from halfwatt.daemon.ledger.ledger import Ledger\nfrom halfwatt.daemon.paths import user_paths\n"
        "paths = user_paths(os.environ)\n"
        "assert export.export_once(paths, Ledger(paths.ledger_file), '1', time.time()) is None\n"
        "loaded = {name.split('.')[0] for name in sys.modules} | set(sys.modules)\n"
        "print(sorted(loaded & {'httpx2', 'http', 'urllib3', 'opentelemetry', 'halfwatt.daemon.telemetry.send'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_nothing_is_sent_or_stored_without_consent(
    environ: dict[str, str], paths: Paths, ledger: Ledger, receiver: Receiver
) -> None:
    assert halfwatt(environ, "telemetry", "export").returncode == 1
    assert halfwatt(environ, "telemetry", "preview").returncode == 0
    assert receiver.bodies == []
    assert not consent.spool_folder(paths).exists()


def test_preview_while_off_shows_an_example_without_an_install_id(environ: dict[str, str], ledger: Ledger) -> None:
    shown = halfwatt(environ, "telemetry", "preview").stdout
    assert "Telemetry is off: nothing is sent" in shown
    assert "halfwatt.energy.used" in shown
    assert "0" * 32 in shown


def test_nothing_from_before_the_consent_is_sent(paths: Paths, ledger: Ledger, receiver: Receiver) -> None:
    consent.enable(paths, receiver.endpoint, NOW_S)
    telemetry_export.export_once(paths, ledger, "1", NOW_S)
    assert receiver.bodies == []


def test_change_of_schema_asks_again(environ: dict[str, str], paths: Paths, ledger: Ledger, receiver: Receiver) -> None:
    state = give_consent(paths, receiver.endpoint)
    consent.save(paths, msgspec.structs.replace(state, schema=consent.SCHEMA_VERSION - 1))
    assert telemetry_export.export_once(paths, ledger, "1", NOW_S) is None
    done = halfwatt(environ, "telemetry", "export")
    assert done.returncode == 1
    assert "agree again" in done.stderr
    assert receiver.bodies == []


def test_disable_forgets_the_install_id_and_what_waits(environ: dict[str, str], paths: Paths, ledger: Ledger) -> None:
    first = give_consent(paths, "https://collector.invalid/v1/metrics")
    assert telemetry_export.spool(paths, ledger, "1", NOW_S)
    assert halfwatt(environ, "telemetry", "disable").returncode == 0
    left = b"".join(file.read_bytes() for file in paths.state.rglob("*") if file.is_file())
    assert first.install_id.encode() not in left
    assert telemetry_export.waiting(paths) == []
    assert give_consent(paths, "https://collector.invalid/v1/metrics").install_id != first.install_id


def test_offline_waits_longer_each_time_and_keeps_the_bytes(paths: Paths, ledger: Ledger, receiver: Receiver) -> None:
    give_consent(paths, receiver.endpoint)
    receiver.answer_with(503)
    waits = []
    now = NOW_S
    for _ in range(12):
        state = telemetry_export.export_once(paths, ledger, "1", now)
        assert state is not None
        waits.append(state.retry_at_s - now)
        now = state.retry_at_s
    assert waits[:3] == [60.0, 120.0, 240.0]
    assert max(waits) == telemetry_export.LAST_RETRY_S
    n_tries = len(receiver.bodies)
    telemetry_export.export_once(paths, ledger, "1", now - 1)
    assert len(receiver.bodies) == n_tries  # not before its time
    assert set(receiver.bodies) == {receiver.bodies[0]}
    receiver.answer_with(200)
    assert telemetry_export.export_once(paths, ledger, "1", now) is not None
    assert telemetry_export.waiting(paths) == []


def test_unreachable_endpoint_is_a_sentence(environ: dict[str, str], paths: Paths, ledger: Ledger) -> None:
    give_consent(paths, "http://127.0.0.1:9/v1/metrics")
    done = halfwatt(environ, "telemetry", "export")
    assert done.returncode == 1
    assert "could not be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(telemetry_export.waiting(paths)) == 2


def test_spool_is_bounded_and_what_is_dropped_is_noted(paths: Paths, ledger: Ledger) -> None:
    give_consent(paths, "http://127.0.0.1:9/v1/metrics")
    folder = consent.spool_folder(paths)
    folder.mkdir(parents=True)
    for hour in range(telemetry_export.MOST_FILES):
        (folder / f"{hour:012d}.otlp").write_bytes(b"old")
    waiting = telemetry_export.spool(paths, ledger, "1", NOW_S)
    assert len(waiting) == telemetry_export.MOST_FILES
    state = consent.load(paths)
    assert state is not None
    assert state.n_dropped == 2
    assert "dropped" in state.note


def test_hour_that_the_endpoint_refuses_for_good_is_dropped_with_a_note(
    paths: Paths, ledger: Ledger, receiver: Receiver
) -> None:
    give_consent(paths, receiver.endpoint)
    receiver.answer_with(400)
    state = telemetry_export.export_once(paths, ledger, "1", NOW_S)
    assert state is not None
    assert (state.n_dropped, telemetry_export.waiting(paths)) == (2, [])
    assert "HTTP 400" in state.note


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "collector",
        "http://collector.example.org/v1/metrics",
        "https://me:pass@example.org/",
        "ftp://x/",
        "https://[x",
    ],
)
def test_unsafe_endpoint_is_refused(paths: Paths, endpoint: str) -> None:
    with pytest.raises(UsageError, match="https address"):
        consent.enable(paths, endpoint, NOW_S)
    assert consent.load(paths) is None


def test_enable_asks_and_status_tells(environ: dict[str, str], paths: Paths) -> None:
    assert "off" in halfwatt(environ, "telemetry", "status").stdout
    assert halfwatt(environ, "telemetry", "enable").returncode == 2
    done = halfwatt(environ, "telemetry", "enable", "--endpoint", "https://collector.invalid/v1/metrics", "--yes")
    assert done.returncode == 0, done.stderr
    told = halfwatt(environ, "telemetry", "status").stdout
    state = consent.load(paths)
    assert state is not None
    assert state.install_id in told
    assert "https://collector.invalid/v1/metrics" in told
    assert consent.state_file(paths).stat().st_mode & 0o077 == 0
