"""The engines that runs can be handed to: what each is, has and says."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.output import note, say
from core.errors import LabError


def engines(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="All of the settings without.")] = None,
) -> None:
    """Ask the clusters of the lab's settings how they are. Exit code 2 where one can't be asked."""
    from core.home import home
    from core.jobs.engines.states import look_at
    from core.settings import in_force

    found = in_force()
    if found.fault:
        note(found.fault)
    states = look_at(tuple(names or ()))
    if not states:
        say(f"Runs go to this machine alone. Clusters are named in {home().settings_file}: docs/for-a-lab.md.")
    for state in states:
        say(f"{state.name}  {state.kind}  {state.where}")
        if state.view is None or state.view.trouble:
            continue
        version = f"version {state.view.version}, " if state.view.version else ""
        say(f"  {version}{state.line}; runs: {state.at_work} at work, {state.pending} pending, {state.waiting} waiting")
        for node in state.view.nodes:
            gpus = f", {node.gpus} GPU{'s' * (node.gpus > 1)} {node.kind}".rstrip() if node.gpus else ""
            word = node.word or ("up" if node.up else "down")
            say(f"  {node.name:<20} {word:<14} {node.cpus} cores, {node.memory_gb:.0f} GB{gpus}")
    if refused := [f"{state.name}: {state.view.trouble}" for state in states if state.view and state.view.trouble]:
        raise LabError(" ".join(refused))
