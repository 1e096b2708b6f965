"""Reading the settings: file, then HALFWATT_<SECTION>_<KEY> from the environment, then overrides; and changing one.

A wrong setting is an error that names it, its origin and what is allowed; nothing is guessed or skipped. tiers.py adds
and removes tiers. The settings hold no API key; tiers/keys.py does.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from halfwatt.daemon.errors import ConfigError
from halfwatt.daemon.paths import Paths

from . import values as settings_values
from .schema import Config, TierConfig

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

Values = dict[str, dict[str, Any]]  # section → key → value

PREFIX = "HALFWATT_"
NOT_SETTINGS = ("HALFWATT_HOME", "HALFWATT_MODELS_DIR", "HALFWATT_DATA")
DECODE_PLACE = re.compile(r"^(?P<reason>.*) \(at (?:line (?P<line>\d+).*|end of document)\)$")


@dataclass(frozen=True)
class LoadedSettings:
    """The settings, and the origin of each one (`section.key`) that is not the default."""

    config: Config
    origins: Mapping[str, str] = field(default_factory=dict)


def load(paths: Paths, environ: Mapping[str, str], overrides: Mapping[str, str] | None = None) -> Config:
    """The settings in force; ConfigError where one is wrong. `overrides` maps `section.key` to text, as flags do."""
    return load_with_origins(paths, environ, overrides).config


def load_with_origins(
    paths: Paths, environ: Mapping[str, str], overrides: Mapping[str, str] | None = None
) -> LoadedSettings:
    """Like `load`, with the origin of each setting."""
    values, tiers, origins = _from_file(paths.config_file)
    for section, key, text, where in [*_from_environ(environ), *_from_overrides(overrides or {})]:
        hint = settings_values.type_of(section, key, where)
        values.setdefault(section, {})[key] = settings_values.from_text(f"{section}.{key}", text, hint, where)
        origins[f"{section}.{key}"] = where
    return LoadedSettings(_config(values, tiers), origins)


def parse(text: str, where: str) -> Config:
    """The settings of a file with this text; ConfigError where one is wrong."""
    values, tiers, _ = _from_tables(_decode(text, where), where)
    return _config(values, tiers)


def _config(values: Values, tiers: tuple[TierConfig, ...]) -> Config:
    tables: dict[str, Any] = {name: table(**values.get(name, {})) for name, table in settings_values.sections().items()}
    return Config(**tables, tiers=tiers)


def _from_file(path: Path) -> tuple[Values, tuple[TierConfig, ...], dict[str, str]]:
    return _from_tables(_decode(read_text(path), str(path)), str(path))


def read_text(path: Path) -> str:
    """The file's text, "" where there is no file; ConfigError where it cannot be read as text."""
    try:
        return path.read_bytes().decode("utf-8-sig")  # keeps the line ends as they are
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}, line {line}: the settings file is not UTF-8 text. Save it as UTF-8.") from error
    except OSError as error:
        raise ConfigError(f"The settings file {path} cannot be read: {error.strerror}.") from error


def _decode(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = DECODE_PLACE.match(str(error))
        line = (place and place["line"]) or text.count("\n") + 1
        reason = (place["reason"] if place else str(error)).rstrip(".")
        raise ConfigError(f"{where}, line {line}: this is not TOML ({reason}). Correct the line.") from error


def _from_tables(data: Mapping[str, Any], where: str) -> tuple[Values, tuple[TierConfig, ...], dict[str, str]]:
    values: Values = {}
    origins: dict[str, str] = {}
    for section, table in data.items():
        if section == "tiers":
            continue
        if section not in settings_values.sections():
            known = [*settings_values.sections(), "tiers"]
            raise ConfigError(settings_values.unknown("section", section, known, where))
        if not isinstance(table, dict):
            raise ConfigError(f"{section} must be a table ({where}). Write [{section}] and its settings below.")
        for key, value in table.items():
            hint = settings_values.type_of(section, key, where)
            converted = settings_values.from_toml(f"{section}.{key}", value, hint, where)
            values.setdefault(section, {})[key] = converted
            origins[f"{section}.{key}"] = where
    return values, _tiers(data.get("tiers", []), where), origins


def _tiers(rows: object, where: str) -> tuple[TierConfig, ...]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f"tiers must be a list of tables ({where}). Begin each one with [[tiers]].")
    tiers = tuple(_tier(row, number, where) for number, row in enumerate(rows, start=1))
    names = [tier.name for tier in tiers]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"Two tiers are named “{name}” ({where}). Rename one.")
    return tiers


