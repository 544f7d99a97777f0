"""What runs have found: the best of them, and of one its solution for ParaView, its summary, its certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.arguments import JsonOption, RunArgument, chosen_run, readable
from core.cli.output import check_writable, note, say, write_file, write_json
from core.errors import LabError


def best(
    metric: Annotated[str, typer.Option(help="MLflow metric, for example dense_max_residual.")] = "dense_max_residual",
    direction: Annotated[str, typer.Option(help="min or max.")] = "min",
    how: Annotated[str, typer.Option(help="Which value counts: last, min, max or at-checkpoint.")] = "last",
    state: Annotated[list[str] | None, typer.Option(help="Eligible state, finished by default; repeatable.")] = None,
    problem: Annotated[str, typer.Option(help="Only runs of this problem.")] = "",
    tie: Annotated[str, typer.Option(help="Who wins a tie: earlier, later or faster.")] = "earlier",
    link: Annotated[bool, typer.Option("--link", help="Mark it as the parent of the next stage.")] = False,
) -> None:
    """The best run by a rule, which is printed beside it."""
    from core.singularity.found import LAMBDA, lambda_of
    from core.tracking.best import Rule, ranking, winner

    for text in (metric, problem, *(state or [])):
        readable(text, "The rule's")
    rule = Rule(metric, direction, tuple(state or ["finished"]), problem, how, tie)
    record = winner(rule, link)
    value = ranking(rule)[0].value
    shown = lambda_of(record, value) if metric == LAMBDA else f"{value:.6g}"
    say(f"{record.run_id}  {record.name}  {metric} {shown}{'  linked' if link else ''}")
    note(rule.sentence())


def export(
    run: RunArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.{vtk,vtu,vti,vts,xdmf,zip}")],
    resolution: Annotated[int | None, typer.Option(help="Points along each axis; cells along a made mesh.")] = None,
    view: Annotated[
        str | None, typer.Option(help="mesh, inside, grid; profile, physical time; above a wall also 'w, z'.")
    ] = None,
    moment: Annotated[float | None, typer.Option("--time", help="Of a mesh, the nearest sampled one.")] = None,
) -> None:
    """Sample a run's solution on a grid or its mesh and write it for ParaView; as .zip a series over time."""
    from core.singularity.plane_blow_up import even
    from core.singularity.plane_export import blow_up_series
    from core.singularity.similarity import is_plane_profile
    from core.singularity.views import PHYSICAL_TIME, PROFILE, usual_resolution, views
    from core.solution.export import export as write
    from core.solution.on_mesh import SolutionMesh, read_sampled
    from core.solution.series import mesh_series_bytes
    from core.tracking.store import run_config

    check_writable(output)
    folder = chosen_run(run)
    problem = run_config(folder).problem
    offered, series = views(problem), output.suffix == ".zip"
    view = view or next(iter(offered))
    if view not in offered:
        raise LabError(f"{problem.title} has no view {readable(view, 'The view')!r}; it has {', '.join(offered)}.")
    of_blow_up = is_plane_profile(problem) and view == PHYSICAL_TIME
    if series and not of_blow_up and not (problem.time and offered[view].__module__ == SolutionMesh.__module__):
        raise LabError(
            "A .zip holds a time series: a solution in time on a mesh has one, and a profile above a wall in "
            f"--view '{PHYSICAL_TIME}'."
        )
    path = offered[view](folder, resolution or usual_resolution(problem, view), None)
    grid = read_sampled(path)
    if series:
        write_file(output, blow_up_series(path, "vti") if of_blow_up else mesh_series_bytes(path))
    elif isinstance(grid, SolutionMesh):
        grid = grid.nearest(moment)
        write(grid, output)
    else:
        write(even(grid) if output.suffix == ".vti" and is_plane_profile(problem) and view == PROFILE else grid, output)
    say(f"{output}: {grid.points} points, {', '.join(grid.values)}")


def certificate(
    run: RunArgument,
    json_out: JsonOption = None,
    tolerance: Annotated[float | None, typer.Option(help="Judge the same residuals by another tolerance.")] = None,
) -> None:
    """A run's residual certificate. Exit code 1 when it does not hold, or the dense grid contradicts it."""
    from core.singularity import certificate as certificates

    check_writable(json_out)
    folder = chosen_run(run)
    found = certificates.read(folder)
    if found is None:
        raise LabError(f"Run {folder} has no certificate: runs get one at their end, if their problem has a λ.")
    if tolerance is not None:
        found = found.at(tolerance)
    if not certificates.is_current(found):
        note("note: the run went on since; its end makes a new certificate")
    write_json(json_out, found.as_dict())
    say(found.sentence())
    if not found.holds or found.contradiction:
        raise typer.Exit(1)
