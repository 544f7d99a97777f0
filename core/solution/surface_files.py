"""What a scene shows as a file of triangles: .stl for printers and CAD, .ply with the value at each corner."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np

from core.errors import LabError
from core.files import written_beside
from core.plain_text import printable
from core.solution.drawing import SceneRequest
from core.solution.export import sampled_grid
from core.solution.scene import Scene, at_moment, scene_of

SURFACES = {"stl": "triangles of what is drawn", "ply": "triangles of what is drawn, with values"}


def write_surface(scene: Scene, path: Path, about: dict[str, object]) -> None:
    """Write a scene's triangles in the coordinates of its axes. Raises LabError where there is none, or no room."""
    suffix = path.suffix.lower().removeprefix(".")
    if not scene.surfaces:
        raise LabError("Nothing is drawn, so there are no triangles to write.")
    vertices = np.concatenate([surface.vertices for surface in scene.surfaces]) * (1.0, 1.0, scene.stretch)
    vertices = vertices.astype("<f4")
    starts = np.cumsum([0, *(len(surface.vertices) for surface in scene.surfaces)])
    faces = np.concatenate([s.faces + start for s, start in zip(scene.surfaces, starts, strict=False)]).astype("<i4")
    intensity = np.concatenate([surface.intensity for surface in scene.surfaces])
    data = _stl(vertices, faces, about) if suffix == "stl" else _ply(vertices, faces, intensity, about)
    try:
        with written_beside(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from error


def surface_bytes(path: Path, request: SceneRequest, suffix: str) -> bytes:
    """The file's content of what a page shows of a sampled file, for `core.solution.children`. Raises LabError."""
    sampled = at_moment(sampled_grid(path), request.time_index)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / f"scene.{suffix}"
        write_surface(scene_of(sampled, request), made, sampled.about)
        return made.read_bytes()


def _stl(vertices: np.ndarray, faces: np.ndarray, about: dict[str, object]) -> bytes:
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    rows = np.zeros(len(faces), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    rows["normal"] = normals / np.where(length > 0, length, 1)
    rows["corners"] = corners
    title = f"run {about.get('run_id', '')} config {about.get('config_hash', '')}"  # "solid" would mean text
    return title.encode("ascii", "replace")[:80].ljust(80) + np.uint32(len(faces)).tobytes() + rows.tobytes()


def _ply(vertices: np.ndarray, faces: np.ndarray, intensity: np.ndarray, about: dict[str, object]) -> bytes:
    said = "".join(f"comment {printable(str(key))} {_ascii(value)}\n" for key, value in about.items())
    kind = "float" if intensity.dtype == np.float32 else "double"
    header = (
        f"ply\nformat binary_little_endian 1.0\n{said}element vertex {len(vertices)}\n"
        f"property float x\nproperty float y\nproperty float z\nproperty {kind} value\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    points = np.zeros(len(vertices), [("at", "<f4", 3), ("value", "<f4" if kind == "float" else "<f8")])
    points["at"], points["value"] = vertices, intensity
    cells = np.zeros(len(faces), [("count", "u1"), ("corners", "<i4", 3)])
    cells["count"], cells["corners"] = 3, faces
    return header.encode("ascii", "replace") + points.tobytes() + cells.tobytes()


def _ascii(value: object) -> str:
    return json.dumps(value)[:200]
