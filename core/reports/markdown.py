"""A report as Markdown, its pictures as files beside it."""

from __future__ import annotations

import math
import re
import time
from urllib.parse import quote

from core.reports.blocks import Block, Code, Folded, Formula, Report, Table, Words
from core.reports.pictures import picture
from core.reports.pieces import LATE

_SYNTAX = re.compile(r"([\\`*_\[\]{}|$~#])")
_AT_THE_START = re.compile(r"^()([-+=])|^(\d+)([.)])(?=\s|$)")
_BREAKS = re.compile(r"[\r\n\t\x0b\x0c\x1c-\x1f\x85\u2028\u2029]+")


def markdown(report: Report, pictures: str, pictures_until: float = math.inf) -> tuple[str, dict[str, bytes]]:
    """The text, and the pictures by their path in it.

    Args:
        report: what to write.
        pictures: folder of the pictures, as it is called beside the text.
        pictures_until: as `time.monotonic` counts; figures are not drawn from then on.
    """
    page = MarkdownPage(pictures, pictures_until)
    lines = [f"# {plain(report.title)}", "", plain(report.subtitle), "", plain(_head(report)), ""]
    for section in report.sections:
        lines += [f"{'#' * (section.depth + 1)} {plain(section.title)}", ""]
        for block in section.blocks:
            lines += [*page.lines(block), ""]
    return "\n".join(lines), page.pictures


def _head(report: Report) -> str:
    return f"{report.lab} · {report.made}" if report.lab else report.made


class MarkdownPage:
    """Turns blocks into lines, and keeps the pictures."""

    def __init__(self, folder: str, until: float = math.inf):
        self._folder, self._until = folder, until
        self.pictures: dict[str, bytes] = {}

    def lines(self, block: Block) -> list[str]:
        """One block."""
        if isinstance(block, Words):
            return [f"> **{plain(block.text)}**" if block.kind == "warning" else plain(block.text)]
        if isinstance(block, Formula):
            return formula_lines(block)
        if isinstance(block, Code):
            return code_lines(block)
        if isinstance(block, Table):
            return table_lines(block)
        if isinstance(block, Folded):
            inner = [line for part in block.blocks for line in (*self.lines(part), "")]
            return [f"**{plain(block.title)}**", "", *inner]
        if time.monotonic() >= self._until:
            return [f"*{plain(block.title)}*: not drawn, {LATE}."]
        name = f"{self._folder}/{len(self.pictures) + 1}.png"
        self.pictures[name] = picture(block, "png")
        note = [] if not block.note else ["", plain(block.note)]
        return [
            f"![{plain(block.title)}]({quote(name.encode('utf-8', 'surrogateescape'))})",
            "",
            f"*{plain(block.title)}*",
            *note,
        ]


def plain(text: str) -> str:
    """A text in which nothing is Markdown or HTML, in one line."""
    text = _BREAKS.sub(" ", text)
    text = _SYNTAX.sub(r"\\\1", text.replace("&", "&amp;")).replace("<", "&lt;").replace(">", "&gt;")
    text = (
        text.replace("://", "\\://").replace("www.", "www\\.").replace("@", "\\@")
    )  # no link that nobody wrote as one
    return _AT_THE_START.sub(lambda found: f"{found[1] or found[3] or ''}\\{found[2] or found[4]}", text.lstrip())


def formula_lines(formula: Formula) -> list[str]:
    """A formula between dollar signs; HTML has no place in one."""
    latex = _BREAKS.sub(" ", formula.latex).replace("<", r"\lt ").replace(">", r"\gt ")
    return ["$$", latex, "$$"] if "$" not in latex else code_lines(Code(formula.latex, "latex"))


def code_lines(code: Code) -> list[str]:
    """A block of code, its fence longer than any in it."""
    longest = max(map(len, re.findall("`+", code.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{re.sub(r'[^a-z]', '', code.language)}", code.text.rstrip("\n"), fence]


def table_lines(table: Table) -> list[str]:
    """A table, which has a head even where that is empty."""
    marks = ["---:" if k in table.numbers else "---" for k in range(len(table.head))]
    rows = ["| " + " | ".join(map(plain, cells)) + " |" for cells in (table.head, *table.rows)]
    return [rows[0], f"|{'|'.join(marks)}|", *rows[1:]]
