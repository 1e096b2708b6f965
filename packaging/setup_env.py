"""Make the project's virtual environment: `python3 packaging/setup_env.py VENV EXTRAS [--wheel FILE]`.

Installs the pinned dependencies and halfwatt itself, and shows how far the long build of llama.cpp has come. It does
nothing when the environment already matches pyproject.toml and constraints.txt. It installs no system package.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEP = re.compile(r"^\s*\[(\d+)/(\d+)\] ")
KEPT_LINES = 60


def main() -> int:
    arguments = parse_arguments()
    stamp = arguments.venv / ".halfwatt-setup"
    wanted = fingerprint(arguments)
    if stamp.is_file() and stamp.read_text() == wanted:
        return 0
    missing = missing_tools()
    if missing:
        print(f"setup: {missing}", file=sys.stderr)
        return 1
    started = time.monotonic()
    if not python_of(arguments.venv).exists():
        say(f"creating the virtual environment {arguments.venv.name}")
        venv.create(arguments.venv, with_pip=True, symlinks=sys.platform != "win32")
    code = install(arguments, python_of(arguments.venv))
    if code == 0:
        stamp.write_text(wanted)
        say(f"done after {time.monotonic() - started:.0f} s")
    return code


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("venv", type=Path)
    parser.add_argument("extras", help="for example: test")
    parser.add_argument("--wheel", type=Path, help="install this wheel instead of the checkout")
    return parser.parse_args()


def fingerprint(arguments: argparse.Namespace) -> str:
    """What the environment was made from; another Python or another pin means: install again."""
    digest = hashlib.sha256(f"{sys.version} {arguments.extras}".encode())
    for path in (ROOT / "pyproject.toml", ROOT / "constraints.txt", arguments.wheel):
        digest.update(path.read_bytes() if path else b"checkout")
    return digest.hexdigest()


def missing_tools() -> str | None:
    """A sentence where the build cannot work. pip brings its own CMake if it has to, but no compiler."""
    if sys.version_info < (3, 11):
        return f"Python 3.11 or later is needed; this is {sys.version.split()[0]}. Run it with a newer python3."
    if sys.platform == "win32" or any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        return None
    return "no C++ compiler was found. Install one (Debian: apt-get install g++ cmake), then run this again."


def python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def install(arguments: argparse.Namespace, python: Path) -> int:
    target = str(arguments.wheel.resolve()) if arguments.wheel else str(ROOT)
    requirement = [f"{target}[{arguments.extras}]"] if arguments.wheel else ["-e", f"{target}[{arguments.extras}]"]
    say("installing the pinned dependencies. llama.cpp is compiled from source: 5 to 10 minutes on two cores the")
    say("first time; pip keeps the result, so later set-ups take about a minute")
    upgraded = run_pip([str(python), "-m", "pip", "install", "--upgrade", "-c", str(ROOT / "constraints.txt"), "pip"])
    command = [str(python), "-m", "pip", "install", "-v", "-c", str(ROOT / "constraints.txt"), *requirement]
    return upgraded or run_pip(command)


def run_pip(command: list[str]) -> int:
    """Run pip, show what it is at, and print its last lines only if it fails."""
    last: list[str] = []
    progress = Progress()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    assert process.stdout is not None
    for line in process.stdout:
        last = [*last[-KEPT_LINES:], line]
        progress.see(line)
    if process.wait() != 0:
        sys.stderr.writelines(last)
        print("setup: pip failed; its last lines stand above. Run the same command to go on.", file=sys.stderr)
    return process.returncode


class Progress:
    """Turns pip's verbose output into a few lines a person wants to see."""

    def __init__(self) -> None:
        self.n_packages = 0
        self.percent = -10

    def see(self, line: str) -> None:
        step = STEP.match(line)
        if step:
            self.compiled(100 * int(step[1]) // int(step[2]))
        elif line.startswith("Collecting "):
            self.n_packages += 1
            if self.n_packages % 25 == 0:
                say(f"{self.n_packages} packages resolved")
        elif line.startswith("Building wheels for collected packages: "):
            say(f"building {line.split(': ', 1)[1].strip()}")
        elif line.startswith("Installing collected packages"):
            say(f"installing {line.count(',') + 1} packages")

    def compiled(self, percent: int) -> None:
        if percent >= self.percent + 5:
            say(f"compiling llama.cpp: {percent:3d} %")
            self.percent = percent


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
