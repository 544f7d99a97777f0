"""A SLURM cluster of two nodes on this machine, in a folder of its own; Debian's packages, started by root."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "scancel", "scontrol")
NAMESPACE = ("--pid", "--fork", "--mount-proc", "--kill-child=KILL")
"""Of a node: its processes see no others, and end with the first of them."""
CONF = """
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=0
GresTypes=gpu
MpiDefault=none
ReturnToService=2
MinJobAge=86400
KillWait=5
SlurmdTimeout=6
InactiveLimit=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=small Nodes={first} MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why there can be no cluster here, in one line; empty where there can."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    absent = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if absent:
        return f"SLURM is not installed ({', '.join(absent)}): make slurm"
    if os.geteuid() != 0:
        return "SLURM's daemons need root here"
    return ""


class Slurm:
    """A cluster; `start` waits until its nodes are idle.

    Args:
        folder: of all its files.
        cpus: of each of its two nodes, which share this machine's.
        gpus: likewise, made of terminals.
    """

    def __init__(self, folder: Path, cpus: int = 2, gpus: int = 0):
        self.folder, self.nodes = folder, ("n1", "n2")
        self.conf = folder / "slurm.conf"
        self._cpus, self._gpus = cpus, gpus
        self._processes: dict[str, subprocess.Popen] = {}
        os.environ["PATH"] = f"{os.environ['PATH']}:/usr/sbin:/sbin"

    def start(self) -> Slurm:
        for name in ("munge", "state", *(f"spool-{node}" for node in self.nodes)):
            (self.folder / name).mkdir(parents=True, mode=0o755)
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        gres = f" Gres=gpu:{self._gpus}" if self._gpus else ""
        nodes = [
            f"NodeName={node} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 Port={free_port()} "
            f"CPUs={self._cpus} RealMemory=4000{gres} State=UNKNOWN"
            for node in self.nodes
        ]
        self.conf.write_text(
            CONF.format(
                folder=self.folder,
                host=socket.gethostname(),
                port=free_port(),
                nodes="\n".join(nodes),
                first=self.nodes[0],
            )
        )
        if self._gpus:
            lines = [
                f"NodeName={node} Name=gpu File=/dev/tty[{k * self._gpus}-{(k + 1) * self._gpus - 1}]"
                for k, node in enumerate(self.nodes)
            ]
            (self.folder / "gres.conf").write_text("\n".join(lines) + "\n")
        munge = self.folder / "munge"
        self._begin(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={munge / 'socket'}",
            f"--pid-file={munge / 'pid'}", f"--log-file={munge / 'log'}", f"--seed-file={munge / 'seed'}",
        )  # fmt: skip
        _until((munge / "socket").exists, "munged does not listen")
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)
        _until(lambda: self.states() == {"idle"}, f"the nodes do not become idle: {self.folder}")
        return self

    def start_controller(self) -> None:
        self._begin("slurmctld", "-D", "-f", str(self.conf))

    def start_node(self, node: str) -> None:
        self._begin(node, *NAMESPACE, "slurmd", "-D", "-f", str(self.conf), "-N", node, program="unshare")

    def kill_controller(self) -> None:
        """As if its machine went out."""
        self._end("slurmctld", signal.SIGKILL)

    def kill_node(self, node: str) -> None:
        """As if the machine went out: its daemon is the first process of a namespace, and all others go with it."""
        self._end(node, signal.SIGKILL)

    def mend(self) -> None:
        """Have all nodes up that a test before this one may have killed, and nothing in the queue."""
        self.command("scancel", "--me", check=False)
        for node in self.nodes:
            if node not in self._processes:
                self.start_node(node)
        _until(lambda: self.states() == {"idle"}, f"the nodes do not become idle: {self.folder}")

    def states(self) -> set[str]:
        shown = self.command("sinfo", "-h", "-N", "-p", "main", "-o", "%T", check=False)
        return set(shown.split())

    def command(self, *words: str, check: bool = True) -> str:
        environment = os.environ | {"SLURM_CONF": str(self.conf)}
        done = subprocess.run(words, capture_output=True, text=True, env=environment, check=check, timeout=60)
        return done.stdout

    def end(self) -> None:
        if "slurmctld" in self._processes:
            self.command("scancel", "--signal=KILL", "--full", "--state=RUNNING", "--me", check=False)
        for name in (*self.nodes, "slurmctld", "munged"):
            self._end(name, signal.SIGTERM)

    def _begin(self, name: str, *arguments: str, program: str = "") -> None:
        log = (self.folder / f"{name}.out").open("ab")
        with log:
            self._processes[name] = subprocess.Popen(
                [program or name, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"], "SLURM_CONF": str(self.conf)},
                start_new_session=True,
            )

    def _end(self, name: str, number: signal.Signals) -> None:
        process = self._processes.pop(name, None)
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _until(condition, otherwise: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)
