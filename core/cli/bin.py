"""The bin: runs deleted, restored, and deleted for good."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from core.cli.output import note, say
from core.cli.several import RunsArgument, do
from core.errors import LabError

DAY_S = 86_400.0


def delete(
    runs: RunsArgument,
    stop: Annotated[bool, typer.Option("--stop", help="Stop those that are at work first.")] = False,
) -> None:
    """Put runs into the bin; restore brings them back until it is emptied."""
    do("delete", runs, stop=stop)


def restore(runs: RunsArgument) -> None:
    """Bring runs back from the bin, or from having been deleted in MLflow."""
    do("restore", runs)


def bin(
    empty: Annotated[bool, typer.Option("--empty", help="Delete for good what is due by the settings.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="With --empty: what is not due yet, too.")] = False,
) -> None:
    """List the bin, or delete its content for good."""
    from core.jobs import bin as the_bin
    from core.jobs import retention, sweep_bin

    if everything and not empty:
        raise LabError("--all goes with --empty: it deletes all that lies in the bin for good.")
    if empty:
        ids = [job.run_id for job in the_bin.content(-1)] + [one.sweep_id for one in sweep_bin.content()]
        emptied = retention.delete_for_good(ids) if everything else retention.empty()
        for why in (*emptied.kept.values(), *emptied.left.values()):
            note(why)
        gone, left = len(emptied.deleted + emptied.sweeps), len(the_bin.content(-1) + sweep_bin.content())
        say(f"{gone} deleted for good, {left} in the bin")
        return
    listed, sweeps = the_bin.content(-1), sweep_bin.content()
    if not listed and not sweeps:
        say("The bin is empty.")
    for job in listed:
        say(f"{job.run_id}  {job.state:<9} {job.problem:<16} {job.name:<24} {_goes(retention.goes_at(job))}")
    for one in sweeps:
        words = f"sweep, {len(one.trials)} runs" if one.trials else "sweep"
        say(f"{one.sweep_id}  {words:<26} {one.name:<24} {_goes(retention.goes_at(one))}")


def _goes(at: float) -> str:
    days = (at - time.time()) / DAY_S
    return "goes with the next look" if days <= 0 else f"{days:5.1f} days left"
