"""A grid of 200³ points sampled and written, by the command: seconds, memory, and what other programs read in it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from benchmarks.browser import ROOT
from benchmarks.solution.trained import seconds_row, trained_run

BAR_S, MOST_GB, SIDE = 60.0, 2.0, 200
OTHERS = ("vts", "vtu", "h5", "npz", "nc", "csv")
"""Written too, at the side `OTHER_SIDE`, and read by programs that know nothing of this one."""
OTHER_SIDE = 129


def rows() -> Iterator[dict[str, object]]:
    """One row a file."""
    with trained_run() as (run_id, folder):
        yield _row(run_id, folder / "field.vti", SIDE, by_vtk=True)
        for suffix in OTHERS:
            yield _row(run_id, folder / f"other.{suffix}", OTHER_SIDE, by_vtk=False)
            (folder / f"other.{suffix}").unlink()


def _row(run_id: str, path: Path, side: int, by_vtk: bool) -> dict[str, object]:
    command = [sys.executable, "-m", "core", "export", run_id, "-o", str(path), "--resolution", str(side)]
    began = time.perf_counter()
    process = psutil.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most, spent = 0, 0.0
    while process.poll() is None:
        try:
            used = process.cpu_times()
            most, spent = max(most, process.memory_info().rss), used.user + used.system
        except psutil.Error:
            break
        time.sleep(0.1)
    process.wait()
    seconds = time.perf_counter() - began
    row = seconds_row(f"{side}³ as {path.suffix}", seconds, BAR_S, processor_s=round(spent, 1),
                      memory_gb=round(most / 1e9, 2), mb=round(path.stat().st_size / 1e6))  # fmt: skip
    found = _read(path)
    same = all(np.array_equal(each, found[0]) for each in found)
    grid = found[0].reshape((side,) * 3)
    walls = all(not grid.take(end, axis=axis).any() for axis in range(3) for end in (0, -1))
    holds = row["holds"] and most <= MOST_GB * 1e9 and same and walls and np.abs(grid).max() > 0.9
    return row | {"readers": len(found), "same_numbers": same, "zero_at_walls": walls, "holds": bool(holds)}


def _read(path: Path) -> list[np.ndarray]:
    """u, as every reader finds it that knows the format: VTK's own, as ParaView has them, and others."""
    import pyvista

    suffix = path.suffix
    if suffix in (".vti", ".vts", ".vtu"):
        found = [_by_vtk(path), np.asarray(pyvista.read(path).point_data["u"])]
        if suffix == ".vtu":  # the one of them that meshio knows
            import meshio

            found.append(meshio.read(path).point_data["u"])
        return found
    if suffix == ".h5":
        import h5py

        with h5py.File(path) as file:
            return [file["values/u"][()].ravel(), _by_vtk(path.with_suffix(".xdmf"))]
    if suffix == ".npz":
        with np.load(path) as data:
            return [data["value_u"].ravel()]
    if suffix == ".nc":
        from scipy.io import netcdf_file
        from vtkmodules.vtkIONetCDF import vtkNetCDFCFReader

        with netcdf_file(path, mmap=False) as file:
            return [file.variables["u"].data.ravel(), _output(vtkNetCDFCFReader(), path)]
    import pandas

    return [pandas.read_csv(path, comment="#")["u"].to_numpy()]


def _by_vtk(path: Path) -> np.ndarray:
    from vtkmodules.vtkIOXdmf2 import vtkXdmfReader
    from vtkmodules.vtkIOXML import vtkXMLImageDataReader, vtkXMLStructuredGridReader, vtkXMLUnstructuredGridReader

    readers = {".vti": vtkXMLImageDataReader, ".vts": vtkXMLStructuredGridReader,
               ".vtu": vtkXMLUnstructuredGridReader, ".xdmf": vtkXdmfReader}  # fmt: skip
    return _output(readers[path.suffix](), path)


def _output(reader, path: Path) -> np.ndarray:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    reader.SetFileName(str(path))
    reader.Update()
    return vtk_to_numpy(reader.GetOutputDataObject(0).GetPointData().GetArray("u"))
