"""llama.cpp through its low-level API: one model, one context, a few sequences of key-value state.

One thread of run.py owns it; other threads may call only `abort`, `tokenize` and `prompt_tokens`. It knows nothing of
pipes, queues and stop rules. The high-level `Llama` class is not used: it has no abort, no slots and no
`use_extra_bufts`, and its fill-in-the-middle ids are always 0.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from halfwatt.daemon.errors import ModelError, UsageError, WorkerError
from halfwatt.daemon.inference.early_end import first_allowed
from halfwatt.daemon.inference.prompts import fim_tokens
from halfwatt.daemon.models.catalog import FimTemplate

from .protocol import LoadModel, WorkerJob
from .vocabulary import Vocabulary

BATCH_TOKENS = 512
MOST_SLOTS = 4
ABORTED = 2
NATIVE_ERROR_LEVEL = 3  # ggml_log_level
TOP_K, TOP_P = 40, 0.95  # llama.cpp's own defaults, for temperatures above 0
SELF_TEST_PROMPT = "def add(a, b):\n    return a + b\n\n\n" * 8

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SampledToken:
    """One sampled token, with statistics of the unscaled distribution in nats.

    `margin` is the probability lead of the first over the second choice; only an answer's first token has it."""

    token: int
    logprob: float
    entropy: float
    margin: float | None


class DecodeAborted(Exception):
    """`abort` ended a decode; the slot holds no more than before it."""


