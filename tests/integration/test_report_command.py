"""Reports of runs as they really are: finished, queued, failed, another program's, of another store."""

import resource
import signal
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from benchmarks.sample_store import fill
from core import jobs
from core.execution.execute import execute
from core.reports.asked import Asked, made_apart
from core.reports.making import meeting_report, report_of
from core.runs import run_folder
from core.tracking import store
from core.tracking.tags import NOTE, SWEEP
from tests.integration.test_singularity_runs import search
from tests.integration.test_stores_of_others import foreign  # noqa: F401  # a fixture
from tests.training import small


def titles(report):
    return [section.title for section in report.sections]


def words(report):
    return repr([section.blocks for section in report.sections])


def execute_notebook(path):
    """Run a notebook as it is, in a folder of its own; returns it with its outputs."""
    folder = path.parent / "elsewhere"
    folder.mkdir()
    client = NotebookClient(nbformat.read(path, 4), timeout=300, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def test_a_search_for_lambda_is_a_report_in_every_format(command_line, tmp_path):
    run_id, _ = search()
    store.set_tag(run_id, NOTE, "a note <b>of mine</b>")
    files = {form: tmp_path / f"report.{form}" for form in ("html", "pdf", "ipynb", "md")}
    for path in files.values():
        done = command_line("report", run_id[:12], "-o", str(path))
        assert done.returncode == 0, done.stderr
        assert 1_000 < path.stat().st_size < 6e6
    html = files["html"].read_text()
    for part in (
        "<math",
        "Certificate",
        f"python -m core replay {run_id}",
        "@misc{",
        "a note &lt;b&gt;of mine&lt;/b&gt;",
    ):
        assert part in html
    assert "<b>of mine" not in html
    assert files["pdf"].read_bytes().startswith(b"%PDF")
    text = files["md"].read_text()
    assert "$$" in text
    for line in (line for line in text.splitlines() if line.startswith("![")):
        picture = files["md"].parent / line.rpartition("](")[2].rstrip(")")
        assert picture.read_bytes().startswith(b"\x89PNG")
    executed = execute_notebook(files["ipynb"])
    drawn = [
        cell for cell in executed.cells
        if cell.cell_type == "code" and any("image/png" in out.get("data", {}) for out in cell.outputs)
    ]  # fmt: skip
    assert len(drawn) == len([cell for cell in executed.cells if cell.cell_type == "code"]) - 1


def test_solutions_in_the_plane_are_drawn_and_the_notebook_samples_them_anew(command_line, tmp_path):
    run_id = jobs.begin_here(small())
    execute(run_folder(run_id), 1)
    path = tmp_path / "r.ipynb"
    assert command_line("report", run_id, "--format", "ipynb", "--output", str(path)).returncode == 0
    assert "pcolormesh" in path.read_text()
    execute_notebook(path)
    report = report_of([run_folder(run_id)])
    assert {"Result", "Curves", "Stages", "Solution"} <= set(titles(report))
    assert "all iterations done" in words(report)
    assert report.missing == ()


def test_runs_that_lack_something_are_told_of_and_the_rest_is_shown(foreign):  # noqa: F811
    ids = fill(10, points=30)
    queued = store.create_run(small("name=waits"))
    running = store.create_run(small("name=elsewhere"))
    store.set_state(running, "running")
    other = foreign("<script>evil", {"lr": "0.1"}, [(k, k, 1.0 / (k + 1)) for k in range(5)], "FAILED")
    states = {store.get_run(run_id).state for run_id in ids}
    assert {"finished", "failed", "crashed", "stopped"} <= states
    for run_id in [*ids[-3:], queued, running, other]:
        report = report_of([run_folder(run_id)])
        assert titles(report)[0] == "Result"
    assert "The loss became NaN." in words(report_of([run_folder(ids[8])]))
    assert "NaN or infinite at 1 iterations" in words(report_of([run_folder(ids[8])]))
    assert "It has no curve" in words(report_of([run_folder(queued)]))
    assert "It is running: all of this is as it stood" in words(report_of([run_folder(running)]))
    assert "Another program made this run" in words(report_of([run_folder(other)]))
    assert "No checkpoint of it is on this machine" in words(report_of([run_folder(ids[0])]))
    together = report_of([run_folder(run_id) for run_id in (*ids[:3], other)])
    assert titles(together)[:2] == ["Runs", "Curves over each other"]
    everything = report_of([run_folder(run_id) for run_id in [*ids, queued, running, other] * 2])
    assert "Of more than 12 runs none has a part of its own" in words(everything)
    assert len(everything.runs) == 13
    meeting = meeting_report(0.0)
    assert {"What failed, and why", "What finished", "At work or waiting"} <= set(titles(meeting))
    assert "Its process was ended by SIGKILL." in words(meeting)
    assert titles(meeting_report(4e9))[0] in ("Nothing", "At work or waiting")


@pytest.mark.parametrize("content", [b"", b"junk", 4096 * b"\x00"])
def test_a_history_that_can_not_be_read_is_told_of_and_not_taken_for_a_run_that_waits(content):
    folder = run_folder(fill(1, points=20)[0])
    folder.history.write_bytes(content)
    report = report_of([folder])
    assert any("history" in sentence for sentence in report.missing)
    assert "Not in this report" in titles(report)
    assert "begun" not in words(report).replace("Begun 2", "")


def test_a_run_of_another_store_has_what_that_store_has(lab_home, monkeypatch, tmp_path):
    run_id = jobs.begin_here(small())
    execute(run_folder(run_id), 1)
    jobs.deliver()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{lab_home}/mlflow.db")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "mine"))
    report = report_of([run_folder(run_id)])
    assert {"Result", "What was solved", "Curves", "Stages"} <= set(titles(report))
    assert "all iterations done" in words(report)


def test_a_sweep_stands_for_its_runs_the_best_first():
    top = jobs.begin_here(small("name=a sweep"))
    store.set_tag(top, SWEEP, "sweep")
    tried = [store.create_run(small(f"name=trial {k}"), parent=top) for k in range(3)]
    for run_id, figure in zip(tried, (1e-3, 1e-9, None), strict=True):
        if figure is not None:
            store.client().log_metric(run_id, "dense_max_residual", figure)
    other = store.create_run(small("name=goes on"), parent=tried[0])
    report = report_of([run_folder(top)])
    assert report.title.startswith("a sweep, 3 runs: ")
    assert report.runs == (tried[1], tried[0], tried[2])
    assert report_of([run_folder(tried[0])]).runs == (tried[0],)  # what goes on from a run is no trial of it
    assert report_of([run_folder(tried[0]), run_folder(top), run_folder(other)]).runs == (
        tried[0], tried[1], tried[2], other)  # fmt: skip


def test_what_can_not_be_written_leaves_no_half_file(command_line, tmp_path):
    run_id = fill(1, points=20)[0]
    kept = tmp_path / "kept.html"
    kept.write_text("before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a full disk, as far as a file's writer can tell
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        done = command_line("report", run_id, "-o", str(kept))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert done.returncode == 2
    assert "can't be written" in done.stderr
    assert kept.read_text() == "before"
    assert list(tmp_path.glob(".*")) == []
    nowhere = str(tmp_path / "none" / "x.html")
    for wrong in (["--format", "docx"], ["-o", "x.docx"], ["--since", "soon"], ["-o", nowhere]):
        runs = [] if "--since" in wrong else [run_id]
        assert command_line("report", *runs, *wrong).returncode == 2
    assert command_line("report").returncode == 2


@pytest.mark.parametrize("form", ["html", "md"])
def test_a_page_gets_its_report_from_a_child_that_says_how_far_it_is(form):
    told = []
    run_ids = tuple(fill(2, points=20))
    data = made_apart(Asked(form, run_ids), told.append)
    assert data.startswith(b"<!doctype html>" if form == "html" else b"PK")
    assert told and max(told) <= 1
    with pytest.raises(Exception, match="There is no run"):
        made_apart(Asked(form, (32 * "f",)))


def test_the_default_file_is_named_after_the_run(command_line, tmp_path, monkeypatch):
    run_id = fill(1, points=20)[0]
    monkeypatch.chdir(tmp_path)
    done = command_line("report", run_id)
    assert done.returncode == 0
    assert Path(f"report-{run_id[:8]}.html").exists()
