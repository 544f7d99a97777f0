"""Every test gets a lab home of its own; nothing touches the developer's."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

# for what outlives its test: a thread that still tells a store must not find the developer's
os.environ["LAB_HOME"] = f"{tempfile.gettempdir()}/lab-of-no-test-{os.getpid()}"
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

FOLDERS = ("e2e", "accuracy", "integration", "gpu", "unit")
"""As they begin: the longest tests first, so that no core waits at the end for what another one began late."""


def pytest_collection_modifyitems(items):
    """Folder by folder, each in its own order."""
    items.sort(key=lambda item: FOLDERS.index(folder(item.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Each test to whoever is free, but all with a browser to one process: two would take each other's frames away.

    So do those with a Ray cluster, which takes its time to start.
    """
    from xdist.scheduler import LoadScopeScheduling

    class OneBrowser(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "e2e" if folder(nodeid) == "e2e" else "ray" if "[ray" in nodeid else nodeid

    config.option.loadscopereorder = False  # by number of tests
    return OneBrowser(config, log)


def folder(nodeid):
    """The one of `FOLDERS` that a test stands in."""
    return nodeid.split("/")[1]


@pytest.fixture(scope="session")
def fresh_store(tmp_path_factory):
    """MLflow's database as a new lab has it, made once: its migrations take seconds on two busy cores."""
    from core.tracking import store

    folder = tmp_path_factory.mktemp("fresh") / "lab"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store.client()
    return folder


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL server of this session's own (`tests.postgres.Cluster`); skips where there is none."""
    from tests.postgres import Cluster, require_postgres

    require_postgres()
    folder = Path(tempfile.mkdtemp(prefix="lab-postgres-"))
    folder.chmod(0o755)  # of root's; the server is nobody's
    cluster = Cluster(folder / "cluster")
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def fresh_database(postgres_server, tmp_path_factory):
    """Name of a database that has MLflow's tables and the job table's, as a new lab's: a template for others."""
    from core import postgres
    from core.jobs import table
    from core.tracking import store

    uri = postgres_server.create()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(tmp_path_factory.mktemp("fresh") / "lab"))
        patch.setenv("LAB_DATABASE", uri)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store.client()._tracking_client.store.engine.dispose()  # who makes a copy wants to be alone with it
        table.find()
        postgres.close_all()
    return uri.rpartition("/")[2]


@pytest.fixture
def database(postgres_server, fresh_database, lab_home, monkeypatch):
    """`LAB_DATABASE` names a database of this test's own, with an empty store; returns its address."""
    import psycopg

    from core import postgres

    uri = postgres_server.create(fresh_database)
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            "UPDATE public.experiments SET artifact_location = %s WHERE artifact_location LIKE 'file:%%/artifacts'",
            ((lab_home / "artifacts").as_uri(),),
        )
    monkeypatch.setenv("LAB_DATABASE", uri)
    yield uri
    postgres.close_all()
    postgres_server.drop(uri)


@pytest.fixture
def empty_database(postgres_server, lab_home, monkeypatch):
    """`LAB_DATABASE` names a database with nothing in it: what needs no MLflow does not wait for its forty steps."""
    from core import postgres

    uri = postgres_server.create()
    monkeypatch.setenv("LAB_DATABASE", uri)
    yield uri
    postgres.close_all()
    postgres_server.drop(uri)


@pytest.fixture(autouse=True)
def everything_on_postgres(request):
    """With `LAB_TEST_ON=postgres` every test's lab is on PostgreSQL: the suite is then one of both databases."""
    if os.environ.get("LAB_TEST_ON") == "postgres":
        if request.node.get_closest_marker("sqlite_file"):
            pytest.skip("it is about SQLite's own file")
        request.getfixturevalue("database")


def lay_out(folder, fresh_store):
    """Make a lab home with an empty store."""
    folder.mkdir()
    shutil.copyfile(fresh_store / "mlflow.db", folder / "mlflow.db")
    database = sqlite3.connect(folder / "mlflow.db")
    with database:
        database.execute(
            "UPDATE experiments SET artifact_location = REPLACE(artifact_location, ?, ?)",
            (str(fresh_store), str(folder)),
        )
    database.close()


@pytest.fixture(autouse=True)
def lab_home(tmp_path, monkeypatch, request):
    """A fresh LAB_HOME; with an empty store in it for all but unit tests, and those that a bare GPU machine can run."""
    folder = tmp_path / "lab"
    monkeypatch.setenv("LAB_HOME", str(folder))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("LAB_DATABASE", raising=False)
    if "core.jobs.events" in sys.modules:
        monkeypatch.setattr("core.people.acting._process", "")  # pages of an earlier test name their visitors
    if not {"unit", "gpu"} & set(request.path.parts):
        lay_out(folder, request.getfixturevalue("fresh_store"))
    return folder


@pytest.fixture(scope="session")
def command_tree():
    """The commands with their options as typer makes them anew at each call, which takes longer than most commands."""
    from typer.main import get_command

    from core.cli import app

    return get_command(app)


@pytest.fixture
def command_line(capsys, monkeypatch, command_tree):
    """`python -m core …` in this process, which has already imported what a new one spends seconds on."""
    from core.cli import main

    monkeypatch.setattr("typer.main.get_command", lambda app: command_tree)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["core", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return subprocess.CompletedProcess(arguments, ended.value.code or 0, *capsys.readouterr())

    return run
