"""`make demo`: generate the body of a stub through the language server, as an editor would, and say what it took.

Starts the real `halfwatt lsp`, which starts the real daemon; both use a home of the demo's own, and the daemon is
ended behind it. The example file itself is not changed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).with_name("example.py")
sys.path.insert(0, str(ROOT / "tests"))  # the small language client lives with the tests

from lsp_session import Session, field, session  # noqa: E402 - needs the path above


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder for the demo's settings and ledger")
    home = parser.parse_args().home.absolute()
    environ = {**os.environ, "HALFWATT_HOME": str(home)}
    try:
        return asyncio.run(run(environ))
    except KeyboardInterrupt:
        print("\nInterrupted; nothing was changed.", file=sys.stderr)
        return 1
    finally:
        halfwatt(environ, "daemon", "stop")


async def run(environ: dict[str, str]) -> int:
    text = EXAMPLE.read_text()
    say("halfwatt demo", f"the stub in {EXAMPLE.relative_to(ROOT)}:")
    print(indented(text))
    async with session(environ) as window:
        uri = EXAMPLE.as_uri()
        window.open(uri, text)
        offset = text.index("raise NotImplementedError")
        action = (await window.actions(uri, offset))[0]
        say("code action", f"{action.title}; the daemon starts and loads the model")
        last = await show_answer(window, uri, offset)
        if last.state != "applied":
            say("failed", last.message)
            return 1
        say("the file after one edit", "")
        print(indented(window.texts[uri]))
        tell(field(await window.command("halfwatt.why"), "result"))
    return 0


async def show_answer(window: Session, uri: str, offset: int) -> Any:
    """Start the job and wait for its end, with a sign of life."""
    job = await window.generate(uri, offset, route="local")
    ending = asyncio.ensure_future(window.ended(job))
    shown = 0
    while not ending.done():
        await asyncio.wait({ending}, timeout=0.5)
        n_chars = max((len(delta.text) for delta in window.deltas(job)), default=0)
        if n_chars > shown and sys.stderr.isatty():
            print(f"\r{n_chars} characters so far", end="", file=sys.stderr, flush=True)
            shown = n_chars
    if shown:
        print("\r", end="", file=sys.stderr)
    return await ending


def tell(result: Any) -> None:
    energy, saved, latency = (field(result, name) for name in ("energy", "saved", "latency_ms"))
    say("answered by", f"{field(result, 'tier')} ({field(result, 'model')})")
    say("because", str(field(result, "reason")))
    first, total = field(latency, "first_token"), field(latency, "total")
    say("time", f"{total / 1000:.1f} s, first token after {first / 1000:.1f} s")
    say("energy", f"{joules(energy, 'total_j', 'low_j', 'high_j')}, {field(energy, 'method')}")
    say("saved", f"{joules(saved, 'j', 'low_j', 'high_j')} against {field(saved, 'reference')}")
    print("\nNext: put it into your editor (README.md), or try `halfwatt generate FILE:LINE`.")


def joules(value: Any, middle: str, low: str, high: str) -> str:
    if field(value, middle) is None:
        return "unknown"
    return f"{field(value, middle):.0f} J ({field(value, low):.0f} to {field(value, high):.0f})"


def say(what: str, text: str) -> None:
    print(f"{what + ':':<26}{text}" if text else f"{what}:", flush=True)


def indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def halfwatt(environ: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "-m", "halfwatt.lsp.cli", *arguments]
    subprocess.run(command, env=environ, capture_output=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
