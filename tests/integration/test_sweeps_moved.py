"""A sweep's study where the lab's database changes: taken over whole, saved and restored, and never begun anew."""

import optuna
import pytest

from core import sweeps
from core.config import RunConfig
from core.errors import LabError
from core.home import home
from core.jobs import sweeping
from core.jobs.detached import COURIER
from core.jobs.slot_lock import hold
from core.moving.backup import backup, restore
from core.sweeps import study as studies
from core.sweeps.folder import Known, Trial, sweep_folder

CONFIG = RunConfig(problem={"kind": "poisson2d"}, network={"hidden": [8]}, device="cpu")
DAMPING = "stages.0.optimizer.damping"


@pytest.fixture(autouse=True)
def nobody_works(lab_home, monkeypatch):
    monkeypatch.setattr(sweeping, "PROCESS", ("true",))
    courier = hold(COURIER)
    yield
    courier.close()


def begun():
    """A grid with two trials that have ended, one that runs, and one that waits; its folder."""
    sweep_id = sweeps.start(CONFIG, {DAMPING: "1e-6..1e-2 log 4"}, sampler="grid", parallel=1, name="night")
    folder = sweep_folder(sweep_id)
    study = studies.open_study(folder, folder.sweep())
    for number in range(3):
        trial = studies.next_trial(study, folder.sweep())
        study._storage.set_trial_user_attr(trial._trial_id, studies.RUN, f"{number:032x}")
        study._storage.set_trial_intermediate_value(trial._trial_id, 1, 0.5)
        if number < 2:
            studies.tell(study, trial, "finished", 0.1)
    folder.write_known(Known("running", trials=(Trial(0, "finished", {DAMPING: "1e-06"}, "0" * 32, 0.1),)))
    return folder


def content(study):
    return [
        (trial.number, trial.state.name, trial.params, trial.value, trial.user_attrs, trial.intermediate_values,
         trial.system_attrs.get("fixed_params"), trial.datetime_complete)
        for trial in study.get_trials()
    ]  # fmt: skip


@pytest.fixture
def postgres(request, monkeypatch):
    """The address of a database, which `LAB_DATABASE` does not name yet."""
    uri = request.getfixturevalue("database")
    monkeypatch.delenv("LAB_DATABASE")
    return uri


@pytest.mark.sqlite_file
def test_a_sweep_that_began_in_a_file_goes_on_in_the_database_though_it_was_killed_in_between(postgres, monkeypatch):
    folder = begun()
    before = content(studies.open_study(folder, folder.sweep()))
    monkeypatch.setenv("LAB_DATABASE", postgres)
    making, made = optuna.storages.RDBStorage._create_new_trial, []

    def one_and_no_more(storage, *given, **named):
        if made:
            raise KeyboardInterrupt
        made.append(making(storage, *given, **named))
        return made[0]

    with monkeypatch.context() as killed:
        killed.setattr(optuna.storages.RDBStorage, "_create_new_trial", one_and_no_more)
        with pytest.raises(KeyboardInterrupt):
            studies.open_study(folder, folder.sweep())
    assert folder.journal.exists()
    study = studies.open_study(folder, folder.sweep())
    assert content(study) == before and [state for _, state, *_ in before] == [
        "COMPLETE", "COMPLETE", "RUNNING", "WAITING",
    ]  # fmt: skip
    assert not folder.journal.exists()
    assert studies.next_trial(study, folder.sweep()).params == {DAMPING: "0.01"}
    monkeypatch.delenv("LAB_DATABASE")
    with pytest.raises(LabError, match="is not in this home, and no LAB_DATABASE is set: go on where"):
        studies.open_study(folder, folder.sweep())


@pytest.mark.parametrize("there", ["sqlite", "postgres"])
@pytest.mark.parametrize("here", ["sqlite", "postgres"])
@pytest.mark.sqlite_file
def test_a_backup_has_the_sweeps_and_either_database_goes_on(
    here, there, postgres, postgres_server, fresh_database, fresh_store, monkeypatch, tmp_path
):
    from core import postgres as server
    from tests.conftest import lay_out

    if here == "postgres":
        monkeypatch.setenv("LAB_DATABASE", postgres)
    folder = begun()
    before, known = content(studies.open_study(folder, folder.sweep())), folder.known()
    backup(tmp_path / "lab.tar")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "new"))
    monkeypatch.delenv("LAB_DATABASE", raising=False)
    made = ""
    if there == "postgres":
        made = postgres_server.create(fresh_database)
        monkeypatch.setenv("LAB_DATABASE", made)
    else:
        lay_out(tmp_path / "new", fresh_store)
    restore(tmp_path / "lab.tar")
    restored = sweep_folder(folder.sweep_id)
    assert restored.path != folder.path and restored.known() == known and restored.sweep() == folder.sweep()
    study = studies.open_study(restored, restored.sweep())
    assert content(study) == before
    assert bool(home().database) == (there == "postgres")
    if made:
        server.close_all()
        postgres_server.drop(made)
