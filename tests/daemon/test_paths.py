"""Rules of the folders."""

import os
import sys
from pathlib import Path

import pytest

from halfwatt.daemon.paths import Paths, user_paths


def test_one_variable_moves_every_folder(paths: Paths, tmp_path: Path) -> None:
    folders = (paths.config, paths.data, paths.state, paths.cache, paths.runtime, paths.models)
    assert all(folder.is_relative_to(tmp_path / "halfwatt") for folder in folders)
    assert len(set(folders)) == len(folders)


def test_models_can_live_elsewhere(clean_environ: dict[str, str], tmp_path: Path) -> None:
    moved = user_paths({**clean_environ, "HALFWATT_MODELS_DIR": str(tmp_path / "big")})
    assert moved.models == tmp_path / "big"
    assert moved.config == tmp_path / "halfwatt" / "config"


def test_without_override_the_platform_decides(clean_environ: dict[str, str]) -> None:
    del clean_environ["HALFWATT_HOME"]
    home = Path(clean_environ["HOME"])
    assert user_paths(clean_environ).config.is_relative_to(home)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have their own runtime folder")
@pytest.mark.parametrize("given", ["missing", "open to others", "relative", "a link", "private"])
def test_runtime_folder_is_the_users_alone_or_in_the_home(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    if given == "open to others":
        folder.chmod(0o755)
    named = {"missing": tmp_path / "none", "relative": Path("run"), "a link": tmp_path / "link"}.get(given, folder)
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(named))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    runtime = user_paths({}).runtime
    if given == "private":
        assert runtime == folder / "halfwatt"
    else:
        assert runtime in (Path(f"/run/user/{os.getuid()}/halfwatt"), tmp_path / "home/.local/state/halfwatt/run")
