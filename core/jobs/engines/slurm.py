"""A SLURM cluster, asked by its command line on this machine: squeue, sinfo, sbatch, scancel, scontrol.

Attempts are known by their job's name and never by its number: a controller that dies soon after a submission forgets
the job and gives the number to the next one. A command waits for seconds where the controller is down.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from core.jobs.engines.contract import Node, Order, RefusedError, Said, UnreachableError, View

if TYPE_CHECKING:
    from core.cluster_settings import SlurmEngine

LIMIT_S = 30.0
"""Seconds that a command may take; SLURM's own limit for its controller is 10."""
_SILENT = re.compile(r"[Uu]nable to contact|Connection refused|timed out|Zero Bytes|[Cc]ommunication|not responding")
_PENDING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD", "REQUEUE_FED")
_RUNNING = ("RUNNING", "COMPLETING", "SUSPENDED", "SIGNALING", "STAGE_OUT", "STOPPED", "RESIZING")
_LOST = ("NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "REVOKED")
_WORDS = {
    "NODE_FAIL": "Its node failed.",
    "BOOT_FAIL": "Its node could not be started.",
    "PREEMPTED": "It was preempted.",
    "TIMEOUT": "It reached its time limit.",
    "DEADLINE": "It reached its deadline.",
    "OUT_OF_MEMORY": "It took more memory than its job has.",
}
_DOWN = ("DOWN", "DRAIN", "FAIL", "NO_RESPOND", "POWER", "MAINT", "UNKNOWN", "REBOOT")
_GPU = re.compile(r"\bgpu(?::([A-Za-z0-9_.-]+?))??:(\d+)\b")
_ATTEMPT = re.compile(r"[0-9a-f]{32}-a\d+")
_QUEUE = "%i|%j|%T|%r|%N|%k"
_NODES = "NodeList:|,StateLong:|,CPUs:|,Memory:|,Gres:|"


class SlurmCluster:
    """One SLURM cluster. Its jobs are those of this process's user."""

    def __init__(self, settings: SlurmEngine):
        self._settings = settings
        self._ended: dict[str, Said] = {}
        """What was found out of jobs that have ended, by number and state: it is asked for once."""

    def look(self) -> View:
        """Its nodes and the attempts that it knows: two commands, and one for each attempt that has ended since."""
        version = self._run("sinfo", "--version").split()
        attempts: dict[str, tuple[int, Said]] = {}
        for line in self._run("squeue", "--me", "--noheader", "--states=all", f"--format={_QUEUE}").splitlines():
            number, name, state, reason, nodes, lab = (line.split("|", 5) + [""] * 6)[:6]
            if _ATTEMPT.fullmatch(name) and number.isdigit():
                said = self._said(number, state, reason, nodes, lab)
                known = attempts.get(name)
                if known is None or (said.what != "ended", int(number)) > (known[1].what != "ended", known[0]):
                    attempts[name] = int(number), said
        return View(self._nodes(), {name: said for name, (_, said) in attempts.items()}, " ".join(version[-1:]))

    def _nodes(self) -> tuple[Node, ...]:
        where = [f"--partition={self._settings.partition}"] if self._settings.partition else []
        found: dict[str, Node] = {}
        for line in self._run("sinfo", "--noheader", "--Node", *where, f"--Format={_NODES}").splitlines():
            name, state, cpus, memory, gres = (line.split("|") + [""] * 5)[:5]
            gpus = [(kind, int(count)) for kind, count in _GPU.findall(gres)]
            up = not any(word in state.upper() for word in _DOWN) and "*" not in state
            found[name] = Node(
                name,
                up,
                int(cpus or 0),
                sum(count for _, count in gpus),
                int(memory or 0) / 1024,
                state,
                ", ".join(sorted({kind for kind, _ in gpus if kind})),
            )
        return tuple(found.values())

    def _said(self, number: str, state: str, reason: str, nodes: str, lab: str) -> Said:
        lab = "" if lab == "(null)" else lab
        if state in _PENDING:
            return Said("pending", reason, lab=lab)
        if state in _RUNNING:
            return Said("running", node=nodes, lab=lab)
        key = f"{number} {state}"
        if key not in self._ended:
            self._ended[key] = Said("ended", *self._end_of(number, state, reason), lost=state in _LOST, lab=lab)
        said = self._ended[key]
        return Said("ended", said.word, nodes or said.node, said.returncode, said.lost, lab)

    def _end_of(self, number: str, state: str, reason: str) -> tuple[str, str, int | None]:
        """(words, node, return code) of a job that has ended."""
        code = None
        if state in ("COMPLETED", "FAILED", "CANCELLED", "OUT_OF_MEMORY"):
            try:
                shown = self._run("scontrol", "--oneliner", "show", "job", number)
            except RefusedError:  # it is forgotten by now
                shown = ""
            if found := re.search(r"\bExitCode=(\d+):(\d+)", shown):
                code = -int(found[2]) if int(found[2]) else int(found[1])
        if state == "CANCELLED" and not code:
            code = None  # nobody saw a process end
        return _WORDS.get(state, "" if code is not None else f"SLURM says {state}, {reason}."), "", code

    def submit(self, order: Order) -> None:
        """Submit it, unless it has a job of this name already."""
        if self._run("squeue", "--me", "--noheader", "--states=all", f"--name={order.name}", "--format=%i").strip():
            return
        chosen = self._settings
        options = [
            "--parsable",
            "--no-requeue",
            "--signal=B:TERM@90",  # before its time limit: a checkpoint takes a step
            f"--job-name={order.name}",
            f"--output={_unpatterned(str(order.log))}",
            "--open-mode=append",
            f"--chdir={order.source}",
            f"--comment={order.lab}",
            "--export=NIL",  # a list would have SLURM start a login shell first
            "--ntasks=1",
            f"--cpus-per-task={order.cpus}",
        ]
        if order.gpus:
            options.append(f"--gres=gpu:{order.gpus}")
        if order.memory_gb:
            options.append(f"--mem={math.ceil(order.memory_gb * 1024)}M")
        if chosen.hours:
            options.append(f"--time={math.ceil(chosen.hours * 60)}")
        for name in ("partition", "account", "constraint"):
            if value := getattr(chosen, name):
                options.append(f"--{name}={value}")
        variables = [f"{name}={value}" for name, value in order.environment.items()]
        script = f"#!/bin/sh\nexec {shlex.join(['env', *variables, *order.command])}\n"
        self._run("sbatch", *options, script=script)

    def terminate(self, name: str, *, pending: bool) -> None:
        """Send SIGTERM to the run's process, which is the job's script; a pending one is cancelled."""
        self._cancel(name, *([] if pending else ["--batch", "--signal=TERM"]))

    def kill(self, name: str) -> None:
        """Send SIGKILL to all processes of the job."""
        self._cancel(name, "--full", "--signal=KILL")

    def _cancel(self, name: str, *how: str) -> None:
        self._run("scancel", "--me", f"--name={name}", *how)

    def _run(self, program: str, *arguments: str, script: str | None = None) -> str:
        path = shutil.which(program)
        if path is None:
            raise RefusedError(f"SLURM's command {program} is not on this machine's PATH: install slurm-client.")
        environment = dict(os.environ)
        if self._settings.conf:
            if not Path(self._settings.conf).is_file():  # SLURM's commands look for half a minute
                raise RefusedError(f"There is no file {self._settings.conf} on this machine: conf names slurm.conf.")
            environment["SLURM_CONF"] = self._settings.conf
        try:
            done = subprocess.run(
                [path, *arguments],
                input=script or "",
                capture_output=True,
                text=True,
                errors="replace",
                env=environment,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnreachableError(f"SLURM's {program} gave no answer within {LIMIT_S:.0f} s.") from None
        except OSError as error:
            raise RefusedError(f"SLURM's {program} can't be started: {error.strerror or error}.") from error
        if done.returncode == 0:
            return done.stdout
        said = (
            " ".join(line.strip() for line in done.stderr.splitlines() if line.strip()) or f"status {done.returncode}"
        )
        kind = UnreachableError if _SILENT.search(said) else RefusedError
        raise kind(f"SLURM's {program} says: {said[:300]}")


def _unpatterned(path: str) -> str:
    """A path in which SLURM replaces nothing: it reads %j and its like."""
    return path.replace("%", "%%")
