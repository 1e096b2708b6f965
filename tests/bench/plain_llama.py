"""Plain llama-cpp-python as a child process: the yardstick for speed, and the raw output for quality.

Run as a program it reads one JSON request a line and answers with one JSON line. No stop rules, no daemon: only the
model's key-value prefix is reused, which `Llama.generate` does by itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repository import TESTS

CONTEXT_TOKENS = 4096
MARKS = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
ENDS = ("<|endoftext|>", "<|im_end|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>", *MARKS)


@dataclass(frozen=True)
class Answer:
    """Raw text, with the milliseconds from the request to the last token."""

    text: str
    n_tokens: int
    n_prompt: int
    first_ms: float
    total_ms: float


class Plain:
    """One child process with the model."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def complete(self, prefix: str, suffix: str, n_tokens: int, one_line: bool = False) -> Answer:
        """Greedy fill-in-the-middle: at most `n_tokens`; `one_line`: until one line says something."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"prefix": prefix, "suffix": suffix, "n_tokens": n_tokens, "one_line": one_line}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Answer(**json.loads(self._process.stdout.readline()))


@contextmanager
def running(model: Path, n_threads: int) -> Iterator[Plain]:
    command = [sys.executable, "-m", "bench.plain_llama", str(model), str(n_threads)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TESTS)
    try:
        yield Plain(process)
    finally:
        process.terminate()
        process.wait()


def main(model: str, n_threads: int) -> None:
    import llama_cpp.llama_cpp as low_level

    plain = low_level.llama_model_default_params

    def safe_params() -> Any:
        params = plain()
        params.use_extra_bufts = False  # the AMX kernels crash on many virtual machines
        return params

    low_level.llama_model_default_params = safe_params
    from llama_cpp import Llama

    llama = Llama(model, n_ctx=CONTEXT_TOKENS, n_threads=n_threads, n_threads_batch=n_threads, verbose=False)
    for line in sys.stdin:
        print(json.dumps(_answer(llama, **json.loads(line))), flush=True)


def _answer(llama: Any, prefix: str, suffix: str, n_tokens: int, one_line: bool) -> dict[str, Any]:
    started = time.perf_counter()
    ends = {token for mark in ENDS for token in llama.tokenize(mark.encode(), add_bos=False, special=True)}
    tokens: list[int] = []
    for mark, text in zip(MARKS, (prefix, suffix, ""), strict=True):
        tokens += llama.tokenize(mark.encode(), add_bos=False, special=True)
        tokens += llama.tokenize(text.encode(), add_bos=False, special=False)
    said, n, first_ms = b"", 0, 0.0
    for token in llama.generate(tokens, temp=0.0, top_k=1):
        first_ms = first_ms or 1000 * (time.perf_counter() - started)
        if token in ends:
            break
        n += 1
        said += llama.detokenize([token], special=False)
        if n >= n_tokens or (one_line and b"\n" in said.lstrip()):
            break
    total_ms = 1000 * (time.perf_counter() - started)
    text = said.decode(errors="ignore")
    return {"text": text, "n_tokens": n, "n_prompt": len(tokens), "first_ms": first_ms, "total_ms": total_ms}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
