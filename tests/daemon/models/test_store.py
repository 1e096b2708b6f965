"""Rules of the model files on disk."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import filelock
import pytest

from halfwatt.daemon.errors import ModelError, NoModelError, UsageError
from halfwatt.daemon.models import catalog
from halfwatt.daemon.models.catalog import ModelSpec
from halfwatt.daemon.models.store import ModelStore, resolve
from halfwatt.daemon.settings.schema import LocalConfig

CONTENT = b"GGUF\x03\0\0\0" + bytes(range(256)) * 40


def spec_of(model_id: str = "tiny", content: bytes = CONTENT) -> ModelSpec:
    digest = hashlib.sha256(content).hexdigest()
    return ModelSpec(id=model_id, family="test", file=f"{model_id}.gguf", bytes=len(content), sha256=digest)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    folder = tmp_path / "models"
    folder.mkdir()
    return ModelStore(folder)


def put(store: ModelStore, spec: ModelSpec, content: bytes = CONTENT) -> Path:
    path = store.path_of(spec)
    path.write_bytes(content)
    return path


def test_a_look_creates_nothing(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "none")
    assert store.state(spec_of()) == "absent"
    assert store.installed({"tiny": spec_of()}) == {}
    assert not (tmp_path / "none").exists()


def test_full_check_is_remembered_until_the_file_changes(store: ModelStore) -> None:
    spec = spec_of()
    path = put(store, spec)
    assert store.state(spec) == "unverified"
    assert store.ensure_verified(spec) == path
    assert store.state(spec) == "verified"
    os.utime(path, ns=(1, 1))
    assert store.state(spec) == "unverified"


def test_remembered_check_spares_reading_the_file(store: ModelStore) -> None:
    spec = spec_of()
    path = put(store, spec)
    store.ensure_verified(spec)
    times = path.stat()
    path.write_bytes(CONTENT[:-1] + b"x")  # same size; and the time is set back: only a full read can tell
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert store.ensure_verified(spec) == path
    with pytest.raises(ModelError, match="damaged"):
        store.verify(spec)


def test_verify_names_both_digests(store: ModelStore) -> None:
    spec = spec_of()
    damaged = CONTENT[:-1] + b"x"
    put(store, spec, damaged)
    with pytest.raises(ModelError) as caught:
        store.verify(spec)
    assert hashlib.sha256(damaged).hexdigest() in str(caught.value)
    assert str(spec.sha256) in str(caught.value)
    assert store.state(spec) == "damaged"
    assert store.installed({"tiny": spec}) == {}


def test_wrong_size_is_damage_without_reading(store: ModelStore) -> None:
    spec = spec_of()
    put(store, spec, CONTENT[:-5])
    assert store.state(spec) == "damaged"


def test_garbled_record_is_no_record(store: ModelStore) -> None:
    spec = spec_of()
    put(store, spec)
    store.verify(spec)
    (store.models_dir / "tiny.gguf.verified.json").write_text("{")
    assert store.state(spec) == "unverified"


def test_remove_frees_all_that_a_model_and_its_fetches_have_left(store: ModelStore) -> None:
    spec = spec_of()
    put(store, spec)
    store.verify(spec)
    store.partial_of(spec).write_bytes(b"abc")
    store.scratch_of(spec).mkdir()
    (store.scratch_of(spec) / "part.whl").write_bytes(b"left by a killed fetch")
    assert store.remove(spec) > len(CONTENT)
    assert [path for path in store.models_dir.iterdir() if path != store.lock_of(spec)] == []
    with pytest.raises(NoModelError, match="nothing to remove"):
        store.remove(spec)


def test_a_model_that_is_being_fetched_is_not_removed(store: ModelStore) -> None:
    spec = spec_of()
    store.partial_of(spec).write_bytes(b"abc")
    with filelock.FileLock(store.lock_of(spec)), pytest.raises(ModelError, match="being fetched"):
        store.remove(spec)
    assert store.partial_bytes(spec) == 3


def test_own_file_is_never_removed(store: ModelStore, tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(CONTENT)
    with pytest.raises(UsageError, match="your own file"):
        store.remove(catalog.own_model(str(path)))
    assert path.read_bytes() == CONTENT


def test_own_file_in_the_settings_must_be_named_in_full(store: ModelStore) -> None:
    with pytest.raises(ModelError, match="not a full path"):
        resolve(LocalConfig(model="models/mine.gguf"), store, {})


def test_resolve_without_models_says_what_to_pull(store: ModelStore) -> None:
    with pytest.raises(NoModelError, match=r"halfwatt models pull` \(tiny, "):
        resolve(LocalConfig(), store, {"tiny": spec_of()})


def test_resolve_auto_takes_what_is_here_over_what_would_be_better(store: ModelStore) -> None:
    small, large = spec_of("small"), spec_of("large", CONTENT * 2)
    put(store, small)
    chosen = resolve(LocalConfig(), store, {"small": small, "large": large})
    assert chosen == replace(small, path=store.path_of(small))


def test_resolve_auto_names_a_damaged_model(store: ModelStore) -> None:
    spec = spec_of()
    put(store, spec, CONTENT[1:])
    with pytest.raises(ModelError, match="tiny is damaged"):
        resolve(LocalConfig(), store, {"tiny": spec})


def test_resolve_by_id_wants_that_model(store: ModelStore) -> None:
    small, large = spec_of("small"), spec_of("large", CONTENT * 2)
    put(store, small)
    models = {"small": small, "large": large}
    assert resolve(LocalConfig(model="small"), store, models).path == store.path_of(small)
    with pytest.raises(NoModelError, match="halfwatt models pull large"):
        resolve(LocalConfig(model="large"), store, models)
    with pytest.raises(ModelError, match="Did you mean large"):
        resolve(LocalConfig(model="largo"), store, models)


def test_resolve_by_id_never_hands_out_a_damaged_file(store: ModelStore) -> None:
    spec = spec_of()
    put(store, spec, CONTENT[:-1] + b"x")
    with pytest.raises(ModelError, match="will not be used"):
        resolve(LocalConfig(model="tiny"), store, {"tiny": spec})


def test_resolve_takes_a_path_as_it_is(store: ModelStore, tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(CONTENT)
    assert resolve(LocalConfig(model=str(path)), store, {}).path == path


def test_the_real_model_is_the_catalogs(model_path: Path) -> None:
    spec = catalog.load()["qwen2.5-coder-0.5b"]
    assert ModelStore(model_path.parent).verify(spec) == spec.sha256
