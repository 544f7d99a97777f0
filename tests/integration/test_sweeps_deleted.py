"""A deleted sweep: said before, put into the bin as runs are, brought back, gone for good; on either database."""

import time

import pytest

from core import jobs, sweeps
from core.config import RunConfig
from core.errors import LabError, RunNotFoundError, StoreError
from core.home import home
from core.housekeeping import carry_out, known, plan, survey
from core.jobs import bin, detached, notable, retention, slot_lock, sweep_bin, sweeping, sync, table
from core.jobs.job import EMPTYING
from core.runs import run_folder
from core.settings import Settings, save
from core.sweeps import deleting
from core.sweeps import study as studies
from core.sweeps.folder import Known, Trial, all_sweeps, sweep_folder
from core.tracking import store

CONFIG = RunConfig(problem={"kind": "poisson2d"}, network={"hidden": [8]}, device="cpu")
DAMPING = "stages.0.optimizer.damping"
TRIALS = 3


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.sqlite_file), "postgres"], autouse=True)
def lab(request, monkeypatch):
    """A lab on either database in which nobody works: what is told, this process tells."""
    if request.param == "postgres":
        request.getfixturevalue("database")
    for module in (sync, detached, sweeps.actions):
        monkeypatch.setattr(module, "ensure_courier", lambda: None)
    monkeypatch.setattr(sweeping, "PROCESS", ("true",))
    monkeypatch.setattr(jobs.actions.LocalEngine, "ensure", lambda self: None)
    monkeypatch.setattr(sync, "_refused_at", float("-inf"))
    return request.param


def a_sweep(state: str = "finished", name: str = "night") -> tuple[str, list[str]]:
    """A sweep that is over, with a study and as many trials' runs as it asked for; (its id, theirs)."""
    sweep_id = sweeps.start(CONFIG, {DAMPING: "1e-6..1e-2 log"}, sampler="random", trials=TRIALS, parallel=1, name=name)
    folder, trials = sweep_folder(sweep_id), []
    study = studies.open_study(folder, folder.sweep())
    for number in range(TRIALS):
        trial = studies.next_trial(study, folder.sweep())
        studies.tell(study, trial, "finished", 1.0 / (number + 1))
        trials.append(Trial(number, "finished", {DAMPING: "1e-3"}, a_run(sweep_id), 1.0 / (number + 1)))
    folder.write_known(Known(state, trials=tuple(trials), updated=time.time()))
    if state != "running":
        folder.close()
        sweeping.say_end(sweep_id, state, "3 of 3 finished.", 0.0)
    return sweep_id, [trial.run_id for trial in trials]


def a_run(sweep_id: str) -> str:
    run_id = store.create_run(CONFIG, parent=sweep_id)
    folder = run_folder(run_id)
    folder.create(CONFIG)
    folder.checkpoints.mkdir()
    folder.last.write_bytes(b"a checkpoint")
    table.insert(run_id, CONFIG, "local", state="finished", ended=1e9, attempt=1, sweep=sweep_id, batch="night")
    return run_id


def has_study(sweep_id: str) -> bool:
    import optuna

    database = home().database
    storage = studies._in_postgres(database)
    return sweep_id in optuna.get_all_study_names(storage)


def told(run_ids: list[str]) -> None:
    for run_id in run_ids:
        sync.tell_store(run_id, 30, leave=False)
        assert table.get(run_id).synced


