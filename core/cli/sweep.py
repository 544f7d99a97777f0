"""Sweeps: many runs of one config whose fields a sampler varies; start, look, stop, resume."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from core.cli.arguments import JsonOption, SetOption, chosen_config, chosen_run
from core.cli.output import check_writable, note, say, write_json
from core.cli.queue import EngineOption
from core.errors import LabError
from core.plain_text import shortened

if TYPE_CHECKING:
    from core.config import RunConfig
    from core.sweeps import Seen

SweepArgument = Annotated[str, typer.Argument(metavar="SWEEP", help="Its id; the first characters are enough.")]
EVERY_S = 1.0
"""Between two looks at a sweep that is waited for."""


class StartsWithAConfig(TyperGroup):
    """A group in which what is none of its commands is a config to start with: `sweep poisson2d-quick …`."""

    def resolve_command(self, ctx, args):
        """Put `start` before what is no command."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["start", *args]
        return super().resolve_command(ctx, args)


def start(
    config: Annotated[str, typer.Argument(metavar="CONFIG|PRESET|RUN", help="What all trials have in common.")],
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            "-f",
            metavar="FIELD=WHAT",
            help="A varied field: 16,32,64, or 1..20, or '1e-6..1e-2 log', for a grid '1e-6..1e-2 log 5'.",
        ),
    ] = None,
    sampler: Annotated[str, typer.Option(metavar="NAME", help="grid, random, tpe or cmaes.")] = "tpe",
    trials: Annotated[int | None, typer.Option(metavar="N", help="24; a grid has its own number.")] = None,
    parallel: Annotated[int | None, typer.Option(metavar="N", help="Trials at a time; as many as slots.")] = None,
    metric: Annotated[str, typer.Option(metavar="NAME", help="The least is best.")] = "dense_max_residual",
    prune: Annotated[bool, typer.Option("--prune", help="Stop trials whose residual is above the median.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the sampler.")] = 0,
    priority: Annotated[int, typer.Option(metavar="N", help="Of its runs in the queue.")] = 0,
    engine: EngineOption = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="Of the sweep.")] = "",
    settings: SetOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is over, and show its trials.")] = False,
    json: JsonOption = None,
) -> None:
    """Start a sweep; it goes on when this terminal closes."""
    from core import sweeps

    check_writable(json)
    sweep_id = sweeps.start(
        _common(config, settings),
        _varied(field or []),
        name=name,
        sampler=sampler,
        trials=trials,
        parallel=parallel,
        metric=metric,
        prune=prune,
        seed=seed,
        priority=priority,
        engine=engine,
    )
    say(sweep_id)
    if wait or json:
        _until_over(sweep_id)
        _show(sweeps.read(sweep_id))
        write_json(json, as_data(sweeps.read(sweep_id)))


def _common(name: str, settings: list[str] | None) -> RunConfig:
    """The config of a preset, a file or a run, with fields changed by `--set`."""
    from core.config import override
    from core.presets import presets

    if name in presets() or Path(name).exists() or not re.fullmatch(r"[0-9a-f]{4,32}", name):
        return chosen_config(name, settings, None)
    from core.tracking.store import run_config

    return override(run_config(chosen_run(name)), settings or [])


def _varied(texts: list[str]) -> dict[str, str]:
    """Field → what is tried of it. Raises LabError."""
    varied: dict[str, str] = {}
    for text in texts:
        field, equals, what = text.partition("=")
        if not equals or not field.strip():
            raise LabError(f"--field {shortened(text)}: write it as field=what, for example seed=0..9.")
        if field.strip() in varied:
            raise LabError(f"--field names {shortened(field.strip())} twice.")
        varied[field.strip()] = what
    return varied


def _until_over(sweep_id: str) -> None:
    from core import sweeps

    said = ""
    while not (seen := sweeps.read(sweep_id)).known.over:
        if (line := " ".join(filter(None, [seen.sentence, seen.known.reason]))) != said:
            note(line)
            said = line
        time.sleep(EVERY_S)


def list_sweeps() -> None:
    """All sweeps, the newest first."""
    from core import sweeps

    found = sweeps.sweeps()
    for seen in found:
        line = f"{seen.sweep_id}  {seen.known.state:<9} {seen.sweep.name:<24} {seen.sweep.sampler:<6} {seen.sentence}"
        say(f"{line}  {seen.known.reason}".rstrip())
    if not found:
        say("No sweeps yet. Start one: python -m core sweep poisson2d-quick --field network.hidden.0=8..64")


def show(sweep: SweepArgument, json: JsonOption = None) -> None:
    """A sweep's trials, the best first, and which fields mattered."""
    from core import sweeps
    from core.sweeps.folder import whole_id

    check_writable(json)
    seen = sweeps.read(whole_id(sweep))
    _show(seen)
    write_json(json, as_data(seen))


def _show(seen: Seen) -> None:
    from core.sweeps.axis import titles

    say(f"{seen.sweep.name}: {seen.known.state}, {seen.sentence}")
    if seen.known.reason:
        say(seen.known.reason)
    called = titles([axis.path for axis in seen.sweep.axes])
    order = sorted(seen.known.trials, key=lambda t: (t.value is None, t.value or 0.0, t.number))
    for trial in order:
        value = "–" if trial.value is None else f"{trial.value:.3e}"
        values = " ".join(f"{called.get(path, path)}={text}" for path, text in trial.values.items())
        run = (trial.run_id or "")[:8]
        say(f"{trial.number + 1:>4}  {trial.state:<8} {value:>10}  {run:<8}  {values}  {trial.reason}".rstrip())
    if seen.known.importance:
        shares = sorted(seen.known.importance.items(), key=lambda item: -item[1])
        say("importance: " + ", ".join(f"{path} {share:.0%}" for path, share in shares))
    if (best := seen.known.best) is not None:
        say(f"best: trial {best.number + 1}, run {best.run_id}")


def as_data(seen: Seen) -> dict:
    """A sweep as plain data."""
    from dataclasses import asdict

    return {"id": seen.sweep_id, "asked": seen.sweep.model_dump(mode="json"), **asdict(seen.known)}


def stop(sweep: SweepArgument) -> None:
    """Stop a sweep; its trials at work leave checkpoints."""
    from core import sweeps
    from core.sweeps.folder import whole_id

    sweeps.stop(whole_id(sweep))


def resume(sweep: SweepArgument) -> None:
    """Have a stopped or failed sweep go on."""
    from core import sweeps
    from core.sweeps.folder import whole_id

    sweeps.resume(whole_id(sweep))


def delete(
    sweep: SweepArgument,
    trials: Annotated[bool, typer.Option("--trials", help="The runs of its trials, too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, what would go is said alone.")] = False,
) -> None:
    """Put a sweep into the bin, with its trials' runs or without; `sweep restore` brings it back."""
    from core import sweeps
    from core.sweeps.folder import whole_id

    going = sweeps.going_with(whole_id(sweep))
    if yes:
        say(sweeps.delete(going.sweep_id, trials=trials))
        return
    say(going.sentence(trials=trials))
    with_them = " --trials" if trials else ""
    say(f"Nothing was deleted. `python -m core sweep delete {going.sweep_id[:8]}{with_them} --yes` does it.")


def restore(sweep: SweepArgument) -> None:
    """Bring a sweep back from the bin, with the runs that went with it."""
    from core import sweeps
    from core.sweeps.folder import whole_id

    say(sweeps.restore(whole_id(sweep, binned=True)))
