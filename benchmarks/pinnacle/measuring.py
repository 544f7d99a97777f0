"""One row: a typed equation trained as a whole process, and its newest checkpoint held against references."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.pinnacle.cases import Case
from benchmarks.pinnacle.tables import Table, relative_l2
from benchmarks.presets import measure


def row(case: Case, lab_home: str, references: Path | None, seed: int = 0) -> dict[str, object]:
    """The case's figures; its first check is what `relative_l2` says, all of them are in `checks`.

    Raises:
        TableError: a table that is needed can't be read; nothing was trained.
        CalledProcessError: training failed.
    """
    held = {check: check.reference(references) for check in case.checks if references or not check.needs_table}
    if not held:
        return {"name": case.name, "relative_l2": None, "seconds": None, "skipped": "it needs --reference DIR"}
    if case.prepare:
        case.prepare(Path(lab_home))
    busy = os.getloadavg()[0]
    run = measure(case.config, seed, lab_home)
    checks = [
        {
            "against": check.against,
            "fields": list(check.fields),
            "relative_l2": (found := errors(case, lab_home, run["run_id"], table, check.fields))["all"],
            "by_field": {name: found[name] for name in check.fields},
            "reference_known_to": table.known_to,
            "bar": check.bar,
            "met": check.bar is None or found["all"] <= check.bar,
        }
        for check, table in held.items()
    ]
    first = checks[0]
    return {
        "name": case.name,
        "relative_l2": first["relative_l2"],
        "seconds": run["process_s"],
        "bar": first["bar"],
        "most_seconds": case.most_seconds,
        "met": all(check["met"] for check in checks) and run["process_s"] <= case.most_seconds,
        "published": case.published,
        "way": case.way,
        "training_seconds": run["wall_time_s"],
        "max_residual": run.get("max_residual"),
        "parameters": run.get("parameters"),
        "load": [busy, os.getloadavg()[0]],
        "checks": checks,
    }


def errors(case: Case, lab_home: str, run_id: str, table: Table, fields: tuple[str, ...]) -> dict[str, float]:
    """Relative L2 error of each field, and of `all` together, of a run's newest checkpoint."""
    found = sampled(case, lab_home, run_id, table.points)
    values = {name: table.values[name] for name in fields}
    each = {name: relative_l2(found, {name: value}) for name, value in values.items()}
    return each | {"all": relative_l2(found, values)}


def sampled(case: Case, lab_home: str, run_id: str, points: np.ndarray) -> Mapping[str, np.ndarray]:
    """The fields (n,) of a run at points (n, d) of the case."""
    os.environ["LAB_HOME"] = lab_home
    from core.runs import run_folder
    from core.solution.evaluate import load_solution

    asked, signs = case.seen_as(points)
    solution = load_solution(run_folder(run_id))
    if not case.slopes:
        return {name: signs * value for name, value in solution.evaluate(asked).items()}
    along = [solution.whole.slopes_at(asked, k) for k in range(asked.shape[1])]
    return {name: signs * factor * along[k][field] for name, (field, k, factor) in case.slopes.items()}
