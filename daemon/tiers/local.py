"""The local tier: which model is in use and in what state, and its answers as chunks, with their joules.

It is the only place that knows why there is no local model. The worker's life is worker/supervisor.py's part; files
and digests are models/store.py's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.errors import HalfwattError, ModelError, WorkerError
from halfwatt.daemon.inference.answer import Cancellation, Chunk, Ended
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.meters.base import Meter
from halfwatt.daemon.models import catalog, store
from halfwatt.daemon.models.form import ModelForm, form_of
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.settings.schema import Config, LocalConfig
from halfwatt.daemon.worker.protocol import WARM_PRIORITY, JobDone, WorkerJob

if TYPE_CHECKING:
    from halfwatt.daemon.worker.supervisor import WorkerSupervisor

TRY_AGAIN_S = 60.0
PRIORITIES = {"complete": 2, "generate": 1}  # larger goes first: a person is typing, or waits; other programs come last
TEMPLATE_TOKENS = 256  # what a chat template adds at most
_LOG = logging.getLogger("halfwatt.local")


class LocalTier:
    """At most one local model at a time. `changed` is called whenever its state does."""

    def __init__(self, paths: Paths, environ: Mapping[str, str], meter: Meter, changed: Callable[[], None]) -> None:
        self._paths = paths
        self._environ = environ
        self._meter = meter
        self._changed = changed
        self._model: WorkerSupervisor | None = None
        self._local: LocalConfig | None = None
        self._starting: asyncio.Task[None] | None = None
        self._files_stamp: object = None
        self._tried_s = 0.0
        self._load_problem: HalfwattError | None = None
        self.model_id = ""
        self.model_form = ModelForm()

    @property
    def problem(self) -> HalfwattError | None:
        """Why there is no local model, or why it has been given up."""
        return self._load_problem or (self._model.problem if self._model else None)

    @property
    def loading(self) -> bool:
        return self._starting is not None and not self._starting.done()

    @property
    def can_be_asked(self) -> bool:
        """Whether a request may be given to it: it is ready or will be soon."""
        return self.loading or (self._model is not None and self._model.state not in ("failed", "stopped"))

    @property
    def queue_length(self) -> int:
        return self._model.queue_length if self._model else 0

    @property
    def worker_pids(self) -> tuple[int, ...]:
        pid = self._model.pid if self._model else None
        return () if pid is None else (pid,)

    def load(self, local: LocalConfig) -> None:
        """Begin to load the model that the settings mean, ending another one first. Returns at once."""
        self._local = local
        self._files_stamp = self._stamp_of_files(local)
        self._tried_s = time.monotonic()
        if self._starting is not None:
            self._starting.cancel()
        self._starting = asyncio.create_task(self._load(local))

    def follow(self, config: Config) -> None:
        """Load again where the settings of the local model have changed, or where what was wrong may be mended.

        That is so when a model's file has changed, and for other problems, as of memory, after a while."""
        if self._local is None or self.loading:
            return
        mended = self.problem is not None and (
            self._stamp_of_files(config.local) != self._files_stamp
            or (isinstance(self.problem, WorkerError) and time.monotonic() - self._tried_s > TRY_AGAIN_S)
        )
        if mended or config.local != self._local:
            self.load(config.local)

    async def close(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._model is not None:
            await self._model.stop()

    async def answer(
        self, request: GenerationRequest, config: Config, cancellation: Cancellation, used: Callable[[Reading], None]
    ) -> AsyncGenerator[Chunk | Ended, None]:
        """The chunks of the answer, then how it ended. `used` gets the joules, however it ends."""
        model = await self._ready_model(cancellation)
        if model is None:
            yield Ended("cancelled", 0, 0)
            return
        window = self._meter.begin()
        done: JobDone | None = None
        try:
            async with aclosing(model.run(_job(request, config), cancellation)) as items:
                async for item in items:
                    if isinstance(item, JobDone):
                        done = item
                    else:
                        yield item
        finally:
            queue_ms = done.queue_ms if done else 0.0
            used(self._meter.end(window, cpu_s=done.cpu_s if done else None, queue_ms=queue_ms))
            self._changed()
        if done is None:
            raise WorkerError("The local model ended its answer without saying how. Ask again.")
        yield done

    async def fits(self, request: GenerationRequest, config: Config) -> bool:
        """Whether the prompt fits the context. It is counted only where it might not; True while no model can count."""
        model = self._model
        n_bytes = sum(len(text.encode(errors="replace")) for text in request.texts())  # a token has a byte at least
        if model is None or model.state != "ready" or n_bytes + TEMPLATE_TOKENS < model.context_tokens:
            return True
        try:
            return await model.count_tokens(_job(request, config)) < model.context_tokens
        except HalfwattError:
            return True

    async def _ready_model(self, cancellation: Cancellation) -> WorkerSupervisor | None:
        """The loaded model; waits while it loads. None when the request is cancelled meanwhile."""
        if self._starting is not None and not self._starting.done():
            cancelled = asyncio.ensure_future(cancellation.wait())
            await asyncio.wait({self._starting, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            cancelled.cancel()
            if cancellation.requested:
                return None
        if self._model is None:
            raise self._load_problem or ModelError("No local model is loaded. See `halfwatt doctor`.")
        return self._model

    def _stamp_of_files(self, local: LocalConfig) -> object:
        """What changes when a model's file comes, goes, or is replaced or repaired."""
        try:
            files = [each for each in self._paths.models.iterdir() if each.suffix == ".gguf"]
        except OSError:
            files = []
        own = [Path(local.model).expanduser()] if catalog.is_path(local.model) else []
        return {file: _stamp(file) for file in (*files, *own)}

    async def _load(self, local: LocalConfig) -> None:
        try:
            if self._model is not None:
                await self._model.stop()
                self._model = None
            spec = await asyncio.to_thread(store.resolve, local, store.ModelStore(self._paths.models), catalog.load())
            self.model_id = spec.id
            self.model_form = form_of(spec.file, spec.chat_template)
            self._changed()
            from halfwatt.daemon.worker.supervisor import WorkerSupervisor  # not needed before there is a model to load

            model = WorkerSupervisor(
                spec, local, self._paths.worker_memory_file, _LOG, environ=self._environ, changed=self._changed
            )
            self._model = model
            await model.start()
            self._load_problem = None
        except HalfwattError as error:
            _LOG.warning("the local model is not in use (%s)", error.code)
            self._load_problem, self._model = error, None
        except Exception as error:  # noqa: BLE001 - a broken model must not end the daemon
            _LOG.error("loading the local model failed", exc_info=error)
            self._load_problem = ModelError(
                "The local model could not be loaded; the log says where. See `halfwatt doctor`."
            )
            self._model = None
        finally:
            self._changed()


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _job(request: GenerationRequest, config: Config) -> WorkerJob:
    options = request.options
    ghost = options.kind == "complete"
    limit = config.completion.max_tokens if ghost else config.local.max_tokens
    return WorkerJob(
        shape=request.shape,
        messages=[dict(message) for message in request.messages] if request.shape == "chat" else None,
        opening=options.opening if request.shape == "chat" else "",
        language=options.language,
        prompt=None if request.shape == "chat" else request.prompt,
        suffix=request.suffix,
        max_tokens=request.max_tokens or limit,
        temperature=request.temperature,
        seed=request.seed,
        stop=request.stop,
        stop_rules=options.stop_rules,
        document=options.document,
        time_box_ms=config.completion.time_box_ms if ghost else None,
        priority=WARM_PRIORITY if options.warm else PRIORITIES.get(options.kind, 0),
    )
