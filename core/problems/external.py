"""Problems from outside this package: by entry point, and from files named by the one who starts the program.

`LAB_PROBLEMS` lists files or folders, separated as in PATH; every class in them that is a `Problem` with a `kind` of
its own joins the catalogue. An installed package offers its problems as entry points of the group
`singularity_lab.problems`. Such code runs with the rights of the program, like any import: nobody who only visits the
pages can name a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import get_args

from core.errors import LabError
from core.forms import Layout
from core.names import faults
from core.problem_source import VARIABLE
from core.problems.base import DataProblem, Problem

MOST_PRINTED = 2_000
"""Characters that a file from outside may print while it is loaded."""
GROUP = "singularity_lab.problems"
REQUIRED = ("title", "equation", "coordinates", "fields", "residual_names")
RAISED = BaseException
"""What a stranger's code may raise while it is loaded, and no more than its own problem is lost by it."""
METHODS = ("domain", "ansatz", "residuals")


@dataclass(frozen=True)
class Refused:
    """A source that gave no problem, and why, in one sentence."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


def load(taken: Iterable[type[Problem]]) -> tuple[tuple[type[Problem], ...], tuple[Refused, ...]]:
    """Problems from outside, and what could not be taken; one that fails keeps no other from loading.

    Args:
        taken: the classes whose kinds are taken.
    """
    kinds = {kind_of(problem): "this package" for problem in taken}
    found: list[type[Problem]] = []
    refused: list[Refused] = []
    for source, offered in _offers(refused):
        try:
            reason = _reason_against(offered, kinds)
        except RAISED as error:
            reason = _sentence(error)
        if reason:
            refused.append(Refused(source, reason))
        else:
            kinds[kind_of(offered)] = source
            found.append(offered)
    return tuple(found), tuple(refused)


def kind_of(problem: type[Problem]) -> str:
    """The `kind` by which a config names a problem."""
    return get_args(problem.model_fields["kind"].annotation)[0]


def _offers(refused: list[Refused]) -> Iterator[tuple[str, object]]:
    for entry in entry_points(group=GROUP):
        try:
            yield f"entry point {entry.name}", entry.load()
        except RAISED as error:  # whatever a stranger's module raises must not keep the program from starting
            refused.append(Refused(f"entry point {entry.name}", _sentence(error)))
    for path in _files(refused):
        try:
            module = _module(path)
            classes = [item for item in vars(module).values() if _is_own_problem(item, module)]
        except RAISED as error:
            refused.append(Refused(str(path), _sentence(error)))
            continue
        if not classes:
            refused.append(Refused(str(path), "it defines no problem: no class of its own that extends Problem"))
        yield from ((str(path), item) for item in classes)


def _files(refused: list[Refused]) -> Iterator[Path]:
    for part in os.environ.get(VARIABLE, "").split(os.pathsep):
        if not part.strip():
            continue
        try:
            path = Path(part).expanduser().resolve()
            found = [*path.glob("*.py")] if path.is_dir() else [path] if path.is_file() else None
        except (OSError, RuntimeError) as error:  # RuntimeError: a user who is none, links in a circle
            refused.append(Refused(part, _sentence(error)))
            continue
        if found is None:
            refused.append(Refused(str(path), f"{VARIABLE} names it and there is no such file or folder"))
        else:
            yield from sorted(item for item in found if item == path or not item.name.startswith("_"))


def _module(path: Path) -> ModuleType:
    name = f"lab_problem_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise ImportError("it is no Python file: its name does not end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic looks annotations up there
    try:
        with _few_words_on_stderr(), warnings.catch_warnings():
            # `_reason_against` says it in a sentence
            warnings.filterwarnings("ignore", message="Field name .* shadows an attribute in parent")
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _FewWords(io.TextIOBase):
    """The first of what is written goes to stderr, the rest nowhere."""

    def __init__(self):
        self._left = MOST_PRINTED

    def write(self, text: str) -> int:
        """Pass a text on, as far as there is room."""
        if self._left > 0 and sys.stderr is not None:
            sys.stderr.write(text[: self._left] + ("\n" if len(text) > self._left else ""))
        self._left -= len(text)
        return len(text)


@contextlib.contextmanager
def _few_words_on_stderr() -> Iterator[None]:
    """What a file prints while it is loaded is no part of a command's result."""
    with contextlib.redirect_stdout(_FewWords()):
        yield


def _is_own_problem(item: object, module: ModuleType) -> bool:
    own = isinstance(item, type) and issubclass(item, Problem) and item.__module__ == module.__name__
    return own and bool(get_args(item.model_fields["kind"].annotation))


def _reason_against(offered: object, kinds: dict[str, str]) -> str:
    """Why something can't be in the catalogue; empty when it can."""
    if not (isinstance(offered, type) and issubclass(offered, Problem)):
        return f"{offered!r} is no class that extends Problem"
    name = offered.__name__
    choices = get_args(offered.model_fields["kind"].annotation)
    if len(choices) != 1 or offered.model_fields["kind"].default != choices[0]:
        return f'{name} needs a kind of its own, as in  kind: Literal["my_problem"] = "my_problem"'
    missing = [attribute for attribute in REQUIRED if not hasattr(offered, attribute)]
    missing += [method for method in METHODS if getattr(offered, method) is getattr(Problem, method)]
    if missing:
        return f"{name} lacks {', '.join(missing)}"
    if any(not isinstance(text, str) or not text.isprintable() for text in (choices[0], offered.title)):
        return f"{name} needs a kind and a title that are texts, without line breaks"
    if choices[0] in kinds:
        return f"{name} has the kind {choices[0]!r}, which {kinds[choices[0]]} has too"
    taken = [key for key in offered.model_fields if key != "kind" and hasattr(Problem, key)]
    if taken:
        return f"{name} has a parameter {', '.join(taken)}, which is something else of every problem; rename it"
    try:
        made = offered()
        misnamed = _misnamed(made)
    except RAISED as error:
        return f"{name} can't be made with its default values: {_sentence(error)}"
    if misnamed:
        return f"{name} can't be used under its names: {'; '.join(misnamed)}"
    try:
        Layout.of(len(made.coordinates), made.forms)
    except LabError as error:
        return f"{name}: {error}"
    except RAISED as error:
        return f"{name} has forms that are none, {made.forms!r:.200}: {_sentence(error)}"
    return ""


def _misnamed(problem: Problem) -> list[str]:
    """What no format could keep apart or show of a problem's names; any other text is a name."""
    found = faults("kind", (problem.kind,))
    for what in ("coordinates", "fields", "residual_names"):
        found += faults(what, getattr(problem, what))
    if found:
        return found
    if isinstance(problem, DataProblem):
        found += faults("coordinates and fields, columns of one table", (*problem.coordinates, *problem.fields))
    if problem.time is not None and problem.time not in problem.coordinates:
        found.append(f"time: {problem.time!r:.60} is none of the coordinates")
    if problem.origin_condition is not None and problem.origin_condition not in problem.residual_names:
        found.append(f"origin_condition: {problem.origin_condition!r:.60} is none of the residual_names")
    return found


def _sentence(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())[:300]
    except RAISED:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