def test_a_sweep_goes_with_its_runs_comes_back_with_them_and_goes_for_good(lab):
    sweep_id, runs = a_sweep()
    other, others = a_sweep(name="other")
    going = sweeps.going_with(sweep_id)
    assert set(going.runs) == set(runs)
    assert going.sentence(trials=True).endswith("3 runs of its trials go with it, 3 of them with a checkpoint.")
    assert going.sentence(trials=False).endswith("3 runs of its trials stay.")
    assert "Runs: 3 put into the bin" in sweeps.delete(sweep_id, trials=True)
    assert [seen.sweep_id for seen in sweeps.sweeps()] == [other]
    assert {job.run_id for job in bin.content()} == set(runs) and store.get_run(sweep_id).deleted
    for deed in (sweeps.read, sweeps.resume, sweeps.delete, sweeps.stop):
        with pytest.raises(LabError, match=r"is in the bin\. Restore it first"):
            deed(sweep_id)
    assert [(one.sweep_id, one.name, set(one.trials)) for one in sweep_bin.content()] == [
        (sweep_id, "night", set(runs))
    ]

    told(runs)
    assert sweeps.restore(sweep_id) == "The sweep 'night' is back. Runs: 3 restored."
    told(runs)
    assert {seen.sweep_id for seen in sweeps.sweeps()} == {sweep_id, other}
    assert bin.content() == [] and not store.get_run(sweep_id).deleted and not store.get_run(runs[0]).deleted
    with pytest.raises(LabError, match="not in the bin"):
        sweeps.restore(sweep_id)

    sweeps.delete(sweep_id, trials=True)
    told(runs)
    assert retention.empty().deleted == []  # not due yet
    (slot_lock.home().slots / f"{sweeping.lock_name(sweep_id)}.log").write_text("said")
    emptied = retention.empty(time.time() + 400 * 86_400)
    assert (set(emptied.deleted), emptied.sweeps, emptied.kept, emptied.left) == (set(runs), [sweep_id], {}, {})
    assert emptied.sentence() == "3 runs and 1 sweep deleted for good."
    assert not (home().sweeps / sweep_id).exists() and not list(home().slots.glob(f"*{sweep_id}*"))
    with pytest.raises(RunNotFoundError):
        store.get_run(sweep_id)
    assert [each.run_id for each in notable.latest()] == [other]
    assert sweeps.read(other).known.count("finished") == TRIALS and not table.these(runs)
    assert [job.run_id for job in table.these(others)] == others
    if lab == "postgres":
        assert not has_study(sweep_id) and has_study(other)


def test_a_sweep_that_is_at_work_stays_and_so_do_runs_that_were_not_meant():
    sweep_id, runs = a_sweep("running")
    for deed in (sweeps.going_with, sweeps.delete):
        with pytest.raises(LabError, match=f"is running. Stop it first: `python -m core sweep stop {sweep_id[:8]}`"):
            deed(sweep_id)
    sweep_folder(sweep_id).close()
    with slot_lock.hold(sweeping.lock_name(sweep_id)), pytest.raises(LabError, match=r"is at work\. Stop it first"):
        sweeps.delete(sweep_id)
    assert [each.sweep_id for each in all_sweeps()] == [sweep_id] and not store.get_run(sweep_id).deleted
    assert sweeps.delete(sweep_id) == "The sweep 'night' is in the bin."
    assert bin.content() == [] and len(table.these(runs)) == TRIALS
    assert retention.delete_for_good([sweep_id]).sentence() == "1 sweep deleted for good."
    assert [job.binned for job in table.these(runs)] == [None] * TRIALS


def test_a_run_that_others_need_stays_and_says_so():
    sweep_id, runs = a_sweep()
    waiting = store.create_run(CONFIG)
    run_folder(waiting).create(CONFIG)
    table.insert(waiting, CONFIG, "local", after_run=runs[1])
    said = sweeps.delete(sweep_id, trials=True)
    assert "2 put into the bin; 1 could not:" in said and "is kept, since" in said
    assert not table.get(runs[1]).binned


