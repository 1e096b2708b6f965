"""From recorded generations to text-free tables: prompts, clusters, self-written tests, and the decoder behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sandboxed import needs_sandbox

from halfwatt.router_model.labelling.batched_decode import BatchedDecoder, DecodeRequest
from halfwatt.router_model.labelling.judge import extract_code
from halfwatt.router_model.labelling.tasks import Task
from halfwatt.router_model.recording.outcomes import (
    assertions,
    clustered,
    same_behaviour_program,
    samples_rows,
    self_tests_row,
    visible_calls,
)
from halfwatt.router_model.recording.record import LineCounter, prompt_for_tests, signature
from halfwatt.router_model.sandbox.sandbox import SandboxLimits, runs_to_its_end

HEAD = 'def double(x):\n    """ Twice x.\n    >>> double(2)\n    4\n    """\n'
TEST = "assert double(3) == 6\n"
DOUBLE = Task("HumanEval/x", HEAD, HEAD, HEAD, "double", HEAD, HEAD + "    return 2 * x\n", TEST)
MBPP = Task("mbpp/x", "Double a number.", "Double … tests", HEAD, "double", "", "", f"{TEST}assert double(0) == 0\n")
DRAFT = {"completion": "```python\ndef double(x):\n    return x + x\n```"}
TESTS = {"completion": "2) == 4\nassert double(5) == 10\nassert double(1) == 3\nassert doub", "prompt_tokens": 90,
         "n_tokens": 40, "tokens_at": [8, 18, 30]}  # fmt: skip


def run(program: str) -> bool:
    return runs_to_its_end(program, SandboxLimits(wall_s=5, cpu_s=2))


def test_assertions_are_counted_with_the_tokens_they_took_and_enough_is_enough() -> None:
    counter, text, stopped = LineCounter(2), b"", []
    for piece in (b"1) == 1", b"\nassert", b" f(2) == 2", b"\nassert", b" f(3"):
        text += piece
        stopped.append(counter(text))
    assert counter.tokens_at == [2, 4]
    assert stopped == [False, False, False, True, True]


def test_closing_fence_completes_the_last_assertion() -> None:
    counter = LineCounter(7)
    assert counter(b"1) == 1\n```")
    assert counter.tokens_at == [1]


@pytest.mark.parametrize(
    ("code", "head"),
    [
        ("def f(a, b=2) -> int:\n    return a", "def f(a, b=2):"),
        ("def g():\n    pass\ndef f(a):\n    return a", "def f(a):"),
        ("def f(a):\n    return (", "def f(a):"),
        ("x = 1", ""),
    ],
)
def test_signature_is_that_of_the_last_function(code: str, head: str) -> None:
    assert signature(code) == head


def test_prompt_for_tests_shows_none_of_the_data_sets_own() -> None:
    for task in (DOUBLE, MBPP):
        text = prompt_for_tests(task, extract_code(DRAFT["completion"]))
        assert "== 6" not in text
        assert text.endswith("assert double(")


def test_only_whole_assertions_are_run() -> None:
    code = extract_code(DRAFT["completion"])
    assert assertions(code, str(TESTS["completion"])) == [
        "assert double(2) == 4",
        "assert double(5) == 10",
        "assert double(1) == 3",
    ]


@needs_sandbox
def test_draft_passes_as_many_of_its_tests_as_hold_and_fails_from_the_first_that_does_not() -> None:
    row = self_tests_row(DOUBLE, DRAFT, TESTS, run)
    assert [row[f"passes_{k}"] for k in (1, 3, 5, 7)] == [1, 0, 0, 0]
    assert [row[f"tokens_{k}"] for k in (1, 3, 5, 7)] == [8, 30, 40, 40]
    assert (row["draft_passed"], row["n_tests"]) == (1, 3)


def test_draft_without_a_test_is_not_trusted() -> None:
    row = self_tests_row(DOUBLE, DRAFT, {**TESTS, "completion": "???"}, lambda program: True)
    assert [row[f"passes_{k}"] for k in (1, 3, 5, 7)] == [0, 0, 0, 0]


def test_answer_joins_the_first_cluster_it_is_like() -> None:
    assert clustered(["a", "b", "A", "c", "B"], lambda one, other: one == other.lower()) == [0, 1, 0, 2, 1]


def test_visible_examples_are_calls_without_their_values() -> None:
    assert visible_calls(DOUBLE) == ["double(2)"]
    assert visible_calls(MBPP) == ["double(3)", "double(0)"]


@needs_sandbox
def test_answers_are_alike_when_they_behave_alike() -> None:
    codes = ["def double(x):\n    return 2 * x", "def double(x):\n    return x + x", "def double(x):\n    return x"]
    codes += ["def double(x):\n    return 1 // 0", "def double(:"]
    rows = [
        {"sample": place, "completion": f"```python\n{code}\n```", "n_tokens": 9} for place, code in enumerate(codes)
    ]
    table = samples_rows(MBPP, rows, run)
    assert [row["cluster"] for row in table] == [0, 0, 1, 2, 3]
    assert [row["passed"] for row in table] == [1, 1, 0, 0, 0]


@needs_sandbox
def test_answer_cannot_claim_to_be_like_another_by_ending_early() -> None:
    liar = "import os\nos._exit(0)"
    assert not run(same_behaviour_program("", liar, "def double(x):\n    return x", ["double(1)"]))


def test_torch_decoder_gives_the_greedy_tokens_of_the_reference_implementation() -> None:
    torch = pytest.importorskip("torch", reason="needs the extra [train]")
    pytest.importorskip("transformers", reason="needs the extra [train]")
    from halfwatt.router_model.recording.torch_decode import TorchDecoder

    model, weights = tiny_model(torch)
    settings = {"layers": 2, "heads": 4, "kv_heads": 2, "epsilon": 1e-6, "base": 1e4, "size": 8}
    decoder = TorchDecoder(Letters(), weights, settings, n_rows=3)
    texts = ["abc", "hgfedcba", "aabb", "c"]
    said = {done.key: done for done in decoder.decode([DecodeRequest(text, text, max_new_tokens=12) for text in texts])}
    for text in texts:
        ids = torch.tensor([Letters().encode(text).ids])
        wanted = model.generate(ids, max_new_tokens=12, do_sample=False, eos_token_id=None)[0, ids.shape[1] :]
        assert said[text].text.decode() == Letters().decode(wanted.tolist())
        logits = model(ids).logits[0, -1].log_softmax(dim=-1)
        assert said[text].logprobs[0] == pytest.approx(float(logits.max()), abs=1e-4)


class Letters:
    """A tokenizer whose token n is the n-th letter."""

    def encode(self, text: str, add_special_tokens: bool = False) -> Any:
        return type("Encoding", (), {"ids": [ord(letter) - 97 for letter in text]})()

    def decode(self, ids: list[int], skip_special_tokens: bool = False) -> str:
        return "".join(chr(97 + each) for each in ids)

    def token_to_id(self, name: str) -> int:
        return -1


def tiny_model(torch: Any) -> tuple[Any, dict[str, Any]]:
    """A random Qwen2 with 60 tokens and its weights under the names of a GGUF file."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=60, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, rope_theta=1e4, rms_norm_eps=1e-6, tie_word_embeddings=False,
            bos_token_id=None, eos_token_id=None, initializer_range=0.5,
        )
    ).eval()  # fmt: skip
    names = {
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
        "model.layers": "blk",
    }  # fmt: skip
    weights = {}
    for name, value in model.state_dict().items():
        for long, short in names.items():
            name = name.replace(long, short)
        weights[name] = value
    return model, weights


