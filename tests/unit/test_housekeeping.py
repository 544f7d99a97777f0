"""The clean-up: exactly the listed files, never those of others, never past a link out of the home."""

import os
import sqlite3
import time

import pytest

from core import housekeeping
from core.errors import LabError
from core.home import home
from core.housekeeping import carry_out, plan, survey, tree
from core.jobs import table
from core.runs import checkpoint_file, run_folder

RUNS = {"ended": "a" * 32, "active": "b" * 32, "queued": "c" * 32}
GONE = "d" * 32
OLD = time.time() - 30 * 86_400


@pytest.fixture
def lab(monkeypatch):
    """A home with a job table and MLflow's table of runs, both with the same three runs."""
    root = home().ensure().root
    table.find()
    with sqlite3.connect(home().mlflow_db) as store:
        store.execute("CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time INT, lifecycle_stage TEXT,"
                      " experiment_id INT)")  # fmt: skip
        store.execute("CREATE TABLE experiments (experiment_id INT, lifecycle_stage TEXT)")
        store.execute("CREATE TABLE tags (run_uuid TEXT, key TEXT, value TEXT)")
        store.execute("INSERT INTO experiments VALUES (1, 'active')")
        for run_id in RUNS.values():
            store.execute("INSERT INTO runs VALUES (?, 'x', 'FINISHED', 1, 'active', 1)", (run_id,))
    with table.transaction() as jobs:
        for name, run_id in RUNS.items():
            state = {"ended": "finished", "active": "running"}.get(name, name)
            jobs.execute(
                "INSERT INTO jobs (run_id, name, problem, problem_parameters, config_hash, device, engine, state, "
                "submitted, queued) VALUES (?, 'x', 'poisson2d', '{}', '', 'auto', 'local', ?, 1, 1)",
                (run_id, state),
            )
    monkeypatch.setattr(housekeeping.carrying_out, "look", lambda path: None)
    return root


