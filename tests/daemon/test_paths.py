"""Rules of the folders."""

from pathlib import Path

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