def test_sampling_is_seeded_by_the_prompt_alone() -> None:
    torch = pytest.importorskip("torch", reason="needs the extra [train]")
    pytest.importorskip("transformers", reason="needs the extra [train]")
    from halfwatt.router_model.recording.torch_decode import TorchDecoder

    _, weights = tiny_model(torch)
    settings = {"layers": 2, "heads": 4, "kv_heads": 2, "epsilon": 1e-6, "base": 1e4, "size": 8}

    def sampled(n_rows: int) -> dict[str, bytes]:
        prompts = [DecodeRequest(f"{text}{seed}", text, 1.0, seed, 10) for text in ("abc", "de") for seed in range(3)]
        done = TorchDecoder(Letters(), weights, settings, n_rows).decode(prompts)
        return {each.key: each.text for each in done}

    first = sampled(2)
    assert first == sampled(6)
    assert len(set(first.values())) > 2


def test_recorded_tables_hold_no_text() -> None:
    from halfwatt.router_model.labelling.labels import read_rows
    from halfwatt.router_model.measures.draft_data import SAMPLES_TABLE, TESTS_TABLE

    for path in filter(Path.exists, (SAMPLES_TABLE, TESTS_TABLE)):
        for row in read_rows(path):
            assert row.pop("task_id").startswith(("HumanEval/", "mbpp/"))
            assert all(value.replace(".", "").isdigit() for value in row.values())


def test_samples_of_one_prompt_share_its_reading_and_are_seeded_each_by_itself(model_path: Path) -> None:
    text = "<|im_start|>user\nName a colour.<|im_end|>\n<|im_start|>assistant\n"
    prompts = [DecodeRequest(f"{seed}", text, 1.0, seed, 6) for seed in range(3)]
    prompts.append(DecodeRequest("greedy", text, max_new_tokens=6))
    with BatchedDecoder(model_path, n_sequences=4) as decoder:
        together = {each.key: each.text for each in decoder.decode(prompts)}
        again = {each.key: each.text for prompt in prompts for each in decoder.decode([prompt])}
    assert len(set(together.values())) > 2
    assert sum(together[key] == again[key] for key in together) >= 3  # one may differ by rounding
