"""Training in this process: `train`, and `work`, which a slot's worker starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.arguments import (
    ConfigArgument,
    JsonOption,
    ParentOption,
    RunArgument,
    SetOption,
    chosen_config,
    chosen_run,
)
from core.cli.output import check_writable, print_error, say, write_json
from core.errors import LabError

if TYPE_CHECKING:
    from core.config import RunConfig
    from core.execution.report import RunReport
    from core.runs import RunFolder


def train(
    config: ConfigArgument, settings: SetOption = None, parent: ParentOption = None, json_out: JsonOption = None
) -> None:
    """Train in this process, tracked. Exit code 0 finished, 1 failed, 130 stopped."""
    check_writable(json_out)
    chosen = chosen_config(config, settings, parent)
    train_here(chosen, json_out)


def train_here(config: RunConfig, json_out: Path | None, tags: dict[str, str] | None = None) -> tuple[RunFolder, dict]:
    """Train, print the report, write it; the run's folder and the report. Ends the program unless the run finished."""
    from core import jobs
    from core.execution import several
    from core.execution.execute import execute  # takes seconds, in which Ctrl-C shall leave no run behind
    from core.jobs.state import conclude
    from core.runs import run_folder

    folder = run_folder(jobs.begin_here(config, tags=tags))
    try:
        say(f"run {folder.run_id}")
        if (processes := several.processes_of(config, folder)) > 1:
            return folder, _in_several(folder, processes, json_out)
        report = execute(folder, 1)
    except KeyboardInterrupt:
        conclude(folder.run_id, 1, "stopped", "Interrupted before it began.")  # else it has said how it ended
        raise
    except LabError as error:
        print_error(error)
        raise typer.Exit(1) from None
    data = report.as_dict()
    _tell(report)
    write_json(json_out, data)
    if report.state == "stopped":
        raise typer.Exit(130)
    return folder, data


def _tell(report: RunReport) -> None:
    for key, value in report.as_dict().items():
        say(f"{key:>18}  {report.text(key, value)}")


def _in_several(folder: RunFolder, processes: int, json_out: Path | None) -> dict:
    """Train in processes of their own, watched over by a child; what the first of them reports, as it is here.

    Ends the program unless the run finished.
    """
    from core.execution import several

    code = several.trained(folder, processes)
    data = several.report_of(folder)
    if data is None or data["state"] not in ("finished", "stopped"):
        raise typer.Exit(1)
    write_json(json_out, data)
    if data["state"] == "stopped":
        raise typer.Exit(130)
    if code:
        raise typer.Exit(1)
    return data


def work(
    run: RunArgument,
    attempt: Annotated[int, typer.Option()] = 1,
    fresh: Annotated[bool, typer.Option()] = False,
) -> None:
    """Train a queued run; started by its slot's worker, or by the engine that it was handed to."""
    from core.jobs import events
    from core.jobs.engines.away import engine_here, refuse_if_differs

    events.this_process_is("the run")
    try:
        folder = chosen_run(run)
        if engine_here():
            refuse_if_differs(folder, attempt)
        from core.execution import several  # takes seconds
        from core.execution.execute import execute

        if several.is_helper():
            several.help_the_first(folder)
        several.launch_if_asked(folder, attempt, fresh)
        report = execute(folder, attempt, fresh=fresh)
        if several.wants_report():
            _tell(report)
            several.write_report(folder, report.as_dict())
    except LabError as error:
        print_error(error)
        raise typer.Exit(1) from None
