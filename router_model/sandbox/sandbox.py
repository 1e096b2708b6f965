"""Run one Python program that nobody trusts, inside bubblewrap.

The program has no network, no home, no environment, a read-only system, a small private /tmp and no further processes.
Memory, file size, processor time and wall time are limited. Without bubblewrap it refuses, unless the caller says
`allow_unsafe`: then only the resource limits hold.

It judges nothing but "the program came to its end". It fails closed: exit code 0 counts only with the token of this
run, written after the last line. Code that searches the runner's memory for the token could forge it. Nothing that a
model writes by mistake can.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from halfwatt.router_model.errors import SandboxUnavailable

from .seccomp import deny_new_processes

_SCRATCH_BYTES = 1 << 24
_RUNNER = """
import os, resource, sys
for kind, value in zip(("AS", "FSIZE", "CPU", "CORE"), map(int, sys.argv[1:]), strict=True):
    resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (value, value))
program, _, token = sys.stdin.read().rpartition("\\n")
report = os.dup(1)
quiet = os.open(os.devnull, os.O_RDWR)
for descriptor in (0, 1, 2):
    os.dup2(quiet, descriptor)
exec(compile(program, "program", "exec"), {"__name__": "__main__"})
os.write(report, token.encode())
"""


@dataclass(frozen=True)
class SandboxLimits:
    """What one program may use. Sizes in bytes."""

    wall_s: float = 10.0
    cpu_s: int = 10
    memory_bytes: int = 1 << 30
    file_bytes: int = 1 << 20

    def arguments(self) -> list[str]:
        """For the runner, which limits itself before it reads the program.

        A daemon with threads may not run Python between fork and exec (`preexec_fn`).
        """
        return [str(value) for value in (self.memory_bytes, self.file_bytes, self.cpu_s, 0)]


def sandbox_available() -> bool:
    """True when bubblewrap is installed, knows this processor and may make namespaces here."""
    if shutil.which("bwrap") is None or deny_new_processes() is None:
        return False
    try:
        return runs_to_its_end("pass")
    except (OSError, SandboxUnavailable):
        return False


def runs_to_its_end(program: str, limits: SandboxLimits | None = None, allow_unsafe: bool = False) -> bool:
    """True when the program ends without an exception, an early exit or a broken limit.

    Raises `SandboxUnavailable` when there is no sandbox and `allow_unsafe` is false.
    """
    call_filter, bubblewrap = deny_new_processes(), shutil.which("bwrap")
    if bubblewrap is not None and call_filter is not None:
        with tempfile.TemporaryFile() as filter_file:
            filter_file.write(call_filter)
            filter_file.seek(0)
            return _run(
                [bubblewrap, *_bubblewrap_arguments(filter_file.fileno())],
                program,
                limits or SandboxLimits(),
                filter_file,
            )
    if not allow_unsafe:
        raise SandboxUnavailable(
            "bubblewrap is not installed or does not know this processor, so generated code was not run. "
            "Install the package 'bubblewrap', or allow running without a sandbox."
        )
    return _run([], program, limits or SandboxLimits(), None)


def _run(wrapper: list[str], program: str, limits: SandboxLimits, passed: IO[bytes] | None) -> bool:
    token = secrets.token_hex(16)
    with tempfile.TemporaryFile() as report:
        process = subprocess.Popen(
            [*wrapper, sys.executable, "-I", "-S", "-c", _RUNNER, *limits.arguments()],
            stdin=subprocess.PIPE,
            stdout=report,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            pass_fds=[passed.fileno()] if passed else [],
            start_new_session=True,
        )
        try:
            process.communicate(f"{program}\n{token}".encode(errors="replace"), limits.wall_s)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            return False
        finally:
            _end(process)
        report.seek(0)
        return process.returncode == 0 and report.read(len(token) + 1).decode(errors="replace") == token


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, 9)
    process.wait()


def _bubblewrap_arguments(filter_descriptor: int) -> list[str]:
    """Arguments of bubblewrap."""
    command = ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    command += ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    command += ["--seccomp", str(filter_descriptor)]
    # before the folders that may lie below it
    command += ["--proc", "/proc", "--dev", "/dev", "--size", str(_SCRATCH_BYTES), "--tmpfs", "/tmp"]
    for folder in ("/usr", "/bin", "/sbin", "/lib", "/lib64"):
        if Path(folder).exists():
            command += ["--ro-bind", folder, folder]
    for folder in dict.fromkeys((sys.base_prefix, sys.prefix)):
        if not folder.startswith("/usr"):
            command += ["--ro-bind", folder, folder]
    return [*command, "--chdir", "/tmp"]
