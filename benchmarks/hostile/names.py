"""Names in files for other programs: any name, each format, and what an independent reader makes of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.hostile.material import TEXTS
from benchmarks.hostile.tried import Fault, Input
from core.solution.export import FORMATS, export
from core.solution.grid import SolutionGrid

SUITE = "names"


def inputs() -> Iterator[Input]:
    """All inputs of this suite."""
    for suffix in FORMATS:
        for text in TEXTS:
            yield Input(SUITE, f".{suffix}: a value {text[:40]!r}", _value(suffix, text))
            yield Input(SUITE, f".{suffix}: the origin {text[:40]!r}", _about(suffix, text))
        for pair in zip(TEXTS[:-1:4], TEXTS[1::4], strict=False):
            yield Input(SUITE, f".{suffix}: {pair[0][:20]!r} beside {pair[1][:20]!r}", _value(suffix, *pair))
    for text in TEXTS:
        yield Input(SUITE, f"metric {text[:40]!r}", _metric(text), seconds=30)
        yield Input(SUITE, f"picture {text[:40]!r}", _picture(text), seconds=30)


def _grid(names: tuple[str, ...], about: dict[str, object]) -> SolutionGrid:
    axes = (np.linspace(0, 1, 3), np.linspace(0, 2, 4))
    values = {name: np.arange(12.0).reshape(3, 4) + 100 * k for k, name in enumerate(dict.fromkeys(names))}
    return SolutionGrid(("x", "y"), axes, values, about=about)


def _read(path: Path) -> list[np.ndarray]:
    """Point data by VTK's own readers, by meshio for XDMF and as a second opinion: the arrays of numbers."""
    if path.suffix == ".xdmf":
        import meshio

        return [np.asarray(value) for value in meshio.read(path).point_data.values()]
    import pyvista

    mesh = pyvista.read(path)
    return [np.asarray(mesh.point_data[key]) for key in mesh.point_data.keys()]  # noqa: SIM118


def _numbers_are_there(grid: SolutionGrid, suffix: str) -> Fault:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"out.{suffix}"
        export(grid, path)
        found = [np.sort(array.ravel()) for array in _read(path)]
    for name, value in grid.values.items():
        wanted = np.sort(value.ravel())
        if not any(array.shape == wanted.shape and np.array_equal(array, wanted) for array in found):
            return f"wrong value: the numbers of {name!r} are not in the file"
    return None


def _value(suffix: str, *names: str) -> Callable[[], Fault]:
    return lambda: _numbers_are_there(_grid(names, {"run": "a"}), suffix)


def _about(suffix: str, text: str) -> Callable[[], Fault]:
    return lambda: _numbers_are_there(_grid(("u",), {"problem": text, text or "x": text}), suffix)


def _metric(text: str) -> Callable[[], Fault]:
    """A metric and a param of this name in a store, as what Compare reads has them."""

    def try_it() -> Fault:
        import mlflow.entities as entities

        from core.names import mlflow_keys, mlflow_tags
        from core.presets import resolve
        from core.tracking import store

        names = (text, "plain", text.upper())
        keys = mlflow_keys(dict.fromkeys(names))
        run_id = store.create_run(resolve("poisson2d-quick"))
        metrics = [entities.Metric(key, float(k), 0, 0) for k, key in enumerate(keys.values())]
        tags = [entities.RunTag(key, value) for key, value in mlflow_tags(keys).items()]
        store.client().log_batch(run_id, metrics, [], tags)
        found = store.get_run(run_id).metrics
        lost = [name for k, name in enumerate(keys) if found.get(name) != float(k)]
        return f"wrong value: {lost} are not among {sorted(found)}" if lost else None

    return try_it


def _picture(text: str) -> Callable[[], Fault]:
    """A picture's title."""

    def try_it() -> Fault:
        from core.reports.residual_tracker import draw_residuals

        steps = np.arange(5.0)
        columns = {"iteration": steps, "stage": 0 * steps, "max_residual": 10**-steps, "rms_residual": 10**-steps}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "residuals.png"
            draw_residuals(columns, text, path)
            return None if path.stat().st_size > 1000 else "wrong value: no picture"

    return try_it
