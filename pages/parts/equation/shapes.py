"""A domain on the Equation page: its kind, the texts of its fields, and the one text that they stand for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from core.domains import AnyDomain, MeshFile, region
from core.equations.domain_text import checked_domain, domain_text, read_domain
from core.equations.faults import EquationError, Fault
from core.equations.places import shortest
from core.errors import LabError

BOX, JOINED, MESH, POLYGON = "box", "joined", "mesh", "polygon"
KINDS = {
    BOX: "box: the limits below",
    "disk": "disk",
    "annulus": "annulus",
    "ellipse": "ellipse",
    POLYGON: "polygon",
    "ball": "ball",
    JOINED: "shapes joined by + − &",
    MESH: "mesh file",
}
"""What can be chosen, and what it is called."""
FIELDS = {
    "disk": (("centre", "Centre", "0, 0"), ("radius", "Radius", "1")),
    "ball": (("centre", "Centre", "0, 0, 0"), ("radius", "Radius", "1")),
    "annulus": (("centre", "Centre", "0, 0"), ("inner", "Inner radius", "0.5"), ("outer", "Outer radius", "1")),
    "ellipse": (("centre", "Centre", "0, 0"), ("semi_axes", "Semi-axes", "2, 1"), ("angle", "Angle in degrees", "0")),
}
"""Kinds with one line of fields: name, label, and what stands there at first."""
FIRST_VERTICES = "0, 0\n2, 0\n2, 1\n1, 1\n1, 2\n0, 2"
FIRST_JOINED = 'box((0, 0), (2, 1)) - disk((0.5, 0.5), 0.2, name="pipe")'
DIMENSIONS = {"disk": 2, "annulus": 2, "ellipse": 2, POLYGON: 2, JOINED: 2, "ball": 3}
"""Of what stands in the fields of a kind at first."""
_CHECK = TypeAdapter(AnyDomain).validate_python


@lru_cache(maxsize=64)
def understood(text: str) -> tuple[Any, tuple[Fault, ...]]:
    """A typed domain, and what is wrong with it; None while anything is."""
    try:
        return checked_domain(text, _CHECK)[1], ()
    except EquationError as error:
        return None, error.faults


def boundaries_of(text: str) -> tuple[str, ...]:
    """Names of a typed domain's boundaries, all of them beside each other; none while it can't be read."""
    domain, _ = understood(text)
    try:
        return () if domain is None else tuple(region(domain).names)
    except LabError:
        return ()


def data_of(text: str) -> dict[str, Any] | None:
    """The plain data of a typed domain; None where it means none."""
    domain, _ = understood(text)
    return None if domain is None else read_domain(text)


def typed(data: Mapping[str, Any] | None) -> str:
    """The text of a config's domain; empty for the box of its limits."""
    return "" if data is None else domain_text(_CHECK(data))


def kind_of(text: str) -> str:
    """Which of KINDS shows a typed domain whole."""
    if not text.strip():
        return BOX
    domain, _ = understood(text)
    if isinstance(domain, MeshFile):
        return MESH
    kind = getattr(domain, "kind", JOINED)
    if kind != POLYGON and kind not in FIELDS:
        return JOINED
    return kind if understood(text_of(kind, fields_of(kind, text)))[0] == domain else JOINED


def fields_of(kind: str, text: str) -> dict[str, str]:
    """The texts of a kind's fields for a typed domain, those that stand there at first where it is of another kind."""
    domain, _ = understood(text) if text.strip() else (None, ())
    same = getattr(domain, "kind", None) == kind
    if kind == POLYGON:
        return {"vertices": lines_of(domain.vertices, domain.sides) if same else FIRST_VERTICES}
    if kind == JOINED:
        return {"text": text if text.strip() else FIRST_JOINED}
    if kind == MESH:
        return {"file": domain.file if same else "", "version": (domain.version or "") if same else ""}
    return {
        name: ", ".join(shortest(each) for each in _listed(getattr(domain, name))) if same else first
        for name, _, first in FIELDS.get(kind, ())
    }


def _listed(value: Any) -> tuple[float, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,)


def lines_of(vertices: Any, names: Any = ()) -> str:
    """Vertices as one types them, one a line, each with the name of the side that begins there."""
    lines = [", ".join(shortest(each) for each in vertex) for vertex in vertices]
    return "\n".join(f"{line}, {name}" if name and name != "outer" else line
                     for line, name in zip(lines, [*names, *[""] * len(lines)], strict=False))  # fmt: skip


def vertices_in(text: str) -> list[tuple[str, str, str]]:
    """Typed vertices: x, y, and the name of the side that begins there or empty."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = [
            part.strip() for part in re.split(r"[,;\t]" if re.search(r"[,;\t]", line) else r"\s+", line, maxsplit=2)
        ]
        found.append((parts[0], *(parts[1:] or [""]), "")[:3])
    return found


def text_of(kind: str, fields: Mapping[str, str]) -> str:
    """The domain's text from the texts of a kind's fields."""
    if kind == BOX:
        return ""
    if kind == JOINED:
        return fields["text"]
    if kind == MESH:
        given = [fields["file"], *([fields["version"]] if fields.get("version") else [])]
        return f"mesh({', '.join(json.dumps(each, ensure_ascii=False) for each in given)})" if fields["file"] else ""
    if kind == POLYGON:
        vertices = vertices_in(fields["vertices"])
        sides = [json.dumps(name or "outer", ensure_ascii=False) for *_, name in vertices]
        named = f", sides=({', '.join(sides)},)" if any(name for *_, name in vertices) else ""
        return f"polygon({', '.join(f'({x}, {y})' for x, y, _ in vertices)}{named})"
    parts = []
    for name, _, _ in FIELDS[kind]:
        text = fields[name].strip()
        if name in ("centre", "semi_axes"):
            text = f"({text.strip('()[]')})"
        parts.append(text)
    return f"{kind}({', '.join(parts)})"
