"""A run's side on a cluster's node: it has the run's folder alone."""

import os
import subprocess
import sys

import pytest

from core.errors import LabError
from core.home import SOURCE, home
from core.jobs.control import RunControl
from core.jobs.engines import away, programs
from core.runs import run_folder

RUN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def folder(monkeypatch):
    """The folder of a run whose second attempt was handed to an engine."""
    monkeypatch.setenv(away.ENGINE, "cluster-a")
    monkeypatch.setattr(away, "LAG_S", 0.0)
    found = run_folder(RUN)
    found.path.mkdir(parents=True)
    found.keep_job({"run_id": RUN, "attempt": 2, "state": "running", "wanted": None, "killed": None})
    return found


def test_an_attempt_begins_once_and_without_the_job_table(folder):
    with RunControl(folder, 2) as control:
        assert control.wanted() is None
        with pytest.raises(LabError, match="another process has it"), RunControl(folder, 2):
            pass
        control.finish("finished")
    assert folder.begun(2)["engine"] == "cluster-a"
    assert folder.exit(2)["state"] == "finished"
    assert not home().jobs_db.exists()
    assert not list(home().slots.glob("courier*")) if home().slots.exists() else True


@pytest.mark.parametrize(
    "row",
    [
        {"attempt": 1, "state": "running"},
        {"attempt": 3, "state": "running"},
        {"attempt": 2, "state": "stopped"},
        {"attempt": 2, "state": "queued"},
    ],
)
def test_an_attempt_that_the_lab_does_not_expect_does_not_begin(folder, row):
    folder.keep_job({"run_id": RUN, "wanted": None, **row})
    with pytest.raises(LabError), RunControl(folder, 2):
        pass
    assert folder.begun(2) is None
    assert folder.last_word() is None


@pytest.mark.parametrize("wanted", ["stop", "pause"])
def test_it_obeys_its_row(folder, wanted):
    with RunControl(folder, 2) as control:
        folder.keep_job({"run_id": RUN, "attempt": 2, "state": "stopping", "wanted": wanted})
        assert control.wanted() == wanted
        control.finish("stopped")


PROCESS = """
import sys, time
from core.jobs import control
from core.runs import run_folder
control.HEARTBEAT_S = 0.05
with control.RunControl(run_folder(sys.argv[1]), 2) as job:
    print("begun", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("row", "status"),
    [({"attempt": 3, "state": "running"}, away.FENCED), ({"attempt": 2, "state": "stopping", "killed": 1.0}, -9)],
)
def test_one_that_was_given_up_or_killed_ends_without_a_word(folder, row, status):
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, RUN],
        stdout=subprocess.PIPE,
        text=True,
        cwd=SOURCE,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )
    assert process.stdout.readline() == "begun\n"
    folder.keep_job({"run_id": RUN, "wanted": "stop", **row})
    assert process.wait(60) == status
    assert folder.last_word() is None


def test_a_node_with_other_versions_refuses_before_anything_begins(folder):
    own = programs.versions()
    folder.write_order(2, {"versions": own})
    away.refuse_if_differs(folder, 2)
    folder.write_order(2, {"versions": own | {"torch": "2.12.0", "program": "0123456789ab"}})
    with pytest.raises(LabError, match=r"has torch \S+ in place of 2\.12\.0, another copy of this program"):
        away.refuse_if_differs(folder, 2)
    assert folder.refusal(2).startswith("Node ")
    assert folder.begun(2) is None
