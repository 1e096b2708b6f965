"""Speed of generating functions: `make bench BENCHES=generate`.

Every figure is a ratio measured in one run. halfwatt and plain llama-cpp-python take turns on the same prompts.

- Time to the first token and tokens per second, from editor client through language server, daemon and worker.
- The start of `halfwatt lsp` against importing pygls alone.
- The second identical prompt against the first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import figures
from bench.figures import Figure
from generate_home import user_home
from lsp_session import Session, field, session
from psutil import cpu_count
from repository import ROOT, TESTS

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, find
from halfwatt.daemon.inference.generation_prompt import GenerationPrompt, generation_prompt

MODEL_ID = "qwen2.5-coder-0.5b"
MODEL_FILE = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
N_TOKENS = 160
N_STARTS = 7
PAUSE_S = 0.5  # nobody asks again at once; the applied edit has been read by then
TASKS = (
    ("merge_sorted", "xs: list[int], ys: list[int]", "list[int]", "Merge two sorted lists into one sorted list."),
    ("roman", "n: int", "str", "The Roman numeral of n, for n from 1 to 3999."),
    ("is_palindrome", "text: str", "bool", "Whether text reads the same backwards, ignoring case and spaces."),
    ("primes_below", "n: int", "list[int]", "All primes below n, by the sieve of Eratosthenes."),
    ("word_counts", "text: str", "dict[str, int]", "How often each word occurs in text, in lower case."),
    ("transpose", "rows: list[list[int]]", "list[list[int]]", "Rows become columns and columns become rows."),
    ("gcd", "a: int, b: int", "int", "The greatest common divisor of a and b, by Euclid's algorithm."),
    ("flatten", "items: list", "list", "All elements of arbitrarily nested lists, in order."),
)
CONTRACT = """

    The argument is never changed. Empty input is allowed and gives the empty result of the return type. Input of some
    hundred thousand elements must work without deep recursion. A wrong type raises TypeError and a value out of range
    raises ValueError; both messages name the argument and the value that was given.
    """


@dataclass(frozen=True)
class Timing:
    first_ms: float
    tokens_per_s: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=len(TASKS), help="how many prompts")
    n_tasks = parser.parse_args().tasks
    model = Path(os.environ["HALFWATT_MODELS_DIR"]) / MODEL_FILE
    with tempfile.TemporaryDirectory() as folder, user_home(Path(folder), model) as environ:
        n_threads = cpu_count(logical=False) or 1
        settings = Path(folder) / "halfwatt" / "config" / "config.toml"
        settings.write_text(f"[local]\nmax_tokens = {N_TOKENS}\nthreads = {n_threads}\nnice = 0\n")
        with plain_chat(model, n_threads) as plain:
            measured = asyncio.run(generation(environ, plain, TASKS[:n_tasks]))
        measured.extend(asyncio.run(starting(environ)))
        measured.extend(neovim_setup(Path(folder)))
    for figure in measured:
        print(figure.line())
    return 0


@contextmanager
def plain_chat(model: Path, n_threads: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.plain_chat", str(model), str(n_threads)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TESTS)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


async def generation(
    environ: dict[str, str], plain: subprocess.Popen[str], tasks: Sequence[tuple[str, str, str, str]]
) -> list[Figure]:
    """Both ways on every task, one after the other; the first task only warms both up."""
    ours: list[Timing] = []
    theirs: list[Timing] = []
    again: list[float] = []
    async with session(environ) as window:
        for turn, task in enumerate((tasks[0], *tasks)):
            text = stub(*task, salt=turn)
            if turn % 2:
                theirs.append(ask_plain(plain, text))
                ours.append(await ask_ours(window, text, f"a{turn}"))
            else:
                ours.append(await ask_ours(window, text, f"a{turn}"))
                theirs.append(ask_plain(plain, text))
            print(f"{task[0]}: plain {theirs[-1]}, halfwatt {ours[-1]}", file=sys.stderr)
            name, parameters, returns, documentation = task
            documented = stub(name, parameters, returns, documentation + CONTRACT, salt=turn)
            once = await ask_ours(window, documented, f"b{turn}")
            await asyncio.sleep(PAUSE_S)
            again.append(once.first_ms / (await ask_ours(window, documented, f"c{turn}")).first_ms)
    pairs = list(zip(ours[1:], theirs[1:], strict=True))
    return [
        figures.of("first token, halfwatt", [it.first_ms for it, _ in pairs], "ms"),
        figures.of("first token, plain llama-cpp-python", [it.first_ms for _, it in pairs], "ms"),
        figures.of(
            "first token, (halfwatt - 10 ms) / plain",
            [(one.first_ms - 10) / other.first_ms for one, other in pairs],
            most=1.05,
        ),
        figures.of(
            "tokens per second, halfwatt / plain",
            [one.tokens_per_s / other.tokens_per_s for one, other in pairs],
            least=0.97,
        ),
        figures.of("first token, first / second identical prompt, documented functions", again[1:], least=5),
    ]


def stub(name: str, parameters: str, returns: str, documentation: str, salt: int) -> str:
    """A file with a stub; the salt stands first so that no prompt is a known one's continuation."""
    lead = f"from project_{salt} import settings_{salt}\n\n\n"
    return f'{lead}def {name}({parameters}) -> {returns}:\n    """{documentation}"""\n    pass\n'


