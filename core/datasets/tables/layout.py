"""How a text file's table is laid out: its delimiter, decimal mark, comments and header, guessed from its first lines.

The table itself is read by pandas, with what is found here.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass

from core.datasets.tables.limits import check_width
from core.datasets.tables.table import plural
from core.errors import LabError

SAMPLE = 1_000_000
"""Bytes of a file from which its layout is guessed."""
BULK = 60
"""Lines that are looked at for the delimiter."""
COMMENT = ("#", "%", "//", "!")
NO_VALUE = ("#N/A", "#NA", "#DIV/0!", "#VALUE!", "#NAME?", "#REF!", "#NULL!", "#NUM!")
"""What Excel writes where a formula has no value; a line that begins so is no comment."""
MISSING = (*NO_VALUE, "-", "--", "---", "?", ".", "*", "NAN", "Nan", "na", "missing")
"""Cells without a number, beside those that pandas knows: empty, NA, NaN, null, None, n/a."""
KNOWN_MISSING = {
    "",
    "na",
    "nan",
    "-nan",
    "null",
    "none",
    "n/a",
    "#n/a",
    "<na>",
    "#na",
    *(word.casefold() for word in MISSING),
}

BLANKS = r"\s+"
NUMBER = re.compile(
    r"[+\-−]?(\d{1,3}([.,\u00a0\u202f' ]\d{3})+([.,]\d*)?|\d+[.,]?\d*|[.,]\d+)([eEdD][+\-−]?\d+)?|[+\-]?(inf|infinity)",
    re.I,
)
COMMA_NUMBER = re.compile(r"[+\-−]?(\d+,?\d*|,\d+)([eEdD][+\-−]?\d+)?")
SECTION = re.compile(r"\s*(grid|coordinates|elements\b.*)\s*", re.I)
"""Headings in COMSOL's grid and sectionwise formats."""
NAME = re.compile(
    r"""[^\s@]\S*                                  # a word,
        (?:\s+[(\[][^)\]]{0,40}[)\]])?             # its unit,
        (?:\s+@\s+(?:\d+:\s*)?\S+?=\S+(?:\s*,\s*\S+?=\S+)*)?  # and where it holds, as COMSOL writes it""",
    re.X,
)


@dataclass(frozen=True)
class Layout:
    """What pandas is told."""

    delimiter: str
    """One character, or `\\s+`."""
    width: int
    """Cells in a row."""
    header: tuple[str, ...] | None
    """Names of the columns, where the file has them."""
    first: int
    """Lines before the first row of numbers."""
    decimal: str = "."
    thousands: bool = False
    notes: tuple[str, ...] = ()


def layout_of(name: str, text: bytes) -> Layout:
    """The layout of UTF-8 text. Raises LabError where it has no rows, or a header that does not fit them."""
    whole = len(text) <= SAMPLE
    lines = text[:SAMPLE].decode("utf-8", "replace").split("\n")
    if not whole and len(lines) > 1:
        lines.pop()
    if section := next((line for line in lines if is_comment(line) and SECTION.fullmatch(_uncomment(line))), None):
        raise LabError(
            f"{name} is in a format of COMSOL's whose parts, such as {section.strip(' %')!r}, are tables of their own. "
            "Export it as a spreadsheet."
        )
    lines = [re.sub(r"\s+#.*", "", line) if "#" in line and not is_comment(line) else line for line in lines]
    rows = [(i, line) for i, line in enumerate(lines) if line.strip() and not is_comment(line)]
    if not rows:
        raise LabError(f"{name} is empty; it has no rows.")
    bulk = [line for _, line in rows][-BULK:]
    delimiter = _delimiter(bulk)
    widths = Counter(len(split(line, delimiter)) for line in bulk)
    width = widths.most_common(1)[0][0]
    words = Counter(_words(split(line, delimiter)) for line in bulk if len(split(line, delimiter)) == width)
    usual = min(words, key=lambda count: (-words[count], count))
    at = _first_row([split(line, delimiter) for _, line in rows], width, usual)
    if at is None:
        _check_header(name, split(rows[-1][1], delimiter))
        if other := next(((i, cells) for i, line in rows if _numeric(cells := split(line, delimiter))), None):
            raise LabError(f"{name}, line {other[0] + 1}: {len(other[1])} cells, and the header has {width}.")
        raise LabError(f"{name} has no rows of numbers.")
    first, notes = rows[at][0], []
    if at:
        above = [line for _, line in rows[:at]]
        header, skipped = _tecplot(above) or _cells_of_header(above[-1], delimiter, width), at - 1
        if header is None or (width == 1 and re.search("[,;\t|]", above[-1])):
            delimiter = next((mark for mark in "\t;|," if mark in above[-1]), delimiter)
            found = split(rows[at - 1][1], delimiter)
            raise LabError(
                f"{name}, line {first + 1}: {width} cells, and the header has {len(found)}: {', '.join(found)[:80]}."
            )
        if skipped:
            notes.append(f"{plural(skipped, 'further line')} above the numbers left out.")
    else:
        comments = [_uncomment(line) for line in lines[:first] if is_comment(line)]
        header = next((cells for line in reversed(comments) if (cells := _names_in(line, delimiter, width))), None)
        if comments and header:
            notes.append("The names of the columns stand in a comment.")
    if header is None:
        notes.append("The file does not name its columns.")
    else:
        _check_header(name, header)
        if len(header) != width:
            raise LabError(f"{name}, line {first + 1}: {width} cells, and the header has {len(header)}.")
    decimal, thousands = _decimal(bulk, delimiter)
    if decimal == ",":
        notes.append("Commas are read as decimal commas.")
    if thousands:
        notes.append("Marks between thousands are left out.")
    return Layout(delimiter, width, tuple(header) if header else None, first, decimal, thousands, tuple(notes))


