"""A run's solution as a file for other programs: a grid, a mesh, a line, a plane, a list of points, a time series."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.arguments import RunArgument, chosen_run, readable
from core.cli.output import check_writable, ended_in_order, note, say, write_file
from core.errors import LabError

if TYPE_CHECKING:
    import numpy as np

    from core.problems import Problem
    from core.runs import RunFolder
    from core.solution.sampled import Sampled
    from core.solution.wanted import Wanted

ALWAYS = ("vti", "h5")
"""Formats that a grid is streamed into whatever its size."""
LARGE = 2**21
"""Points from which on it is streamed into the others, too, and not read again afterwards."""
OUTPUT = "FILE.{vtk,vtu,vti,vts,xdmf,h5,nc,npz,csv,stl,ply,pvd,zip}"


def export(
    run: RunArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar=OUTPUT)],
    resolution: Annotated[int | None, typer.Option(help="Points along each axis; cells along a made mesh.")] = None,
    view: Annotated[
        str | None, typer.Option(help="mesh, inside, grid; profile, physical time; above a wall also 'w, z'.")
    ] = None,
    moment: Annotated[float | None, typer.Option("--time", help="The nearest sampled one.")] = None,
    checkpoint: Annotated[str, typer.Option(help="last, best, or stage-1 and so on.")] = "last",
    stages: Annotated[int | None, typer.Option(help="Only the sum of the first so many stages.")] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Only what the last of these adds.")] = False,
    formula: Annotated[list[str] | None, typer.Option(help="A further value, as 'v_x - u_y'; repeatable.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Name of a value to keep; repeatable.")] = None,
    single: Annotated[bool, typer.Option("--float32", help="Values with seven digits in half of the room.")] = False,
    line: Annotated[str | None, typer.Option(metavar="A:B", help="Along a line, as '0,0:1,1'.")] = None,
    plane: Annotated[str | None, typer.Option(metavar="O:A:B", help="Over a plane: a corner, two beside it.")] = None,
    points: Annotated[Path | None, typer.Option(metavar="FILE", help="At the points of a .csv or .npy file.")] = None,
    count: Annotated[int, typer.Option(help="Points along a line, and along each side of a plane.")] = 200,
    delaunay: Annotated[bool, typer.Option("--delaunay", help="Cells between points that have none.")] = False,
    streamfunction: Annotated[bool, typer.Option("--streamfunction", help="Also that of a plane flow.")] = False,
    level: Annotated[float | None, typer.Option(help="Value of the isosurface in a .stl or .ply.")] = None,
) -> None:
    """Sample a run's solution and write it for ParaView and others; as .pvd or .zip a series over time."""
    from core.solution.wanted import Wanted

    check_writable(output)
    folder = chosen_run(run)
    texts = tuple(readable(text, "A formula") for text in formula or ())
    wanted = Wanted(readable(checkpoint, "The checkpoint"), stages, alone, texts, streamfunction)
    names = tuple(only or ())
    suffix = output.suffix.lower().removeprefix(".")
    chosen = [each for each in (line, plane, points) if each is not None]
    if len(chosen) > 1:
        raise LabError("A line, a plane and a list of points are three exports; name one of them.")
    with ended_in_order():
        if chosen:
            found = _at_points(folder, wanted, line, plane, points, count)
            _write(_only(found, names), output, single, delaunay)
            return
        _export_view(folder, output, suffix, resolution, view, moment, wanted, names, single, level)


def _export_view(
    folder: RunFolder, output: Path, suffix: str, resolution: int | None, view: str | None, moment: float | None,
    wanted: Wanted, names: tuple[str, ...], single: bool, level: float | None,
) -> None:  # fmt: skip
    from core.singularity.plane_blow_up import even
    from core.singularity.plane_export import blow_up_series
    from core.singularity.similarity import is_plane_profile
    from core.singularity.views import PHYSICAL_TIME, PROFILE, takes_wanted, usual_resolution, views
    from core.solution.grid import shown
    from core.solution.on_mesh import read_sampled
    from core.solution.sample import sampled_file
    from core.solution.scene import at_moment, moments
    from core.solution.series import SUFFIXES, write_series
    from core.solution.series import moments as moments_of_series
    from core.solution.streamed import ANY_AXES
    from core.solution.streamed_files import OPENED
    from core.solution.surface_files import SURFACES
    from core.solution.wanted import Wanted
    from core.tracking.store import run_config

    problem = run_config(folder).problem
    offered = views(problem)
    view = view or next(iter(offered))
    if view not in offered:
        raise LabError(f"{problem.title} has no view {readable(view, 'The view')!r}; it has {', '.join(offered)}.")
    if wanted != Wanted() and not takes_wanted(view, problem):
        raise LabError(f"The view {view} is made of the newest checkpoint as a whole; it has no stages and formulas.")
    further = {"wanted": wanted} if takes_wanted(view, problem) else {}
    resolution = resolution or usual_resolution(problem, view)
    along = len(shown(problem))
    on_grid = offered[view] is sampled_file and not wanted.streamfunction
    in_time = problem.time is not None and along > 2  # it has moments of its own
    if on_grid and in_time and suffix in SUFFIXES:
        _stream_series(folder, output, resolution, wanted, names, single)
        return
    large = suffix in ALWAYS or resolution**along > LARGE
    if on_grid and large and suffix in OPENED and (moment is None or in_time):
        if along > 3 and suffix not in ANY_AXES and moment is None:
            moment = math.inf  # the last one
        _stream(folder, output, resolution, wanted, names, single, moment)
        return
    path = offered[view](folder, resolution, None, **further)
    if suffix in SUFFIXES and is_plane_profile(problem) and view == PHYSICAL_TIME:
        write_file(output, blow_up_series(path, "vti"))
        return
    grid = _only(read_sampled(path), names)
    times = moments(grid)
    if suffix in SUFFIXES:
        if times is None:
            raise LabError(
                f"A .{suffix} holds a time series: a solution in time of two dimensions of space or more has one, and "
                f"a profile above a wall in --view '{PHYSICAL_TIME}'."
            )
        each, inner = moments_of_series(grid, single)
        write_series(each, output, inner)
        say(f"{output}: {grid.points} points, {len(each)} moments, {', '.join(grid.values)}")
        return
    whole = suffix in ("nc", "npz", "csv") and moment is None  # which hold any number of coordinates
    if times is not None and not whole and (moment is not None or len(grid.axes) > 3 or not hasattr(grid, "uniform")):
        grid = at_moment(grid, _nearest(times, moment))
    if suffix in SURFACES:
        _write_surface(grid, output, level)
        return
    if suffix == "vti" and is_plane_profile(problem) and view == PROFILE:
        grid = even(grid)
    _write(grid, output, single)


