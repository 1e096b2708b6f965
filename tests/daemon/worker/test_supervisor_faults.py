"""The supervisor and the real worker process when something breaks, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from supervised import LOG, answer, is_gone, started, text_job, until

from halfwatt.daemon.errors import ModelError, WorkerError
from halfwatt.daemon.models.catalog import ModelSpec
from halfwatt.daemon.settings.schema import LocalConfig
from halfwatt.daemon.worker.fallbacks import FallbackMemory, memory_key
from halfwatt.daemon.worker.supervisor import WorkerSupervisor, WorkerTimeouts

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_crash_of_the_self_test_steps_down_and_is_remembered(spec: ModelSpec, tmp_path: Path) -> None:
    memory = tmp_path / "worker.json"
    async with started(spec, memory, fault="segv_on_self_test_fallback0") as model:
        assert (model.state, model.fallback_index) == ("ready", 1)
        assert (await answer(model, text_job(max_tokens=1)))[1].completion_tokens == 1
    assert FallbackMemory(memory).first_to_try(memory_key(spec)) == 1
    async with started(spec, memory) as model:
        assert model.fallback_index == 1


async def test_safest_fallback_answers_too(spec: ModelSpec, tmp_path: Path) -> None:
    memory = tmp_path / "worker.json"
    FallbackMemory(memory).remember(memory_key(spec), 3)
    async with started(spec, memory) as model:
        _, done = await answer(model, text_job(max_tokens=2))
    assert (model.fallback_index, done.n_threads, done.completion_tokens) == (3, 1, 2)


@pytest.mark.parametrize("fault", ["segv_mid_job", "kill_mid_job", "hang_mid_job"])
async def test_worker_that_dies_costs_one_answer(spec: ModelSpec, tmp_path: Path, fault: str) -> None:
    states: list[str] = []
    once = tmp_path / "once"
    once.touch()
    async with started(
        spec,
        tmp_path / "worker.json",
        fault=f"{fault}:{once}",
        states=states,
        hang_s=3.0,
        first_delay_s=0.01,
    ) as model:
        first_pid = model.pid
        broken = asyncio.create_task(answer(model, text_job(max_tokens=50)))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(answer(model, text_job(max_tokens=2)))
        with pytest.raises(WorkerError, match="being restarted"):
            await broken
        assert (await waiting)[1].completion_tokens == 2
        assert model.pid != first_pid
    assert states == ["starting", "ready", "restarting", "ready", "stopped"]


@pytest.mark.parametrize("fault", ["segv_before_job", "kill_before_job"])
async def test_job_of_which_nothing_had_come_goes_to_the_next_worker(
    spec: ModelSpec, tmp_path: Path, fault: str
) -> None:
    once = tmp_path / "once"
    once.touch()
    async with started(spec, tmp_path / "worker.json", fault=f"{fault}:{once}", first_delay_s=0.01) as model:
        assert (await answer(model, text_job(max_tokens=2)))[1].completion_tokens == 2


async def test_job_that_ends_every_worker_fails_with_a_sentence(spec: ModelSpec, tmp_path: Path) -> None:
    async with started(spec, tmp_path / "worker.json", fault="kill_before_job", first_delay_s=0.01) as model:
        with pytest.raises(WorkerError, match="being restarted"):
            await answer(model, text_job(max_tokens=2))


async def test_worker_that_is_killed_while_it_loads_keeps_its_parameters(spec: ModelSpec, tmp_path: Path) -> None:
    async with started(spec, tmp_path / "first.json") as model:
        usual = model.fallback_index  # not 0 where the processor lacks what llama.cpp was compiled for
    once = tmp_path / "once"
    once.touch()
    async with started(
        spec, tmp_path / "worker.json", fault=f"kill_on_self_test_fallback{usual}:{once}", first_delay_s=0.01
    ) as model:
        assert not once.exists()
        assert model.fallback_index == usual


async def test_worker_that_is_killed_each_time_it_loads_is_given_up(spec: ModelSpec, tmp_path: Path) -> None:
    async with started(spec, tmp_path / "first.json") as model:
        usual = model.fallback_index
    with pytest.raises(WorkerError, match="out of memory"):
        async with started(spec, tmp_path / "worker.json", fault=f"kill_on_self_test_fallback{usual}"):
            pass


async def test_time_box_holds_in_the_queue_and_with_a_worker_that_hangs(spec: ModelSpec, tmp_path: Path) -> None:
    async with started(spec, tmp_path / "worker.json", fault="hang_before_job", hang_s=60.0) as model:
        boxed = [asyncio.create_task(answer(model, text_job(time_box_ms=100.0))) for _ in range(2)]
        assert [(await each)[1].stop for each in boxed] == ["time_box", "time_box"]


async def test_hanging_worker_is_replaced_though_its_jobs_run_out_of_time(spec: ModelSpec, tmp_path: Path) -> None:
    once = tmp_path / "once"
    once.touch()
    async with started(
        spec, tmp_path / "worker.json", fault=f"hang_before_job:{once}", hang_s=2.0, first_delay_s=0.01
    ) as model:
        first_pid = model.pid
        while model.pid == first_pid:
            await answer(model, text_job(max_tokens=1, time_box_ms=100.0))
        await model.start()
        assert (await answer(model, text_job(max_tokens=2)))[1].completion_tokens == 2


async def test_third_native_crash_in_a_job_steps_down(spec: ModelSpec, tmp_path: Path) -> None:
    memory = tmp_path / "worker.json"
    async with started(spec, memory, fault="segv_mid_job", first_delay_s=0.01) as model:
        first = model.fallback_index  # not 0 where the processor lacks what llama.cpp was compiled for
        indices = []
        for _ in range(3):
            with pytest.raises(WorkerError):
                await answer(model, text_job(max_tokens=50))
            await model.start()
            indices.append(model.fallback_index)
    assert indices == [first, first, first + 1]


async def test_file_that_is_no_model_fails_with_a_sentence(spec: ModelSpec, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF\x03\x00\x00\x00" + bytes(64))
    model = WorkerSupervisor(replace(spec, path=broken), LocalConfig(), tmp_path / "worker.json", LOG)
    with pytest.raises(ModelError, match="halfwatt models verify"):
        await model.start()
    assert model.state == "failed"
    with pytest.raises(ModelError):
        await anext(model.run(text_job()))
    await model.stop()


async def test_crash_with_every_fallback_ends_with_a_sentence(spec: ModelSpec, tmp_path: Path) -> None:
    model = WorkerSupervisor(spec, LocalConfig(), tmp_path / "worker.json", LOG, timeouts=WorkerTimeouts(load_s=0.01))
    with pytest.raises(WorkerError, match="every set of parameters"):
        await model.start()
    await model.stop()


async def test_stop_ends_the_worker_and_the_jobs_on_their_way(spec: ModelSpec, tmp_path: Path) -> None:
    async with started(spec, tmp_path / "worker.json") as model:
        pid = model.pid
        assert pid is not None
        tasks = [asyncio.create_task(answer(model, text_job(max_tokens=1000))) for _ in range(2)]
        await asyncio.sleep(0)
        await model.stop()
        for task in tasks:
            with pytest.raises(WorkerError, match="stopped"):
                await task
        await until(lambda: is_gone(pid))
    with pytest.raises(WorkerError):
        await anext(model.run(text_job()))


async def test_worker_does_not_outlive_a_killed_daemon(model_path: Path, tmp_path: Path) -> None:
    program = f"""
import asyncio, logging, sys
from dataclasses import replace
from pathlib import Path
from halfwatt.daemon.models import catalog
from halfwatt.daemon.settings.schema import LocalConfig
from halfwatt.daemon.worker.supervisor import WorkerSupervisor
from halfwatt.daemon.worker.protocol import WorkerJob

async def main():
    spec = replace(catalog.load()["qwen2.5-coder-0.5b"], path=Path({str(model_path)!r}))
    model = WorkerSupervisor(spec, LocalConfig(), Path({str(tmp_path / "worker.json")!r}), logging.getLogger())
    await model.start()
    async for _ in model.run(WorkerJob(shape="text", prompt="1 2 3", max_tokens=4000)):
        print(model.pid, flush=True)

asyncio.run(main())
"""
    daemon = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert daemon.stdout is not None
    pid = int(await daemon.stdout.readline())
    os.kill(daemon.pid, signal.SIGKILL)
    await daemon.wait()
    await until(lambda: is_gone(pid))
