"""How a text file's table is laid out: its delimiter, decimal mark, comments and header, guessed from its first lines.

The table itself is read by pandas, with what is found here.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from core.datasets.names import is_role
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
    r"[+\-−]?(\d{1,3}([.,\u00a0\u202f' ]\d{3})+([.,]\d*)?|\d+[.,]?\d*|[.,]\d+)"
    r"((?:[eEdD]|\*\^)[+\-−]?\d+|[+-]\d{3})?|[+\-]?(inf|infinity)",  # Mathematica's 1.5*^-7, Fortran's 1.5-100
    re.I,
)
COMMA_NUMBER = re.compile(r"[+\-−]?(\d+,?\d*|,\d+)([eEdD][+\-−]?\d+)?")
REMARK = re.compile(rf"[ \t]+[#!](?!{'|'.join(re.escape(word[1:]) for word in NO_VALUE)}).*$")
"""A comment behind the numbers of a row."""
SECTION = re.compile(r"\s*(grid|coordinates|elements\b.*)\s*", re.I)
"""Headings in COMSOL's grid and sectionwise formats."""
TITLE = re.compile(r"\s*(columns?|fields|variables|names|header)\s*[:=]\s*", re.I)
"""What stands before the names in a comment."""
NUMBERED = re.compile(r"(?:^|(?<=\s))(?:\[\d+\]|\d+[:=.)])(?=[^\W\d])\s*")
"""The count before a name, as in `1:x 2:t` or `[1]x [2]t`."""
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
    crossed: bool = False
    """Whether the header has an axis's numbers, over a matrix whose first column is the other axis."""
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
    lines = [line if is_comment(line) else REMARK.sub("", line) for line in lines]
    rows = [(i, line) for i, line in enumerate(lines) if line.strip() and not is_comment(line)]
    if not rows:
        raise LabError(f"{name} is empty; it has no rows.")
    notes = []
    if whole and len(rows) > 2 and re.fullmatch(rf"\s*{len(rows) - 1}(\s+\d+)?\s*", rows[0][1]):
        del rows[0]
        notes.append("The first line says how many rows there are and is left out.")
    bulk = [line for _, line in rows][-BULK:]
    delimiter = _delimiter(bulk)
    widths = Counter(len(split(line, delimiter)) for line in bulk)
    width = widths.most_common(1)[0][0]
    words = Counter(_words(split(line, delimiter)) for line in bulk if len(split(line, delimiter)) == width)
    usual = min(words, key=lambda count: (-words[count], count))
    top = split(rows[0][1], delimiter)
    crossed = not usual and _is_axis(top, width)
    at = 1 if len(rows) > 1 and (crossed or _counts_columns(rows, delimiter, width)) else None
    if at is None:
        at = _first_row([split(line, delimiter) for _, line in rows], width, usual)
    if at is None:
        _check_header(name, split(rows[-1][1], delimiter))
        if other := next(((i, cells) for i, line in rows if _numeric(cells := split(line, delimiter))), None):
            raise LabError(f"{name}, line {other[0] + 1}: {len(other[1])} cells, and the header has {width}.")
        raise LabError(f"{name} has no rows of numbers.")
    first = rows[at][0]
    if at:
        above = [line for _, line in rows[:at]]
        header, skipped = _tecplot(above) or _header_in(above, delimiter, width), at - 1
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
        ways = [cells for line in reversed(comments) if (cells := _names_in(line, delimiter, width))]
        header = max(ways, key=_likeness, default=None)  # of equals the last, unless units or a rule stand there
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
    return Layout(delimiter, width, tuple(header) if header else None, first, decimal, thousands, crossed, tuple(notes))


def is_comment(line: str) -> bool:
    """Whether a line is a comment."""
    text = line.lstrip()
    return text.startswith(COMMENT) and not text.startswith(NO_VALUE)


def split(line: str, delimiter: str) -> list[str]:
    """The cells of a line, without blanks and quotes around them."""
    if delimiter == BLANKS:
        cells = re.findall(r'"[^"]*"|\S+', line) if '"' in line else line.split()
        return [cell.strip("\"'") for cell in cells]
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
    return sum(not _is_number(cell) and not is_missing(cell) for cell in cells)


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no number; Fortran writes stars where one is too long."""
    return cell.casefold() in KNOWN_MISSING or not cell.strip("*")


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


def _is_axis(cells: list[str], width: int) -> bool:
    """Whether the top line holds an axis: numbers in order behind a name, nothing, or how many there are (gnuplot)."""
    if len(cells) != width or width < 3 or not _numeric(cells[1:]) or any("," in cell for cell in cells[1:]):
        return False
    if _is_number(cells[0]) or is_missing(cells[0]):  # then it may be a row
        counted = [str(i) for i in range(width - 1)]  # so pandas calls columns without names
        if width < 5 or cells[0] not in ("", str(width - 1)) or cells[1:] == counted:
            return False
    try:
        steps = [float(b) - float(a) for a, b in pairwise(cells[1:])]
    except ValueError:
        return False
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)


def _counts_columns(rows: list[tuple[int, str]], delimiter: str, width: int) -> bool:
    """Whether the top line is 0, 1, 2 … above numbers with points, as pandas names columns that have no names."""
    cells = split(rows[0][1], delimiter)
    if len(cells) != width or width < 2 or delimiter == BLANKS:
        return False
    if not cells[0]:
        return width > 2 and cells[1:] == [str(i) for i in range(width - 1)]
    return cells == [str(i) for i in range(width)] and all("." in line for _, line in rows[1:])


def _likeness(cells: list[str]) -> int:
    return sum(is_role(cell) for cell in cells)


def _header_in(above: list[str], delimiter: str, width: int) -> list[str] | None:
    """The names in the lines above the numbers: in the last, unless units or remarks stand there."""
    header = _cells_of_header(above[-1], delimiter, width)
    block = []
    for line in reversed(above):
        cells = split(line, delimiter)
        if len(cells) != width or not cells[0] or any(map(_is_number, cells)):
            break
        block.append(cells)
    whole = [cells for cells in block if all(cells)]
    return max(reversed(whole), key=_likeness) if len(block) > 1 and whole else header


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
        # R's tables: the rows are counted in a column without a name
        if cells and len(cells) == width - 1 and not _numeric(cells):
            return ["", *cells] if cells[-1] else [*cells, ""]
    return None


def _names_in(line: str, delimiter: str, width: int) -> list[str] | None:
    """The names in a line, cut in whatever way gives as many as there are columns."""
    line = NUMBERED.sub(" ", TITLE.sub("", line)) if delimiter == BLANKS or TITLE.match(line) else line
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
