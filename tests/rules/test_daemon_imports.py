"""The daemon's process loads of router_model only what serves requests: labelling and training stay out of it.

test_import_direction.py reads the sources; this runs them, so that it also sees names which are put together at run
time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVES = {"errors", "progress", "serving", "sandbox"}
IMPORT_ALL = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"
ROUTE_ONE = '''
import asyncio, sys
from pathlib import Path
from halfwatt.daemon.inference.answer import Ended
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.meters.choose import choose_meter
from halfwatt.daemon.routing.draft import Draft
from halfwatt.daemon.routing.policy import RequestFacts
from halfwatt.daemon.routing.request_router import RequestRouter
from halfwatt.daemon.settings.schema import Config, RoutingConfig, TierConfig
from halfwatt.daemon.wire import RequestOptions

async def main():
    router = RequestRouter(Ledger(Path(sys.argv[1])), choose_meter(Config().energy))
    await router.load()
    assert router.problem is None, router.problem
    tier = TierConfig(name="lan", kind="edge", base_url="http://127.0.0.1:9/v1", model="qwen2.5-coder-7b")
    config = Config(routing=RoutingConfig(dial="eco", run_examples=True), tiers=(tier,))
    stub = 'def one():\\n    """>>> one()\\n    1\\n    """'
    options = RequestOptions(kind="generate", language="python", router_text=stub)
    request = GenerationRequest("r1", "chat", "auto", options, ({"role": "user", "content": "one"},))
    routing = await router.route(request, config, RequestFacts())
    assert len(routing.candidates) == 2
    router.reconsider(routing, Draft(whole=False).start_stats())
    await router.reconsider_whole(routing, "def one():\\n    return 1\\n", Ended("stop", 1, 1))

asyncio.run(main())
'''
TELL = '\nimport sys\nprint("\\n".join(name for name in sys.modules if name.startswith("halfwatt.router_model.")))'


def loaded(code: str, *arguments: str) -> set[str]:
    """The parts of router_model that a process has loaded after running this: room or module names below it."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONSTARTUP"}
    command = [sys.executable, "-P", "-c", code + TELL, *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return {name.split(".")[2] for name in done.stdout.split()}


def daemon_modules() -> list[str]:
    """Every module of the daemon but those of its command line and the two that start a process."""
    files = (path.relative_to(ROOT) for path in sorted((ROOT / "daemon").rglob("*.py")))
    kept = (path for path in files if path.parts[1] != "cli" and path.stem not in ("__main__", "__init__"))
    return [".".join(("halfwatt", *path.with_suffix("").parts)) for path in kept]


def test_importing_the_daemon_loads_only_the_serving_half_of_the_router() -> None:
    assert loaded(IMPORT_ALL, *daemon_modules()) - SERVES == set()


def test_routing_a_request_and_judging_its_draft_loads_only_the_serving_half_of_the_router(tmp_path: Path) -> None:
    found = loaded(ROUTE_ONE, str(tmp_path / "ledger.sqlite3"))
    assert "serving" in found
    assert found - SERVES == set()
