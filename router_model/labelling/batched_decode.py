"""Decoding of many requests at once through llama.cpp's low-level API, with the statistics that the router learns from.

It has about twice the throughput of one request after the other. `use_extra_bufts` stays off because the AMX kernels
crash on machines whose CPU reports them. Serving does not use this file: the daemon's worker decodes one request at a
time and can be cancelled at every token.
"""

import ctypes
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

MAX_PROMPT_TOKENS = 700
MAX_NEW_TOKENS = 512
_BATCH_TOKENS = 1024


@dataclass(frozen=True)
class DecodeRequest:
    """A text in the model's chat template, and how to answer it.

    `key` comes back on the generation. `stop` reads the answer so far and says whether it is enough.
    """

    key: str
    text: str
    temperature: float = 0.0
    seed: int = 0
    max_new_tokens: int = MAX_NEW_TOKENS
    stop: Callable[[bytes], bool] = lambda text: False


@dataclass
class Generation:
    """One finished answer. `seconds` is this sequence's share of the batch's wall time."""

    key: str
    prompt_tokens: int
    text: bytes = b""
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    margin_first: float = 0.0
    finish: str = ""
    seconds: float = 0.0


@dataclass
class _ActiveSequence:
    generation: Generation
    request: DecodeRequest
    random: np.random.Generator
    position: int
    next_token: int = 0


@cache
def _silent() -> Any:
    """Drops llama.cpp's messages; made once and cached, since the library holds no reference to it."""
    import llama_cpp

    return llama_cpp.llama_log_callback(lambda level, text, data: None)


