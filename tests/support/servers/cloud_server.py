"""A real OpenAI-compatible server that this project did not write, as the stand-in for a cloud.

It is llama_cpp.server with a GGUF model, in a process of its own on a free port. Run as a program, this file is that
process.

Plain `python -m llama_cpp.server` dies on machines with AMX, and takes no socket: hence the own launcher.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

API_KEY = "planted-cloud-key-1"
MODEL_NAME = "stand-in-cloud"
CONTEXT_TOKENS = 2048
READY_LIMIT_S = 120.0


@dataclass(frozen=True)
class CloudServer:
    """A running server: what a tier's configuration needs to reach it."""

    base_url: str
    model: str
    key: str
    pid: int


@contextmanager
def running(model_path: Path, key: str = API_KEY) -> Iterator[CloudServer]:
    """Start the server and wait until it answers; end it on the way out. It also ends when this process does."""
    started = subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), str(model_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ) | {"STAND_IN_KEY": key},
        text=True,
    )
    assert started.stdin is not None
    assert started.stdout is not None
    try:
        port = started.stdout.readline().strip()
        if not port:
            pytest.fail(f"the stand-in cloud ended at once (code {started.wait()}): is llama-cpp-python[server] there?")
        base_url = f"http://127.0.0.1:{port}/v1"
        headers = {"Authorization": f"Bearer {key}"}
        httpx2.get(f"{base_url}/models", headers=headers, timeout=READY_LIMIT_S, trust_env=False).raise_for_status()
        yield CloudServer(base_url, MODEL_NAME, key, started.pid)
    finally:
        started.terminate()
        started.wait()
        started.stdin.close()
        started.stdout.close()


@pytest.fixture(scope="session")
def cloud_server(model_path: Path) -> Iterator[CloudServer]:
    """One stand-in cloud for the whole run, with the real small model behind it."""
    with running(model_path) as server:
        yield server


def _serve(model: str, key: str) -> None:
    import llama_cpp.llama_cpp as low_level
    import uvicorn

    plain = low_level.llama_model_default_params

    def safe_params() -> low_level.llama_model_params:
        params: low_level.llama_model_params = plain()
        params.use_extra_bufts = False  # the AMX kernels crash on many virtual machines
        return params

    low_level.llama_model_default_params = safe_params
    from llama_cpp.server.app import create_app
    from llama_cpp.server.settings import ModelSettings, ServerSettings

    settings = ModelSettings(model=model, model_alias=MODEL_NAME, n_ctx=CONTEXT_TOKENS, verbose=False)
    app = create_app(server_settings=ServerSettings(api_key=key), model_settings=[settings])
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listening])


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _serve(sys.argv[1], os.environ["STAND_IN_KEY"])
