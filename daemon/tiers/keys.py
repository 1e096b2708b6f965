"""API keys of edge and cloud tiers: found in the OS keyring, else in an environment variable, else in a 0600 file.

A key is never printed, logged, or put into an error or a process argument. This module does not ask the user for a
key (cli/keys.py does) and does not know which tiers exist.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from halfwatt.daemon.errors import ConfigError, HalfwattError, UsageError
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.private_files import write_private

SERVICE = "halfwatt"
KEYRING_LIMIT_S = 15.0  # a locked keyring waits for a person, and the daemon may run without one
Where = Literal["keyring", "environment", "file"]
Returned = TypeVar("Returned")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class KeyFound:
    """A key and where it came from. `detail`: the variable's or backend's name. Its text form hides the value."""

    value: str = field(repr=False)
    where: Where
    detail: str


def find_key(name: str, paths: Paths, environ: Mapping[str, str]) -> KeyFound | None:
    """The key called `name`, from the first place that has one; None where none has.

    Raises ConfigError for a key file that others can read or that holds no usable key, UsageError for a bad name.
    A keyring that is missing, locked or broken counts as empty: `keyring_problem` tells why.
    """
    _check_name(name)
    stored = _from_keyring(name)
    if stored is not None:
        return stored
    for variable in variables(name):
        if value := environ.get(variable, "").strip():
            return KeyFound(_checked(value, f"the environment variable {variable}"), "environment", variable)
    return _from_file(name, paths)


def store_key(name: str, value: str, paths: Paths, to_file: bool = False) -> Where:
    """Keep a key in the OS keyring, or with `to_file` in a 0600 file. Raises UsageError for a bad name or
    value, HalfwattError where the keyring does not take it; nothing is kept then."""
    _check_name(name)
    value = _checked(value.strip(), "the key")
    if to_file:
        _write_file(key_file(name, paths), value)
        return "file"
    problem = _store_in_keyring(name, value)
    if problem is not None:
        raise HalfwattError(
            f"{problem} The key was not kept. Set the environment variable {variables(name)[0]} instead, "
            f"or run `halfwatt key set {name} --file` to keep it in a file that only you can read."
        )
    return "keyring"


def delete_key(name: str, paths: Paths) -> tuple[Where, ...]:
    """Remove a key from the keyring and the key file; the places it was in. An environment variable stays."""
    _check_name(name)
    removed: list[Where] = []
    if _remove_from_keyring(name):
        removed.append("keyring")
    try:
        key_file(name, paths).unlink()
        removed.append("file")
    except FileNotFoundError:
        pass
    return tuple(removed)


def keyring_problem() -> str | None:
    """Why this machine's keyring cannot be used, as a sentence; None where it can."""
    answer = _in_time(lambda: _backend_problem())
    return answer if not isinstance(answer, Exception) else _keyring_sentence(answer)


def variables(name: str) -> tuple[str, ...]:
    """The environment variables that may hold this key, strongest first."""
    own = "HALFWATT_KEY_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
    return (own, "OPENAI_API_KEY") if name == "openai" else (own,)


def key_file(name: str, paths: Paths) -> Path:
    return paths.config / "keys" / name


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(
            "A key's name has letters, digits, dots, dashes and underscores, at most 64. Nothing was done; "
            "use the `key` of the tier in the configuration, for example openai."
        )


def _checked(value: str, what: str) -> str:
    """The key if it can stand in an HTTP header; the message never shows it."""
    if not value or not value.isascii() or not value.isprintable() or " " in value or len(value) > 4096:
        raise UsageError(
            f"{what[0].upper()}{what[1:]} is empty or has characters that no API key has. It was not used; "
            "copy the key alone, as one line without spaces."
        )
    return value


def _from_keyring(name: str) -> KeyFound | None:
    def get() -> tuple[str | None, str]:
        import keyring

        return keyring.get_password(SERVICE, name), _backend_name()

    answer = _in_time(get)
    if isinstance(answer, Exception) or not answer[0]:
        return None
    return KeyFound(_checked(answer[0], "the key in the keyring"), "keyring", answer[1])


def _store_in_keyring(name: str, value: str) -> str | None:
    """Why it did not work, or None. Reads back, because a backend that is switched off takes keys and keeps none."""

    def put() -> bool:
        import keyring

        keyring.set_password(SERVICE, name, value)
        return keyring.get_password(SERVICE, name) == value

    answer = _in_time(put)
    if isinstance(answer, Exception):
        return _keyring_sentence(answer)
    return None if answer else "The keyring is switched off on this machine: it took the key and kept nothing."


def _remove_from_keyring(name: str) -> bool:
    def remove() -> bool:
        import keyring

        if keyring.get_password(SERVICE, name) is None:
            return False
        keyring.delete_password(SERVICE, name)
        return True

    return _in_time(remove) is True


def _backend_name() -> str:
    import keyring

    return str(getattr(keyring.get_keyring(), "name", "keyring"))


def _backend_problem() -> str | None:
    import keyring
    from keyring.backends import fail, null

    backend = keyring.get_keyring()
    if isinstance(backend, null.Keyring):
        return "The keyring is switched off on this machine."
    if isinstance(backend, fail.Keyring):
        return _keyring_sentence(None)
    keyring.get_password(SERVICE, "halfwatt-probe")
    return None


def _keyring_sentence(error: Exception | None) -> str:
    if isinstance(error, TimeoutError):
        return f"The keyring did not answer within {KEYRING_LIMIT_S:.0f} seconds; it may be locked."
    kind = f" ({type(error).__name__})" if error is not None and type(error).__name__ != "NoKeyringError" else ""
    return f"No keyring can be used on this machine{kind}, which is usual without a desktop."


def _in_time(call: Callable[[], Returned]) -> Returned | Exception:
    """The call's result or its error, within KEYRING_LIMIT_S. Backends raise what they like, so all is caught."""
    outcome: list[Returned | Exception] = []

    def work() -> None:
        try:
            outcome.append(call())
        except Exception as error:  # noqa: BLE001 - third-party backends; the caller makes a sentence of it
            outcome.append(error)

    thread = threading.Thread(target=work, name="keyring", daemon=True)
    thread.start()
    thread.join(KEYRING_LIMIT_S)
    return outcome[0] if outcome else TimeoutError()


def _from_file(name: str, paths: Paths) -> KeyFound | None:
    file = key_file(name, paths)
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"The key file of “{name}” cannot be opened ({error.strerror}). It was not used; "
            f"run `halfwatt key delete {name}` and set the key again."
        ) from None
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as opened:
        _refuse_open_mode(name, os.fstat(opened.fileno()))
        return KeyFound(_checked(opened.read(8192).strip(), f"the key file of “{name}”"), "file", "key file")


def _refuse_open_mode(name: str, found: os.stat_result) -> None:
    if os.name == "nt":  # no mode bits there; the user's profile folder is private already
        return
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISREG(found.st_mode) or mode & 0o077 or found.st_uid != os.getuid():
        raise ConfigError(
            f"The key file of “{name}” is not private: its mode is {mode:04o} and must be 0600, owned by you. It was "
            f"not used; run `halfwatt key set {name} --file` to write it anew, and think about replacing the key."
        )


def _write_file(file: Path, value: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(file, f"{value}\n".encode())
