"""Levels of isosurfaces as a visitor types them."""

from __future__ import annotations

import math

from core.errors import LabError

MOST = 12


def read_levels(text: str, limits: tuple[float, float]) -> tuple[tuple[float, ...], str]:
    """Numbers between blanks, commas or semicolons: those within the range of values, and a sentence about the others.

    Raises LabError for what is no number, for none, and for more than `MOST`.
    """
    parts = text.replace(",", " ").replace(";", " ").split()
    found = []
    for part in parts:
        try:
            number = float(part)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise LabError(f"{part!r:.40} is no level; levels are numbers, as in 0.2, 0.5.")
        found.append(number)
    if not 1 <= len(found) <= MOST:
        raise LabError(f"There are {len(found)} levels; 1 to {MOST} can be drawn.")
    low, high = limits
    beyond = [level for level in found if not low <= level <= high]
    told = ""
    if beyond:
        named = ", ".join(f"{level:g}" for level in beyond[:4])
        are = "is" if len(beyond) == 1 else "are"
        told = f"{named} {are} outside of the values, which go from {low:.4g} to {high:.4g}: nothing has that value."
    return tuple(level for level in dict.fromkeys(found) if low <= level <= high), told
