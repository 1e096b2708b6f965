"""Plain llama-cpp-python answering chat messages, as a child process: the yardstick for generating functions.

Reads one JSON request a line and answers with one JSON line. It continues the same opening and stops where halfwatt
does, at the end of a Python function's body. So both do the same work; nothing else is done for it.
"""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any

CONTEXT_TOKENS = 4096


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
    template = template_of(llama)
    for line in sys.stdin:
        print(json.dumps(answer(llama, template, **json.loads(line))), flush=True)


def template_of(llama: Any) -> Any:
    """The chat template of the model's file: messages become a text."""
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

    ends = [llama.detokenize([token], special=True).decode() for token in (llama.token_eos(), llama.token_bos())]
    return Jinja2ChatFormatter(llama.metadata["tokenizer.chat_template"], *ends)


def prompt_text(template: Any, messages: list[dict[str, str]], opening: str) -> str:
    return str(template(messages=messages).prompt) + opening


def answer(llama: Any, template: Any, messages: list[dict[str, str]], opening: str, n_tokens: int) -> dict[str, Any]:
    started = time.perf_counter()
    text, n, first_s = "", 0, 0.0
    for chunk in llama.create_completion(
        prompt_text(template, messages, opening), stream=True, temperature=0.0, max_tokens=n_tokens
    ):
        piece = chunk["choices"][0]["text"]
        if not piece:
            continue
        first_s = first_s or time.perf_counter()
        text, n = text + piece, n + 1
        if re.search(r"^[^\s#]", text, re.MULTILINE):
            break
    ended = time.perf_counter()
    first_ms, rest_s = 1000 * (first_s - started), ended - first_s
    return {"text": text, "n_tokens": n, "first_ms": first_ms, "tokens_per_s": (n - 1) / rest_s if rest_s else None}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
