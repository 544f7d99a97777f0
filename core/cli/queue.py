"""The queue: submit runs, look at them, stop, pause, resume and retry them."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from core.cli.arguments import ConfigArgument, ParentOption, RunArgument, SetOption, chosen_config, chosen_run
from core.cli.output import say
from core.cli.several import RunsArgument, do
from core.plain_text import printable


def submit(config: ConfigArgument, settings: SetOption = None, parent: ParentOption = None) -> None:
    """Queue a run; it goes on when this terminal closes."""
    from core import jobs

    say(jobs.submit(chosen_config(config, settings, parent)))


def status(run: Annotated[str | None, typer.Argument(metavar="RUN")] = None) -> None:
    """The queue, or one run."""
    from core import jobs

    listed = [jobs.status(chosen_run(run).run_id)] if run else jobs.queue()
    if not listed:
        say("No runs yet. Start one: python -m core submit poisson2d-quick")
    for job in listed:
        progress = job.folder.progress() or {}
        share = f"{progress['fraction']:4.0%}" if "fraction" in progress else "    "
        residual = f"max residual {progress['max_residual']:.2e}" if "max_residual" in progress else ""
        say(f"{job.run_id}  {job.state:<9} {share}  {job.problem:<16} {job.name:<24} {residual} {job.reason or ''}")


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
