"""Names as formats outside this program take them: MLflow, VTK, files, matplotlib, and the columns of a history.

A name that a problem, a run or a person gave is text, and no format takes all text. Each function here makes the
spelling that one format takes: the name itself wherever that is possible, else something readable that ends in the
beginning of the name's SHA-256. Two names never get one spelling, a name gets the same one in every run, and where it
differs, the original stands in a table beside it: `mlflow_tags` in a run's tags, `table` in an exported file.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.plain_text import has_control

LONGEST = 1000
"""Characters of a name that a problem may give."""
CONTROL = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of characters that stand for nothing that one reads: line breaks, escapes, half characters."""
DIGITS = 16
"""Hexadecimal digits that tell names apart whose spelling would be one."""
DIGESTED = re.compile(rf".*\.[0-9a-f]{{{DIGITS}}}", re.DOTALL)


# -- what is no name ---------------------------------------------------------------------------------------------------


def fault(name: object) -> str | None:
    """Why something can't be a name at all, in a few words that follow it; None for what can."""
    if not isinstance(name, str):
        return "is no text"
    if not name.strip():
        return "is empty"
    if len(name) > LONGEST:
        return f"is longer than {LONGEST:,} characters"
    if has_control(name):
        return "holds a line break, a change of direction or another control character"
    return None


def faults(what: str, given: object) -> list[str]:
    """What keeps these from being names of a kind, each in a few words: no list of them, no names, or one twice."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        return [f"{what} is no tuple of names"]
    found = [f"{what}: {name!r:.60} {why}" for name in given if (why := fault(name))]
    twice = [name for name in dict.fromkeys(given) if given.count(name) > 1]
    return found or [f"{what}: {name!r:.60} stands there twice" for name in twice]


# -- inside this program -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ValueNames:
    """What the values of a solution are called, by field or residual; fields have their own names."""

    residuals: dict[str, str]
    exact: dict[str, str]
    errors: dict[str, str]


def value_names(fields: Iterable[str], residuals: Iterable[str]) -> ValueNames:
    """`residual_NAME`, `NAME_exact`, `NAME_error`, unless a field is called that: then with a word behind."""
    fields = tuple(fields)
    taken = set(fields)
    return ValueNames(
        {name: _untaken(f"residual_{name}", "equation", taken) for name in residuals},
        {name: _untaken(f"{name}_exact", "exact", taken) for name in fields},
        {name: _untaken(f"{name}_error", "error", taken) for name in fields},
    )


def data_rows(fields: Iterable[str], residuals: Iterable[str]) -> dict[str, str]:
    """Field → what the rows of its measured values are called beside the residuals: `data_FIELD`."""
    taken = set(residuals)
    return {name: _untaken(f"data_{name}", "data", taken) for name in fields}


def beside(name: str, word: str, reserved: Iterable[str]) -> str:
    """A name among others that this program gives; with a word behind where it is one of those."""
    return _untaken(name, word, set(reserved))


def _untaken(name: str, word: str, taken: set[str]) -> str:
    while name in taken:
        name = f"{name} ({word})"
    taken.add(name)
    return name


def history_column(residual: str) -> str:
    """The column of a history that has a residual's RMS: `rms_NAME`; `rms_residual` is that of all together."""
    return f"rms_{residual}_" if re.fullmatch("residual_*", residual) else f"rms_{residual}"


UNKNOWN = "unknown_"
"""What columns of unknown numbers beside λ begin with."""


def unknown_column(name: str) -> str:
    """The column of a history that has an unknown number beside λ."""
    return UNKNOWN + name


def error_metric(name: str) -> str:
    """The metric of a run that has the standard error of an unknown number."""
    return f"standard_error_{name}"


def residual_of(column: str) -> str | None:
    """The residual whose RMS a column of a history has; None for other columns."""
    if not column.startswith("rms_") or column == "rms_residual":
        return None
    name = column.removeprefix("rms_")
    return name[:-1] if re.fullmatch("residual_+", name) else name


# -- MLflow ------------------------------------------------------------------------------------------------------------

NAME_TAG = "lab.name."
"""Begins the tags that hold a name whose key in MLflow is another one; its digest follows."""
LONGEST_KEY = 250


def mlflow_keys(names: Iterable[str]) -> dict[str, str]:
    """Name → key, for all metrics or all params of a run: what MLflow takes, each its own.

    A key is the name where MLflow allows it and no other of these names equals it to a database that looks at neither
    case nor accents.
    """
    names = tuple(names)
    alike: dict[str, int] = {}
    for name in names:
        alike[_folded(name)] = alike.get(_folded(name), 0) + 1
    return {
        name: name if alike[_folded(name)] == 1 and _mlflow_takes(name) else _mlflow_digested(name) for name in names
    }


def mlflow_spellings(name: str) -> tuple[str, str]:
    """Every key that stands for a name, in whatever run."""
    return name, _mlflow_digested(name)


def mlflow_tags(keys: Mapping[str, str]) -> dict[str, str]:
    """The tags that say which names stand behind keys, as `mlflow_keys` gives them, that are no names themselves."""
    return {NAME_TAG + key[-DIGITS:]: name for name, key in keys.items() if key != name}


