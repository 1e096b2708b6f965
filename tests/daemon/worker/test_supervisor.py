"""The supervisor and the real worker process while all is well: answers, cancelling, the queue, counted tokens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from supervised import answer, cpu_s, started, text_job, until

from halfwatt.daemon.code.languages import LANGUAGES
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, find
from halfwatt.daemon.errors import PromptTooLongError, UsageError, WorkerBusyError
from halfwatt.daemon.inference.answer import Cancellation, Chunk
from halfwatt.daemon.inference.generation_prompt import INSTRUCTION, generation_prompt
from halfwatt.daemon.inference.prompts import extract_code
from halfwatt.daemon.models.catalog import ModelSpec
from halfwatt.daemon.settings.schema import LocalConfig
from halfwatt.daemon.wire import StopRule
from halfwatt.daemon.worker.protocol import WARM_PRIORITY, JobDone, WorkerJob
from halfwatt.daemon.worker.supervisor import WorkerSupervisor

pytestmark = pytest.mark.asyncio(loop_scope="module")
ADD = 'def add(a: int, b: int) -> int:\n    """The sum of a and b."""'
LONG = "value = compute(value, 1)\n" * 130  # two batches and more


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(spec: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WorkerSupervisor]:
    """One healthy model for the tests that leave it healthy."""
    async with started(spec, tmp_path_factory.mktemp("model") / "worker.json", LocalConfig(queue=2)) as running:
        yield running


@pytest.mark.parametrize("opening", ["", f"```python\n{ADD}\n"], ids=["whole answer", "continued"])
async def test_chat_answers_with_code_that_runs(model: WorkerSupervisor, opening: str) -> None:
    messages = [{"role": "user", "content": f"{INSTRUCTION}```python\n{ADD}\n```"}]
    rules: tuple[StopRule, ...] = ("body", "code_block", "trailing")
    job = WorkerJob("chat", messages, opening, "python", max_tokens=120, stop_rules=rules)
    text, done = await answer(model, job)
    space: dict[str, object] = {}
    exec(extract_code(opening + text), space)  # noqa: S102 - the model's code is what this test is about
    assert space["add"](2, 3) == 5  # type: ignore[operator]
    assert done.continued is bool(opening)
    assert done.stop in (("body", "stop") if opening else ("code_block", "trailing", "stop"))
    assert done.cpu_s > 0
    assert done.first_token_ms is not None
    assert done.first_token_ms <= done.total_ms


async def test_fill_in_the_middle_uses_both_sides(model: WorkerSupervisor) -> None:
    prefix, suffix = "def mean(xs):\n    total = 0\n    for x in xs:\n        ", "\n    return total / len(xs)\n"
    job = WorkerJob(shape="fim", prompt=prefix, suffix=suffix, max_tokens=24, stop_rules=("line",))
    text, done = await answer(model, job)
    assert text == "total += x"
    assert done.stop == "line"


@pytest.mark.parametrize("comment", ["# 𝒳🙂 é", "# TODO", "# This is finished. Do not write anything here."])
async def test_opened_answer_has_a_body_also_where_the_model_would_rather_end_it(
    model: WorkerSupervisor, comment: str
) -> None:
    text = f'{comment}\ndef add(a: int, b: int) -> int:\n    """Return a plus b."""\n    pass\n'
    source = Source(text, LANGUAGES[0])
    target = find(source, text.index("def"))
    assert isinstance(target, Target)
    asked = generation_prompt(source, target)
    body, _ = await answer(
        model,
        WorkerJob(
            shape="chat",
            messages=[dict(each) for each in asked.messages],
            opening=asked.opening,
            language=asked.language,
            stop_rules=asked.stop_rules,
            max_tokens=60,
        ),
    )
    assert body.strip()


async def test_identical_prompt_is_cached_and_answered_alike(model: WorkerSupervisor) -> None:
    job = text_job("def fibonacci(n):\n", max_tokens=16, document="twice")
    (_, first), (second_text, second), (third_text, _) = [await answer(model, job) for _ in range(3)]
    assert first.cached_tokens == 0
    assert second.cached_tokens == second.prompt_tokens - 1
    # The first reads its prompt in one batch, whose sums are rounded in another order: it may differ.
    assert second_text == third_text


async def test_each_document_stays_warm_while_another_is_edited(model: WorkerSupervisor) -> None:
    one = text_job("alpha beta gamma delta epsilon", max_tokens=2, document="one")
    other = text_job("import os\nimport sys\n", max_tokens=2, document="other")
    await answer(model, one)
    await answer(model, other)
    _, done = await answer(model, one)
    assert done.cached_tokens == done.prompt_tokens - 1


async def test_copied_state_gives_the_same_answer(model: WorkerSupervisor) -> None:
    prompt = LONG[:900] + "def final_value(value):\n    return"
    source = text_job(prompt, max_tokens=12, document="source")
    (_, _), (text, _) = [await answer(model, source) for _ in range(2)]
    copied, done = await answer(model, text_job(prompt, max_tokens=12, document="copy"))
    assert done.cached_tokens == done.prompt_tokens - 1
    assert copied == text


async def test_same_seed_samples_the_same_text(model: WorkerSupervisor) -> None:
    jobs = [text_job("Once upon a time", max_tokens=12, temperature=1.5, seed=seed) for seed in (7, 7, 8)]
    texts = [(await answer(model, job))[0] for job in jobs]
    assert texts[0] == texts[1] != texts[2]


async def test_seeded_answer_does_not_depend_on_earlier_jobs(model: WorkerSupervisor) -> None:
    seeded = text_job("Once upon a time there were two", max_tokens=12, temperature=1.5, seed=7)
    first, _ = await answer(model, seeded)
    await answer(model, text_job("Once upon a time", max_tokens=6))
    await answer(model, text_job("Once upon a time there were two or three", max_tokens=2))
    again, done = await answer(model, seeded)
    assert again == first
    assert done.cached_tokens == 0


async def test_sampling_without_a_seed_keeps_the_state_of_earlier_jobs(model: WorkerSupervisor) -> None:
    job = text_job("It was a dark and stormy night", max_tokens=2, temperature=0.8, document="unseeded")
    _, done = [await answer(model, job) for _ in range(2)][1]
    assert done.cached_tokens == done.prompt_tokens - 1


async def test_every_token_is_counted_and_has_its_probability(model: WorkerSupervisor) -> None:
    items = [item async for item in model.run(text_job(max_tokens=8))]
    *chunks, done = items
    assert isinstance(done, JobDone)
    assert sum(chunk.n_tokens for chunk in chunks if isinstance(chunk, Chunk)) == done.completion_tokens == 8
    assert done.stop == "length"
    assert done.draft is not None
    logprobs = [chunk.logprob or 0.0 for chunk in chunks if isinstance(chunk, Chunk)]
    assert done.draft.lp_sum == pytest.approx(sum(logprobs))
    assert max(logprobs) <= 0


async def test_characters_of_several_tokens_arrive_whole(model: WorkerSupervisor) -> None:
    prompt = "Repeat exactly: 🦀🦀🦀 𝛌𝛌 家家\nAnswer: 🦀🦀🦀 𝛌𝛌 家家\nRepeat exactly: 🦜🦚 𝚿 鮨\nAnswer:"
    text, _ = await answer(model, text_job(prompt, max_tokens=20, stop=("\n",)))
    assert "\ufffd" not in text
    assert any(ord(char) > 0x2000 for char in text)


async def test_lone_surrogate_in_a_prompt_is_survived(model: WorkerSupervisor) -> None:
    _, done = await answer(model, text_job("x = '\ud83d'", max_tokens=1))
    assert done.completion_tokens == 1


async def test_control_marks_in_the_users_code_stay_text(model: WorkerSupervisor) -> None:
    plain = await model.count_tokens(WorkerJob(shape="fim", prompt="a", suffix=""))
    marked = await model.count_tokens(WorkerJob(shape="fim", prompt="a<|fim_middle|>", suffix=""))
    assert marked > plain + 1


async def test_tokens_are_counted_while_a_job_runs(model: WorkerSupervisor) -> None:
    async with aclosing(model.run(text_job(max_tokens=400))) as items:
        await anext(items)
        assert await model.count_tokens(text_job("one two three")) == 3


async def test_cancelled_job_ends_within_a_token_and_says_what_it_cost(model: WorkerSupervisor) -> None:
    n_after, done, cancellation = 0, None, Cancellation()
    async for item in model.run(text_job(max_tokens=1000), cancellation):
        if isinstance(item, JobDone):
            done = item
        elif not cancellation.requested:
            cancellation.request()
        else:
            n_after += 1
    assert done is not None
    assert done.stop == "cancelled"
    assert done.cpu_s > 0
    assert n_after <= 2


async def test_cancel_interrupts_the_reading_of_a_long_prompt(model: WorkerSupervisor) -> None:
    cancellation = Cancellation()
    task = asyncio.create_task(answer(model, text_job(LONG, max_tokens=5, document="cut"), cancellation))
    worker = psutil.Process(model.pid)
    before_s = cpu_s(worker)
    await until(lambda: cpu_s(worker) >= before_s + 0.05)
    cancellation.request()
    text, done = await task
    assert (text, done.stop, done.first_token_ms) == ("", "cancelled", None)
    # What was read stays and is right: the same prompt goes on from there.
    text, done = await answer(model, text_job(LONG, max_tokens=8, document="cut"))
    fresh, _ = await answer(model, text_job(LONG, max_tokens=8, document="fresh"))
    assert text == fresh


async def test_closing_the_stream_cancels_and_the_next_job_runs(model: WorkerSupervisor) -> None:
    async with aclosing(model.run(text_job(max_tokens=1000))) as items:
        await anext(items)
    _, done = await answer(model, text_job(max_tokens=2))
    assert done.completion_tokens == 2


async def test_cancelled_task_frees_the_worker(model: WorkerSupervisor) -> None:
    task = asyncio.create_task(answer(model, text_job(max_tokens=1000)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.queue_length == 0
    assert (await answer(model, text_job(max_tokens=1)))[1].completion_tokens == 1


async def test_full_queue_refuses_at_once(model: WorkerSupervisor) -> None:
    async with aclosing(model.run(text_job(max_tokens=1000))) as running:
        await anext(running)
        waiting = [asyncio.create_task(answer(model, text_job(max_tokens=1))) for _ in range(2)]
        await asyncio.sleep(0)
        assert model.queue_length == 2
        with pytest.raises(WorkerBusyError, match="2 waiting"):
            await anext(model.run(text_job()))
    for _, done in await asyncio.gather(*waiting):
        assert done.queue_ms > 0


async def test_invoked_job_overtakes_automatic_ones(model: WorkerSupervisor) -> None:
    order: list[int] = []

    async def note(number: int, priority: int) -> None:
        await answer(model, text_job(max_tokens=1, priority=priority))
        order.append(number)

    async with aclosing(model.run(text_job(max_tokens=1000))) as running:
        await anext(running)
        tasks = [asyncio.create_task(note(2, priority=0))]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(note(3, priority=1)))
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == [3, 2]


async def test_guesses_do_not_change_the_answer(model: WorkerSupervisor) -> None:
    """A job of one token has nothing to guess at."""
    prompt = "".join(f"value_{n} = compute(value_{n}, {n})\n" for n in range(12)) + "value_12 ="
    whole, done = await answer(model, text_job(prompt, max_tokens=24, document="whole"))
    said = ""
    for _ in range(24):
        chunk, _ = await answer(model, text_job(prompt + said, max_tokens=1, document="single"))
        said += chunk
    assert said == whole
    again, cached = await answer(model, text_job(prompt + whole, max_tokens=1, document="whole"))
    assert again
    assert cached.cached_tokens >= done.prompt_tokens + done.completion_tokens - 2


async def test_any_other_job_ends_one_that_reads_ahead_and_finds_what_it_has_read(model: WorkerSupervisor) -> None:
    warming = text_job(LONG, max_tokens=1, document="ahead", priority=WARM_PRIORITY)
    async with aclosing(model.run(warming)) as running:
        first = asyncio.ensure_future(anext(running))
        for _ in range(20):  # until the worker has it: nothing here waits for news
            await asyncio.sleep(0)
        await answer(model, text_job(max_tokens=1))
        ended = await first
    assert isinstance(ended, JobDone)
    assert ended.stop == "cancelled"


async def test_job_cancelled_in_the_queue_never_runs(model: WorkerSupervisor) -> None:
    async with aclosing(model.run(text_job(max_tokens=1000))) as running:
        await anext(running)
        cancellation = Cancellation()
        task = asyncio.create_task(answer(model, text_job(), cancellation))
        await asyncio.sleep(0)
        cancellation.request()
        _, done = await task
    assert (done.stop, done.completion_tokens, done.cpu_s) == ("cancelled", 0, 0.0)


async def test_job_cancelled_before_it_is_given_never_runs(model: WorkerSupervisor) -> None:
    cancellation = Cancellation()
    cancellation.request()
    assert (await answer(model, text_job(max_tokens=1000), cancellation))[1].completion_tokens == 0
    assert model.queue_length == 0


async def test_time_box_ends_a_job_while_it_still_reads_the_prompt(model: WorkerSupervisor) -> None:
    _, done = await answer(model, text_job(LONG, max_tokens=500, time_box_ms=30, document="box"))
    assert done.stop == "time_box"


async def test_prompt_over_the_context_is_refused_before_any_work(model: WorkerSupervisor) -> None:
    with pytest.raises(PromptTooLongError, match="and the local model takes 4095"):
        await answer(model, text_job(LONG * 20))


async def test_answer_ends_where_the_context_does(spec: ModelSpec, tmp_path: Path) -> None:
    async with started(spec, tmp_path / "worker.json", LocalConfig(context_tokens=512)) as model:
        _, done = await answer(model, text_job("1, " * 165, max_tokens=1000))
    assert (done.stop, done.prompt_tokens + done.completion_tokens) == ("length", 512)


async def test_worker_on_a_busy_machine_uses_fewer_threads(model: WorkerSupervisor) -> None:
    _, done = await answer(model, text_job(max_tokens=2))
    assert 1 <= done.n_threads <= max(1, os.cpu_count() or 1)


async def test_users_own_gguf_takes_its_templates_from_its_metadata(model_path: Path, tmp_path: Path) -> None:
    own = ModelSpec(id="own", family="", file=model_path.name, path=model_path)
    async with started(own, tmp_path / "worker.json") as model:
        assert model.has_fim
        chat = WorkerJob(shape="chat", messages=[{"role": "user", "content": "Say hi"}])
        assert await model.count_tokens(chat) > 10
        fim = WorkerJob(shape="fim", prompt="for x in xs:\n    total +", suffix=" x\nreturn total\n", max_tokens=4)
        assert (await answer(model, fim))[0].startswith("=")


async def test_messages_that_the_template_refuses_are_the_callers_mistake(spec: ModelSpec, tmp_path: Path) -> None:
    strict = replace(spec, chat_template="{{ raise_exception('no') }}")
    async with started(strict, tmp_path / "worker.json") as model:
        with pytest.raises(UsageError, match="chat template"):
            await answer(model, WorkerJob(shape="chat", messages=[{"role": "user", "content": "x"}]))


async def test_prompt_is_not_in_process_arguments_or_environment(model: WorkerSupervisor) -> None:
    async with aclosing(model.run(text_job("SECRET_MARK = 1\n", max_tokens=500))) as items:
        await anext(items)
        worker = psutil.Process(model.pid)
        assert "SECRET_MARK" not in " ".join(worker.cmdline())
        assert "SECRET_MARK" not in str(worker.environ())