def ask_plain(process: subprocess.Popen[str], text: str) -> Timing:
    assert process.stdin is not None
    assert process.stdout is not None
    asked = prompt_of(text)
    request = {"messages": asked.messages, "opening": asked.opening, "n_tokens": N_TOKENS}
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    reply = json.loads(process.stdout.readline())
    return Timing(reply["first_ms"], reply["tokens_per_s"])


def prompt_of(text: str) -> GenerationPrompt:
    """What the language server asks for this file."""
    python = languages.for_id("python")
    assert python is not None
    source = Source(text, python)
    target = find(source, text.index("pass"))
    assert isinstance(target, Target)
    return generation_prompt(source, target)


async def ask_ours(window: Session, text: str, name: str) -> Timing:
    """From the command to the first preview, and from there to the applied edit."""
    uri = f"file:///bench/{name}.py"
    window.open(uri, text)
    started = time.perf_counter()
    job = await window.generate(uri, text.index("pass"), route="local")
    await window.until(lambda: window.deltas(job))
    first = time.perf_counter()
    await window.ended(job)
    ended = time.perf_counter()
    result = field(await window.command("halfwatt.why"), "result")
    n_tokens = field(field(result, "tokens"), "completion")
    return Timing(1000 * (first - started), (n_tokens - 1) / (ended - first))


async def starting(environ: dict[str, str]) -> list[Figure]:
    """`initialize` of the language server against importing pygls alone, taking turns."""
    answered, imported = [], []
    for _ in range(N_STARTS):
        started = time.perf_counter()
        importing = await asyncio.create_subprocess_exec(sys.executable, "-c", "import pygls.lsp.server")
        await importing.wait()
        imported.append(time.perf_counter() - started)
        started = time.perf_counter()
        async with session(environ):
            answered.append(time.perf_counter() - started)
    ratios = [(one - 0.1) / other for one, other in zip(answered, imported, strict=True)]
    return [
        figures.of("initialize of halfwatt lsp", [1000 * it for it in answered], "ms"),
        figures.of("(initialize - 100 ms) / importing pygls.lsp.server", ratios, most=1.5),
    ]


def neovim_setup(folder: Path) -> list[Figure]:
    """What `setup` costs Neovim at its start."""
    nvim = shutil.which("nvim", path=sysconfig.get_path("scripts")) or shutil.which("nvim")
    if nvim is None:
        return [Figure("Neovim setup", None, "ms")]
    plugin = ROOT / "editors" / "nvim"
    script = folder / "setup.lua"
    script.write_text(
        f"vim.opt.runtimepath:append({json.dumps(str(plugin))})\n"
        "local started = vim.uv.hrtime()\n"
        "vim.cmd.runtime('plugin/halfwatt.lua')\n"
        "require('halfwatt').setup({})\n"
        "io.write(tostring((vim.uv.hrtime() - started) / 1e6))\n"
    )
    command = [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-l", str(script)]
    spent = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(N_STARTS)]
    return [figures.of("Neovim plugin setup", spent, "ms", most=5)]


if __name__ == "__main__":
    sys.exit(main())
