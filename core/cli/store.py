"""The store: moved to a database server, backed up, restored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.output import note, say


def migrate() -> None:
    """Move this home's SQLite store and its artifacts to LAB_DATABASE and its bucket, run by run; may be repeated."""
    from core.moving.migration import migrate as move

    report = move(note)
    for run_id, why in report.refused.items():
        note(f"{run_id}: {why}")
    for table, rows in report.left.items():
        note(f"{rows:,} rows of {table} are another program's, and stay where they are")
    if report.here:
        note(f"artifacts of {report.here:,} runs stay in folders of this machine: no other place is named for them")
    if report.without:
        note(f"{report.without:,} runs have no artifacts on this machine, and keep the address that any had")
    say(
        f"{report.moved:,} runs moved and {report.there:,} there already, {report.jobs:,} jobs and {report.events:,} "
        f"events moved, {report.files:,} artifacts sent, {len(report.refused):,} runs refused"
    )
    if report.refused:
        raise typer.Exit(1)
    say("Set LAB_DATABASE for every process of this lab from now on; the SQLite files and artifacts here were left.")


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write; .tar.gz compresses it.")],
    databases_only: Annotated[
        bool, typer.Option("--databases-only", help="No run folders, datasets, artifacts.")
    ] = False,
) -> None:
    """Write the whole lab into one file: databases of one moment, run folders, datasets, artifacts, settings."""
    from core.moving.backup import backup as save

    saved = save(file.absolute(), files=not databases_only)
    say(f"{saved.runs:,} runs and {saved.files:,} files, {saved.bytes / 1e6:,.1f} MB, in {file}")
    if saved.elsewhere:
        note(f"artifacts of {saved.elsewhere:,} runs are on a server or in a bucket, and are to be backed up there")


def restore(file: Annotated[Path, typer.Argument(help="An archive that `store backup` wrote.")]) -> None:
    """Make a lab of a backup, in an empty home (and an empty database where LAB_DATABASE names one)."""
    from core.moving.backup import restore as bring_back

    saved = bring_back(file.absolute())
    say(f"{saved.runs:,} runs and {saved.files:,} files restored from {file}")
    if saved.elsewhere:
        note(f"artifacts of {saved.elsewhere:,} runs were not in it, and are looked for on their server or in a bucket")
