"""Decoding of many requests at once through llama.cpp's low-level API, with the statistics that the router learns from.

It has about twice the throughput of one request after the other. `use_extra_bufts` stays off because the AMX kernels
crash on machines whose CPU reports them. Serving does not use this file: the daemon's worker decodes one request at a
time and can be cancelled at every token. A `GenerationPrompt` is read and ended as the worker would.
"""

import codecs
import ctypes
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from halfwatt.daemon.inference.early_end import ends_too_early, first_allowed
from halfwatt.daemon.inference.generation_prompt import GenerationPrompt
from halfwatt.daemon.inference.stops import Stopper
from halfwatt.daemon.models.catalog import ModelSpec

MAX_CONTEXT_TOKENS = 4096  # the default of `local.context_tokens`
USUAL_PROMPT_TOKENS = 700
MAX_NEW_TOKENS = 512
_BATCH_TOKENS = 1024


@dataclass(frozen=True)
class DecodeRequest:
    """A request, and how to answer it.

    `key` comes back on the generation. `text` is a served request, or a text in the model's chat template; for such a
    text `stop` reads the answer so far and says whether it is enough.
    """

    key: str
    text: str | GenerationPrompt
    temperature: float = 0.0
    seed: int = 0
    max_new_tokens: int = MAX_NEW_TOKENS
    stop: Callable[[bytes], bool] = lambda text: False


@dataclass
class Generation:
    """One finished answer. `seconds` is this sequence's share of the batch's wall time.

    A prompt that the context cannot hold has no text and the finish `prompt_too_long`, as serving refuses it.
    """

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
    stopper: Stopper | None = None
    decode: Callable[[bytes], str] = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace").decode
    )


@cache
def _silent() -> Any:
    """Drops llama.cpp's messages; made once and cached, since the library holds no reference to it."""
    import llama_cpp

    return llama_cpp.llama_log_callback(lambda level, text, data: None)