class LlamaEngine:
    """A loaded model. ModelError where llama.cpp refuses the file or has no memory for its state."""

    def __init__(self, load: LoadModel) -> None:
        llama_cpp.llama_log_set(_log_callback, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self._model = _load_model(load)
        self._vocabulary = Vocabulary(self._model, load.fim.stops if load.fim else ())
        self._n_vocab = self._vocabulary.size
        trained = llama_cpp.llama_model_n_ctx_train(self._model)
        self.context_tokens = min(load.context_tokens, trained) if trained > 0 else load.context_tokens
        self.n_slots = max(
            1, min(MOST_SLOTS, load.state_bytes // (self._state_bytes_per_token() * self.context_tokens))
        )
        self._n_threads = max(1, load.n_threads)
        self._context = self._new_context()
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = _NativeBatch(BATCH_TOKENS)
        self._weights = np.empty(self._n_vocab, dtype=np.float32)
        self._abort_flag = ctypes.create_string_buffer(2)
        self._install_abort()
        self._chat_template = self._vocabulary.chat_template(load.chat_template)
        self._fim = self._fim_tokens(load.fim)
        self._samplers: dict[tuple[float, int], Any] = {}

    @property
    def library(self) -> str:
        return f"llama.cpp {llama_cpp.llama_version().decode('ascii', 'replace')}"

    @property
    def has_fim(self) -> bool:
        return self._fim is not None

    def self_test(self) -> None:
        """Decode a batch and a single token: that is where broken kernels crash. WorkerError for useless numbers."""
        tokens = self.tokenize(SELF_TEST_PROMPT, special=False)[:BATCH_TOKENS]
        self.decode(0, tokens, 0)
        sampled = self.next_token(first=True)
        self.decode(0, [sampled.token], len(tokens))
        if not np.isfinite(self._logits()).all():
            raise WorkerError("The local model answers with numbers that are not finite.")
        self.keep_prefix(0, 0)

    # Prompts

    def prompt_tokens(self, job: WorkerJob) -> list[int]:
        """The job's prompt in the model's own template; UsageError where the model has none for this shape."""
        match job.shape:
            case "chat":
                if self._chat_template is None:
                    raise UsageError(
                        "This local model has no chat template. Choose an instruction-tuned model with "
                        "`halfwatt config set local.model`, or ask for a plain completion."
                    )
                return self._vocabulary.chat_tokens(self._chat_template, job.messages or [], job.opening)
            case "fim":
                if self._fim is None:
                    raise UsageError(
                        "This local model cannot fill in the middle. Choose another model with "
                        "`halfwatt config set local.model`, or ask for a plain completion."
                    )
                prefix, suffix = job.prompt or "", job.suffix or ""
                # Fill-in-the-middle marks inside the user's own text stay text.
                parts = self.tokenize(prefix, special=False), self.tokenize(suffix, special=False)
                return self._vocabulary.begin() + fim_tokens(self._fim, *parts)
            case "text":
                return self._vocabulary.begin() + self.tokenize(job.prompt or "", special=True)

    def tokenize(self, text: str, special: bool) -> list[int]:
        """Token ids without a begin token; `special` also reads the names of control tokens in the text."""
        return self._vocabulary.tokenize(text, special)

    def token_bytes(self, token: int) -> bytes:
        """The token's bytes, perhaps only a part of a character; none for control tokens."""
        return self._vocabulary.token_bytes(token)

    def is_end_token(self, token: int) -> bool:
        """Whether the model ends its answer with this token."""
        return self._vocabulary.is_end_token(token)

    # State

    def keep_prefix(self, slot: int, n_tokens: int, copy_from: int | None = None) -> None:
        """Leave only the first `n_tokens` in a slot. With `copy_from` the slot first becomes a copy of that one."""
        if copy_from is not None:
            llama_cpp.llama_memory_seq_rm(self._memory, slot, -1, -1)
            llama_cpp.llama_memory_seq_cp(self._memory, copy_from, slot, -1, -1)
        if not llama_cpp.llama_memory_seq_rm(self._memory, slot, n_tokens, -1):
            raise WorkerError("This model's state cannot be cut.")

    def set_threads(self, n_threads: int) -> None:
        if n_threads != self._n_threads:
            self._n_threads = n_threads
            llama_cpp.llama_set_n_threads(self._context, n_threads, n_threads)

    def decode(self, slot: int, tokens: Sequence[int], position: int, every_row: bool = False) -> None:
        """Read at most `BATCH_TOKENS` tokens into a slot. It computes logits for the last token, or for `every_row`.

        DecodeAborted after `abort`, WorkerError where llama.cpp fails."""
        code = llama_cpp.llama_decode(self._context, self._batch.fill(slot, tokens, position, every_row))
        if code == ABORTED:
            raise DecodeAborted
        if code != 0:
            raise WorkerError(f"llama.cpp could not decode (code {code}). The answer was given up; ask again.")

    def abort(self) -> None:
        """End the running decode, or the next one, after one step of its graph. Any thread may call this."""
        self._abort_flag[0] = b"\x01"

    def clear_abort(self) -> None:
        self._abort_flag[0] = b"\x00"

    # Sampling

    def next_token(
        self,
        first: bool,
        temperature: float = 0.0,
        seed: int = 0,
        row: int = -1,
        refused: Callable[[int], bool] | None = None,
    ) -> SampledToken:
        """The next token from a row of the last decode. Temperature 0 is greedy; others may use the last row only.

        A `refused` token is passed over. The statistics are those of all tokens, whichever is chosen."""
        logits = self._logits(row)
        best = int(logits.argmax())
        top = float(logits[best])
        weights = np.exp(np.subtract(logits, top, out=self._weights), out=self._weights)
        total = float(weights.sum())
        # Σ p·(logit − top) = (Σ w·logit)/Σw − top
        entropy = float(np.log(total)) - (float(np.dot(weights, logits)) / total - top)
        margin = _margin(logits, best, total) if first else None
        token = best if temperature <= 0 else self._sample(temperature, seed, first)
        token = first_allowed(
            token,
            refused,
            logits,
            lambda: int(logits.argmax()) if temperature <= 0 else self._sample(temperature, seed, False),
        )
        return SampledToken(token, float(logits[token]) - top - float(np.log(total)), max(0.0, entropy), margin)

    def _sample(self, temperature: float, seed: int, first: bool) -> int:
        key = (temperature, seed)
        if first or key not in self._samplers:
            for sampler in self._samplers.values():
                llama_cpp.llama_sampler_free(sampler)
            self._samplers = {key: _sampler(temperature, seed)}
        return int(llama_cpp.llama_sampler_sample(self._samplers[key], self._context, -1))

    def _logits(self, row: int = -1) -> Floats:
        pointer = llama_cpp.llama_get_logits_ith(self._context, row)
        logits: Floats = np.ctypeslib.as_array(pointer, shape=(self._n_vocab,))
        return logits

    # Setting up

    def _new_context(self) -> Any:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = self.context_tokens * self.n_slots
        parameters.n_seq_max = self.n_slots
        parameters.kv_unified = False  # attention then costs what one document's state costs, not that of all
        parameters.n_batch = parameters.n_ubatch = BATCH_TOKENS
        parameters.n_threads = parameters.n_threads_batch = self._n_threads
        if not llama_cpp.llama_supports_gpu_offload():
            # On processors flash attention costs 6 % of the decoding speed.
            parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        context = llama_cpp.llama_init_from_model(self._model, parameters)
        if not context:
            raise ModelError(
                "There is not enough memory for the local model's state. Lower `local.context_tokens`, or choose a "
                "smaller model."
            )
        return context

    def _state_bytes_per_token(self) -> int:
        """Bytes of 16-bit keys and values for one token."""
        heads = max(1, llama_cpp.llama_model_n_head(self._model))
        width = llama_cpp.llama_model_n_embd(self._model) // heads * llama_cpp.llama_model_n_head_kv(self._model)
        return max(1, 2 * 2 * int(llama_cpp.llama_model_n_layer(self._model)) * int(width))

    def _install_abort(self) -> None:
        """llama.cpp asks the callback before every step of its graph. The callback is C's `strlen` on the flag's
        buffer, which needs no Python lock: 0 for an empty string, 1 once `abort` has written a byte."""
        library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
        self._abort_callback = ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)
        flag = ctypes.cast(self._abort_flag, ctypes.c_void_p)
        llama_cpp.llama_set_abort_callback(self._context, self._abort_callback, flag)

    def _fim_tokens(self, template: FimTemplate | None) -> tuple[list[int], list[int], list[int]] | None:
        """The marks before the prefix, the suffix and the middle; None where the model has none."""
        if template is not None:
            texts = (template.prefix, template.suffix, template.middle)
            prefix, suffix, middle = (self.tokenize(text, special=True) for text in texts)
            return prefix, suffix, middle
        return self._vocabulary.fim_marks()


class _NativeBatch:
    """llama.cpp's batch structure over our own arrays: one slot, growing positions, logits for the last token."""

    def __init__(self, size: int) -> None:
        self._token = np.zeros(size, dtype=np.int32)
        self._position = np.zeros(size, dtype=np.int32)
        self._n_slots = np.ones(size, dtype=np.int32)
        self._slot = ctypes.c_int32(0)
        one = ctypes.pointer(self._slot)
        self._slots = (ctypes.POINTER(ctypes.c_int32) * size)(*[one] * size)
        self._wants_logits = np.zeros(size, dtype=np.int8)
        self._native = llama_cpp.llama_batch(
            n_tokens=0,
            token=self._token.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            embd=None,
            pos=self._position.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            n_seq_id=self._n_slots.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            seq_id=self._slots,
            logits=self._wants_logits.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )

    def fill(self, slot: int, tokens: Sequence[int], position: int, every_row: bool) -> Any:
        count = len(tokens)
        self._token[:count] = tokens
        self._position[:count] = np.arange(position, position + count, dtype=np.int32)
        self._wants_logits[:count] = every_row
        self._wants_logits[count - 1] = 1
        self._slot.value = slot
        self._native.n_tokens = count
        return self._native


def _load_model(load: LoadModel) -> Any:
    parameters = llama_cpp.llama_model_default_params()
    parameters.use_extra_bufts = load.fallback.extra_buffers
    if not load.fallback.memory_map:
        parameters.load_mode = llama_cpp.LLAMA_LOAD_MODE_NONE
    model = llama_cpp.llama_model_load_from_file(load.path.encode(), parameters)
    if not model:
        raise ModelError(
            "llama.cpp cannot load the local model: the file is damaged, of an unknown kind, or too large for this "
            "machine. Run `halfwatt models verify`, or choose another model with `halfwatt config set local.model`."
        )
    return model


def _sampler(temperature: float, seed: int) -> Any:
    chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    for sampler in (
        llama_cpp.llama_sampler_init_top_k(TOP_K),
        llama_cpp.llama_sampler_init_top_p(TOP_P, 1),
        llama_cpp.llama_sampler_init_temp(temperature),
        llama_cpp.llama_sampler_init_dist(seed & 0xFFFFFFFF),
    ):
        llama_cpp.llama_sampler_chain_add(chain, sampler)
    return chain


def _margin(logits: Floats, best: int, total: float) -> float:
    top = float(logits[best])
    logits[best] = -np.inf
    second = float(logits.max())
    logits[best] = top
    return (1.0 - float(np.exp(second - top))) / total


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]  # ctypes' decorator
def _log_callback(level: int, text: bytes, _data: object) -> None:
    """Pass on errors only: llama.cpp writes a lot, and the daemon logs what comes before the first prompt."""
    if level == NATIVE_ERROR_LEVEL:
        sys.stderr.write(text.decode("utf-8", "replace"))
