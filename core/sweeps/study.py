"""Optuna's part: where trials are kept, what is drawn for the next one, which are pruned, which fields mattered.

Imported by a sweep's own process alone, and Optuna inside functions. A sampler is made anew for each trial, seeded by
the sweep's seed and the trial's number: what a trial tries does not depend on how often the process was killed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import LabError
from core.home import home
from core.sweeps.axis import Axis
from core.sweeps.folder import SweepFolder
from core.sweeps.sweep import Sweep, grid_rows

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

STEPS = 20
"""Places along a run at which curves are compared, evenly over its iterations."""
WARM_UP = 4
"""Places before the first one at which a trial may be pruned."""
LEAST = 4
"""Finished trials before one may be pruned, or the fields' importance is told."""
SCHEMA = "sweeps"
"""Of Optuna's tables in the lab's PostgreSQL."""
RUN, PRUNED, REASON = "run", "pruned", "reason"
"""Attributes of a trial: its run's id, that it was found not worth its while, why it failed."""


def open_study(folder: SweepFolder, sweep: Sweep) -> Study:
    """The sweep's study, made where there is none, a grid's trials waiting in it; called under the sweep's lock.

    Raises LabError where the sweep has trials and the study is in another database: they would be tried again.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=_storage(folder), study_name=folder.sweep_id, sampler=_sampler(sweep, 0), load_if_exists=True
    )
    there = len(study.get_trials(deepcopy=False))
    if not there and any(trial.run_id for trial in folder.known().trials):
        here = "the database that LAB_DATABASE names" if home().database else "this home, and no LAB_DATABASE is set"
        raise LabError(f"What the sampler knows of the trials is not in {here}: go on where the sweep was at work.")
    if sweep.sampler == "grid":
        for row in grid_rows(sweep.axes)[there:]:
            study.enqueue_trial(row)
    return study


def _storage(folder: SweepFolder) -> BaseStorage:
    """Where the study is kept: the lab's PostgreSQL where there is one, else a journal on the home's local disk."""
    if database := os.environ.get("LAB_DATABASE", "").strip():
        storage = _in_postgres(database)
        _take_over(folder, storage)
        return storage
    return _in_journal(folder)


def _take_over(folder: SweepFolder, storage: BaseStorage) -> None:
    """Move the study of a sweep that began before the lab had a database there; its journal is set aside then.

    As long as the journal has its name, what is there may be half of it, of a process that was killed.
    """
    import optuna

    if not folder.journal.exists():
        return
    name = folder.sweep_id
    with contextlib.suppress(KeyError):
        optuna.delete_study(study_name=name, storage=storage)
    with contextlib.suppress(KeyError):  # a process was killed before the journal had a study
        optuna.copy_study(from_study_name=name, from_storage=_in_journal(folder), to_storage=storage)
    folder.journal.rename(folder.journal.with_suffix(".moved"))


def copy_to_journal(folder: SweepFolder, path: Path) -> bool:
    """Write a sweep's study in the lab's PostgreSQL into a journal, for a backup; False where it has none there."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        optuna.copy_study(
            from_study_name=folder.sweep_id,
            from_storage=_in_postgres(home().database),
            to_storage=JournalStorage(JournalFileBackend(str(path))),
        )
    except KeyError:
        return False
    return True


def _in_journal(folder: SweepFolder) -> BaseStorage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    whole_lines(folder)
    # the sweep's lock keeps others away; what a killed process left of Optuna's would be waited for
    folder.journal.with_name(f"{folder.journal.name}.lock").unlink(missing_ok=True)
    return JournalStorage(JournalFileBackend(str(folder.journal), JournalFileOpenLock(str(folder.journal))))


def _in_postgres(database: str) -> BaseStorage:
    """Optuna's tables in a schema of their own: it and MLflow both note their version in a table of the same name."""
    from optuna.storages import RDBStorage
    from sqlalchemy import create_engine, text

    url = f"postgresql+psycopg://{database.partition('://')[2]}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    engine.dispose()
    options = {"connect_args": {"options": f"-c search_path={SCHEMA}"}, "pool_pre_ping": True}
    return RDBStorage(url, engine_kwargs=options)


def forget_study(sweep_id: str) -> None:
    """Delete a sweep's study from the lab's PostgreSQL; nothing where it is not there."""
    import optuna

    database = os.environ.get("LAB_DATABASE", "").strip()
    try:
        optuna.delete_study(study_name=sweep_id, storage=_in_postgres(database))
    except KeyError:  # it never began, or is gone
        return


