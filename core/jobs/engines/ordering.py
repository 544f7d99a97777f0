"""An attempt as it is handed to a cluster: program, environment and resources, as the node knows them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import LabError
from core.home import SOURCE, home
from core.jobs.engines.away import ENGINE
from core.jobs.engines.contract import Order, attempt_name
from core.jobs.engines.kept_view import kept_view
from core.jobs.engines.programs import versions
from core.jobs.job import Job
from core.jobs.process import attempt_environment
from core.problem_source import kept_source_variable

if TYPE_CHECKING:
    from core.cluster_settings import ClusterSettings

SEARCHED = "/usr/local/bin:/usr/bin:/bin"
"""PATH of a run's process: git is all that it looks for."""


def takes_gpu(job: Job, settings: ClusterSettings) -> bool:
    """Whether a run gets a GPU there: one that asks for any device does where a node has enough of them."""
    if job.device != "auto":
        return job.device.startswith("cuda")
    view = kept_view(settings.name)
    return view is not None and any(node.up and node.gpus >= settings.gpus_per_run for node in view.nodes)


def order_of(job: Job, settings: ClusterSettings, lab: str, program: tuple[str, ...] = ()) -> Order:
    """The order for a job's present attempt; what it must be equal to is noted in the run's folder.

    Args:
        job: a claimed one.
        settings: of the engine.
        lab: mark of this lab.
        program: what is started in the place of `python -m core work`.

    Raises:
        LabError: the run's folder can't be written.
    """
    folder, source = job.folder, Path(settings.program or SOURCE)
    there = Path(settings.home or home().root)
    try:
        folder.write_order(job.attempt, {"engine": settings.name, "lab": lab, "versions": versions()})
    except OSError as error:
        raise LabError(f"The run's folder can't be written: {error.strerror}.") from error
    gpu = takes_gpu(job, settings)
    run_dir = there / folder.path.relative_to(home().root)
    threads = str(settings.cpus_per_run)
    environment = {
        "PATH": SEARCHED,
        "LAB_HOME": str(there),
        ENGINE: settings.name,
        "PYTHONUNBUFFERED": "1",
        **attempt_environment(run_dir, job.attempt),
    }
    if not gpu:
        environment |= dict.fromkeys(("LAB_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        environment["CUDA_VISIBLE_DEVICES"] = ""
    environment |= _source(folder.problem_source, run_dir)
    command = program or (settings.python or sys.executable, "-m", "core", "work")
    return Order(
        name=attempt_name(job),
        command=(*command, job.run_id, "--attempt", str(job.attempt), *(["--fresh"] if job.fresh else [])),
        environment=environment,
        source=source,
        log=run_dir / "log.txt",
        lab=lab,
        gpus=settings.gpus_per_run if gpu else 0,
        cpus=settings.cpus_per_run,
        memory_gb=settings.memory_gb,
    )


def _source(problem_source: Path, run_dir: Path) -> dict[str, str]:
    """The variable that names the run's copy of its problem's file, as the node knows it."""
    found = kept_source_variable(problem_source, {})
    return {
        name: value.replace(str(problem_source), str(run_dir / problem_source.name)) for name, value in found.items()
    }
