"""A dashboard's server and a real Chromium, for benchmarks and end-to-end tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def chromium() -> str:
    """The browser's path. Raises FileNotFoundError without one."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        raise FileNotFoundError("There is no Chromium on the PATH; `make browser` installs one.")
    return found


def wait_for(url: str, seconds: float = 120) -> float:
    """Seconds until `url` answers. Raises TimeoutError."""
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        try:
            urllib.request.urlopen(url, timeout=1)
            return time.perf_counter() - began
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"{url} did not answer in {seconds:.0f} s.")


def start_dashboard(port: int, source: Path = ROOT) -> tuple[subprocess.Popen, float]:
    """A server of a source tree on the present LAB_HOME, and the seconds until it answered."""
    server = subprocess.Popen(
        [sys.executable, "-m", "core", "serve", "--port", str(port)],
        cwd=source,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return server, wait_for(f"http://127.0.0.1:{port}/_stcore/health")


@contextmanager
def dashboard() -> Iterator[str]:
    """A running server's address; it is ended afterwards."""
    port = free_port()
    server, _ = start_dashboard(port)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@contextmanager
def mlflow_ui(tracking_uri: str) -> Iterator[str]:
    """MLflow's own user interface on a store; it and its workers are ended afterwards."""
    import psutil

    port = free_port()
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = ["server", "--backend-store-uri", tracking_uri, "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *command, "--workers", "1"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        family = [*psutil.Process(server.pid).children(recursive=True), psutil.Process(server.pid)]
        for process in family:
            process.kill()
        server.wait()
