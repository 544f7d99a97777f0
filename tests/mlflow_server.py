"""A real MLflow server of the tests' own, on a free port of this machine."""

import os
import signal
import subprocess
import sys
import time
import urllib.request

from benchmarks.browser import free_port


class Server:
    """A server in front of a database, through which artifacts go.

    Args:
        database: its address, as SQLAlchemy has it.
        destination: where artifacts go: a folder, or a bucket's address.
        environment: what it has besides this process's, such as the bucket's key.
    """

    def __init__(self, database, destination, environment=None):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        self._options = [
            *(f"--backend-store-uri={database}", f"--artifacts-destination={destination}"),
            *("--serve-artifacts", "--workers=1", f"--port={self.port}"),
        ]
        self._environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **(environment or {})}

    def start(self):
        """Start it, and wait until it answers."""
        self.begin()
        self.wait()

    def begin(self):
        """Start it."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *self._options],
            env=os.environ | self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait(self):
        """Wait until it answers."""
        end = time.monotonic() + 120
        while not self._answers():
            assert time.monotonic() < end
            assert self.process.poll() is None
            time.sleep(0.1)

    def _answers(self):
        try:
            return urllib.request.urlopen(f"{self.url}/health", timeout=1).status == 200
        except OSError:
            return False

    def signal(self, number):
        """Send it and its workers a signal."""
        os.killpg(self.process.pid, number)

    def kill(self):
        """End it at once."""
        self.signal(signal.SIGKILL)
        self.process.wait()