class BatchedDecoder:
    """Owns one model and one context with `n_sequences` slots. Close it, or use it in a `with` block."""

    def __init__(
        self, model_path: Path, n_sequences: int = 16, n_threads: int = 2, spec: ModelSpec | None = None
    ) -> None:
        """Load the weights; `RuntimeError` when llama.cpp refuses them. Without `spec` the file's template is used."""
        import llama_cpp

        from halfwatt.daemon.worker.vocabulary import Vocabulary

        self._llama: Any = llama_cpp
        llama_cpp.llama_log_set(_silent(), ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = False
        self._model = llama_cpp.llama_model_load_from_file(str(model_path).encode(), parameters)
        if not self._model:
            raise RuntimeError(f"llama.cpp could not load {model_path.name}; verify the file's digest.")
        self._vocabulary = Vocabulary(self._model, spec.fim.stops if spec and spec.fim else ())
        self._template = self._vocabulary.chat_template(spec.chat_template if spec else None)
        self._context = self._new_context(n_sequences, n_threads)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(_BATCH_TOKENS, 0, 1)
        self._n_sequences = n_sequences
        self._n_cells = n_sequences * (USUAL_PROMPT_TOKENS + MAX_NEW_TOKENS)
        self._free = list(range(n_sequences))
        self._active: dict[int, _ActiveSequence] = {}
        self._known: list[int] = []

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
                tokens = self._tokens_of(waiting[-1].text)
                if not self._can_ever_hold(tokens, waiting[-1]):
                    finished.append(Generation(waiting.pop().key, len(tokens), finish="prompt_too_long"))
                elif self._has_room(tokens, waiting):
                    finished += self._admit(tokens, waiting)
                else:
                    break
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
        tokens = self._vocabulary.tokenize(text, special=True)
        known = _n_shared(self._known, tokens[:-1])
        self._llama.llama_memory_seq_rm(self._memory, 0, known, -1)
        last = self._read(tokens, 0, known)
        self._known = tokens
        pointer = self._llama.llama_get_logits_ith(self._context, last)
        logits = np.ctypeslib.as_array(pointer, shape=(self._vocabulary.size,)).astype(np.float64)
        total = float(np.logaddexp.reduce(logits))
        return [float(logits[self._vocabulary.tokenize(answer, special=True)[0]]) - total for answer in answers]

    def _new_context(self, n_sequences: int, n_threads: int) -> Any:
        parameters = self._llama.llama_context_default_params()
        parameters.n_ctx = n_sequences * (USUAL_PROMPT_TOKENS + MAX_NEW_TOKENS)
        parameters.n_batch, parameters.n_ubatch = _BATCH_TOKENS, 512
        parameters.n_seq_max, parameters.kv_unified = n_sequences, True
        parameters.n_threads = parameters.n_threads_batch = n_threads
        return self._llama.llama_init_from_model(self._model, parameters)

    def _tokens_of(self, text: str | GenerationPrompt) -> list[int]:
        if isinstance(text, str):
            return self._vocabulary.tokenize(text, special=True)
        if self._template is None:
            raise ValueError("This model has no chat template; label an instruction-tuned one.")
        return self._vocabulary.chat_tokens(self._template, text.messages, text.opening)

    def _can_ever_hold(self, tokens: Sequence[int], request: DecodeRequest) -> bool:
        n_most = len(tokens) + request.max_new_tokens
        return len(tokens) < MAX_CONTEXT_TOKENS and n_most <= self._n_cells

    def _has_room(self, tokens: Sequence[int], waiting: Sequence[DecodeRequest]) -> bool:
        """Whether the context holds what runs and the next requests of one text, each to its longest answer."""
        active = self._active.values()
        n_taken = sum(each.position + each.request.max_new_tokens for each in active)
        n_next = min(_n_alike(waiting), len(self._free))
        return not active or n_taken + n_next * (len(tokens) + waiting[-1].max_new_tokens) <= self._n_cells

    def _add(self, token: int, position: int, slot: int, wants_logits: bool) -> int:
        index: int = self._batch.n_tokens
        self._batch.token[index], self._batch.pos[index] = token, position
        self._batch.n_seq_id[index], self._batch.seq_id[index][0] = 1, slot
        self._batch.logits[index] = wants_logits
        self._batch.n_tokens = index + 1
        return index

    def _read(self, tokens: Sequence[int], slot: int, n_known: int) -> int:
        """Read the tokens behind the known ones into a slot; the row that predicts what follows."""
        last = 0
        for start in range(n_known, len(tokens), _BATCH_TOKENS):
            self._batch.n_tokens = 0
            for position in range(start, min(start + _BATCH_TOKENS, len(tokens))):
                last = self._add(tokens[position], position, slot, position == len(tokens) - 1)
            self._run_batch()
        return last

    def _run_batch(self) -> None:
        if self._llama.llama_decode(self._context, self._batch) != 0:
            raise RuntimeError("llama.cpp could not decode a batch; lower the number of sequences.")

    def _admit(self, tokens: Sequence[int], waiting: list[DecodeRequest]) -> list[Generation]:
        """Read the next request once for all of the same text right behind it."""
        requests = [waiting.pop() for _ in range(min(_n_alike(waiting), len(self._free)))]
        slots = [self._free.pop() for _ in requests]
        last = self._read(tokens, slots[0], 0)
        for slot, request in zip(slots, requests, strict=True):
            if slot != slots[0]:
                self._llama.llama_memory_seq_cp(self._memory, slots[0], slot, -1, -1)
            self._active[slot] = _ActiveSequence(
                generation=Generation(request.key, len(tokens)),
                request=request,
                random=np.random.default_rng(request.seed),
                position=len(tokens),
                stopper=_stopper(request.text),
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
        logits = np.ctypeslib.as_array(pointer, shape=(self._vocabulary.size,)).copy()  # other rows may read it too
        refused = self._early(active.stopper)
        token, logprob, margin, entropy = choose(logits, active.request.temperature, active.random, refused)
        generation = active.generation
        if not generation.logprobs:
            generation.margin_first = margin
        generation.logprobs.append(logprob)
        generation.entropies.append(entropy)
        generation.finish = self._written(active, token)
        active.next_token = token
        if not generation.finish:
            return []
        del self._active[slot]
        self._llama.llama_memory_seq_rm(self._memory, slot, -1, -1)
        self._free.append(slot)
        return [generation]

    def _early(self, stopper: Stopper | None) -> Callable[[int], bool] | None:
        """Which tokens a served request would not choose now."""
        if stopper is None or not stopper.is_blank:
            return None
        return lambda token: ends_too_early(token, self._vocabulary, stopper)

    def _written(self, active: _ActiveSequence, token: int) -> str:
        """Put the token's text to the answer; why it ends with it, or an empty string."""
        generation, stopper = active.generation, active.stopper
        if self._vocabulary.is_end_token(token):
            if stopper is not None:
                generation.text += stopper.finish().encode()
            return "stop"
        if stopper is None:
            generation.text += self._vocabulary.token_bytes(token)
            return finish_reason(generation, active.request)
        generation.text += stopper.feed(active.decode(self._vocabulary.token_bytes(token))).encode()
        if stopper.reason is None and len(generation.logprobs) >= active.request.max_new_tokens:
            generation.text += stopper.finish().encode()
            return "length"
        return stopper.reason or ""


def _stopper(text: str | GenerationPrompt) -> Stopper | None:
    """The stop rules of a served request."""
    if isinstance(text, str):
        return None
    return Stopper(text.stop_rules, opening=text.opening, language=text.language)


def _n_alike(waiting: Sequence[DecodeRequest]) -> int:
    """How many requests at the end have the same text; decoding starts with the last."""
    return next((n for n, each in enumerate(reversed(waiting)) if each.text != waiting[-1].text), len(waiting))


def _n_shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the common beginning."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def choose(
    logits: np.ndarray[Any, Any],
    temperature: float,
    random: np.random.Generator,
    refused: Callable[[int], bool] | None = None,
) -> tuple[int, float, float, float]:
    """Next token with its log-probability, the margin of the first over the second, and the entropy in nats.

    A `refused` token is passed over. The statistics are those of the unscaled distribution of all tokens whatever the
    temperature. Writes into `logits`.
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
    token = first_allowed(
        token,
        refused,
        shifted,
        lambda: int(shifted.argmax()) if temperature <= 0 else _sample(shifted, temperature, random),
    )
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