def test_what_the_store_or_the_disk_refuses_leaves_the_sweep_as_it_was(monkeypatch):
    sweep_id, _ = a_sweep()

    def refuse(*_):
        raise StoreError("The store is away.")

    with monkeypatch.context() as away:
        away.setattr(deleting.store, "get_run", refuse)
        with pytest.raises(StoreError, match="is away"):
            sweeps.delete(sweep_id, trials=True)
    assert [seen.sweep_id for seen in sweeps.sweeps()] == [sweep_id] and bin.content() == []
    sweeps.delete(sweep_id)
    with monkeypatch.context() as away:
        away.setattr(sweep_bin, "forget_study", refuse)
        emptied = retention.delete_for_good([sweep_id])
    assert emptied.kept == {sweep_id: "The store is away."} and (home().sweeps / sweep_id).exists()
    assert retention.delete_for_good([sweep_id]).sweeps == [sweep_id]


def test_one_that_was_restored_in_mlflows_own_pages_is_back():
    sweep_id, _ = a_sweep()
    sweeps.delete(sweep_id)
    store.restore_run(sweep_id)
    assert "is back here, too" in retention.delete_for_good([sweep_id]).kept[sweep_id]
    assert sweeps.read(sweep_id).known.count("finished") == TRIALS


def test_the_command_says_what_would_go_and_the_bin_lists_it(command_line):
    sweep_id, _ = a_sweep()
    done = command_line("sweep", "delete", sweep_id[:8], "--trials")
    assert "3 runs of its trials go with it" in done.stdout and "--trials --yes` does it." in done.stdout
    assert len(sweeps.sweeps()) == 1
    assert "Runs: 3 put into the bin" in command_line("sweep", "delete", sweep_id[:8], "--trials", "--yes").stdout
    listed = command_line("bin").stdout
    assert f"{sweep_id}  sweep, 3 runs" in listed and "14.0 days left" in listed
    assert "is in the bin" in command_line("sweep", "delete", sweep_id, "--yes").stderr
    assert "3 restored" in command_line("sweep", "restore", sweep_id[:8]).stdout
    assert "is no sweep in the bin" in command_line("sweep", "restore", sweep_id[:8]).stderr
    command_line("sweep", "delete", sweep_id[:8], "--yes")
    assert command_line("bin", "--empty", "--all").stdout == "1 deleted for good, 0 in the bin\n"


def test_the_clean_up_knows_sweeps(lab, monkeypatch):
    monkeypatch.setattr(known, "YOUNG_S", 0.0)
    kept, (binned, _), (gone, _) = a_sweep()[0], a_sweep(), a_sweep()
    half = home().sweeps / ("e" * 32)
    half.mkdir()
    (half / "config.json").write_text("{}")
    sweeps.delete(binned)
    store.delete_run(gone)
    store.purge_run(gone)
    folders = {item.place.split("/")[1] for item in plan(["orphans"]) if item.place.startswith("sweeps/")}
    assert folders == ({half.name, gone} if lab == "sqlite" else {half.name})  # a server's store is not asked
    listed = plan(["bin"])
    assert {item.place.split("/")[1] for item in listed if item.place.startswith("sweeps/")} == {binned}
    shares = survey().shares
    assert shares["The bin"][1] and shares["Runs and sweeps that are gone"][1] and shares["Sweeps"][1]
    outcome = carry_out([*plan(["orphans"]), *listed])
    assert outcome.left == [] and outcome.deleted > len(listed)
    assert not half.exists() and not (home().sweeps / binned).exists()
    assert {path.name for path in home().sweeps.iterdir()} == ({kept} if lab == "sqlite" else {kept, gone})


def test_what_was_cut_off_while_a_sweep_went_for_good_is_ended_by_the_next_one(monkeypatch):
    sweep_id, runs = a_sweep()
    sweeps.delete(sweep_id, trials=True)
    told(runs)
    with monkeypatch.context() as killed:
        killed.setattr(retention, "_remove", lambda path: (_ for _ in ()).throw(OSError("killed here")))
        retention.delete_for_good([sweep_id])
    assert (home().sweeps / f"{sweep_id}{retention.GONE}").exists()
    save(Settings())
    retention.empty()
    assert not list(home().sweeps.iterdir())
    assert all(job.bin_step != EMPTYING for job in table.these(runs))
