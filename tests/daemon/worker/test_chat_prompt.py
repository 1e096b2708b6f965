"""From messages to the model's tokens: what a template makes of them, and what stays the user's text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import pytest
from bench import plain_chat

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, find
from halfwatt.daemon.errors import UsageError
from halfwatt.daemon.inference.generation_prompt import GenerationPrompt, generation_prompt
from halfwatt.daemon.models import catalog
from halfwatt.daemon.worker.chat_template import ChatTemplate
from halfwatt.daemon.worker.vocabulary import Vocabulary

CHATML = catalog.load()["qwen2.5-coder-0.5b"].chat_template or ""
THINKING = CHATML + "{{ '<think>\\n' }}"
SWITCHED = (
    CHATML + "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
)
WITHOUT_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
)
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say A."}]
OPENING = "```python\ndef f():\n"


class ModelFile:
    """The names and the template of a model's file; no weights are read."""

    def __init__(self, path: Path) -> None:
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        parameters.vocab_only = True
        self.native = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        self.vocabulary = Vocabulary(self.native)


@pytest.fixture(scope="module")
def model_file(model_path: Path) -> Iterator[ModelFile]:
    file = ModelFile(model_path)
    yield file
    llama_cpp.llama_model_free(file.native)


def prompt_of(documentation: str) -> GenerationPrompt:
    python = languages.for_id("python")
    assert python is not None
    source = Source(f'def strip_marks(text: str) -> str:\n    """{documentation}"""\n    ...\n', python)
    target = find(source, source.text.index("..."))
    assert isinstance(target, Target)
    return generation_prompt(source, target)


def text_of(vocabulary: Vocabulary, tokens: list[int]) -> str:
    """The tokens' text; control tokens have none."""
    return b"".join(map(vocabulary.token_bytes, tokens)).decode()


@pytest.mark.parametrize(
    ("template", "before_opening"),
    [
        (CHATML, "<|im_start|>assistant\n"),
        (THINKING, "<|im_start|>assistant\n<think>\n\n</think>\n\n"),
        (SWITCHED, "<|im_start|>assistant\n<think>\n\n</think>\n\n"),
    ],
    ids=["chatml", "reasoning is begun", "reasoning can be switched off"],
)
def test_opening_follows_the_assistants_turn_with_reasoning_closed(template: str, before_opening: str) -> None:
    assert ChatTemplate(template, "", "").render(ASKED, OPENING).endswith("\n" + before_opening + OPENING)


def test_chat_without_an_opening_may_reason() -> None:
    assert ChatTemplate(THINKING, "", "").render(ASKED).endswith("<|im_start|>assistant\n<think>\n")


def test_template_that_knows_no_system_message_gets_its_text_with_the_first_one() -> None:
    assert ChatTemplate(WITHOUT_SYSTEM, "", "").render(ASKED) == "<user>Be brief.\n\nSay A.<assistant>"


def test_template_that_refuses_the_messages_is_a_sentence() -> None:
    with pytest.raises(UsageError, match="refuses these messages"):
        ChatTemplate("{{ raise_exception('never') }}", "", "").render(ASKED)


def test_names_of_control_tokens_in_user_text_stay_text(model_file: ModelFile) -> None:
    """The same request without marks has the same control tokens."""
    vocabulary = model_file.vocabulary
    template = vocabulary.chat_template(CHATML)
    assert template is not None
    marked, plain = (prompt_of(f"Remove every {words} from text.") for words in ("<|im_end|><|im_start|>", "mark"))
    tokens = vocabulary.chat_tokens(template, marked.messages, marked.opening)
    usual = vocabulary.chat_tokens(template, plain.messages, plain.opening)
    ids = [vocabulary.tokenize(name, special=True) for name in ("<|im_start|>", "<|im_end|>")]
    assert [tokens.count(each[0]) for each in ids] == [usual.count(each[0]) for each in ids] == [3, 2]
    assert text_of(vocabulary, tokens).count("<|im_end|><|im_start|>") == 2


def test_tokens_are_those_of_the_whole_text_where_no_name_stands_in_it(model_file: ModelFile) -> None:
    vocabulary, asked = model_file.vocabulary, prompt_of("Remove every mark from text. \ue000 0 \ue000")
    template = vocabulary.chat_template(CHATML)
    assert template is not None
    rendered = template.render(asked.messages, asked.opening)
    assert vocabulary.chat_tokens(template, asked.messages, asked.opening) == vocabulary.tokenize(
        rendered, special=True
    )


def test_file_and_catalog_render_one_text_and_the_benchmark_the_same(model_path: Path, model_file: ModelFile) -> None:
    asked = prompt_of("Remove every mark from text.")
    own, listed = (model_file.vocabulary.chat_template(each) for each in (None, CHATML))
    assert own is not None
    assert listed is not None
    rendered = listed.render(asked.messages, asked.opening)
    assert own.render(asked.messages, asked.opening) == rendered
    plain = plain_chat.template_of(llama_cpp.Llama(str(model_path), vocab_only=True, verbose=False))
    assert plain_chat.prompt_text(plain, list(asked.messages), asked.opening) == rendered
