"""The queue: submit runs, look at them, stop, pause, resume and retry them."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from core.cli.arguments import ConfigArgument, ParentOption, RunArgument, SetOption, chosen_config, chosen_run
from core.cli.output import note, say
from core.cli.several import RunsArgument, do
from core.errors import LabError
from core.plain_text import printable, shortened

AfterOption = Annotated[str | None, typer.Option("--after", metavar="RUN", help="Run that must have finished first.")]
AfterAnyOption = Annotated[bool, typer.Option("--after-any", help="Begin however that run ends.")]
FromAfterOption = Annotated[
    bool, typer.Option("--from-after", help="Start from that run's best checkpoint, once it has ended.")
]
EngineOption = Annotated[
    str | None,
    typer.Option("--engine", metavar="NAME", help="local, an engine of the settings, or auto: the first that is free."),
]
PriorityOption = Annotated[int, typer.Option("--priority", metavar="N", help="Higher ones go first.")]


def submit(
    config: ConfigArgument,
    settings: SetOption = None,
    parent: ParentOption = None,
    after: AfterOption = None,
    after_any: AfterAnyOption = False,
    from_after: FromAfterOption = False,
    priority: PriorityOption = 0,
    held: Annotated[bool, typer.Option("--hold", help="Wait until somebody releases it.")] = False,
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="FIELD=VALUES", help="A run for each value: seed=0..9, or a field=16,32,64."),
    ] = None,
    paired: Annotated[
        bool, typer.Option("--paired", help="First value with first, second with second, in place of each with each.")
    ] = False,
    batch: Annotated[
        str | None, typer.Option("--batch", metavar="NAME", help="What the runs of --vary are called.")
    ] = None,
    engine: EngineOption = None,
) -> None:
    """Queue a run, or one for each combination of varied fields; they go on when this terminal closes."""
    from core import jobs

    chosen = chosen_config(config, settings, parent)
    first = chosen_run(after).run_id if after else None
    options = {"after": first, "after_any": after_any, "from_after": from_after, "priority": priority, "held": held}
    options["engine"] = engine
    if not vary:
        if paired:
            raise LabError("--paired goes with --vary FIELD=VALUES.")
        say(jobs.submit(chosen, batch=batch, **options))
        return
    from core.jobs.batch import table_of

    rows = table_of(varied_fields(vary), paired)
    for run_id in jobs.submit_many(chosen, rows, batch=batch or chosen.name or Path(config).stem, **options):
        say(run_id)


def varied_fields(texts: list[str]) -> dict[str, list[str]]:
    """Field → its values, of `--vary`. Raises LabError."""
    from core.jobs.batch import read_values

    varied: dict[str, list[str]] = {}
    for text in texts:
        field, equals, values = text.partition("=")
        if not equals or not field.strip():
            raise LabError(f"--vary {shortened(text)}: write it as field=values, for example seed=0..9.")
        if field.strip() in varied:
            raise LabError(f"--vary names {shortened(field.strip())} twice.")
        varied[field.strip()] = read_values(values)
    return varied


def status(run: Annotated[str | None, typer.Argument(metavar="RUN")] = None) -> None:
    """All runs with when each is due, or one run."""
    from core import jobs
    from core.jobs import board

    asked = jobs.status(chosen_run(run).run_id) if run else None
    jobs.queue(limit=1)  # a look: workers are started, and what ended unseen is settled
    seen = board.read()
    entries = [seen.entries.get(asked.run_id) or board.entry_of(asked)] if asked else list(seen.entries.values())
    for line in jobs.troubles():
        note(line)
    if not entries:
        say("No runs yet. Start one: python -m core submit poisson2d-quick")
    for entry in entries:
        job = entry.job
        share = f"{min(1.0, entry.fraction):4.0%}" if entry.fraction is not None else "    "
        place = f"{f'#{job.position}':>4}" if job.position else share
        residual = f"max residual {entry.max_residual:.2e}" if entry.max_residual is not None else ""
        why = job.reason if job.due or not job.position else ""  # a crash stays in sight until it is tried again
        priority = f"priority {job.priority}" if job.position and job.priority else ""
        rest = "  ".join(text for text in (priority, entry.when(seen), residual, why) if text)
        say(f"{job.run_id}  {job.state:<9} {place}  {job.problem:<16} {job.name:<24} {rest}")


def stop(runs: RunsArgument) -> None:
    """Stop runs; each leaves a checkpoint."""
    do("stop", runs)


def pause(runs: RunsArgument) -> None:
    """Pause runs: checkpoint, leave the slot."""
    do("pause", runs)


RestoreOption = Annotated[
    bool, typer.Option("--restore-config", help="Put back the config that the store has, where the run's is damaged.")
]


def resume(
    runs: RunsArgument,
    checkpoint: Annotated[
        str | None, typer.Option("--from", metavar="CHECKPOINT", help="best or stage-K, in the place of the last one.")
    ] = None,
    accept_hole: Annotated[
        bool, typer.Option("--accept-hole", help="Go on although rows of the history are lost; it is noted there.")
    ] = False,
    restore_config: RestoreOption = False,
) -> None:
    """Queue paused, stopped or crashed runs again from their checkpoints."""
    do("resume", runs, checkpoint=checkpoint, accept_hole=accept_hole, restore_config=restore_config)


def retry(runs: RunsArgument, restore_config: RestoreOption = False) -> None:
    """Queue ended runs again from the beginning."""
    do("retry", runs, restore_config=restore_config)


def logs(
    run: RunArgument, follow: Annotated[bool, typer.Option("-f", "--follow", help="Until the run ends.")] = False
) -> None:
    """What a run has printed."""
    from core import jobs

    run_id, offset = chosen_run(run).run_id, 0
    while True:
        ended = jobs.status(run_id).ended_for_good if follow else True
        data, offset = jobs.logs(run_id, offset)
        sys.stdout.write(printable(data.decode("utf-8", "replace"), keep="\n\t"))
        sys.stdout.flush()
        if ended and not data:
            return
        if not data:
            time.sleep(0.5)
