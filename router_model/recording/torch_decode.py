"""Decoding of very many requests at once through torch, for recordings on a processor.

The weights of a Qwen2 GGUF file are widened to 32 bits and multiplied for dozens of sequences at a time. On two
busy cores that gave several times the tokens per processor second of llama.cpp, whose kernels for this
quantization do not profit from large batches. Same weights, wider activations: a few greedy answers differ from those
of the served model, so its figures belong to what was recorded with it. Serving does not use this file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from halfwatt.router_model.labelling.batched_decode import DecodeRequest, Generation, finish_reason

_MAX_TOKENS = 1100  # request and answer together
_LIKELIEST = 50  # sampling draws from these


@dataclass
class _ActiveRow:
    generation: Generation
    request: DecodeRequest
    random: np.random.Generator
    length: int
    next_token: int = 0


class TorchDecoder:
    """Owns the widened weights and `n_rows` rows of keys and values. Needs torch, transformers and gguf."""

    def __init__(self, tokenizer: Any, weights: dict[str, Any], settings: dict[str, Any], n_rows: int = 40) -> None:
        """Weights under their names in the file; `settings` as `_read` gives them."""
        import torch

        self._torch: Any = torch
        self._tokenizer = tokenizer
        self._weights = weights
        self._n_layers, self._n_heads, self._n_kv = settings["layers"], settings["heads"], settings["kv_heads"]
        self._epsilon, self._size = settings["epsilon"], settings["size"]
        self._turn = settings["base"] ** -(torch.arange(0, self._size, 2) / self._size)
        shape = (n_rows, self._n_kv, _MAX_TOKENS, self._size)
        self._keys = [torch.zeros(shape) for _ in range(self._n_layers)]
        self._values = [torch.zeros(shape) for _ in range(self._n_layers)]
        self._n_rows = n_rows
        self._ends = {self._tokenizer.token_to_id(name) for name in ("<|im_end|>", "<|endoftext|>")}

    @classmethod
    def read(cls, model_path: Path, n_rows: int = 40, n_threads: int = 1) -> "TorchDecoder":
        """Read and widen the weights of a file: five to six times its size in memory."""
        import torch
        from transformers import AutoTokenizer

        torch.set_num_threads(n_threads)
        whole = AutoTokenizer.from_pretrained(str(model_path.parent), gguf_file=model_path.name)
        tokenizer = whole.backend_tokenizer  # the rest holds the vocabulary a second time
        del whole
        return cls(tokenizer, *_read(model_path, torch), n_rows)

    def decode(self, requests: Sequence[DecodeRequest]) -> Iterator[Generation]:
        """Yield generations in the order in which they finish; requests of one text in a row share its reading."""
        waiting, rows = list(reversed(requests)), list[_ActiveRow]()
        with self._torch.inference_mode():
            while waiting or rows:
                while waiting and len(rows) < self._n_rows:
                    self._admit(waiting, rows)
                yield from self._remove_finished(rows)
                if rows:
                    self._consume(rows, self._step(rows))
                    yield from self._remove_finished(rows)

    def _admit(self, waiting: list[DecodeRequest], rows: list[_ActiveRow]) -> None:
        text = waiting[-1].text
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids[: _MAX_TOKENS - 200]
        first = len(rows)
        logits = self._forward([ids], slice(first, first + 1), [0])
        while waiting and waiting[-1].text == text and len(rows) < self._n_rows:
            request, place = waiting.pop(), len(rows)
            if place != first:
                self._copy(first, place, len(ids))
            rows.append(
                _ActiveRow(Generation(request.key, len(ids)), request, np.random.default_rng(request.seed), len(ids))
            )
        self._consume(rows[first:], logits.expand(len(rows) - first, -1))

    def _step(self, rows: list[_ActiveRow]) -> Any:
        logits = self._forward([[row.next_token] for row in rows], slice(0, len(rows)), [row.length for row in rows])
        for row in rows:
            row.length += 1
        return logits

    def _consume(self, rows: Sequence[_ActiveRow], logits: Any) -> None:
        totals = logits.logsumexp(dim=-1)
        values, tokens = logits.topk(_LIKELIEST, dim=-1)
        for index, row in enumerate(rows):
            heights = values[index].numpy()
            place = 0
            if row.request.temperature > 0:
                noise = row.random.gumbel(size=_LIKELIEST)
                place = int((heights / row.request.temperature + noise).argmax())
            token = int(tokens[index, place])
            row.generation.logprobs.append(float(heights[place]) - float(totals[index]))
            row.next_token = token
            ended = token in self._ends
            if not ended:
                row.generation.text += self._tokenizer.decode([token], skip_special_tokens=False).encode()
            full = row.length >= _MAX_TOKENS - 1
            row.generation.finish = (
                "stop" if ended else "length" if full else finish_reason(row.generation, row.request)
            )

    def _remove_finished(self, rows: list[_ActiveRow]) -> Iterator[Generation]:
        for place in range(len(rows) - 1, -1, -1):
            if rows[place].generation.finish:
                done, last = rows[place], rows.pop()
                if last is not done:
                    self._copy(len(rows), place, last.length)
                    rows[place] = last
                yield done.generation

    def _copy(self, source: int, target: int, length: int) -> None:
        for part in (*self._keys, *self._values):
            part[target, :, :length] = part[source, :, :length]

    def _forward(self, tokens: list[list[int]], rows: slice, starts: list[int]) -> Any:
        """Logits of each row's last token. Either one row of many tokens from its start, or many rows of one."""
        torch, weights = self._torch, self._weights
        ids = torch.tensor(tokens)
        n_rows, n_new = ids.shape
        at = torch.tensor(starts)[:, None] + torch.arange(n_new)
        angle = at[..., None] * self._turn
        cosine, sine = angle.cos()[:, None], angle.sin()[:, None]
        longest = int(at.max()) + 1
        hidden_mask = torch.arange(longest) > at[..., None]
        mask = torch.zeros(hidden_mask.shape).masked_fill(hidden_mask, -1e9)[:, None]
        x = weights["token_embd.weight"][ids].float()
        for layer in range(self._n_layers):
            part = {name: weights[f"blk.{layer}.{name}"] for name in _PARTS}
            y = self._norm(x, part["attn_norm.weight"])
            q, k, v = (self._heads(y, part, name) for name in "qkv")
            q, k = _turned(torch, q, cosine, sine), _turned(torch, k, cosine, sine)
            keys, values = self._keys[layer][rows], self._values[layer][rows]
            if n_rows == 1:
                keys[0, :, starts[0] : starts[0] + n_new], values[0, :, starts[0] : starts[0] + n_new] = k[0], v[0]
            else:
                places = (torch.arange(n_rows), slice(None), at[:, 0])
                keys[places], values[places] = k[:, :, 0], v[:, :, 0]
            x = x + self._attend(q, keys[:, :, :longest], values[:, :, :longest], mask) @ part["attn_output.weight"].T
            y = self._norm(x, part["ffn_norm.weight"])
            gate = torch.nn.functional.silu(y @ part["ffn_gate.weight"].T)
            x = x + (gate * (y @ part["ffn_up.weight"].T)) @ part["ffn_down.weight"].T
        last = self._norm(x[:, -1], weights["output_norm.weight"])
        return last @ weights.get("output.weight", weights["token_embd.weight"]).T

    def _heads(self, y: Any, part: dict[str, Any], name: str) -> Any:
        out = y @ part[f"attn_{name}.weight"].T + part[f"attn_{name}.bias"]
        return out.view(*y.shape[:2], -1, self._size).transpose(1, 2)

    def _attend(self, q: Any, keys: Any, values: Any, mask: Any) -> Any:
        """Grouped attention: query heads of one group share a key head. Returns `(rows, new, width)`."""
        n_rows, _, n_new, _ = q.shape
        grouped = q.reshape(n_rows, self._n_kv, -1, self._size)  # heads of a group and their tokens in one axis
        scores = (grouped @ keys.transpose(2, 3)) / self._size**0.5
        scores = scores.view(n_rows, self._n_heads, n_new, -1) + mask
        weights = scores.softmax(dim=-1).view(n_rows, self._n_kv, -1, keys.shape[2])
        mixed = (weights @ values).view(n_rows, self._n_heads, n_new, self._size)
        return mixed.transpose(1, 2).reshape(n_rows, n_new, -1)

    def _norm(self, x: Any, weight: Any) -> Any:
        return x * (x.pow(2).mean(dim=-1, keepdim=True) + self._epsilon).rsqrt() * weight


