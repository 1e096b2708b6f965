"""Run one Python program that nobody trusts, inside bubblewrap.

No network, no home, no environment, a read-only system, a small private /tmp, and limits on memory, processes,
file size, processor time and wall time. Without bubblewrap it refuses, unless the caller says `allow_unsafe`; the
limits then still hold, the isolation does not. It judges nothing but "the program came to its end".
"""

import os
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .errors import SandboxUnavailable

_RUNNER = """
import os, sys
program, _, token = sys.stdin.read().rpartition("\\n")
report = os.dup(1)
quiet = os.open(os.devnull, os.O_RDWR)
for descriptor in (0, 1, 2):
    os.dup2(quiet, descriptor)
exec(compile(program, "program", "exec"), {"__name__": "__main__"})
os.write(report, token.encode())
"""


@dataclass(frozen=True)
class Limits:
    """What one program may use. Sizes in bytes."""

    wall_s: float = 10.0
    cpu_s: int = 10
    memory_bytes: int = 1 << 30
    file_bytes: int = 1 << 20
    n_processes: int = 32


def sandbox_available() -> bool:
    """True when bubblewrap is installed and this kernel lets it make namespaces."""
    if shutil.which("bwrap") is None:
        return False
    return _attempt([*_wrapper(), "/usr/bin/env", "true"])


def runs_to_its_end(program: str, limits: Limits | None = None, allow_unsafe: bool = False) -> bool:
    """True when the program ends without an exception, an early exit or a broken limit.

    Raises `SandboxUnavailable` when there is no bubblewrap and `allow_unsafe` is false.
    """
    wrapper = _wrapper()
    if shutil.which("bwrap") is None:
        if not allow_unsafe:
            raise SandboxUnavailable(
                "bubblewrap is not installed, so generated code was not run. "
                "Install the package 'bubblewrap', or allow running without a sandbox."
            )
        wrapper = []
    return _run(wrapper, program, limits or Limits())


def _run(wrapper: list[str], program: str, limits: Limits) -> bool:
    token = secrets.token_hex(16)
    with tempfile.TemporaryFile() as report:
        process = subprocess.Popen(
            [*wrapper, sys.executable, "-I", "-S", "-c", _RUNNER],
            stdin=subprocess.PIPE,
            stdout=report,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
            preexec_fn=lambda: _apply(limits),
        )
        try:
            process.communicate(f"{program}\n{token}".encode(errors="replace"), limits.wall_s)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            return False
        finally:
            _end(process)
        report.seek(0)
        return report.read(len(token) + 1).decode(errors="replace") == token


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, 9)
    process.wait()


def _apply(limits: Limits) -> None:
    """Runs in the child between fork and exec."""
    for kind, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    if shutil.which("bwrap") is not None:
        resource.setrlimit(resource.RLIMIT_NPROC, (limits.n_processes, limits.n_processes))


def _wrapper() -> list[str]:
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    command += ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    for folder in ("/usr", "/bin", "/sbin", "/lib", "/lib64"):
        if Path(folder).exists():
            command += ["--ro-bind", folder, folder]
    for folder in dict.fromkeys((sys.base_prefix, sys.prefix)):
        if not folder.startswith("/usr"):
            command += ["--ro-bind", folder, folder]
    return [*command, "--proc", "/proc", "--dev", "/dev", "--size", str(1 << 24), "--tmpfs", "/tmp", "--chdir", "/tmp"]


def _attempt(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
