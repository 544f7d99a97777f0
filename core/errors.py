"""Errors a person can act on. Everything else is a defect and keeps its traceback."""


class LabError(Exception):
    """Something the user can put right: one or two sentences saying what, why and what to do next.

    The command line prints it on one line and exits with 2; pages show it as a message.
    """


class ConfigError(LabError):
    """A run's description is not valid. `problems` holds one line for each field at fault."""

    def __init__(self, problems: list[str]):
        self.problems = problems
        super().__init__("; ".join(problems))


class RunNotFoundError(LabError):
    """No run has this id in the store."""

    def __init__(self, run_id: str):
        super().__init__(f"There is no run {run_id!r} in this store. `python -m core status` lists the runs.")


class StoreError(LabError):
    """The store (MLflow database, job table or lab home) can't be read or written."""


class TrainingError(LabError):
    """Training can't go on (NaN in a residual, a Jacobian too large for memory); the run ends `failed`."""


class NotFiniteError(TrainingError):
    """A problem's residual is NaN or infinite."""
