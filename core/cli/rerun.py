"""A run trained again, and held against its source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.arguments import JsonOption, chosen_run
from core.cli.output import check_writable, note, say, write_json
from core.cli.training import train_here
from core.errors import LabError

if TYPE_CHECKING:
    from core.tracking.verdict import Verdict


def replay(
    run: Annotated[str, typer.Argument(metavar="RUN|FILE", help="Run id or its beginning; or an old config file.")],
    json_out: JsonOption = None,
    verify: Annotated[bool, typer.Option("--verify", help="Compare the curves; exit code 1 when they differ.")] = False,
) -> None:
    """Train the config of an old run again, in this process; what this version reads otherwise is named."""
    from core.config import load_data
    from core.migrations import read_config
    from core.replay import prepare_rerun
    from core.tracking import store
    from core.tracking.verify import verify as compare

    check_writable(json_out)
    path = Path(run)
    if path.suffix in (".yaml", ".yml", ".json"):
        if verify:
            raise LabError("--verify compares with a run; name its id instead of a file.")
        source, reading, tags = None, read_config(load_data(path)), None
        config = reading.config
    else:
        source = chosen_run(run)
        reading, prepared = store.stored_config(source), prepare_rerun(source, to_verify=verify)
        config, tags = prepared.config, prepared.tags
    for line in reading.notes:
        note(f"note: {line}")
    rerun, data = train_here(config, json_out, tags)
    if verify:
        verdict = compare(source, rerun)
        write_json(json_out, data | {"replay_of": source.run_id, "verify": verdict.as_dict()})
        _print(verdict)
        if verdict.outcome == "different":
            raise typer.Exit(1)


def _print(verdict: Verdict) -> None:
    say(verdict.sentence())
    for fact in verdict.environment:
        if fact.differs:
            say(f"{fact.name:>18}  {fact.source} | {fact.rerun}")
    for package in verdict.packages:
        say(f"{package.field:>18}  {package.before or 'absent'} | {package.after or 'absent'}")
