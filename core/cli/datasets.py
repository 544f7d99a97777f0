"""Files that runs learn from."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.output import note, say
from core.errors import LabError

if TYPE_CHECKING:
    from core.datasets import Added, Column, Preview


def list_datasets() -> None:
    """Datasets, their versions, and how many runs used each."""
    from core.datasets import datasets, since
    from core.tracking.dataset_inputs import uses

    listed = datasets()
    if not listed:
        say("No datasets yet. Make the sample: python -m core dataset sample")
    counts = Counter((use.path, use.git_blob) for use in uses())
    for item in listed:
        size = f"{item.now.size} bytes, {item.now.git_blob}" if item.now else item.trouble
        say(f"{item.path:<24} {size}")
        for version in item.versions:
            blob = version.digests.git_blob
            say(f"    {blob}  used by {counts[item.path, blob]} runs, {since(blob, item)}")
            if version.columns:
                say(f"        columns: {version.columns}")


def add_dataset(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="csv, tsv, txt, dat, npy, npz, mat, parquet; or a mesh: msh, vtu, stl …"),
    ],
    replace: Annotated[bool, typer.Option("--replace", help="As the new version; the old one is kept.")] = False,
    name: Annotated[str | None, typer.Option(help="Of the dataset, where it is not to be the file's.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=ROLE[*FACTOR]",
            help="What a column is, where the guess is wrong: 'x (mm)=x*0.001', 'sensor=nothing'. May be repeated.",
        ),
    ] = None,
) -> None:
    """Read a file, say what its columns are taken for, or what the mesh is, and put it into the data folder."""
    from core.datasets import LARGEST, add, check_size, checked_name, described, is_mesh, mesh_of_bytes
    from core.datasets.mapping import parse_column

    name = checked_name(_with_ending(name or file.name, file))
    asked = [parse_column(text) for text in columns or ()]
    try:
        check_size(str(file), file.stat().st_size)
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)  # a device or a pipe has no size, and may have no end
        check_size(str(file), len(data))
    except OSError as error:
        raise LabError(f"{file} can't be read: {error.strerror}.") from None
    if is_mesh(name):
        if asked:
            raise LabError(f"{name} is a mesh and has no columns: leave out --map.")
        for sentence in described(mesh_of_bytes(name, data)):
            say(f"    {sentence}")
        _print(add(name, data, replace=replace))
    else:
        _print(add(name, data, replace=replace, columns=_columns(name, data, asked)))


def _columns(name: str, data: bytes, asked: list[Column]) -> list[Column]:
    """What the columns of a table stand for, which is said."""
    from core.datasets import preview
    from core.problems.base import digits

    found = preview(name, data, _progress if sys.stderr.isatty() else lambda part: None)
    chosen = found.guess.changed(asked)
    _print_preview(found)
    values, left_out = found.result(chosen)
    for column in chosen:
        of = values.get(column.role)
        say(f"    {column}" + ("" if of is None else f"   from {digits(of.min())} to {digits(of.max())}"))
    say(f"    {len(next(iter(values.values()))):,} rows. {left_out}".rstrip())
    if caution := found.caution(values):
        note(f"    No run can learn from it as it is: {caution}")
    return chosen


def sample_dataset() -> None:
    """Make the sample datasets, which presets such as burgers-inverse learn from."""
    from core.datasets import add
    from core.presets.samples import SAMPLES

    for name, make in SAMPLES.items():
        _print(add(name, make()))


def exact_dataset(
    config: Annotated[str, typer.Argument(metavar="CONFIG|PRESET", help="Whose exact solution the values are of.")],
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows.")] = 1000,
    noise: Annotated[
        float, typer.Option(min=0.0, max=10.0, help="Standard deviation, as a part of a field's largest value.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1)] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="As the new version; the old one is kept.")] = False,
) -> None:
    """Make the dataset that a config names from its exact solution: data whose truth is known."""
    from core.datasets import add, checked_name
    from core.presets import resolve
    from core.problems.exact_samples import exact_samples

    problem = resolve(config).problem
    if not problem.uses_data:
        raise LabError(f"{config} names no dataset: give its problem a `dataset`, the name that the file is to have.")
    _print(add(checked_name(problem.dataset), exact_samples(problem, count, noise, seed), replace=replace))


def _with_ending(name: str, file: Path) -> str:
    from core.datasets import TAKEN

    known = Path(name).suffix.lower() in TAKEN or file.suffix.lower() not in TAKEN
    return name if known else name + file.suffix


def _progress(part: float) -> None:
    sys.stderr.write(f"\rreading {part:.0%} " + ("\n" if part >= 1 else ""))  # one line, written over
    sys.stderr.flush()


def _print_preview(found: Preview) -> None:
    for said in (*found.table.notes, *found.guess.notes, *found.table.refused.values()):
        say(f"    {said}")
    title = found.guess.title
    say(f"    Columns, as a guess{f' for {title}' if title else ''} (--map COLUMN=ROLE*FACTOR to differ):")


def _print(added: Added) -> None:
    say(f"{added.version.path}  {added.version.digests.git_blob}  {added.outcome}")
