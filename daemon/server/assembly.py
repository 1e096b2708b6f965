"""The parts of the running daemon, put together at its start and closed at its end, in order.

run.py builds it inside the event loop. It holds no request logic.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from typing import Any, Self

from starlette.types import ASGIApp

from halfwatt.daemon.api import app, halfwatt_routes, openai_routes
from halfwatt.daemon.api.status import PullProgress, StatusFeed, StatusSources
from halfwatt.daemon.client.peer import PROOF_PATH
from halfwatt.daemon.client.runtime_files import Address
from halfwatt.daemon.dashboard import routes as dashboard
from halfwatt.daemon.energy import remote_estimates
from halfwatt.daemon.errors import HalfwattError, LedgerError, UsageError
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.meters.choose import choose_meter
from halfwatt.daemon.models import catalog, hardware, pull, store
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.routing import memory as router_memory
from halfwatt.daemon.routing.request_router import RequestRouter
from halfwatt.daemon.service.pause import Pause
from halfwatt.daemon.service.service import Service, ServiceParts
from halfwatt.daemon.settings.live import Settings
from halfwatt.daemon.telemetry import export as telemetry_export
from halfwatt.daemon.tiers.local import LocalTier
from halfwatt.daemon.tiers.remote import RemoteTiers

_LOG = logging.getLogger("halfwatt.daemon")


class Daemon:
    """Every part of the daemon. It sets `stop` when it shall end; entering it starts what runs in the background."""

    def __init__(self, paths: Paths, environ: Mapping[str, str], version: str, stop: asyncio.Event) -> None:
        self._paths, self._version = paths, version
        self._stop = stop
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_request_s = time.monotonic()
        self._fetch_problem: str | None = None
        self.port_problem: str | None = None
        self.settings = Settings(paths, environ)
        self._announced_settings = (self.settings.config, self.settings.warning)
        self._ledger, self._ledger_problem = _open_ledger(paths)
        self._meter = choose_meter(self.settings.config.energy, self._worker_pids)
        self._pause = Pause()
        self._router = RequestRouter(
            self._ledger,
            self._meter,
            local_form=lambda: self._local.model_form,
            memory=lambda: router_memory.read(paths.router_memory_file),
        )
        self._remote = RemoteTiers(paths, environ)
        self._local = LocalTier(paths, environ, self._meter, self._changed)
        parts = ServiceParts(self.settings, self._local, self._remote, self._router, self._ledger, self._pause)
        self._service = Service(parts, self._changed, lambda result: self._status_feed.finished(result))
        sources = StatusSources(
            self.settings, self._local, self._ledger, self._pause, lambda: self._service.n_running, self._warnings
        )
        self._status_feed = StatusFeed(sources, version)

    def app(self, token: str, address: Address) -> ASGIApp:
        """The web application over these parts."""
        controls = halfwatt_routes.Controls(
            service=self._service,
            status_feed=self._status_feed,
            ledger=self._ledger,
            settings=self.settings,
            pause=self._pause,
            pull=self._pull,
            stop=self._stop.set,
            address=address,
            token=token,
        )
        routes = [
            *openai_routes.routes(self._service),
            *halfwatt_routes.routes(controls),
            *dashboard.routes(self._ledger, lambda: self._meter.describe().sentence, address.url),
        ]
        without_token = dashboard.PATHS_WITHOUT_TOKEN | {PROOF_PATH}
        return app.build(routes, token, without_token, self._on_request)

    async def __aenter__(self) -> Self:
        self._local.load(self.settings.config.local)
        self._spawn(self._load_router())
        self._spawn(self._end_when_idle())
        self._spawn(self._maintain())
        self._spawn(telemetry_export.export_for_ever(self._paths, self._ledger, self._version))
        return self

    def closing(self) -> None:
        """Before the server waits for its connections: end the event streams, which would never end by themselves."""
        self._status_feed.close()

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._service.close()
        await self._local.close()
        await self._remote.close()
        self._meter.close()
        self._ledger.close()

    def _changed(self) -> None:
        self._status_feed.changed()

    def _on_request(self) -> None:
        """A request has come: notice changed settings, and a model that has come meanwhile."""
        self._last_request_s = time.monotonic()
        now = (self.settings.config, self.settings.warning)
        if now != self._announced_settings:
            self._announced_settings = now
            self._status_feed.changed()
        self._local.follow(now[0])

    def _warnings(self) -> tuple[str, ...]:
        ledger = self._ledger.problem or self._ledger_problem
        own = (self.port_problem, ledger, self._router.problem, self._fetch_problem, self._service.problem)
        return tuple(text for text in (*own, *self._remote.problems) if text)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_when_idle(self) -> None:
        """Set `stop` after the configured time without a request or a subscriber."""
        while True:
            limit_s = 60 * self.settings.config.daemon.idle_exit_min
            idle_s = time.monotonic() - self._last_request_s
            in_use = self._service.n_running or self._status_feed.n_subscribers or self._status_feed.pulling
            if limit_s and not in_use and idle_s >= limit_s:
                _LOG.info("ending after %.0f minutes without a client", limit_s / 60)
                self._stop.set()
                return
            wait_s = 60.0 if not limit_s else limit_s if in_use else limit_s - idle_s
            await asyncio.sleep(max(0.05, wait_s))

    async def _load_router(self) -> None:
        await self._router.load()
        self._status_feed.changed()

    async def _maintain(self) -> None:
        """Load what requests will need before they come; then, once a day, drop old rows."""
        await asyncio.to_thread(remote_estimates.warm, remote_estimates.reference(self.settings.config)[0])
        while True:
            try:
                days = self.settings.config.energy.retention_days
                await asyncio.to_thread(self._ledger.retain, days, time.time())
            except HalfwattError as error:
                _LOG.error("%s", error)
            await asyncio.sleep(86_400)

    def _worker_pids(self) -> tuple[int, ...]:
        return self._local.worker_pids

    def _pull(self, model_id: str) -> None:
        """Begin to fetch a model; UsageError while another is on its way."""
        if self._status_feed.pulling is not None:
            raise UsageError(f"{self._status_feed.pulling.model_id} is being fetched already. Wait until it is here.")
        spec = self._model_spec(model_id)
        self._status_feed.pulling = PullProgress(spec.id, 0.0)
        self._spawn(self._fetch(spec))

    def _model_spec(self, model_id: str) -> catalog.ModelSpec:
        """The model of this id; "auto" is the one in the settings, and where they leave it open what fits here."""
        models = catalog.load()
        wanted = self.settings.config.local.model if model_id == "auto" else model_id
        if wanted == "auto":
            return catalog.choose_model(models.values(), hardware.memory_bytes(), hardware.cores())
        return catalog.find_model(models, wanted)

    async def _fetch(self, spec: catalog.ModelSpec) -> None:
        loop = asyncio.get_running_loop()
        cancelled = False

        def progress(done: int, total: int) -> None:
            loop.call_soon_threadsafe(self._pulled, done / max(1, total))

        try:
            models = store.ModelStore(self._paths.models)
            await asyncio.to_thread(pull.pull, spec, models, progress, lambda: cancelled)
            self._fetch_problem = None
        except HalfwattError as error:
            self._fetch_problem = str(error)
        except asyncio.CancelledError:
            cancelled = True
            raise
        finally:
            self._status_feed.pulling = None
            self._status_feed.changed()
        self._local.load(self.settings.config.local)

    def _pulled(self, share: float) -> None:
        if self._status_feed.pulling is not None:
            self._status_feed.pulling.share = share
            self._status_feed.changed()


def _open_ledger(paths: Paths) -> tuple[Ledger, str | None]:
    """The ledger; where its folder cannot be used, one in the runtime folder, so that answers do not depend on it."""
    try:
        return Ledger(paths.ledger_file, renews=True), None
    except LedgerError as error:
        _LOG.error("%s", error)
        stand_in = Ledger(paths.runtime / paths.ledger_file.name, renews=True)
        return stand_in, f"{error} Until the daemon starts again, it keeps its rows in {stand_in.path.parent}."
