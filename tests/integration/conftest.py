"""What integration tests share: nothing waits for a browser to paint; a lab whose runs are stand-ins; real clusters."""

import os
import signal
import sys

import pytest

from core.cluster_settings import SlurmEngine
from core.jobs import actions, sync, table
from core.jobs.detached import COURIER
from core.jobs.engines import tending
from core.jobs.engines.local import LocalEngine
from core.jobs.process import alive, sweep
from core.jobs.slot_lock import hold
from pages.parts.compare import first_paint
from tests.clusters import ray, slurm
from tests.clusters.engines import Clustered, Local, processes_of
from tests.conftest import lay_out
from tests.stand_in import SOURCE, STAND_IN, WORKER


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """Pages send everything at once."""
    monkeypatch.setattr(first_paint, "PAUSE_S", 0.0)


@pytest.fixture(scope="session")
def mlflow_store(tmp_path_factory, fresh_store):
    """One MLflow database for all tests with stand-ins."""
    folder = tmp_path_factory.mktemp("stand-ins") / "lab"
    lay_out(folder, fresh_store)
    return f"sqlite:///{folder}/mlflow.db"


@pytest.fixture
def lab(tmp_path, monkeypatch, mlflow_store):
    """A lab home with one CPU slot whose runs are stand-ins; yields its folder."""
    root = tmp_path / "lab"
    program = tmp_path / "stand_in.py"
    program.write_text(STAND_IN)
    monkeypatch.setenv("LAB_HOME", str(root))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_store)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.setattr(sync, "_refused_at", float("-inf"))
    engine = LocalEngine(worker=[sys.executable, "-c", WORKER.format(program=str(program))])
    for name in actions.ENGINES:
        monkeypatch.setitem(actions.ENGINES, name, engine)
    courier = hold(COURIER)  # the real one would start real workers
    yield root
    courier.close()
    for job in table.find(("queued",)):
        table.update(job.run_id, state="stopped")
    for job in table.find():
        if alive(job.worker_pid, job.worker_started, job.boot):
            os.kill(job.worker_pid, signal.SIGKILL)
        sweep(root / "runs" / job.run_id, job.attempt)


@pytest.fixture(scope="session")
def slurm_cluster(tmp_path_factory):
    if why := slurm.missing():
        pytest.skip(why)
    cluster = slurm.Slurm(tmp_path_factory.mktemp("slurm"))
    yield cluster.start()
    cluster.end()


@pytest.fixture(scope="session")
def ray_cluster(tmp_path_factory):
    if why := ray.missing():
        pytest.skip(why)
    cluster = ray.Ray(tmp_path_factory.mktemp("ray"))
    try:
        yield cluster.start()
    finally:
        cluster.end()


@pytest.fixture(params=["local", "slurm", "ray"])
def engine(request, lab, monkeypatch):
    """An engine in a lab of its own."""
    monkeypatch.setattr(tending, "LOOK_S", 0.3)
    if request.param == "local":
        found = Local(lab)
    elif request.param == "slurm":
        cluster = request.getfixturevalue("slurm_cluster")
        cluster.mend()
        found = Clustered(lab, SlurmEngine(name="slurm", conf=str(cluster.conf)), cluster, "node")
    else:
        cluster = request.getfixturevalue("ray_cluster")
        cluster.mend()
        found = Clustered(lab, cluster.settings, cluster, "Ray says")
    yield found
    for job in table.find(("running", "stopping", "pausing")):
        for process in processes_of(lab, job.run_id):
            process.kill()
    found.end()


@pytest.fixture
def clustered(engine):
    """An engine that a cluster is behind."""
    if engine.name == "local":
        pytest.skip("it is about clusters")
    return engine