_PARTS = [f"attn_{name}.{kind}" for name in "qkv" for kind in ("weight", "bias")]
_PARTS += ["attn_norm.weight", "attn_output.weight", "ffn_norm.weight"]
_PARTS += ["ffn_gate.weight", "ffn_up.weight", "ffn_down.weight"]


def _read(path: Path, torch: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    from gguf import GGUFReader, dequantize

    reader = GGUFReader(str(path))
    weights = {
        tensor.name: torch.from_numpy(np.array(dequantize(tensor.data, tensor.tensor_type)))  # keeps no file page
        for tensor in reader.tensors
    }
    if "output.weight" in weights:  # then the first table is only read by rows
        weights["token_embd.weight"] = weights["token_embd.weight"].half()
    names = {
        "layers": "block_count", "heads": "attention.head_count", "kv_heads": "attention.head_count_kv",
        "epsilon": "attention.layer_norm_rms_epsilon", "base": "rope.freq_base", "width": "embedding_length",
    }  # fmt: skip
    settings = {short: reader.fields[f"qwen2.{name}"].contents() for short, name in names.items()}
    return weights, {**settings, "size": settings["width"] // settings["heads"]}


def _turned(torch: Any, x: Any, cosine: Any, sine: Any) -> Any:
    """Rotary positions, halves of each head turned against each other."""
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cosine - right * sine, right * cosine + left * sine), dim=-1)