def _tier(row: dict[str, Any], number: int, where: str) -> TierConfig:
    hints = settings_values.fields_of(TierConfig)
    label = f"tiers.{row['name']}" if isinstance(row.get("name"), str) else f"tiers[{number}]"
    for key, value in row.items():
        if key not in hints:
            raise ConfigError(
                settings_values.unknown("setting", f"{label}.{key}", [f"{label}.{h}" for h in hints], where)
            )
        settings_values.from_toml(f"{label}.{key}", value, hints[key], where)
    missing = [
        name.encode_name for name in msgspec.structs.fields(TierConfig) if name.required and name.name not in row
    ]
    if missing:
        raise ConfigError(f"{label} has no {' and no '.join(missing)} ({where}). Add it.")
    tier = msgspec.convert(row, TierConfig)
    settings_values.check_tier(tier, where)
    return tier


def _from_environ(environ: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """(section, key, text, where) for each HALFWATT_<SECTION>_<KEY>."""
    found = []
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        section, _, key = name.removeprefix(PREFIX).lower().partition("_")
        if section in settings_values.sections() and key:
            found.append((section, key, text, f"environment variable {name}"))
    return found


def _from_overrides(overrides: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    return [(*_split(name), text, "command line") for name, text in overrides.items()]


def _split(name: str) -> tuple[str, str]:
    section, dot, key = name.partition(".")
    if not dot or not key:
        raise ConfigError(f"“{name}” is no setting. Write it as SECTION.KEY, for example routing.dial.")
    return section, key


def set_value(paths: Paths, name: str, text: str) -> Any:
    """Set `section.key` or `tiers.NAME.key` in the file, keeping its comments; the value as set.

    ConfigError, and no change, where the value or anything else in the file is wrong."""
    section, key = _split(name)
    tier, _, tier_key = key.rpartition(".")
    if section == "tiers":
        hints = settings_values.fields_of(TierConfig)
        if not tier or tier_key not in hints:
            known = [f"tiers.{tier or 'NAME'}.{hint}" for hint in hints]
            raise ConfigError(settings_values.unknown("setting", name, known, "command line"))
        hint = hints[tier_key]
    else:
        hint = settings_values.type_of(section, key, "command line")
    value = settings_values.from_text(name, text, hint, "command line")

    def change(document: TOMLDocument) -> None:
        import tomlkit

        if section == "tiers":
            _put(tier_row(document, tier), tier_key, value)
        else:
            if section not in document:
                document[section] = tomlkit.table()
            _put(document[section], key, value)

    edit(paths, change)
    return value


def tier_row(document: TOMLDocument, name: str) -> Any:
    """The table of the tier of this name in a parsed file; ConfigError with the known names where there is none."""
    rows = document.get("tiers", [])
    for row in rows:
        if row.get("name") == name:
            return row
    known = ", ".join(row["name"] for row in rows) or "none; add one with `halfwatt config add-tier`"
    raise ConfigError(f"There is no tier “{name}”. Tiers: {known}.")


def _put(table: Any, key: str, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = list(value) if isinstance(value, tuple) else value


def edit(paths: Paths, change: Callable[[TOMLDocument], None]) -> Config:
    """Apply `change` to the parsed file and replace the file if the result is valid; the new settings."""
    import filelock
    import tomlkit

    path = paths.config_file.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.with_suffix(".lock")):
            before = read_text(path)
            parse(before, str(path))
            document = tomlkit.parse(before)
            change(document)
            after = tomlkit.dumps(document)
            config = parse(after, str(path))
            if after != before:
                _replace(path, after)
            return config
    except OSError as error:
        raise ConfigError(f"The settings file {path} cannot be written: {error.strerror}. It is as it was.") from error


def _replace(path: Path, text: str) -> None:
    """Write a new file beside the old one, then rename it over the old one, keeping its mode."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