def mlflow_names(tags: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Key → name, from tags as `mlflow_tags` makes them; one that does not fit its name counts for nothing."""
    names = [(tag.removeprefix(NAME_TAG), name) for tag, name in tags if tag.startswith(NAME_TAG)]
    return {_mlflow_digested(name): name for digest, name in names if _digest(name) == digest}


def _mlflow_takes(name: str) -> bool:
    plain = re.fullmatch(r"[\w.\- :/]*", name) and name == name.strip() and len(name) <= LONGEST_KEY
    path = name.split("/")  # stores that keep keys as files
    return bool(plain and not name.startswith("..") and "" not in path and not {".", ".."} & {*path}) and not (
        DIGESTED.fullmatch(name)
    )


def _mlflow_digested(name: str) -> str:
    readable = re.sub(r"[^\w.\-]", "_", name, flags=re.ASCII).lstrip(".")
    return f"{readable[:200]}.{_digest(name)}"


def _folded(name: str) -> str:
    """What names have in common that some databases take for one."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c)).casefold().rstrip()


# -- exported files ----------------------------------------------------------------------------------------------------

TABLE = "original_names"
"""What the table is called in a file: JSON, spelling → name."""
LONGEST_ARRAY = 200
"""Bytes; VTK's legacy reader takes 255."""


def xml_names(names: Iterable[str]) -> dict[str, str]:
    """Name → name of an array in VTK's XML files and in XDMF: no markup, which VTK's writers leave as it is."""
    return _array_names(names, r"&<>\"'%\\")


def legacy_vtk_names(names: Iterable[str]) -> dict[str, str]:
    """Name → name of an array in VTK's legacy files, where a blank ends a name and % begins a code."""
    return _array_names(names, r"&<>\"'%\\ ")


def member_names(names: Iterable[str]) -> dict[str, str]:
    """Name → name within HDF5 and NumPy's archives, whose names are paths."""
    return _array_names(names, r"&<>\"'%\\/:.")


def netcdf_names(names: Iterable[str]) -> dict[str, str]:
    """Name → name of a variable, dimension or attribute in netCDF that every reader takes: ASCII, as in a program."""
    return {
        name: name if re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) and len(name) <= LONGEST_ARRAY and name != TABLE
        else "v_" + re.sub(r"\W", "_", _array_digested(name, r"&<>\"'%\\ "), flags=re.ASCII)
        for name in names
    }  # fmt: skip


def table(spelled: Mapping[str, str]) -> str:
    """The table that goes into a file beside names that had to change, in ASCII; empty where none had to."""
    changed = {spelling: name for name, spelling in spelled.items() if spelling != name}
    return json.dumps(changed) if changed else ""


def originals(text: str) -> dict[str, str]:
    """Spelling → name, from the text of `table`."""
    return json.loads(text) if text else {}


def _array_names(names: Iterable[str], forbidden: str) -> dict[str, str]:
    return {name: name if _is_array_name(name, forbidden) else _array_digested(name, forbidden) for name in names}


def _is_array_name(name: str, forbidden: str) -> bool:
    allowed = name.isprintable() and not re.search(f"[{forbidden}]", name) and name == name.strip()
    return allowed and len(name.encode()) <= LONGEST_ARRAY and name != TABLE and not DIGESTED.fullmatch(name)


def _array_digested(name: str, forbidden: str) -> str:
    readable = "".join(c if c.isprintable() else "_" for c in re.sub(rf"[{forbidden}\s]", "_", name))
    short = readable.encode()[: LONGEST_ARRAY - DIGITS - 1].decode(errors="ignore")
    return f"{short}.{_digest(name)}"


# -- files, pictures ---------------------------------------------------------------------------------------------------

LONGEST_STEM = 120
"""Bytes of a file's name before its suffix; file systems take 255 in all, and browsers add to it."""
WINDOWS = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def file_stem(name: str) -> str:
    """A name as that of a file without its suffix, on any system: no path, no hidden file, nothing invisible.

    One that had to change ends in its digest.
    """
    composed = unicodedata.normalize("NFC", name)
    visible = "".join(c if c.isprintable() and c not in '\\/:*?"<>|%' else "_" for c in composed)
    stem = visible.strip(" .")
    taken = WINDOWS.fullmatch(stem) or re.search(f"-[0-9a-f]{{{DIGITS}}}$", stem)
    if stem and stem == name and len(stem.encode()) <= LONGEST_STEM and not taken:
        return stem
    short = stem.encode()[: LONGEST_STEM - DIGITS - 1].decode(errors="ignore").strip(" .")
    return f"{short or 'file'}-{_digest(name)}"


def picture_text(name: str) -> str:
    """A name for matplotlib: a dollar is a dollar and begins no formula, and what no picture can hold is marked."""
    shown = "".join("\ufffd" if unicodedata.category(c) in CONTROL or c in "\ufffe\uffff" else c for c in name)
    return shown.replace("$", r"\$")


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]
