"""The settings in force in the running daemon. They are read again when the file changes, if the new ones are valid.

file.py reads and writes the file.
"""

from __future__ import annotations

from collections.abc import Mapping

from halfwatt.daemon.errors import ConfigError
from halfwatt.daemon.paths import Paths

from . import file as settings_file
from .schema import Config


class Settings:
    """The last valid settings. Reading `config` costs one look at the file's time.

    ConfigError only at the start; later, wrong settings become a `warning` and the earlier ones stay in force."""

    def __init__(self, paths: Paths, environ: Mapping[str, str]) -> None:
        self._paths = paths
        self._environ = environ
        self._stamp = self._file_stamp()
        self._config = settings_file.load(paths, environ)
        self.warning: str | None = None

    @property
    def config(self) -> Config:
        stamp = self._file_stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            self._reload()
        return self._config

    def set(self, name: str, value: str) -> None:
        """Change one setting in the file, for now and later; ConfigError names what is wrong."""
        settings_file.set_value(self._paths, name, value)
        self._stamp = None
        self._reload()

    def _reload(self) -> None:
        try:
            self._config = settings_file.load(self._paths, self._environ)
            self.warning = None
        except ConfigError as error:
            self.warning = f"{error} Until then the earlier settings stay in force."

    def _file_stamp(self) -> tuple[int, int] | None:
        try:
            found = self._paths.config_file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