def is_comment(line: str) -> bool:
    """Whether a line is a comment."""
    text = line.lstrip()
    return text.startswith(COMMENT) and not text.startswith(NO_VALUE)


def split(line: str, delimiter: str) -> list[str]:
    """The cells of a line, without blanks and quotes around them."""
    if delimiter == BLANKS:
        return [cell.strip("\"'") for cell in line.split()]
    cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return [cell.strip() for cell in cells]


def _delimiter(bulk: list[str]) -> str:
    """The one that cuts most lines into the same number of cells, two or more."""
    for candidate in ("\t", ";", "|", ","):
        counts = Counter(len(split(line, candidate)) for line in bulk)
        count, times = counts.most_common(1)[0]
        if count < 2 or times < 0.5 * len(bulk):
            continue
        if candidate == "," and _blanks_with_decimal_commas(bulk):
            continue
        return candidate
    return BLANKS


def _blanks_with_decimal_commas(bulk: list[str]) -> bool:
    rows = [line.split() for line in bulk]
    numbers = [cell for row in rows for cell in row if re.search(r"\d", cell)]
    several = sum(len(row) > 1 for row in rows) >= 0.6 * len(rows)
    return several and bool(numbers) and all(COMMA_NUMBER.fullmatch(cell) and cell[-1] != "," for cell in numbers)


def _words(cells: list[str]) -> int:
    return sum(not _is_number(cell) and cell.casefold() not in KNOWN_MISSING for cell in cells)


def _is_number(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell.strip("\"'")))


def _numeric(cells: list[str]) -> bool:
    return all(map(_is_number, cells))


def _first_row(rows: list[list[str]], width: int, usual: int) -> int | None:
    """Which of the top lines, cut into cells, is the first with numbers; `usual` is how many words a row has."""
    below_names = False
    for k, cells in enumerate(rows):
        numbers, words = sum(map(_is_number, cells)), _words(cells)
        if numbers and len(cells) == width and (words <= max(usual, numbers) or below_names):
            return k
        below_names = not numbers and len(cells) in (width, width - 1)
    return None


def _tecplot(above: list[str]) -> list[str] | None:
    """The names in Tecplot's line `VARIABLES = "x", "y"`, where there is one."""
    for line in above:
        if found := re.match(r"\s*VARIABLES\s*=(.*)", line, re.I):
            return re.findall(r'"([^"]*)"', found[1]) or re.split(r"[,\s]+", found[1].strip())
    return None


def _cells_of_header(line: str, delimiter: str, width: int) -> list[str] | None:
    for cells in (_names_in(line, delimiter, width), split(line, delimiter)):
        while cells and len(cells) > width and not cells[-1]:
            cells = cells[:-1]
        if cells and len(cells) == width:
            return cells
        if cells and len(cells) == width - 1:  # R's tables: the rows are counted in a column without a name
            return ["", *cells] if cells[-1] else [*cells, ""]
    return None


def _names_in(line: str, delimiter: str, width: int) -> list[str] | None:
    """The names in a line, cut in whatever way gives as many as there are columns."""
    listed = delimiter == BLANKS and "," in line and "@" not in line
    ways = [split(line, ",")] if listed else []
    ways += [split(line, delimiter), split(line, ","), split(line, "\t"), re.split(r"\s{2,}", line.strip())]
    ways += [NAME.findall(line), line.split()]
    for cells in ways:
        cells = [cell.strip() for cell in cells]
        if len(cells) == width and any(cells) and not all(_is_number(cell) for cell in cells):
            return cells
    return None


def _uncomment(line: str) -> str:
    return re.sub(r"^\s*(//|[#%!])+\s?", "", line)


def _check_header(name: str, header: list[str]) -> None:
    if not any("@" in cell for cell in header):  # COMSOL's become rows
        check_width(name, len(header))


def _decimal(bulk: list[str], delimiter: str) -> tuple[str, bool]:
    """The decimal mark, and whether there are marks between thousands."""
    cells = [cell.strip("\"'") for line in bulk for cell in split(line, delimiter)]
    numbers = [cell for cell in cells if _is_number(cell)]
    commas = [cell for cell in numbers if "," in cell]
    blanks = any(re.search(r"\d[ \u00a0\u202f']\d{3}", cell) for cell in numbers)
    if any(re.search(r"\d\.\d{3}(\.\d{3})*,\d", cell) for cell in numbers):
        return ",", True
    if any(re.search(r"\d,\d{3}(,\d{3})*\.\d", cell) or cell.count(",") > 1 for cell in numbers):
        return ".", True
    if commas and not any("." in cell for cell in numbers):
        return ",", blanks
    return ".", blanks or any(re.fullmatch(r"[+\-−]?\d{1,3}(,\d{3})+", cell) for cell in commas)
