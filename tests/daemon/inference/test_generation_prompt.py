"""What a model is asked: its answer's beginning in every language, and one request for all who ask."""

from __future__ import annotations

import pytest
from bench import bench_generate

from halfwatt.daemon.cli import calibration
from halfwatt.daemon.code import languages
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, find
from halfwatt.daemon.inference.generation_prompt import GenerationPrompt, generation_prompt, opened_code
from halfwatt.router_model.labelling.batched_decode import DecodeRequest
from halfwatt.router_model.labelling.tasks import Task, task_prompt

# name: (language, file with the cursor, the code that the answer begins with)
OPENINGS = {
    "signature": ("python", "x = 1\n\ndef f(a):\n    ¦pass\n", "def f(a):\n"),
    "docstring": ("python", 'def f(a):\n    """Doc."""\n    ¦pass\n', 'def f(a):\n    """Doc."""\n'),
    "decorators and comments above": (
        "python",
        "# Cached.\n@cache\nasync def f(\n    a,\n):\n    ¦...\n",
        "# Cached.\n@cache\nasync def f(\n    a,\n):\n",
    ),
    "method": ("python", "class A:\n    x = 1\n\n    def f(self):\n        ¦pass\n", "    def f(self):\n"),
    "comment that stays": (
        "python",
        "def f():\n    # Careful.\n    # TODO: write\n    ¦pass\n",
        "def f():\n    # Careful.\n",
    ),
    "one line": ("python", "def f(a): ¦pass\n", "def f(a):\n"),
    "CRLF": ("python", 'def f(a):\r\n    """Doc.\r\n    """\r\n    ¦pass\r\n', 'def f(a):\n    """Doc.\n    """\n'),
    "javascript": (
        "javascript",
        "/** Doc. */\nexport const f = async (a) => {¦\n}\n",
        "/** Doc. */\nexport const f = async (a) => {\n",
    ),
    "typescript method": ("typescript", "class A {\n  get b(): number {¦ }\n}\n", "  get b(): number {\n"),
    "go method": ("go", "package a\n\n// F does.\nfunc (s *S) F() int {¦\n}\n", "// F does.\nfunc (s *S) F() int {\n"),
    "rust attribute": (
        "rust",
        "/// Doc.\n#[inline]\nfn f() -> u8 {\n    ¦todo!()\n}\n",
        "/// Doc.\n#[inline]\nfn f() -> u8 {\n",
    ),
    "java": ("java", "class A {\n    // Doc.\n    int f() {¦\n    }\n}\n", "    // Doc.\n    int f() {\n"),
    "cpp template": ("cpp", "template <class T>\nT f(T a)\n{\n  ¦\n}\n", "template <class T>\nT f(T a)\n{\n"),
    "comment alone": ("python", "# Return the sum of two numbers.¦\n", "# Return the sum of two numbers.\ndef"),
    "comment in a class": (
        "python",
        "class A:\n    x = 1\n\n    # Return the sum\n    # of two numbers.¦\n",
        "    # Return the sum\n    # of two numbers.\n    def",
    ),
    "comment in a class whose members have no keyword": (
        "typescript",
        "class A {\n  // Return the sum of two.¦\n}\n",
        "  // Return the sum of two.\n",
    ),
    "comment in C": ("c", "// Return the sum of two.¦\n", "// Return the sum of two.\n"),
    "call": ("python", "x = missing(1)¦\n", "def missing"),
    "awaited call": ("python", "async def g():\n    await missing¦(1)\n", "async def missing"),
}


def look(marked: str, language_id: str) -> tuple[Source, Target]:
    language = languages.for_id(language_id)
    assert language is not None
    at = marked.index("¦")
    source = Source(marked.replace("¦", ""), language)
    target = find(source, max(at - 1, 0) if marked[at:] in ("¦", "¦\n") else at)
    assert isinstance(target, Target)
    return source, target


@pytest.mark.parametrize("name", OPENINGS)
def test_answer_begins_with_the_files_own_text(name: str) -> None:
    language, marked, opened = OPENINGS[name]
    assert opened_code(*look(marked, language)) == opened


def test_fence_is_longer_than_any_in_the_file() -> None:
    prompt = generation_prompt(*look('def f():\n    """Doc.\n\n```\nf()\n```\n"""\n    ¦pass\n', "python"))
    assert prompt.opening.startswith("````python\ndef f():\n")
    assert prompt.messages[-1]["content"].endswith("\n````")


def test_system_message_comes_first_or_not_at_all() -> None:
    looked = look("def f():\n    ¦pass\n", "python")
    assert [each["role"] for each in generation_prompt(*looked).messages] == ["system", "user"]
    assert [each["role"] for each in generation_prompt(*looked, system="").messages] == ["user"]


def test_context_is_taken_in_order_while_it_fits() -> None:
    looked = look("def f():\n    ¦pass\n", "python")
    said = generation_prompt(*looked, context=("aaaa", "bbbb", "cc"), max_context_chars=7).messages[-1]["content"]
    assert "aaaa" in said
    assert "bb" not in said
    assert "cc" not in said


# The four who ask: the language server, the labels of router_model, `router calibrate`, the benchmark.

STUB = 'import math\n\n\ndef area(r: float) -> float:\n    """Area of a circle.\n\n    >>> area(0)\n    0.0\n    """\n'


def of_serving() -> GenerationPrompt:
    return generation_prompt(*look(STUB + "    ¦pass\n", "python"))


def of_labels() -> GenerationPrompt:
    request = DecodeRequest("1", task_prompt(TASK))
    assert isinstance(request.text, GenerationPrompt)
    return request.text


def of_calibration() -> GenerationPrompt:
    job = calibration.job_of(task_prompt(TASK), 40)
    assert job.messages is not None
    return GenerationPrompt(tuple(job.messages), job.opening, job.language or "", job.stop_rules)


TASK = Task("t/1", "", "", STUB, "area", "", "", "")


def test_all_who_ask_for_a_stub_ask_the_same() -> None:
    asked = of_serving()
    assert of_labels() == of_calibration() == bench_generate.prompt_of(STUB + "    pass\n") == asked
    assert asked.messages[-1]["content"] == (
        "Please only respond with a codeblock and do not explain anything. Complete the following task:\n"
        f"```python\nimport math\n\n{STUB.partition('math')[2].strip()}\n```"
    )