def _nearest(times: np.ndarray, moment: float | None) -> int:
    return len(times) - 1 if moment is None else int(abs(times - moment).argmin())


def _at_points(
    folder: RunFolder, wanted: Wanted, line: str | None, plane: str | None, points: Path | None, count: int
) -> Sampled:
    from core.solution import at_points
    from core.tracking.store import run_config

    problem = run_config(folder).problem
    shape: tuple[int, ...] = ()
    if line is not None:
        places = at_points.line(*_ends(line, 2, "A line", problem), count)
    elif plane is not None:
        places, shape = at_points.plane(*_ends(plane, 3, "A plane", problem), count), (count, count)
    else:
        places = at_points.read_points_file(points, problem)
    return at_points.SolutionPoints.read(at_points.points_file(folder, places, shape, wanted=wanted))


def _ends(text: str, wished: int, what: str, problem: Problem) -> list[tuple[float, ...]]:
    from core.solution.at_points import read_point

    parts = readable(text, what).split(":")
    if len(parts) != wished:
        raise LabError(f"{what} is {wished} points with a colon between them, not {len(parts)}.")
    return [read_point(part, problem) for part in parts]


def _stream(
    folder: RunFolder, output: Path, resolution: int, wanted: Wanted, names: tuple[str, ...], single: bool,
    moment: float | None,
) -> None:  # fmt: skip
    from core.solution.streamed import stream

    layout = stream(folder, output, resolution, wanted, names, single, _once_a_percent(), moment)
    say(f"{output}: {layout.points} points, {', '.join(layout.names)}")


def _stream_series(
    folder: RunFolder, output: Path, resolution: int, wanted: Wanted, names: tuple[str, ...], single: bool
) -> None:
    from core.solution.streamed import stream_series

    layout, count = stream_series(folder, output, resolution, wanted, names, single, _once_a_percent())
    say(f"{output}: {count} moments of {layout.points} points, {', '.join(layout.names)}")


def _once_a_percent() -> Callable[[str], None]:
    last = [""]

    def told(line: str) -> None:
        if line != last[0]:
            last[0] = line
            note(line)

    return told


def _only(sampled: Sampled, names: tuple[str, ...]) -> Sampled:
    from dataclasses import replace

    if not names:
        return sampled
    if missing := [name for name in names if name not in sampled.values]:
        raise LabError(f"There is no value {missing[0]!r:.60}; there are {', '.join(sampled.values)}.")
    return replace(sampled, values={name: sampled.values[name] for name in names})


def _write(sampled: Sampled, output: Path, single: bool, delaunay: bool = False) -> None:
    from core.solution.export import export, size_of

    size = size_of(sampled.points, len(sampled.values), output.suffix.removeprefix("."), single)
    if size > 1e8:
        note(f"{output.name} will take about {size / 1e9:.1f} GB")
    export(sampled, output, single, delaunay)
    say(f"{output}: {sampled.points} points, {', '.join(sampled.values)}")


def _write_surface(sampled: Sampled, output: Path, level: float | None) -> None:
    from core.solution.drawing import SceneRequest, value_range
    from core.solution.scene import has_inside, scene_of
    from core.solution.surface_files import write_surface

    name = next(iter(sampled.values))
    low, high = value_range(sampled.values[name], False)
    levels = ((low + high) / 2 if level is None else level,) if has_inside(sampled) else ()
    if levels and not low <= levels[0] <= high:
        raise LabError(f"{name} is nowhere {levels[0]:g}: it goes from {low:.6g} to {high:.6g}.")
    scene = scene_of(sampled, SceneRequest(name, isosurfaces=levels))
    write_surface(scene, output, sampled.about)
    said = f"{name} = {levels[0]:g}" if levels else f"height {name}"
    say(f"{output}: {scene.shown} triangles, {said}")
