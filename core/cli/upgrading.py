"""`upgrade`: a lab home of an older version brought to this one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from core.cli.arguments import JsonOption
from core.cli.output import note, say, write_json


def upgrade(
    check: Annotated[bool, typer.Option("--check", help="Say what would be done, and do nothing.")] = False,
    while_running: Annotated[bool, typer.Option("--while-running", help="Although runs are at work.")] = False,
    json_out: JsonOption = None,
) -> None:
    """Bring the lab home to this version: a copy of its databases first, then job table and MLflow's tables."""
    from core import upgrade as upgrading

    found, copy = (upgrading.needed(), None) if check else upgrading.upgrade(while_running=while_running)
    for line in found.steps:
        say(f"{'to do' if check else 'done '}  {line}")
    if not found.steps:
        say("The databases are of this version.")
    if copy is not None:
        say(f"the state before is in {copy}")
    say(f"{found.configs} configs: {len(found.changed)} of them read with changes, {len(found.refused)} can't be read")
    for run_id, notes in list(found.changed.items())[:20]:
        note(f"{run_id[:8]}: {'; '.join(notes[:3])}{f'; and {len(notes) - 3} more' if len(notes) > 3 else ''}")
    for run_id, why in list(found.refused.items())[:20]:
        note(f"{run_id[:8]}: {why}")
    if check and found.active:
        note(f"{len(found.active)} runs are at work: upgrade waits for them to end")
    write_json(json_out, asdict(found) | {"steps": found.steps, "copy": str(copy) if copy else None})
