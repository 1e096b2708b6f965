"""Run one Python program that nobody trusts, inside bubblewrap.

The program has no network, no home, no environment, a read-only system, a small private /tmp and no further processes.
Memory, file size, processor time and wall time are limited. Without bubblewrap it refuses, unless the caller says
`allow_unsafe`: then only the resource limits hold. A caller may show the program folders and change single files in
them (`SandboxFiles`); the folders themselves stay as they are.

It judges nothing but "the program came to its end". It fails closed: exit code 0 counts only with the reversed token of
this run, written after the last line. Code that searches the runner's memory for the token could forge it. Nothing that
a model writes by mistake can.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from halfwatt.router_model.errors import SandboxUnavailable

from .seccomp import deny_new_processes

_SCRATCH_BYTES = 1 << 24
_MOST_SAID = 1 << 16
_OUT_OF_PROCESSOR_TIME = (-signal.SIGXCPU, 128 + signal.SIGXCPU)  # without and with bubblewrap around it
_RUNNER = """
import os, resource, sys
for kind, value in zip(("AS", "FSIZE", "CPU", "CORE"), map(int, sys.argv[1:]), strict=True):
    resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (value, value + (kind == "CPU")))
program, _, token = sys.stdin.read().rpartition("\\n")
report = os.dup(1)
quiet = os.open(os.devnull, os.O_RDWR)
for descriptor in (0, 1, 2):
    os.dup2(quiet, descriptor)
say = lambda text: os.write(report, text.encode())
exec(compile(program, "program", "exec"), {"__name__": "__main__", "say": say})
os.write(report, token[::-1].encode())
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


@dataclass(frozen=True)
class SandboxFiles:
    """What a program sees besides the system, read-only.

    `folders`: where it is seen → the folder. `texts`: a file in one of them → the text seen in its place.
    """

    folders: Mapping[str, Path] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SandboxRun:
    """How a program ended. `exit_code` is 128 and the signal's number where a signal ended it.

    `said` is what the program passed to `say`, a function that it finds among its names; it may come from anything that
    the program ran.
    """

    reached_end: bool
    timed_out: bool
    exit_code: int
    said: str


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
    try:
        return run_beside(program, SandboxFiles(), limits).reached_end
    except SandboxUnavailable:
        if not allow_unsafe:
            raise
    return _run([], program, limits or SandboxLimits(), []).reached_end


def run_beside(program: str, files: SandboxFiles, limits: SandboxLimits | None = None) -> SandboxRun:
    """Run the program where it sees these files, and say how it ended. Raises `SandboxUnavailable`."""
    call_filter, bubblewrap = deny_new_processes(), shutil.which("bwrap")
    if bubblewrap is None or call_filter is None:
        raise SandboxUnavailable(
            "bubblewrap is not installed or does not know this processor, so generated code was not run. "
            "Install the package 'bubblewrap', or allow running without a sandbox."
        )
    with ExitStack() as stack:
        filter_file = stack.enter_context(_passed(call_filter))
        encoded = {seen: text.encode(errors="replace") for seen, text in files.texts.items()}
        texts = {seen: stack.enter_context(_passed(content)) for seen, content in encoded.items()}
        wrapper = [bubblewrap, *_bubblewrap_arguments(filter_file.fileno())]
        for seen, folder in files.folders.items():
            wrapper += ["--ro-bind", str(folder), seen]
        for seen, text_file in texts.items():
            wrapper += ["--ro-bind-data", str(text_file.fileno()), seen]
        return _run(wrapper, program, limits or SandboxLimits(), [filter_file, *texts.values()])


@contextmanager
def _passed(content: bytes) -> Iterator[IO[bytes]]:
    """A nameless file with this content, to be read from its beginning."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file


def _run(wrapper: list[str], program: str, limits: SandboxLimits, passed: Sequence[IO[bytes]]) -> SandboxRun:
    token = secrets.token_hex(16)
    end_mark = token[::-1]  # not the token itself, which a sandbox that only hands its input on would give back
    with tempfile.TemporaryFile() as report:
        process = subprocess.Popen(
            [*wrapper, sys.executable, "-I", "-S", "-c", _RUNNER, *limits.arguments()],
            stdin=subprocess.PIPE,
            stdout=report,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            pass_fds=[file.fileno() for file in passed],
            start_new_session=True,
        )
        timed_out = False
        try:
            process.communicate(f"{program}\n{token}".encode(errors="replace"), limits.wall_s)
        except subprocess.TimeoutExpired:
            timed_out = True
        except BrokenPipeError:
            pass
        finally:
            _end(process)
        report.seek(0)
        said = report.read(_MOST_SAID).decode(errors="replace")
    code = process.returncode
    return SandboxRun(
        reached_end=code == 0 and said.endswith(end_mark) and not timed_out,
        timed_out=timed_out or code in _OUT_OF_PROCESSOR_TIME,
        exit_code=code if code >= 0 else 128 - code,
        said=said.removesuffix(end_mark),
    )


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
