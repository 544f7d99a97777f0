"""A Ray cluster on this machine: a head and two nodes, each in network and process namespaces of its own.

Ray listens on all addresses, whatever it is told, and ends what it finds beside itself: so it has none beside it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

from core.cluster_settings import RayEngine
from core.errors import LabError
from core.jobs.engines.ray import RayCluster

NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")
FAST = {
    "RAY_health_check_initial_delay_ms": "2000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}
"""A node that is gone is noticed in seconds."""


def missing() -> str:
    """Why there can be no cluster here, in one line; empty where there can."""
    if find_spec("ray") is None:
        return "Ray is not installed: pip install -r requirements-lab.txt"
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        return "Ray's cluster needs root and network namespaces here"
    tried = subprocess.run(["ip", "netns", "exec", "no-such-lab", "true"], capture_output=True, text=True, check=False)
    if "Operation not permitted" in tried.stderr:
        return "this machine makes no network namespaces"
    return ""


class Ray:
    """A cluster; `start` waits until all of it answers.

    Args:
        folder: of its token and logs.
        cpus: of each of its two nodes; its head has none.
        keeps: its head keeps its state on disk, and knows everything again when it returns.
    """

    def __init__(self, folder: Path, cpus: int = 2, keeps: bool = False):
        self.folder, self._cpus = folder, cpus
        self._storage = {"RAY_gcs_storage": "rocksdb", "RAY_gcs_storage_path": str(folder / "state")} if keeps else {}
        number = secrets.randbelow(64 * 256)  # a process may have several, and the kernel takes its time with old names
        self._net = f"lab{number}"
        self._subnet = f"10.{64 + number % 64}.{number // 64}"
        self.head, self.nodes = f"{self._subnet}.2", (f"{self._subnet}.3", f"{self._subnet}.4")
        self.address = f"http://{self.head}:8265"
        self.token_file = folder / "token"
        self._temp = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # paths of sockets are short
        self._processes: dict[str, subprocess.Popen] = {}
        self.settings = RayEngine(name="ray", address=self.address, token_file=str(self.token_file))

    def start(self) -> Ray:
        self.token_file.write_text(secrets.token_hex(32))
        self.token_file.chmod(0o600)
        self._ip("link", "add", self._net, "type", "bridge")
        self._ip("addr", "add", f"{self._subnet}.1/24", "dev", self._net)
        self._ip("link", "set", self._net, "up")
        for ip in (self.head, *self.nodes):
            self._make_namespace(ip)
        self.start_head()
        for node in self.nodes:
            self.start_node(node)
        self.until_up()
        return self

    def start_head(self) -> None:
        self._begin_head()
        _until(lambda: self._alive(self.head) and self._started(self.head) and self._answers(), "no head", 600)

    def _started(self, ip: str) -> bool:
        """Whether `ray start` has said so, since its last try."""
        return "Ray runtime started" in (self.folder / f"{ip}.log").read_text(errors="replace")

    def _begin_head(self) -> None:
        self._begin(
            self.head, "--head", "--port", "6399", "--dashboard-host", "0.0.0.0", "--dashboard-port", "8265",
            "--num-cpus", "0", "--temp-dir", str(self._temp),
        )  # fmt: skip

    def start_node(self, node: str) -> None:
        self._begin(node, "--address", f"{self.head}:6399", "--num-cpus", str(self._cpus))

    def until_up(self) -> None:
        def up() -> bool:
            if not all([self._alive(ip) for ip in (self.head, *self.nodes)]):
                return False
            try:
                seen = RayCluster(self.settings).look()
            except LabError:
                return False
            return {node.name for node in seen.nodes if node.up} >= set(self.nodes)

        _until(up, "the nodes do not come up", 600)

    def _alive(self, ip: str) -> bool:
        """Whether a machine is on; one that gave up is started again: Ray waits for 30 s, and this one may be busy."""
        if self._processes[ip].poll() is None:
            return True
        if ip == self.head:
            self._begin_head()
        else:
            self.start_node(ip)
        return False

    def mend(self) -> None:
        """Have all nodes up that a test before this one may have killed."""
        self.until_up()

    def kill_node(self, node: str) -> None:
        """As if the machine went out."""
        process = self._processes[node]
        process.kill()
        process.wait()

    def kill_head(self) -> None:
        """Likewise."""
        self.kill_node(self.head)

    def end(self) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
        for ip in (self.head, *self.nodes):
            self._ip("link", "del", self._cable(ip), check=False)  # it would stay as long as any process
            self._ip("netns", "del", self._space(ip), check=False)
        self._ip("link", "del", self._net, check=False)
        shutil.rmtree(self._temp, ignore_errors=True)

    def _space(self, ip: str) -> str:
        return f"{self._net}-{ip.rpartition('.')[2]}"

    def _cable(self, ip: str) -> str:
        return f"{self._net}v{ip.rpartition('.')[2]}"

    def _make_namespace(self, ip: str) -> None:
        space, cable = self._space(ip), self._cable(ip)
        self._ip("netns", "add", space)
        self._ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
        self._ip("link", "set", cable, "master", self._net, "up")
        self._ip("-n", space, "addr", "add", f"{ip}/24", "dev", "eth0")
        self._ip("-n", space, "link", "set", "eth0", "up")
        self._ip("-n", space, "link", "set", "lo", "up")

    def _begin(self, ip: str, *arguments: str) -> None:
        common = ("--block", "--node-ip-address", ip, "--disable-usage-stats", "--object-store-memory", "100000000")
        with (self.folder / f"{ip}.log").open("wb") as log:
            self._processes[ip] = subprocess.Popen(
                ["ip", "netns", "exec", self._space(ip), *NAMESPACE, str(Path(sys.executable).with_name("ray")),
                 "start", *common, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    "HOME": str(self.folder),
                    "OMP_NUM_THREADS": "1",
                    "RAY_AUTH_MODE": "token",
                    "RAY_AUTH_TOKEN": self.token_file.read_text(),
                    "RAY_JOB_START_TIMEOUT_SECONDS": "31536000",
                    **self._storage,
                    **FAST,
                },
            )  # fmt: skip

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/api/jobs/", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False

    def _ip(self, *words: str, check: bool = True) -> None:
        subprocess.run(["ip", *words], check=check, capture_output=True, timeout=30)


def _until(condition, otherwise: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, otherwise
        time.sleep(0.2)