def put(path, size=100, old=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    if old:
        os.utime(path, (OLD, OLD))
    return path


def places(kind):
    return [item.place for item in plan([kind])]


def state_of(run_id, state):
    with table.transaction() as jobs:
        jobs.execute("UPDATE jobs SET state = ? WHERE run_id = ?", (state, run_id))


def checkpoints(run_id):
    folder = run_folder(run_id)
    put(folder.last)
    put(folder.checkpoints / "best.pt")
    put(folder.checkpoints / "stage-1.pt", 1000)
    (folder.checkpoints / "stage-2.pt").hardlink_to(folder.last)
    return folder


def test_of_ended_runs_alone_the_stages_checkpoints_go(lab):
    for run_id in RUNS.values():
        checkpoints(run_id)
    items = plan(["checkpoints"])
    assert sorted(item.place for item in items) == [f"runs/{'a' * 32}/checkpoints/stage-{k}.pt" for k in (1, 2)]
    assert {item.place[-4:-3]: item.frees for item in items} == {"1": 1000, "2": 0}  # last.pt is the same file
    outcome = carry_out(items)
    assert (outcome.deleted, outcome.freed, outcome.left) == (2, 1000, [])
    assert sorted(path.name for path in run_folder(RUNS["ended"]).checkpoints.iterdir()) == ["best.pt", "last.pt"]
    assert len(list(run_folder(RUNS["active"]).checkpoints.iterdir())) == 4


def test_a_run_that_goes_on_meanwhile_keeps_its_files(lab):
    checkpoints(RUNS["ended"])
    put(run_folder(RUNS["ended"]).samples / "s.npz")
    items = plan(["checkpoints", "samples"])
    for state, left in (("running", 3), ("queued", 2)):
        state_of(RUNS["ended"], state)
        outcome = carry_out(items)
        assert len([why for _, why in outcome.left if "its run is" in why]) == left
    assert (run_folder(RUNS["ended"]).checkpoints / "stage-1.pt").exists()


def test_while_the_last_checkpoint_is_damaged_those_of_stages_stay(lab, monkeypatch):
    checkpoints(RUNS["ended"])
    items = plan(["checkpoints"])
    monkeypatch.setattr(housekeeping.carrying_out, "look", checkpoint_file.look)
    outcome = carry_out(items)
    assert outcome.deleted == 0 and "can't be used" in outcome.left[0][1]


def test_a_file_that_changed_since_is_left_and_so_is_one_in_its_place(lab):
    first, second, third = (put(lab / "tracebacks" / f"{k}.txt", old=True) for k in range(3))
    put(lab / "tracebacks" / "new.txt")
    items = plan(["tracebacks"])
    assert len(items) == 3
    first.write_bytes(b"more")
    second.unlink()
    third.unlink()
    third.mkdir()
    outcome = carry_out(items)
    assert outcome.deleted == 0 and first.exists() and third.is_dir()
    assert sorted(why for _, why in outcome.left) == ["it has changed since it was listed"] * 2 + ["it is gone already"]


def test_links_are_never_followed(lab, tmp_path):
    outside = put(tmp_path / "outside" / "precious.txt", old=True)
    put(lab / "tracebacks" / "a.txt", old=True)
    (lab / "tracebacks" / "link.txt").symlink_to(outside)
    (lab / "tracebacks" / "folder").symlink_to(outside.parent)
    os.utime(lab / "tracebacks" / "link.txt", (OLD, OLD), follow_symlinks=False)
    assert places("tracebacks") == ["tracebacks/a.txt", "tracebacks/link.txt"]
    items = plan(["tracebacks"])
    carry_out(items)
    assert outside.exists() and not (lab / "tracebacks" / "link.txt").is_symlink()

    put(lab / "tracebacks" / "b.txt", old=True)
    items = plan(["tracebacks"])
    (lab / "tracebacks").rename(tmp_path / "moved")  # between the plan and the deed its folder becomes a link
    (lab / "tracebacks").symlink_to(tmp_path / "moved")
    outcome = carry_out(items)
    assert outcome.deleted == 0 and (tmp_path / "moved" / "b.txt").exists()
    assert places("tracebacks") == []


@pytest.mark.parametrize("place", ["../precious.txt", "/etc/passwd", "runs/../../precious.txt", "", "."])
def test_a_place_outside_of_the_home_is_none(lab, place):
    outside = put(lab.parent / "precious.txt")
    found = outside.stat()
    expected = tree.Found(place, found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev, 1)
    assert tree.delete(lab, expected)
    assert outside.exists()


def test_samples_stay_where_they_can_not_be_made_again(lab):
    for name in ("ended", "active"):
        put(run_folder(RUNS[name]).samples / "s.npz")
    assert places("samples") == []
    put(run_folder(RUNS["ended"]).last)
    assert places("samples") == [f"runs/{RUNS['ended']}/solution/s.npz"]


def test_copies_are_deleted_with_their_folders_where_the_store_has_the_run(lab):
    put(home().fetched / RUNS["ended"] / "history.arrows")
    put(home().fetched / GONE / "history.arrows")
    items = plan(["fetched"])
    assert [item.run_id for item in items] == [RUNS["ended"]]
    carry_out(items)
    assert [path.name for path in home().fetched.iterdir()] == [GONE]


def left_over(lab):
    for place in ("runs", "artifacts"):
        put(lab / place / GONE / "inner" / "file")
        os.utime(lab / place / GONE, (OLD, OLD))
        put(lab / place / RUNS["ended"] / "file")
    put(lab / "artifacts" / "not-a-run" / "file")


def test_what_is_left_of_runs_that_are_gone(lab):
    left_over(lab)
    items = plan(["orphans"])
    assert [item.place for item in items] == [f"{place}/{GONE}/inner/file" for place in ("artifacts", "runs")]
    assert carry_out(items).deleted == 2
    assert not (lab / "runs" / GONE).exists() and (lab / "artifacts" / RUNS["ended"] / "file").exists()


def test_a_run_that_is_known_again_is_left(lab):
    left_over(lab)
    items = plan(["orphans"])
    with sqlite3.connect(home().mlflow_db) as store:
        store.execute("INSERT INTO runs VALUES (?, 'x', 'FINISHED', 1, 'deleted', 1)", (GONE,))
    outcome = carry_out(items)
    assert outcome.deleted == 0
    assert {why for _, why in outcome.left} == {"its run is known again, or its folder has just changed"}
    assert plan(["orphans"]) == []


def test_a_young_folder_is_not_gone_yet(lab):
    put(lab / "runs" / GONE / "file")
    assert plan(["orphans"]) == []


def test_nothing_counts_as_gone_where_the_store_is_another_one_or_empty(lab, monkeypatch):
    left_over(lab)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////tmp/elsewhere.db")
    with pytest.raises(LabError, match="only where its MLflow store is the file"):
        plan(["orphans"])
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with sqlite3.connect(home().mlflow_db) as store:
        store.execute("DELETE FROM runs")
    with pytest.raises(LabError, match="knows no run at all"):
        plan(["orphans"])


def test_damaged_files_that_were_set_aside(lab):
    put(lab / "jobs.db.damaged-1")
    put(run_folder(RUNS["ended"]).file("history.arrows.damaged-1"))
    put(run_folder(RUNS["ended"]).checkpoints / "last.pt.damaged-1")
    put(run_folder(RUNS["active"]).file("history.arrows.damaged-1"))
    assert len(places("damaged")) == 3
    assert carry_out(plan(["damaged"])).deleted == 3


def test_a_kind_that_there_is_not(lab):
    with pytest.raises(LabError, match="allowed: tracebacks"):
        plan(["everything"])


def test_the_survey_counts_each_file_once_and_says_what_it_did_not_count(lab, tmp_path):
    checkpoints(RUNS["ended"])
    put(run_folder(RUNS["ended"]).history, 500)
    put(lab / "data" / "d.csv", 50)
    left_over(lab)
    (tmp_path / "big").mkdir()
    (lab / "fetched").symlink_to(tmp_path / "big")
    shares = []
    found = survey(shares.append)
    assert found.shares["Checkpoints"] == (1200, 4) and found.shares["Histories"] == (500, 1)
    assert found.shares["Runs and sweeps that are gone"] == (200, 2)
    assert found.largest[0] == (RUNS["ended"], 1800)
    assert shares[-1] == 1 and "fetched is a link" in found.notes[0]
    assert found.total > found.free > 0


def test_the_command_lists_first_and_deletes_only_what_is_named(lab, command_line):
    put(lab / "tracebacks" / "a.txt", old=True)
    checkpoints(RUNS["ended"])
    done = command_line("clean")
    assert done.returncode == 0 and "Nothing was deleted." in done.stdout
    refused = command_line("clean", "--yes")
    assert refused.returncode == 2 and "--what" in refused.stderr
    assert command_line("clean", "--what", "nonsense").returncode == 2
    listed = command_line("clean", "--what", "tracebacks")
    assert "tracebacks/a.txt" in listed.stdout and (lab / "tracebacks" / "a.txt").exists()
    done = command_line("clean", "--what", "tracebacks", "--yes")
    assert "1 file deleted, 100 bytes freed" in done.stdout
    assert not (lab / "tracebacks" / "a.txt").exists()
    assert (run_folder(RUNS["ended"]).checkpoints / "stage-1.pt").exists()


def binned(run_id):
    with table.transaction() as jobs:
        jobs.execute("UPDATE jobs SET binned = 1, state = 'finished' WHERE run_id = ?", (run_id,))


def test_of_the_bin_whole_runs_go_whose_files_are_as_they_were(lab, monkeypatch):
    asked = []

    def delete_for_good(run_ids):
        asked.extend(run_ids)
        return housekeeping.carrying_out.retention.Emptied(deleted=run_ids[:1], kept={run_ids[1]: "It is needed."})

    monkeypatch.setattr(housekeeping.carrying_out.retention, "delete_for_good", delete_for_good)
    for run_id in RUNS.values():
        checkpoints(run_id)
        put(lab / "artifacts" / run_id / "a" / "history.arrows", 50)
        binned(run_id)
    items = plan(["bin", "checkpoints"])
    assert {item.kind for item in items} == {"bin"} and len(items) == 15
    put(run_folder(RUNS["queued"]).file("late.txt"))  # nobody was shown it
    outcome = carry_out(items)
    assert sorted(asked) == [RUNS["ended"], RUNS["active"]]
    assert (outcome.deleted, len(outcome.left)) == (5, 10)
    assert {why for _, why in outcome.left} == {"It is needed.", "its run's files have changed since they were listed"}


def test_checkpoints_of_stages_go_with_their_copies_and_leave_an_event(lab):
    folder = checkpoints(RUNS["ended"])
    put(lab / "artifacts" / folder.run_id / "artifacts" / "checkpoints" / "stage-1.pt")
    put(lab / "artifacts" / folder.run_id / "artifacts" / "checkpoints" / "last.pt")
    assert carry_out(plan(["checkpoints"])).deleted == 3
    assert [event.kind for event in table.events_since(0)] == ["thinned"]
    assert len(list((lab / "artifacts").rglob("*.pt"))) == 1
