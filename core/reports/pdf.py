"""A report as a PDF, set by Typst: one wheel, no service, nothing fetched.

The template is fixed, and all content is handed to it as data, so no text of a run can be read as Typst.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.reports.blocks import Block, Code, Folded, Formula, Report, Table, Words
from core.reports.formulas import formula_svg
from core.reports.pictures import picture
from core.reports.pieces import LATE

TEMPLATE = Path(__file__).parent / "assets" / "report.typ"
WIDEST_PT = 480.0
"""Of a formula: the width of the text."""
LONG_WORD = re.compile(r"\S{41,}")


def pdf_bytes(
    report: Report, seen: Callable[[float], None] = lambda share: None, pictures_until: float = math.inf
) -> bytes:
    """The whole file. Raises OSError where the disk has no room for its pictures, LabError where Typst refuses it.

    Args:
        report: what to set.
        seen: hears how much is done, from 0 to 1; pictures take most of the time.
        pictures_until: as `time.monotonic` counts; figures are not drawn from then on.
    """
    import matplotlib
    import typst

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = _Page(folder, len(report.figures()), seen, pictures_until)
        logo = None
        if report.logo:
            logo = f"logo.{report.logo.kind}"
            (folder / logo).write_bytes(report.logo.data)
        data = {
            "title": report.title,
            "short": report.title if len(report.title) <= 80 else f"{report.title[:79]}…",
            "subtitle": report.subtitle,
            "made": report.made,
            "lab": report.lab,
            "logo": logo,
            "sections": [
                {"title": section.title, "depth": section.depth, "blocks": list(map(page.block, section.blocks))}
                for section in report.sections
            ],
        }
        data["appendix"] = page.appendix
        plain = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")  # half a surrogate pair is no character
        (folder / "report.json").write_bytes(plain)
        main = folder / "report.typ"
        main.write_bytes(TEMPLATE.read_bytes())
        fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # DejaVu, for signs that the text's font lacks
        try:
            return typst.compile(main, root=folder, font_paths=[fonts], format="pdf")
        except typst.TypstError as error:
            raise LabError(
                f"The PDF can't be set ({str(error).partition(chr(10))[0]}). Another format shows the same report."
            ) from None


class _Page:
    """Turns blocks into what the template reads, and writes the pictures beside it."""

    def __init__(self, folder: Path, figures: int, seen: Callable[[float], None], until: float):
        self._folder, self._figures, self._seen, self._until = folder, figures, seen, until
        self._files = self._drawn = 0
        self.appendix: list[dict[str, Any]] = []
        """Texts for the end."""

    def block(self, block: Block) -> dict[str, Any]:
        """One block as plain data."""
        if isinstance(block, Words):
            return {"kind": "words", "look": block.kind, "text": _breakable(block.text)}
        if isinstance(block, Formula):
            return self._formula(block)
        if isinstance(block, Code):
            return {"kind": "code", "text": block.text}
        if isinstance(block, Table):
            return {
                "kind": "table",
                "columns": len(block.head),
                "head": list(block.head) if any(block.head) else None,
                "rows": [[_breakable(cell) for cell in row] for row in block.rows],
                "numbers": sorted(block.numbers),
            }
        if isinstance(block, Folded):
            return self._folded(block)
        if time.monotonic() >= self._until:
            return {"kind": "words", "look": "note", "text": _breakable(f"{block.title}: not drawn, {LATE}.")}
        made = self._file(picture(block, "svg"), "svg")
        self._drawn += 1
        self._seen(0.9 * self._drawn / self._figures)
        return {"kind": "figure", "title": block.title, "file": made, "note": block.note}

    def _folded(self, block: Folded) -> dict[str, Any]:
        """Figures stand in two columns, small; long texts stand at the end."""
        if all(isinstance(inner, Code) for inner in block.blocks):
            longest = max((len(line) for inner in block.blocks for line in inner.text.splitlines()), default=0)
            texts = [inner.text for inner in block.blocks]
            self.appendix.append({"title": block.title, "text": "\n".join(texts), "columns": 3 if longest < 45 else 1})
            return {"kind": "words", "look": "note", "text": f"{block.title}: at the end of this report."}
        return {"kind": "folded", "title": block.title, "blocks": list(map(self.block, block.blocks))}

    def _formula(self, formula: Formula) -> dict[str, Any]:
        svg = formula_svg(formula.latex)
        if svg is None:
            return {"kind": "code", "text": formula.latex}
        width = float(re.search(r'width="([\d.]+)"', svg)[1]) * 0.75
        return {"kind": "formula", "file": self._file(svg.encode(), "svg"), "width": min(width, WIDEST_PT)}

    def _file(self, data: bytes, suffix: str) -> str:
        self._files += 1
        name = f"{self._files}.{suffix}"
        (self._folder / name).write_bytes(data)
        return name


def _breakable(text: str) -> str:
    """A text in which long words, such as hashes, have places where a line may end."""
    return LONG_WORD.sub(lambda word: "\u200b".join(re.findall(r".{1,16}", word[0])), text)