def is_away(error: Exception) -> bool:
    """Whether an error says that the database of the studies did not answer; it may soon."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import DBAPIError

    return isinstance(error, StorageInternalError | DBAPIError)


def whole_lines(folder: SweepFolder) -> None:
    """Cut off a line that a killed process or a full disk left half written: the next one would be lost with it."""
    with contextlib.suppress(FileNotFoundError), folder.journal.open("r+b") as file:
        data = file.read()
        end = data.rfind(b"\n") + 1
        while end and not _is_json(data[data.rfind(b"\n", 0, end - 1) + 1 : end]):
            end = data.rfind(b"\n", 0, end - 1) + 1
        if end < len(data):
            file.truncate(end)
            os.fsync(file.fileno())


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def next_trial(study: Study, sweep: Sweep) -> FrozenTrial:
    """The next trial, its values drawn: it is in the storage, running, when this returns."""
    study.sampler = _sampler(sweep, len(study.get_trials(deepcopy=False)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of experimental parts of Optuna
        trial = study.ask(distributions(sweep))
    return study.get_trials(deepcopy=False)[trial.number]


def completed(study: Study, sweep: Sweep, trial: FrozenTrial) -> FrozenTrial:
    """A running trial with all its values drawn: a process that was killed meanwhile left some out."""
    from optuna.trial import Trial

    lacking = {path: kind for path, kind in distributions(sweep).items() if path not in trial.params}
    if lacking:
        study.sampler = _sampler(sweep, trial.number)
        going_on = Trial(study, trial._trial_id)
        for path, kind in lacking.items():
            _suggest(going_on, path, kind)
    return study.get_trials(deepcopy=False)[trial.number]


def _suggest(trial: Trial, path: str, kind: BaseDistribution) -> None:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    if isinstance(kind, CategoricalDistribution):
        trial.suggest_categorical(path, kind.choices)
    elif isinstance(kind, IntDistribution):
        trial.suggest_int(path, kind.low, kind.high, step=kind.step, log=kind.log)
    else:
        trial.suggest_float(path, kind.low, kind.high, step=kind.step, log=kind.log)


def distributions(sweep: Sweep) -> dict[str, BaseDistribution]:
    """Path → what Optuna draws from."""
    return {axis.path: _distribution(axis, grid=sweep.sampler == "grid") for axis in sweep.axes}


def _distribution(axis: Axis, *, grid: bool) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if grid or not axis.is_range:
        return CategoricalDistribution(axis.grid())
    if axis.integer:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.log, step=int(axis.step or 1))
    high = axis.high
    if axis.step:
        high = axis.low + math.floor((axis.high - axis.low) / axis.step + 1e-9) * axis.step
    return FloatDistribution(axis.low, high, log=axis.log, step=axis.step)


def _sampler(sweep: Sweep, number: int) -> BaseSampler:
    from optuna.samplers import CmaEsSampler, RandomSampler, TPESampler

    seed = (sweep.seed * 1_000_003 + number * 7919) % 2**32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of experimental parts of Optuna
        if sweep.sampler == "tpe":
            first = max(LEAST, min(10, sweep.trials // 3))
            return TPESampler(seed=seed, n_startup_trials=first, constant_liar=True)
        if sweep.sampler == "cmaes":
            return CmaEsSampler(seed=seed, warn_independent_sampling=False, consider_pruned_trials=sweep.prune)
    return RandomSampler(seed=seed)


def pruner() -> BasePruner:
    """Who decides which trials are not worth their while: above the median of the others at the same place."""
    from optuna.pruners import MedianPruner

    return MedianPruner(n_startup_trials=LEAST, n_warmup_steps=WARM_UP, n_min_trials=LEAST)


def tell(study: Study, trial: FrozenTrial, state: str, value: float | None = None, reason: str = "") -> None:
    """Tell a trial's end once: one that has ended stays as it is. `state` is finished, pruned or failed."""
    from optuna.trial import TrialState

    if study.get_trials(deepcopy=False)[trial.number].state.is_finished():
        return
    if reason:
        study._storage.set_trial_user_attr(trial._trial_id, REASON, reason[:500])
    states = {"finished": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    study.tell(trial.number, value if state == "finished" else None, states[state], skip_if_finished=True)


def importance(study: Study, sweep: Sweep) -> dict[str, float]:
    """Path → share of the figure's variance over the finished trials that the field explains; empty with too few.

    Source: functional ANOVA, Hutter, Hoos, Leyton-Brown (2014), of the logarithm where all figures are positive.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    done = [t for t in study.get_trials(deepcopy=False) if t.state == TrialState.COMPLETE and math.isfinite(t.value)]
    if len(done) < LEAST or len({t.value for t in done}) < 2:
        return {}
    log = all(t.value > 0 for t in done)
    try:
        found = get_param_importances(
            study,
            evaluator=FanovaImportanceEvaluator(n_trees=32, seed=0),
            params=[axis.path for axis in sweep.axes if _differ([t.params[axis.path] for t in done])] or None,
            target=lambda trial: math.log10(trial.value) if log else trial.value,
        )
    except (RuntimeError, ValueError) as error:  # trees that see no variance: trials are too few, or too much alike
        print(f"importance: {error}", file=sys.stderr, flush=True)
        return {}
    return {path: float(share) for path, share in found.items()}


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)
