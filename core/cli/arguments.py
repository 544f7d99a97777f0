"""The arguments and options that several commands share, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.output import note
from core.errors import LabError
from core.plain_text import has_control

if TYPE_CHECKING:
    from core.config import RunConfig
    from core.runs import RunFolder

ConfigArgument = Annotated[str, typer.Argument(metavar="CONFIG|PRESET", help="A preset, or a YAML or JSON file.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the config.")
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Run id; its first characters are enough.")]
JsonOption = Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Write the result as JSON.")]
ParentOption = Annotated[str | None, typer.Option(metavar="RUN", help="Run whose solution is the frozen start.")]


def chosen_config(name: str, settings: list[str] | None, parent: str | None) -> RunConfig:
    """The config of a preset or file, with fields changed by `--set` and a parent. Raises LabError."""
    from core.config import override
    from core.presets import resolve

    settings = settings or []
    if parent:
        settings = [*settings, f"parent={chosen_run(parent).run_id}"]
    chosen = override(resolve(name), settings)
    if chosen.watch:
        _note_unknown_channels(chosen)
    return chosen


def _note_unknown_channels(config: RunConfig) -> None:
    """Say which channels the run's rules name that this lab does not have: they may be set up until they are needed."""
    from core.settings import settings

    there = [channel.name for channel in settings().channels]
    for k, rule in enumerate(config.watch or ()):
        for name in rule.tell:
            if name not in there:
                known = f"there are: {', '.join(there)}" if there else "it has none"
                note(f"watch.{k}.tell: this lab has no channel {name!r} yet ({known}); the page Settings sets one up.")


def readable(text: str, what: str) -> str:
    """A text of the command line that is looked for in the store. Raises LabError for bytes that are no text."""
    if has_control(text):
        raise LabError(f"{what} {text!r} holds characters that are none to read.")
    return text


def chosen_run(text: str) -> RunFolder:
    """The folder of a run, from the id's first characters. Raises LabError when none or several fit."""
    from core.home import RUN_ID
    from core.runs import run_folder

    return run_folder(text if RUN_ID.fullmatch(text) else _whole_id(readable(text, "The run id")))


def _whole_id(beginning: str) -> str:
    from core.jobs import table

    found = table.ids_beginning(beginning)
    if len(found) == 1:
        return found[0]
    if not found:
        from core.tracking.search import find_id

        return find_id(beginning)
    raise LabError(f"{beginning!r} fits {len(found)} runs; write more of the id.")
