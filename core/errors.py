"""Errors a person can act on. Everything else is a defect and keeps its traceback, a command's in the lab home."""

from core.plain_text import fit_to_show, shortened

MOST_FAULTS = 20
"""Lines about one config; who has more faults to mend begins with these."""


class LabError(Exception):
    """Something the user can put right: one or two sentences saying what, why and what to do next.

    The command line prints it on one line and exits with 2; pages show it as a message. Whatever the sentences quote,
    they hold no secret, no control character, and no more than one reads.
    """

    def __init__(self, sentences: str = ""):
        super().__init__(fit_to_show(sentences))


class ConfigError(LabError):
    """A run's description is not valid. `problems` holds one line for each field at fault, `MOST_FAULTS` at most."""

    def __init__(self, problems: list[str]):
        more = len(problems) - MOST_FAULTS
        self.problems = [shortened(fit_to_show(problem), 600) for problem in problems[:MOST_FAULTS]]
        if more > 0:
            self.problems.append(f"and {more:,} more faults")
        super().__init__("; ".join(self.problems))


class RunNotFoundError(LabError):
    """No run has this id in the store."""

    def __init__(self, run_id: str):
        super().__init__(f"There is no run {run_id!r} in this store. `python -m core status` lists the runs.")


class StoreError(LabError):
    """The store (MLflow database, job table or lab home) can't be read or written."""


class ExperimentDeletedError(StoreError):
    """The MLflow experiment of the runs made here was deleted."""

    def __init__(self, name: str):
        super().__init__(
            f"MLflow's experiment {name} was deleted: its runs are in no list, and none can be added. "
            "`python -m core doctor --restore` brings it back, as does the button on pages that miss its runs."
        )


class TrainingError(LabError):
    """Training can't go on (NaN in a residual, a Jacobian too large for memory); the run ends `failed`."""


class RankLostError(LabError):
    """Another process of the run is gone: no fault of the run's own, which crashed and may try again."""


class NotFiniteError(TrainingError):
    """A problem's residual is NaN or infinite."""


def sentence(error: BaseException) -> str:
    """An error as a reason: ours as it is; of others the first line, since pages of SQL or C++ may follow."""
    if isinstance(error, LabError):
        return " ".join(str(error).split())[:500]
    line = next((" ".join(line.split()) for line in fit_to_show(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {line}"[:300] if line else type(error).__name__