class BatchedDecoder:
    """Owns one model and one context with `n_sequences` slots. Close it, or use it in a `with` block."""

    def __init__(self, model_path: Path, n_sequences: int = 16, n_threads: int = 2) -> None:
        """Load the weights; `RuntimeError` when llama.cpp refuses them."""
        import llama_cpp

        self._llama: Any = llama_cpp
        llama_cpp.llama_log_set(_silent(), ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = False
        self._model = llama_cpp.llama_model_load_from_file(str(model_path).encode(), parameters)
        if not self._model:
            raise RuntimeError(f"llama.cpp could not load {model_path.name}; verify the file's digest.")
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._n_vocab: int = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self._context = self._new_context(n_sequences, n_threads)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(_BATCH_TOKENS, 0, 1)
        self._n_sequences = n_sequences
        self._free = list(range(n_sequences))
        self._active: dict[int, _ActiveSequence] = {}
        self._read: list[int] = []

    def __enter__(self) -> "BatchedDecoder":
        """Return itself; the model is already loaded."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Free the batch, the context and the model."""
        self._llama.llama_batch_free(self._batch)
        self._llama.llama_free(self._context)
        self._llama.llama_model_free(self._model)

    def decode(self, requests: list[DecodeRequest]) -> Iterator[Generation]:
        """Yield generations in the order in which they finish."""
        waiting = list(reversed(requests))
        while waiting or self._active:
            started = time.perf_counter()
            finished: list[Generation] = []
            while waiting and len(self._free) >= min(_n_alike(waiting), self._n_sequences):
                finished += self._admit(waiting)
            running = [active.generation for active in self._active.values()]
            finished += self._step()
            share = (time.perf_counter() - started) / max(1, len(running))
            for generation in running:
                generation.seconds += share
            yield from finished

    def next_scores(self, text: str, answers: Sequence[str]) -> list[float]:
        """Log-probabilities of one-token answers right after a text of up to two slots' worth of tokens.

        The beginning that a text shares with the one before is not read again. Not to be called while `decode` runs.
        """
        tokens = self._tokenize(text)
        known = _n_shared(self._read, tokens[:-1])
        self._llama.llama_memory_seq_rm(self._memory, 0, known, -1)
        for start in range(known, len(tokens), _BATCH_TOKENS):
            self._batch.n_tokens = 0
            for position in range(start, min(start + _BATCH_TOKENS, len(tokens))):
                last = self._add(tokens[position], position, 0, position == len(tokens) - 1)
            self._run_batch()
        self._read = tokens
        pointer = self._llama.llama_get_logits_ith(self._context, last)
        logits = np.ctypeslib.as_array(pointer, shape=(self._n_vocab,)).astype(np.float64)
        total = float(np.logaddexp.reduce(logits))
        return [float(logits[self._tokenize(answer)[0]]) - total for answer in answers]

    def _new_context(self, n_sequences: int, n_threads: int) -> Any:
        parameters = self._llama.llama_context_default_params()
        parameters.n_ctx = n_sequences * (MAX_PROMPT_TOKENS + MAX_NEW_TOKENS)
        parameters.n_batch, parameters.n_ubatch = _BATCH_TOKENS, 512
        parameters.n_seq_max, parameters.kv_unified = n_sequences, True
        parameters.n_threads = parameters.n_threads_batch = n_threads
        return self._llama.llama_init_from_model(self._model, parameters)

    def _tokenize(self, text: str) -> list[int]:
        raw = text.encode()
        buffer = (self._llama.llama_token * (len(raw) + 16))()
        count = self._llama.llama_tokenize(self._vocab, raw, len(raw), buffer, len(raw) + 16, False, True)
        return list(buffer[:count])

    def _piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(64)
        size = self._llama.llama_token_to_piece(self._vocab, token, buffer, 64, 0, True)
        return buffer.raw[:size]

    def _add(self, token: int, position: int, slot: int, wants_logits: bool) -> int:
        index: int = self._batch.n_tokens
        self._batch.token[index], self._batch.pos[index] = token, position
        self._batch.n_seq_id[index], self._batch.seq_id[index][0] = 1, slot
        self._batch.logits[index] = wants_logits
        self._batch.n_tokens = index + 1
        return index

    def _run_batch(self) -> None:
        if self._llama.llama_decode(self._context, self._batch) != 0:
            raise RuntimeError("llama.cpp could not decode a batch; lower the number of sequences.")

    def _admit(self, waiting: list[DecodeRequest]) -> list[Generation]:
        """Read the next request once for all of the same text right behind it."""
        tokens = self._tokenize(waiting[-1].text)[:MAX_PROMPT_TOKENS]
        requests = [waiting.pop() for _ in range(min(_n_alike(waiting), len(self._free)))]
        slots = [self._free.pop() for _ in requests]
        self._batch.n_tokens = 0
        for position, token in enumerate(tokens):
            last = self._add(token, position, slots[0], position == len(tokens) - 1)
        self._run_batch()
        for slot, request in zip(slots, requests, strict=True):
            if slot != slots[0]:
                self._llama.llama_memory_seq_cp(self._memory, slots[0], slot, -1, -1)
            self._active[slot] = _ActiveSequence(
                generation=Generation(request.key, len(tokens)),
                request=request,
                random=np.random.default_rng(request.seed),
                position=len(tokens),
            )
        return [done for slot in slots for done in self._consume(slot, last)]

    def _step(self) -> list[Generation]:
        if not self._active:
            return []
        self._batch.n_tokens = 0
        index = {}
        for slot, active in self._active.items():
            index[slot] = self._add(active.next_token, active.position, slot, True)
            active.position += 1
        self._run_batch()
        return [done for slot, i in index.items() for done in self._consume(slot, i)]

    def _consume(self, slot: int, index: int) -> list[Generation]:
        active = self._active[slot]
        pointer = self._llama.llama_get_logits_ith(self._context, index)
        logits = np.ctypeslib.as_array(pointer, shape=(self._n_vocab,)).copy()  # other rows may read it too
        token, logprob, margin, entropy = choose(logits, active.request.temperature, active.random)
        generation = active.generation
        if not generation.logprobs:
            generation.margin_first = margin
        generation.logprobs.append(logprob)
        generation.entropies.append(entropy)
        ended = bool(self._llama.llama_vocab_is_eog(self._vocab, token))
        if not ended:
            generation.text += self._piece(token)
        active.next_token = token
        generation.finish = "stop" if ended else finish_reason(generation, active.request)
        if not generation.finish:
            return []
        del self._active[slot]
        self._llama.llama_memory_seq_rm(self._memory, slot, -1, -1)
        self._free.append(slot)
        return [generation]


def _n_alike(waiting: Sequence[DecodeRequest]) -> int:
    """How many requests at the end have the same text; decoding starts with the last."""
    return next((n for n, each in enumerate(reversed(waiting)) if each.text != waiting[-1].text), len(waiting))


def _n_shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the common beginning."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def choose(
    logits: np.ndarray[Any, Any], temperature: float, random: np.random.Generator
) -> tuple[int, float, float, float]:
    """Next token with its log-probability, the margin of the first over the second, and the entropy in nats.

    The statistics are those of the unscaled distribution whatever the temperature. Writes into `logits`.
    """
    best = int(logits.argmax())
    top = float(logits[best])
    shifted = logits - top
    weights = np.exp(shifted)
    total = float(weights.sum())
    entropy = float(np.log(total)) - float(np.dot(weights, shifted)) / total
    logits[best] = -1e9
    margin = (1.0 - float(np.exp(logits.max() - top))) / total
    token = best if temperature <= 0 else _sample(shifted, temperature, random)
    return token, float(shifted[token]) - float(np.log(total)), margin, entropy


def _sample(shifted: np.ndarray[Any, Any], temperature: float, random: np.random.Generator) -> int:
    noise = random.gumbel(size=shifted.shape[0])
    return int((shifted / temperature + noise).argmax())


def finish_reason(generation: Generation, request: DecodeRequest) -> str:
    """Why an answer ends here, or an empty string when it goes on."""
    text = generation.text
    if text.count(b"```") >= 2 and text.rstrip().endswith(b"```"):
        return "block"
    if request.stop(text):
        return "enough"
    if len(generation.logprobs) >= request.max_new_tokens:
        return "length"
    lines = text.split(b"\n")[-5:-1]
    return "repeat" if len(lines) == 4 and lines[0].strip() and len(set(lines)) == 1 else ""
