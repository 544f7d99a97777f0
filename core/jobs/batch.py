"""Many runs at once: one config, and a table of what is changed in it for each of them."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError, LabError
from core.jobs import actions
from core.jobs.submission import check_to_submit, chosen_engine, take_in
from core.people import RUNNER, needs
from core.plain_text import has_control

if TYPE_CHECKING:
    from core.config import RunConfig

MOST_RUNS = 500
"""Of one batch."""
LONGEST_NAME = 120
"""Characters of a batch's name, and of a run's."""
_RANGE = re.compile(r"(-?\d{1,10})\.\.(-?\d{1,10})(?:\.\.(\d{1,10}))?")

Row = Mapping[str, Any]
"""Path of a field → its value, plain data or text as `--set` takes it."""


def read_values(text: str) -> list[str]:
    """The values in a text, as `--set` takes each: `0..9`, `0..90..10` (by tens), `16,32,64`, `[16,16],[32,32]`.

    Ranges and single values may be mixed: `0..3,17`. Raises LabError.
    """
    values, depth = [""], 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            values.append("")
        else:
            values[-1] += letter
    values = [value.strip() for value in values]
    if "" in values:
        raise LabError(f"{text.strip()!r} has an empty value; write values as 16,32,64 or 0..9.")
    return [each for value in values for each in _range(value)]


def _range(text: str) -> list[str]:
    """The numbers of a range; any other value by itself. Raises LabError."""
    found = _RANGE.fullmatch(text)
    if found is None:
        return [text]
    first, last, step = int(found[1]), int(found[2]), int(found[3] or 1)
    if step == 0 or last < first:
        raise LabError(f"{text} is no range: write it from the lower to the higher number, as 0..9.")
    if (last - first) // step >= MOST_RUNS:
        raise LabError(f"{text} has more than {MOST_RUNS} values, and a batch at most {MOST_RUNS} runs.")
    return [str(value) for value in range(first, last + 1, step)]


def table_of(varied: Mapping[str, Sequence[Any]], paired: bool = False) -> list[dict[str, Any]]:
    """Every combination of the values of some fields, the last field changing fastest. Raises LabError when too many.

    Args:
        varied: path of a field → its values.
        paired: the first values of all fields instead, then the second ones, and so on: as many of each are needed.
    """
    if paired:
        counts = {path: len(values) for path, values in varied.items()}
        if len(set(counts.values())) > 1:
            said = ", ".join(f"{path} has {count}" for path, count in counts.items())
            raise LabError(f"Values that go together are as many for each field: {said}.")
        _check_number(max(counts.values(), default=0))
        return [dict(zip(varied, values, strict=True)) for values in zip(*varied.values(), strict=True)]
    _check_number(math.prod(len(values) for values in varied.values()))
    return [dict(zip(varied, values, strict=True)) for values in itertools.product(*varied.values())]


def _check_number(count: int) -> None:
    if not count:
        raise LabError("A batch needs at least one run.")
    if count > MOST_RUNS:
        raise LabError(f"That makes {count:,} runs, and a batch has at most {MOST_RUNS}.")


def configs_of(config: RunConfig, changes: Sequence[Row], batch: str) -> list[RunConfig]:
    """The configs of a batch, each named by the batch and what is changed in it: `width seed=3 hidden=[64, 64]`.

    Raises:
        LabError: too many rows, or a name that is none.
        ConfigError: a line for each thing that is wrong, with the first row at fault; no row may repeat another.
    """
    from core.config import override

    _check_number(len(changes))
    if has_control(batch) or not batch.strip() or len(batch) > LONGEST_NAME:
        raise LabError(f"Name the batch with 1 to {LONGEST_NAME} characters that can be read.")
    titles = _titles([path for row in changes for path in row])
    configs, faults, seen = [], _Faults(), {}
    for number, row in enumerate(changes, start=1):
        words = " ".join(f"{titles[path]}={_written(value)}" for path, value in row.items())
        try:
            settings = [f"{path}={_written(value)}" for path, value in row.items()]
            settings += [] if "name" in row else [f"name={json.dumps(_name(batch, words), ensure_ascii=False)}"]
            made = override(config, settings)
        except ConfigError as error:
            faults.add(number, words, *error.problems)
            continue
        if (same := seen.setdefault(made.hash, number)) != number:
            faults.add(number, words, f"it is the same run as row {same}")
        configs.append(made)
    faults.check()
    return configs


class _Faults:
    """What is wrong in which rows; what is wrong in several alike is said once."""

    def __init__(self) -> None:
        self._rows: dict[str, list[str]] = {}

    def add(self, number: int, words: str, *problems: str) -> None:
        for problem in problems:
            self._rows.setdefault(problem, []).append(f"row {number} ({words})")

    def check(self) -> None:
        """Raise ConfigError with a line for each thing that is wrong, where there is any."""
        lines = []
        for problem, rows in self._rows.items():
            more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
            lines.append(f"{rows[0]}{more}: {problem}")
        if lines:
            raise ConfigError(lines)


def _titles(paths: Sequence[str]) -> dict[str, str]:
    """Path → its last part where no other path ends like it, else the whole."""
    paths = tuple(dict.fromkeys(paths))
    last = {path: path.rpartition(".")[2] for path in paths}
    return {path: last[path] if list(last.values()).count(last[path]) == 1 else path for path in paths}


def _written(value: Any) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value)


def _name(batch: str, words: str) -> str:
    room = LONGEST_NAME - len(words) - 1
    return f"{batch.strip()[: max(0, room)]} {words}".strip() if words else batch.strip()


@needs(RUNNER)
def submit_many(
    config: RunConfig,
    changes: Sequence[Row],
    *,
    batch: str,
    priority: int = 0,
    after: str | None = None,
    after_any: bool = False,
    from_after: bool = False,
    held: bool = False,
    tags: dict[str, str] | None = None,
    engine: str | None = None,
    done: Callable[[int, int], None] = lambda queued, of: None,
) -> list[str]:
    """Queue a run for each row of a table of changes to one config; returns their ids in the rows' order.

    All are checked before the first is queued. Where the store fails halfway, the error says how many are queued.

    Args:
        config: what all have in common.
        changes: for each run what is changed.
        batch: name of the batch, from which the runs get theirs.
        priority: of all of them, as are `after`, `after_any`, `from_after`, `held` and `tags` (see `submit`).
        after: run that must have ended first.
        after_any: they begin however that one ends.
        from_after: they start from its best checkpoint.
        held: they wait until somebody releases them.
        tags: for the store.
        engine: where they go (see `submit`).
        done: is told how many are queued, of how many.

    Raises:
        LabError: what `submit` raises.
        ConfigError: names what is wrong and in which row; nothing is queued then.
    """
    wait = {"after": after, "after_any": after_any, "engine": chosen_engine(engine)}
    configs, faults, ready = configs_of(config, changes, batch), _Faults(), []
    for number, made in enumerate(configs, start=1):
        try:
            ready.append(check_to_submit(made, priority=priority, from_after=from_after, **wait))
        except LabError as error:
            faults.add(number, made.name, str(error))
    faults.check()
    queued: list[str] = []
    try:
        for made in ready:
            queued.append(take_in(made, priority=priority, tags=tags, held=held, batch=batch.strip(), **wait))
            if len(queued) == 1:
                actions.refresh()  # the first one begins while the others come in
            done(len(queued), len(ready))
    except LabError as error:
        raise LabError(f"{len(queued)} of {len(ready)} runs of {batch} were queued. {error}") from error
    finally:
        actions.refresh()
    return queued
